/* test_fact.c - the tree of facts: shown as lines and as JSON, within its limits, whatever bytes it is given. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "provenance/fact.h"
#include "support/failing_malloc.h"

static void expect_print(const struct fact *fact, const char *expected)
{
    struct array out = array_of(1, 1 << 20);
    assert_true(fact_print(fact, 0, &out));
    assert_true(array_append(&out, "", 1));
    assert_string_equal(out.data, expected);
    array_free(&out);
}

static void expect_json(const struct fact *fact, const char *expected)
{
    json_t *json = fact_json(fact);
    assert_non_null(json);
    char *text = json_dumps(json, JSON_COMPACT);
    assert_string_equal(text, expected);
    free(text);
    json_decref(json);
}

static void test_kinds(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct fact_tree tree;
    fact_tree_init(&tree, &arena);
    struct fact *exif = fact_group(&tree, tree.root, "exif");
    fact_text(&tree, exif, "make", "Canon");
    fact_integer(&tree, exif, "iso", -200);
    fact_real(&tree, exif, "aperture", 2.5);
    fact_real(&tree, exif, "strange", NAN);
    fact_bool(&tree, exif, "gps", true);
    fact_printf(&tree, exif, "size", "%dx%d", 3, 4);
    fact_hex(&tree, exif, "hash", "\x00\xff\x10", 3);
    struct fact *list = fact_list(&tree, tree.root, "actions");
    fact_text(&tree, list, NULL, "c2pa.created");
    struct fact *item = fact_group(&tree, list, NULL);
    fact_text(&tree, item, "when", "now");
    fact_group(&tree, tree.root, "nothing");
    expect_print(tree.root,
                 "exif:\n  make: Canon\n  iso: -200\n  aperture: 2.5\n  strange: nan\n  gps: yes\n"
                 "  size: 3x4\n  hash: 00ff10\nactions:\n  - c2pa.created\n  -\n    when: now\nnothing: (empty)\n");
    expect_json(tree.root, "{\"exif\":{\"make\":\"Canon\",\"iso\":-200,\"aperture\":2.5,\"strange\":null,\"gps\":true,"
                           "\"size\":\"3x4\",\"hash\":\"00ff10\"},\"actions\":[\"c2pa.created\",{\"when\":\"now\"}],"
                           "\"nothing\":{}}");
    assert_string_equal(fact_find_text(tree.root, "exif/make"), "Canon");
    assert_null(fact_find_text(tree.root, "exif/iso"));
    assert_null(fact_find(tree.root, "exif/mak"));
    assert_null(fact_find(tree.root, "make"));
    assert_null(fact_find(NULL, "make"));
    assert_false(tree.full || tree.no_memory);
    arena_free(&arena);
}

static void test_repeated_names_become_a_list(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct fact_tree tree;
    fact_tree_init(&tree, &arena);
    struct fact *list = fact_list(&tree, tree.root, "a");
    fact_integer(&tree, list, NULL, 1);
    fact_integer(&tree, tree.root, "b", 0);
    fact_integer(&tree, tree.root, "a", 2);
    fact_integer(&tree, tree.root, "a", 3);
    expect_json(tree.root, "{\"a\":[[1],2,3],\"b\":0}");
    arena_free(&arena);
}

static void test_problems(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct fact_tree tree;
    fact_tree_init(&tree, &arena);
    fact_problem(&tree, tree.root, "box %d ends after the file", 7);
    fact_text(&tree, tree.root, "x", "y");
    fact_problem(&tree, tree.root, "%s", "another");
    fact_problem(&tree, NULL, "nowhere");
    expect_json(tree.root, "{\"problems\":[\"box 7 ends after the file\",\"another\"],\"x\":\"y\"}");
    arena_free(&arena);
}

static void test_what_strangers_write(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct fact_tree tree;
    fact_tree_init(&tree, &arena);
    /* escape sequences, a NUL, line breaks, C1 controls, a mark that turns the direction, half a character, a name */
    fact_text_n(&tree, tree.root, "t", "a\x1b[31m\0b\r\n\tc\xc2\x9b\xe2\x80\xae\xc3\xa4\xc3", 20);
    fact_text(&tree, tree.root, "na\nme\xff", "v");
    expect_print(tree.root, "t: a\\x1B[31m\\x00b\\x0D\\n\\tc\\u{009B}\\u{202E}\xc3\xa4\\xC3\nna\\nme\\xFF: v\n");
    expect_json(tree.root, "{\"t\":\"a\\u001B[31m\\u0000b\\r\\n\\tc\xc2\x9b\xe2\x80\xae\xc3\xa4\xef\xbf\xbd\","
                           "\"na\\nme\xef\xbf\xbd\":\"v\"}");
    arena_free(&arena);

    /* long texts are shown in part, and kept whole */
    struct fact_tree other;
    fact_tree_init(&other, &arena);
    char longer[1000];
    memset(longer, 'a', sizeof longer);
    const struct fact *fact = fact_text_n(&other, other.root, "p", longer, sizeof longer);
    assert_int_equal(fact->size, sizeof longer);
    struct array out = array_of(1, 1 << 20);
    assert_true(fact_print(other.root, 2, &out));
    assert_int_equal(out.count, 2 + 3 + FACT_SHOWN_TEXT + strlen("... (1000 bytes)\n"));
    array_free(&out);
    arena_free(&arena);
}

