/* CLIP's ResNets against open_clip's: a tiny one tensor by tensor, the published ones by name, shape and count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backbone/clip_resnet.h"
#include "base/memory.h"
#include "cpu/cpu.h"
#include "ops/loss.h"
#include "parity.h"
#include "support/support.h"

static const struct clip_resnet_config tiny = {.blocks = {2, 1}, .width = 4, .grid = 3, .heads = 4, .out = 6};

static void build(struct graph *g, struct params p, const void *config, node image, node labels, node *logits,
                  node *loss)
{
    *logits = clip_resnet(g, p, config, image);
    if (labels.id >= 0)
        *loss = op_cross_entropy(g, *logits, labels, 0);
}

static void test_parity(void **unused)
{
    (void)unused;
    struct parity t;
    parity_open(&t, "backbone/fixtures/clip_resnet.safetensors", build, &tiny);
    parity_check_eval(&t, NULL, "logits.eval");
    parity_check_bf16(&t, "logits.eval", 2e-2);
    parity_check_training(&t, 0.05, 10);
    parity_close(&t);
}

static struct store *declare(struct clip_resnet_config config, bool training, int64_t side)
{
    struct assay_error error = {0};
    struct store *store;
    assert_int_equal(store_create(&store, &error), ASSAY_OK);
    struct graph *g = graph_create(store, (struct graph_options){.training = training});
    struct params visual = params_scope(params_root(store), "visual");
    node z = clip_resnet(g, visual, &config, input(g, "image", SHAPE(2, side, side, 3), DTYPE_F32));
    struct shape shape = graph_shape(g, z), expected = SHAPE(2, config.out);
    if (graph_status(g, &error))
        fail_msg("%s", error.message);
    assert_true(shape_equal(&shape, &expected));
    graph_free(g);
    return store;
}

/* Tensors without num_batches_tracked, which counts steps and is no part of the network. */
static void test_published(void **unused)
{
    (void)unused;
    static const struct {
        int depth;
        size_t tensors;
        uint64_t parameters;
        int64_t out;
    } published[] = {{50, 284, 38316896, 1024}, {101, 539, 56259936, 512}};
    for (int i = 0; i < 2; i++) {
        struct clip_resnet_config config = clip_resnet_preset(published[i].depth);
        assert_int_equal(clip_resnet_side(&config), 224);
        struct store *store = declare(config, i % 2, 224);
        assert_int_equal(store->entries.count, published[i].tensors);
        assert_int_equal(store_param_count(store), published[i].parameters);
        test_has(store, "visual.conv1.weight", STORE_PARAM, SHAPE(32, 3, 3, 3));
        test_has(store, "visual.conv3.weight", STORE_PARAM, SHAPE(64, 32, 3, 3));
        test_has(store, "visual.bn3.running_var", STORE_STATE, SHAPE(64));
        test_has(store, "visual.layer1.0.downsample.0.weight", STORE_PARAM, SHAPE(256, 64, 1, 1));
        test_has(store, "visual.layer1.0.downsample.1.running_mean", STORE_STATE, SHAPE(256));
        test_has(store, "visual.layer2.0.conv2.weight", STORE_PARAM, SHAPE(128, 128, 3, 3));
        test_has(store, i ? "visual.layer3.22.conv3.weight" : "visual.layer3.5.conv3.weight", STORE_PARAM,
                 SHAPE(1024, 256, 1, 1));
        assert_null(store_get(store, "visual.layer4.1.downsample.0.weight"));
        test_has(store, "visual.layer4.2.bn3.bias", STORE_PARAM, SHAPE(2048));
        test_has(store, "visual.attnpool.positional_embedding", STORE_PARAM, SHAPE(50, 2048));
        test_has(store, "visual.attnpool.q_proj.weight", STORE_PARAM, SHAPE(2048, 2048));
        test_has(store, "visual.attnpool.v_proj.bias", STORE_PARAM, SHAPE(2048));
        test_has(store, "visual.attnpool.c_proj.weight", STORE_PARAM, SHAPE(published[i].out, 2048));
        test_has(store, "visual.attnpool.c_proj.bias", STORE_PARAM, SHAPE(published[i].out));
        store_free(store);
    }
}

