/* test_published.c - files that a model begins with: whole checkpoints with and without a common prefix, heads, models
 * of the same detector; and what is told where they do not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "detector/npr.h"
#include "detector/published.h"
#include "detector/residual.h"
#include "detector/sdid.h"

static struct assay_error error;

static void ok(assay_status status)
{
    if (status)
        fail_msg("%s", error.message);
}

static struct model make(const struct detector *detector, uint64_t seed)
{
    struct model model = {0};
    _Alignas(16) char config[DETECTOR_MAX_CONFIG];
    option_defaults(detector->fields, config);
    ok(model_create(detector, config, seed, &model, &error));
    return model;
}

static const char *scratch(void)
{
    static char path[] = "published-test-XXXXXX";
    static bool made;
    if (!made) {
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        close(fd);
        made = true;
    }
    return path;
}

/* Writes the model's tensors with a prefix, without those that begin with `without`, and an "fc" of three rows. */
static void write_checkpoint(const struct model *model, const char *prefix, const char *without, bool fc)
{
    static const int64_t dims[] = {3, 4};
    static const float values[12] = {1, 2, 3};
    struct arena arena = {0};
    size_t count = 0;
    struct safetensors_item *items = mem_alloc(model->store->entries.count + 1, sizeof *items);
    for (size_t i = 0; i < model->store->entries.count; i++) {
        const struct store_entry *e = model->store->entries.entries[i].value;
        if (!without || strncmp(e->name, without, strlen(without)) != 0)
            items[count++] = (struct safetensors_item){arena_printf(&arena, "%s%s", prefix, e->name), e->shape.rank,
                                                       e->shape.dim, e->data};
    }
    if (fc)
        items[count++] = (struct safetensors_item){arena_printf(&arena, "%sfc.weight", prefix), 2, dims, values};
    ok(safetensors_write(scratch(), items, count, NULL, &error));
    mem_free(items);
    arena_free(&arena);
}

/* How many of the tensors that begin with `prefix` differ. */
static int differ(const struct model *a, const struct model *b, const char *prefix)
{
    int count = 0, all = 0;
    for (size_t i = 0; i < a->store->entries.count; i++) {
        const struct store_entry *x = a->store->entries.entries[i].value, *y = store_get(b->store, x->name);
        if (strncmp(x->name, prefix, strlen(prefix)) != 0)
            continue;
        all++;
        count += memcmp(x->data, y->data, (size_t)shape_count(&x->shape) * sizeof(float)) != 0;
    }
    assert_true(all > 0);
    return count;
}

static void test_checkpoint(void **state)
{
    (void)state;
    const char *kind;
    struct model from = make(&detector_npr, 1);
    static const char *const prefixes[] = {"", "module."};
    for (int i = 0; i < 2; i++) {
        struct model to = make(&detector_npr, 2);
        assert_int_equal(differ(&from, &to, "fc1."), 2);
        write_checkpoint(&from, prefixes[i], NULL, true); /* an "fc" that nothing uses, as the authors' runs save it */
        ok(model_load_published(&to, scratch(), &kind, &error));
        assert_string_equal(kind, "ResNet, torchvision or timm names");
        assert_int_equal(differ(&from, &to, ""), 0);
        model_free(&to);
    }

    /* The network without its head: that stays random. */
    struct model to = make(&detector_npr, 2), fresh = make(&detector_npr, 2);
    write_checkpoint(&from, "", "fc1.", true);
    ok(model_load_published(&to, scratch(), NULL, &error));
    assert_int_equal(differ(&from, &to, "layer"), 0);
    assert_int_equal(differ(&fresh, &to, "fc1."), 0);
    model_free(&to);
    model_free(&fresh);

    /* A tensor too few: told by name, and nothing is changed. */
    to = make(&detector_npr, 2);
    fresh = make(&detector_npr, 2);
    write_checkpoint(&from, "", "layer1.0.conv2.", false);
    assert_int_equal(model_load_published(&to, scratch(), NULL, &error), ASSAY_ERROR_MODEL);
    assert_non_null(strstr(error.message, "1 missing: \"layer1.0.conv2.weight\""));
    assert_int_equal(differ(&fresh, &to, ""), 0);
    model_free(&to);
    model_free(&fresh);
    model_free(&from);
}

static void test_head(void **state)
{
    (void)state;
    struct model to = make(&detector_npr, 2);
    float weight[512] = {3, 4}, bias[1] = {5};
    const int64_t dims[][2] = {{1, 512}, {1, 1}, {1, 500}};
    struct safetensors_item items[] = {{"weight", 2, dims[0], weight}, {"bias", 1, dims[1], bias}};
    const char *kind;
    ok(safetensors_write(scratch(), items, 2, NULL, &error));
    ok(model_load_published(&to, scratch(), &kind, &error));
    assert_string_equal(kind, "head");
    assert_memory_equal(store_get(to.store, "fc1.weight")->data, weight, sizeof weight);
    assert_memory_equal(store_get(to.store, "fc1.bias")->data, bias, sizeof bias);
    items[0].dim = dims[2];
    ok(safetensors_write(scratch(), items, 2, NULL, &error));
    assert_int_equal(model_load_published(&to, scratch(), NULL, &error), ASSAY_ERROR_MODEL);
    assert_non_null(strstr(error.message, "its head is not of the shape"));
    items[0].dim = dims[0];
    weight[7] = 1.0f / 0.0f;
    ok(safetensors_write(scratch(), items, 2, NULL, &error));
    assert_int_equal(model_load_published(&to, scratch(), NULL, &error), ASSAY_ERROR_MODEL);
    assert_non_null(strstr(error.message, "finite"));
    model_free(&to);
}

