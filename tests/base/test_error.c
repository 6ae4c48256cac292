/* test_error.c - the sentence of a failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static void test_set(void **state)
{
    (void)state;
    struct assay_error error = {0};
    assert_int_equal(error_set(&error, ASSAY_ERROR_LIMIT, "%s: %d", "file", 7), ASSAY_ERROR_LIMIT);
    assert_int_equal(error.status, ASSAY_ERROR_LIMIT);
    assert_string_equal(error.message, "file: 7");
    assert_int_equal(error_set(NULL, ASSAY_ERROR_IO, "nobody listens"), ASSAY_ERROR_IO);
    assert_int_equal(error_memory(&error, "a model"), ASSAY_ERROR_MEMORY);
    assert_string_equal(error.message, "out of memory for a model");
}

static void test_long(void **state)
{
    (void)state;
    struct assay_error error = {0};
    char name[2 * sizeof error.message];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    error_set(&error, ASSAY_ERROR_IO, "%s", name);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
}

static void test_errno(void **state)
{
    (void)state;
    struct assay_error error = {0};
    errno = EACCES;
    assert_int_equal(error_errno(&error, "f", "open"), ASSAY_ERROR_IO);
    assert_string_equal(error.message, "f: cannot open: Permission denied");
    errno = ENOMEM;
    assert_int_equal(error_errno(&error, "f", "map"), ASSAY_ERROR_MEMORY);
}

static void test_texts(void **state)
{
    (void)state;
    for (int i = ASSAY_OK; i <= ASSAY_ERROR_INTERNAL; i++) {
        const char *text = assay_status_text((assay_status)i);
        assert_true(text[0] != '\0');
        for (int k = ASSAY_OK; k < i; k++)
            assert_string_not_equal(text, assay_status_text((assay_status)k));
    }
    assert_string_equal(assay_status_text((assay_status)99), "unknown status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_errno),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
