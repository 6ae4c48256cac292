/* elementwise.c - unary and binary functions and select: every kind, every way of broadcasting. */
#include "ops/harness.h"

#include <math.h>
#include <stdlib.h>

static double unary(const struct unary_attrs *u, double x)
{
    double s = 1 / (1 + exp(-x));
    switch (u->kind) {
    case UNARY_AFFINE: return (double)u->a * x + (double)u->b;
    case UNARY_EXP: return exp(x);
    case UNARY_LOG: return log(x);
    case UNARY_SQRT: return sqrt(x);
    case UNARY_ABS: return fabs(x);
    case UNARY_SIGN: return (x > 0) - (x < 0);
    case UNARY_FLOOR: return floor(x);
    case UNARY_POW: return pow(x, (double)u->a);
    case UNARY_CLAMP: return fmin(fmax(x, (double)u->a), (double)u->b);
    case UNARY_RELU: return x > 0 ? x : 0;
    case UNARY_GELU: return 0.5 * x * erfc(-x / sqrt(2));
    case UNARY_GELU_GRAD: return 0.5 * erfc(-x / sqrt(2)) + x * exp(-0.5 * x * x) / sqrt(2 * acos(-1));
    case UNARY_QUICK_GELU: return x / (1 + exp(-(double)1.702f * x));
    case UNARY_QUICK_GELU_GRAD: {
        double k = (double)1.702f, q = 1 / (1 + exp(-k * x));
        return q + k * x * q * (1 - q);
    }
    case UNARY_SILU: return x * s;
    case UNARY_SILU_GRAD: return s + x * s * (1 - s);
    case UNARY_SIGMOID: return s;
    case UNARY_TANH: return tanh(x);
    case UNARY_SOFTPLUS: return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
    case UNARY_COUNT: break;
    }
    return NAN;
}

static node build_unary(struct graph *g, const struct op_case *c, const node *in)
{
    return op_unary(g, c->unary.kind, in[0], c->unary.a, c->unary.b);
}

static void reference_unary(const struct op_case *c, const struct ref *in, struct ref *out)
{
    ref_shape(out, in[0].shape);
    for (int64_t i = 0; i < out->count; i++)
        out->data[i] = unary(&c->unary, in[0].data[i]);
}

static const struct {
    const char *name;
    struct unary_attrs u;
    double low, high, kink[3];
    int kinks;
    bool no_grad;
} unaries[] = {
    {"affine", {UNARY_AFFINE, -1.5f, 0.25f}, -2, 2, {0}, 0, false},
    {"affine, scale 0", {UNARY_AFFINE, 0, 2}, -2, 2, {0}, 0, false},
    {"exp", {UNARY_EXP, 0, 0}, -4, 4, {0}, 0, false},
    {"log", {UNARY_LOG, 0, 0}, 0.2, 9, {0}, 0, false},
    {"sqrt", {UNARY_SQRT, 0, 0}, 0.2, 9, {0}, 0, false},
    {"abs", {UNARY_ABS, 0, 0}, -2, 2, {0}, 1, false},
    {"sign", {UNARY_SIGN, 0, 0}, -2, 2, {0}, 1, false},
    {"floor", {UNARY_FLOOR, 0, 0}, -1.75, 1.75, {-1, 0, 1}, 3, false},
    {"pow 2", {UNARY_POW, 2, 0}, -2, 2, {0}, 0, false},
    {"pow 3", {UNARY_POW, 3, 0}, -2, 2, {0}, 0, false},
    {"pow 0.5", {UNARY_POW, 0.5f, 0}, 0.3, 3, {0}, 0, false},
    {"pow 1.5", {UNARY_POW, 1.5f, 0}, 0.3, 3, {0}, 0, false},
    {"pow 1", {UNARY_POW, 1, 0}, -2, 2, {0}, 0, false},
    {"pow 0", {UNARY_POW, 0, 0}, -2, 2, {0}, 0, false},
    {"pow -1", {UNARY_POW, -1, 0}, 0.5, 3, {0}, 0, false},
    {"pow -1 of negatives", {UNARY_POW, -1, 0}, -3, -0.5, {0}, 0, false},
    {"pow -0.5", {UNARY_POW, -0.5f, 0}, 0.5, 3, {0}, 0, false},
    {"clamp", {UNARY_CLAMP, -0.5f, 1}, -2, 2, {-0.5, 1}, 2, false},
    {"clamp below", {UNARY_CLAMP, 0.25f, INFINITY}, -2, 2, {0.25}, 1, false},
    {"relu", {UNARY_RELU, 0, 0}, -2, 2, {0}, 1, false},
    {"gelu", {UNARY_GELU, 0, 0}, -4, 4, {0}, 0, false},
    {"gelu_grad", {UNARY_GELU_GRAD, 0, 0}, -4, 4, {0}, 0, true},
    {"quick_gelu", {UNARY_QUICK_GELU, 0, 0}, -4, 4, {0}, 0, false},
    {"quick_gelu_grad", {UNARY_QUICK_GELU_GRAD, 0, 0}, -4, 4, {0}, 0, true},
    {"silu", {UNARY_SILU, 0, 0}, -6, 6, {0}, 0, false},
    {"silu_grad", {UNARY_SILU_GRAD, 0, 0}, -6, 6, {0}, 0, true},
    {"sigmoid", {UNARY_SIGMOID, 0, 0}, -6, 6, {0}, 0, false},
    {"tanh", {UNARY_TANH, 0, 0}, -3, 3, {0}, 0, false},
    {"softplus", {UNARY_SOFTPLUS, 0, 0}, -6, 6, {0}, 0, false},
};