static void test_model(void **state)
{
    (void)state;
    const char *kind;
    struct model from = make(&detector_npr, 1), to = make(&detector_npr, 2), other = make(&detector_residual, 2);
    ok(model_save(&from, scratch(), &error));
    ok(model_load_published(&to, scratch(), &kind, &error));
    assert_string_equal(kind, "model of Assay's");
    assert_int_equal(differ(&from, &to, ""), 0);
    assert_int_equal(model_load_published(&other, scratch(), NULL, &error), ASSAY_ERROR_MODEL);
    assert_non_null(strstr(error.message, "a model of detector npr, not of residual"));

    json_t *told = NULL;
    char sha256[SHA256_TEXT];
    ok(file_sha256(scratch(), sha256, &error));
    ok(model_describe_published(scratch(), kind, &told, &error));
    assert_string_equal(json_string_value(json_object_get(told, "sha256")), sha256);
    assert_string_equal(json_string_value(json_object_get(told, "file")), scratch());
    json_decref(told);

    /* Nothing is published for `residual`, and other settings are another network. */
    write_checkpoint(&from, "", NULL, false);
    assert_int_equal(model_load_published(&other, scratch(), NULL, &error), ASSAY_ERROR_MODEL);
    assert_non_null(strstr(error.message, "nobody else publishes"));
    ok(model_save(&other, scratch(), &error));
    struct residual_config small;
    option_defaults(detector_residual.fields, &small);
    small.width *= 2;
    struct model wide;
    ok(model_create(&detector_residual, &small, 1, &wide, &error));
    assert_int_equal(model_load_published(&wide, scratch(), NULL, &error), ASSAY_ERROR_MODEL);
    assert_non_null(strstr(error.message, "of another shape"));
    model_free(&wide);
    model_free(&from);
    model_free(&to);
    model_free(&other);
}

/* What only training keeps in the store is no part of the model: a run may begin with one. */
static void test_model_in_training(void **state)
{
    (void)state;
    struct model from = make(&detector_residual, 1), to = make(&detector_residual, 2);
    ok(model_save(&from, scratch(), &error));
    const struct shape shape = SHAPE(2);
    const struct store_init zeros = {STORE_CONSTANT, 0, 0};
    assert_non_null(store_declare(to.store, "optimizer.adam.bias.mean", &shape, STORE_STATE, zeros));
    ok(store_initialise(to.store, 1, &error));
    ok(model_load_published(&to, scratch(), NULL, &error));
    assert_int_equal(differ(&from, &to, ""), 0);
    model_free(&from);
    model_free(&to);
}

static int encoder_of(const char *name)
{
    int index = 0;
    for (const char *at = SDID_ENCODERS; strncmp(at, name, strlen(name)) != 0; at = strchr(at, '|') + 1)
        index++;
    return index;
}

static struct model make_sdid(const char *rgb, const char *partner, uint64_t seed)
{
    struct model model = {0};
    struct sdid_config config;
    option_defaults(detector_sdid.fields, &config);
    config.lora.rank = 0;
    config.crop = 32;
    config.rgb = encoder_of(rgb);
    config.partner = encoder_of(partner);
    ok(model_create(&detector_sdid, &config, seed, &model, &error));
    return model;
}

/* The RGB encoder of a model, as a checkpoint of its own. */
static void write_encoder(const struct model *model)
{
    size_t count = 0;
    struct safetensors_item *items = mem_alloc(model->store->entries.count, sizeof *items);
    for (size_t i = 0; i < model->store->entries.count; i++) {
        const struct store_entry *e = model->store->entries.entries[i].value;
        if (strncmp(e->name, "rgb.", 4) == 0)
            items[count++] = (struct safetensors_item){e->name + 4, e->shape.rank, e->shape.dim, e->data};
    }
    ok(safetensors_write(scratch(), items, count, NULL, &error));
    mem_free(items);
}

/* Two backbones: a file goes where it fits, to both where both are of its kind; to none is an error. */
static void test_two_backbones(void **state)
{
    (void)state;
    static const struct {
        const char *rgb, *partner;
        bool to_rgb, to_partner;
    } cases[] = {
        {"resnet18", "resnet18", true, true},
        {"resnet18", "resnet34", true, false},
        {"resnet34", "resnet18", false, true},
        {"resnet34", "resnet34", false, false},
    };
    struct model from = make_sdid("resnet18", "resnet18", 1);
    write_encoder(&from);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct model to = make_sdid(cases[i].rgb, cases[i].partner, 2);
        bool fits = cases[i].to_rgb || cases[i].to_partner;
        assert_int_equal(model_load_published(&to, scratch(), NULL, &error), fits ? ASSAY_OK : ASSAY_ERROR_MODEL);
        const struct store_entry *source = store_get(from.store, "rgb.layer1.0.conv1.weight");
        size_t bytes = (size_t)shape_count(&source->shape) * sizeof(float);
        const float *rgb = store_get(to.store, "rgb.layer1.0.conv1.weight")->data;
        const float *partner = store_get(to.store, "partner.layer1.0.conv1.weight")->data;
        assert_int_equal(memcmp(rgb, source->data, bytes) == 0, cases[i].to_rgb);
        assert_int_equal(memcmp(partner, source->data, bytes) == 0, cases[i].to_partner);
        if (!fits)
            assert_non_null(strstr(error.message, "missing"));
        model_free(&to);
    }
    model_free(&from);
}

static int teardown(void **state)
{
    (void)state;
    unlink(scratch());
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checkpoint),        cmocka_unit_test(test_head),          cmocka_unit_test(test_model),
        cmocka_unit_test(test_model_in_training), cmocka_unit_test(test_two_backbones),
    };
    return cmocka_run_group_tests_name("detector/published", tests, NULL, teardown);
}
