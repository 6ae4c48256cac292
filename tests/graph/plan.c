/* plan.c - compiled graphs: feeds, taps, precision, and memory in which no two live values overlap. */
#include "support/support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

static void expect_run_failure(const struct test_run *run, const struct feed *feeds, int count, const char *text)
{
    struct assay_error error = {0};
    struct run_options options = {0};
    assert_int_not_equal(plan_run(run->plan, run->workspace, feeds, count, &options, &error), ASSAY_OK);
    if (!strstr(error.message, text))
        fail_msg("\"%s\" does not say \"%s\"", error.message, text);
}

static void test_feeds(void **context)
{
    struct store *store = test_store();
    const float x[3] = {1, 2, 3}, y[3] = {10, 20, 30};
    (void)context;
    struct graph *g = test_graph(store, false);
    node a = input(g, "image", SHAPE(3), DTYPE_F32), b = input(g, "target", SHAPE(3), DTYPE_F32);
    tap(g, "sum", op_add(g, a, b));
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    expect_run_failure(&run, (const struct feed[]){{"image", x}}, 1, "target");
    expect_run_failure(&run, NULL, 0, "image");
    expect_run_failure(&run, (const struct feed[]){{"image", x}, {"tagret", y}}, 2, "ta");
    expect_run_failure(&run, (const struct feed[]){{"image", x}, {"target", y}, {"labels", y}}, 3, "labels");
    test_execute(&run, (const struct feed[]){{"target", y}, {"image", x}}, 2, 0, 0);
    test_close("sum", test_read(&run, "sum"), (const float[]){11, 22, 33}, 3, 0);
    test_execute(&run, (const struct feed[]){{"image", x}, {"target", x}}, 2, 0, 0); /* nothing is left over */
    test_close("sum", test_read(&run, "sum"), (const float[]){2, 4, 6}, 3, 0);
    assert_null(workspace_read(run.workspace, "sun").data);
    test_release(&run);

    g = test_graph(store, false); /* an input that nothing reads belongs to the graph all the same */
    input(g, "unused", SHAPE(3), DTYPE_F32);
    tap(g, "y", op_neg(g, input(g, "image", SHAPE(3), DTYPE_F32)));
    run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    expect_run_failure(&run, &(const struct feed){"image", x}, 1, "unused");
    test_execute(&run, (const struct feed[]){{"image", x}, {"unused", y}}, 2, 0, 0);
    test_close("y", test_read(&run, "y"), (const float[]){-1, -2, -3}, 3, 0);
    test_release(&run);
    store_free(store);
}

/* Everything can be tapped: leaves, views, values of any type, one value under two names. */
static void test_taps(void **context)
{
    struct store *store = test_store();
    const float x[4] = {1, 2, 3, 4}, w[2] = {5, 6};
    const int32_t labels[2] = {7, -(1 << 30) - 1};
    (void)context;
    for (int precision = PRECISION_MODE_F32; precision <= PRECISION_MODE_BF16; precision++) {
        struct graph *g = test_graph(store, false);
        node in = input(g, "x", SHAPE(2, 2), DTYPE_F32), view = op_reshape(g, in, SHAPE(4));
        node product = op_matmul(g, in, constant(g, 1, SHAPE(2, 1)), false, false);
        tap(g, "input", in);
        tap(g, "view", view);
        tap(g, "labels", input(g, "labels", SHAPE(2), DTYPE_I32));
        tap(g, "param", test_param(g, store, "w", SHAPE(2), w));
        tap(g, "constant", constant(g, 9, SHAPE(1, 2)));
        tap(g, "table", constant_data(g, w, SHAPE(2)));
        tap(g, "product", product);
        tap(g, "again", product);
        tap(g, "scalar", op_sum(g, view, REDUCE_ALL, false));
        struct test_run run = test_compile(g, test_backend(0), precision);
        test_execute(&run, (const struct feed[]){{"x", x}, {"labels", labels}}, 2, 0, 0);
        test_close("input", test_read(&run, "input"), x, 4, 0);
        test_close("view", test_read(&run, "view"), x, 4, 0);
        test_close("param", test_read(&run, "param"), w, 2, 0);
        test_close("constant", test_read(&run, "constant"), (const float[]){9, 9}, 2, 0);
        test_close("table", test_read(&run, "table"), w, 2, 0);
        test_close("product", test_read(&run, "product"), (const float[]){3, 7}, 2, 0);
        test_close("again", test_read(&run, "again"), (const float[]){3, 7}, 2, 0);
        test_close("scalar", test_read(&run, "scalar"), &(const float){10}, 1, 0);
        struct tensor t = workspace_read(run.workspace, "labels");
        assert_int_equal(t.dtype, DTYPE_I32);
        assert_memory_equal(t.data, labels, sizeof labels);
        t = workspace_read(run.workspace, "product");
        assert_int_equal(t.dtype, DTYPE_F32);
        test_shape(&t.shape, SHAPE(2, 1));
        assert_int_equal(workspace_read(run.workspace, "scalar").shape.rank, 0);
        test_release(&run);
    }
    store_free(store);
}

