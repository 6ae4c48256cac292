/* attention.c - attention: biases of every broadcast, causal masks, cross lengths, blocks of queries, dropout. */
#include "ops/harness.h"

#include <math.h>
#include <string.h>

static node build_attention(struct graph *g, const struct op_case *c, const node *in)
{
    struct attention_config config = {.scale = c->attention.scale, .causal = c->attention.causal};
    return c->inputs == 4 ? op_attention_bias(g, in[0], in[1], in[2], in[3], config)
                          : op_attention(g, in[0], in[1], in[2], config);
}

static double at(const struct ref *r, int64_t b, int64_t n, int64_t h, int64_t d)
{
    const int64_t *dim = r->shape.dim;
    return r->data[((b * dim[1] + n) * dim[2] + h) * dim[3] + d];
}

static void reference_attention(const struct op_case *c, const struct ref *in, struct ref *out)
{
    enum { MOST = 300 };
    struct shape q = in[0].shape;
    int64_t keys = in[1].shape.dim[1];
    double scale = c->attention.scale != 0 ? (double)c->attention.scale : 1 / sqrt((double)q.dim[3]), weight[MOST];
    ref_shape(out, q);
    for (int64_t b = 0; b < q.dim[0]; b++)
        for (int64_t h = 0; h < q.dim[2]; h++)
            for (int64_t i = 0; i < q.dim[1]; i++) {
                double most = -INFINITY, sum = 0;
                for (int64_t j = 0; j < keys; j++) {
                    weight[j] = 0;
                    for (int64_t d = 0; d < q.dim[3]; d++)
                        weight[j] += scale * at(&in[0], b, i, h, d) * at(&in[1], b, j, h, d);
                    if (c->inputs == 4)
                        weight[j] += ref_broadcast_at(&in[3], (int64_t[]){b, h, i, j}, 4);
                    if (c->attention.causal && j > i + keys - q.dim[1])
                        weight[j] = -INFINITY;
                    most = fmax(most, weight[j]);
                }
                for (int64_t j = 0; j < keys; j++)
                    sum += weight[j] = most == -INFINITY ? 0 : exp(weight[j] - most);
                for (int64_t d = 0; d < q.dim[3]; d++) {
                    double value = 0;
                    for (int64_t j = 0; j < keys; j++)
                        value += weight[j] * at(&in[2], b, j, h, d);
                    out->data[((b * q.dim[1] + i) * q.dim[2] + h) * q.dim[3] + d] = sum > 0 ? value / sum : 0;
                }
            }
}

static void test_attention(void **context)
{
    static const struct {
        int64_t batch, queries, keys, heads, size;
        bool causal;
        float scale;
        struct shape bias; /* rank 0: none */
    } cases[] = {
        {1, 1, 1, 1, 1, false, 0, {0}},
        {2, 5, 5, 3, 4, false, 0, {0}},
        {1, 3, 7, 2, 8, false, 0.7f, {0}}, /* cross lengths */
        {2, 6, 6, 2, 3, true, 0, {0}},
        {1, 3, 5, 1, 4, true, 0, {0}}, /* causal, the last queries of a longer sequence */
        {2, 4, 5, 2, 3, false, 0, {4, {2, 2, 4, 5}}},
        {2, 4, 5, 2, 3, false, 0, {4, {1, 2, 4, 5}}},
        {2, 4, 5, 2, 3, false, 0, {4, {2, 1, 1, 5}}}, /* padding */
        {2, 4, 5, 2, 3, true, 0, {4, {1, 1, 1, 1}}},
        {1, 131, 67, 2, 5, false, 0, {4, {1, 2, 131, 67}}}, /* several blocks of queries, odd sizes */
        {2, 70, 130, 1, 16, false, 0, {0}},
    };
    enum { COUNT = sizeof cases / sizeof *cases };
    static struct op_case described[COUNT];
    (void)context;
    for (int i = 0; i < COUNT; i++) {
        struct op_case *c = &described[i];
        *c = (struct op_case){.build = build_attention, .reference = reference_attention, .inputs = 3};
        c->attention.causal = cases[i].causal;
        c->attention.scale = cases[i].scale;
        c->in[0].shape = SHAPE(cases[i].batch, cases[i].queries, cases[i].heads, cases[i].size);
        c->in[1].shape = c->in[2].shape = SHAPE(cases[i].batch, cases[i].keys, cases[i].heads, cases[i].size);
        if (cases[i].bias.rank)
            c->in[c->inputs++].shape = cases[i].bias;
        c->in[3].no_grad = i == 8; /* the same everywhere: its gradient is rounding alone */
        c->any_threads = true;
        c->samples = i >= 9 ? 2 : 8;
        c->bf16_tolerance = 3e-2;
        char q[SHAPE_TEXT], k[SHAPE_TEXT];
        case_name(c, "attention %s %s%s%s", shape_text(&c->in[0].shape, q), shape_text(&c->in[1].shape, k),
                  cases[i].causal ? " causal" : "", c->inputs == 4 ? " with bias" : "");
    }
    op_check_all(described, COUNT);
}

