/* Vision transformers and CLIP's text tower: tiny ones against their references, the published ones by name, shape and
 * count. */
#include <math.h>
#include <string.h>

#include "backbone/clip_text.h"
#include "backbone/vit.h"
#include "nn/attention.h"
#include "replay.h"
#include "support/support.h"

/* ---- Tiny networks -------------------------------------------------------------------------------------------- */

/* A network, and which of its values the fixture has. */
struct vit_case {
    struct vit_config config;
    bool tokens, normed, embedding, block0, norm2;
};

static void build_vit(struct replay *r, struct params p, const void *config)
{
    const struct vit_case *c = config;
    struct vit_output out = vit(r->g, p, &c->config, replay_input(r, "image", DTYPE_F32));
    if (c->tokens)
        replay_output(r, "tokens", out.tokens);
    if (c->normed)
        replay_output(r, "normed", out.normed);
    if (c->embedding)
        replay_output(r, "embedding", out.embedding);
    if (c->block0)
        replay_output(r, "block0", out.block[0].out);
    if (c->norm2)
        replay_output(r, "norm2", out.block[1].norm2);
}

/* The settings of a published network, made small. */
static struct vit_case small(const char *preset, int64_t image, int64_t patch, int heads)
{
    struct vit_case c = {.embedding = true};
    assert_true(vit_preset(preset, &c.config));
    c.config.image = image;
    c.config.patch = patch;
    c.config.width = 32;
    c.config.depth = 2;
    c.config.heads = heads;
    if (c.config.names == BLOCK_FACEBOOK)
        c.config.hidden = 64;
    return c;
}

static void test_clip(void **unused)
{
    (void)unused;
    struct vit_case c = small("clip-vit-l-14", 32, 8, 4);
    c.config.output = 24;
    c.tokens = c.block0 = c.norm2 = true;
    replay_check("backbone/fixtures/clip_visual.safetensors", build_vit, &c);
}

static void test_clip_resized(void **unused)
{
    (void)unused;
    struct vit_case c = small("clip-vit-b-16", 24, 6, 2);
    c.config.output = 16;
    c.config.activation = BLOCK_GELU;
    c.config.positions = VIT_POSITIONS_SIZE;
    c.tokens = true;
    replay_check("backbone/fixtures/clip_resized.safetensors", build_vit, &c);
}

static void test_dinov2(void **unused)
{
    (void)unused;
    struct vit_case c = small("dinov2-vit-l-14", 24, 6, 4);
    c.normed = true;
    c.config.mask_token = false; /* timm has none */
    replay_check("backbone/fixtures/dinov2_offset.safetensors", build_vit, &c);
    c.config.positions = VIT_POSITIONS_ANTIALIAS;
    replay_check("backbone/fixtures/dinov2_antialias.safetensors", build_vit, &c);
    c.config.mask_token = true;
    c.config.positions = VIT_POSITIONS_SIZE;
    replay_check("backbone/fixtures/dinov2_size.safetensors", build_vit, &c);
}

static void test_registers(void **unused)
{
    (void)unused;
    struct vit_case c = small("dinov2-vit-s-14-reg", 24, 6, 4);
    c.normed = true;
    c.config.registers = 3;
    replay_check("backbone/fixtures/dinov2_registers.safetensors", build_vit, &c);
}

static void test_mae(void **unused)
{
    (void)unused;
    struct vit_case c = small("mae-vit-b-16", 24, 6, 4);
    c.normed = true;
    replay_check("backbone/fixtures/mae.safetensors", build_vit, &c);
}

static void test_windowed(void **unused)
{
    (void)unused;
    struct vit_case c = small("mae-vit-b-16-windowed", 24, 6, 2);
    c.config.depth = 3;
    c.config.window = 3;
    c.config.relative_image = 30;
    c.embedding = false;
    c.tokens = c.block0 = true;
    replay_check("backbone/fixtures/mae_windowed.safetensors", build_vit, &c);
}

static void build_text(struct replay *r, struct params p, const void *config)
{
    struct clip_text_output out = clip_text(r->g, p, config, replay_input(r, "ids", DTYPE_I32));
    replay_output(r, "tokens", out.tokens);
    replay_output(r, "embedding", out.embedding);
}

