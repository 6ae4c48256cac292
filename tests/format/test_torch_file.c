/* test_torch_file.c - PyTorch's containers, read by us and compared with what torch said they hold
 * (tools/reference/torch_file.py writes them); hostile ones, each refused for its own reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "format/torch_file.h"

#define FIXTURES ASSAY_TEST_DIR "/format/fixtures/torch/"

/* Same names, shapes, types and bytes as the safetensors file. */
static void expect_same(const char *path, const char *expected_path, const char *kind, const char *nested)
{
    struct assay_error error = {0};
    struct torch_file file;
    struct safetensors expected;
    if (torch_file_open(path, &file, &error))
        fail_msg("%s", error.message);
    assert_int_equal(safetensors_open(expected_path, &expected, &error), ASSAY_OK);
    assert_string_equal(file.kind, kind);
    assert_string_equal(file.nested, nested);
    assert_int_equal(file.tensors.count, expected.tensors.count);
    for (size_t i = 0; i < expected.tensors.count; i++) {
        const struct file_tensor *want = expected.tensors.entries[i].value;
        const struct file_tensor *have = string_map_get(&file.tensors, want->name);
        if (!have)
            fail_msg("%s is missing", want->name);
        assert_int_equal(have->dtype, want->dtype);
        assert_int_equal(have->rank, want->rank);
        assert_memory_equal(have->dim, want->dim, (size_t)want->rank * sizeof want->dim[0]);
        assert_int_equal(have->bytes, want->bytes);
        if (want->bytes)
            assert_memory_equal(have->data, want->data, want->bytes);
    }
    torch_file_close(&file);
    safetensors_close(&expected);
}

static void test_zip(void **state)
{
    (void)state;
    expect_same(FIXTURES "zip.pth", FIXTURES "expected.safetensors", "PyTorch zip", "");
}

static void test_legacy(void **state)
{
    (void)state;
    expect_same(FIXTURES "legacy.pth", FIXTURES "expected.safetensors", "PyTorch legacy", "");
}

static void test_nested(void **state)
{
    (void)state;
    expect_same(FIXTURES "nested.pth", FIXTURES "expected.safetensors", "PyTorch zip", "model");
}

static void test_script(void **state)
{
    (void)state;
    expect_same(FIXTURES "script.pt", FIXTURES "script.safetensors", "TorchScript", "");
}

static void test_only_weights(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct torch_file file;
    assert_int_equal(torch_file_open(FIXTURES "optimizer.pth", &file, &error), ASSAY_OK);
    assert_string_equal(file.nested, "model_state_dict");
    assert_int_equal(file.tensors.count, 1);
    assert_non_null(string_map_get(&file.tensors, "w"));
    torch_file_close(&file);
}

static void test_hostile(void **state)
{
    (void)state;
    static const struct {
        const char *file, *reason;
    } cases[] = {
        {"bad-no-pickle.pth", "without the data.pkl"},
        {"bad-no-storage.pth", "the storage \"0\" is missing"},
        {"bad-short-storage.pth", "too few for its"},
        {"bad-compressed.pth", "compressed or encrypted"},
        {"bad-byteorder.pth", "not little-endian"},
        {"bad-global.pth", "posix.system"},
        {"bad-no-tensors.pth", "no named tensors"},
        {"bad-opcode.pth", "opcode 0x69"},
        {"bad-cut-pickle.pth", "ends in the middle"},
        {"bad-loop.pth", "nested more than"},
        {"bad-outside.pth", "reaches outside its storage"},
        {"bad-billion.pth", "more elements than its storage"},
        {"bad-overflow.pth", "is too large"},
        {"bad-count.pth", "too few for its"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct assay_error error = {0};
        struct torch_file file;
        char path[512];
        snprintf(path, sizeof path, "%s%s", FIXTURES, cases[i].file);
        if (torch_file_open(path, &file, &error) == ASSAY_OK)
            fail_msg("%s was read", cases[i].file);
        if (!strstr(error.message, cases[i].reason) || !strstr(error.message, cases[i].file))
            fail_msg("%s: unexpected message: %s", cases[i].file, error.message);
    }
}

/* Cut at every length, and with every byte changed: an error or a result, never a crash. */
static void test_damaged(void **state)
{
    (void)state;
    static const char *const names[] = {FIXTURES "optimizer.pth", FIXTURES "legacy.pth"};
    for (size_t k = 0; k < 2; k++) {
        struct assay_error error = {0};
        struct torch_file file;
        uint8_t *bytes;
        size_t size, refused = 0;
        assert_int_equal(file_read(names[k], 1 << 20, &bytes, &size, &error), ASSAY_OK);
        for (size_t cut = 0; cut < size; cut += 7) {
            refused += torch_file_open_memory(bytes, cut, "cut", &file, &error) != ASSAY_OK;
            torch_file_close(&file);
        }
        assert_int_equal(refused, (size + 6) / 7);
        for (size_t i = 0; i < size; i++) {
            bytes[i] ^= 0x55;
            torch_file_open_memory(bytes, size, "changed", &file, &error);
            torch_file_close(&file);
            bytes[i] ^= 0x55;
        }
        mem_free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zip),     cmocka_unit_test(test_legacy),       cmocka_unit_test(test_nested),
        cmocka_unit_test(test_script),  cmocka_unit_test(test_only_weights), cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests_name("format/torch_file", tests, NULL, NULL);
}
