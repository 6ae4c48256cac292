/* Tables as text, CSV and LaTeX: alignment, turning, escapes, bold, what has no value. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eval/table.h"

static const char *const rows[] = {"lol", "caf\xC3\xA9"}, *const columns[] = {"sd_1.4", "a,\"b\"", "mean"};
static const double values[] = {0.5, 1.0 / 3, 0.25, 0.50001, NAN, 1};
static const struct table table = {.title = "AP",
                                   .corner = "method",
                                   .rows = rows,
                                   .columns = columns,
                                   .row_count = 2,
                                   .column_count = 3,
                                   .values = values,
                                   .percent = true,
                                   .last_apart = true};

static void expect(struct array *out, bool fits, const char *text)
{
    assert_true(fits);
    assert_true(array_append(out, "", 1));
    assert_string_equal(out->data, text);
    array_free(out);
}

static void test_text(void **state)
{
    (void)state;
    struct array out = array_of(1, 1 << 16);
    expect(&out, table_text(&table, 80, &out),
           "AP\n"
           "method  sd_1.4  a,\"b\"   mean\n"
           "lol       50.0   33.3   25.0\n"
           "caf\xC3\xA9      50.0      -  100.0\n");
    expect(&out, table_text(&table, 20, &out),
           "AP\n"
           "         lol   caf\xC3\xA9\n"
           "sd_1.4  50.0   50.0\n"
           "a,\"b\"   33.3      -\n"
           "mean    25.0  100.0\n");
    static const bool percent[] = {false, true, true};
    static const char *const odd[] = {"\x1B[2J", "\xFF\xC2\x9B"};
    struct table other = table;
    other.column_percent = percent;
    other.rows = odd;
    expect(&out, table_text(&other, 80, &out),
           "AP\n"
           "method        sd_1.4  a,\"b\"   mean\n"
           "\\x1B[2J       0.5000   33.3   25.0\n"
           "\\xFF\\xC2\\x9B  0.5000      -  100.0\n");
}

static void test_csv(void **state)
{
    (void)state;
    static const char *const names[] = {"figure"}, *const prefix[] = {"a\nb"};
    struct array out = array_of(1, 1 << 16);
    expect(&out, table_csv(&table, names, prefix, 1, true, &out),
           "figure,method,sd_1.4,\"a,\"\"b\"\"\",mean\n"
           "\"a\nb\",lol,0.5,0.3333333333333333,0.25\n"
           "\"a\nb\",caf\xC3\xA9,0.50001,,1\n");
    expect(&out, table_csv(&table, NULL, NULL, 0, false, &out),
           "lol,0.5,0.3333333333333333,0.25\n"
           "caf\xC3\xA9,0.50001,,1\n");
    struct array small = array_of(1, 20);
    assert_false(table_csv(&table, NULL, NULL, 0, false, &small));
    array_free(&small);
}

/* 50.0 and 50.0 (0.50001) look the same: both are bold. */
static void test_latex(void **state)
{
    (void)state;
    struct array out = array_of(1, 1 << 16);
    expect(&out, table_latex(&table, &out),
           "\\begin{table}\n\\centering\n\\caption{AP}\n\\begin{tabular}{lrr|r}\n\\toprule\n"
           "method & sd\\_1.4 & a,\\textquotedbl{}b\\textquotedbl{} & mean \\\\\n\\midrule\n"
           "lol & \\textbf{50.0} & \\textbf{33.3} & 25.0 \\\\\n"
           "caf\xC3\xA9 & \\textbf{50.0} & -- & \\textbf{100.0} \\\\\n"
           "\\bottomrule\n\\end{tabular}\n\\end{table}\n");
    struct table worst = table;
    worst.smaller_is_better = true;
    assert_true(table_latex(&worst, &out));
    assert_true(array_append(&out, "", 1));
    assert_non_null(strstr(out.data, "\\textbf{25.0} \\\\"));
    out.count = 0;
    worst.row_count = 1;
    assert_true(table_latex(&worst, &out));
    assert_true(array_append(&out, "", 1));
    assert_null(strstr(out.data, "textbf"));
    out.count = 0;
    expect(&out, table_latex_text("a\\{}$&#%_^~<\n\xFF", &out),
           "a\\textbackslash{}\\{\\}\\$\\&\\#\\%\\_\\textasciicircum{}\\textasciitilde{}\\textless{}??");
}

static void test_number(void **state)
{
    (void)state;
    char text[TABLE_NUMBER];
    static const double numbers[] = {0.1, 1.0 / 3, 1e-300, 5e-324, 123456.789, -0.25, 1e22, 0.1 + 0.2};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        assert_true(strtod(table_number(numbers[i], text), NULL) == numbers[i]);
    assert_string_equal(table_number(0.1, text), "0.1");
    assert_string_equal(table_number(NAN, text), "");
    assert_string_equal(table_number(-0.0, text), "-0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text), cmocka_unit_test(test_csv),
                                       cmocka_unit_test(test_latex), cmocka_unit_test(test_number)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
