/* test_calibration.c - fits against SciPy's (tools/reference/verdict.py), thresholds, words, JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>

#include <cmocka.h>

#include "verdict/calibration.h"

struct sample {
    double logit;
    int generated, source;
    double weight;
};

struct fitted {
    const char *name;
    const struct sample *samples;
    size_t count;
    double most, scale, shift, real_below, generated_above;
};

#include "fixtures/calibration.h"

enum { MOST = 100 };

/* Thresholds by the pictures alone: no art, no bound on what is uncertain, nothing for sources that were not seen. */
#define PLAIN(generated, real)                                                                                         \
    (struct calibration_options)                                                                                       \
    {                                                                                                                  \
        generated, real, 0, 1, 0                                                                                       \
    }

static void near(const char *name, double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance * fmax(1, fabs(expected))))
        fail_msg("%s: %.17g, not %.17g", name, value, expected);
}

/* Weighted share of a class at or beyond a threshold. */
static double share(const struct calibration *c, const struct calibration_sample *samples, size_t count, bool generated,
                    assay_verdict verdict)
{
    double all = 0, hit = 0;
    for (size_t i = 0; i < count; i++)
        if (samples[i].generated == generated) {
            all += samples[i].weight;
            if (calibration_verdict(c, calibration_probability(c, samples[i].logit)) == verdict)
                hit += samples[i].weight;
        }
    return hit / all;
}

static void test_reference(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const struct fitted *f = &cases[k];
        struct calibration_sample samples[MOST];
        struct assay_error error = {0};
        struct calibration c;
        assert_true(f->count <= MOST);
        for (size_t i = 0; i < f->count; i++) {
            samples[i] = (struct calibration_sample){f->samples[i].logit, f->samples[i].generated, 0,
                                                     f->samples[i].source, false};
        }
        assert_int_equal(calibration_weights(samples, f->count, &error), ASSAY_OK);
        for (size_t i = 0; i < f->count; i++)
            near(f->name, samples[i].weight, f->samples[i].weight, 1e-15);
        struct calibration_options options = PLAIN(f->most, f->most);
        assert_int_equal(calibration_fit(samples, f->count, &options, &c, &error), ASSAY_OK);
        assert_true(c.present);
        near(f->name, c.scale, f->scale, 1e-7);
        near(f->name, c.shift, f->shift, 1e-7);
        near(f->name, c.real_below, f->real_below, 1e-7);
        near(f->name, c.generated_above, f->generated_above, 1e-7);
        assert_true(c.real_below <= 0.5 && c.generated_above >= 0.5 && c.real_below < c.generated_above);
        assert_true(share(&c, samples, f->count, false, ASSAY_GENERATED) <= f->most + 1e-12);
        assert_true(share(&c, samples, f->count, true, ASSAY_REAL) <= f->most + 1e-12);

        /* the scale of weights does not matter, not even of one class alone: the prior is one half */
        struct calibration same;
        for (size_t i = 0; i < f->count; i++)
            samples[i].weight *= samples[i].generated ? 640 : 16;
        assert_int_equal(calibration_fit(samples, f->count, &options, &same, &error), ASSAY_OK);
        near(f->name, same.scale, c.scale, 1e-9);
        near(f->name, same.shift, c.shift, 1e-9);
    }
}

/* An affine change of the logits changes scale and shift, but no probability. */
static void test_affine(void **state)
{
    (void)state;
    static const double scales[] = {1e-9, 1e-3, 1, 1e6, 1e60};
    const struct fitted *f = &cases[0];
    struct calibration plain;
    for (size_t k = 0; k < sizeof scales / sizeof *scales; k++) {
        struct calibration_sample samples[MOST];
        struct calibration c;
        for (size_t i = 0; i < f->count; i++)
            samples[i] = (struct calibration_sample){(f->samples[i].logit - 100) * scales[k], f->samples[i].generated,
                                                     f->samples[i].weight, 0, false};
        assert_int_equal(calibration_fit(samples, f->count, NULL, &c, NULL), ASSAY_OK);
        if (k == 0)
            plain = c;
        near("scale", c.scale * scales[k], plain.scale * scales[0], 1e-6);
        near("shift", c.shift, plain.shift, 1e-6);
        near("generated_above", c.generated_above, plain.generated_above, 1e-9);
    }
}

