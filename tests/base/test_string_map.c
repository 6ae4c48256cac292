/* test_string_map.c - finding, insertion order, growth, colliding slots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/string_map.h"

enum { MANY = 5000 };

static void test_empty(void **state)
{
    (void)state;
    struct string_map map = {0};
    assert_null(string_map_get(&map, "a"));
    string_map_free(&map);
}

static void test_add(void **state)
{
    (void)state;
    struct string_map map = {0};
    int one = 1, two = 2;
    assert_true(string_map_add(&map, "a", &one));
    assert_true(string_map_add(&map, "", &two));
    assert_false(string_map_add(&map, "a", &two)); /* is there */
    assert_ptr_equal(string_map_get(&map, "a"), &one);
    assert_ptr_equal(string_map_get(&map, ""), &two);
    assert_null(string_map_get(&map, "b"));
    assert_int_equal(map.count, 2);
    string_map_free(&map);
    assert_int_equal(map.count, 0);
}

static void test_growth(void **state)
{
    (void)state;
    static char names[MANY][16];
    static int values[MANY];
    struct string_map map = {0};
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "name%d", i);
        assert_true(string_map_add(&map, names[i], &values[i]));
        if ((i & (i - 1)) == 0) /* right after growing, too */
            for (int k = 0; k <= i; k++)
                assert_ptr_equal(string_map_get(&map, names[k]), &values[k]);
    }
    for (int i = 0; i < MANY; i++) {
        char copy[16];
        snprintf(copy, sizeof copy, "name%d", i);
        assert_ptr_equal(string_map_get(&map, copy), &values[i]);
        assert_false(string_map_add(&map, copy, NULL));
        assert_ptr_equal(map.entries[i].key, names[i]); /* in the order of insertion */
        snprintf(copy, sizeof copy, "none%d", i);
        assert_null(string_map_get(&map, copy));
    }
    assert_int_equal(map.count, MANY);
    string_map_free(&map);
}

/* Keys that all want the last slot go on at the first. */
static void test_wrap(void **state)
{
    (void)state;
    static char names[3][16];
    struct string_map map = {0};
    assert_true(string_map_add(&map, "", NULL));
    for (int i = 0, found = 0; found < 3; i++) {
        snprintf(names[found], sizeof names[found], "%d", i);
        if ((hash_text(names[found]) & (map.slot_count - 1)) == map.slot_count - 1) {
            assert_true(string_map_add(&map, names[found], names[found]));
            found++;
        }
    }
    assert_true(map.slots[map.slot_count - 1] && map.slots[0] && map.slots[1]);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(string_map_get(&map, names[i]), names[i]);
    string_map_free(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