/* One shape of every rank, with ones in all places; the last is long enough for two threads. */
static struct shape some_shape(int i)
{
    const struct shape shapes[] = {SHAPE(67),
                                   SHAPE(3, 5),
                                   SHAPE(2, 1, 5),
                                   SHAPE(2, 3, 4, 5),
                                   SHAPE(1, 2, 1, 3, 2),
                                   SHAPE(1),
                                   SHAPE(2, 1, 2, 1, 3, 1),
                                   SHAPE_SCALAR,
                                   SHAPE(1, 1),
                                   SHAPE(16, 1)};
    return shapes[i % 10];
}

static void test_unary(void **context)
{
    enum { KINDS = sizeof unaries / sizeof *unaries };
    struct op_case *cases = calloc(KINDS * 3, sizeof *cases);
    bool seen[UNARY_COUNT] = {false};
    int count = 0;
    (void)context;
    for (int i = 0; i < KINDS; i++)
        for (int s = 0; s < 3; s++) {
            struct op_case *c = &cases[count++];
            *c = (struct op_case){.build = build_unary, .reference = reference_unary, .inputs = 1, .any_threads = true};
            c->unary = unaries[i].u;
            c->in[0] = (struct op_arg){.shape = s == 2 ? SHAPE(3, 12289) : some_shape(3 * i + 7 * s),
                                       .low = unaries[i].low,
                                       .high = unaries[i].high,
                                       .kinks = unaries[i].kinks,
                                       .no_grad = unaries[i].no_grad};
            for (int j = 0; j < 3; j++)
                c->in[0].kink[j] = unaries[i].kink[j];
            if (s == 2) {
                c->samples = 3;
                c->step = 1.0 / 1024;
            }
            char text[SHAPE_TEXT];
            case_name(c, "%s %s", unaries[i].name, shape_text(&c->in[0].shape, text));
            seen[c->unary.kind] = true;
        }
    for (int i = 0; i < UNARY_COUNT; i++)
        assert_true(seen[i]);
    op_check_all(cases, count);
    free(cases);
}

