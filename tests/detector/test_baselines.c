/* The detectors `cnnspot`, `npr` and `univfd`: tiny ones against PyTorch, the published ones by name, shape and
 * count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "detector/cnnspot.h"
#include "detector/npr.h"
#include "detector/univfd.h"
#include "parity.h"

typedef void network(struct graph *g, struct params p, const struct resnet_config *resnet, struct detector_io *io);

struct baseline {
    const struct detector *detector;
    network *network;
};

static const struct resnet_config tiny = {.block = RESNET_BOTTLENECK, .blocks = {1, 1}, .width = 4};

static void build(struct graph *g, struct params p, const void *config, node image, node labels, node *logits,
                  node *loss)
{
    const struct baseline *b = config;
    struct detector_io io = detector_io(image);
    b->network(g, p, &tiny, &io);
    *logits = io.logit;
    if (labels.id >= 0)
        *loss = b->detector->loss(g, p, NULL, &io, labels);
}

static void check(const char *fixture, struct baseline baseline, double bf16)
{
    struct parity t;
    parity_open(&t, fixture, build, &baseline);
    parity_check_eval(&t, NULL, "logits.eval");
    parity_check_bf16(&t, "logits.eval", bf16);
    parity_check_training(&t, 0.05, 10);
    parity_close(&t);
}

static void test_cnnspot(void **unused)
{
    (void)unused;
    check("detector/fixtures/cnnspot.safetensors", (struct baseline){&detector_cnnspot, cnnspot_network}, 2e-2);
}

static void test_npr(void **unused)
{
    (void)unused;
    /* differences of neighbours lose more, and four channels do not average it out */
    check("detector/fixtures/npr.safetensors", (struct baseline){&detector_npr, npr_network}, 5e-2);
}

static void has(const struct store *store, const char *name, struct shape shape)
{
    const struct store_entry *entry = store_get(store, name);
    if (!entry || !shape_equal(&entry->shape, &shape))
        fail_msg("%s is missing or of another shape", name);
}

static struct store *declare(const struct detector *detector, int64_t side)
{
    struct assay_error error = {0};
    struct store *store;
    _Alignas(16) char config[DETECTOR_MAX_CONFIG];
    option_defaults(detector->fields, config);
    assert_int_equal(store_create(&store, &error), ASSAY_OK);
    struct graph *g = graph_create(store, (struct graph_options){.training = true});
    struct detector_io io = detector_io(input(g, "image", SHAPE(2, side, side, 3), DTYPE_F32));
    detector->forward(g, params_root(store), config, &io);
    if (graph_status(g, &error))
        fail_msg("%s", error.message);
    graph_free(g);
    return store;
}

/* Tensors without num_batches_tracked. ResNet-50 has 25,557,032 parameters, 2,049,000 of them in ImageNet's "fc"; the
 * paper says 1.44 million of NPR's. */
static void test_published(void **unused)
{
    (void)unused;
    struct store *store = declare(&detector_cnnspot, 224);
    assert_int_equal(store->entries.count, 267);
    assert_int_equal(store_param_count(store), 25557032 - 2049000 + 2049);
    has(store, "conv1.weight", SHAPE(64, 3, 7, 7));
    has(store, "layer4.2.bn3.running_var", SHAPE(2048));
    has(store, "fc.weight", SHAPE(1, 2048));
    has(store, "fc.bias", SHAPE(1));
    store_free(store);

    store = declare(&detector_npr, 224);
    assert_int_equal(store_param_count(store), 1437761);
    has(store, "conv1.weight", SHAPE(64, 3, 3, 3));
    has(store, "layer1.2.conv3.weight", SHAPE(256, 64, 1, 1));
    has(store, "layer2.0.downsample.0.weight", SHAPE(512, 256, 1, 1));
    has(store, "layer2.3.bn3.running_mean", SHAPE(512));
    has(store, "fc1.weight", SHAPE(1, 512));
    has(store, "fc1.bias", SHAPE(1));
    assert_null(store_get(store, "layer3.0.conv1.weight"));
    assert_null(store_get(store, "fc.weight"));
    store_free(store);

    store = declare(&detector_univfd, 224);
    assert_int_equal(store_param_count(store), 303966208 + 769);
    has(store, "visual.class_embedding", SHAPE(1024));
    has(store, "visual.transformer.resblocks.23.attn.in_proj_weight", SHAPE(3072, 1024));
    has(store, "visual.proj", SHAPE(1024, 768));
    has(store, "fc.weight", SHAPE(1, 768));
    has(store, "fc.bias", SHAPE(1));
    for (size_t i = 0; i < store->entries.count; i++) {
        const struct store_entry *entry = store->entries.entries[i].value;
        assert_int_equal(entry->frozen, strncmp(entry->name, "visual.", 7) == 0);
    }
    store_free(store);
}

static void test_preprocessing(void **unused)
{
    (void)unused;
    struct preprocess p;
    struct cnnspot_config cnnspot = {0};
    struct npr_config npr = {0};
    option_defaults(detector_cnnspot.fields, &cnnspot);
    detector_cnnspot.preprocess(&cnnspot, &p);
    assert_int_equal(p.resize, PREPROCESS_NATIVE);
    assert_int_equal(p.fit, PREPROCESS_PAD);
    assert_int_equal(p.crop, 224);
    assert_int_equal(preprocess_training(&p).crop, 224);
    cnnspot.resize = 256;
    detector_cnnspot.preprocess(&cnnspot, &p);
    assert_int_equal(p.resize, PREPROCESS_SHORTER);
    assert_int_equal(p.resize_to, 256);

    option_defaults(detector_npr.fields, &npr);
    detector_npr.preprocess(&npr, &p);
    assert_int_equal(p.resize, PREPROCESS_EXACT);
    assert_int_equal(p.resize_to, 256);
    assert_int_equal(p.filter, IMAGE_BILINEAR);
    assert_int_equal(p.crop, 256);
    assert_int_equal(preprocess_training(&p).crop, 224);
    npr.train_crop = 300;
    detector_npr.preprocess(&npr, &p);
    assert_int_equal(preprocess_training(&p).crop, 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cnnspot),
        cmocka_unit_test(test_npr),
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_preprocessing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
