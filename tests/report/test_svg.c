/* Ticks are round and within the axis; a chart of everything is well-formed, whatever it is given. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "eval/report/svg.h"
#include "wellformed.h"

static void expect_ticks(struct svg_axis axis, int most, const double *expected, int count, int decimals)
{
    double ticks[SVG_MAX_TICKS];
    int places = -1, got = svg_ticks(&axis, most, ticks, &places);
    assert_int_equal(got, count);
    for (int i = 0; i < count; i++)
        if (!(fabs(ticks[i] - expected[i]) <= 1e-9 * (1 + fabs(expected[i]))))
            fail_msg("tick %d is %g, not %g", i, ticks[i], expected[i]);
    assert_int_equal(places, decimals);
}

static void test_ticks(void **state)
{
    (void)state;
    expect_ticks((struct svg_axis){.low = 0, .high = 1}, 6, (double[]){0, 0.2, 0.4, 0.6, 0.8, 1}, 6, 1);
    expect_ticks((struct svg_axis){.low = 0, .high = 1}, 5, (double[]){0, 0.5, 1}, 3, 1);
    expect_ticks((struct svg_axis){.low = 0, .high = 1, .percent = true}, 6, (double[]){0, 0.2, 0.4, 0.6, 0.8, 1}, 6,
                 0);
    expect_ticks((struct svg_axis){.low = -0.31, .high = 0.3}, 7, (double[]){-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3}, 7, 1);
    expect_ticks((struct svg_axis){.low = 30, .high = 100}, 5, (double[]){40, 60, 80, 100}, 4, 0);
    expect_ticks((struct svg_axis){.low = 3, .high = 3}, 4, (double[]){2, 3, 4}, 3, 0);
    expect_ticks((struct svg_axis){.low = 0.0012, .high = 0.0019}, 4, (double[]){0.0012, 0.0014, 0.0016, 0.0018}, 4, 4);
    expect_ticks((struct svg_axis){.low = NAN, .high = 5}, 3, (double[]){0, 0.5, 1}, 3, 1);
    expect_ticks((struct svg_axis){.low = 0.1, .high = 10, .logarithmic = true}, 8,
                 (double[]){0.1, 0.2, 0.5, 1, 2, 5, 10}, 7, 9);
    expect_ticks((struct svg_axis){.low = 1, .high = 1e6, .logarithmic = true}, 4, (double[]){1, 100, 1e4, 1e6}, 4, 9);
    /* ends that cannot be drawn are mended: reversed, or not above 0 on a logarithmic axis */
    expect_ticks((struct svg_axis){.low = 1, .high = 0}, 5, (double[]){0, 0.5, 1}, 3, 1);
    expect_ticks((struct svg_axis){.low = 0, .high = 1000, .logarithmic = true}, 4, (double[]){1, 10, 100, 1000}, 4, 9);
    expect_ticks((struct svg_axis){.low = -3, .high = -2, .logarithmic = true}, 4, (double[]){0.001, 0.01, 0.1, 1}, 4,
                 9);
    expect_ticks((struct svg_axis){.low = 0, .high = 0}, 3, (double[]){-0.5, 0, 0.5}, 3, 1);
    for (double high = 1e-7; high < 1e12; high *= 1.37) { /* always some, never too many, never outside */
        double ticks[SVG_MAX_TICKS];
        int places, count = svg_ticks(&(struct svg_axis){.low = high / 3, .high = high}, 7, ticks, &places);
        assert_in_range(count, 2, 7);
        assert_true(ticks[0] >= high / 3 * (1 - 1e-6) && ticks[count - 1] <= high * (1 + 1e-6));
    }
}

static const char hostile[] = "</title><script>alert(1)</script>\xff\"'&";