/* Far out, at zero and at the kinks. */
static void test_unary_extremes(void **context)
{
    static const struct {
        struct unary_attrs u;
        float x[4], y[4], d[4];
    } table[] = {
        {{UNARY_EXP, 0, 0}, {-200, 0, 1, -INFINITY}, {0, 1, 2.7182817f, 0}, {0, 1, 2.7182817f, 0}},
        {{UNARY_SIGMOID, 0, 0}, {-200, 200, 0, 1}, {0, 1, 0.5f, 0.73105858f}, {0, 0, 0.25f, 0.19661193f}},
        {{UNARY_TANH, 0, 0}, {-200, 200, 0, 20}, {-1, 1, 0, 1}, {0, 0, 1, 0}},
        {{UNARY_SOFTPLUS, 0, 0}, {-200, 200, 0, 1}, {0, 200, 0.69314718f, 1.3132617f}, {0, 1, 0.5f, 0.73105858f}},
        {{UNARY_SILU, 0, 0}, {-200, 200, 0, 1}, {0, 200, 0, 0.73105858f}, {0, 1, 0.5f, 0.92767051f}},
        {{UNARY_GELU, 0, 0}, {-200, 200, 0, 1}, {0, 200, 0, 0.84134475f}, {0, 1, 0.5f, 1.0833155f}},
        {{UNARY_RELU, 0, 0}, {0, -1, 1, 200}, {0, 0, 1, 200}, {0, 0, 1, 1}},
        {{UNARY_ABS, 0, 0}, {0, -1, 1, -200}, {0, 1, 1, 200}, {0, -1, 1, -1}},
        {{UNARY_SIGN, 0, 0}, {0, -1, 1, -200}, {0, -1, 1, -1}, {0, 0, 0, 0}},
        {{UNARY_FLOOR, 0, 0}, {-0.5f, 3, -2, 223.75f}, {-1, 3, -2, 223}, {0, 0, 0, 0}},
        {{UNARY_CLAMP, -0.5f, 1}, {-0.5f, 1, -1, 2}, {-0.5f, 1, -0.5f, 1}, {1, 1, 0, 0}},
        {{UNARY_POW, 2, 0}, {0, -1, -3, 4}, {0, 1, 9, 16}, {0, -2, -6, 8}},
        {{UNARY_POW, 0, 0}, {0, -1, -3, 4}, {1, 1, 1, 1}, {0, 0, 0, 0}},
        {{UNARY_SQRT, 0, 0}, {0.25f, 1, 4, 64}, {0.5f, 1, 2, 8}, {1, 0.5f, 0.25f, 0.0625f}},
    };
    const float ones[4] = {1, 1, 1, 1};
    (void)context;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct op_case c = {.build = build_unary, .reference = reference_unary, .inputs = 1, .unary = table[i].u};
        c.in[0].shape = SHAPE(4);
        case_name(&c, "extremes of unary %d", table[i].u.kind);
        op_expect(&c, (const float *const[]){table[i].x}, table[i].y, ones, (const float *const[]){table[i].d});
    }
    struct op_case c = {.build = build_unary, .reference = reference_unary, .inputs = 1, .unary = {UNARY_LOG, 0, 0}};
    c.in[0].shape = SHAPE(2);
    case_name(&c, "log of zero");
    op_expect(&c, (const float *const[]){(const float[]){0, 1}}, (const float[]){-INFINITY, 0}, NULL, NULL);
}

static double binary(enum binary_kind kind, double a, double b)
{
    switch (kind) {
    case BINARY_ADD: return a + b;
    case BINARY_SUB: return a - b;
    case BINARY_MUL: return a * b;
    case BINARY_DIV: return a / b;
    case BINARY_MAX: return a > b ? a : b;
    case BINARY_MIN: return a < b ? a : b;
    case BINARY_EQ: return a == b;
    case BINARY_LT: return a < b;
    case BINARY_LE: return a <= b;
    case BINARY_GT: return a > b;
    case BINARY_GE: return a >= b;
    case BINARY_RELU_GRAD: return a > 0 ? b : 0;
    case BINARY_COUNT: break;
    }
    return NAN;
}

static node build_binary(struct graph *g, const struct op_case *c, const node *in)
{
    return op_binary(g, c->binary.kind, in[0], in[1]);
}

static void reference_binary(const struct op_case *c, const struct ref *in, struct ref *out)
{
    struct shape shape = {.rank = in[0].shape.rank > in[1].shape.rank ? in[0].shape.rank : in[1].shape.rank};
    for (int i = 0; i < shape.rank; i++) {
        int at_a = i - shape.rank + in[0].shape.rank, at_b = i - shape.rank + in[1].shape.rank;
        int64_t a = at_a < 0 ? 1 : in[0].shape.dim[at_a], b = at_b < 0 ? 1 : in[1].shape.dim[at_b];
        shape.dim[i] = a == 1 ? b : a;
    }
    ref_shape(out, shape);
    int64_t index[TENSOR_MAX_RANK] = {0}, i = 0;
    do
        out->data[i++] = binary(c->binary.kind, ref_broadcast_at(&in[0], index, shape.rank),
                                ref_broadcast_at(&in[1], index, shape.rank));
    while (ref_next(&shape, index));
}

enum { PATTERNS = 23 };

