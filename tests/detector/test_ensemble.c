/* test_ensemble.c - the detector `ensemble` is the mean of its members, however it came to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "detector/activation.h"
#include "detector/ensemble.h"
#include "detector/model_join.h"
#include "detector/residual.h"
#include "detector/sdid.h"
#include "graph/program.h"

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
    config.dropout = 0; /* the same alone and among others */
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

/* ---- Trained together ------------------------------------------------------------------------------------------ */

enum { CROP = 32, BATCH = 4, MOST_TRAINED = 256 };

/* Loss and gradients of a model; taps are called as its parameters are. */
static void build_gradients(struct graph *g, const struct shape *shapes, int count, void *context)
{
    const struct model *model = context;
    struct detector_io io = detector_io(input(g, "image", shapes[0], DTYPE_F32));
    node labels = input(g, "labels", shapes[1], DTYPE_I32), *trained, gradients[MOST_TRAINED];
    (void)count;
    struct params root = params_root(model->store);
    model->detector->forward(g, root, model->config, &io);
    node loss = model->detector->loss(g, root, model->config, &io, labels);
    tap(g, "loss", loss);
    int trained_count = graph_trained_params(g, &trained);
    assert_in_range(trained_count, 1, MOST_TRAINED);
    graph_gradients(g, loss, trained, trained_count, gradients);
    for (int i = 0; i < trained_count; i++)
        tap(g, graph_entry(g, trained[i])->name, gradients[i]);
}

static struct program *run_gradients(struct model *model, const struct image *picture, struct program_run *run)
{
    struct assay_error error = {0};
    struct program *program;
    static float pixels[BATCH * CROP * CROP * 3];
    const int32_t labels[BATCH] = {0, 1, 1, 0};
    for (size_t i = 0; i < sizeof pixels / sizeof *pixels; i++)
        pixels[i] = (float)picture->pixels[i] / 127.5f - 1;
    const struct program_input inputs[] = {{"image", SHAPE(BATCH, CROP, CROP, 3), pixels},
                                           {"labels", SHAPE(BATCH), labels}};
    struct plan_options options = {.backend = cpu_backend()};
    if (program_create(model->store, &options, &program, &error) ||
        program_add(program, "gradients", true, build_gradients, model, &error) ||
        program_run(program, "gradients", inputs, 2, &(struct run_options){0}, run, &error))
        fail_msg("%s", error.message);
    return program;
}

/* Each learns as it would by itself: the loss is the mean of theirs, so their gradients are a half of their own. */
static void test_trained_together(void **unused)
{
    (void)unused;
    struct assay_error error = {0};
    struct model member[2], joined;
    struct image picture = {0};
    struct program_run run = {0};
    double mean_loss = 0;
    draw(&picture);
    make_residual(&member[0], 4, CROP, 1);
    make_residual(&member[1], 6, CROP, 2);
    const struct model *members[] = {&member[0], &member[1]};
    if (model_join(members, 2, &joined, &error))
        fail_msg("%s", error.message);
    struct program *program = run_gradients(&joined, &picture, &run);
    for (int i = 0; i < 2; i++) {
        struct program_run alone = {0};
        struct program *own = run_gradients(&member[i], &picture, &alone);
        mean_loss += ((float *)program_read(&alone, "loss").data)[0] / 2;
        for (size_t k = 0; k < member[i].store->entries.count; k++) {
            const struct store_entry *entry = member[i].store->entries.entries[k].value;
            char name[PARAMS_PREFIX];
            snprintf(name, sizeof name, "members.%d.%s", i, entry->name);
            struct tensor want = program_read(&alone, entry->name), have = program_read(&run, name);
            assert_int_equal(want.data == NULL, have.data == NULL); /* statistics of batch norms are not learnt */
            for (int64_t j = 0; want.data && j < shape_count(&want.shape); j++)
                assert_float_equal(((float *)have.data)[j], ((float *)want.data)[j] / 2, 1e-6);
        }
        program_release(&alone);
        program_free(own);
        model_free(&member[i]);
    }
    assert_float_equal(((float *)program_read(&run, "loss").data)[0], mean_loss, 1e-6);
    program_release(&run);
    program_free(program);
    model_free(&joined);
    image_free(&picture);
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
        cmocka_unit_test(test_mean),    cmocka_unit_test(test_explained),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_trained_together),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