static void test_text(void **unused)
{
    (void)unused;
    const struct clip_text_config c = {.context = 12,
                                       .vocabulary = 60,
                                       .width = 32,
                                       .output = 16,
                                       .depth = 2,
                                       .heads = 4,
                                       .activation = BLOCK_QUICK_GELU};
    replay_check("backbone/fixtures/clip_text.safetensors", build_text, &c);
}

/* ---- Published networks --------------------------------------------------------------------------------------- */

static void has(const struct store *store, const char *name, struct shape shape)
{
    const struct store_entry *entry = store_get(store, name);
    if (!entry || entry->kind != STORE_PARAM || !shape_equal(&entry->shape, &shape))
        fail_msg("%s is missing or of another shape", name);
    assert_null(entry->data); /* declared, not allocated */
}

/* Parameters and tensors of the published files (the windowed one: of the encoder in MaskCLIP's). */
static void test_published(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        int64_t image;
        uint64_t parameters;
        size_t tensors;
    } published[] = {
        {"clip-vit-b-32", 224, 87849216, 152},    {"clip-vit-b-16", 224, 86192640, 152},
        {"clip-vit-l-14", 224, 303966208, 296},   {"clip-vit-l-14-336", 336, 304293888, 296},
        {"dinov2-vit-s-14", 224, 22056576, 175},  {"dinov2-vit-b-14", 224, 86580480, 175},
        {"dinov2-vit-l-14", 224, 304368640, 343}, {"dinov2-vit-l-14-reg", 518, 304372736, 344},
        {"mae-vit-b-16", 224, 85798656, 150},     {"mae-vit-b-16-windowed", 512, 85856256, 171},
    };
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        struct store *store = test_store();
        struct graph *g = test_graph(store, i % 2);
        struct assay_error error = {0};
        struct vit_config c;
        assert_true(vit_preset(published[i].name, &c));
        vit(g, params_root(store), &c,
            input(g, "image", SHAPE(1, published[i].image, published[i].image, 3), DTYPE_F32));
        if (graph_status(g, &error))
            fail_msg("%s", error.message);
        graph_free(g);
        if (store_param_count(store) != published[i].parameters || store->entries.count != published[i].tensors)
            fail_msg("%s has %llu parameters in %zu tensors", published[i].name,
                     (unsigned long long)store_param_count(store), store->entries.count);
        if (strcmp(published[i].name, "clip-vit-l-14") == 0) {
            has(store, "conv1.weight", SHAPE(1024, 3, 14, 14));
            has(store, "class_embedding", SHAPE(1024));
            has(store, "positional_embedding", SHAPE(257, 1024));
            has(store, "ln_pre.weight", SHAPE(1024));
            has(store, "transformer.resblocks.23.attn.in_proj_weight", SHAPE(3072, 1024));
            has(store, "transformer.resblocks.23.attn.in_proj_bias", SHAPE(3072));
            has(store, "transformer.resblocks.23.attn.out_proj.weight", SHAPE(1024, 1024));
            has(store, "transformer.resblocks.0.mlp.c_fc.weight", SHAPE(4096, 1024));
            has(store, "transformer.resblocks.0.mlp.c_proj.bias", SHAPE(1024));
            has(store, "proj", SHAPE(1024, 768));
        }
        if (strcmp(published[i].name, "dinov2-vit-l-14-reg") == 0) {
            has(store, "pos_embed", SHAPE(1, 1370, 1024));
            has(store, "cls_token", SHAPE(1, 1, 1024));
            has(store, "mask_token", SHAPE(1, 1024));
            has(store, "register_tokens", SHAPE(1, 4, 1024));
            has(store, "blocks.23.ls2.gamma", SHAPE(1024));
            has(store, "blocks.23.attn.qkv.weight", SHAPE(3072, 1024));
            has(store, "blocks.23.mlp.fc2.weight", SHAPE(1024, 4096));
            has(store, "norm.bias", SHAPE(1024));
        }
        if (strcmp(published[i].name, "mae-vit-b-16-windowed") == 0) {
            has(store, "pos_embed", SHAPE(1, 197, 768));
            has(store, "blocks.0.attn.rel_pos_h", SHAPE(27, 64));
            has(store, "blocks.11.attn.rel_pos_w", SHAPE(63, 64));
            assert_null(store_get(store, "cls_token"));
            assert_null(store_get(store, "norm.weight"));
        }
        store_free(store);
    }
}