static void pattern(int i, struct shape *a, struct shape *b)
{
    const struct shape table[PATTERNS][2] = {
        {SHAPE_SCALAR, SHAPE_SCALAR},
        {SHAPE(3, 4), SHAPE_SCALAR},
        {SHAPE_SCALAR, SHAPE(3, 4)},
        {SHAPE(5), SHAPE(1)},
        {SHAPE(1), SHAPE(5)},
        {SHAPE(1, 1), SHAPE(1)},
        {SHAPE(37), SHAPE(37)},
        {SHAPE(3, 5), SHAPE(3, 5)},
        {SHAPE(2, 3, 2, 5), SHAPE(2, 3, 2, 5)},
        {SHAPE(2, 3, 4), SHAPE(4)},
        {SHAPE(4), SHAPE(2, 3, 4)},
        {SHAPE(2, 3, 4), SHAPE(3, 1)},
        {SHAPE(2, 3, 4), SHAPE(2, 1, 1)},
        {SHAPE(2, 1, 1), SHAPE(2, 3, 4)},
        {SHAPE(2, 3, 4), SHAPE(2, 1, 4)},
        {SHAPE(2, 1, 4), SHAPE(1, 3, 1)},
        {SHAPE(7, 1), SHAPE(1, 17)},
        {SHAPE(2, 1, 3, 1), SHAPE(5, 1, 6)},
        {SHAPE(2, 3, 2, 19), SHAPE(2, 1, 1, 19)},
        {SHAPE(2, 1, 3, 1, 2), SHAPE(1, 2, 1, 2, 1)},
        {SHAPE(2, 1, 2, 1, 2, 3), SHAPE(1, 2, 1, 2, 1, 3)},
        {SHAPE(31, 33, 17), SHAPE(17)},
        {SHAPE(31, 33, 17), SHAPE(31, 33, 17)},
    };
    *a = table[i][0];
    *b = table[i][1];
}

static void test_binary(void **context)
{
    static const char *const names[BINARY_COUNT] = {"add", "sub", "mul", "div", "max", "min",
                                                    "eq",  "lt",  "le",  "gt",  "ge",  "relu_grad"};
    struct op_case *cases = calloc(BINARY_COUNT * PATTERNS, sizeof *cases);
    int count = 0;
    (void)context;
    for (int kind = 0; kind < BINARY_COUNT; kind++)
        for (int p = 0; p < PATTERNS; p++) {
            struct op_case *c = &cases[count];
            *c = (struct op_case){.build = build_binary,
                                  .reference = reference_binary,
                                  .inputs = 2,
                                  .any_threads = true};
            c->binary.kind = kind;
            pattern(p, &c->in[0].shape, &c->in[1].shape);
            bool large = shape_count(&c->in[0].shape) > 256;
            if (large && kind > BINARY_EQ)
                continue;
            count++;
            if (kind == BINARY_DIV) {
                c->in[1].low = p & 1 ? 0.5 : -2;
                c->in[1].high = p & 1 ? 2 : -0.5;
            } else if (kind == BINARY_MAX || kind == BINARY_MIN) {
                c->in[0].values = c->in[1].values = ARG_DISTINCT;
                c->in[1].offset = 1.0 / 64;
                c->step = 1.0 / 512; /* not across the kink, 1/64 away */
                c->no_bf16 = large;
            } else if (kind > BINARY_MIN) {
                c->in[0].values = ARG_TIES;
                c->in[1].values = kind == BINARY_RELU_GRAD ? ARG_UNIFORM : ARG_TIES;
                c->in[1].no_grad = true;
            }
            if (large)
                c->samples = 4;
            char a[SHAPE_TEXT], b[SHAPE_TEXT];
            case_name(c, "%s %s %s", names[kind], shape_text(&c->in[0].shape, a), shape_text(&c->in[1].shape, b));
        }
    op_check_all(cases, count);
    free(cases);
}

/* Between equal values the gradient of a maximum or minimum is halved; a comparison passes none. */
static void test_binary_ties(void **context)
{
    const float a[3] = {1, 2, 3}, b[3] = {1, 3, 2}, dy[3] = {4, 2, -6}, zeros[3] = {0, 0, 0};
    const float from_larger[2][3] = {{2, 0, -6}, {2, 2, 0}}, from_smaller[2][3] = {{2, 2, 0}, {2, 0, -6}};
    (void)context;
    struct op_case c = {.name = "maximum of equals", .build = build_binary, .reference = reference_binary, .inputs = 2};
    c.in[0].shape = c.in[1].shape = SHAPE(3);
    c.binary.kind = BINARY_MAX;
    op_expect(&c, (const float *const[]){a, b}, (const float[]){1, 3, 3}, dy,
              (const float *const[]){from_larger[0], from_larger[1]});
    case_name(&c, "minimum of equals");
    c.binary.kind = BINARY_MIN;
    op_expect(&c, (const float *const[]){a, b}, (const float[]){1, 2, 2}, dy,
              (const float *const[]){from_smaller[0], from_smaller[1]});
    for (c.binary.kind = BINARY_EQ; c.binary.kind <= BINARY_GE; c.binary.kind++) {
        case_name(&c, "comparison %d", c.binary.kind);
        op_expect(&c, (const float *const[]){a, b}, NULL, dy, (const float *const[]){zeros, zeros});
    }
}

