/* The detector `residual` against an independent PyTorch rendering, and its size. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/memory.h"
#include "cpu/cpu.h"
#include "detector/activation_internal.h"
#include "detector/model_internal.h"
#include "detector/residual.h"
#include "parity.h"

static const struct residual_config tiny = {.crop = 32,
                                            .crops = 1,
                                            .input = RESIDUAL_BOTH,
                                            .npr_patch = 2,
                                            .high_pass = true,
                                            .correlations = true,
                                            .width = 4,
                                            .blocks = 1,
                                            .stages = 4,
                                            .label_smoothing = 0.1};

static void build(struct graph *g, struct params p, const void *config, node image, node labels, node *logits,
                  node *loss)
{
    struct detector_io io = detector_io(image);
    detector_residual.forward(g, p, config, &io);
    *logits = io.logit;
    if (labels.id >= 0)
        *loss = detector_residual.loss(g, p, config, &io, labels);
}

static void test_parity(void **unused)
{
    (void)unused;
    struct parity t;
    parity_open(&t, "detector/fixtures/residual.safetensors", build, &tiny);
    parity_check_eval(&t, NULL, "logits.eval");
    parity_check_bf16(&t, "logits.eval", 2e-2);
    parity_check_training(&t, 0.05, 10);
    parity_close(&t);
}

/* No network: statistics and a hidden layer. */
static void test_statistics_alone(void **unused)
{
    (void)unused;
    static const struct residual_config config = {.crop = 32,
                                                  .crops = 1,
                                                  .input = RESIDUAL_RGB,
                                                  .constrained = 2,
                                                  .correlations = true,
                                                  .moments = RESIDUAL_ABSOLUTE,
                                                  .dct = RESIDUAL_LUMA,
                                                  .dct_stride = 8,
                                                  .cooccurrence = RESIDUAL_LUMA,
                                                  .cooccurrence_range = 2,
                                                  .cooccurrence_step = 1,
                                                  .head_hidden = 4,
                                                  .label_smoothing = 0.1};
    struct parity t;
    parity_open(&t, "detector/fixtures/residual_statistics.safetensors", build, &config);
    parity_check_eval(&t, NULL, "logits.eval");
    parity_check_training(&t, 0.05, 10);
    parity_close(&t);
}

/* A head for each branch. */
static void test_late_fusion(void **unused)
{
    (void)unused;
    static const struct residual_config config = {.crop = 32,
                                                  .crops = 1,
                                                  .input = RESIDUAL_RGB,
                                                  .correlations = true,
                                                  .dct = RESIDUAL_LUMA,
                                                  .dct_stride = 8,
                                                  .cooccurrence = RESIDUAL_LUMA,
                                                  .cooccurrence_range = 2,
                                                  .cooccurrence_step = 1,
                                                  .width = 4,
                                                  .blocks = 1,
                                                  .stages = 1,
                                                  .fusion = RESIDUAL_LATE,
                                                  .label_smoothing = 0.1};
    struct parity t;
    parity_open(&t, "detector/fixtures/residual_late.safetensors", build, &config);
    parity_check_eval(&t, NULL, "logits.eval");
    parity_check_training(&t, 0.05, 10);
    parity_close(&t);
}

/* Another network on the same picture; the fixture holds those of its weights that have other shapes. */
static void other_network(struct residual_config config, const char *name)
{
    struct parity t, other;
    struct assay_error error;
    char from[PARAMS_PREFIX * 2];
    parity_open(&t, "detector/fixtures/residual.safetensors", build, &tiny);
    other = t;
    assert_int_equal(store_create(&other.store, &error), ASSAY_OK);
    struct graph *g = graph_create(other.store, (struct graph_options){0});
    node logits, loss;
    build(g, params_root(other.store), &config, input(g, "image", t.image, DTYPE_F32), NODE_NONE, &logits, &loss);
    assert_int_equal(graph_status(g, &error), ASSAY_OK);
    graph_free(g);
    for (size_t i = 0; i < other.store->entries.count; i++) {
        const char *entry = other.store->entries.entries[i].key;
        snprintf(from, sizeof from, "%s.param.%s", name, entry);
        bool own = string_map_get(&t.file.tensors, from);
        parity_load(&other, entry, own ? from : from + strlen(name) + 1);
    }
    snprintf(from, sizeof from, "%s.logits", name);
    parity_check_eval(&other, &config, from);
    store_free(other.store);
    parity_close(&t);
}

static void test_inputs(void **unused)
{
    (void)unused;
    struct residual_config config = tiny;
    config.input = RESIDUAL_RGB;
    config.high_pass = false;
    config.correlations = false;
    other_network(config, "rgb");
    config.input = RESIDUAL_NPR;
    config.npr_patch = 3;
    config.high_pass = true;
    config.correlations = true;
    other_network(config, "npr");
    config = tiny;
    config.input = RESIDUAL_RGB;
    config.high_pass = false;
    config.stages = 2;
    config.head_hidden = 5;
    other_network(config, "short");
    config.correlations = false;
    config.stages = 1;
    config.head_hidden = 0;
    config.thumb_width = 4;
    config.thumb = 16;
    other_network(config, "thumb");
    config.thumb = 12; /* does not divide the crop */
    other_network(config, "odd");
}

