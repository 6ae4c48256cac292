/* test_model.c - `assay model info`, and model files that are no good, through the command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>
#include <sys/stat.h>

#include "scratch.h"

static int setup(void **state)
{
    (void)state;
    scratch_begin();
    scratch_model("model.safetensors", true);
    scratch_picture("a.jpg", 64, 48, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scratch_end();
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

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    scratch_program = scratch_find_program(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests_name("cli/model", tests, setup, teardown);
}
