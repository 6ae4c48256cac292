/* The detector `lol`: masks against loops over pixels, a tiny network on masked pictures against PyTorch, and what the
 * detector makes of both. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "cpu/cpu.h"
#include "detector/lol.h"
#include "ops/elementwise.h"
#include "parity.h"

static const struct clip_resnet_config tiny = {.blocks = {1, 1}, .width = 4, .grid = 3, .heads = 2, .out = 8};

static struct lol_config defaults(void)
{
    struct lol_config config = {0};
    option_defaults(detector_lol.fields, &config);
    return config;
}

static void ok(assay_status status, const struct assay_error *error)
{
    if (status)
        fail_msg("status %d: %s", (int)status, error->message);
}

/* ---- Masks ---------------------------------------------------------------------------------------------------- */

struct masking {
    struct lol_config config;
    int64_t height, width;
};

static void build_mask(struct graph *g, const struct shape *shapes, int count, void *context)
{
    const struct masking *m = context;
    (void)count;
    tap(g, "mask", lol_mask(g, &m->config, input(g, "draws", shapes[0], DTYPE_F32), m->height, m->width));
}

/* The masks of given draws [count, 4], freed with mem_free. */
static float *masks_of(struct masking *m, const float *draws, int64_t count)
{
    struct assay_error error = {0};
    struct store *store;
    struct program *program;
    struct program_run run = {0};
    struct plan_options options = {.backend = cpu_backend()};
    struct program_input feed = {"draws", SHAPE(count, 4), draws};
    ok(store_create(&store, &error), &error);
    ok(program_create(store, &options, &program, &error), &error);
    ok(program_add(program, "mask", true, build_mask, m, &error), &error);
    ok(program_run(program, "mask", &feed, 1, &(struct run_options){0}, &run, &error), &error);
    struct tensor t = program_read(&run, "mask");
    struct shape want = SHAPE(count, m->height, m->width, 1);
    assert_true(shape_equal(&t.shape, &want));
    float *copy = mem_alloc((size_t)shape_count(&t.shape), sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, t.data, (size_t)shape_count(&t.shape) * sizeof *copy);
    program_release(&run);
    program_free(program);
    store_free(store);
    return copy;
}

static void check_masks(const struct parity *fixture, struct masking m, const char *name)
{
    int64_t count, values;
    float *draws = parity_floats(fixture, "draws", &count), *want = parity_floats(fixture, name, &values);
    count /= 4;
    assert_int_equal(values, count * m.height * m.width);
    float *have = masks_of(&m, draws, count);
    for (int64_t i = 0; i < values; i++)
        if (have[i] != want[i])
            fail_msg("mask %s %d, place %d: %g, not %g", name, (int)(i / (m.height * m.width)),
                     (int)(i % (m.height * m.width)), (double)have[i], (double)want[i]);
    mem_free(draws);
    mem_free(want);
    mem_free(have);
}

static void open_masks(struct parity *fixture)
{
    struct assay_error error = {0};
    *fixture = (struct parity){0};
    ok(safetensors_open(ASSAY_TEST_DIR "/detector/fixtures/lol_masks.safetensors", &fixture->file, &error), &error);
}

static void test_masks(void **unused)
{
    (void)unused;
    struct parity fixture;
    struct masking m = {defaults(), 37, 29};
    open_masks(&fixture);
    assert_int_equal(m.config.mask, LOL_MASK_CORRECTED);
    check_masks(&fixture, m, "corrected");
    m.config.mask = LOL_MASK_SQRT;
    check_masks(&fixture, m, "sqrt");
    m.config.mask = LOL_MASK_LITERAL;
    check_masks(&fixture, m, "literal");
    m.config.mask = LOL_MASK_CORRECTED;
    m.config.aspect_min = m.config.aspect_max = 1;
    m.config.ratio_min = m.config.ratio_max = 0;
    check_masks(&fixture, m, "nothing");
    m.config.ratio_min = m.config.ratio_max = 1;
    m.width = 37;
    check_masks(&fixture, m, "everything");
    safetensors_close(&fixture.file);
}

/* At the size that is used: the share that is wiped out and the rows that it touches. 60 to 80 per cent are meant; at a
 * far aspect a side is cut off, and it is as little as 45. */
