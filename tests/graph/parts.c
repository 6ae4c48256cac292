/* parts.c - large batches in parts: the same bits as in one piece, less memory, and steps that need the whole batch get
 * it. */
#include "support/support.h"

#include <stdio.h>

#include "base/random.h"

enum { B = 6, SIDE = 6, C = 6, COUNT = B * SIDE * SIDE * C, NODES = 18 };

struct values {
    float x[COUNT], w[C * C * 9], c[4][C];
};

struct build {
    struct graph *g;
    struct store *store;
    const struct values *v;
    struct random random;
    int params;
};

static node stored(struct build *b, struct shape shape, const float *data)
{
    char name[16];
    snprintf(name, sizeof name, "p%d", b->params++);
    return test_param(b->g, b->store, name, shape, data);
}

static node filter(struct build *b)
{
    return stored(b, SHAPE(C, C, 3, 3), b->v->w);
}

static node channel(struct build *b, int which)
{
    return stored(b, SHAPE(C), b->v->c[which]);
}

/* [B, SIDE, SIDE, C] from others like it. C is B: only an op's meaning tells weights and batches apart. */
static node step(struct build *b, node x, node y)
{
    struct graph *g = b->g;
    struct shape whole = SHAPE(B, SIDE, SIDE, C);
    switch (random_below(&b->random, 12)) {
    case 0: return op_conv2d(g, x, filter(b), conv_square(1, 1));
    case 1:
        return op_relu(g, op_add(g, y,
                                 op_batch_norm_frozen(g, op_conv2d(g, x, filter(b), conv_square(1, 1)), channel(b, 0),
                                                      channel(b, 1), channel(b, 2), channel(b, 3), 1e-5f)));
    case 2: return op_conv2d(g, x, op_scale(g, op_exp(g, filter(b)), 0.1f), conv_square(1, 1));
    case 3: return op_avg_pool2d(g, x, 3, 1, 1);
    case 4: return op_layer_norm(g, x, channel(b, 2), channel(b, 3), 1e-5f);
    case 5: return op_sub(g, x, op_scale(g, y, 0.5f));
    case 6: return op_tanh(g, x);
    case 7: return op_mul(g, x, op_tanh(g, stored(b, whole, b->v->x)));
    case 8: return op_add(g, x, op_mean(g, y, REDUCE_AXIS(0), true)); /* needs every picture */
    case 9: return op_reshape(g, op_tanh(g, op_reshape(g, x, SHAPE(B, -1))), whole);
    case 10: return op_reshape(g, op_neg(g, op_reshape(g, x, SHAPE(-1, C))), whole); /* other pictures than these */
    default: return op_max(g, x, op_slice_axis(g, y, 0, 0, 1));
    }
}

static struct test_run compiled(const struct values *v, uint64_t seed, enum precision precision, size_t cached,
                                struct store *store)
{
    struct build b = {.g = test_graph(store, false), .store = store, .v = v, .random = random_open(seed, 0, 0)};
    node x = input(b.g, "x", SHAPE(B, SIDE, SIDE, C), DTYPE_F32), nodes[NODES] = {x};
    for (int i = 1; i < NODES; i++) {
        node near = nodes[i - 1], far = nodes[random_below(&b.random, (uint64_t)i)];
        nodes[i] = step(&b, near, far);
        if (random_below(&b.random, 8) == 0) {
            char name[16];
            snprintf(name, sizeof name, "tap%d", i);
            tap(b.g, name, nodes[i]);
        }
    }
    tap(b.g, "y", nodes[NODES - 1]);
    struct plan_options options = {.backend = test_backend(0), .precision = precision, .cached_bytes = cached};
    struct assay_error error = {0};
    struct test_run run = {0};
    if (plan_create(b.g, &options, &run.plan, &error) || workspace_create(run.plan, &run.workspace, &error))
        fail_msg("seed %d: %s", (int)seed, error.message);
    return run;
}

static void count(void *context, const char *name, double seconds)
{
    (void)name;
    (void)seconds;
    ++*(int *)context;
}

