/* test_write.c - files of ours. fixtures/written.safetensors is what this test writes, and what the safetensors package
 * has read (tools/reference/format.py check). */
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

#include "base/memory.h"
#include "format/safetensors.h"

#define FIXTURE ASSAY_TEST_DIR "/format/fixtures/written.safetensors"

static char folder[] = "/tmp/assay-format-XXXXXX", path[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/model", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder); /* fails where a temporary file was left behind */
}

static void test_write(void **state)
{
    (void)state;
    float weight[12], scalar = 3.25f;
    for (int i = 0; i < 12; i++)
        weight[i] = (float)i * 0.5f - 1;
    const struct safetensors_item items[] = {
        {"a.weight", 2, (const int64_t[]){3, 4}, weight},
        {"empty", 2, (const int64_t[]){5, 0}, NULL},
        {"scalar", 0, NULL, &scalar},
    };
    struct assay_error error = {0};
    json_t *metadata = json_object();
    json_object_set_new(metadata, "kind", json_string("test"));
    json_object_set_new(metadata, "text", json_string("a \"quoted\" \xc3\xbc"));
    assert_int_equal(safetensors_write(path, items, 3, metadata, &error), ASSAY_OK);
    json_decref(metadata);

    uint8_t *ours, *fixture;
    size_t our_size, fixture_size;
    assert_int_equal(file_read(path, 1 << 20, &ours, &our_size, &error), ASSAY_OK);
    if (file_read(FIXTURE, 1 << 20, &fixture, &fixture_size, &error))
        fail_msg("%s", error.message);
    assert_int_equal(our_size, fixture_size);
    assert_memory_equal(ours, fixture, our_size);
    mem_free(ours);
    mem_free(fixture);

    struct safetensors file;
    assert_int_equal(safetensors_open(path, &file, &error), ASSAY_OK);
    assert_int_equal(file.tensors.count, 3);
    const struct file_tensor *tensor = string_map_get(&file.tensors, "a.weight");
    assert_memory_equal(tensor->data, weight, sizeof weight);
    assert_int_equal((uintptr_t)tensor->data % 8, 0);
    assert_string_equal(string_map_get(&file.metadata, "text"), "a \"quoted\" \xc3\xbc");
    safetensors_close(&file);
}

/* The data are aligned however long the header is. */
static void test_alignment(void **state)
{
    (void)state;
    char name[] = "aaaaaaaa";
    float value = 1;
    for (size_t length = 1; length <= 8; length++) {
        struct safetensors file;
        struct assay_error error = {0};
        const struct safetensors_item item = {name + 8 - length, 0, NULL, &value};
        assert_int_equal(safetensors_write(path, &item, 1, NULL, &error), ASSAY_OK);
        assert_int_equal(safetensors_open(path, &file, &error), ASSAY_OK);
        const struct file_tensor *tensor = string_map_get(&file.tensors, item.name);
        assert_int_equal((uintptr_t)tensor->data % 8, 0);
        safetensors_close(&file);
    }
}

static void refused(const struct safetensors_item *items, size_t count, const json_t *metadata, const char *reason)
{
    struct assay_error error = {0};
    char expected[256];
    assert_int_equal(safetensors_write(path, items, count, metadata, &error), ASSAY_ERROR_ARGUMENT);
    snprintf(expected, sizeof expected, "%s: %s", path, reason);
    assert_string_equal(error.message, expected);
    assert_false(file_exists(path));
}

static void test_refused(void **state)
{
    (void)state;
    unlink(path);
    float value = 1;
    const int64_t one = 1, negative = -1, huge[] = {INT64_MAX, INT64_MAX};
    const struct safetensors_item twice[] = {{"a", 1, &one, &value}, {"a", 1, &one, &value}};
    refused(twice, 2, NULL, "cannot write tensor \"a\": the name is there twice");
    refused(&(struct safetensors_item){"__metadata__", 1, &one, &value}, 1, NULL,
            "cannot write tensor \"__metadata__\": the name is reserved");
    refused(&(struct safetensors_item){"\xff", 1, &one, &value}, 1, NULL,
            "cannot write tensor \"\xff\": the name is not UTF-8");
    refused(&(struct safetensors_item){"a", 1, &negative, &value}, 1, NULL,
            "cannot write tensor \"a\": its shape is out of range");
    refused(&(struct safetensors_item){"a", 2, huge, &value}, 1, NULL,
            "cannot write tensor \"a\": its shape is out of range");
    json_t *metadata = json_pack("{s:i}", "n", 1);
    refused(twice, 1, metadata, "metadata \"n\" must be a string");
    json_decref(metadata);
    metadata = json_array();
    refused(twice, 1, metadata, "metadata must be an object");
    json_decref(metadata);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
