/* Activation maps: the graphs against PyTorch on tiny networks, the way back from crops to the picture, and what the
 * maps of networks with known sight must show. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backbone/vit.h"
#include "base/memory.h"
#include "cpu/cpu.h"
#include "detector/activation_internal.h"
#include "detector/cnnspot.h"
#include "detector/lol.h"
#include "detector/model_internal.h"
#include "detector/npr.h"
#include "detector/residual.h"
#include "detector/univfd.h"
#include "ops/elementwise.h"
#include "ops/move.h"
#include "ops/pool.h"
#include "ops/reduce.h"
#include "parity.h"

static struct assay_error error;

static void ok(assay_status status)
{
    if (status)
        fail_msg("status %d: %s", (int)status, error.message);
}

/* ---- Against PyTorch ------------------------------------------------------------------------------------------ */

static void forward_cnnspot(struct graph *g, struct params p, const void *config, struct detector_io *io)
{
    static const struct resnet_config tiny = {.block = RESNET_BOTTLENECK, .blocks = {1, 1}, .width = 4};
    (void)config;
    cnnspot_network(g, p, &tiny, io);
}

static void forward_npr(struct graph *g, struct params p, const void *config, struct detector_io *io)
{
    static const struct resnet_config tiny = {.block = RESNET_BOTTLENECK, .blocks = {1, 1}, .width = 4};
    (void)config;
    npr_network(g, p, &tiny, io);
}

static void forward_lol(struct graph *g, struct params p, const void *config, struct detector_io *io)
{
    static const struct clip_resnet_config tiny = {.blocks = {1, 1}, .width = 4, .grid = 3, .heads = 2, .out = 8};
    (void)config;
    lol_network(g, p, &tiny, io->image, io);
}

static void forward_vit(struct graph *g, struct params p, const void *config, struct detector_io *io)
{
    struct vit_config tower;
    (void)config;
    assert_true(vit_preset("clip-vit-l-14", &tower));
    tower.image = 32;
    tower.patch = 8;
    tower.width = 32;
    tower.depth = 2;
    tower.heads = 4;
    tower.output = 24;
    tower.weights = io->explain;
    struct vit_output out = vit(g, p, &tower, io->image);
    io->embedding = out.embedding;
    io->features = vit_patches(g, &out, out.tokens);
    io->logit = op_slice_axis(g, out.embedding, 1, 0, 1);
    if (io->explain)
        io->rollout = vit_rollout(g, &tower, &out);
}

/* The map by a method of a network with a fixture's weights, on its pictures, against "NAME.METHOD". */
static void check_parity(const struct detector *detector, const void *config, const char *path, const char *image_name,
                         enum activation_method method, const char *method_name)
{
    struct parity maps = {0}, t = {0};
    struct model model = {.detector = detector, .config = (void *)config};
    struct activation_graph explain = {.model = &model, .method = method};
    struct plan_options options = {.backend = cpu_backend()};
    struct program *program;
    struct program_run run = {0};
    int64_t count, values;
    char name[64];
    ok(safetensors_open(ASSAY_TEST_DIR "/detector/fixtures/activation.safetensors", &maps.file, &error));
    ok(safetensors_open(path, &t.file, &error));
    const struct file_tensor *image_tensor = string_map_get(&t.file.tensors, image_name);
    assert_non_null(image_tensor);
    float *image = parity_floats(&t, image_name, &count);
    struct program_input feed = {"image", shape_of(image_tensor->dim, image_tensor->rank), image};

