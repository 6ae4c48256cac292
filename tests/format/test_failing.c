/* test_failing.c - each allocation of opening and writing files of weights in turn fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "failing_malloc.h"
#include "base/array.h"
#include "format/weights_file.h"

static bool open_file(void *context)
{
    struct safetensors file;
    struct assay_error error = {0};
    if (safetensors_open(context, &file, &error)) {
        assert_true(error.message[0] != '\0');
        return false;
    }
    bool complete = file.tensors.count == 14 && file.metadata.count == 1;
    safetensors_close(&file);
    return complete;
}

static bool open_weights(void *context)
{
    struct weights_file file;
    struct assay_error error = {0};
    if (weights_file_open(context, &file, &error)) {
        assert_true(error.message[0] != '\0');
        return false;
    }
    bool complete = file.tensors.count == 14;
    weights_file_close(&file);
    return complete;
}

static bool write_file(void *context)
{
    static const int64_t dims[] = {2, 1};
    static const float values[] = {1, 2};
    static const struct safetensors_item items[] = {{"a", 2, dims, values}, {"b", 1, dims, values}};
    struct assay_error error = {0};
    json_t *metadata = json_object();
    bool done = json_object_set_new(metadata, "key", json_string("value")) == 0 &&
                safetensors_write(context, items, 2, metadata, &error) == ASSAY_OK;
    json_decref(metadata);
    return done;
}

static void test_open(void **state)
{
    (void)state;
    size_t survived;
    assert_true(failing_malloc_each(open_file, ASSAY_TEST_DIR "/format/fixtures/python.safetensors", &survived) >= 6);
    assert_int_equal(survived, 0);
}

/* Through an index: also the list of files. */
static void test_weights(void **state)
{
    (void)state;
    char folder[] = "/tmp/assay-failing-XXXXXX", index[64], file[64];
    struct safetensors whole;
    struct array text = array_of(1, 4096);
    size_t survived;
    assert_non_null(mkdtemp(folder));
    snprintf(index, sizeof index, "%s/index.json", folder);
    snprintf(file, sizeof file, "%s/python.safetensors", folder);
    assert_int_equal(symlink(ASSAY_TEST_DIR "/format/fixtures/python.safetensors", file), 0);
    assert_int_equal(safetensors_open(file, &whole, NULL), ASSAY_OK);
    array_printf(&text, "{\"weight_map\": {");
    for (size_t i = 0; i < whole.tensors.count; i++)
        array_printf(&text, "%s\"%s\": \"python.safetensors\"", i ? ", " : "", whole.tensors.entries[i].key);
    array_printf(&text, "}}");
    assert_int_equal(file_write(index, text.data, text.count, NULL), ASSAY_OK);
    array_free(&text);
    safetensors_close(&whole);
    assert_true(failing_malloc_each(open_weights, index, &survived) >= 10);
    assert_int_equal(survived, 0);
    unlink(index);
    unlink(file);
    rmdir(folder);
}

static void test_write(void **state)
{
    (void)state;
    char folder[] = "/tmp/assay-failing-XXXXXX", path[64];
    size_t survived;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    assert_true(failing_malloc_each(write_file, path, &survived) >= 4);
    assert_in_range(survived, 0, 1); /* only the sync of the folder can do without */
    unlink(path);
    assert_int_equal(rmdir(folder), 0); /* no temporary file left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
