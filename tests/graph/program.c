/* program.c - several graphs over one store: cached by shapes, sharing weights, run by several threads. */
#include "support/support.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "graph/program.h"

enum { WIDTH = 8, CLASSES = 3 };

/* What the builders count. */
struct builds {
    int evaluate, step;
};

static node classify(struct graph *g, struct store *store, node x)
{
    struct shape shape = SHAPE(WIDTH, CLASSES);
    struct store_init init = {STORE_UNIFORM, -1, 1};
    node w = param(g, store_declare(store, "w", &shape, STORE_PARAM, init));
    return op_matmul(g, op_tanh(g, x), w, false, false);
}

struct model {
    struct store *store;
    struct program *program;
    struct builds builds;
};

static void build_evaluate(struct graph *g, const struct shape *shapes, int count, void *context)
{
    struct model *m = context;
    m->builds.evaluate++;
    assert_false(graph_training(g));
    assert_int_equal(count, 1);
    tap(g, "logits", classify(g, m->store, input(g, "x", shapes[0], DTYPE_F32)));
}

static void build_step(struct graph *g, const struct shape *shapes, int count, void *context)
{
    struct model *m = context;
    m->builds.step++;
    assert_true(graph_training(g));
    assert_int_equal(count, 2);
    node logits = classify(g, m->store, input(g, "x", shapes[0], DTYPE_F32)), *params, d[1];
    node loss = op_cross_entropy(g, logits, input(g, "labels", shapes[1], DTYPE_I32), 0);
    assert_int_equal(graph_trained_params(g, &params), 1);
    node w = params[0];
    graph_gradients(g, loss, &w, 1, d);
    assign(g, w, op_sub(g, w, op_scale(g, d[0], 0.5f)));
    tap(g, "loss", loss);
}

static void build_random(struct graph *g, const struct shape *shapes, int count, void *context)
{
    (void)count;
    (void)context;
    tap(g, "u", op_add(g, input(g, "x", shapes[0], DTYPE_F32), op_random_uniform(g, shapes[0])));
}

static struct model open_model(enum precision precision)
{
    struct assay_error error;
    struct model m = {.store = test_store()};
    struct plan_options options = {.backend = test_backend(0), .precision = precision};
    assert_int_equal(program_create(m.store, &options, &m.program, &error), ASSAY_OK);
    return m;
}

static void add_graphs(struct model *m)
{
    struct assay_error error;
    float w[WIDTH * CLASSES];
    test_fill(w, WIDTH * CLASSES, 2, -1, 1);
    test_entry(m->store, "w", SHAPE(WIDTH, CLASSES), STORE_PARAM, w);
    assert_int_equal(program_add(m->program, "evaluate", false, build_evaluate, m, &error), ASSAY_OK);
    assert_int_equal(program_add(m->program, "step", true, build_step, m, &error), ASSAY_OK);
    assert_int_equal(program_add(m->program, "random", true, build_random, m, &error), ASSAY_OK);
}

static void close_model(struct model *m)
{
    program_free(m->program);
    store_free(m->store);
}