static void test_mask_area(void **unused)
{
    (void)unused;
    struct parity fixture;
    struct masking m = {defaults(), 224, 224};
    int64_t count, values;
    open_masks(&fixture);
    float *draws = parity_floats(&fixture, "draws", &values), *share = parity_floats(&fixture, "share", &count);
    float *rows = parity_floats(&fixture, "rows", &count), *have = masks_of(&m, draws, count);
    for (int64_t i = 0; i < count; i++) {
        int64_t zeros = 0, touched = 0;
        for (int64_t y = 0; y < m.height; y++) {
            bool any = false;
            for (int64_t x = 0; x < m.width; x++) {
                bool zero = have[(i * m.height + y) * m.width + x] == 0;
                zeros += zero;
                any = any || zero;
            }
            touched += any;
        }
        assert_int_equal(touched, (int64_t)rows[i]);
        assert_true(fabs((double)zeros / (224 * 224) - (double)share[i]) < 1e-6);
        assert_in_range(zeros, 224 * 224 * 4 / 10, 224 * 224 * 81 / 100);
    }
    mem_free(draws);
    mem_free(share);
    mem_free(rows);
    mem_free(have);
    safetensors_close(&fixture.file);
}

/* ---- The network ----------------------------------------------------------------------------------------------- */

struct tiny_lol {
    struct lol_config config;
    const float *draws; /* [4, 4] */
};

static void build(struct graph *g, struct params p, const void *config, node image, node labels, node *logits,
                  node *loss)
{
    const struct tiny_lol *t = config;
    struct detector_io io = detector_io(image);
    if (labels.id >= 0) {
        node mask = lol_mask(g, &t->config, constant_data(g, t->draws, SHAPE(4, 4)), 24, 24);
        image = op_mul(g, image, mask);
    }
    lol_network(g, p, &tiny, image, &io);
    *logits = io.logit;
    if (labels.id >= 0)
        *loss = detector_lol.loss(g, p, &t->config, &io, labels);
}

static void test_parity(void **unused)
{
    (void)unused;
    struct assay_error error = {0};
    struct parity t = {0};
    struct tiny_lol lol = {.config = defaults()};
    int64_t count;
    ok(safetensors_open(ASSAY_TEST_DIR "/detector/fixtures/lol.safetensors", &t.file, &error), &error);
    float *draws = parity_floats(&t, "draws", &count);
    safetensors_close(&t.file);
    assert_int_equal(count, 16);
    lol.draws = draws;
    parity_open(&t, "detector/fixtures/lol.safetensors", build, &lol);
    parity_check_eval(&t, NULL, "logits.eval");
    parity_check_bf16(&t, "logits.eval", 2e-2);
    parity_check_training(&t, 0.05, 10);
    parity_close(&t);
    mem_free(draws);
}

/* ---- The detector ---------------------------------------------------------------------------------------------- */

struct built {
    struct store *store;
    struct graph *g;
    struct detector_io io;
    assay_status status;
    struct assay_error error;
};

static struct built build_detector(const struct lol_config *config, bool training)
{
    struct built b = {0};
    ok(store_create(&b.store, &b.error), &b.error);
    b.g = graph_create(b.store, (struct graph_options){.training = training});
    b.io = detector_io(input(b.g, "image", SHAPE(2, config->crop, config->crop, 3), DTYPE_F32));
    detector_lol.forward(b.g, params_root(b.store), config, &b.io);
    b.status = graph_status(b.g, &b.error);
    return b;
}

static void discard(struct built *b)
{
    graph_free(b->g);
    store_free(b->store);
}

static void test_sizes(void **unused)
{
    (void)unused;
    static const uint64_t parameters[] = {38316896 + 1025, 56259936 + 513, 303966208 + 769};
    struct lol_config config = defaults();
    for (config.backbone = LOL_RN50; config.backbone <= LOL_VIT_L_14; config.backbone++) {
        struct built b = build_detector(&config, true);
        ok(b.status, &b.error);
        assert_int_equal(store_param_count(b.store), parameters[config.backbone]);
        assert_non_null(
            store_get(b.store, config.backbone == LOL_VIT_L_14 ? "visual.proj" : "visual.attnpool.c_proj.weight"));
        assert_non_null(store_get(b.store, "head.weight"));
        assert_non_null(store_get(b.store, "head.bias"));
        node *trained;
        int all = graph_trained_params(b.g, &trained);
        discard(&b);
        config.frozen = CLIP_RESNET_FROZEN_ALL;
        b = build_detector(&config, true);
        assert_int_equal(graph_trained_params(b.g, &trained), 2); /* the head's */
        discard(&b);
        config.frozen = CLIP_RESNET_FROZEN_STEM;
        b = build_detector(&config, true);
        if (config.backbone == LOL_VIT_L_14)
            assert_non_null(strstr(b.error.message, "freeze"));
        else
            assert_int_equal(graph_trained_params(b.g, &trained), all - 9);
        discard(&b);
        config.frozen = CLIP_RESNET_FROZEN_NONE;
    }
}

