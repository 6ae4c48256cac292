/* Each allocation of scoring and explaining pictures in turn fails: an error that says so, no crash, no leak. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "detector/activation.h"
#include "detector/residual.h"
#include "failing_malloc.h"

struct scene {
    struct residual_config config;
    struct image small, large;
};

static bool score(void *context)
{
    struct scene *s = context;
    struct assay_error error = {0};
    struct model model = {0}; /* made anew each time: it keeps packed copies of its weights */
    struct model_scorer *scorer = NULL;
    const struct image *pictures[] = {&s->small, &s->large};
    double logits[2];
    bool done = model_create(&detector_residual, &s->config, 7, &model, &error) == ASSAY_OK &&
                model_scorer_create(&model, false, &scorer, &error) == ASSAY_OK &&
                model_score(scorer, pictures, 2, logits, &error) == ASSAY_OK;
    if (!done)
        assert_true(error.message[0] != '\0');
    model_scorer_free(scorer);
    model_free(&model);
    return done;
}

static bool explain(void *context)
{
    struct scene *s = context;
    struct assay_error error = {0};
    struct model model = {0};
    struct model_scorer *scorer = NULL;
    struct activation activation = {0};
    bool done = model_create(&detector_residual, &s->config, 7, &model, &error) == ASSAY_OK &&
                model_scorer_create(&model, false, &scorer, &error) == ASSAY_OK &&
                model_activation(scorer, &s->small, NULL, &activation, &error) == ASSAY_OK;
    if (!done)
        assert_true(error.message[0] != '\0');
    activation_free(&activation);
    model_scorer_free(scorer);
    model_free(&model);
    return done;
}

static void check(failing_attempt *attempt)
{
    struct scene s = {0};
    struct assay_error error;
    size_t survived;
    option_defaults(detector_residual.fields, &s.config);
    s.config.crop = 32;
    s.config.crops = 1;
    s.config.width = 4;
    assert_int_equal(image_create(9, 40, &s.small, &error), ASSAY_OK);
    assert_int_equal(image_create(50, 40, &s.large, &error), ASSAY_OK);
    for (size_t i = 0; i < image_bytes(&s.small); i++)
        s.small.pixels[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < image_bytes(&s.large); i++)
        s.large.pixels[i] = (uint8_t)(i * 5);
    assert_true(failing_malloc_each(attempt, &s, &survived) > 15);
    assert_int_equal(survived, 0);
    image_free(&s.small);
    image_free(&s.large);
}

static void test_score(void **unused)
{
    (void)unused;
    check(score);
}

static void test_explain(void **unused)
{
    (void)unused;
    check(explain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_score),
        cmocka_unit_test(test_explain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