static void draw(struct markup *m, bool standalone)
{
    static const double x[] = {0, 0.1, 0.2, NAN, 0.8, 1, 7}, y[] = {0, 0.5, INFINITY, 0.6, 0.9, 1, -3};
    static const double low[] = {0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1};
    const struct svg_entry legend[] = {{hostile, "AUROC 0.9", 0, SVG_SIGN_BOTH},
                                       {"a name that is far too long for a legend as narrow as this one", "n 12", 9,
                                        SVG_SIGN_LINE},
                                       {"filled", NULL, 2, SVG_SIGN_FILL},
                                       {"chance", NULL, 0, SVG_SIGN_GUIDE}};
    const char *names[] = {hostile, "b"};
    struct svg_chart chart = {.out = m,
                              .title = hostile,
                              .description = hostile,
                              .width = 240,
                              .height = 200,
                              .x = {.label = hostile, .low = 0, .high = 1},
                              .y = {.names = names, .name_count = 2},
                              .legend = legend,
                              .legend_count = 4,
                              .standalone = standalone};
    svg_open(&chart);
    svg_guide(&chart, 0, 0, 1, 1);
    svg_line(&chart, x, y, 7, 0);
    svg_band(&chart, x, low, y, 7, 1);
    for (int series = 0; series < 20; series++)
        svg_marks(&chart, x, y, 7, series);
    svg_rings(&chart, x, y, 7);
    svg_bar(&chart, 0.1, 0.2, 0, 0.5, 2);
    svg_whisker(&chart, 0.5, 0.2, 0.7, 3);
    svg_mark(&chart, 0.5, 0.5, 4, hostile);
    svg_words(&chart, 0.5, 0.5, 4, 4, "start", hostile);
    svg_close(&chart);
}

static void test_chart(void **state)
{
    (void)state;
    for (int standalone = 0; standalone < 2; standalone++) {
        struct markup a = markup_new(), b = markup_new();
        draw(&a, standalone);
        draw(&b, standalone);
        assert_false(a.failed);
        assert_int_equal(a.bytes.count, b.bytes.count);
        assert_memory_equal(a.bytes.data, b.bytes.data, a.bytes.count);
        markup_printf(&a, "%c", 0);
        const char *text = a.bytes.data;
        assert_wellformed(text, a.bytes.count - 1);
        assert_null(strstr(text, "nan"));
        assert_null(strstr(text, "inf"));
        assert_int_equal(occurrences(text, "xmlns="), standalone);
        markup_free(&a);
        markup_free(&b);
    }
}

/* A line of very many points takes no more bytes than a screen can show. */
static void test_line_is_thinned(void **state)
{
    (void)state;
    enum { MANY = 100000 };
    static double x[MANY], y[MANY];
    for (int i = 0; i < MANY; i++) {
        x[i] = (double)i / MANY;
        y[i] = sqrt(x[i]);
    }
    struct markup m = markup_new();
    struct svg_chart chart = {.out = &m,
                              .title = "t",
                              .description = "d",
                              .width = 300,
                              .height = 300,
                              .x = {.low = 0, .high = 1},
                              .y = {.low = 0, .high = 1}};
    svg_open(&chart);
    size_t before = m.bytes.count;
    svg_line(&chart, x, y, MANY, 0);
    assert_in_range(m.bytes.count - before, 1000, 40000);
    svg_close(&chart);
    markup_printf(&m, "%c", 0);
    /* ends where the data end */
    assert_non_null(strstr(m.bytes.data, "L354 8\"/>"));
    markup_free(&m);
}

/* Values outside the axes stay inside the box. */
static void test_clamped(void **state)
{
    (void)state;
    struct markup m = markup_new();
    struct svg_chart chart = {.out = &m,
                              .title = "t",
                              .description = "d",
                              .width = 100,
                              .height = 100,
                              .x = {.low = 0, .high = 1, .bare = true},
                              .y = {.low = 0, .high = 1, .bare = true}};
    svg_open(&chart);
    svg_line(&chart, (double[]){-5, 5}, (double[]){-5, 5}, 2, 0);
    svg_close(&chart);
    markup_printf(&m, "%c", 0);
    assert_non_null(strstr(m.bytes.data, "d=\"M10 108L110 8\""));
    markup_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ticks), cmocka_unit_test(test_chart),
                                       cmocka_unit_test(test_line_is_thinned), cmocka_unit_test(test_clamped)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
