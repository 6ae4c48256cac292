/* test_model.c - `assay model info`, and model files that are no good, through the command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "detector/model.h"
#include "detector/sdid.h"
#include "format/safetensors.h"
#include "scratch.h"

static int setup(void **state)
{
    (void)state;
    scratch_begin();
    scratch_model("model.safetensors", true);
    scratch_picture("a.jpg", 64, 48, 1);
    return 0;
}

static void test_text(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "model", "info", "model.safetensors");
    assert_int_equal(o.status, 0);
    assert_string_equal(o.err, "");
    static const char *const parts[] = {"model.safetensors", "residual", "parameters",  "config",  "width",
                                        "preprocess",        "crop",     "calibration", "tensors", "stem.conv.weight"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!strstr(o.out, parts[i]))
            fail_msg("no \"%s\" in:\n%s", parts[i], o.out);
    outcome_free(&o);
}

/* A name longer than the column moves the values of its whole list, so that they stay one below the other. */
static void test_columns(void **state)
{
    (void)state;
    struct outcome o;
    struct assay_error error = {0};
    struct model model = {0};
    struct sdid_mini_config config;
    option_defaults(detector_sdid_mini.fields, &config);
    config.width = 4;
    if (model_create(&detector_sdid_mini, &config, 7, &model, &error) || model_save(&model, "sdid.safetensors", &error))
        fail_msg("%s", error.message);
    model_free(&model);
    RUN(&o, "model", "info", "sdid.safetensors");
    assert_int_equal(o.status, 0);
    static const char *const parts[] = {"\ndetector                sdid-mini\n", "\n  cmmd-student-temperature 0.07\n",
                                        "\n  width                    4\n"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!strstr(o.out, parts[i]))
            fail_msg("no \"%s\" in:\n%s", parts[i], o.out);
    outcome_free(&o);
}

static void test_json(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "model", "info", "--json", "model.safetensors");
    assert_int_equal(o.status, 0);
    json_t *info = json_loads(o.out, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(info);
    assert_string_equal(json_string_value(json_object_get(info, "detector")), "residual");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(info, "config"), "width")), 4);
    assert_true(json_is_object(json_object_get(info, "calibration")));
    assert_true(json_is_null(json_object_get(info, "training")));

    /* the parameters are those of the tensors that are not running statistics */
    json_t *tensors = json_object_get(info, "tensors"), *tensor, *side;
    const char *name;
    size_t i;
    json_int_t total = 0;
    json_object_foreach(tensors, name, tensor)
    {
        assert_string_equal(json_string_value(json_object_get(tensor, "dtype")), "F32");
        json_int_t count = 1;
        json_array_foreach(json_object_get(tensor, "shape"), i, side) count *= json_integer_value(side);
        if (!strstr(name, "running_") && !strstr(name, "num_batches"))
            total += count;
    }
    assert_int_equal(json_integer_value(json_object_get(info, "parameters")), total);
    assert_true(total > 0);
    json_decref(info);
    outcome_free(&o);
}

static void test_environment(void **state)
{
    (void)state;
    struct outcome o;
    run(&(struct launch){.args = (const char *const[]){"model", "info", NULL},
                         .env = (const char *const[]){"ASSAY_MODEL=model.safetensors", NULL}},
        &o);
    assert_int_equal(o.status, 0);
    assert_non_null(strstr(o.out, "stem.conv.weight"));
    outcome_free(&o);
}

/* Both commands refuse a file with one line that names it and says why. */
static void expect_refused(const char *path, const char *part)
{
    const char *const detect[] = {"detect", "--model", path, "a.jpg", NULL}, *const info[] = {"model", "info", path,
                                                                                              NULL};
    for (int i = 0; i < 2; i++) {
        struct outcome o;
        run(&(struct launch){.args = i ? info : detect}, &o);
        if (o.status != 1 || o.out[0] || count_of(o.err, "\n") != 1 || !strstr(o.err, path) || !strstr(o.err, part))
            fail_msg("%s: status %d, expected \"%s\"\n%s%s", path, o.status, part, o.out, o.err);
        outcome_free(&o);
    }
}

