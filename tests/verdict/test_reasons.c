/* test_reasons.c - what a verdict stands on, in words; limits of a model, and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "verdict/reasons.h"

static void told(struct verdict_reasons reasons, const char *expected)
{
    char text[VERDICT_REASONS_TEXT];
    assert_string_equal(verdict_reasons_text(&reasons, text), expected);
}

static void test_text(void **state)
{
    (void)state;
    const struct crop_agreement most = {15, 11, 0.31, 0.88, 0.6, 0.2}, one = {1, 0, 0.25, 0.25, 0.25, 0};
    const struct crop_agreement all = {4, 4, 0.5, 1, 0.7, 0.2}, none = {4, 0, 0.1, 0.2, 0.15, 0.1};
    told((struct verdict_reasons){most, 600, 400, "JPEG", 92, true, VERDICT_UNLIMITED, 0},
         "11 of 15 crops lean to ai-generated, 4 to real (0.31 to 0.88); 600 x 400 pixels, JPEG quality 92");
    told((struct verdict_reasons){all, 600, 400, "JPEG", 92, false, VERDICT_UNLIMITED, 0},
         "all 4 crops lean to ai-generated (0.50 to 1.00); 600 x 400 pixels, JPEG quality about 92");
    told((struct verdict_reasons){none, 60, 40, "PNG", 0, false, VERDICT_UNLIMITED, 0},
         "all 4 crops lean to real (0.10 to 0.20); 60 x 40 pixels, PNG");
    told((struct verdict_reasons){one, 60, 40, NULL, 0, false, VERDICT_TOO_SMALL, 96},
         "too small to tell: below 96 pixels this model was not found better than chance; the only crop leans to real "
         "(0.25); 60 x 40 pixels");
    told((struct verdict_reasons){one, 60, 40, "JPEG", 12, true, VERDICT_TOO_COMPRESSED, 30},
         "too compressed to tell: below JPEG quality 30 this model was not found better than chance; the only crop "
         "leans to real (0.25); 60 x 40 pixels, JPEG quality 12");
    told((struct verdict_reasons){one, 60, 40, NULL, 0, false, VERDICT_TOO_SMALL, 0},
         "too small to tell; the only crop leans to real (0.25); 60 x 40 pixels");

    /* the longest fits */
    const struct crop_agreement huge = {INT_MAX, INT_MAX / 2, 0, 1, 0.5, 0.5};
    char text[VERDICT_REASONS_TEXT];
    const struct verdict_reasons longest = {huge,   INT_MAX, INT_MAX, "JPEG", 100, false, VERDICT_TOO_COMPRESSED,
                                            INT_MAX};
    assert_non_null(strstr(verdict_reasons_text(&longest, text), "JPEG quality about 100"));
}

static void test_limits(void **state)
{
    (void)state;
    const struct verdict_limits limits = {96, 30}, none = {0, 0};
    int value;
    assert_int_equal(verdict_limit_of(&limits, 96, 200, 30, &value), VERDICT_UNLIMITED);
    assert_int_equal(value, 0);
    assert_int_equal(verdict_limit_of(&limits, 200, 95, 30, &value), VERDICT_TOO_SMALL);
    assert_int_equal(value, 96);
    assert_int_equal(verdict_limit_of(&limits, 95, 200, 29, &value), VERDICT_TOO_SMALL);
    assert_int_equal(verdict_limit_of(&limits, 96, 96, 29, &value), VERDICT_TOO_COMPRESSED);
    assert_int_equal(value, 30);
    assert_int_equal(verdict_limit_of(&limits, 96, 96, 0, &value), VERDICT_UNLIMITED); /* no JPEG */
    assert_int_equal(verdict_limit_of(&none, 1, 1, 1, &value), VERDICT_UNLIMITED);

    const struct calibration c = {true, 1, 0, 0.2, 0.8}, never = {0};
    assert_int_equal(verdict_within(&c, VERDICT_UNLIMITED, 0.9), ASSAY_GENERATED);
    assert_int_equal(verdict_within(&c, VERDICT_TOO_SMALL, 0.9), ASSAY_UNCERTAIN);
    assert_int_equal(verdict_within(&c, VERDICT_TOO_COMPRESSED, 0.1), ASSAY_UNCERTAIN);
    assert_int_equal(verdict_within(&never, VERDICT_TOO_SMALL, 0.9), ASSAY_UNCALIBRATED);
}

static void test_json(void **state)
{
    (void)state;
    static const char *const refused[][2] = {
        {"[]", "f: limits: must be an object"},
        {"{\"smallest_side\":-1}", "f: limits: smallest_side must be a whole number from 0 to 65535"},
        {"{\"smallest_side\":1.5}", "f: limits: smallest_side must be a whole number from 0 to 65535"},
        {"{\"lowest_jpeg_quality\":101}", "f: limits: lowest_jpeg_quality must be a whole number from 0 to 100"},
        {"{\"biggest\":1}", "f: limits: unknown field \"biggest\""},
    };
    struct assay_error error = {0};
    const struct verdict_limits limits = {96, 30};
    struct verdict_limits back;
    json_t *object = verdict_limits_to_json(&limits);
    assert_int_equal(verdict_limits_from_json(object, "f", &back, &error), ASSAY_OK);
    assert_true(back.smallest_side == 96 && back.lowest_quality == 30);
    json_decref(object);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        object = json_loads(refused[i][0], 0, NULL);
        assert_int_equal(verdict_limits_from_json(object, "f", &back, &error), ASSAY_ERROR_MODEL);
        assert_string_equal(error.message, refused[i][1]);
        assert_true(back.smallest_side == 0 && back.lowest_quality == 0);
        json_decref(object);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text), cmocka_unit_test(test_limits),
                                       cmocka_unit_test(test_json)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
