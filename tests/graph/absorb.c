/* absorb.c - kernels that apply the ops that follow them: the same values as by kernels of their own, in fewer steps;
 * and whatever is read by anyone else stays a value of its own. */
#include "support/support.h"

#include <string.h>

enum { B = 2, SIDE = 7, IN = 5, OUT = 19, TOKENS = 9, WIDTH = 21 };

struct values {
    float x[B * SIDE * SIDE * 32], other[B * SIDE * SIDE * 32], w[64 * 9 * 32], c[6][64];
};

struct case_io {
    struct graph *g;
    struct store *store;
    const struct values *v;
};

static node channels(const struct case_io *io, const char *name, int which, int64_t count)
{
    return test_param(io->g, io->store, name, SHAPE(count), io->v->c[which]);
}

static node frozen_norm(const struct case_io *io, node y, int64_t count)
{
    return op_batch_norm_frozen(io->g, y, channels(io, "mean", 0, count), channels(io, "var", 1, count),
                                channels(io, "scale", 2, count), channels(io, "shift", 3, count), 1e-5f);
}

static node conv(const struct case_io *io, node x, int groups, bool bias)
{
    struct conv_attrs a = conv_square(1, 1);
    a.groups = groups;
    int64_t in = graph_dim(io->g, x, -1), out = groups == 1 ? OUT : 4 * groups;
    node w = test_param(io->g, io->store, "w", SHAPE(out, in / groups, 3, 3), io->v->w);
    return bias ? op_conv2d_bias(io->g, x, w, channels(io, "bias", 4, out), a) : op_conv2d(io->g, x, w, a);
}

static node picture(const struct case_io *io, int64_t in)
{
    return input(io->g, "x", SHAPE(B, SIDE, SIDE, in), DTYPE_F32);
}

/* Norm, residual sum, activation: all one step. The residual is computed after the convolution. */
static node block(const struct case_io *io)
{
    node y = frozen_norm(io, conv(io, picture(io, IN), 1, false), OUT);
    node other = op_neg(io->g, input(io->g, "other", SHAPE(B, SIDE, SIDE, OUT), DTYPE_F32));
    return op_relu(io->g, op_add(io->g, y, other));
}

static node block_from_the_right(const struct case_io *io)
{
    node other = input(io->g, "other", SHAPE(B, SIDE, SIDE, OUT), DTYPE_F32);
    return op_relu(io->g, op_add(io->g, other, frozen_norm(io, conv(io, picture(io, IN), 1, true), OUT)));
}

static node grouped(const struct case_io *io)
{
    return op_silu(io->g, frozen_norm(io, conv(io, picture(io, 6), 3, true), 12));
}

static node tokens(const struct case_io *io)
{
    return input(io->g, "x", SHAPE(B, TOKENS, WIDTH), DTYPE_F32);
}

static node product(const struct case_io *io, node x, int64_t out)
{
    node w = test_param(io->g, io->store, "w", SHAPE(out, WIDTH), io->v->w);
    return op_matmul_bias(io->g, x, w, channels(io, "bias", 4, out), false, true);
}

static node perceptron(const struct case_io *io)
{
    return op_gelu(io->g, product(io, tokens(io), 40));
}

static node quick_perceptron(const struct case_io *io)
{
    return op_quick_gelu(io->g, product(io, tokens(io), 40));
}

/* A branch scaled by channel and added to what came in. */
static node branch(const struct case_io *io)
{
    node x = tokens(io), gamma = channels(io, "gamma", 5, WIDTH);
    return op_add(io->g, x, op_mul(io->g, product(io, x, WIDTH), gamma));
}

/* A product of two results has a plain kernel. */
static node no_weights(const struct case_io *io)
{
    node x = tokens(io);
    return op_relu(io->g, op_matmul(io->g, x, x, false, true));
}

/* The convolution's result is read twice. */
static node read_twice(const struct case_io *io)
{
    node y = conv(io, picture(io, IN), 1, false);
    return op_add(io->g, op_relu(io->g, y), op_neg(io->g, y));
}

/* A view lies between. */
static node viewed(const struct case_io *io)
{
    node y = op_reshape(io->g, product(io, tokens(io), WIDTH), SHAPE(B * TOKENS, WIDTH));
    return op_relu(io->g, y);
}

/* Two branches meet: the sum goes to the first, the second keeps its norm. */
static node meeting(const struct case_io *io)
{
    node x = picture(io, IN);
    node a = conv(io, x, 1, false), b = frozen_norm(io, conv(io, x, 1, true), OUT);
    return op_relu(io->g, op_add(io->g, a, b));
}