static void test_damaged(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = scratch_read("model.safetensors", &size);
    scratch_write("empty.safetensors", "", 0);
    scratch_write("short.safetensors", bytes, size - 100);
    scratch_write("head.safetensors", bytes, 100);
    mkdir("folder.safetensors", 0700);

    uint8_t *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    memset(copy, 0xFF, 8);
    scratch_write("header.safetensors", copy, size);

    /* the same length: the metadata says another detector, or a later format */
    memcpy(copy, bytes, size);
    static const char detector[] = "\"assay.detector\":\"residual\"", format[] = "\"assay.format\":\"1\"";
    char *at = NULL;
    for (size_t i = 0; i + sizeof detector < size && !at; i++)
        if (memcmp(copy + i, detector, sizeof detector - 1) == 0)
            at = (char *)copy + i;
    assert_non_null(at);
    memcpy(at + 18, "residuum", 8);
    scratch_write("detector.safetensors", copy, size);

    memcpy(copy, bytes, size);
    at = NULL;
    for (size_t i = 0; i + sizeof format < size && !at; i++)
        if (memcmp(copy + i, format, sizeof format - 1) == 0)
            at = (char *)copy + i;
    assert_non_null(at);
    at[sizeof format - 3] = '9';
    scratch_write("newer.safetensors", copy, size);
    free(copy);
    free(bytes);

    expect_refused("missing.safetensors", "No such file");
    expect_refused("folder.safetensors", "directory");
    expect_refused("empty.safetensors", "");
    expect_refused("short.safetensors", "");
    expect_refused("head.safetensors", "");
    expect_refused("header.safetensors", "");
    expect_refused("a.jpg", "");
    expect_refused("detector.safetensors", "residuum");
    expect_refused("newer.safetensors", "9");
}

#define TORCH ASSAY_TEST_DIR "/format/fixtures/torch/"

static void expect_parts(const struct outcome *o, const char *text, const char *const *parts)
{
    for (; *parts; parts++)
        if (!strstr(text, *parts))
            fail_msg("status %d, no \"%s\" in:\n%s%s", o->status, *parts, o->out, o->err);
}

/* Weights that are no model of Assay's: kind, tensors, values that are no numbers. */
static void test_foreign(void **state)
{
    (void)state;
    struct outcome o;
    static const float values[] = {1, NAN, INFINITY, 2};
    static const int64_t dims[] = {2, 2};
    static const int64_t one[] = {1};
    const struct safetensors_item items[] = {{"broken.weight", 2, dims, values}, {"whole.bias", 1, one, values + 3}};
    assert_int_equal(safetensors_write("other.safetensors", items, 2, NULL, NULL), ASSAY_OK);
    RUN(&o, "model", "info", "other.safetensors");
    assert_int_equal(o.status, 0);
    expect_parts(&o, o.out,
                 (const char *const[]){"safetensors", "parameters              5\n",
                                       "F32  [2, 2]  broken.weight  (2 NaN or infinite)\n", "F32  [1]  whole.bias\n",
                                       "1 of 2 tensors hold values", NULL});
    outcome_free(&o);
    RUN(&o, "model", "info", TORCH "nested.pth");
    assert_int_equal(o.status, 0);
    expect_parts(&o, o.out, (const char *const[]){"PyTorch zip", "tensors under", "conv.weight", NULL});
    outcome_free(&o);
    RUN(&o, "model", "info", "--json", "other.safetensors");
    json_t *info = json_loads(o.out, JSON_REJECT_DUPLICATES, NULL);
    assert_string_equal(json_string_value(json_object_get(info, "kind")), "safetensors");
    json_t *tensor = json_object_get(json_object_get(info, "tensors"), "broken.weight");
    assert_int_equal(json_integer_value(json_object_get(tensor, "nonfinite")), 2);
    assert_int_equal(json_array_size(json_object_get(tensor, "shape")), 2);
    json_decref(info);
    outcome_free(&o);
}

