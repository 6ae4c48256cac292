/* test_thresholds.c - thresholds with art apart, for sources that were not seen, and with a bound on "uncertain",
 * against tools/reference/verdict.py, which tries every candidate; and what becomes of pictures under them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "verdict/calibration.h"

enum { VALUES = 15 };

struct guarded_case {
    struct calibration_options options;
    double values[VALUES]; /* scale, shift, real_below, generated_above, shares of each group, uncertain, error */
};

#include "fixtures/guarded.h"

enum {
    SAMPLES = sizeof guarded_samples / sizeof *guarded_samples,
    CASES = sizeof guarded_cases / sizeof *guarded_cases
};

static void near(size_t k, const char *name, double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance * fmax(1, fabs(expected))))
        fail_msg("case %zu, %s: %.17g, not %.17g", k, name, value, expected);
}

static void copy(struct calibration_sample samples[SAMPLES])
{
    memcpy(samples, guarded_samples, sizeof guarded_samples);
    assert_int_equal(calibration_weights(samples, SAMPLES, NULL), ASSAY_OK);
}

static void test_reference(void **state)
{
    (void)state;
    static const char *const names[VALUES] = {"scale",
                                              "shift",
                                              "real_below",
                                              "generated_above",
                                              "real: real",
                                              "real: uncertain",
                                              "real: generated",
                                              "generated: real",
                                              "generated: uncertain",
                                              "generated: generated",
                                              "art: real",
                                              "art: uncertain",
                                              "art: generated",
                                              "uncertain",
                                              "calibration error"};
    struct calibration_sample samples[SAMPLES];
    copy(samples);
    for (size_t k = 0; k < CASES; k++) {
        const struct guarded_case *g = &guarded_cases[k];
        struct calibration c;
        struct calibration_outcome o;
        struct assay_error error = {0};
        assert_int_equal(calibration_fit(samples, SAMPLES, &g->options, &c, &error), ASSAY_OK);
        assert_int_equal(calibration_judge(&c, samples, SAMPLES, &o, &error), ASSAY_OK);
        const struct calibration_shares *r = &o.groups[CALIBRATION_REAL], *f = &o.groups[CALIBRATION_GENERATED],
                                        *a = &o.groups[CALIBRATION_ART];
        const double values[VALUES] = {c.scale,      c.shift,      c.real_below, c.generated_above, r->real,
                                       r->uncertain, r->generated, f->real,      f->uncertain,      f->generated,
                                       a->real,      a->uncertain, a->generated, o.uncertain,       o.error};
        for (int i = 0; i < VALUES; i++)
            near(k, names[i], values[i], g->values[i], 1e-7);
        assert_true(r->generated <= g->options.max_false_generated + 1e-9);
        assert_true(a->generated <= g->options.max_false_art + 1e-9);
        assert_int_equal(r->pictures, 115);
        assert_int_equal(r->sources, 4);
        assert_int_equal(a->pictures, 50);
        assert_int_equal(a->sources, 2);
        assert_int_equal(f->pictures, 85);
        assert_int_equal(f->sources, 3);
    }
}

/* The cases must tell the rules apart: each of these would be the same without it. */
static void test_cases_differ(void **state)
{
    (void)state;
    enum { BELOW = 2, GENERATED_ABOVE = 3, GENERATED_REAL = 7 };
    assert_true(guarded_cases[1].values[GENERATED_ABOVE] > guarded_cases[0].values[GENERATED_ABOVE]); /* guard */
    assert_true(guarded_cases[1].values[BELOW] < guarded_cases[0].values[BELOW]);
    assert_true(guarded_cases[1].values[GENERATED_ABOVE] > guarded_cases[2].values[GENERATED_ABOVE]); /* art decides */
    assert_true(guarded_cases[4].values[BELOW] > guarded_cases[1].values[BELOW]); /* uncertain is bounded */
    assert_true(guarded_cases[4].values[GENERATED_REAL] > 0.05);
    assert_true(guarded_cases[6].values[BELOW] > 0.4999999);
}

/* Art has no part in scale and shift, and where all real pictures are art they are the real ones. */
static void test_art(void **state)
{
    (void)state;
    struct calibration_sample samples[SAMPLES];
    struct calibration with, without;
    struct calibration_outcome outcome;
    copy(samples);
    assert_int_equal(calibration_fit(samples, SAMPLES, NULL, &with, NULL), ASSAY_OK);
    size_t kept = 0;
    for (size_t i = 0; i < SAMPLES; i++)
        if (!samples[i].art)
            samples[kept++] = samples[i];
    assert_int_equal(calibration_fit(samples, kept, NULL, &without, NULL), ASSAY_OK);
    assert_true(with.scale == without.scale && with.shift == without.shift);
    assert_true(with.generated_above > without.generated_above);

    for (size_t i = 0; i < kept; i++)
        samples[i].art = !samples[i].generated;
    struct calibration all;
    assert_int_equal(calibration_weights(samples, kept, NULL), ASSAY_OK);
    assert_int_equal(calibration_fit(samples, kept, NULL, &all, NULL), ASSAY_OK);
    assert_true(all.scale == without.scale && all.shift == without.shift);
    assert_true(all.generated_above == without.generated_above && all.real_below == without.real_below);
    assert_int_equal(calibration_judge(&all, samples, kept, &outcome, NULL), ASSAY_OK);
    assert_int_equal(outcome.groups[CALIBRATION_ART].pictures, 0);
    assert_int_equal(outcome.groups[CALIBRATION_REAL].pictures, 115);
}

/* Where a model knows nothing, a bound on "uncertain" makes no verdicts. */
static void test_nothing_known(void **state)
{
    (void)state;
    struct calibration_sample samples[] = {{3, false, 1, 0, false}, {3, true, 1, 0, false}, {3, true, 1, 0, false}};
    const struct calibration_options options = {0.05, 0.05, 0.1, 0.1, 1};
    struct calibration c;
    assert_int_equal(calibration_fit(samples, 3, &options, &c, NULL), ASSAY_OK);
    assert_int_equal(calibration_verdict(&c, calibration_probability(&c, 3)), ASSAY_UNCERTAIN);
}

static void test_one_class(void **state)
{
    (void)state;
    struct calibration_sample samples[] = {{-3, false, 1, 0, false}, {3, false, 1, 0, false}, {0, false, 1, 1, false}};
    const struct calibration c = {true, 1, 0, 0.1, 0.9};
    struct calibration_outcome o;
    assert_int_equal(calibration_judge(&c, samples, 3, &o, NULL), ASSAY_OK);
    assert_true(o.groups[CALIBRATION_REAL].generated == 0.25 && o.groups[CALIBRATION_REAL].real == 0.25);
    assert_true(o.uncertain == 0.5 && isnan(o.error));
    assert_int_equal(calibration_judge(&c, samples, 0, &o, NULL), ASSAY_OK);
    assert_true(o.uncertain == 0 && isnan(o.error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),     cmocka_unit_test(test_cases_differ), cmocka_unit_test(test_art),
        cmocka_unit_test(test_nothing_known), cmocka_unit_test(test_one_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