/* Counted by hand: which picture the threshold must fall on. */
static void test_thresholds(void **state)
{
    (void)state;
    struct calibration_sample samples[40];
    struct calibration c;
    /* reals at 0 .. 19, generated at 0.5 .. 19.5 with one half the weight on the upper ones: p rises with the logit */
    for (int i = 0; i < 20; i++) {
        samples[i] = (struct calibration_sample){i, false, 1, 0, false};
        samples[20 + i] = (struct calibration_sample){i + 10.5, true, 1, 0, false};
    }
    /* one in twenty: the real one at 19, the generated one at 10.5 */
    struct calibration_options options = PLAIN(0.05, 0.05);
    assert_int_equal(calibration_fit(samples, 40, &options, &c, NULL), ASSAY_OK);
    assert_true(c.generated_above == nextafter(calibration_probability(&c, 18), 2));
    assert_true(c.real_below == nextafter(calibration_probability(&c, 11.5), -1));
    options = PLAIN(0.049, 0.149);
    assert_int_equal(calibration_fit(samples, 40, &options, &c, NULL), ASSAY_OK);
    assert_true(c.generated_above == nextafter(calibration_probability(&c, 19), 2));
    assert_true(c.real_below == nextafter(calibration_probability(&c, 12.5), -1));
    options = PLAIN(0, 0);
    assert_int_equal(calibration_fit(samples, 40, &options, &c, NULL), ASSAY_OK);
    assert_true(share(&c, samples, 40, false, ASSAY_GENERATED) == 0 && share(&c, samples, 40, true, ASSAY_REAL) == 0);
    options = PLAIN(0.9, 0.9); /* more than needed: the thresholds meet at one half */
    assert_int_equal(calibration_fit(samples, 40, &options, &c, NULL), ASSAY_OK);
    assert_true(c.generated_above == 0.5 && c.real_below < 0.5 && c.real_below > 0.4999);
    samples[19].logit = 10.5; /* equal logits fall together: two of twenty is too many */
    samples[18].logit = samples[17].logit = 25;
    options = PLAIN(0.05, 0.05);
    assert_int_equal(calibration_fit(samples, 40, &options, &c, NULL), ASSAY_OK);
    assert_true(c.generated_above == nextafter(calibration_probability(&c, 25), 2));
}

static void test_separable(void **state)
{
    (void)state;
    struct calibration_sample samples[20];
    struct calibration c;
    for (int i = 0; i < 20; i++)
        samples[i] = (struct calibration_sample){i < 10 ? -100 : 100, i >= 10, 1, 0, false};
    assert_int_equal(calibration_fit(samples, 20, NULL, &c, NULL), ASSAY_OK);
    /* the targets are reached: 11/12 of ten */
    near("generated", calibration_probability(&c, 100), 11.0 / 12, 1e-9);
    near("real", calibration_probability(&c, -100), 1.0 / 12, 1e-9);
    assert_true(c.generated_above == 0.5);
    assert_int_equal(calibration_verdict(&c, calibration_probability(&c, 90)), ASSAY_GENERATED);
    assert_int_equal(calibration_verdict(&c, calibration_probability(&c, -90)), ASSAY_REAL);
    struct calibration_sample two[] = {{-1, false, 1, 0, false}, {1, true, 1, 0, false}}; /* one each */
    assert_int_equal(calibration_fit(two, 2, NULL, &c, NULL), ASSAY_OK);
    near("generated", calibration_probability(&c, 1), 2.0 / 3, 1e-9);
}

static void test_constant(void **state)
{
    (void)state;
    struct calibration_sample samples[] = {{3, false, 1, 0, false}, {3, true, 1, 0, false}, {3, true, 1, 0, false}};
    struct calibration c;
    assert_int_equal(calibration_fit(samples, 3, NULL, &c, NULL), ASSAY_OK);
    assert_true(c.scale == 0 && calibration_probability(&c, 3) == 0.5);
    assert_int_equal(calibration_verdict(&c, 0.5), ASSAY_UNCERTAIN);
}

