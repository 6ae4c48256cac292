/* The detector `residual` against an independent PyTorch rendering, and its size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
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
        cmocka_unit_test(test_parity),
        cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
