/* test_naming.c - the same tensors from every naming, and what is told where a checkpoint does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <math.h>

#include "backbone/naming.h"
#include "base/memory.h"

#define FIXTURES ASSAY_TEST_DIR "/backbone/fixtures/naming/"

static void open_fixture(const char *name, struct weights_file *file)
{
    char path[512];
    struct assay_error error = {0};
    snprintf(path, sizeof path, FIXTURES "%s", name);
    if (weights_file_open(path, file, &error))
        fail_msg("%s", error.message);
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Entries for the tensors of a file in canonical names below `part`, named with `to` in its place. */
static struct store *declare(const struct weights_file *file, const char *part, const char *to)
{
    struct store *store;
    assert_int_equal(store_create(&store, NULL), ASSAY_OK);
    for (size_t i = 0; i < file->tensors.count; i++) {
        const struct file_tensor *t = file->tensors.entries[i].value;
        char name[256];
        if (!file_tensor_is_float(t) || !starts(t->name, part))
            continue;
        struct shape shape = shape_of(t->dim, t->rank);
        snprintf(name, sizeof name, "%s%s", to, t->name + strlen(part));
        assert_non_null(store_declare(store, name, &shape, STORE_PARAM, (struct store_init){0}));
    }
    return store;
}

/* Entries below `to` hold what the canonical file has below `part`. */
static void compare(const struct store *store, const struct weights_file *canonical, const char *part, const char *to)
{
    assert_true(store->entries.count > 10);
    for (size_t i = 0; i < store->entries.count; i++) {
        const struct store_entry *entry = store->entries.entries[i].value;
        char name[256];
        snprintf(name, sizeof name, "%s%s", part, entry->name + strlen(to));
        const struct file_tensor *t = string_map_get(&canonical->tensors, name);
        assert_non_null(t);
        float *values = mem_alloc(t->count, sizeof *values);
        assert_true(file_tensor_read_f32(t, values));
        assert_non_null(entry->data);
        if (memcmp(values, entry->data, t->count * sizeof *values) != 0)
            fail_msg("%s differs", entry->name);
        mem_free(values);
    }
}

struct family {
    enum naming_model model;
    const char *canonical, *part; /* the file in our names, and what of it is loaded */
    const char *other, *text;     /* a file, and as what it must be recognised */
};

static const struct family families[] = {
    {NAMING_CLIP_VIT, "clip_vit_openai", "", "clip_vit_openai.safetensors", "CLIP with a ViT, OpenAI names"},
    {NAMING_CLIP_VIT, "clip_vit_openai", "visual.", "clip_vit_openai.safetensors", "CLIP with a ViT, OpenAI names"},
    {NAMING_CLIP_VIT, "clip_vit_openai", "", "clip_vit_open_clip.safetensors", "CLIP with a ViT, open_clip names"},
    {NAMING_CLIP_VIT, "clip_vit_openai", "", "clip_vit_hf.safetensors", "CLIP with a ViT, Hugging Face names"},
    {NAMING_CLIP_VIT, "clip_vit_openai", "visual.", "clip_vit_hf.safetensors", "CLIP with a ViT, Hugging Face names"},
    {NAMING_CLIP_TEXT, "clip_vit_open_clip", "text.", "clip_vit_hf.safetensors", "CLIP with a ViT, Hugging Face names"},
    {NAMING_CLIP_TEXT, "clip_vit_open_clip", "text.", "clip_vit_openai.safetensors", "CLIP with a ViT, OpenAI names"},
    {NAMING_CLIP_VIT, "clip_vit_openai", "visual.", "clip_vit_timm.safetensors", "CLIP with a ViT, timm names"},
    {NAMING_CLIP_RESNET, "clip_resnet_openai", "visual.", "clip_resnet_openai.safetensors",
     "CLIP with a ResNet, OpenAI names"},
    {NAMING_CLIP_RESNET, "clip_resnet_openai", "visual.", "clip_resnet_timm.safetensors",
     "CLIP with a ResNet, timm names"},
    {NAMING_DINOV2, "dinov2_facebook", "", "dinov2_facebook.safetensors", "DINOv2, facebookresearch names"},
    {NAMING_DINOV2, "dinov2_facebook", "", "dinov2_hf.safetensors", "DINOv2, Hugging Face names"},
    {NAMING_DINOV2, "dinov2_facebook", "", "dinov2_hf5.safetensors", "DINOv2, Hugging Face names"},
    {NAMING_DINOV2, "dinov2_timm", "", "dinov2_facebook.safetensors", "DINOv2, facebookresearch names"},
    {NAMING_DINOV2, "dinov2_timm", "", "dinov2_timm.safetensors", "DINOv2, timm or facebookresearch names"},
    {NAMING_DINOV2, "dinov2_registers_facebook", "", "dinov2_registers_hf.safetensors", "DINOv2, Hugging Face names"},
    {NAMING_MAE, "mae", "", "mae.safetensors", "MAE (or another plain ViT), facebookresearch names"},
    {NAMING_MAE, "mae", "", "mae.pth", "MAE (or another plain ViT), facebookresearch names"},
    {NAMING_RESNET, "resnet", "", "resnet.safetensors", "ResNet, torchvision or timm names"},
    {NAMING_RESNET, "resnet", "", "resnet_hf.safetensors", "ResNet, Hugging Face names"},
    {NAMING_DINOV2, "dinov2_facebook", "", "dinov2_chunks.safetensors",
     "DINOv2 with its blocks in chunks, facebookresearch names"},
};

