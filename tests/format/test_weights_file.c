/* test_weights_file.c - one handle over every kind of file: told apart by content, indexes checked against their
 * files. */
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

#include "base/file.h"
#include "format/weights_file.h"

#define FIXTURES ASSAY_TEST_DIR "/format/fixtures/"

static char folder[] = "/tmp/assay-weights-XXXXXX";
static const char *const written[] = {"a.safetensors", "b.safetensors", "index.json", "model"};

static const char *in_folder(const char *name)
{
    static char path[2][128];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static void write_tensor(const char *file, const char *name, float value)
{
    static const int64_t dims[] = {2};
    const float values[] = {value, -value};
    const struct safetensors_item item = {name, 1, dims, values};
    struct assay_error error = {0};
    assert_int_equal(safetensors_write(in_folder(file), &item, 1, NULL, &error), ASSAY_OK);
}

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return 1;
    write_tensor("a.safetensors", "x", 1);
    write_tensor("b.safetensors", "y", 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++)
        unlink(in_folder(written[i]));
    return rmdir(folder);
}

static void write_index(const char *text)
{
    struct assay_error error = {0};
    assert_int_equal(file_write(in_folder("index.json"), text, strlen(text), &error), ASSAY_OK);
}

static void test_index(void **state)
{
    (void)state;
    struct weights_file file;
    struct assay_error error = {0};
    write_index("\n {\"metadata\": {\"total_size\": 16}, \"weight_map\": "
                "{\"y\": \"b.safetensors\", \"x\": \"a.safetensors\"}}");
    if (weights_file_open(in_folder("index.json"), &file, &error))
        fail_msg("%s", error.message);
    assert_string_equal(file.kind, "safetensors in 2 files");
    assert_int_equal(file.tensors.count, 2);
    assert_string_equal(file.tensors.entries[0].key, "y");
    assert_int_equal(file.bytes, 16);
    float values[2];
    assert_true(file_tensor_read_f32(string_map_get(&file.tensors, "x"), values));
    assert_float_equal(values[1], -1, 0);
    assert_true(file_tensor_read_f32(string_map_get(&file.tensors, "y"), values));
    assert_float_equal(values[1], -2, 0);
    weights_file_close(&file);
}

static void refused(const char *index, const char *part)
{
    struct weights_file file;
    struct assay_error error = {0};
    write_index(index);
    assert_int_not_equal(weights_file_open(in_folder("index.json"), &file, &error), ASSAY_OK);
    if (!strstr(error.message, part))
        fail_msg("expected \"%s\" in: %s", part, error.message);
    weights_file_close(&file);
}

static void test_bad_index(void **state)
{
    (void)state;
    refused("{", "not valid");
    refused("{}", "weight_map");
    refused("{\"weight_map\": {}}", "weight_map");
    refused("{\"weight_map\": {\"x\": \"a.safetensors\", \"x\": \"b.safetensors\"}}", "not valid");
    refused("{\"weight_map\": {\"x\": 1}}", "\"x\" is said to lie in \"(not a text)\"");
    static const char *const names[] = {"../a.safetensors",   "/etc/passwd", "..", "", "s/a.safetensors", ".a",
                                        "..\\\\a.safetensors"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char index[128];
        snprintf(index, sizeof index, "{\"weight_map\": {\"x\": \"%s\"}}", names[i]);
        refused(index, "not the plain name of a file beside the index");
    }
    refused("{\"weight_map\": {\"x\": \"c.safetensors\"}}", "No such file");
    refused("{\"weight_map\": {\"x\": \"index.json\"}}", "an index, named as");
    refused("{\"weight_map\": {\"z\": \"a.safetensors\", \"y\": \"b.safetensors\"}}",
            "1 missing: \"z\" in a.safetensors; 1 that it does not name: \"x\" in a.safetensors");
    /* there, but in another file than it says */
    refused("{\"weight_map\": {\"x\": \"b.safetensors\", \"y\": \"b.safetensors\"}}",
            "1 missing: \"x\" in b.safetensors");
}

/* Whatever the name of the file, it is told by its content; tensors agree between the containers. */
static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *file, *kind, *nested;
    } cases[] = {{"python.safetensors", "safetensors", ""},
                 {"torch/zip.pth", "PyTorch zip", ""},
                 {"torch/legacy.pth", "PyTorch legacy", ""},
                 {"torch/nested.pth", "PyTorch zip", "model"},
                 {"torch/script.pt", "TorchScript", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct weights_file file;
        struct assay_error error = {0};
        char from[256];
        uint8_t *bytes;
        size_t size;
        snprintf(from, sizeof from, FIXTURES "%s", cases[i].file);
        assert_int_equal(file_read(from, 1 << 20, &bytes, &size, &error), ASSAY_OK);
        assert_int_equal(file_write(in_folder("model"), bytes, size, &error), ASSAY_OK);
        free(bytes);
        if (weights_file_open(in_folder("model"), &file, &error))
            fail_msg("%s", error.message);
        assert_string_equal(file.kind, cases[i].kind);
        assert_true(file.tensors.count > 0);
        if (cases[i].nested[0])
            assert_true(file.nested[0] != '\0');
        weights_file_close(&file);
    }
}

static void test_not_weights(void **state)
{
    (void)state;
    struct weights_file file;
    struct assay_error error = {0};
    static const char *const texts[] = {"", "x", "just some text, longer than eight bytes", "{\"a\": 1}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(file_write(in_folder("model"), texts[i], strlen(texts[i]), &error), ASSAY_OK);
        assert_int_not_equal(weights_file_open(in_folder("model"), &file, &error), ASSAY_OK);
        assert_non_null(strstr(error.message, folder));
    }
    assert_int_not_equal(weights_file_open(folder, &file, &error), ASSAY_OK);
    assert_int_not_equal(weights_file_open(in_folder("none"), &file, &error), ASSAY_OK);
}

static void test_nonfinite(void **state)
{
    (void)state;
    const float single[] = {1, NAN, -INFINITY, 3};
    const double twice[] = {1e308, INFINITY};
    const uint16_t half[] = {0x7bff, 0x7c00, 0xfe00}, brain[] = {0x7f7f, 0xff80};
    const int32_t whole[] = {-1, 0x7f800000};
    const struct {
        struct file_tensor tensor;
        uint64_t count, first;
    } cases[] = {
        {{.dtype = TENSOR_FILE_F32, .count = 4, .data = single}, 2, 1},
        {{.dtype = TENSOR_FILE_F64, .count = 2, .data = twice}, 1, 1},
        {{.dtype = TENSOR_FILE_F16, .count = 3, .data = half}, 2, 1},
        {{.dtype = TENSOR_FILE_BF16, .count = 2, .data = brain}, 1, 1},
        {{.dtype = TENSOR_FILE_I32, .count = 2, .data = whole}, 0, 99},
        {{.dtype = TENSOR_FILE_F32, .count = 1, .data = single}, 0, 99},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t first = 99;
        assert_int_equal(file_tensor_nonfinite(&cases[i].tensor, &first), cases[i].count);
        assert_int_equal(first, cases[i].first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index),       cmocka_unit_test(test_bad_index), cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_not_weights), cmocka_unit_test(test_nonfinite),
    };
    return cmocka_run_group_tests_name("format/weights_file", tests, setup, teardown);
}