/* A far outlier saturates; its threshold is out of reach, not wrong. */
static void test_outlier(void **state)
{
    (void)state;
    struct calibration_sample samples[42];
    struct calibration c;
    for (int i = 0; i < 40; i++)
        samples[i] = (struct calibration_sample){i % 2 ? 1 : -1, i % 2, 1, 0, false};
    samples[40] = (struct calibration_sample){1e9, false, 1, 0, false};
    samples[41] = (struct calibration_sample){1e9, true, 1, 0, false};
    struct calibration_options strict = PLAIN(0, 0);
    assert_int_equal(calibration_fit(samples, 42, &strict, &c, NULL), ASSAY_OK);
    assert_true(isfinite(c.scale) && isfinite(c.shift));
    assert_true(share(&c, samples, 42, false, ASSAY_GENERATED) == 0 && share(&c, samples, 42, true, ASSAY_REAL) == 0);
}

static void test_refused(void **state)
{
    (void)state;
    struct calibration_sample samples[] = {{1, true, 1, 0, false}, {2, true, 1, 0, false}};
    struct assay_error error = {0};
    struct calibration c;
    assert_int_equal(calibration_fit(samples, 2, NULL, &c, &error), ASSAY_ERROR_ARGUMENT);
    assert_string_equal(error.message, "calibration needs pictures of both classes: there are no real ones");
    assert_int_equal(calibration_weights(samples, 2, &error), ASSAY_ERROR_ARGUMENT);
    assert_string_equal(error.message, "calibration needs pictures of both classes: there are no real ones");
    samples[0].generated = samples[1].generated = false;
    assert_int_equal(calibration_fit(samples, 2, NULL, &c, &error), ASSAY_ERROR_ARGUMENT);
    assert_string_equal(error.message, "calibration needs pictures of both classes: there are no generated ones");
    assert_int_equal(calibration_fit(samples, 0, NULL, &c, &error), ASSAY_ERROR_ARGUMENT);
    samples[1].generated = true;
    samples[1].logit = NAN;
    assert_int_equal(calibration_fit(samples, 2, NULL, &c, &error), ASSAY_ERROR_ARGUMENT);
    assert_string_equal(error.message, "calibration: the logit of sample 1 is not finite");
    samples[1].logit = INFINITY;
    assert_int_equal(calibration_fit(samples, 2, NULL, &c, &error), ASSAY_ERROR_ARGUMENT);
    samples[1].logit = 1;
    samples[0].weight = 0;
    assert_int_equal(calibration_fit(samples, 2, NULL, &c, &error), ASSAY_ERROR_ARGUMENT);
    assert_string_equal(error.message, "calibration: the weight of sample 0 is not above 0");
    samples[0].weight = 1;
    struct calibration_options options = PLAIN(1, 0.05);
    assert_int_equal(calibration_fit(samples, 2, &options, &c, &error), ASSAY_ERROR_ARGUMENT);
    options = (struct calibration_options){0.05, 0.05, -0.1, 1, 1};
    assert_int_equal(calibration_fit(samples, 2, &options, &c, &error), ASSAY_ERROR_ARGUMENT);
    assert_string_equal(error.message, "calibration: shares of wrong verdicts must be from 0 to below 1");
    options = (struct calibration_options){0.05, 0.05, 0.1, NAN, 1};
    assert_int_equal(calibration_fit(samples, 2, &options, &c, &error), ASSAY_ERROR_ARGUMENT);
    assert_string_equal(error.message, "calibration: the share of uncertain verdicts must be from 0 to 1");
    options = (struct calibration_options){0.05, 0.05, 0.1, 1, -1};
    assert_int_equal(calibration_fit(samples, 2, &options, &c, &error), ASSAY_ERROR_ARGUMENT);
    assert_string_equal(error.message, "calibration: the guard must be 0 to 100 standard errors");
    assert_false(c.present);
}