static bool has_none(void)
{
    return false;
}

static void test_precision(void **context)
{
    struct store *store = test_store();
    (void)context;
    for (int b = 0; b < TEST_BACKENDS; b++) {
        const struct backend *backend = test_backend(b);
        struct backend without = *backend;
        without.has_bf16 = has_none;
        for (int i = 0; i < 3; i++) {
            struct graph *g = test_graph(store, false);
            const float x[2] = {1, 1.00390625f}; /* the second needs nine bits */
            node in = input(g, "x", SHAPE(1, 2), DTYPE_F32);
            tap(g, "y", op_matmul(g, in, constant_data(g, (const float[]){1, 0, 0, 1}, SHAPE(2, 2)), false, false));
            bool bf16 = i == 1 && backend->has_bf16 && backend->has_bf16();
            struct test_run run =
                test_compile(g, i == 2 ? &without : backend, i ? PRECISION_MODE_BF16 : PRECISION_MODE_F32);
            assert_int_equal(plan_precision(run.plan), bf16 ? PRECISION_MODE_BF16 : PRECISION_MODE_F32);
            test_execute(&run, &(struct feed){"x", x}, 1, 0, 0);
            assert_true(test_read(&run, "y")[0] == 1);
            assert_true((test_read(&run, "y")[1] == x[1]) == !bf16);
            test_release(&run);
        }
    }
    store_free(store);
}

/* A random graph of many values, each used again later or never; with `all`, every one is tapped. */
enum { DAG_NODES = 120 };