static node build_same(struct graph *g, const struct op_case *c, const node *in)
{
    return op_binary(g, c->binary.kind, in[0], in[0]);
}

static void reference_same(const struct op_case *c, const struct ref *in, struct ref *out)
{
    reference_binary(c, (const struct ref[]){in[0], in[0]}, out);
}

/* Both operands one node: both gradients meet in it. */
static void test_binary_same(void **context)
{
    static const enum binary_kind kinds[] = {BINARY_ADD, BINARY_SUB, BINARY_MUL, BINARY_DIV, BINARY_MAX};
    struct op_case cases[5];
    (void)context;
    for (int i = 0; i < 5; i++) {
        cases[i] = (struct op_case){.build = build_same, .reference = reference_same, .inputs = 1, .any_threads = true};
        cases[i].binary.kind = kinds[i];
        cases[i].in[0] = (struct op_arg){.shape = SHAPE(3, 7), .low = 0.5, .high = 2};
        case_name(&cases[i], "binary %d of x and x", kinds[i]);
    }
    op_check_all(cases, 5);
}

static node build_select(struct graph *g, const struct op_case *c, const node *in)
{
    (void)c;
    return op_select(g, in[0], in[1], in[2]);
}

static void reference_select(const struct op_case *c, const struct ref *in, struct ref *out)
{
    struct shape shape = {.rank = 0};
    (void)c;
    for (int k = 0; k < 3; k++)
        if (in[k].shape.rank > shape.rank)
            shape.rank = in[k].shape.rank;
    for (int i = 0; i < shape.rank; i++) {
        shape.dim[i] = 1;
        for (int k = 0; k < 3; k++) {
            int at = i - shape.rank + in[k].shape.rank;
            if (at >= 0 && in[k].shape.dim[at] != 1)
                shape.dim[i] = in[k].shape.dim[at];
        }
    }
    ref_shape(out, shape);
    int64_t index[TENSOR_MAX_RANK] = {0}, i = 0;
    do {
        double v[3];
        for (int k = 0; k < 3; k++)
            v[k] = ref_broadcast_at(&in[k], index, shape.rank);
        out->data[i++] = v[0] != 0 ? v[1] : v[2];
    } while (ref_next(&shape, index));
}

static void test_select(void **context)
{
    const struct shape table[][3] = {
        {SHAPE(3, 5), SHAPE(3, 5), SHAPE(3, 5)},
        {SHAPE(3, 1), SHAPE(3, 5), SHAPE(3, 5)},
        {SHAPE(3, 5), SHAPE_SCALAR, SHAPE(5)},
        {SHAPE(5), SHAPE(3, 1), SHAPE(2, 1, 1)},
        {SHAPE_SCALAR, SHAPE(2, 3), SHAPE(2, 3)},
        {SHAPE(2, 1, 3, 1), SHAPE(2, 1, 4), SHAPE(1, 2, 1, 1)},
        {SHAPE(1), SHAPE(1), SHAPE(1)},
        {SHAPE(77, 1, 5), SHAPE(77, 50, 5), SHAPE(1, 50, 1)},
        {SHAPE(2, 1, 2, 1, 2), SHAPE(3, 2, 1, 2), SHAPE_SCALAR},
    };
    enum { COUNT = sizeof table / sizeof *table };
    struct op_case cases[COUNT];
    (void)context;
    for (int i = 0; i < COUNT; i++) {
        cases[i] = (struct op_case){
            .build = build_select, .reference = reference_select, .inputs = 3, .any_threads = true, .samples = 6};
        for (int k = 0; k < 3; k++)
            cases[i].in[k].shape = table[i][k];
        cases[i].in[0].values = ARG_TIES; /* zeros among them */
        char text[3][SHAPE_TEXT];
        case_name(&cases[i], "select %s %s %s", shape_text(&table[i][0], text[0]), shape_text(&table[i][1], text[1]),
                  shape_text(&table[i][2], text[2]));
    }
    op_check_all(cases, COUNT);
}

