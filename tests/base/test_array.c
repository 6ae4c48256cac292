/* test_array.c - growth, the maximum, text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"

static void test_push(void **state)
{
    (void)state;
    struct array array = array_of(sizeof(int), 1000);
    assert_null(array.data);
    for (int i = 0; i < 1000; i++) {
        int *item = array_push(&array);
        assert_true(item && *item == 0);
        *item = i;
    }
    assert_null(array_push(&array));
    assert_int_equal(array.count, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(((int *)array.data)[i], i);
    array_free(&array);
    assert_non_null(array_push(&array));
    array_free(&array);
}

static void test_append(void **state)
{
    (void)state;
    struct array array = array_of(2, 5);
    assert_true(array_append(&array, "abcd", 2));
    assert_true(array_append(&array, "", 0));
    assert_false(array_append(&array, "efghijkl", 4));
    assert_int_equal(array.count, 2);
    assert_true(array_append(&array, "efghij", 3));
    assert_memory_equal(array.data, "abcdefghij", 10);
    assert_false(array_append(&array, "x", SIZE_MAX)); /* count + SIZE_MAX would wrap */
    array_free(&array);
    array = array_of(16, SIZE_MAX);
    assert_false(array_append(&array, "x", SIZE_MAX / 8));
    array_free(&array);
}

static void test_printf(void **state)
{
    (void)state;
    struct array text = array_of(1, 10);
    assert_true(array_printf(&text, "%d,", 12));
    assert_true(array_printf(&text, "%s", "abcd"));
    assert_string_equal(text.data, "12,abcd");
    assert_int_equal(text.count, 7);
    assert_false(array_printf(&text, "%s", "xyz")); /* the NUL would be the eleventh */
    assert_string_equal(text.data, "12,abcd");
    assert_true(array_printf(&text, "%s", "xy"));
    assert_string_equal(text.data, "12,abcdxy");
    array_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_push),
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_printf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
