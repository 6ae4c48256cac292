/* Escaping of hostile names, numbers, shortening. */
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "eval/report/markup.h"
#include "wellformed.h"

#define BAD "\xef\xbf\xbd"

static void expect_text(const char *given, const char *expected)
{
    struct markup m = markup_new();
    markup_text(&m, given);
    markup_raw(&m, "");
    assert_false(m.failed);
    markup_printf(&m, "%c", 0);
    assert_string_equal((char *)m.bytes.data, expected);
    markup_free(&m);
}

static void test_escaping(void **state)
{
    (void)state;
    expect_text("<script>alert(\"1\")</script>", "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;");
    expect_text("a' onerror='b & c", "a&#39; onerror=&#39;b &amp; c");
    expect_text("gr\xc3\xbc\xc3\x9f \xe6\x97\xa5 \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xe6\x97\xa5 \xf0\x9f\x98\x80");
    expect_text("a\xff"
                "b\xc3",
                "a" BAD "b" BAD);                                   /* no UTF-8, and cut off at the end */
    expect_text("\xc0\xbcscript>", BAD BAD "script&gt;");           /* "<" in two bytes */
    expect_text("\xe0\x80\xbc", BAD BAD BAD);                       /* and in three */
    expect_text("\xed\xa0\x80", BAD BAD BAD);                       /* half of a surrogate pair */
    expect_text("\xf4\x90\x80\x80", BAD BAD BAD BAD);               /* beyond Unicode */
    expect_text("\x01\x1b[31m\x7f", BAD BAD "[31m" BAD);            /* control characters */
    expect_text("photo\xe2\x80\xaegnp.exe", "photo" BAD "gnp.exe"); /* turned direction */
    expect_text("\xef\xbf\xbf\xc2\x85", BAD BAD);
    expect_text("two\nlines\t", "two\nlines\t");
}

/* Any two bytes give well-formed markup. */
static void test_all_pairs(void **state)
{
    (void)state;
    for (int a = 1; a < 256; a++) {
        struct markup m = markup_new();
        markup_raw(&m, "<p>");
        for (int b = 1; b < 256; b++) {
            char text[] = {(char)a, (char)b, 0};
            markup_text(&m, text);
        }
        markup_printf(&m, "</p>%c", 0);
        assert_wellformed(m.bytes.data, m.bytes.count - 1);
        markup_free(&m);
    }
}

static void test_short(void **state)
{
    (void)state;
    struct markup m = markup_new();
    markup_short(&m, "abcdefghij", 10);
    markup_raw(&m, "|");
    markup_short(&m, "abcdefghijk", 10);
    markup_raw(&m, "|");
    markup_short(&m, "<<<<<<<<<<<<", 4);
    markup_printf(&m, "%c", 0);
    assert_string_equal((char *)m.bytes.data, "abcdefghij|abc\xe2\x80\xa6"
                                              "fghijk|&lt;\xe2\x80\xa6&lt;&lt;");
    assert_int_equal(markup_characters("\xc3\xbc\xff<"), 3);
    markup_free(&m);
}

static void test_numbers(void **state)
{
    (void)state;
    char text[MARKUP_NUMBER];
    setlocale(LC_ALL, "de_DE.UTF-8"); /* where it is installed, printf would write a comma */
    assert_string_equal(markup_number_text(1.5, 2, text), "1.50");
    assert_string_equal(markup_number_text(-0.004, 2, text), "0.00");
    assert_string_equal(markup_number_text(-2.345, 1, text), "-2.3");
    assert_string_equal(markup_number_text(0.9999, 3, text), "1.000");
    assert_string_equal(markup_number_text(NAN, 3, text), "-");
    assert_string_equal(markup_number_text(INFINITY, 3, text), "-");
    assert_string_equal(markup_number_text(1e300, 3, text), "-");
    assert_string_equal(markup_brief(2.50, 3, text), "2.5");
    assert_string_equal(markup_brief(100, 3, text), "100");
    assert_string_equal(markup_brief(100, 0, text), "100");
    setlocale(LC_ALL, "C");
    struct markup m = markup_new();
    markup_count(&m, 1234567);
    markup_printf(&m, "%c", 0);
    assert_string_equal((char *)m.bytes.data, "1\xe2\x80\xaf"
                                              "234\xe2\x80\xaf"
                                              "567");
    markup_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_escaping), cmocka_unit_test(test_all_pairs),
                                       cmocka_unit_test(test_short), cmocka_unit_test(test_numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
