/* test_adapt.c - LoRA through the command, on the smallest detector that has it: only pairs and head are trained; the
 * adapter is taken off, put back and merged, and judges the same each time; another backbone is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <jansson.h>
#include <math.h>

#include "../cli/scratch.h"
#include "base/file.h"
#include "base/memory.h"
#include "detector/lol.h"
#include "detector/model.h"
#include "nn/lora.h"

#define LOL "--detector", "lol", "--crop", "32"

static void ok(assay_status status, const struct assay_error *error)
{
    if (status)
        fail_msg("%s", error->message);
}

static void make_class(const char *path, unsigned seed)
{
    char name[128];
    mkdir(path, 0777);
    for (unsigned i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s/%u.png", path, i);
        scratch_picture(name, 40, 36, seed + i);
    }
}

/* The visual tower of OpenAI's checkpoint with random weights, as safetensors; only the position embedding has the size
 * for small pictures. */
static void make_backbone(const char *path, uint64_t seed)
{
    struct assay_error error = {0};
    struct model model = {0};
    struct lol_config config;
    option_defaults(detector_lol.fields, &config);
    config.crop = 32;
    ok(model_create(&detector_lol, &config, seed, &model, &error), &error);
    struct safetensors_item *items = mem_alloc(model.store->entries.count, sizeof *items);
    size_t count = 0;
    for (size_t i = 0; i < model.store->entries.count; i++) {
        const struct store_entry *e = model.store->entries.entries[i].value;
        if (strncmp(e->name, "visual.", 7) == 0)
            items[count++] = (struct safetensors_item){e->name, e->shape.rank, e->shape.dim, e->data};
    }
    ok(safetensors_write(path, items, count, NULL, &error), &error);
    mem_free(items);
    model_free(&model);
}

static int setup(void **state)
{
    (void)state;
    scratch_begin();
    mkdir("data", 0777);
    make_class("data/real", 1);
    make_class("data/ai", 10);
    scratch_picture("a.png", 64, 48, 30);
    make_backbone("clip.safetensors", 1);
    return 0;
}

static void succeeds(struct outcome *o)
{
    if (o->status)
        fail_msg("%s%s", o->out, o->err);
}

static double probability(const char *model)
{
    struct outcome o;
    RUN(&o, "detect", "--json", "--model", model, "a.png");
    succeeds(&o);
    json_t *line = json_loads(o.out, 0, NULL);
    double p = json_number_value(json_object_get(line, "probability"));
    json_decref(line);
    outcome_free(&o);
    assert_true(p > 0 && p < 1);
    return p;
}

static off_t size_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_size;
}

/* What was trained, by comparison with the checkpoint. */
static void check_trained(void)
{
    struct assay_error error = {0};
    struct safetensors model, clip;
    ok(safetensors_open("lora.safetensors", &model, &error), &error);
    ok(safetensors_open("clip.safetensors", &clip, &error), &error);
    int pairs = 0, rest = 0;
    for (size_t i = 0; i < model.tensors.count; i++) {
        const struct file_tensor *t = model.tensors.entries[i].value, *was = string_map_get(&clip.tensors, t->name);
        pairs += lora_is_pair(t->name);
        rest += !was && !lora_is_pair(t->name);
        if (was && memcmp(was->data, t->data, t->bytes) != 0)
            fail_msg("%s was trained", t->name);
        if (lora_is_pair(t->name)) { /* B begins at zero */
            uint64_t zeros = 0;
            for (uint64_t k = 0; k < t->count; k++)
                zeros += ((const float *)t->data)[k] == 0;
            assert_true(zeros < t->count);
        }
    }
    assert_int_equal(pairs, 8); /* q, k, v, c of the attention pool */
    assert_int_equal(rest, 2);  /* the head's */
    assert_int_equal(model.tensors.count, clip.tensors.count + 10);
    safetensors_close(&model);
    safetensors_close(&clip);
}

