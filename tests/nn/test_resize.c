/* Resizing and group norm against torch, values and gradients. */
#include <string.h>

#include "nn/norm.h"
#include "nn/resize.h"
#include "replay.h"
#include "support/support.h"

static const struct resize_case {
    const char *name;
    int64_t height, width;
    struct resize_config config;
} cases[] = {
    {"nearest", 7, 11, {.method = RESIZE_NEAREST}},
    {"nearest_down", 3, 2, {.method = RESIZE_NEAREST}},
    {"bilinear", 9, 3, {.method = RESIZE_BILINEAR}},
    {"bilinear_corners", 9, 3, {.method = RESIZE_BILINEAR, .align_corners = true}},
    {"bilinear_corners_one", 1, 4, {.method = RESIZE_BILINEAR, .align_corners = true}},
    {"bilinear_antialias", 2, 8, {.method = RESIZE_BILINEAR, .antialias = true}},
    {"bicubic", 3, 9, {.method = RESIZE_BICUBIC}},
    {"bicubic_corners", 3, 9, {.method = RESIZE_BICUBIC, .align_corners = true}},
    {"bicubic_antialias", 3, 9, {.method = RESIZE_BICUBIC, .antialias = true}},
    {"bicubic_antialias_up", 8, 13, {.method = RESIZE_BICUBIC, .antialias = true}},
    {"bicubic_scale", 3, 9, {.method = RESIZE_BICUBIC, .scale = {3.1 / 5, 9.1 / 6}}},
    {"bicubic_scale_same", 5, 6, {.method = RESIZE_BICUBIC, .scale = {5.1 / 5, 6.1 / 6}}},
    {"bilinear_scale", 12, 3, {.method = RESIZE_BILINEAR, .scale = {2.5, 0.55}}},
    {"nearest_scale", 12, 3, {.method = RESIZE_NEAREST, .scale = {2.5, 0.55}}},
};

static void build_resizes(struct replay *r, struct params p, const void *config)
{
    (void)config;
    node x = params_get(r->g, &p, "x", SHAPE(2, 5, 6, 3), init_zeros());
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        replay_output(r, cases[i].name, resize(r->g, x, cases[i].height, cases[i].width, cases[i].config));
}

static void test_resize(void **unused)
{
    (void)unused;
    replay_check("nn/fixtures/resize.safetensors", build_resizes, NULL);
}

static void build_group_norms(struct replay *r, struct params p, const void *config)
{
    (void)config;
    node x = params_get(r->g, &p, "x", SHAPE(2, 5, 3, 12), init_zeros());
    replay_output(r, "g1", group_norm(r->g, params_scope(p, "g1"), x, 1, 1e-5f));
    replay_output(r, "g4", group_norm(r->g, params_scope(p, "g4"), x, 4, 1e-6f));
    replay_output(r, "g12", group_norm(r->g, params_scope(p, "g12"), x, 12, 1e-2f));
}

static void test_group_norm(void **unused)
{
    (void)unused;
    replay_check("nn/fixtures/group_norm.safetensors", build_group_norms, NULL);
}

/* Maps of the wrong rank, sizes below one and groups that do not divide are told; the same size is the same node. */
static void test_edges(void **unused)
{
    (void)unused;
    for (int i = 0; i < 5; i++) {
        struct store *store = test_store();
        struct graph *g = test_graph(store, false);
        struct assay_error error = {0};
        node x = input(g, "x", i == 1 ? SHAPE(4, 6, 12) : SHAPE(2, 4, 6, 12), DTYPE_F32);
        struct resize_config c = {.method = RESIZE_BICUBIC};
        if (i == 0)
            assert_int_equal(resize(g, x, 4, 6, c).id, x.id);
        else if (i < 3)
            assert_int_equal(resize(g, x, i == 2 ? 0 : 4, 6, c).id, NODE_NONE.id);
        else
            assert_int_equal(group_norm(g, params_root(store), x, i == 3 ? 5 : 0, 1e-5f).id, NODE_NONE.id);
        assert_int_equal(graph_status(g, &error), i == 0 ? ASSAY_OK : ASSAY_ERROR_MODEL);
        graph_free(g);
        store_free(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_resize), cmocka_unit_test(test_group_norm),
                                       cmocka_unit_test(test_edges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