    ok(store_create(&t.store, &error));
    model.store = t.store;
    ok(program_create(t.store, &options, &program, &error));
    ok(program_add(program, "explain", false, activation_build, &explain, &error));
    struct graph *g = graph_create(t.store, (struct graph_options){0});
    model_forward(g, &model, feed.shape);
    ok(graph_status(g, &error));
    graph_free(g);
    ok(store_initialise(t.store, 1, &error));
    for (size_t i = 0; i < t.store->entries.count; i++) {
        const char *entry = t.store->entries.entries[i].key;
        snprintf(name, sizeof name, "param.%s", entry);
        parity_load(&t, entry, name);
    }
    ok(program_run(program, "explain", &feed, 1, &(struct run_options){0}, &run, &error));
    struct tensor map = program_read(&run, method_name);
    if (!map.data)
        fail_msg("%s gives no map by %s", detector->name, method_name);
    snprintf(name, sizeof name, "%s.%s", detector->name, method_name);
    float *want = parity_floats(&maps, name, &values);
    assert_int_equal(shape_count(&map.shape), values);
    assert_int_equal(map.shape.dim[3], 1);
    parity_close_max(name, map.data, want, values, 1e-4);
    program_release(&run);
    program_free(program);
    store_free(t.store);
    safetensors_close(&t.file);
    safetensors_close(&maps.file);
    mem_free(image);
    mem_free(want);
}