/* The whole of CLIP has these and its visual tower and one logit scale. */
static void test_published_text(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        uint64_t parameters;
    } published[] = {
        {"clip-vit-l-14", 427616513 - 303966208 - 1},
        {"clip-rn50", 102007137 - 38316896 - 1},
        {"clip-rn101", 119688033 - 56259936 - 1},
    };
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        struct store *store = test_store();
        struct graph *g = test_graph(store, false);
        struct assay_error error = {0};
        struct clip_text_config c;
        assert_true(clip_text_preset(published[i].name, &c));
        clip_text(g, params_root(store), &c, input(g, "ids", SHAPE(2, 77), DTYPE_I32));
        if (graph_status(g, &error))
            fail_msg("%s", error.message);
        graph_free(g);
        assert_int_equal(store_param_count(store), published[i].parameters);
        has(store, "token_embedding.weight", SHAPE(49408, c.width));
        has(store, "positional_embedding", SHAPE(77, c.width));
        has(store, "text_projection", SHAPE(c.width, c.output));
        has(store, "ln_final.weight", SHAPE(c.width));
        store_free(store);
    }
}

/* ---- Bad use -------------------------------------------------------------------------------------------------- */

static void refused(struct vit_config c, struct shape shape, const char *says)
{
    struct store *store = test_store();
    struct graph *g = test_graph(store, false);
    struct assay_error error = {0};
    struct vit_output out = vit(g, params_root(store), &c, input(g, "image", shape, DTYPE_F32));
    assert_int_equal(out.tokens.id, NODE_NONE.id);
    assert_int_equal(graph_status(g, &error), ASSAY_ERROR_MODEL);
    if (!strstr(error.message, says))
        fail_msg("\"%s\" does not say \"%s\"", error.message, says);
    graph_free(g);
    store_free(store);
}

static void test_refused(void **unused)
{
    (void)unused;
    struct vit_config c;
    struct clip_text_config text;
    assert_false(vit_preset("clip-vit-l-15", &c));
    assert_false(clip_text_preset("dinov2-vit-l-14", &text));
    assert_true(vit_preset("mae-vit-b-16-windowed", &c));
    refused(c, SHAPE(1, 224, 224, 3), "512 pixels");
    assert_true(vit_preset("clip-vit-l-14", &c));
    refused(c, SHAPE(1, 224, 225, 3), "multiples of 14");
    refused(c, SHAPE(1, 224, 224), "multiples of 14");
    c.depth = VIT_MAX_DEPTH + 1;
    refused(c, SHAPE(1, 224, 224, 3), "blocks");
}

/* In training a branch is left out of some pictures, of the first block never. */
static void test_drop_path(void **unused)
{
    (void)unused;
    struct vit_case c = small("mae-vit-b-16", 24, 6, 4);
    c.config.drop_path = 0.5f; /* of the second block; the first has none */
    struct store *store = test_store();
    struct graph *g = test_graph(store, true);
    struct assay_error error = {0};
    enum { BATCH = 64, TOKENS = 17, WIDTH = 32 };
    struct vit_output out =
        vit(g, params_root(store), &c.config, input(g, "image", SHAPE(BATCH, 24, 24, 3), DTYPE_F32));
    node changed = op_sub(g, out.block[1].out, out.block[0].out);
    tap(g, "changed", op_sum(g, op_abs(g, changed), REDUCE_AXIS(1) | REDUCE_AXIS(2), false));
    assert_int_equal(store_initialise(store, 3, &error), ASSAY_OK);
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    static float image[BATCH * 24 * 24 * 3];
    test_fill(image, BATCH * 24 * 24 * 3, 5, -1, 1);
    test_execute(&run, &(struct feed){"image", image}, 1, 1, 0);
    const float *sums = test_read(&run, "changed");
    int left_out = 0;
    for (int i = 0; i < BATCH; i++)
        left_out += sums[i] == 0;
    assert_in_range(left_out, 6, 27); /* both of its branches: a quarter, 16 of 64 */
    test_release(&run);
    store_free(store);
}

/* The class token that the last block makes alone is that among all tokens, and so are the gradients of all
 * parameters: a network that gives its attention's weights cuts it from them. */
