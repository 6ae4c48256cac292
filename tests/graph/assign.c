/* assign.c - states: an assignment takes effect after every read of its run, in whatever order things were built. */
#include "support/support.h"

#include <string.h>

static const struct store_init zero = {STORE_CONSTANT, 0, 0};

static node new_state(struct graph *g, struct store *store, const char *name, struct shape shape, const float *data)
{
    test_entry(store, name, shape, STORE_STATE, data);
    return state(g, name, shape, zero);
}

static void run_once(struct test_run *run)
{
    test_execute(run, NULL, 0, 0, 0);
}

static void expect_tap(const struct test_run *run, const char *name, float a, float b)
{
    test_close(name, test_read(run, name), (const float[]){a, b}, 2, 0);
}

static void expect_entry(const struct store *store, const char *name, float a, float b)
{
    test_close(name, store_get(store, name)->data, (const float[]){a, b}, 2, 0);
}

/* Outputs of a run show the state as it was, however they reach it. */
static void test_old_value(void **context)
{
    struct store *store = test_store();
    (void)context;
    for (int late = 0; late < 2; late++) {
        struct graph *g = test_graph(store, true);
        node s = new_state(g, store, "s", SHAPE(2), (const float[]){0, 10});
        node next = op_affine(g, s, 1, 1);
        if (!late)
            assign(g, s, next);
        tap(g, "itself", s);
        tap(g, "view", op_reshape(g, s, SHAPE(2, 1)));
        tap(g, "detached", detach(g, s));
        tap(g, "twice", op_scale(g, s, 2));
        tap(g, "next", next);
        tap(g, "later", op_sub(g, next, s));
        if (late)
            assign(g, s, next);
        struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
        for (int i = 0; i < 3; i++) {
            float f = (float)i;
            run_once(&run);
            expect_tap(&run, "itself", f, f + 10);
            expect_tap(&run, "view", f, f + 10);
            expect_tap(&run, "detached", f, f + 10);
            expect_tap(&run, "twice", 2 * f, 2 * f + 20);
            expect_tap(&run, "next", f + 1, f + 11);
            expect_tap(&run, "later", 1, 1);
            expect_entry(store, "s", f + 1, f + 11);
        }
        test_release(&run);
    }
    store_free(store);
}

/* a and b change places, also through views; three rotate. */
static void test_swap(void **context)
{
    struct store *store = test_store();
    (void)context;
    for (int view = 0; view < 2; view++) {
        struct graph *g = test_graph(store, true);
        node a = new_state(g, store, "a", SHAPE(2), (const float[]){1, 2});
        node b = new_state(g, store, "b", SHAPE(2), (const float[]){3, 4});
        if (view) {
            assign(g, a, op_reshape(g, op_reshape(g, b, SHAPE(1, 2)), SHAPE(2)));
            assign(g, b, detach(g, a));
        } else {
            assign(g, a, b);
            assign(g, b, a);
        }
        struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
        run_once(&run);
        expect_entry(store, "a", 3, 4);
        expect_entry(store, "b", 1, 2);
        run_once(&run);
        expect_entry(store, "a", 1, 2);
        expect_entry(store, "b", 3, 4);
        test_release(&run);
    }
    struct graph *g = test_graph(store, true);
    node s[3];
    for (int i = 0; i < 3; i++)
        s[i] = new_state(g, store, (const char *const[]){"p", "q", "r"}[i], SHAPE(2),
                         (const float[]){(float)i, (float)-i});
    for (int i = 0; i < 3; i++)
        assign(g, s[i], i == 1 ? op_scale(g, s[2], 1) : s[(i + 1) % 3]);
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    run_once(&run);
    expect_entry(store, "p", 1, -1);
    expect_entry(store, "q", 2, -2);
    expect_entry(store, "r", 0, 0);
    test_release(&run);
    store_free(store);
}

/* What an optimiser does: gradient, moment and weight from one another's old values, the weight read on both sides. */
static void test_update(void **context)
{
    struct store *store = test_store();
    float w[2] = {1, -2}, m[2] = {0, 0};
    (void)context;
    struct graph *g = test_graph(store, true);
    node weight = test_param(g, store, "w", SHAPE(2), w), d;
    node moment = new_state(g, store, "m", SHAPE(2), m);
    node loss = op_sum(g, op_square(g, weight), REDUCE_ALL, false);
    graph_gradients(g, loss, &weight, 1, &d);
    node next = op_add(g, op_scale(g, moment, 0.5f), d);
    assign(g, weight, op_sub(g, weight, op_scale(g, next, 0.125f)));
    assign(g, moment, next);
    tap(g, "loss", loss);
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    for (int i = 0; i < 4; i++) {
        run_once(&run);
        test_close("loss", test_read(&run, "loss"), &(const float){w[0] * w[0] + w[1] * w[1]}, 1, 1e-6);
        for (int j = 0; j < 2; j++) {
            m[j] = 0.5f * m[j] + 2 * w[j];
            w[j] -= 0.125f * m[j];
        }
        test_close("w", store_get(store, "w")->data, w, 2, 1e-6);
        test_close("m", store_get(store, "m")->data, m, 2, 1e-6);
    }
    test_release(&run);
    store_free(store);
}