static void test_parity(void **unused)
{
    (void)unused;
    static const struct detector cnnspot = {.name = "cnnspot", .forward = forward_cnnspot};
    static const struct detector npr = {.name = "npr", .forward = forward_npr};
    static const struct detector lol = {.name = "lol", .forward = forward_lol};
    static const struct detector transformer = {.name = "vit", .forward = forward_vit};
    static const struct residual_config tiny = {.crop = 32,
                                                .crops = 1,
                                                .input = RESIDUAL_BOTH,
                                                .npr_patch = 2,
                                                .high_pass = true,
                                                .correlations = true,
                                                .width = 4,
                                                .blocks = 1,
                                                .stages = 4};
    static const char dir[] = ASSAY_TEST_DIR "/detector/fixtures/";
    char path[512];
    const struct {
        const struct detector *detector;
        const void *config;
        enum activation_method method;
        const char *name;
    } cases[] = {
        {&cnnspot, NULL, ACTIVATION_AUTO, "cam"},
        {&cnnspot, NULL, ACTIVATION_GRAD_CAM, "grad-cam"},
        {&npr, NULL, ACTIVATION_CAM, "cam"},
        {&npr, NULL, ACTIVATION_GRAD_CAM, "grad-cam"},
        {&lol, NULL, ACTIVATION_AUTO, "grad-cam"},
        {&detector_residual, &tiny, ACTIVATION_AUTO, "cam"},
        {&detector_residual, &tiny, ACTIVATION_GRAD_CAM, "grad-cam"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(path, sizeof path, "%s%s.safetensors", dir, cases[i].detector->name);
        check_parity(cases[i].detector, cases[i].config, path, "image", cases[i].method, cases[i].name);
    }
    snprintf(path, sizeof path, "%s/backbone/fixtures/clip_visual.safetensors", ASSAY_TEST_DIR);
    check_parity(&transformer, NULL, path, "in.image", ACTIVATION_AUTO, "rollout");
}

/* ---- The published networks ------------------------------------------------------------------------------------ */

static int64_t map_side(const struct detector *detector, int choice, enum activation_method method)
{
    _Alignas(16) char config[DETECTOR_MAX_CONFIG];
    struct model model = {.detector = detector, .config = config};
    struct activation_graph explain = {.model = &model, .method = method};
    struct preprocess p;
    option_defaults(detector->fields, config);
    if (detector == &detector_lol)
        ((struct lol_config *)config)->backbone = choice;
    detector->preprocess(config, &p);
    ok(store_create(&model.store, &error));
    struct graph *g = graph_create(model.store, (struct graph_options){0});
    struct detector_io io = detector_io(input(g, "image", SHAPE(1, p.crop, p.crop, 3), DTYPE_F32));
    io.explain = true;
    detector->forward(g, params_root(model.store), config, &io);
    ok(graph_status(g, &error));
    node map = method == ACTIVATION_CAM ? io.evidence : method == ACTIVATION_ROLLOUT ? io.rollout : io.features;
    assert_true(map.id >= 0);
    assert_true(io.embedding.id >= 0 && graph_rank(g, io.embedding) == 2);
    assert_true(io.features.id >= 0 && graph_rank(g, io.features) == 4);
    int64_t side = graph_dim(g, map, 1);
    assert_int_equal(graph_dim(g, map, 2), side);
    graph_free(g);
    g = graph_create(model.store, (struct graph_options){0});
    struct shape image = SHAPE(1, p.crop, p.crop, 3);
    activation_build(g, &image, 1, &explain);
    ok(graph_status(g, &error));
    graph_free(g);
    store_free(model.store);
    return side;
}

static void test_published(void **unused)
{
    (void)unused;
    assert_int_equal(map_side(&detector_residual, 0, ACTIVATION_CAM), 16);
    assert_int_equal(map_side(&detector_cnnspot, 0, ACTIVATION_CAM), 7);
    assert_int_equal(map_side(&detector_npr, 0, ACTIVATION_CAM), 32);
    assert_int_equal(map_side(&detector_univfd, 0, ACTIVATION_ROLLOUT), 16);
    assert_int_equal(map_side(&detector_lol, LOL_RN50, ACTIVATION_GRAD_CAM), 7);
    assert_int_equal(map_side(&detector_lol, LOL_RN101, ACTIVATION_GRAD_CAM), 7);
    assert_int_equal(map_side(&detector_lol, LOL_VIT_L_14, ACTIVATION_ROLLOUT), 16);
}

/* ---- Networks with known sight --------------------------------------------------------------------------------- */

enum { CROP = 32, CELL = 4 };

static bool turned; /* the sight detector speaks for "real" */

/* Evidence is the mean brightness of cells of 4 x 4 pixels. */
static void forward_bright(struct graph *g, struct params p, const void *config, struct detector_io *io)
{
    (void)p, (void)config;
    io->features = op_avg_pool2d(g, io->image, CELL, CELL, 0);
    io->evidence = op_mean(g, io->features, REDUCE_AXIS(3), true);
    io->evidence = op_scale(g, io->evidence, turned ? -1 : 1);
    io->logit =
        op_reshape(g, op_mean(g, io->evidence, REDUCE_AXIS(1) | REDUCE_AXIS(2) | REDUCE_AXIS(3), false), SHAPE(-1, 1));
}

/* Only the left half is seen by what the logit is made of: no evidence, so this is Grad-CAM's. */
static void forward_left(struct graph *g, struct params p, const void *config, struct detector_io *io)
{
    float left[CROP / CELL];
    (void)p, (void)config;
    for (int x = 0; x < CROP / CELL; x++)
        left[x] = x < CROP / CELL / 2 ? 1 : 0;
    node maps = op_avg_pool2d(g, io->image, CELL, CELL, 0);
    io->features = op_mul(g, maps, constant_data(g, left, SHAPE(1, 1, CROP / CELL, 1)));
    io->logit = op_mean(g, op_global_avg_pool(g, io->features), REDUCE_AXIS(1), true);
}

static void forward_blind(struct graph *g, struct params p, const void *config, struct detector_io *io)
{
    (void)p, (void)config;
    io->logit = op_mean(g, op_reshape(g, io->image, SHAPE(1, -1)), REDUCE_AXIS(1), true);
}

struct bench {
    struct detector detector;
    struct model model;
    struct model_scorer *scorer;
};

static void open_bench(struct bench *b, const char *name,
                       void (*forward)(struct graph *, struct params, const void *, struct detector_io *),
                       struct preprocess preprocess)
{
    *b = (struct bench){.detector = {.name = name, .forward = forward}};
    b->model = (struct model){.detector = &b->detector, .preprocess = preprocess};
    ok(store_create(&b->model.store, &error));
    ok(model_scorer_create(&b->model, false, &b->scorer, &error));
}

static void close_bench(struct bench *b)
{
    model_scorer_free(b->scorer);
    store_free(b->model.store);
}

static struct preprocess preprocessing(enum preprocess_resize resize, enum preprocess_fit fit, int crops)
{
    return (struct preprocess){.crop = CROP,
                               .resize = resize,
                               .resize_to = resize == PREPROCESS_EXACT ? CROP : 2 * CROP,
                               .filter = IMAGE_BILINEAR,
                               .fit = fit,
                               .max_crops = crops,
                               .std = {1, 1, 1}};
}

/* Dark, with a bright square whose side is a fifth of the shorter one, its middle at (x, y). */
static struct image spotted(int width, int height, int x, int y)
{
    struct image image;
    int half = (width < height ? width : height) / 10 + 1;
    ok(image_create(width, height, &image, &error));
    for (int i = 0; i < width * height; i++) {
        bool inside = abs(i % width - x) <= half && abs(i / width - y) <= half;
        memset(image.pixels + (size_t)i * 3, inside ? 255 : 0, 3);
    }
    return image;
}

/* Every value in range, the strongest 1; the share that is seen is told. */
static void check_range(const struct activation *a)
{
    float largest = 0;
    size_t seen = 0, cells = (size_t)a->width * (size_t)a->height;
    for (size_t i = 0; i < cells; i++) {
        if (a->heat[i] == ACTIVATION_UNSEEN)
            continue;
        assert_true(a->heat[i] >= 0 && a->heat[i] <= 1);
        largest = fmaxf(largest, a->heat[i]);
        seen++;
    }
    assert_true(fabs((double)seen / (double)cells - a->seen) < 1e-9);
    assert_true(a->high > a->low ? fabsf(largest - 1) < 1e-6f : largest == 0);
}

static float heat_at(const struct activation *a, const struct image *picture, int x, int y)
{
    return a
        ->heat[(size_t)(y * a->height / picture->height) * (size_t)a->width + (size_t)(x * a->width / picture->width)];
}

/* However a picture is resized, padded, tiled and cut, the heat lies where the bright square does. */
static void test_places(void **unused)
{
    (void)unused;
    static const struct {
        enum preprocess_resize resize;
        enum preprocess_fit fit;
        int crops, width, height, x, y;
    } cases[] = {
        {PREPROCESS_NATIVE, PREPROCESS_TILE, 1, 32, 32, 6, 22},
        {PREPROCESS_NATIVE, PREPROCESS_TILE, 16, 100, 70, 20, 55},
        {PREPROCESS_NATIVE, PREPROCESS_TILE, 16, 70, 100, 60, 10},
        {PREPROCESS_NATIVE, PREPROCESS_TILE, 4, 20, 20, 4, 14},
        {PREPROCESS_NATIVE, PREPROCESS_TILE, 4, 17, 90, 12, 20},
        {PREPROCESS_NATIVE, PREPROCESS_PAD, 1, 21, 25, 16, 6},
        {PREPROCESS_NATIVE, PREPROCESS_PAD, 9, 80, 20, 66, 6},
        {PREPROCESS_EXACT, PREPROCESS_TILE, 1, 120, 60, 100, 14},
        {PREPROCESS_EXACT, PREPROCESS_TILE, 1, 20, 30, 4, 22},
        {PREPROCESS_SHORTER, PREPROCESS_TILE, 25, 60, 150, 44, 100},
        {PREPROCESS_SHORTER, PREPROCESS_PAD, 25, 300, 120, 240, 24},
        {PREPROCESS_NATIVE, PREPROCESS_TILE, 64, 1500, 40, 1400, 12},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench b;
        struct activation a;
        open_bench(&b, "bright", forward_bright, preprocessing(cases[i].resize, cases[i].fit, cases[i].crops));
        struct image picture = spotted(cases[i].width, cases[i].height, cases[i].x, cases[i].y);
        ok(model_activation(b.scorer, &picture, NULL, &a, &error));
        check_range(&a);
        if (cases[i].width <= ACTIVATION_MAX_SIDE)
            assert_true(a.width == picture.width && a.height == picture.height);
        else
            assert_true(a.width == ACTIVATION_MAX_SIDE && a.height == 40 * ACTIVATION_MAX_SIDE / 1500);
        if (picture.width < CROP && picture.height < CROP) /* whole, though copies of it fill the crop */
            assert_true(a.seen == 1);
        float there = heat_at(&a, &picture, cases[i].x, cases[i].y);
        float away = heat_at(&a, &picture, picture.width - 1 - cases[i].x, picture.height - 1 - cases[i].y);
        if (!(there > 0.7f && away < 0.2f))
            fail_msg("case %zu: %g at the square, %g on the other side", i, (double)there, (double)away);
        activation_free(&a);
        image_free(&picture);
        close_bench(&b);
    }
}

/* One crop in the middle: nothing is known of the rest. */
static void test_unseen(void **unused)
{
    (void)unused;
    struct bench b;
    struct activation a;
    struct image picture = spotted(100, 60, 50, 30);
    open_bench(&b, "bright", forward_bright, preprocessing(PREPROCESS_NATIVE, PREPROCESS_PAD, 1));
    ok(model_activation(b.scorer, &picture, NULL, &a, &error));
    check_range(&a);
    assert_int_equal(a.crops, 1);
    for (int y = 0; y < 60; y++)
        for (int x = 0; x < 100; x++)
            assert_int_equal(a.heat[y * 100 + x] != ACTIVATION_UNSEEN, x >= 34 && x < 66 && y >= 14 && y < 46);
    assert_true(fabs(a.seen - 32 * 32 / 6000.0) < 1e-9);
    activation_free(&a);
    image_free(&picture);
    close_bench(&b);
}

static void test_left(void **unused)
{
    (void)unused;
    struct bench b;
    struct activation a;
    struct image picture;
    ok(image_create(CROP, CROP, &picture, &error));
    memset(picture.pixels, 200, image_bytes(&picture));
    open_bench(&b, "left", forward_left, preprocessing(PREPROCESS_NATIVE, PREPROCESS_TILE, 1));
    ok(model_activation(b.scorer, &picture, NULL, &a, &error));
    check_range(&a);
    assert_int_equal(a.method, ACTIVATION_GRAD_CAM);
    assert_true(a.generated);
    for (int i = 0; i < CROP * CROP; i++) {
        if (i % CROP < CROP / 2 - CELL / 2)
            assert_true(a.heat[i] > 0.999f);
        if (i % CROP >= CROP / 2 + CELL / 2)
            assert_true(a.heat[i] == 0);
    }
    activation_free(&a);

    /* the same from the other side: there is nothing that speaks for "real" */
    ok(model_activation(b.scorer, &picture, &(struct activation_options){.side = ACTIVATION_REAL}, &a, &error));
    assert_false(a.generated);
    assert_true(a.high == 0);
    check_range(&a);
    activation_free(&a);
    image_free(&picture);
    close_bench(&b);
}

/* The logit is model_score's; the leaning side is that of the logit; each place speaks for one side. */
static void test_sides(void **unused)
{
    (void)unused;
    struct bench b;
    struct activation leaning, generated, real;
    struct image picture = spotted(90, 60, 20, 20);
    const struct image *pictures[] = {&picture};
    struct preprocess p = preprocessing(PREPROCESS_NATIVE, PREPROCESS_TILE, 9);
    double logit;
    for (int round = 0; round < 2; round++) {
        turned = round == 1;
        p.mean[0] = p.mean[1] = p.mean[2] = 0.01f; /* dark places speak against what bright ones speak for */
        open_bench(&b, "bright", forward_bright, p);
        ok(model_score(b.scorer, pictures, 1, &logit, &error));
        ok(model_activation(b.scorer, &picture, NULL, &leaning, &error));
        ok(model_activation(b.scorer, &picture, &(struct activation_options){.side = ACTIVATION_GENERATED}, &generated,
                            &error));
        ok(model_activation(b.scorer, &picture, &(struct activation_options){.side = ACTIVATION_REAL}, &real, &error));
        assert_true(fabs(leaning.logit - logit) < 1e-6);
        assert_int_equal(leaning.generated, logit >= 0);
        assert_int_equal(leaning.generated, !turned);
        const struct activation *same = turned ? &real : &generated;
        assert_memory_equal(leaning.heat, same->heat, 90 * 60 * sizeof(float));
        assert_true(generated.generated && !real.generated && generated.high > 0 && real.high > 0);
        assert_true(heat_at(turned ? &real : &generated, &picture, 20, 20) > 0.7f);
        assert_true(heat_at(turned ? &generated : &real, &picture, 20, 20) == 0);
        activation_free(&leaning);
        activation_free(&generated);
        activation_free(&real);
        close_bench(&b);
    }
    turned = false;
    image_free(&picture);
}

static void test_refusals(void **unused)
{
    (void)unused;
    struct bench b;
    struct activation a;
    struct image picture = spotted(1, 1, 0, 0);
    struct preprocess p = preprocessing(PREPROCESS_NATIVE, PREPROCESS_TILE, 4);
    open_bench(&b, "blind", forward_blind, p);
    assert_int_equal(model_activation(b.scorer, &picture, NULL, &a, &error), ASSAY_ERROR_MODEL);
    assert_non_null(strstr(error.message, "blind has no map"));
    assert_null(a.heat);
    close_bench(&b);

    /* one pixel is a picture too */
    open_bench(&b, "bright", forward_bright, p);
    ok(model_activation(b.scorer, &picture, NULL, &a, &error));
    assert_true(a.width == 1 && a.height == 1 && a.heat[0] == 1 && a.seen == 1);
    activation_free(&a);
    struct activation_options rollout = {.method = ACTIVATION_ROLLOUT};
    assert_int_equal(model_activation(b.scorer, &picture, &rollout, &a, &error), ASSAY_ERROR_MODEL);
    assert_non_null(strstr(error.message, "bright has no map by method rollout"));
    image_free(&picture);
    close_bench(&b);
}

/* The last maps of a tower that is read at its class token get no gradient; to show them as blank would be a lie. */
static void test_no_grad_cam_of_transformers(void **unused)
{
    (void)unused;
    struct bench b;
    struct activation a;
    struct image picture = spotted(CROP, CROP, 8, 8);
    struct activation_options options = {.method = ACTIVATION_GRAD_CAM};
    open_bench(&b, "tiny-vit", forward_vit, preprocessing(PREPROCESS_NATIVE, PREPROCESS_TILE, 1));
    ok(store_initialise(b.model.store, 9, &error));
    assert_int_equal(model_activation(b.scorer, &picture, &options, &a, &error), ASSAY_ERROR_MODEL);
    ok(model_activation(b.scorer, &picture, NULL, &a, &error));
    check_range(&a);
    assert_int_equal(a.method, ACTIVATION_ROLLOUT);
    assert_true(a.low > 0 && a.high > a.low); /* it is scaled from its smallest value on */
    image_free(&picture);
    activation_free(&a);
    close_bench(&b);
}

/* ---- Enlarging ------------------------------------------------------------------------------------------------- */

static void test_enlarging(void **unused)
{
    (void)unused;
    struct parity t = {0};
    struct activation_canvas canvas = {0};
    struct image picture = {.width = 20, .height = 20};
    struct preprocess p = preprocessing(PREPROCESS_NATIVE, PREPROCESS_TILE, 1);
    int64_t count;
    double low, high, seen;
    p.crop = 20;
    ok(safetensors_open(ASSAY_TEST_DIR "/detector/fixtures/activation.safetensors", &t.file, &error));
    float *cells = parity_floats(&t, "cells", &count), *want = parity_floats(&t, "enlarged", &count);
    assert_int_equal(count, 400);
    ok(canvas_begin(&canvas, &p, &picture, &picture, &error));
    ok(canvas_add(&canvas, 0, 0, cells, 3, 5, &error));
    ok(canvas_add(&canvas, 0, 0, cells, 3, 5, &error)); /* a mean, not a sum */
    canvas_finish(&canvas, &low, &high, &seen);
    parity_close_max("enlarged", canvas.sum, want, count, 1e-5);
    assert_true(seen == 1 && low < high);
    canvas_free(&canvas);
    mem_free(cells);
    mem_free(want);
    safetensors_close(&t.file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parity),    cmocka_unit_test(test_published),
        cmocka_unit_test(test_places),    cmocka_unit_test(test_unseen),
        cmocka_unit_test(test_left),      cmocka_unit_test(test_sides),
        cmocka_unit_test(test_refusals),  cmocka_unit_test(test_no_grad_cam_of_transformers),
        cmocka_unit_test(test_enlarging),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
