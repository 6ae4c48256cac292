/* test_safetensors.c - files of the safetensors package, read by us (tools/reference/format.py writes them). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "format/safetensors.h"

#include "fixtures/expected.h"

#define FIXTURE ASSAY_TEST_DIR "/format/fixtures/python.safetensors"

static int open_fixture(void **state)
{
    static struct safetensors file;
    struct assay_error error = {0};
    if (safetensors_open(FIXTURE, &file, &error)) {
        print_error("%s\n", error.message);
        return -1;
    }
    *state = &file;
    return 0;
}

static int close_fixture(void **state)
{
    safetensors_close(*state);
    return 0;
}

static const struct file_tensor *get(void **state, const char *name)
{
    const struct file_tensor *tensor = string_map_get(&((struct safetensors *)*state)->tensors, name);
    assert_non_null(tensor);
    assert_string_equal(tensor->name, name);
    return tensor;
}

static void expect_floats(void **state, const char *name, const uint32_t *expected, size_t bytes)
{
    float values[32];
    const struct file_tensor *tensor = get(state, name);
    assert_int_equal(tensor->count * sizeof(float), bytes);
    assert_true(bytes <= sizeof values);
    assert_true(file_tensor_read_f32(tensor, values));
    assert_memory_equal(values, expected, bytes);
}

static void test_floats(void **state)
{
    expect_floats(state, "floats", expected_floats, sizeof expected_floats);
    expect_floats(state, "half", expected_half, sizeof expected_half);
    expect_floats(state, "brain", expected_brain, sizeof expected_brain);
    expect_floats(state, "double", expected_double, sizeof expected_double);
    expect_floats(state, "scalar", expected_scalar, sizeof expected_scalar);
    expect_floats(state, "one.two.weight", expected_one_two_weight, sizeof expected_one_two_weight);
}

static void expect_bytes(void **state, const char *name, enum tensor_file_dtype dtype, const void *bytes, size_t size)
{
    float unused[32];
    const struct file_tensor *tensor = get(state, name);
    assert_int_equal(tensor->dtype, dtype);
    assert_int_equal(tensor->bytes, size);
    assert_memory_equal(tensor->data, bytes, size);
    assert_false(file_tensor_read_f32(tensor, unused));
}

static void test_integers(void **state)
{
    expect_bytes(state, "i8", TENSOR_FILE_I8, (int8_t[]){-128, 127}, 2);
    expect_bytes(state, "u8", TENSOR_FILE_U8, (uint8_t[]){255, 1, 2}, 3);
    expect_bytes(state, "i16", TENSOR_FILE_I16, (int16_t[]){-32768}, 2);
    expect_bytes(state, "i32", TENSOR_FILE_I32, (int32_t[]){-5}, 4);
    expect_bytes(state, "i64", TENSOR_FILE_I64, (int64_t[]){INT64_C(1) << 40}, 8);
    expect_bytes(state, "bool", TENSOR_FILE_BOOL, (uint8_t[]){1, 0}, 2);
}

static void test_shapes(void **state)
{
    const struct file_tensor *tensor = get(state, "floats");
    assert_int_equal(tensor->rank, 2);
    assert_int_equal(tensor->dim[0], 2);
    assert_int_equal(tensor->dim[1], 3);
    assert_int_equal(get(state, "scalar")->rank, 0);
    assert_int_equal(get(state, "scalar")->count, 1);
    tensor = get(state, "none");
    assert_int_equal(tensor->rank, 2);
    assert_int_equal(tensor->dim[1], 4);
    assert_int_equal(tensor->count, 0);
    assert_int_equal(get(state, "gr\xc3\xb6\xc3\x9f"
                                "e")
                         ->count,
                     1);
    assert_int_equal(((struct safetensors *)*state)->tensors.count, 14);
    assert_string_equal(tensor_file_dtype_name(get(state, "brain")->dtype), "BF16");
}

static void test_metadata(void **state)
{
    const struct safetensors *file = *state;
    assert_int_equal(file->metadata.count, 1);
    assert_string_equal(string_map_get(&file->metadata, "na\xc3\xafve"), "ja\n");
}

/* Every half-precision number against its definition. */
static void test_all_halves(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        uint16_t half = (uint16_t)bits;
        float value, expected = (float)(half & 0x3ff);
        int exponent = half >> 10 & 0x1f;
        struct file_tensor tensor = {.dtype = TENSOR_FILE_F16, .count = 1, .bytes = 2, .data = &half};
        assert_true(file_tensor_read_f32(&tensor, &value));
        if (exponent == 0x1f && expected > 0) {
            assert_true(value != value);
            continue;
        }
        if (exponent == 0x1f)
            expected = 1.0f / 0.0f;
        else
            expected = (exponent ? expected + 1024 : expected) * 0x1p-24f;
        for (int e = 1; e < exponent && exponent != 0x1f; e++)
            expected *= 2;
        if (half & 0x8000)
            expected = -expected;
        assert_memory_equal(&value, &expected, sizeof value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floats),   cmocka_unit_test(test_integers),   cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_metadata), cmocka_unit_test(test_all_halves),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