/* What is frozen gets no gradient and moves no running statistics; what follows does. */
static void test_freezing(void **unused)
{
    (void)unused;
    static const char *const parts[] = {"conv1.weight", "layer1.1.bn2.bias", "layer2.0.downsample.1.weight",
                                        "attnpool.c_proj.weight"};
    static const enum clip_resnet_frozen last[] = {CLIP_RESNET_FROZEN_STEM, CLIP_RESNET_FROZEN_LAYER1,
                                                   CLIP_RESNET_FROZEN_LAYER2, CLIP_RESNET_FROZEN_ALL};
    for (int frozen = CLIP_RESNET_FROZEN_NONE; frozen <= CLIP_RESNET_FROZEN_ALL; frozen++) {
        struct assay_error error = {0};
        struct store *store;
        struct clip_resnet_config config = tiny;
        config.frozen = (enum clip_resnet_frozen)frozen;
        assert_int_equal(store_create(&store, &error), ASSAY_OK);
        struct graph *g = graph_create(store, (struct graph_options){.training = true});
        clip_resnet(g, params_root(store), &config, input(g, "image", SHAPE(2, 24, 24, 3), DTYPE_F32));
        assert_int_equal(graph_status(g, &error), ASSAY_OK);
        for (int i = 0; i < 4; i++)
            assert_int_equal(store_get(store, parts[i])->frozen, config.frozen >= last[i]);
        graph_free(g);
        store_free(store);
    }
}

static void build_training(struct graph *g, const struct shape *shapes, int count, void *context)
{
    struct parity *t = context;
    (void)count;
    tap(g, "z", clip_resnet(g, params_root(t->store), t->config, input(g, "image", shapes[0], DTYPE_F32)));
}

/* In training, frozen norms compute what an evaluation graph does, and leave their statistics alone. */
static void test_frozen_norms(void **unused)
{
    (void)unused;
    struct assay_error error = {0};
    struct parity t;
    struct clip_resnet_config config = tiny;
    struct plan_options options = {.backend = cpu_backend()};
    struct program *program;
    struct program_run run = {0};
    int64_t count;
    config.frozen_norms = true;
    parity_open(&t, "backbone/fixtures/clip_resnet.safetensors", build, &config);
    const struct store_entry *mean = store_get(t.store, "layer2.0.bn1.running_mean");
    float before = mean->data[0];
    struct program_input image = {"image", t.image, t.image_data};
    assert_int_equal(program_create(t.store, &options, &program, &error), ASSAY_OK);
    assert_int_equal(program_add(program, "train", true, build_training, &t, &error), ASSAY_OK);
    assert_int_equal(program_run(program, "train", &image, 1, &(struct run_options){0}, &run, &error), ASSAY_OK);
    float *want = parity_floats(&t, "logits.eval", &count);
    struct tensor z = program_read(&run, "z");
    assert_int_equal(shape_count(&z.shape), count);
    parity_close_max("z", z.data, want, count, 1e-4);
    assert_true(mean->data[0] == before);
    mem_free(want);
    program_release(&run);
    program_free(program);
    parity_close(&t);
}

static void refuse(struct clip_resnet_config config, int64_t side, const char *says)
{
    struct assay_error error = {0};
    struct store *store;
    assert_int_equal(store_create(&store, &error), ASSAY_OK);
    struct graph *g = graph_create(store, (struct graph_options){0});
    clip_resnet(g, params_root(store), &config, input(g, "image", SHAPE(1, side, side, 3), DTYPE_F32));
    assert_int_equal(graph_status(g, &error), ASSAY_ERROR_MODEL);
    if (!strstr(error.message, says))
        fail_msg("\"%s\" does not say \"%s\"", error.message, says);
    graph_free(g);
    store_free(store);
}

static void test_refusals(void **unused)
{
    (void)unused;
    struct clip_resnet_config odd = tiny;
    refuse(clip_resnet_preset(50), 256, "224 x 224");
    refuse(clip_resnet_preset(50), 256, "256 x 256");
    refuse(clip_resnet_preset(18), 224, "blocks");
    odd.width = 5;
    refuse(odd, 24, "width 5");
    odd = tiny;
    odd.heads = 5;
    refuse(odd, 24, "5 heads");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parity),       cmocka_unit_test(test_published), cmocka_unit_test(test_freezing),
        cmocka_unit_test(test_frozen_norms), cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
