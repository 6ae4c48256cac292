/* test_adapter.c - LoRA pairs by Hugging Face's names: read as peft wrote them onto networks that transformers made,
 * with the same embeddings; written again, the same tensors; read under our own names too. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backbone/naming_adapter.h"
#include "backbone/vit.h"
#include "nn/lora.h"
#include "support/support.h"

#define FIXTURES ASSAY_TEST_DIR "/backbone/fixtures/"

struct adapter_case {
    const char *name, *preset, *prefix;
    enum naming_model model;
    struct lora_config lora;
    int64_t output;
    int pairs;
};

static const struct adapter_case cases[] = {
    {"clip",
     "clip-vit-l-14",
     "visual.",
     NAMING_CLIP_VIT,
     {.rank = 2, .alpha = 3, .targets = "q,k,v,out_proj,c_fc,c_proj"},
     4,
     24},
    {"dinov2", "dinov2-vit-l-14", "", NAMING_DINOV2, {.rank = 2, .alpha = 3, .targets = "q,k,v,proj"}, 0, 16},
};

static void ok(assay_status status, const struct assay_error *error)
{
    if (status)
        fail_msg("%s", error->message);
}

static const char *fixture(const struct adapter_case *c, const char *end)
{
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], FIXTURES "adapter_%s%s.safetensors", c->name, end);
    return path;
}

static struct graph *build(const struct adapter_case *c, struct store *store)
{
    struct vit_config config;
    struct graph *g = test_graph(store, false);
    assert_true(vit_preset(c->preset, &config));
    config.image = 4;
    config.patch = 2;
    config.width = 8;
    config.depth = 2;
    config.heads = 2;
    config.output = c->output;
    struct params p = params_with_lora(params_root(store), &c->lora);
    if (c->prefix[0])
        p = params_scope(p, "visual");
    tap(g, "y", vit(g, p, &config, input(g, "x", SHAPE(2, 4, 4, 3), DTYPE_F32)).embedding);
    return g;
}

static void run_case(const struct adapter_case *c)
{
    struct assay_error error = {0};
    struct weights_file backbone = {0};
    struct safetensors expected = {0}, written = {0}, peft = {0};
    struct store *store = test_store();
    struct graph *g = build(c, store);
    const struct naming_request request = {.model = c->model, .store_prefix = c->prefix, .canonical_prefix = c->prefix};
    struct naming_adapter ours = {c->model, c->prefix, c->prefix, false}, theirs = ours;
    theirs.hugging_face = true;
    ok(store_initialise(store, 1, &error), &error);
    ok(weights_file_open(fixture(c, "_backbone"), &backbone, &error), &error);
    ok(naming_load(&backbone, c->name, store, &request, &error), &error);
    struct lora_file file = {.rename = naming_adapter_name, .context = &ours};
    ok(lora_load(store, &file, fixture(c, "_peft"), &error), &error);

    ok(safetensors_open(fixture(c, ""), &expected, &error), &error);
    const struct file_tensor *x = string_map_get(&expected.tensors, "x"), *y = string_map_get(&expected.tensors, "y");
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    test_execute(&run, &(struct feed){"x", x->data}, 1, 0, 0);
    assert_int_equal(test_count(&run, "y"), y->count);
    test_close(c->name, test_read(&run, "y"), y->data, (int64_t)y->count, 1e-4);
    test_release(&run);

    /* Under the names of Hugging Face: peft's own tensors (DINOv2: those of transformers 4, not 5, are written). */
    char path[] = "adapter-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    file.context = &theirs;
    ok(lora_save(store, &c->lora, &file, path, &error), &error);
    ok(safetensors_open(path, &written, &error), &error);
    ok(safetensors_open(fixture(c, "_peft"), &peft, &error), &error);
    assert_int_equal(written.tensors.count, c->pairs);
    assert_int_equal(peft.tensors.count, c->pairs);
    for (size_t i = 0; i < written.tensors.count && c->model == NAMING_CLIP_VIT; i++) {
        const struct file_tensor *a = written.tensors.entries[i].value, *b = string_map_get(&peft.tensors, a->name);
        if (!b)
            fail_msg("peft knows no %s", a->name);
        assert_int_equal(a->bytes, b->bytes);
        assert_memory_equal(a->data, b->data, a->bytes);
    }
    if (c->model == NAMING_DINOV2)
        assert_non_null(string_map_get(&written.tensors, "base_model.model.encoder.layer.1.attention.attention.key"
                                                         ".lora_B.weight"));

    /* Read back, and under our own names: the same. */
    for (int own = 0; own < 2; own++) {
        float *before = store_get(store, c->prefix[0] ? "visual.transformer.resblocks.1.attn.in_proj.v.lora_B.weight"
                                                      : "blocks.1.attn.qkv.v.lora_B.weight")
                            ->data,
              kept[16];
        file.context = own ? &ours : &theirs;
        ok(lora_save(store, &c->lora, &file, path, &error), &error);
        memcpy(kept, before, sizeof kept);
        memset(before, 0, sizeof kept);
        ok(lora_load(store, &file, path, &error), &error);
        assert_memory_equal(before, kept, sizeof kept);
    }
    unlink(path);
    safetensors_close(&written);
    safetensors_close(&peft);
    safetensors_close(&expected);
    weights_file_close(&backbone);
    store_free(store);
}