static void test_class_token_alone(void **unused)
{
    (void)unused;
    static const char *const presets[] = {"clip-vit-l-14", "dinov2-vit-s-14-reg"};
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++) {
        struct vit_case c = small(presets[i], 24, 6, 4);
        struct store *store = test_store();
        struct graph *g = test_graph(store, false);
        struct assay_error error = {0};
        enum { BATCH = 3 };
        static float d_token[BATCH * 32]; /* not the token's own square, which the norm before it makes constant */
        test_fill(d_token, BATCH * 32, 7, -1, 1);
        node x = input(g, "image", SHAPE(BATCH, 24, 24, 3), DTYPE_F32), *params, gradients[2][64];
        c.config.output = 0;
        for (int cut = 0; cut < 2; cut++) {
            c.config.weights = cut;
            struct vit_output out = vit(g, params_root(store), &c.config, x);
            int count = graph_trained_params(g, &params);
            assert_in_range(count, 20, 64);
            tap(g, cut ? "cut" : "alone", out.class_token);
            node loss = op_mul(g, out.class_token, constant_data(g, d_token, SHAPE(BATCH, 32)));
            graph_gradients(g, op_sum(g, loss, REDUCE_ALL, false), params, count, gradients[cut]);
            for (int k = 0; k < count; k++)
                gradients[cut][k] = op_reshape(g, gradients[cut][k], SHAPE(-1));
            tap(g, cut ? "gradients cut" : "gradients alone", op_concat(g, gradients[cut], count, 0));
        }
        assert_int_equal(store_initialise(store, 3, &error), ASSAY_OK);
        struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
        static float image[BATCH * 24 * 24 * 3];
        test_fill(image, BATCH * 24 * 24 * 3, 5, -1, 1);
        test_execute(&run, &(struct feed){"image", image}, 1, 1, 0);
        double size = 0;
        for (int64_t k = 0; k < test_count(&run, "gradients cut"); k++)
            size += fabs((double)test_read(&run, "gradients cut")[k]);
        assert_true(size > 100); /* there is something to compare */
        test_close("class token", test_read(&run, "alone"), test_read(&run, "cut"), test_count(&run, "cut"), 1e-5f);
        test_close("gradients", test_read(&run, "gradients alone"), test_read(&run, "gradients cut"),
                   test_count(&run, "gradients cut"), 1e-4f);
        test_release(&run);
        store_free(store);
    }
}

/* Few tokens cannot ask alone where the others' places count, or their answers are wanted. */
static void test_queries_refused(void **unused)
{
    (void)unused;
    static const struct attention_layer layers[] = {{.heads = 4, .queries = 17},
                                                    {.heads = 4, .queries = 1, .causal = true},
                                                    {.heads = 4, .queries = 1, .rows = 4, .columns = 4}};
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        struct store *store = test_store();
        struct graph *g = test_graph(store, false);
        struct assay_error error = {0};
        node y = self_attention(g, params_root(store), input(g, "x", SHAPE(2, 16, 32), DTYPE_F32), &layers[i]);
        assert_int_equal(y.id, NODE_NONE.id);
        assert_int_equal(graph_status(g, &error), ASSAY_ERROR_MODEL);
        assert_non_null(strstr(error.message, "cannot ask alone"));
        graph_free(g);
        store_free(store);
    }
    struct transformer_config c = {.heads = 4, .queries = 1, .window = 2, .rows = 4, .columns = 4};
    struct store *store = test_store();
    struct graph *g = test_graph(store, false);
    struct assay_error error = {0};
    node y = transformer_block(g, params_root(store), input(g, "x", SHAPE(2, 16, 32), DTYPE_F32), &c, NULL);
    assert_int_equal(y.id, NODE_NONE.id);
    assert_int_equal(graph_status(g, &error), ASSAY_ERROR_MODEL);
    assert_non_null(strstr(error.message, "in windows all tokens ask"));
    graph_free(g);
    store_free(store);
}