/* Loads a family's other file below a prefix of the store's own, beside an entry that is none of its business. */
static void load_family(const struct family *f, bool borrow)
{
    struct weights_file canonical, other;
    struct assay_error error = {0};
    char file[128];
    snprintf(file, sizeof file, "%s.safetensors", f->canonical);
    open_fixture(file, &canonical);
    open_fixture(f->other, &other);
    struct naming naming = naming_recognise(&other);
    assert_string_equal(naming.text, f->text);
    struct store *store = declare(&canonical, f->part, "net.");
    struct shape one = SHAPE(1);
    bool text = f->model == NAMING_CLIP_TEXT;
    const struct naming_request request = {.model = f->model,
                                           .store_prefix = "net.",
                                           .canonical_prefix = text ? "" : f->part,
                                           .borrow = borrow};
    if (naming_load(&other, f->other, store, &request, &error))
        fail_msg("%s", error.message);
    compare(store, &canonical, f->part, "net.");
    struct store_entry *head = store_declare(store, "head.weight", &one, STORE_PARAM, (struct store_init){0});
    assert_int_equal(naming_load(&other, f->other, store, &request, &error), ASSAY_OK); /* again */
    assert_null(head->data);
    store_free(store);
    weights_file_close(&other);
    weights_file_close(&canonical);
}

static void test_families(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        load_family(&families[i], false);
        load_family(&families[i], true);
    }
}

/* timm adds the class token's position to the token: the sums that enter the network are the same. */
static void test_timm_registers(void **state)
{
    (void)state;
    struct weights_file canonical, timm;
    struct assay_error error = {0};
    open_fixture("dinov2_registers_facebook.safetensors", &canonical);
    open_fixture("dinov2_registers_timm.safetensors", &timm);
    struct store *a = declare(&canonical, "", ""), *b = declare(&canonical, "", "");
    const struct naming_request request = {.model = NAMING_DINOV2};
    assert_string_equal(naming_recognise(&timm).text, "DINOv2 with registers, timm names");
    if (naming_load(&canonical, "a", a, &request, &error) || naming_load(&timm, "b", b, &request, &error))
        fail_msg("%s", error.message);
    for (size_t i = 0; i < a->entries.count; i++) {
        const struct store_entry *x = a->entries.entries[i].value, *y = store_get(b, x->name);
        int64_t count = shape_count(&x->shape), from = 0;
        if (strcmp(x->name, "cls_token") == 0 || strcmp(x->name, "mask_token") == 0)
            continue;
        if (strcmp(x->name, "pos_embed") == 0)
            from = x->shape.dim[2];
        assert_memory_equal(x->data + from, y->data + from, (size_t)(count - from) * sizeof(float));
    }
    const float *cls[2] = {store_get(a, "cls_token")->data, store_get(b, "cls_token")->data};
    const float *place[2] = {store_get(a, "pos_embed")->data, store_get(b, "pos_embed")->data};
    for (int k = 0; k < 8; k++)
        assert_float_equal(cls[0][k] + place[0][k], cls[1][k] + place[1][k], 4e-3); /* of half precision */
    store_free(a);
    store_free(b);
    weights_file_close(&timm);
    weights_file_close(&canonical);
}

static void refused(const char *file, enum naming_model model, struct store *store, const char *const *parts)
{
    struct weights_file weights;
    struct assay_error error = {0};
    open_fixture(file, &weights);
    const struct naming_request request = {.model = model};
    assert_int_equal(naming_load(&weights, file, store, &request, &error), ASSAY_ERROR_MODEL);
    for (; *parts; parts++)
        if (!strstr(error.message, *parts))
            fail_msg("no \"%s\" in: %s", *parts, error.message);
    for (size_t i = 0; i < store->entries.count; i++)
        assert_null(((struct store_entry *)store->entries.entries[i].value)->data);
    weights_file_close(&weights);
}