static void test_clip(void **unused)
{
    (void)unused;
    run_case(&cases[0]);
}

static void test_dinov2(void **unused)
{
    (void)unused;
    run_case(&cases[1]);
}

/* Names that have no other: a head, a fused pair, another network. */
static void test_no_name(void **unused)
{
    (void)unused;
    struct arena arena = {0};
    struct naming_adapter clip = {NAMING_CLIP_VIT, "visual.", "visual.", true}, resnet = clip;
    resnet.model = NAMING_CLIP_RESNET;
    assert_string_equal(naming_adapter_name("head.weight", 0, &clip, &arena), "head.weight");
    assert_null(naming_adapter_name("head.weight", 1, &clip, &arena));
    static const char fused[] = "visual.transformer.resblocks.3.attn.in_proj.lora_A.weight";
    static const char key[] = "visual.transformer.resblocks.3.attn.in_proj.k.lora_A.weight";
    assert_string_equal(naming_adapter_name(fused, 0, &clip, &arena), fused);
    assert_string_equal(naming_adapter_name(key, 0, &clip, &arena),
                        "vision_model.encoder.layers.3.self_attn.k_proj.lora_A.weight");
    assert_string_equal(naming_adapter_name(key, 1, &clip, &arena), key);
    assert_null(naming_adapter_name(key, 2, &clip, &arena));
    assert_string_equal(naming_adapter_name(key, 0, &resnet, &arena), key);
    assert_null(naming_adapter_name(key, 1, &resnet, &arena));
    arena_free(&arena);
}

/* No layer bears a target's name: said, with the targets. */
static void test_no_target(void **unused)
{
    (void)unused;
    struct adapter_case c = cases[0];
    struct assay_error error = {0};
    struct store *store = test_store();
    c.lora.targets = "q_proj,mlp";
    struct graph *g = build(&c, store);
    lora_require(g, store, &c.lora);
    assert_int_equal(graph_status(g, &error), ASSAY_ERROR_MODEL);
    assert_non_null(strstr(error.message, "lora-targets"));
    assert_non_null(strstr(error.message, "q_proj,mlp"));
    graph_free(g);
    store_free(store);

    /* A target of several parts names fewer layers. */
    store = test_store();
    c.lora.targets = "1.mlp.c_proj";
    g = build(&c, store);
    lora_require(g, store, &c.lora);
    assert_int_equal(graph_status(g, &error), ASSAY_OK);
    assert_non_null(store_get(store, "visual.transformer.resblocks.1.mlp.c_proj.lora_A.weight"));
    assert_null(store_get(store, "visual.transformer.resblocks.0.mlp.c_proj.lora_A.weight"));
    graph_free(g);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clip),
        cmocka_unit_test(test_dinov2),
        cmocka_unit_test(test_no_name),
        cmocka_unit_test(test_no_target),
    };
    return cmocka_run_group_tests_name("backbone/adapter", tests, NULL, NULL);
}