static void test_refusals(void **unused)
{
    (void)unused;
    struct lol_config config = defaults();
    config.crop = 100;
    struct built b = build_detector(&config, false);
    assert_int_equal(b.status, ASSAY_ERROR_MODEL);
    assert_non_null(strstr(b.error.message, "100 is no multiple of 32"));
    discard(&b);
    config.backbone = LOL_VIT_L_14;
    b = build_detector(&config, false);
    assert_non_null(strstr(b.error.message, "100 is no multiple of 14"));
    discard(&b);
    config = defaults();
    config.aspect_min = 4;
    b = build_detector(&config, false);
    assert_int_equal(b.status, ASSAY_ERROR_MODEL);
    assert_non_null(strstr(b.error.message, "mask-aspect"));
    discard(&b);
}

static void build_forward(struct graph *g, const struct shape *shapes, int count, void *context)
{
    struct built *b = context;
    struct lol_config config = defaults();
    struct detector_io io = detector_io(input(g, "image", shapes[0], DTYPE_F32));
    (void)count;
    config.crop = 32;
    config.norms = LOL_NORMS_FROZEN;
    config.mask = (int)shapes[0].dim[0] == 3 ? LOL_MASK_NONE : LOL_MASK_CORRECTED; /* a batch of three: without masks */
    detector_lol.forward(g, params_root(b->store), &config, &io);
    tap(g, "logit", io.logit);
}

/* Training masks, differently at each step and each picture, and the same way again; judging does not. */
static void test_masks_in_training(void **unused)
{
    (void)unused;
    struct built b = {0};
    struct program *program;
    struct plan_options options = {.backend = cpu_backend()};
    float image[3 * 32 * 32 * 3], logit[6][3] = {{0}};
    ok(store_create(&b.store, &b.error), &b.error);
    ok(program_create(b.store, &options, &program, &b.error), &b.error);
    ok(program_add(program, "eval", false, build_forward, &b, &b.error), &b.error);
    ok(program_add(program, "train", true, build_forward, &b, &b.error), &b.error);
    for (int i = 0; i < 32 * 32 * 3; i++)
        image[i] = image[32 * 32 * 3 + i] = image[2 * 32 * 32 * 3 + i] = sinf((float)(i * i % 97));
    const struct {
        const char *graph;
        int64_t batch;
        uint64_t seed, step;
    } runs[] = {{"eval", 2, 1, 0},  {"train", 2, 1, 0}, {"train", 2, 1, 1},
                {"train", 2, 1, 0}, {"train", 2, 2, 0}, {"train", 3, 1, 0}};
    for (int i = 0; i < 6; i++) {
        struct program_run run = {0};
        struct program_input feed = {"image", SHAPE(runs[i].batch, 32, 32, 3), image};
        struct run_options with = {.seed = runs[i].seed, .step = runs[i].step};
        if (i == 0) {
            ok(program_prepare(program, "eval", &feed, 1, &b.error), &b.error);
            ok(store_initialise(b.store, 3, &b.error), &b.error);
        }
        ok(program_run(program, runs[i].graph, &feed, 1, &with, &run, &b.error), &b.error);
        memcpy(logit[i], program_read(&run, "logit").data, (size_t)runs[i].batch * sizeof(float));
        program_release(&run);
    }
    assert_true(logit[0][0] == logit[0][1]);
    assert_true(logit[1][0] != logit[1][1]);
    assert_true(logit[1][0] != logit[0][0] && logit[1][0] != logit[2][0] && logit[1][0] != logit[4][0]);
    assert_true(logit[1][0] == logit[3][0] && logit[1][1] == logit[3][1]);
    assert_true(fabsf(logit[5][0] - logit[0][0]) <= 1e-5f * fmaxf(1, fabsf(logit[0][0])));
    program_free(program);
    store_free(b.store);
}

static void test_preprocessing(void **unused)
{
    (void)unused;
    struct preprocess p;
    struct lol_config config = defaults();
    detector_lol.preprocess(&config, &p);
    assert_int_equal(p.crop, 224);
    assert_int_equal(p.max_crops, 1);
    assert_int_equal(p.resize, PREPROCESS_NATIVE);
    assert_int_equal(p.fit, PREPROCESS_TILE);
    assert_true(fabsf(p.mean[0] - 0.48145466f) < 1e-7f && fabsf(p.std[2] - 0.27577711f) < 1e-7f);
    config.statistics = LOL_STATISTICS_IMAGENET;
    detector_lol.preprocess(&config, &p);
    assert_true(fabsf(p.mean[0] - 0.485f) < 1e-7f && fabsf(p.std[2] - 0.225f) < 1e-7f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masks),         cmocka_unit_test(test_mask_area),
        cmocka_unit_test(test_parity),        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_refusals),      cmocka_unit_test(test_masks_in_training),
        cmocka_unit_test(test_preprocessing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
