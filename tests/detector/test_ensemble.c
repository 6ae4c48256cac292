/* test_ensemble.c - the detector `ensemble` is the mean of its members, however it came to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "detector/activation.h"
#include "detector/ensemble.h"
#include "detector/model_join.h"
#include "detector/residual.h"
#include "detector/sdid.h"

/* A picture that repeats nowhere. */
static void draw(struct image *picture)
{
    struct assay_error error = {0};
    if (image_create(80, 56, picture, &error))
        fail_msg("%s", error.message);
    uint32_t state = 1;
    for (size_t i = 0; i < (size_t)80 * 56 * 3; i++) {
        state = state * 1664525u + 1013904223u;
        picture->pixels[i] = (uint8_t)(state >> 24);
    }
}

static void make_residual(struct model *model, int width, int64_t crop, uint64_t seed)
{
    struct residual_config config;
    struct assay_error error = {0};
    option_defaults(detector_residual.fields, &config);
    config.crop = crop;
    config.width = width;
    config.crops = 3;
    if (model_create(&detector_residual, &config, seed, model, &error))
        fail_msg("%s", error.message);
}

static void make_sdid(struct model *model)
{
    struct sdid_mini_config config;
    struct assay_error error = {0};
    option_defaults(detector_sdid_mini.fields, &config);
    config.crop = 32;
    config.width = 4;
    if (model_create(&detector_sdid_mini, &config, 5, model, &error))
        fail_msg("%s", error.message);
}

static double score(struct model *model, const struct image *picture)
{
    struct assay_error error = {0};
    struct model_scorer *scorer;
    double logit;
    if (model_scorer_create(model, false, &scorer, &error) || model_score(scorer, &picture, 1, &logit, &error))
        fail_msg("%s", error.message);
    model_scorer_free(scorer);
    return logit;
}

/* Joined, saved, loaded: the mean of the calibrated logits over the same crops; members of different kinds. */
static void test_mean(void **unused)
{
    (void)unused;
    struct assay_error error = {0};
    struct model a, b, c, joined, back;
    struct image picture = {0};
    char path[] = "/tmp/assay-ensemble-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    draw(&picture);
    make_residual(&a, 4, 32, 1);
    make_residual(&b, 6, 32, 2);
    make_sdid(&c);
    c.preprocess.max_crops = 3; /* so that it sees the others' crops when it is asked alone */
    a.calibration = (struct calibration){true, 2.5, -0.25, 0.3, 0.7};
    c.calibration = (struct calibration){true, 0.5, 1.125, 0.3, 0.7};
    a.training = json_pack("{s:i}", "seed", 1);
    const struct model *members[] = {&a, &b, &c};
    if (model_join(members, 3, &joined, &error) || model_save(&joined, path, &error) || model_load(path, &back, &error))
        fail_msg("%s", error.message);
    double expected = (2.5 * score(&a, &picture) - 0.25 + score(&b, &picture) + 0.5 * score(&c, &picture) + 1.125) / 3;
    assert_true(expected > -20 && expected < 20 && expected != 0);
    assert_float_equal(score(&joined, &picture), expected, 1e-5);
    assert_true(score(&back, &picture) == score(&joined, &picture));
    assert_ptr_equal(back.detector, &detector_ensemble);
    assert_false(back.calibration.present);
    assert_int_equal(back.preprocess.max_crops, 3);
    assert_int_equal(json_array_size(json_object_get(back.training, "joined")), 3);
    struct model *all[] = {&a, &b, &c, &joined, &back};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        model_free(all[i]);
    image_free(&picture);
    unlink(path);
}

/* Maps of evidence and embeddings pass through. */
static void test_explained(void **unused)
{
    (void)unused;
    struct assay_error error = {0};
    struct model a, b, joined;
    struct image picture = {0};
    struct activation both = {0};
    draw(&picture);
    make_residual(&a, 4, 32, 1);
    make_residual(&b, 6, 32, 2);
    struct model_scorer *scorer, *first;
    const struct model *members[] = {&a, &b};
    if (model_join(members, 2, &joined, &error) || model_scorer_create(&joined, false, &scorer, &error) ||
        model_scorer_create(&a, false, &first, &error) || model_activation(scorer, &picture, NULL, &both, &error))
        fail_msg("%s", error.message);
    assert_int_equal(both.method, ACTIVATION_CAM);
    assert_float_equal(both.logit, score(&joined, &picture), 1e-5);
    assert_true(model_embedding_width(scorer) > model_embedding_width(first));
    activation_free(&both);
    model_scorer_free(scorer);
    model_scorer_free(first);
    model_free(&a);
    model_free(&b);
    model_free(&joined);
    image_free(&picture);
}

static void test_refused(void **unused)
{
    (void)unused;
    struct assay_error error = {0};
    struct model a, wide, joined;
    make_residual(&a, 4, 32, 1);
    make_residual(&wide, 4, 64, 1);
    const struct model *unlike[] = {&a, &wide};
    assert_int_equal(model_join(unlike, 2, &joined, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "members[1]: detector residual wants its pictures prepared otherwise"));
    assert_int_equal(model_join(unlike, 0, &joined, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "a list of 1 to 16"));
    const struct model *many[ENSEMBLE_MAX_MEMBERS + 1];
    for (int i = 0; i <= ENSEMBLE_MAX_MEMBERS; i++)
        many[i] = &a;
    assert_int_equal(model_join(many, ENSEMBLE_MAX_MEMBERS + 1, &joined, &error), ASSAY_ERROR_ARGUMENT);
    if (model_join(many, 2, &joined, &error))
        fail_msg("%s", error.message);
    const struct model *nested[] = {&a, &joined};
    struct model never;
    assert_int_equal(model_join(nested, 2, &never, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "members[1]: an ensemble has no ensembles"));
    model_free(&joined);
    model_free(&a);
    model_free(&wide);
}

/* What a person or a damaged file may say of the members. */
static void test_texts(void **unused)
{
    (void)unused;
    static const char *const wrong[][2] = {
        {"", "members: not valid JSON"},
        {"[", "members: not valid JSON"},
        {"{}", "a list of 1 to 16 is needed, this has 0"},
        {"[]", "this has 0"},
        {"[1]", "members[0]: "},
        {"[{\"detector\": 3}]", "members[0]: "},
        {"[{\"detector\": \"nobody\"}]", "members[0]: unknown detector \"nobody\""},
        {"[{\"detector\": \"residual\", \"colour\": 1}]", "members[0]: "},
        {"[{\"detector\": \"residual\"}, {\"detector\": \"residual\", \"config\": {\"width\": 1}}]", "members[1]"},
        {"[{\"detector\": \"residual\"}, {\"detector\": \"univfd\"}]", "members[1]: detector univfd wants"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct ensemble_config config;
        struct assay_error error = {0};
        struct model model;
        option_defaults(detector_ensemble.fields, &config);
        config.members = wrong[i][0];
        assert_int_not_equal(model_create(&detector_ensemble, &config, 0, &model, &error), ASSAY_OK);
        if (!strstr(error.message, wrong[i][1]))
            fail_msg("\"%s\" gives: %s", wrong[i][0], error.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mean),
        cmocka_unit_test(test_explained),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