static struct program_run run(struct model *m, const char *graph, const struct program_input *inputs, int count,
                              uint64_t step)
{
    struct assay_error error = {0};
    struct program_run r = {0};
    struct run_options options = {.seed = 4, .step = step};
    if (program_run(m->program, graph, inputs, count, &options, &r, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    return r;
}

static struct program_run evaluate(struct model *m, const float *x, int64_t batch)
{
    return run(m, "evaluate", &(struct program_input){"x", SHAPE(batch, WIDTH), x}, 1, 0);
}

static void test_cache(void **context)
{
    struct model m = open_model(PRECISION_MODE_F32);
    float x[8 * WIDTH];
    (void)context;
    add_graphs(&m);
    test_fill(x, 8 * WIDTH, 1, -1, 1);
    static const int64_t batches[] = {2, 3, 2, 8, 3, 2, 8};
    for (int i = 0; i < 7; i++) {
        struct program_run r = evaluate(&m, x, batches[i]);
        struct tensor t = program_read(&r, "logits");
        test_shape(&t.shape, SHAPE(batches[i], CLASSES));
        assert_null(program_read(&r, "loss").data);
        program_release(&r);
    }
    assert_int_equal(m.builds.evaluate, 3);
    assert_int_equal(m.builds.step, 0);
    close_model(&m);
    program_free(NULL);
    struct program_run nothing = {0};
    program_release(&nothing);
}

/* More shapes than are kept compiled, while one of the first is still held. */
static void test_many_shapes(void **context)
{
    enum { SHAPES = 50 };
    struct model m = open_model(PRECISION_MODE_F32);
    float x[SHAPES * WIDTH], first[CLASSES];
    (void)context;
    add_graphs(&m);
    test_fill(x, SHAPES * WIDTH, 1, -1, 1);
    struct program_run held = evaluate(&m, x, 1);
    memcpy(first, program_read(&held, "logits").data, sizeof first);
    for (int64_t batch = SHAPES; batch > 1; batch--) {
        struct program_run r = evaluate(&m, x, batch);
        test_close("first row", program_read(&r, "logits").data, first, CLASSES, 1e-6);
        program_release(&r);
    }
    test_same("held", program_read(&held, "logits").data, first, CLASSES);
    assert_int_equal(m.builds.evaluate, SHAPES);
    struct program_run again = evaluate(&m, x, 1); /* what is held stays compiled */
    assert_int_equal(m.builds.evaluate, SHAPES);
    program_release(&again);
    program_release(&held);
    close_model(&m);
}

/* Two runs of one graph that are held at once do not share values. */
static void test_held(void **context)
{
    struct model m = open_model(PRECISION_MODE_F32);
    float x[2 * WIDTH], y[2 * WIDTH], first[2 * CLASSES];
    (void)context;
    add_graphs(&m);
    test_fill(x, 2 * WIDTH, 1, -1, 1);
    test_fill(y, 2 * WIDTH, 2, -1, 1);
    struct program_run a = evaluate(&m, x, 2);
    memcpy(first, program_read(&a, "logits").data, sizeof first);
    struct program_run b = evaluate(&m, y, 2);
    test_same("held", program_read(&a, "logits").data, first, 2 * CLASSES);
    assert_memory_not_equal(program_read(&b, "logits").data, first, sizeof first);
    program_release(&a);
    program_release(&b);
    assert_int_equal(m.builds.evaluate, 1);
    close_model(&m);
}

/* A step changes the weight that the other graph has already packed. */
static void test_train(enum precision precision, double tolerance)
{
    struct model m = open_model(precision), fresh = open_model(precision);
    float x[6 * WIDTH], before = 0;
    const int32_t labels[6] = {0, 1, 2, 0, 1, 2};
    add_graphs(&m);
    add_graphs(&fresh);
    test_fill(x, 6 * WIDTH, 1, -1, 1);
    const struct program_input inputs[] = {{"x", SHAPE(6, WIDTH), x}, {"labels", SHAPE(6), labels}};
    for (uint64_t step = 0; step < 30; step++) {
        struct program_run e = evaluate(&m, x, 6), s = run(&m, "step", inputs, 2, step);
        float loss = *(const float *)program_read(&s, "loss").data;
        assert_true(step == 0 || loss < before + 1e-3f);
        before = loss;
        program_release(&e);
        program_release(&s);
    }
    memcpy(store_get(fresh.store, "w")->data, store_get(m.store, "w")->data, sizeof(float) * WIDTH * CLASSES);
    store_get(fresh.store, "w")->version++;
    struct program_run a = evaluate(&m, x, 6), b = evaluate(&fresh, x, 6);
    test_close("trained", program_read(&a, "logits").data, program_read(&b, "logits").data, 6 * CLASSES, tolerance);
    program_release(&a);
    program_release(&b);
    assert_true(before < 0.7f);
    assert_int_equal(m.builds.evaluate, 1);
    assert_int_equal(m.builds.step, 1);
    close_model(&m);
    close_model(&fresh);
}

static void test_train_f32(void **context)
{
    (void)context;
    test_train(PRECISION_MODE_F32, 0);
}

static void test_train_bf16(void **context)
{
    (void)context;
    test_train(PRECISION_MODE_BF16, 0);
}

static void test_random(void **context)
{
    struct model m = open_model(PRECISION_MODE_F32);
    float zeros[64] = {0}, first[64];
    const struct program_input in = {"x", SHAPE(64), zeros};
    (void)context;
    add_graphs(&m);
    struct program_run r = run(&m, "random", &in, 1, 0);
    memcpy(first, program_read(&r, "u").data, sizeof first);
    program_release(&r);
    r = run(&m, "random", &in, 1, 1);
    assert_memory_not_equal(program_read(&r, "u").data, first, sizeof first);
    program_release(&r);
    r = run(&m, "random", &in, 1, 0);
    test_same("the same step", program_read(&r, "u").data, first, 64);
    program_release(&r);
    close_model(&m);
}

static void expect_failure(struct model *m, const char *graph, const struct program_input *inputs, int count,
                           const char *text)
{
    struct assay_error error = {0};
    struct program_run r = {0};
    struct run_options options = {0};
    for (int prepare = 0; prepare < 2; prepare++) {
        if (prepare)
            assert_int_not_equal(program_prepare(m->program, graph, inputs, count, &error), ASSAY_OK);
        else
            assert_int_not_equal(program_run(m->program, graph, inputs, count, &options, &r, &error), ASSAY_OK);
        if (!strstr(error.message, text))
            fail_msg("\"%s\" does not say \"%s\"", error.message, text);
    }
    program_release(&r);
}

static void test_errors(void **context)
{
    struct model m = open_model(PRECISION_MODE_F32);
    struct assay_error error;
    float x[2 * WIDTH] = {0};
    (void)context;
    add_graphs(&m);
    expect_failure(&m, "evalute", &(struct program_input){"x", SHAPE(2, WIDTH), x}, 1, "evalute");
    expect_failure(&m, "evaluate", &(struct program_input){"x", SHAPE(2, 5), x}, 1, "[2, 5]");
    struct program_input image = {"image", SHAPE(2, WIDTH), x}; /* the graph declares x */
    struct program_run r = {0};
    assert_int_not_equal(program_run(m.program, "evaluate", &image, 1, &(struct run_options){0}, &r, &error), ASSAY_OK);
    assert_non_null(strstr(error.message, "\"x\""));
    program_release(&r);
    r = evaluate(&m, x, 2); /* failures left nothing behind */
    program_release(&r);
    struct program_input good = {"x", SHAPE(4, WIDTH), NULL};
    int builds = m.builds.evaluate;
    assert_int_equal(program_prepare(m.program, "evaluate", &good, 1, &error), ASSAY_OK);
    assert_int_equal(m.builds.evaluate, builds + 1);
    assert_int_equal(program_prepare(m.program, "evaluate", &good, 1, &error), ASSAY_OK);
    assert_int_equal(m.builds.evaluate, builds + 1);
    close_model(&m);
}

/* Threads run one program at once, with shapes that are first seen by any of them. */
enum { THREADS = 4, MOST = 5, ROUNDS = 40 };

struct worker {
    struct model *m;
    const float *x, *want;
    int index;
    bool right;
};

static void *work(void *context)
{
    struct worker *w = context;
    w->right = true;
    for (int i = 0; i < ROUNDS && w->right; i++) {
        struct assay_error error;
        struct program_run r = {0};
        int64_t batch = 1 + (i + w->index) % MOST;
        struct program_input in = {"x", SHAPE(batch, WIDTH), w->x};
        struct run_options options = {0};
        if (program_run(w->m->program, "evaluate", &in, 1, &options, &r, &error) != ASSAY_OK) {
            w->right = false;
        } else {
            const float *y = program_read(&r, "logits").data;
            w->right = memcmp(y, w->want + (batch - 1) * MOST * CLASSES, (size_t)batch * CLASSES * sizeof *y) == 0;
        }
        program_release(&r);
    }
    return NULL;
}

static void test_threads(void **context)
{
    float x[MOST * WIDTH], want[MOST * MOST * CLASSES];
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    struct model serial = open_model(PRECISION_MODE_F32), m = open_model(PRECISION_MODE_F32);
    (void)context;
    add_graphs(&serial);
    add_graphs(&m);
    test_fill(x, MOST * WIDTH, 1, -1, 1);
    for (int64_t batch = 1; batch <= MOST; batch++) {
        struct program_run r = evaluate(&serial, x, batch);
        memcpy(want + (batch - 1) * MOST * CLASSES, program_read(&r, "logits").data,
               (size_t)batch * CLASSES * sizeof *want);
        program_release(&r);
    }
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){&m, x, want, i, false};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(workers[i].right);
    }
    assert_int_equal(m.builds.evaluate, MOST);
    close_model(&m);
    close_model(&serial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cache),     cmocka_unit_test(test_many_shapes), cmocka_unit_test(test_held),
        cmocka_unit_test(test_train_f32), cmocka_unit_test(test_train_bf16),  cmocka_unit_test(test_random),
        cmocka_unit_test(test_errors),    cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