static void test_other_model(void **state)
{
    (void)state;
    struct store *store;
    assert_int_equal(store_create(&store, NULL), ASSAY_OK);
    refused("mae.safetensors", NAMING_CLIP_VIT, store,
            (const char *const[]){"mae.safetensors: not a checkpoint of CLIP with a ViT: it looks like MAE", NULL});
    refused("clip_resnet_openai.safetensors", NAMING_CLIP_VIT, store,
            (const char *const[]){"it looks like CLIP with a ResNet, OpenAI names", NULL});
    refused("dinov2_hf.safetensors", NAMING_RESNET, store, (const char *const[]){"looks like DINOv2, Hugging", NULL});
    refused("clip_vit_timm.safetensors", NAMING_MAE, store, (const char *const[]){"looks like CLIP with a ViT", NULL});
    store_free(store);
}

/* A checkpoint whose tensors are changed one by one, all told at once. */
static void test_faults(void **state)
{
    (void)state;
    struct weights_file file;
    struct assay_error error = {0};
    open_fixture("dinov2_hf.safetensors", &file);
    struct weights_file canonical;
    open_fixture("dinov2_facebook.safetensors", &canonical);
    struct store *store = declare(&canonical, "", "");
    struct safetensors_item items[64];
    size_t count = 0;
    static const int64_t short_dims[] = {7};
    for (size_t i = 0; i < file.tensors.count; i++) {
        const struct file_tensor *t = file.tensors.entries[i].value;
        float *values = mem_alloc(t->count, sizeof *values);
        file_tensor_read_f32(t, values);
        struct safetensors_item item = {t->name, t->rank, t->dim, values};
        if (strcmp(t->name, "layernorm.weight") == 0)
            item.name = "layernorm.wieght";
        if (strcmp(t->name, "layernorm.bias") == 0)
            item.dim = short_dims;
        if (strcmp(t->name, "encoder.layer.1.attention.attention.value.bias") == 0)
            values[3] = NAN;
        assert_true(count < 64);
        items[count++] = item;
    }
    char path[] = "/tmp/assay-naming-XXXXXX";
    close(mkstemp(path));
    assert_int_equal(safetensors_write(path, items, count, NULL, NULL), ASSAY_OK);
    for (size_t i = 0; i < count; i++)
        mem_free((void *)items[i].data);
    weights_file_close(&file);
    assert_int_equal(weights_file_open(path, &file, &error), ASSAY_OK);
    const struct naming_request request = {.model = NAMING_DINOV2};
    assert_int_equal(naming_load(&file, "damaged", store, &request, &error), ASSAY_ERROR_MODEL);
    static const char *const parts[] = {
        "damaged: DINOv2, Hugging Face names: 1 missing: \"layernorm.weight\" (is it \"layernorm.wieght\"?)",
        "1 of another shape: \"layernorm.bias\" [7], needed as [8]",
        "1 with values that are NaN or infinite: \"encoder.layer.1.attention.attention.value.bias\"",
        "1 not known: \"layernorm.wieght\"",
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!strstr(error.message, parts[i]))
            fail_msg("no \"%s\" in: %s", parts[i], error.message);
    assert_null(store_get(store, "cls_token")->data);

    /* allowed where it is said so */
    store_free(store);
    store = declare(&canonical, "blocks.", "blocks.");
    weights_file_close(&file);
    open_fixture("dinov2_facebook.safetensors", &file);
    static const char *const spare[] = {"norm.*", "patch_embed.proj.bias", "patch_embed.proj.weight", "pos_embed",
                                        NULL},
                             *const optional[] = {"blocks.9.*", NULL};
    struct shape shape = SHAPE(2);
    struct store_entry *added = store_declare(store, "blocks.9.x", &shape, STORE_PARAM, (struct store_init){0});
    const struct naming_request allowing = {.model = NAMING_DINOV2, .spare = spare, .optional = optional};
    assert_int_equal(naming_load(&file, "part", store, &allowing, &error), ASSAY_ERROR_MODEL);
    assert_non_null(strstr(error.message, "1 not known: \"cls_token\""));
    static const char *const more[] = {"cls_token", "norm.*", "patch_*", "pos_embed", NULL};
    const struct naming_request enough = {.model = NAMING_DINOV2, .spare = more, .optional = optional};
    if (naming_load(&file, "part", store, &enough, &error))
        fail_msg("%s", error.message);
    assert_null(added->data);
    assert_non_null(store_get(store, "blocks.1.ls2.gamma")->data);

    store_free(store);
    weights_file_close(&canonical);
    weights_file_close(&file);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_timm_registers),
        cmocka_unit_test(test_other_model),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests_name("backbone/naming", tests, NULL, NULL);
}
