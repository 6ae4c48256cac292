/* What every detector's table entry promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "detector/detector.h"
#include "train/settings.h"

static void test_entries(void **unused)
{
    (void)unused;
    struct assay_error error = {0};
    for (const struct detector *const *d = detector_all(); *d; d++) {
        _Alignas(16) char config[DETECTOR_MAX_CONFIG];
        struct preprocess p, back;
        assert_ptr_equal(detector_find((*d)->name), *d);
        assert_in_range((*d)->config_size, 1, DETECTOR_MAX_CONFIG);
        if (option_check((*d)->fields, (*d)->config_size, &error))
            fail_msg("%s: %s", (*d)->name, error.message);
        option_defaults((*d)->fields, config);
        (*d)->preprocess(config, &p);
        json_t *json = preprocess_to_json(&p);
        if (preprocess_from_json(json, (*d)->name, &back, &error))
            fail_msg("%s", error.message);
        assert_int_equal(back.crop, p.crop);
        assert_int_equal(back.train_crop, 0);
        json_decref(json);
    }
}

/* A flag means one thing. */
static void test_option_names(void **unused)
{
    (void)unused;
    const struct option *const tables[] = {train_option_table, train_conduct_table, augment_option_table,
                                           sampler_option_table, loader_option_table};
    for (const struct detector *const *d = detector_all(); *d; d++)
        for (const struct option *field = (*d)->fields; field->name; field++)
            for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
                if (option_find(tables[i], field->name))
                    fail_msg("%s: option %s is also one of the trainer's", (*d)->name, field->name);
}

static void test_training_defaults(void **unused)
{
    (void)unused;
    struct assay_error error = {0};
    struct train_options options, plain;
    struct augment augment, plain_augment;
    for (const struct detector *const *d = detector_all(); *d; d++) {
        memset(&options, 0xff, sizeof options);
        memset(&augment, 0xff, sizeof augment);
        if (settings_defaults(*d, &options, &augment, &error) || train_options_check(&options, &error) ||
            augment_check(&augment, &error))
            fail_msg("%s: %s", (*d)->name, error.message);
    }
    assert_int_equal(settings_defaults(detector_find("residual"), &plain, &plain_augment, &error), ASSAY_OK);
    assert_int_equal(settings_defaults(detector_find("lol"), &options, &augment, &error), ASSAY_OK);
    assert_int_equal(options.batch, 4);
    assert_int_equal(options.optimizer, OPTIMIZER_ADAM);
    assert_true(options.learning_rate == 5e-6 && options.weight_decay == 0 && augment.turn == 0.33);
    assert_true(plain.learning_rate == 1e-3 && plain_augment.turn == 0 && plain.batch == 32);
    assert_true(options.beta2 == plain.beta2);
    assert_null(plain.group_rates);
    assert_int_equal(settings_defaults(detector_find("sdid"), &options, &augment, &error), ASSAY_OK);
    assert_string_equal(options.group_rates, "partner.=2");

    static const struct detector_default unknown[] = {{"learning-rat", "1"}, {0}};
    struct detector wrong = *detector_find("lol");
    wrong.training = unknown;
    assert_int_equal(settings_defaults(&wrong, &options, &augment, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "learning-rat"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_option_names),
        cmocka_unit_test(test_training_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