static int kernels_run(const struct test_run *r, const struct values *v)
{
    struct assay_error error = {0};
    int kernels = 0;
    struct run_options options = {.watch = count, .watch_context = &kernels};
    if (plan_run(r->plan, r->workspace, &(struct feed){"x", v->x}, 1, &options, &error))
        fail_msg("running: %s", error.message);
    return kernels;
}

static void fill(struct values *v)
{
    test_fill(v->x, COUNT, 1, -1, 1);
    test_fill(v->w, sizeof v->w / sizeof v->w[0], 2, -0.3, 0.3);
    for (int i = 0; i < 4; i++)
        test_fill(v->c[i], C, 3 + (uint64_t)i, i == 1 ? 0.5 : -1, 1.5);
}

/* Every tap of random networks, in parts of one, two, three pictures and where that changes on the way. */
static void test_same_bits(void **context)
{
    static struct values v;
    const size_t map = COUNT / B * sizeof(float), caches[] = {1, 3 * map, 5 * map, 7 * map};
    int more[4] = {0};
    (void)context;
    fill(&v);
    for (uint64_t seed = 0; seed < 60; seed++) {
        enum precision precision = seed % 4 == 3 ? PRECISION_MODE_BF16 : PRECISION_MODE_F32;
        struct store *store = test_store();
        struct test_run whole = compiled(&v, seed, precision, SIZE_MAX, store);
        int kernels = kernels_run(&whole, &v);
        for (int i = 0; i < 4; i++) {
            struct test_run parts = compiled(&v, seed, precision, caches[i], store);
            for (int again = 0; again < 2; again++)
                more[i] += kernels_run(&parts, &v) > kernels;
            for (int t = 0; t < NODES; t++) {
                char name[32];
                snprintf(name, sizeof name, t ? "tap%d" : "y", t);
                if (test_count(&whole, name))
                    test_same(name, test_read(&parts, name), test_read(&whole, name), test_count(&whole, name));
            }
            test_release(&parts);
        }
        test_release(&whole);
        store_free(store);
    }
    for (int i = 0; i < 4; i++)
        assert_true(more[i] > 30);
}

/* What lies between the steps of one part takes the memory of one part. */
static void test_memory(void **context)
{
    size_t bytes[2];
    (void)context;
    for (int whole = 0; whole < 2; whole++) {
        struct store *store = test_store();
        struct graph *g = test_graph(store, false);
        node x = input(g, "x", SHAPE(B, SIDE, SIDE, C), DTYPE_F32);
        for (int i = 0; i < 4; i++)
            x = op_avg_pool2d(g, x, 3, 1, 1);
        tap(g, "y", op_mean(g, x, REDUCE_AXIS(1) | REDUCE_AXIS(2), false));
        struct plan_options options = {.backend = test_backend(0), .cached_bytes = whole ? SIZE_MAX : 1};
        struct assay_error error = {0};
        struct plan *plan = NULL;
        assert_int_equal(plan_create(g, &options, &plan, &error), ASSAY_OK);
        bytes[whole] = plan_workspace_bytes(plan);
        plan_free(plan);
        store_free(store);
    }
    assert_true(bytes[1] >= 2 * COUNT * sizeof(float));
    assert_true(bytes[0] < 3 * COUNT / 2 * sizeof(float));
}

/* A training graph stays whole, and so does a batch of one. */
static void test_whole(void **context)
{
    static struct values v;
    (void)context;
    fill(&v);
    for (int training = 0; training < 2; training++) {
        struct store *store = test_store();
        struct graph *g = test_graph(store, training);
        node x = input(g, "x", SHAPE(training ? B : 1, SIDE, SIDE, C), DTYPE_F32);
        tap(g, "y", op_avg_pool2d(g, op_avg_pool2d(g, x, 3, 1, 1), 3, 1, 1));
        struct plan_options options = {.backend = test_backend(0), .cached_bytes = 1};
        struct assay_error error = {0};
        struct test_run run = {0};
        assert_int_equal(plan_create(g, &options, &run.plan, &error), ASSAY_OK);
        assert_int_equal(workspace_create(run.plan, &run.workspace, &error), ASSAY_OK);
        assert_int_equal(kernels_run(&run, &v), 2);
        test_release(&run);
        store_free(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