static void test_verdict(void **state)
{
    (void)state;
    struct calibration c = {true, 2, -1, 0.25, 0.75};
    near("probability", calibration_probability(&c, 0.5), 0.5, 0);
    near("probability", calibration_probability(&c, 1), 0.7310585786300049, 1e-15);
    assert_true(calibration_probability(&c, 1e6) == 1 && calibration_probability(&c, -1e6) == 0);
    assert_int_equal(calibration_verdict(&c, 0.25), ASSAY_REAL);
    assert_int_equal(calibration_verdict(&c, 0.26), ASSAY_UNCERTAIN);
    assert_int_equal(calibration_verdict(&c, 0.74), ASSAY_UNCERTAIN);
    assert_int_equal(calibration_verdict(&c, 0.75), ASSAY_GENERATED);
    assert_int_equal(calibration_verdict(&c, NAN), ASSAY_UNCERTAIN);
    c.present = false;
    assert_int_equal(calibration_verdict(&c, 1), ASSAY_UNCALIBRATED);
    near("probability", calibration_probability(&c, 1), 0.7310585786300049, 1e-15); /* the plain sigmoid */
    assert_string_equal(assay_verdict_text(ASSAY_REAL), "real");
    assert_string_equal(assay_verdict_text(ASSAY_GENERATED), "ai-generated");
    assert_string_equal(assay_verdict_text(ASSAY_UNCERTAIN), "uncertain");
    assert_string_equal(assay_verdict_text(ASSAY_UNCALIBRATED), "uncalibrated");
    assert_string_equal(assay_verdict_text((assay_verdict)99), "unknown");
}

static void test_json(void **state)
{
    (void)state;
    struct calibration c = {true, 1.0 / 3, -1e-7, 0.1, CALIBRATION_NEVER_GENERATED}, back;
    struct assay_error error = {0};
    json_t *object = calibration_to_json(&c);
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    object = json_loads(text, 0, NULL);
    free(text);
    assert_int_equal(calibration_from_json(object, "f", &back, &error), ASSAY_OK);
    assert_true(back.present && back.scale == c.scale && back.shift == c.shift && back.real_below == c.real_below &&
                back.generated_above == c.generated_above);
    json_decref(object);
    c.present = false;
    object = calibration_to_json(&c);
    assert_int_equal(calibration_from_json(object, "f", &back, &error), ASSAY_OK);
    assert_false(back.present);
    json_decref(object);
}

static void test_json_refused(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"[]", "f: calibration: must be an object that says whether it is present"},
        {"{}", "f: calibration: must be an object that says whether it is present"},
        {"{\"present\":true}", "f: calibration: scale is not a number"},
        {"{\"present\":true,\"scale\":1,\"shift\":0,\"real_below\":\"0.4\",\"generated_above\":0.6}",
         "f: calibration: real_below is not a number"},
        {"{\"present\":true,\"scale\":1,\"shift\":0,\"real_below\":0.6,\"generated_above\":0.7}",
         "f: calibration: the thresholds 0.6 and 0.7 do not lie around one half"},
        {"{\"present\":true,\"scale\":1,\"shift\":0,\"real_below\":0.5,\"generated_above\":0.5}",
         "f: calibration: the thresholds 0.5 and 0.5 do not lie around one half"},
        {"{\"present\":true,\"scale\":1,\"shift\":0,\"real_below\":0.4,\"generated_above\":3}",
         "f: calibration: the thresholds 0.4 and 3 do not lie around one half"},
        {"{\"present\":true,\"scale\":1,\"shift\":0,\"real_below\":0.4,\"generated_above\":0.6,\"extra\":true}",
         "f: calibration: unknown field \"extra\""},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct calibration c;
        struct assay_error error = {0};
        json_t *object = json_loads(texts[i][0], 0, NULL);
        assert_non_null(object);
        assert_int_equal(calibration_from_json(object, "f", &c, &error), ASSAY_ERROR_MODEL);
        assert_string_equal(error.message, texts[i][1]);
        assert_false(c.present);
        json_decref(object);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),    cmocka_unit_test(test_affine),   cmocka_unit_test(test_thresholds),
        cmocka_unit_test(test_separable),    cmocka_unit_test(test_constant), cmocka_unit_test(test_outlier),
        cmocka_unit_test(test_refused),      cmocka_unit_test(test_verdict),  cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