static void test_lora(void **state)
{
    (void)state;
    struct outcome o;
    struct assay_error error = {0};
    char digest[SHA256_TEXT];
    RUN(&o, "train", LOL, "--data", "data", "--hold-out", "0", "--weights", "clip.safetensors", "--out",
        "lora.safetensors", "--lora-rank", "2", "--lora-alpha", "4", "--epochs", "1", "--steps-per-epoch", "2",
        "--learning-rate", "0.01", "--batch", "2", "--threads", "1");
    succeeds(&o);
    assert_non_null(strstr(o.err, "begins with clip.safetensors (CLIP with a ResNet, OpenAI names)"));
    outcome_free(&o);
    check_trained();
    double p = probability("lora.safetensors");

    /* alone: a file of a few hundred kilobytes that names its backbone */
    RUN(&o, "model", "adapter", "lora.safetensors", "adapter.safetensors");
    succeeds(&o);
    outcome_free(&o);
    assert_true(size_of("adapter.safetensors") < 200000);
    assert_true(size_of("lora.safetensors") > 100000000);
    struct safetensors adapter;
    ok(safetensors_open("adapter.safetensors", &adapter, &error), &error);
    ok(file_sha256("clip.safetensors", digest, &error), &error);
    assert_string_equal(string_map_get(&adapter.metadata, LORA_KEY_BACKBONE), digest);
    assert_non_null(string_map_get(&adapter.tensors, "base_model.model.visual.attnpool.q_proj.lora_A.weight"));
    assert_non_null(string_map_get(&adapter.tensors, "base_model.model.head.weight"));
    assert_int_equal(adapter.tensors.count, 10);
    safetensors_close(&adapter);
    RUN(&o, "detect", "--model", "adapter.safetensors", "a.png");
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "assay model attach"));
    outcome_free(&o);

    /* put back: the same file but for what `model attach` cannot know differently */
    RUN(&o, "model", "attach", "--out", "whole.safetensors", "adapter.safetensors", "clip.safetensors");
    succeeds(&o);
    outcome_free(&o);
    size_t sizes[2];
    uint8_t *bytes[] = {scratch_read("lora.safetensors", &sizes[0]), scratch_read("whole.safetensors", &sizes[1])};
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], sizes[0]);
    free(bytes[0]);
    free(bytes[1]);

    /* merged: a plain model */
    RUN(&o, "model", "merge", "lora.safetensors", "plain.safetensors");
    succeeds(&o);
    outcome_free(&o);
    assert_true(fabs(probability("plain.safetensors") - p) < 1e-4);
    RUN(&o, "model", "merge", "plain.safetensors", "again.safetensors");
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "no LoRA pairs"));
    outcome_free(&o);
    RUN(&o, "model", "adapter", "plain.safetensors", "again.safetensors");
    assert_int_equal(o.status, 1);
    outcome_free(&o);
    assert_int_not_equal(access("again.safetensors", F_OK), 0);

    /* a plain model is a fine beginning too; another backbone is not the adapter's */
    RUN(&o, "model", "attach", "--out", "again.safetensors", "adapter.safetensors", "plain.safetensors");
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "not the backbone of the adapter"));
    outcome_free(&o);
    RUN(&o, "model", "attach", "--detector", "lol", "--out", "x", "adapter.safetensors", "clip.safetensors");
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "leave out --detector"));
    outcome_free(&o);
}

static void test_refused(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "train", LOL, "--data", "data", "--hold-out", "0", "--weights", "a.png", "--out", "m.safetensors");
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "a.png"));
    outcome_free(&o);
    RUN(&o, "train", LOL, "--data", "data", "--hold-out", "0", "--out", "m.safetensors", "--lora-rank", "1",
        "--lora-targets", "nothing");
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "lora-targets"));
    outcome_free(&o);
    RUN(&o, "train", "--detector", "npr", "--data", "data", "--hold-out", "0", "--weights", "clip.safetensors", "--out",
        "m.safetensors");
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "it looks like CLIP with a ResNet"));
    outcome_free(&o);
    RUN(&o, "train", "--detector", "npr", "--data", "data", "--lora-rank", "2", "--out", "m.safetensors");
    assert_int_equal(o.status, 2);
    assert_non_null(strstr(o.err, "no option --lora-rank"));
    outcome_free(&o);
}

int main(int argc, char **argv)
{
    assert_int_equal(argc, 2);
    scratch_program = scratch_find_program(argv[1]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lora), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests_name("train/adapt", tests, setup, scratch_end_group);
}