static struct test_run random_dag(struct store *store, uint64_t seed, bool all, enum precision precision)
{
    struct random r = random_open(seed, 1, 2);
    struct graph *g = test_graph(store, true);
    node n[DAG_NODES], weight;
    float w[64];
    test_fill(w, 64, 3, -0.4, 0.4);
    weight = test_param(g, store, "w", SHAPE(8, 8), w);
    n[0] = input(g, "x", SHAPE(12, 8), DTYPE_F32);
    n[1] = state(g, "s", SHAPE(12, 8), (struct store_init){STORE_UNIFORM, -1, 1});
    for (int i = 2; i < DAG_NODES; i++) {
        node a = n[random_below(&r, (uint64_t)i)], b = n[i - 1 - (int)random_below(&r, i < 6 ? 2 : 6)];
        switch (random_below(&r, 14)) {
        case 0: n[i] = op_add(g, a, b); break;
        case 1: n[i] = op_mul(g, op_sigmoid(g, a), b); break;
        case 2: n[i] = op_sub(g, b, op_scale(g, a, 0.5f)); break;
        case 3: n[i] = op_matmul(g, b, weight, false, true); break;
        case 4: /* halves change places */
            n[i] = op_concat(g, (const node[]){op_slice_axis(g, a, 1, 4, 4), op_slice_axis(g, b, 1, 0, 4)}, 2, 1);
            break;
        case 5: /* through views */
            n[i] = op_reshape(g, op_tanh(g, op_reshape(g, b, SHAPE(8, 12))), SHAPE(12, 8));
            break;
        case 6: n[i] = op_reshape(g, op_permute(g, a, (const int[]){1, 0}), SHAPE(12, 8)); break;
        case 7: n[i] = op_mul(g, b, op_softmax(g, op_reshape(g, a, SHAPE(12, 8)))); break;
        case 8: n[i] = op_sub(g, b, op_mean(g, a, REDUCE_AXIS(1), true)); break;
        case 9: /* a view of a value that lives on */
            n[i] = op_add(g, op_reshape(g, op_reshape(g, a, SHAPE(96)), SHAPE(12, 8)), op_relu(g, b));
            break;
        case 10: /* large, for a short time */
            n[i] = op_add(g, b,
                          op_mean(g, op_mul(g, op_reshape(g, a, SHAPE(12, 8, 1)), op_reshape(g, b, SHAPE(12, 1, 8))),
                                  REDUCE_AXIS(2), false));
            break;
        case 11: n[i] = op_dropout(g, op_max(g, a, b), 0.1f); break;
        case 12: /* the same value twice */ n[i] = op_tanh(g, op_add(g, b, b)); break;
        default:
            n[i] = op_layer_norm(g, b, constant(g, 1, SHAPE(8)), op_reshape(g, op_slice_axis(g, a, 0, 3, 1), SHAPE(8)),
                                 1e-3f);
            break;
        }
        if (all) {
            char name[16];
            snprintf(name, sizeof name, "n%d", i);
            tap(g, name, n[i]);
        }
    }
    node d[2], loss = op_mean(g, op_square(g, n[DAG_NODES - 1]), REDUCE_ALL, false);
    graph_gradients(g, loss, (const node[]){n[0], weight}, 2, d);
    tap(g, "y", n[DAG_NODES - 1]);
    tap(g, "middle", n[DAG_NODES / 2]);
    tap(g, "dx", d[0]);
    tap(g, "dw", d[1]);
    assign(g, n[1], op_clamp(g, op_add(g, n[DAG_NODES - 1], n[DAG_NODES / 3]), -1, 1));
    struct assay_error error;
    assert_int_equal(store_initialise(store, 5, &error), ASSAY_OK);
    return test_compile_apart(g, test_backend(0), precision);
}

static void test_memory(void **context)
{
    static const char *const taps[] = {"y", "middle", "dx", "dw"};
    float x[96];
    (void)context;
    test_fill(x, 96, 8, -1, 1);
    for (uint64_t seed = 0; seed < 24; seed++) {
        enum precision precision = seed % 3 == 2 ? PRECISION_MODE_BF16 : PRECISION_MODE_F32;
        struct store *a = test_store(), *b = test_store();
        struct test_run lean = random_dag(a, seed, false, precision), full = random_dag(b, seed, true, precision);
        for (uint64_t step = 0; step < 2; step++) {
            test_execute(&lean, &(struct feed){"x", x}, 1, seed, step);
            test_execute(&full, &(struct feed){"x", x}, 1, seed, step);
            for (int i = 0; i < 4; i++)
                test_same(taps[i], test_read(&lean, taps[i]), test_read(&full, taps[i]), test_count(&lean, taps[i]));
            test_same("state", store_get(a, "s")->data, store_get(b, "s")->data, 96);
        }
        assert_true(plan_workspace_bytes(lean.plan) < plan_workspace_bytes(full.plan));
        test_release(&lean);
        test_release(&full);
        store_free(a);
        store_free(b);
    }
}