static node build_packed(struct graph *g, const struct op_case *c, const node *in)
{
    return op_attention_packed(g, in[0], (struct attention_config){.causal = c->attention.causal});
}

/* Cut apart, then as above. */
static void reference_packed(const struct op_case *c, const struct ref *in, struct ref *out)
{
    static double data[3][2 * 70 * 3 * 16];
    const struct shape *s = &in->shape;
    struct ref parts[3];
    int64_t width = s->dim[3] * s->dim[4], rows = s->dim[0] * s->dim[1];
    for (int i = 0; i < 3; i++) {
        parts[i] = (struct ref){.shape = SHAPE(s->dim[0], s->dim[1], s->dim[3], s->dim[4]),
                                .data = data[i],
                                .count = rows * width,
                                .room = rows * width};
        for (int64_t r = 0; r < rows; r++)
            for (int64_t k = 0; k < width; k++)
                data[i][r * width + k] = in->data[(r * 3 + i) * width + k];
    }
    struct op_case apart = *c;
    apart.inputs = 3;
    reference_attention(&apart, parts, out);
}

static void test_packed(void **context)
{
    static const int64_t sizes[][4] = {{1, 1, 1, 1}, {2, 5, 3, 4}, {2, 70, 2, 5}};
    enum { COUNT = 2 * sizeof sizes / sizeof *sizes };
    static struct op_case described[COUNT];
    (void)context;
    for (int i = 0; i < COUNT; i++) {
        const int64_t *s = sizes[i / 2];
        struct op_case *c = &described[i];
        *c = (struct op_case){.build = build_packed, .reference = reference_packed, .inputs = 1};
        c->attention.causal = i % 2 == 1;
        c->in[0].shape = SHAPE(s[0], s[1], 3, s[2], s[3]);
        c->any_threads = true;
        c->samples = 8;
        c->bf16_tolerance = 3e-2;
        char text[SHAPE_TEXT];
        case_name(c, "attention packed %s%s", shape_text(&c->in[0].shape, text), i % 2 ? " causal" : "");
    }
    op_check_all(described, COUNT);
}

/* Masked keys count for nothing; a row without any key gives zeros and no NaN, forwards and backwards. */
static void test_masks(void **context)
{
    (void)context;
    struct op_case c = {.name = "attention with masked keys",
                        .build = build_attention,
                        .reference = reference_attention,
                        .inputs = 4,
                        .no_bf16 = true};
    c.in[0].shape = c.in[1].shape = c.in[2].shape = SHAPE(1, 2, 1, 1);
    c.in[3].shape = SHAPE(1, 1, 2, 2);
    const float q[] = {1, 1}, k[] = {1, 2}, v[] = {3, 5}, bias[] = {0, -INFINITY, -INFINITY, -INFINITY};
    op_expect(&c, (const float *const[]){q, k, v, bias}, (const float[]){3, 0}, (const float[]){1, 1},
              (const float *const[]){(const float[]){0, 0}, (const float[]){0, 0}, (const float[]){1, 0},
                                     (const float[]){0, 0, 0, 0}});
}

