/* Layers that enlarge maps against torch, values and gradients; what they refuse. */
#include "nn/resize.h"
#include "nn/upsample.h"
#include "replay.h"
#include "support/support.h"

static const struct transposed_case {
    const char *name;
    struct conv_transposed_config config;
} transposed[] = {
    {"k4s2", {.out = 5, .kernel = 4, .stride = 2, .padding = 1, .bias = true}},
    {"k3s2", {.out = 7, .kernel = 3, .stride = 2, .padding = 1, .output_padding = 1, .bias = true}},
    {"k2s2", {.out = 3, .kernel = 2, .stride = 2}},
    {"k5s3", {.out = 4, .kernel = 5, .stride = 3, .padding = 2, .output_padding = 2}},
    {"k3s1", {.out = 6, .kernel = 3, .padding = 1, .bias = true}},
    {"k1s2", {.out = 4, .kernel = 1, .stride = 2, .output_padding = 1, .bias = true}},
    {"groups", {.out = 8, .kernel = 4, .stride = 2, .padding = 1, .groups = 4, .bias = true}},
};

static void build(struct replay *r, struct params p, const void *config)
{
    struct graph *g = r->g;
    (void)config;
    node x = params_get(g, &p, "x", SHAPE(2, 2, 4, 12), init_zeros());
    for (size_t i = 0; i < sizeof transposed / sizeof transposed[0]; i++)
        replay_output(r, transposed[i].name,
                      conv_transposed2d(g, params_scope(p, transposed[i].name), x, transposed[i].config));
    replay_output(r, "shuffle2", pixel_shuffle(g, x, 2));
    replay_output(r, "unshuffle2", pixel_unshuffle(g, x, 2));
    replay_output(r, "nearest2", upsample_nearest(g, x, 2));
    replay_output(r, "nearest3", upsample_nearest(g, x, 3));
    replay_output(r, "bilinear2", resize(g, x, 4, 8, (struct resize_config){.method = RESIZE_BILINEAR}));
}

static void test_torch(void **unused)
{
    (void)unused;
    replay_check("nn/fixtures/upsample.safetensors", build, NULL);
}

/* One undoes the other, also by factors that the fixture lacks. */
static void test_back(void **unused)
{
    (void)unused;
    enum { COUNT = 2 * 6 * 3 * 36 };
    float x[COUNT];
    struct store *store = test_store();
    struct graph *g = test_graph(store, false);
    test_fill(x, COUNT, 5, -1, 1);
    node in = input(g, "x", SHAPE(2, 6, 3, 36), DTYPE_F32);
    tap(g, "back", pixel_unshuffle(g, pixel_shuffle(g, in, 3), 3));
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    test_execute(&run, &(struct feed){"x", x}, 1, 0, 0);
    test_same("back", x, test_read(&run, "back"), COUNT);
    test_release(&run);
    store_free(store);
}

static void test_refused(void **unused)
{
    (void)unused;
    for (int i = 0; i < 8; i++) {
        struct store *store = test_store();
        struct graph *g = test_graph(store, false);
        struct assay_error error = {0};
        struct params p = params_scope(params_root(store), "up");
        struct conv_transposed_config c = {.out = 4, .kernel = 3, .stride = 2};
        node x = input(g, "x", i == 1 ? SHAPE(4, 6, 12) : SHAPE(2, 5, 6, 12), DTYPE_F32), y;
        if (i == 0)
            y = pixel_shuffle(g, x, 5);
        else if (i == 1)
            y = upsample_nearest(g, x, 2);
        else if (i == 2)
            y = pixel_unshuffle(g, x, 2);
        else if (i == 3)
            y = pixel_shuffle(g, x, 0);
        else {
            c.groups = i == 4 ? 5 : 0;
            c.output_padding = i == 5 ? 2 : 0;
            c.padding = i == 6 ? 20 : 0;
            c.kernel = i == 7 ? 0 : 3;
            y = conv_transposed2d(g, p, x, c);
        }
        assert_int_equal(y.id, NODE_NONE.id);
        assert_int_equal(graph_status(g, &error), ASSAY_ERROR_MODEL);
        graph_free(g);
        store_free(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_torch), cmocka_unit_test(test_back),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