static void test_limits(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct fact_tree tree;
    fact_tree_init(&tree, &arena);
    struct fact *at = tree.root;
    for (int i = 0; i < FACT_MAX_DEPTH; i++)
        at = fact_group(&tree, at, "g");
    assert_non_null(at);
    assert_false(tree.full);
    assert_null(fact_text(&tree, at, "deep", "x"));
    assert_true(tree.full);
    assert_null(fact_text(&tree, NULL, "below", "x")); /* what hangs on what is missing */
    arena_free(&arena);

    struct fact_tree many;
    fact_tree_init(&many, &arena);
    for (int i = 0; i < FACT_MAX_COUNT; i++)
        assert_non_null(fact_integer(&many, many.root, "i", i));
    assert_null(fact_integer(&many, many.root, "i", 0));
    assert_true(many.full);
    arena_free(&arena);

    struct fact_tree big;
    fact_tree_init(&big, &arena);
    char *text = calloc(1, FACT_MAX_TEXT + 1);
    assert_non_null(text);
    const struct fact *cut = fact_text_n(&big, big.root, "huge", text, FACT_MAX_TEXT + 1);
    assert_int_equal(cut->size, FACT_MAX_TEXT);
    assert_non_null(fact_find(big.root, "problems"));
    for (int i = 0; !big.full; i++) {
        assert_true(i <= FACT_MAX_TEXTS / FACT_MAX_TEXT);
        fact_text_n(&big, big.root, "huge", text, FACT_MAX_TEXT);
    }
    assert_true(big.text_bytes <= FACT_MAX_TEXTS);
    free(text);
    arena_free(&arena);
}

/* Each allocation fails once: nothing crashes or leaks, and what is missing is told. */
static bool build_and_show(void *context)
{
    (void)context;
    struct arena arena = {0};
    struct fact_tree tree;
    struct array out = array_of(1, 1 << 20);
    fact_tree_init(&tree, &arena);
    for (int i = 0; i < 100; i++) {
        struct fact *group = fact_group(&tree, tree.root, "group");
        fact_printf(&tree, group, "a", "%d \xff", i);
        fact_problem(&tree, group, "%s", "bad");
    }
    json_t *json = NULL;
    bool well = !tree.no_memory && fact_print(tree.root, 0, &out) && (json = fact_json(tree.root)) != NULL;
    json_decref(json);
    array_free(&out);
    arena_free(&arena);
    return well;
}

static void test_failing_allocations(void **state)
{
    (void)state;
    assert_true(failing_malloc_each(build_and_show, NULL, NULL) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),    cmocka_unit_test(test_repeated_names_become_a_list),
        cmocka_unit_test(test_problems), cmocka_unit_test(test_what_strangers_write),
        cmocka_unit_test(test_limits),   cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