/* The same weights before two norms. */
static node shared_weights(const struct case_io *io)
{
    struct graph *g = io->g;
    node x = picture(io, IN), first = frozen_norm(io, conv(io, x, 1, false), OUT);
    node second =
        op_batch_norm_frozen(g, conv(io, x, 1, false), channels(io, "mean", 0, OUT), channels(io, "var", 1, OUT),
                             channels(io, "scale2", 5, OUT), channels(io, "shift", 3, OUT), 1e-5f);
    return op_sub(g, first, second);
}

/* The norm's scale is no stored tensor. */
static node computed_norm(const struct case_io *io)
{
    node scale = op_affine(io->g, channels(io, "scale", 2, OUT), 2, 1);
    return op_batch_norm_frozen(io->g, conv(io, picture(io, IN), 1, true), channels(io, "mean", 0, OUT),
                                channels(io, "var", 1, OUT), scale, channels(io, "shift", 3, OUT), 1e-5f);
}

/* The sum's other operand is smaller, or of more elements. */
static node broadcast(const struct case_io *io)
{
    node one = input(io->g, "other", SHAPE(1, SIDE, SIDE, OUT), DTYPE_F32);
    return op_add(io->g, conv(io, picture(io, IN), 1, false), one);
}

/* Elementwise ops in a row, with operands that broadcast, on both sides; bit for bit the same. */
static node chain(const struct case_io *io)
{
    struct graph *g = io->g;
    node x = picture(io, IN), y = op_sub(g, channels(io, "c", 0, IN), x);
    y = op_add(g, op_scale(g, op_sqrt(g, op_square(g, y)), 3), x);
    return op_div(g, op_mul(g, y, constant(g, 0.7f, SHAPE_SCALAR)), op_affine(g, op_abs(g, x), 1, 1));
}

/* Longer than a kernel can take. */
static node long_chain(const struct case_io *io)
{
    node y = picture(io, IN);
    for (int i = 0; i < 20; i++)
        y = op_affine(io->g, y, 0.9f, 0.1f);
    return y;
}

/* With the statistics of the batch: a norm takes the sum and the activation. */
static node batch_block(const struct case_io *io)
{
    struct graph *g = io->g;
    node x = picture(io, IN);
    node y =
        op_batch_norm(g, x, op_channel_stats(g, x), channels(io, "scale", 2, IN), channels(io, "shift", 3, IN), 1e-5f);
    return op_relu(g, op_add(g, input(g, "other", SHAPE(B, SIDE, SIDE, IN), DTYPE_F32), y));
}

/* Gradients meet and pass a relu. */
static node meeting_gradients(const struct case_io *io)
{
    struct graph *g = io->g;
    node w = test_param(g, io->store, "w", SHAPE(B, SIDE, SIDE, IN), io->v->w), d;
    node y = op_relu(g, op_mul(g, w, picture(io, IN)));
    node loss = op_sum(g, op_add(g, op_mul(g, y, w), op_exp(g, y)), REDUCE_ALL, false);
    graph_gradients(g, loss, &w, 1, &d);
    return d;
}

static const struct absorb_case {
    const char *name;
    node (*build)(const struct case_io *io);
    int apart, together; /* steps in f32 */
    bool exact;          /* in f32, bit for bit */
} cases[] = {
    {"block", block, 5, 2, false},
    {"block_from_the_right", block_from_the_right, 4, 1, false},
    {"grouped", grouped, 3, 1, false},
    {"perceptron", perceptron, 2, 1, false},
    {"quick", quick_perceptron, 2, 1, false},
    {"branch", branch, 3, 1, false},
    {"no_weights", no_weights, 2, 2, false},
    {"read_twice", read_twice, 4, 3, false},
    {"viewed", viewed, 2, 2, false},
    {"meeting", meeting, 5, 2, false},
    {"broadcast", broadcast, 2, 2, false},
    {"shared_weights", shared_weights, 5, 3, false},
    {"computed_norm", computed_norm, 3, 2, false},
    {"chain", chain, 9, 3, true},
    {"long_chain", long_chain, 20, 3, true},
    {"batch_block", batch_block, 4, 2, true},
    {"gradients", meeting_gradients, 11, 7, true},
};

static void count(void *context, const char *name, double seconds)
{
    (void)name;
    (void)seconds;
    ++*(int *)context;
}

static struct test_run compiled(const struct absorb_case *c, struct store *store, const struct values *v,
                                enum precision precision, bool apart)
{
    struct graph *g = test_graph(store, false);
    struct case_io io = {g, store, v};
    tap(g, "y", c->build(&io));
    return apart ? test_compile_apart(g, test_backend(0), precision) : test_compile(g, test_backend(0), precision);
}

/* Runs, and says in how many steps. */
static int run(const struct test_run *r, const struct values *v)
{
    struct feed feeds[2] = {{"x", v->x}, {"other", v->other}};
    struct assay_error error = {0};
    int steps = 0;
    struct run_options options = {.watch = count, .watch_context = &steps};
    if (plan_run(r->plan, r->workspace, feeds, 2, &options, &error) &&
        plan_run(r->plan, r->workspace, feeds, 1, &options, &error))
        fail_msg("running: %s", error.message);
    return steps;
}