/* The named functions are the kinds that they say. */
static void test_names(void **context)
{
    const float x[2] = {0.75f, 0.5f}, y[2] = {0.25f, 2};
    struct store *store = test_store();
    struct graph *g = test_graph(store, false);
    (void)context;
    node a = input(g, "x", SHAPE(2), DTYPE_F32), b = input(g, "y", SHAPE(2), DTYPE_F32);
    const struct {
        const char *name;
        node n;
        double want[2];
    } table[] = {
        {"affine", op_affine(g, a, 2, 1), {2.5, 2}},
        {"scale", op_scale(g, a, 3), {2.25, 1.5}},
        {"neg", op_neg(g, a), {-0.75, -0.5}},
        {"exp", op_exp(g, a), {exp(0.75), exp(0.5)}},
        {"log", op_log(g, a), {log(0.75), log(0.5)}},
        {"sqrt", op_sqrt(g, a), {sqrt(0.75), sqrt(0.5)}},
        {"abs", op_abs(g, op_neg(g, a)), {0.75, 0.5}},
        {"floor", op_floor(g, op_affine(g, a, 2, 0.25f)), {1, 1}},
        {"square", op_square(g, a), {0.5625, 0.25}},
        {"pow", op_pow(g, a, 3), {0.421875, 0.125}},
        {"clamp", op_clamp(g, a, 0.6f, 0.7f), {(double)0.7f, (double)0.6f}},
        {"relu", op_relu(g, op_affine(g, a, 1, -0.6f)), {0.15, 0}},
        {"gelu", op_gelu(g, a), {0.75 * 0.5 * erfc(-0.75 / sqrt(2)), 0.5 * 0.5 * erfc(-0.5 / sqrt(2))}},
        {"silu", op_silu(g, a), {0.75 / (1 + exp(-0.75)), 0.5 / (1 + exp(-0.5))}},
        {"sigmoid", op_sigmoid(g, a), {1 / (1 + exp(-0.75)), 1 / (1 + exp(-0.5))}},
        {"tanh", op_tanh(g, a), {tanh(0.75), tanh(0.5)}},
        {"add", op_add(g, a, b), {1, 2.5}},
        {"sub", op_sub(g, a, b), {0.5, -1.5}},
        {"mul", op_mul(g, a, b), {0.1875, 1}},
        {"div", op_div(g, a, b), {3, 0.25}},
        {"max", op_max(g, a, b), {0.75, 2}},
        {"min", op_min(g, a, b), {0.25, 0.5}},
        {"equal", op_equal(g, a, b), {0, 0}},
        {"less", op_less(g, a, b), {0, 1}},
        {"greater", op_greater(g, a, b), {1, 0}},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        tap(g, table[i].name, table[i].n);
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    test_execute(&run, (const struct feed[]){{"x", x}, {"y", y}}, 2, 0, 0);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        float want[2] = {(float)table[i].want[0], (float)table[i].want[1]};
        test_close(table[i].name, test_read(&run, table[i].name), want, 2, 1e-6);
    }
    test_release(&run);
    store_free(store);
}

static node bad_add(struct graph *g)
{
    return op_add(g, constant(g, 1, SHAPE(2, 3)), constant(g, 1, SHAPE(2, 4)));
}

static node bad_middle(struct graph *g)
{
    return op_mul(g, constant(g, 1, SHAPE(2, 3, 4)), constant(g, 1, SHAPE(2, 4)));
}

static node bad_select(struct graph *g)
{
    return op_select(g, constant(g, 1, SHAPE(3)), constant(g, 1, SHAPE(2, 3)), constant(g, 1, SHAPE(4)));
}

static node bad_dtype(struct graph *g)
{
    return op_exp(g, input(g, "labels", SHAPE(6), DTYPE_I32));
}

static void test_errors(void **context)
{
    (void)context;
    EXPECT_FAILURE(bad_add, "[2, 3]", "[2, 4]");
    EXPECT_FAILURE(bad_middle, "[2, 3, 4]", "[2, 4]");
    EXPECT_FAILURE(bad_select, "[2, 3]", "[4]");
    EXPECT_FAILURE(bad_dtype, "i32");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unary),       cmocka_unit_test(test_unary_extremes), cmocka_unit_test(test_binary),
        cmocka_unit_test(test_binary_ties), cmocka_unit_test(test_binary_same),    cmocka_unit_test(test_select),
        cmocka_unit_test(test_names),       cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