/* A long chain runs in a few buffers. */
static void test_chain(void **context)
{
    enum { COUNT = 65536 };
    struct store *store = test_store();
    float *x = calloc(COUNT, sizeof *x);
    (void)context;
    struct graph *g = test_graph(store, false);
    node y = input(g, "x", SHAPE(256, 256), DTYPE_F32);
    for (int i = 0; i < 30; i++) {
        y = op_affine(g, y, 1, 1);
        if (i % 5 == 0)
            y = op_permute(g, y, (const int[]){1, 0});
    }
    tap(g, "y", y);
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    size_t bytes = plan_workspace_bytes(run.plan);
    if (bytes > 4 * COUNT * sizeof(float))
        fail_msg("%zu bytes for a chain of %zu-byte values", bytes, COUNT * sizeof(float));
    test_execute(&run, &(struct feed){"x", x}, 1, 0, 0);
    assert_true(test_read(&run, "y")[0] == 30 && test_read(&run, "y")[COUNT - 1] == 30);
    assert_true(x[0] == 0 && x[COUNT - 1] == 0); /* what is fed is not written */
    test_release(&run);
    store_free(store);
    free(x);
}

/* What nobody reads is not computed: an op that would need much memory leaves no trace. */
static void test_pruned(void **context)
{
    struct store *store = test_store();
    size_t bytes[2];
    (void)context;
    for (int dead = 0; dead < 2; dead++) {
        struct graph *g = test_graph(store, false);
        node x = input(g, "x", SHAPE(64), DTYPE_F32);
        if (dead)
            op_exp(g, op_broadcast(g, x, SHAPE(1000, 64)));
        tap(g, "y", op_exp(g, x));
        struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
        bytes[dead] = plan_workspace_bytes(run.plan);
        test_release(&run);
    }
    assert_int_equal(bytes[0], bytes[1]);
    store_free(store);
}

/* Several threads run one plan, each with a workspace and inputs of its own. */
enum { THREADS = 4, RUNS = 12, TAPPED = 96 };

struct worker {
    const struct plan *plan;
    const float *want; /* what each seed gave before, [RUNS, TAPPED] */
    int first;
    bool right;
};

static bool run_and_copy(const struct plan *plan, struct workspace *workspace, uint64_t seed, float *y)
{
    struct assay_error error;
    float x[TAPPED];
    test_fill(x, TAPPED, seed, -1, 1);
    struct run_options options = {.seed = seed, .step = 1};
    if (plan_run(plan, workspace, &(struct feed){"x", x}, 1, &options, &error) != ASSAY_OK)
        return false;
    memcpy(y, workspace_read(workspace, "y").data, TAPPED * sizeof *y);
    return true;
}

static void *work(void *context)
{
    struct worker *w = context;
    struct assay_error error;
    struct workspace *workspace = NULL;
    float y[TAPPED];
    w->right = workspace_create(w->plan, &workspace, &error) == ASSAY_OK;
    for (int i = 0; i < 4 * RUNS && w->right; i++) {
        int seed = (w->first + i) % RUNS;
        w->right =
            run_and_copy(w->plan, workspace, (uint64_t)seed, y) && memcmp(y, w->want + seed * TAPPED, sizeof y) == 0;
    }
    workspace_free(workspace);
    return NULL;
}

static void test_threads(void **context)
{
    struct store *store = test_store();
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    float w[64], want[RUNS * TAPPED];
    (void)context;
    struct graph *g = test_graph(store, true);
    test_fill(w, 64, 1, -1, 1);
    node x = input(g, "x", SHAPE(12, 8), DTYPE_F32);
    node y = op_matmul(g, op_gelu(g, x), test_param(g, store, "w", SHAPE(8, 8), w), false, false);
    tap(g, "y", op_dropout(g, op_softmax(g, y), 0.2f));
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    for (int i = 0; i < RUNS; i++)
        assert_true(run_and_copy(run.plan, run.workspace, (uint64_t)i, want + i * TAPPED));
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){run.plan, want, i * 3, false};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(workers[i].right);
    }
    test_release(&run);
    store_free(store);
}

