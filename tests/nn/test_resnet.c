/* ResNets against torchvision's: tiny ones tensor by tensor, the published ones by name, shape and count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backbone/resnet.h"
#include "ops/loss.h"
#include "parity.h"
#include "support/support.h"

static const struct resnet_config basic = {.block = RESNET_BASIC, .blocks = {2, 1}, .width = 6, .classes = 5};
static const struct resnet_config bottleneck = {
    .block = RESNET_BOTTLENECK, .blocks = {2, 1, 1}, .width = 4, .stem = RESNET_STEM_SMALL, .classes = 3};

static void build(struct graph *g, struct params p, const void *config, node image, node labels, node *logits,
                  node *loss)
{
    *logits = resnet(g, p, config, image);
    if (labels.id >= 0)
        *loss = op_cross_entropy(g, *logits, labels, 0);
}

static void check(const char *fixture, const struct resnet_config *config)
{
    struct parity t;
    parity_open(&t, fixture, build, config);
    parity_check_eval(&t, NULL, "logits.eval");
    parity_check_bf16(&t, "logits.eval", 2e-2);
    parity_check_training(&t, 0.05, 10);
    parity_close(&t);
}

static void test_basic(void **unused)
{
    (void)unused;
    check("nn/fixtures/resnet_basic.safetensors", &basic);
}

static void test_bottleneck(void **unused)
{
    (void)unused;
    check("nn/fixtures/resnet_bottleneck.safetensors", &bottleneck);
}

static struct store *declare(struct resnet_config config, bool training)
{
    struct assay_error error = {0};
    struct store *store;
    assert_int_equal(store_create(&store, &error), ASSAY_OK);
    struct graph *g = graph_create(store, (struct graph_options){.training = training});
    resnet(g, params_root(store), &config, input(g, "image", SHAPE(2, 64, 64, 3), DTYPE_F32));
    if (graph_status(g, &error))
        fail_msg("%s", error.message);
    graph_free(g);
    return store;
}

/* Tensors without num_batches_tracked, which counts steps and is no part of the network; parameters; some names. */
static void test_published(void **unused)
{
    (void)unused;
    static const struct {
        int depth;
        size_t tensors;
        uint64_t parameters;
    } published[] = {
        {18, 102, 11689512}, {34, 182, 21797672}, {50, 267, 25557032}, {101, 522, 44549160}, {152, 777, 60192808},
    };
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        struct store *store = declare(resnet_preset(published[i].depth), i % 2);
        assert_int_equal(store->entries.count, published[i].tensors);
        assert_int_equal(store_param_count(store), published[i].parameters);
        test_has(store, "conv1.weight", STORE_PARAM, SHAPE(64, 3, 7, 7));
        test_has(store, "bn1.running_mean", STORE_STATE, SHAPE(64));
        if (published[i].depth < 50) {
            test_has(store, "layer1.0.conv1.weight", STORE_PARAM, SHAPE(64, 64, 3, 3));
            assert_null(store_get(store, "layer1.0.downsample.0.weight"));
            test_has(store, "layer4.0.downsample.0.weight", STORE_PARAM, SHAPE(512, 256, 1, 1));
            test_has(store, "fc.weight", STORE_PARAM, SHAPE(1000, 512));
        } else {
            test_has(store, "layer1.0.downsample.0.weight", STORE_PARAM, SHAPE(256, 64, 1, 1));
            test_has(store, "layer1.0.downsample.1.running_var", STORE_STATE, SHAPE(256));
            test_has(store, "layer2.0.conv1.weight", STORE_PARAM, SHAPE(128, 256, 1, 1));
            test_has(store, "layer2.0.conv2.weight", STORE_PARAM, SHAPE(128, 128, 3, 3));
            test_has(store, "layer4.2.conv3.weight", STORE_PARAM, SHAPE(2048, 512, 1, 1));
            test_has(store, "layer4.2.bn3.bias", STORE_PARAM, SHAPE(2048));
            test_has(store, "fc.weight", STORE_PARAM, SHAPE(1000, 2048));
        }
        test_has(store, "fc.bias", STORE_PARAM, SHAPE(1000));
        store_free(store);
    }
}

static void test_features_and_freezing(void **unused)
{
    (void)unused;
    struct assay_error error = {0};
    struct store *store;
    struct resnet_config config = resnet_preset(50);
    config.classes = 0;
    config.frozen_norms = true;
    assert_int_equal(store_create(&store, &error), ASSAY_OK);
    struct graph *g = graph_create(store, (struct graph_options){.training = true});
    struct params frozen = params_freeze(params_root(store));
    node z = resnet(g, frozen, &config, input(g, "image", SHAPE(2, 64, 64, 3), DTYPE_F32));
    struct shape shape = graph_shape(g, z), expected = SHAPE(2, 2048);
    assert_true(shape_equal(&shape, &expected));
    node *trained;
    assert_int_equal(graph_trained_params(g, &trained), 0);
    assert_null(store_get(store, "fc.weight"));
    assert_int_equal(graph_status(g, &error), ASSAY_OK);
    graph_free(g);
    store_free(store);
}

static void test_unknown_depth(void **unused)
{
    (void)unused;
    struct assay_error error = {0};
    struct store *store;
    struct resnet_config config = resnet_preset(51);
    assert_int_equal(store_create(&store, &error), ASSAY_OK);
    struct graph *g = graph_create(store, (struct graph_options){0});
    resnet(g, params_root(store), &config, input(g, "image", SHAPE(1, 64, 64, 3), DTYPE_F32));
    assert_int_equal(graph_status(g, &error), ASSAY_ERROR_MODEL);
    assert_non_null(strstr(error.message, "ResNet"));
    graph_free(g);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_basic),         cmocka_unit_test(test_bottleneck),
        cmocka_unit_test(test_published),     cmocka_unit_test(test_features_and_freezing),
        cmocka_unit_test(test_unknown_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