static void check(const struct absorb_case *c, const struct values *v, enum precision precision)
{
    struct store *a = test_store(), *b = test_store();
    struct test_run apart = compiled(c, a, v, precision, true);
    struct test_run together = compiled(c, b, v, precision, false);
    bool f32 = plan_precision(apart.plan) == PRECISION_MODE_F32;
    int steps[2] = {run(&apart, v), run(&together, v)};
    if (f32 && (steps[0] != c->apart || steps[1] != c->together))
        fail_msg("%s: %d steps apart and %d together, not %d and %d", c->name, steps[0], steps[1], c->apart,
                 c->together);
    test_close(c->name, test_read(&together, "y"), test_read(&apart, "y"), test_count(&apart, "y"), f32 ? 2e-6 : 3e-2);
    if (f32 && c->exact)
        test_same(c->name, test_read(&together, "y"), test_read(&apart, "y"), test_count(&apart, "y"));
    test_release(&apart);
    test_release(&together);
    store_free(a);
    store_free(b);
}

static void test_same_values(void **context)
{
    static struct values v;
    (void)context;
    test_fill(v.x, sizeof v.x / sizeof v.x[0], 1, -1, 1);
    test_fill(v.other, sizeof v.other / sizeof v.other[0], 2, -1, 1);
    test_fill(v.w, sizeof v.w / sizeof v.w[0], 3, -0.3, 0.3);
    for (int i = 0; i < 6; i++)
        test_fill(v.c[i], 64, 4 + (uint64_t)i, i == 1 ? 0.5 : -1, 1.5);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int precision = PRECISION_MODE_F32; precision <= PRECISION_MODE_BF16; precision++)
            check(&cases[i], &v, (enum precision)precision);
}

/* Values that are tapped exist, and are those that the unabsorbed graph has. */
static void test_tapped(void **context)
{
    float x[B * TOKENS * WIDTH], w[WIDTH * WIDTH], bias[WIDTH];
    (void)context;
    test_fill(x, B * TOKENS * WIDTH, 1, -1, 1);
    test_fill(w, WIDTH * WIDTH, 2, -1, 1);
    test_fill(bias, WIDTH, 3, -1, 1);
    struct store *store = test_store();
    struct graph *g = test_graph(store, false);
    node in = input(g, "x", SHAPE(B, TOKENS, WIDTH), DTYPE_F32);
    node y = op_matmul_bias(g, in, test_param(g, store, "w", SHAPE(WIDTH, WIDTH), w),
                            test_param(g, store, "b", SHAPE(WIDTH), bias), false, true);
    tap(g, "before", y);
    tap(g, "after", op_relu(g, y));
    struct test_run r = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    test_execute(&r, &(struct feed){"x", x}, 1, 0, 0);
    const float *before = test_read(&r, "before"), *after = test_read(&r, "after");
    int negative = 0;
    for (int i = 0; i < B * TOKENS * WIDTH; i++) {
        negative += before[i] < 0;
        assert_true(after[i] == (before[i] < 0 ? 0 : before[i]));
    }
    assert_true(negative > 10);
    test_release(&r);
    store_free(store);
}

/* Statistics that change between runs are read anew. */
static void test_new_statistics(void **context)
{
    static struct values v;
    (void)context;
    for (int i = 0; i < 6; i++)
        test_fill(v.c[i], 64, 4 + (uint64_t)i, 0.5, 1.5);
    test_fill(v.x, sizeof v.x / sizeof v.x[0], 1, -1, 1);
    test_fill(v.w, sizeof v.w / sizeof v.w[0], 3, -0.3, 0.3);
    struct store *a = test_store(), *b = test_store();
    struct test_run apart = compiled(&cases[2], a, &v, PRECISION_MODE_F32, true);
    struct test_run together = compiled(&cases[2], b, &v, PRECISION_MODE_F32, false);
    for (int change = 0; change < 3; change++) {
        run(&apart, &v);
        run(&together, &v);
        test_close("norm", test_read(&together, "y"), test_read(&apart, "y"), test_count(&apart, "y"), 2e-6);
        const char *name = change ? "var" : "mean";
        for (int i = 0; i < 12; i++) {
            store_get(a, name)->data[i] += 1;
            store_get(b, name)->data[i] += 1;
        }
        store_get(a, name)->version++;
        store_get(b, name)->version++;
    }
    test_release(&apart);
    test_release(&together);
    store_free(a);
    store_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_values),
        cmocka_unit_test(test_tapped),
        cmocka_unit_test(test_new_statistics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
