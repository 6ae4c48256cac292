/* test_text.c - printable names, edit distance, nearest known name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void test_printable(void **state)
{
    (void)state;
    char out[12];
    assert_string_equal(text_printable("plain", out, sizeof out), "plain");
    assert_string_equal(text_printable("a\x1b[31m\nb\x7f", out, sizeof out), "a?[31m?b?");
    assert_string_equal(text_printable("elevenchars", out, sizeof out), "elevenchars");
    assert_string_equal(text_printable("twelve chars", out, sizeof out), "twelve c...");
    assert_string_equal(text_printable("sieben \xc3\xa4\xc3\xb6", out, sizeof out), "sieben \xc3\xa4\xc3\xb6");
    assert_string_equal(text_printable("sieben \xc3\xa4xyz", out, sizeof out), "sieben ..."); /* no half character */
    assert_string_equal(text_printable("abc", out, 1), "");
}

static void test_distance(void **state)
{
    (void)state;
    assert_int_equal(text_distance("", ""), 0);
    assert_int_equal(text_distance("abc", ""), 3);
    assert_int_equal(text_distance("", "abc"), 3);
    assert_int_equal(text_distance("kitten", "sitting"), 3);
    assert_int_equal(text_distance("sunday", "saturday"), 3);
    assert_int_equal(text_distance("weihgt", "weight"), 1); /* swapped neighbours */
    assert_int_equal(text_distance("ca", "abc"), 3);        /* optimal string alignment, not Damerau's 2 */
    assert_int_equal(text_distance("Adam", "adam"), 0);
    char longer[600], other[600];
    memset(longer, 'a', sizeof longer);
    memset(other, 'b', sizeof other);
    longer[599] = '\0';
    other[400] = '\0';
    assert_int_equal(text_distance(longer, other), 599);
    other[0] = 'a';
    memset(other, 'a', 400);
    other[300] = 'b'; /* alike but for one letter and the length */
    other[400] = '\0';
    assert_int_equal(text_distance(other, other), 0);
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const known[] = {"learning-rate", "batch", "epochs", "optimizer", "seed", "batches"};
    char text[TEXT_NEAREST];
    struct nearest n = nearest_to("lerning-rate");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        nearest_offer(&n, known[i]);
    assert_string_equal(nearest_text(&n, text), "; did you mean \"learning-rate\"?");
    n = nearest_to("batchs");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        nearest_offer(&n, known[i]);
    assert_string_equal(nearest_text(&n, text), "; did you mean \"batch\" or \"batches\"?");
    n = nearest_to("zzz");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        nearest_offer(&n, known[i]);
    assert_string_equal(nearest_text(&n, text), "");
    n = nearest_to("conv1"); /* at most three, the nearest of all, the earlier first */
    static const char *const names[] = {"conv22", "conv2", "conv3", "conv4", "conv1.w", "conv1"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        nearest_offer(&n, names[i]);
    assert_string_equal(nearest_text(&n, text), "; did you mean \"conv1\", \"conv2\" or \"conv3\"?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_printable),
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