/* A forward pass in an evaluation graph that explains itself, with everything switched on, with a network or without:
 * the evidence covers the crop, and its mean is the logit. */
static void explain(int64_t crop, int64_t blocks, int fusion, int64_t cells)
{
    struct assay_error error = {0};
    struct residual_config config;
    struct model model = {.detector = &detector_residual, .config = &config};
    struct activation_graph graph = {.model = &model, .method = ACTIVATION_CAM};
    struct plan_options options = {.backend = cpu_backend()};
    struct program *program;
    struct program_run run = {0};
    option_defaults(detector_residual.fields, &config);
    config.crop = crop;
    config.width = 4;
    config.blocks = blocks;
    config.fusion = fusion;
    config.moments = RESIDUAL_HIGHER;
    config.dct = config.spectrum = config.cooccurrence = RESIDUAL_YCC;
    config.head_hidden = 3;
    float *pixels = mem_alloc((size_t)(2 * crop * crop * 3), sizeof *pixels);
    assert_non_null(pixels);
    for (int64_t i = 0; i < 2 * crop * crop * 3; i++)
        pixels[i] = (float)(i * i % 255) / 127.5f - 1;
    struct program_input feed = {"image", SHAPE(2, crop, crop, 3), pixels};
    assert_int_equal(store_create(&model.store, &error), ASSAY_OK);
    assert_int_equal(program_create(model.store, &options, &program, &error), ASSAY_OK);
    assert_int_equal(program_add(program, "explain", false, activation_build, &graph, &error), ASSAY_OK);
    assert_int_equal(program_prepare(program, "explain", &feed, 1, &error), ASSAY_OK);
    assert_int_equal(store_initialise(model.store, 1, &error), ASSAY_OK);
    assert_int_equal(program_run(program, "explain", &feed, 1, &(struct run_options){0}, &run, &error), ASSAY_OK);
    struct tensor map = program_read(&run, "cam"), logit = program_read(&run, "logit");
    assert_int_equal(map.shape.dim[1], cells);
    assert_int_equal(map.shape.dim[2], cells);
    for (int64_t b = 0; b < 2; b++) {
        double sum = 0;
        for (int64_t i = 0; i < cells * cells; i++)
            sum += (double)((const float *)map.data)[b * cells * cells + i];
        double value = (double)((const float *)logit.data)[b];
        assert_true(isfinite(value) && fabs(sum / (double)(cells * cells) - value) <= 1e-3 * (1 + fabs(value)));
    }
    program_release(&run);
    program_free(program);
    store_free(model.store);
    mem_free(pixels);
}

static void test_evidence(void **unused)
{
    (void)unused;
    explain(48, 1, RESIDUAL_JOINT, 6);
    explain(48, 0, RESIDUAL_JOINT, 6);
    explain(36, 0, RESIDUAL_JOINT, 5);
    explain(48, 1, RESIDUAL_LATE, 6);
}

static void test_table(void **unused)
{
    (void)unused;
    assert_ptr_equal(detector_find("residual"), &detector_residual);
    assert_null(detector_find("resid"));
    assert_null(detector_find(""));
    int count = 0;
    for (const struct detector *const *d = detector_all(); *d; d++, count++) {
        assert_ptr_equal(detector_find((*d)->name), *d);
        assert_true((*d)->config_size <= DETECTOR_MAX_CONFIG);
    }
    assert_true(count >= 1);
}

/* With its defaults: a sound preprocessing, at most 2 million parameters, 8 MB. */
static void test_defaults(void **unused)
{
    (void)unused;
    struct assay_error error;
    struct store *store;
    struct residual_config config = {0};
    struct preprocess preprocess, back;
    option_defaults(detector_residual.fields, &config);
    assert_int_equal(config.crop, 128);
    detector_residual.preprocess(&config, &preprocess);
    json_t *json = preprocess_to_json(&preprocess);
    assert_int_equal(preprocess_from_json(json, "test", &back, &error), ASSAY_OK);
    assert_int_equal(back.crop, 128);
    json_decref(json);

    assert_int_equal(store_create(&store, &error), ASSAY_OK);
    struct graph *g = graph_create(store, (struct graph_options){.training = true});
    struct detector_io io = detector_io(input(g, "image", SHAPE(4, config.crop, config.crop, 3), DTYPE_F32));
    detector_residual.forward(g, params_root(store), &config, &io);
    node labels = input(g, "labels", SHAPE(4), DTYPE_I32);
    node loss = detector_residual.loss(g, params_root(store), &config, &io, labels);
    assert_int_equal(graph_status(g, &error), ASSAY_OK);
    assert_int_equal(graph_rank(g, loss), 0);
    assert_int_equal(graph_rank(g, io.logit), 2);
    assert_int_equal(io.mask.id, NODE_NONE.id);
    assert_in_range(store_param_count(store), 10000, 2000000);
    graph_free(g);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parity),      cmocka_unit_test(test_statistics_alone), cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_table),       cmocka_unit_test(test_evidence),         cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_late_fusion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