/* Settings that a tiny network's numbers hardly show: an eps of 1e-5 for 1e-6 is below every tolerance. */
static void test_settings(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        float eps;
        enum block_activation activation;
        enum vit_positions positions;
        int heads, registers;
    } settings[] = {
        {"clip-vit-b-32", 1e-5f, BLOCK_QUICK_GELU, VIT_POSITIONS_ANTIALIAS, 12, 0},
        {"clip-vit-l-14-336", 1e-5f, BLOCK_QUICK_GELU, VIT_POSITIONS_ANTIALIAS, 16, 0},
        {"dinov2-vit-s-14", 1e-6f, BLOCK_GELU, VIT_POSITIONS_OFFSET, 6, 0},
        {"dinov2-vit-l-14", 1e-6f, BLOCK_GELU, VIT_POSITIONS_OFFSET, 16, 0},
        {"dinov2-vit-b-14-reg", 1e-6f, BLOCK_GELU, VIT_POSITIONS_ANTIALIAS, 12, 4},
        {"mae-vit-b-16", 1e-6f, BLOCK_GELU, VIT_POSITIONS_SIZE, 12, 0},
        {"mae-vit-b-16-windowed", 1e-6f, BLOCK_GELU, VIT_POSITIONS_SIZE, 12, 0},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        struct vit_config c;
        assert_true(vit_preset(settings[i].name, &c));
        assert_true(c.eps == settings[i].eps);
        assert_int_equal(c.activation, settings[i].activation);
        assert_int_equal(c.positions, settings[i].positions);
        assert_int_equal(c.heads, settings[i].heads);
        assert_int_equal(c.registers, settings[i].registers);
    }
}

/* Without a row for the class token, and pictures that are not square. */
static void test_positions_without_class(void **unused)
{
    (void)unused;
    struct vit_case c = small("dinov2-vit-s-14-reg", 24, 6, 4);
    struct store *store = test_store();
    struct graph *g = test_graph(store, false);
    struct assay_error error = {0};
    c.config.positions_class = false;
    struct vit_output out = vit(g, params_root(store), &c.config, input(g, "image", SHAPE(2, 18, 30, 3), DTYPE_F32));
    struct shape shape = graph_shape(g, out.normed);
    assert_int_equal(graph_status(g, &error), ASSAY_OK);
    has(store, "pos_embed", SHAPE(1, 16, 32));
    test_shape(&shape, SHAPE(2, 1 + 4 + 3 * 5, 32));
    assert_int_equal(out.prefix, 5);
    assert_int_equal(out.rows, 3);
    assert_int_equal(out.columns, 5);
    graph_free(g);
    store_free(store);
}

/* Windows of 3 over maps of 4 by 7: what is added is zero, each cell lies where it should, and back again nothing is
 * changed. */
static void test_windows(void **unused)
{
    (void)unused;
    enum { B = 2, H = 4, W = 7, C = 2, SIDE = 3, DOWN = 2, ACROSS = 3 };
    static float x[B * H * W * C], want[B * DOWN * ACROSS * SIDE * SIDE * C];
    test_fill(x, B * H * W * C, 7, 1, 2);
    for (int i = 0; i < B * H * W * C; i++) {
        int b = i / (H * W * C), row = i / (W * C) % H, column = i / C % W;
        int window = (b * DOWN + row / SIDE) * ACROSS + column / SIDE;
        want[((window * SIDE + row % SIDE) * SIDE + column % SIDE) * C + i % C] = x[i];
    }
    struct store *store = test_store();
    struct graph *g = test_graph(store, false);
    node maps = input(g, "x", SHAPE(B, H, W, C), DTYPE_F32);
    node windows = window_partition(g, maps, SIDE);
    tap(g, "windows", windows);
    tap(g, "back", window_unpartition(g, windows, SIDE, SHAPE(B, H, W, C)));
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    test_execute(&run, &(struct feed){"x", x}, 1, 1, 0);
    assert_int_equal(test_count(&run, "windows"), sizeof want / sizeof want[0]);
    test_same("windows", test_read(&run, "windows"), want, (int64_t)(sizeof want / sizeof want[0]));
    test_same("back", test_read(&run, "back"), x, B * H * W * C);
    test_release(&run);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clip),
        cmocka_unit_test(test_clip_resized),
        cmocka_unit_test(test_dinov2),
        cmocka_unit_test(test_registers),
        cmocka_unit_test(test_mae),
        cmocka_unit_test(test_windowed),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_published_text),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_drop_path),
        cmocka_unit_test(test_class_token_alone),
        cmocka_unit_test(test_queries_refused),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_positions_without_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