/* Models joined judge as one, and what cannot be joined is told by file or member. */
static void test_join(void **state)
{
    (void)state;
    struct outcome o;
    scratch_model("plain.safetensors", false);
    RUN(&o, "model", "join", "--out", "joined.safetensors", "model.safetensors", "plain.safetensors");
    if (o.status)
        fail_msg("%s", o.err);
    assert_string_equal(o.out, "");
    outcome_free(&o);
    RUN(&o, "model", "info", "joined.safetensors");
    expect_parts(&o, o.out, (const char *const[]){"ensemble", "members.1.stem.conv.weight", NULL});
    outcome_free(&o);
    RUN(&o, "detect", "--model", "joined.safetensors", "a.jpg");
    expect_parts(&o, o.out, (const char *const[]){"a.jpg", NULL});
    outcome_free(&o);

    RUN(&o, "model", "join", "--weights", "3,1", "--out", "joined.safetensors", "plain.safetensors",
        "plain.safetensors");
    assert_int_equal(o.status, 0);
    outcome_free(&o);
    RUN(&o, "model", "info", "joined.safetensors");
    expect_parts(&o, o.out, (const char *const[]){"\"scale\":1.5,", "\"scale\":0.5,", NULL});
    outcome_free(&o);
    static const char *const wrong[][2] = {
        {"1", "option weights: 1 numbers for 2 models"},
        {"1,2,3", "option weights: 3 numbers for 2 models"},
        {"1,", "option weights: \"\" is not a number from"},
        {"1,x", "option weights: \"x\" is not a number from"},
        {"0,1", "option weights: \"0\" is not a number from"},
        {"1,-1", "option weights: \"-1\" is not a number from"},
        {"inf,1", "option weights: \"inf\" is not a number from"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        RUN(&o, "model", "join", "--weights", wrong[i][0], "--out", "no.safetensors", "model.safetensors",
            "plain.safetensors");
        assert_int_equal(o.status, 2);
        expect_parts(&o, o.err, (const char *const[]){wrong[i][1], NULL});
        outcome_free(&o);
    }

    RUN(&o, "model", "join", "model.safetensors");
    assert_int_equal(o.status, 2);
    outcome_free(&o);
    RUN(&o, "model", "join", "--out", "no.safetensors", "model.safetensors", "absent.safetensors");
    assert_int_equal(o.status, 1);
    expect_parts(&o, o.err, (const char *const[]){"absent.safetensors", NULL});
    outcome_free(&o);
    RUN(&o, "model", "join", "--out", "no.safetensors", "model.safetensors", "joined.safetensors");
    assert_int_equal(o.status, 1);
    expect_parts(&o, o.err, (const char *const[]){"members[1]: an ensemble has no ensembles", NULL});
    outcome_free(&o);
    assert_int_equal(access("no.safetensors", F_OK), -1);
}

static void test_convert(void **state)
{
    (void)state;
    struct outcome o;
    struct safetensors from = {0}, to = {0};
    RUN(&o, "model", "convert", TORCH "zip.pth", "converted.safetensors");
    if (o.status)
        fail_msg("%s", o.err);
    expect_parts(&o, o.err, (const char *const[]){"left out: \"count\", which holds I64", NULL});
    expect_parts(&o, o.out, (const char *const[]){"converted.safetensors: 9 of 10 tensors, from PyTorch zip", NULL});
    outcome_free(&o);
    assert_int_equal(safetensors_open(TORCH "expected.safetensors", &from, NULL), ASSAY_OK);
    assert_int_equal(safetensors_open("converted.safetensors", &to, NULL), ASSAY_OK);
    assert_int_equal(to.tensors.count, 9);
    for (size_t i = 0; i < to.tensors.count; i++) {
        const struct file_tensor *a = to.tensors.entries[i].value, *b = string_map_get(&from.tensors, a->name);
        float x[64], y[64];
        assert_non_null(b);
        assert_int_equal(a->dtype, TENSOR_FILE_F32);
        assert_int_equal(a->rank, b->rank);
        assert_memory_equal(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]);
        assert_in_range(a->count, 0, 64);
        assert_true(file_tensor_read_f32(a, x) && file_tensor_read_f32(b, y));
        assert_memory_equal(x, y, a->count * sizeof *x);
    }
    safetensors_close(&from);
    safetensors_close(&to);

    RUN(&o, "model", "convert", "other.safetensors", "converted.safetensors");
    assert_int_equal(o.status, 0);
    expect_parts(&o, o.err,
                 (const char *const[]){"warning: \"broken.weight\" holds 2 values that are NaN or infinite", NULL});
    outcome_free(&o);
    RUN(&o, "model", "convert", "other.safetensors");
    assert_int_equal(o.status, 2);
    outcome_free(&o);
    RUN(&o, "model", "convert", "a.jpg", "never.safetensors");
    assert_int_equal(o.status, 1);
    outcome_free(&o);
    RUN(&o, "model", "info", "never.safetensors");
    assert_int_equal(o.status, 1);
    outcome_free(&o);
}

int main(int argc, char **argv)
{
    if (!scratch_take_program(argc, argv))
        return 2;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),        cmocka_unit_test(test_columns), cmocka_unit_test(test_json),
        cmocka_unit_test(test_environment), cmocka_unit_test(test_damaged), cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_convert),     cmocka_unit_test(test_join),
    };
    return cmocka_run_group_tests_name("cli/model", tests, setup, scratch_end_group);
}