/* A parameter without data is an error that names it, also where the graph would assign it. */
static void test_uninitialised(void **context)
{
    struct assay_error error = {0};
    struct store *store = test_store();
    struct shape shape = SHAPE(2);
    (void)context;
    for (int assigned = 0; assigned < 2; assigned++) {
        struct graph *g = test_graph(store, false);
        struct store_init init = {STORE_CONSTANT, 0, 0};
        node w = param(g, store_declare(store, "head.bias", &shape, STORE_PARAM, init));
        tap(g, "y", op_exp(g, w));
        if (assigned)
            assign(g, w, op_affine(g, w, 1, 1));
        struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
        assert_int_not_equal(plan_run(run.plan, run.workspace, NULL, 0, &(struct run_options){0}, &error), ASSAY_OK);
        assert_non_null(strstr(error.message, "head.bias"));
        assert_null(store_get(store, "head.bias")->data);
        test_release(&run);
    }
    store_free(store);
}

/* Graphs that are wrong in ways of their own; what each says. */
static node wrong_input(struct graph *g)
{
    input(g, "image", SHAPE(2), DTYPE_F32);
    return input(g, "image", SHAPE(2), DTYPE_F32);
}

static node wrong_tap(struct graph *g)
{
    node x = constant(g, 1, SHAPE(2));
    tap(g, "embedding", x);
    tap(g, "embedding", x);
    return x;
}

static node wrong_nothing(struct graph *g)
{
    tap(g, "embedding", NODE_NONE);
    return NODE_NONE;
}

static node wrong_operand(struct graph *g)
{
    return op_add(g, constant(g, 1, SHAPE(2)), NODE_NONE);
}

static node wrong_count(struct graph *g)
{
    node parts[100];
    for (int i = 0; i < 100; i++)
        parts[i] = constant(g, 1, SHAPE(2));
    return op_concat(g, parts, 100, 0);
}

static node wrong_shape(struct graph *g)
{
    return constant(g, 1, SHAPE(2, -1));
}

static node wrong_size(struct graph *g)
{
    return op_broadcast(g, constant(g, 1, SHAPE(1)), SHAPE(INT64_MAX / 2, 3));
}

static node wrong_slope(struct graph *g)
{
    node x = input(g, "x", SHAPE(2), DTYPE_F32), d;
    graph_gradients(g, op_sum(g, op_unary(g, UNARY_GELU_GRAD, x, 0, 0), REDUCE_ALL, false), &x, 1, &d);
    return d;
}

static void test_errors(void **context)
{
    const struct {
        node (*build)(struct graph *g);
        const char *text;
    } table[] = {{wrong_input, "\"image\""},
                 {wrong_tap, "\"embedding\""},
                 {wrong_nothing, "\"embedding\""},
                 {wrong_operand, "never built"},
                 {wrong_count, "100"},
                 {wrong_shape, "[2, -1]"},
                 {wrong_size, "[4611686018427387903, 3]"},
                 {wrong_slope, "derivative"}};
    struct store *store = test_store();
    struct plan_options options = {.backend = test_backend(0)};
    (void)context;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct assay_error error = {0};
        struct plan *plan = NULL;
        struct graph *g = test_graph(store, true);
        table[i].build(g);
        assert_true(graph_failed(g));
        assert_int_not_equal(plan_create(g, &options, &plan, &error), ASSAY_OK);
        assert_null(plan);
        if (!strstr(error.message, table[i].text))
            fail_msg("\"%s\" does not say \"%s\"", error.message, table[i].text);
    }

    /* A backend without a kernel for an op says which. */
    struct assay_error error = {0};
    struct plan *plan = NULL;
    const struct kernel *const none[] = {NULL};
    struct backend empty = *test_backend(0);
    empty.name = "empty";
    empty.kernels = none;
    options.backend = &empty;
    struct graph *g = test_graph(store, false);
    tap(g, "y", op_softmax(g, constant(g, 1, SHAPE(2))));
    assert_int_not_equal(plan_create(g, &options, &plan, &error), ASSAY_OK);
    assert_non_null(strstr(error.message, "softmax"));
    assert_non_null(strstr(error.message, "empty"));
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_feeds),   cmocka_unit_test(test_taps),          cmocka_unit_test(test_precision),
        cmocka_unit_test(test_memory),  cmocka_unit_test(test_chain),         cmocka_unit_test(test_pruned),
        cmocka_unit_test(test_threads), cmocka_unit_test(test_uninitialised), cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