/* From an input, a constant, another parameter; and two states from one value. */
static void test_sources(void **context)
{
    struct store *store = test_store();
    (void)context;
    struct graph *g = test_graph(store, true);
    node x = input(g, "x", SHAPE(2), DTYPE_F32), p = test_param(g, store, "p", SHAPE(2), (const float[]){5, 6});
    const char *const names[] = {"fed", "constant", "param", "one", "two"};
    node target[5], value = op_scale(g, x, 2);
    for (int i = 0; i < 5; i++)
        target[i] = new_state(g, store, names[i], SHAPE(2), (const float[]){0, 0});
    assign(g, target[0], x);
    assign(g, target[1], constant(g, 7, SHAPE(2)));
    assign(g, target[2], p);
    assign(g, target[3], value);
    assign(g, target[4], value);
    tap(g, "value", value);
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    const float fed[2] = {1, 2};
    test_execute(&run, &(struct feed){"x", fed}, 1, 0, 0);
    expect_entry(store, "fed", 1, 2);
    expect_entry(store, "constant", 7, 7);
    expect_entry(store, "param", 5, 6);
    expect_entry(store, "one", 2, 4);
    expect_entry(store, "two", 2, 4);
    expect_tap(&run, "value", 2, 4);
    test_release(&run);
    store_free(store);
}

/* A queue: rows move up, new ones come in, and the loss of this run sees the old queue. */
static void test_queue(void **context)
{
    struct store *store = test_store();
    const float old[6] = {1, 1, 2, 2, 3, 3}, fresh[2] = {9, 9}, want[6] = {9, 9, 1, 1, 2, 2};
    (void)context;
    struct graph *g = test_graph(store, true);
    node queue = new_state(g, store, "queue", SHAPE(3, 2), old), x = input(g, "x", SHAPE(1, 2), DTYPE_F32);
    assign(g, queue, op_concat(g, (const node[]){x, op_slice_axis(g, queue, 0, 0, 2)}, 2, 0));
    tap(g, "sum", op_sum(g, queue, REDUCE_AXIS(0), false));
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    test_execute(&run, &(struct feed){"x", fresh}, 1, 0, 0);
    expect_tap(&run, "sum", 6, 6);
    test_close("queue", store_get(store, "queue")->data, want, 6, 0);
    test_execute(&run, &(struct feed){"x", fresh}, 1, 0, 0);
    expect_tap(&run, "sum", 12, 12);
    test_release(&run);
    store_free(store);
}

/* Rounded on the way in bf16, states themselves stay f32. */
static void test_bf16(void **context)
{
    struct store *store = test_store();
    (void)context;
    struct graph *g = test_graph(store, true);
    node s = new_state(g, store, "s", SHAPE(1, 2), (const float[]){1.0009765625f, 2});
    node y = op_matmul(g, s, constant_data(g, (const float[]){0, 1, 1, 0}, SHAPE(2, 2)), false, false);
    assign(g, s, y);
    struct store_entry *counter = test_entry(store, "count", SHAPE(2), STORE_STATE, (const float[]){4096, 0});
    node count = state(g, "count", SHAPE(2), zero);
    assign(g, count, op_affine(g, count, 1, 1));
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_BF16);
    run_once(&run);
    test_close("s", store_get(store, "s")->data, (const float[]){2, 1}, 2, 1e-2);
    test_close("count", counter->data, (const float[]){4097, 1}, 2, 0);
    test_release(&run);
    store_free(store);
}

/* Mapped weights are not written: an assignment moves them to memory of their own first. */
static void test_mapped(void **context)
{
    static const float mapped[2] = {1, 2};
    struct store *store = test_store();
    struct shape shape = SHAPE(2);
    (void)context;
    struct store_entry *entry = store_declare(store, "w", &shape, STORE_PARAM, zero);
    entry->data = (float *)(uintptr_t)mapped;
    struct graph *g = test_graph(store, true);
    node w = param(g, entry);
    assign(g, w, op_scale(g, w, 3));
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    run_once(&run);
    expect_entry(store, "w", 3, 6);
    assert_true(mapped[0] == 1 && mapped[1] == 2);
    test_release(&run);
    store_free(store);
}

static void expect_failure(struct graph *g, const char *const *texts)
{
    struct assay_error error;
    assert_true(graph_failed(g));
    assert_int_not_equal(graph_status(g, &error), ASSAY_OK);
    for (; *texts; texts++)
        if (!strstr(error.message, *texts))
            fail_msg("\"%s\" does not say \"%s\"", error.message, *texts);
    graph_free(g);
}

static void test_errors(void **context)
{
    struct store *store = test_store();
    (void)context;
    struct graph *g = test_graph(store, true);
    node s = state(g, "running", SHAPE(2), zero);
    assign(g, s, constant(g, 1, SHAPE(2)));
    assign(g, s, constant(g, 2, SHAPE(2))); /* twice */
    expect_failure(g, (const char *const[]){"running", NULL});

    g = test_graph(store, true);
    assign(g, state(g, "running", SHAPE(2), zero), constant(g, 1, SHAPE(3)));
    expect_failure(g, (const char *const[]){"running", "[2]", "[3]", NULL});

    g = test_graph(store, true);
    assign(g, constant(g, 1, SHAPE(2)), constant(g, 1, SHAPE(2)));
    assert_true(graph_failed(g));
    graph_free(g);

    g = test_graph(store, true);
    assign(g, state(g, "running", SHAPE(2), zero), input(g, "labels", SHAPE(2), DTYPE_I32));
    expect_failure(g, (const char *const[]){"running", "i32", NULL});

    g = test_graph(store, true); /* known under another shape */
    node again = state(g, "running", SHAPE(5), zero);
    assert_int_equal(again.id, NODE_NONE.id);
    expect_failure(g, (const char *const[]){"running", "[2]", "[5]", NULL});
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_old_value), cmocka_unit_test(test_swap),   cmocka_unit_test(test_update),
        cmocka_unit_test(test_sources),   cmocka_unit_test(test_queue),  cmocka_unit_test(test_bf16),
        cmocka_unit_test(test_mapped),    cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