/* A quarter of the weights is dropped, the rest grows by 4/3, and the gradient drops the same ones. */
static void test_dropout(void **context)
{
    enum { N = 64, KEYS = 50 };
    (void)context;
    struct store *store = test_store();
    struct graph *g = test_graph(store, true);
    node q = constant(g, 0, SHAPE(1, N, 1, KEYS)), k = constant(g, 0, SHAPE(1, KEYS, 1, KEYS));
    static float identity[KEYS * KEYS];
    for (int i = 0; i < KEYS; i++)
        identity[i * KEYS + i] = KEYS; /* the output is the weights themselves, times KEYS */
    node v = test_param(g, store, "v", SHAPE(1, KEYS, 1, KEYS), identity);
    node out = op_attention(g, q, k, v, (struct attention_config){.dropout = 0.25f});
    node dv;
    graph_gradients(g, op_sum(g, out, REDUCE_ALL, false), &v, 1, &dv);
    tap(g, "out", out);
    tap(g, "dv", dv);
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    test_execute(&run, NULL, 0, 7, 0);
    const float *weights = test_read(&run, "out"), *gradient = test_read(&run, "dv");
    static float first[N * KEYS];
    int dropped = 0;
    for (int j = 0; j < KEYS; j++) {
        double column = 0;
        for (int i = 0; i < N; i++) {
            float w = weights[i * KEYS + j];
            assert_true(w == 0 || fabsf(w - 4 / 3.0f) < 1e-5f);
            dropped += w == 0;
            column += (double)w;
        }
        assert_true(fabs(column / KEYS - (double)gradient[j * KEYS]) < 1e-4);
    }
    assert_in_range(dropped, N * KEYS / 4 - 100, N * KEYS / 4 + 100);
    memcpy(first, weights, sizeof first);
    test_execute(&run, NULL, 0, 7, 0);
    test_same("the same step", first, test_read(&run, "out"), N * KEYS);
    test_execute(&run, NULL, 0, 7, 1);
    assert_memory_not_equal(first, test_read(&run, "out"), sizeof first);
    test_release(&run);
    store_free(store);
}

static node bad_heads(struct graph *g)
{
    node q = constant(g, 0, SHAPE(1, 2, 3, 4)), k = constant(g, 0, SHAPE(1, 2, 2, 4));
    return op_attention(g, q, k, k, (struct attention_config){0});
}

/* A plan made for one thread, run from a thread that may use four: its scratch memory suffices (a sanitised build would
 * tell), and the bits are the same. */
static void test_more_threads(void **context)
{
    enum { COUNT = 2 * 9 * 3 * 4 * 5 };
    float x[COUNT], alone[COUNT / 3];
    (void)context;
    test_fill(x, COUNT, 5, -1, 1);
    struct store *store = test_store();
    test_set_threads(1);
    struct graph *g = test_graph(store, false);
    tap(g, "y", op_attention_packed(g, input(g, "x", SHAPE(2, 9, 3, 4, 5), DTYPE_F32), (struct attention_config){0}));
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    test_execute(&run, &(struct feed){"x", x}, 1, 0, 0);
    memcpy(alone, test_read(&run, "y"), sizeof alone);
    test_set_threads(4);
    test_execute(&run, &(struct feed){"x", x}, 1, 0, 0);
    test_same("y", test_read(&run, "y"), alone, COUNT / 3);
    test_set_threads(2);
    test_release(&run);
    store_free(store);
}

static node bad_packed(struct graph *g)
{
    return op_attention_packed(g, input(g, "qkv", SHAPE(2, 3, 4, 5), DTYPE_F32), (struct attention_config){0});
}

static node bad_bias(struct graph *g)
{
    node q = constant(g, 0, SHAPE(1, 2, 3, 4)), bias = constant(g, 0, SHAPE(1, 3, 2, 5));
    return op_attention_bias(g, q, q, q, bias, (struct attention_config){0});
}

static void test_errors(void **context)
{
    (void)context;
    EXPECT_FAILURE(bad_heads, "attention", "[1, 2, 3, 4]", "[1, 2, 2, 4]");
    EXPECT_FAILURE(bad_packed, "attention", "[2, 3, 4, 5]");
    EXPECT_FAILURE(bad_bias, "attention", "[1, 3, 2, 5]", "[1, 3, 2, 2]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention), cmocka_unit_test(test_packed),       cmocka_unit_test(test_masks),
        cmocka_unit_test(test_dropout),   cmocka_unit_test(test_more_threads), cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
