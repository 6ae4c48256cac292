/* test_ensemble.c - the detector `ensemble` is the mean of its members, however it came to be. */
#include <math.h>
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
#include "detector/npr.h"
#include "detector/residual.h"
#include "detector/rich.h"
#include "detector/sdid.h"
#include "graph/program.h"

enum { WHOLE = 64, HALF = WHOLE / 2, PICTURES = 2 };

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

static void draw_floats(float *values, size_t count)
{
    uint32_t state = 7;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(state >> 8) / (1 << 23) - 1;
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
    if (model_join(members, 3, NULL, &joined, &error) || model_save(&joined, path, &error) ||
        model_load(path, &back, &error))
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

/* Members count as much as their weights say. */
static void test_weights(void **unused)
{
    (void)unused;
    struct assay_error error = {0};
    struct model a, b, c, joined;
    struct image picture = {0};
    draw(&picture);
    make_residual(&a, 4, 32, 1);
    make_residual(&b, 6, 32, 2);
    make_residual(&c, 4, 32, 3);
    b.calibration = (struct calibration){true, 2.5, -0.25, 0.3, 0.7};
    const struct model *members[] = {&a, &b, &c};
    const double weights[] = {1, 0.5, 2};
    if (model_join(members, 3, weights, &joined, &error))
        fail_msg("%s", error.message);
    double expected = (score(&a, &picture) + 0.5 * (2.5 * score(&b, &picture) - 0.25) + 2 * score(&c, &picture)) / 3.5;
    assert_float_equal(score(&joined, &picture), expected, 1e-5);
    model_free(&joined);
    static const double wrong[][3] = {{1, 0, 1}, {1, -2, 1}, {1, NAN, 1}, {1e308, 1, 1e308}, {1, INFINITY, 1}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(model_join(members, 3, wrong[i], &joined, &error), ASSAY_ERROR_ARGUMENT);
        assert_non_null(strstr(error.message, i < 3 ? "weight 2 of 3: " : "weights: their sum is too large"));
    }
    model_free(&a);
    model_free(&b);
    model_free(&c);
    image_free(&picture);
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
    if (model_join(members, 2, NULL, &joined, &error) || model_scorer_create(&joined, false, &scorer, &error) ||
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

/* ---- Members with smaller crops ------------------------------------------------------------------------------- */

enum { SMALL_CELLS = HALF / 8 };

/* All that a model says of a batch, as taps. */
static void build_all(struct graph *g, const struct shape *shapes, int count, void *context)
{
    const struct model *model = context;
    struct detector_io io = detector_io(input(g, "image", shapes[0], DTYPE_F32));
    (void)count;
    io.explain = true;
    model->detector->forward(g, params_root(model->store), model->config, &io);
    const node said[] = {io.logit, io.branches, io.embedding, io.evidence, io.features};
    static const char *const names[] = {"logit", "branches", "embedding", "evidence", "features"};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (said[i].id >= 0)
            tap(g, names[i], said[i]);
}

struct said {
    struct program *program;
    struct program_run run;
};

static void ask(struct model *model, const float *pixels, int64_t batch, int64_t side, struct said *out)
{
    struct assay_error error = {0};
    struct program_input image = {"image", SHAPE(batch, side, side, 3), pixels};
    struct plan_options options = {.backend = cpu_backend()};
    *out = (struct said){0};
    if (program_create(model->store, &options, &out->program, &error) ||
        program_add(out->program, "all", false, build_all, model, &error) ||
        program_run(out->program, "all", &image, 1, &(struct run_options){0}, &out->run, &error))
        fail_msg("%s", error.message);
}

static const float *said_of(const struct said *said, const char *what, struct shape expected)
{
    struct tensor t = program_read(&said->run, what);
    if (!t.data || !shape_equal(&t.shape, &expected))
        fail_msg("%s: none, or of another shape", what);
    return t.data;
}

static void forget(struct said *said)
{
    program_release(&said->run);
    program_free(said->program);
}

/* The four quarters of each picture, row by row. */
static void cut_quarters(const float *whole, float *quarters)
{
    for (int part = 0; part < 4 * PICTURES; part++)
        for (int y = 0; y < HALF; y++) {
            int row = (part / 4 * WHOLE) + part / 2 % 2 * HALF + y, column = part % 2 * HALF;
            memcpy(quarters + ((size_t)part * HALF + (size_t)y) * HALF * 3,
                   whole + ((size_t)row * WHOLE + (size_t)column) * 3, sizeof(float) * HALF * 3);
        }
}

/* Maps of the whole, of which `channels` of `of` are the small member's, times scale plus shift: each quarter's lies in
 * its place. `other`: what the mean is taken with, or NULL. */
static void expect_placed(const float *whole, int of, const float *quarters, int channels, double scale, double shift,
                          const float *other)
{
    for (int b = 0; b < PICTURES; b++)
        for (int y = 0; y < 2 * SMALL_CELLS; y++)
            for (int x = 0; x < 2 * SMALL_CELLS; x++)
                for (int c = 0; c < channels; c++) {
                    int part = b * 4 + y / SMALL_CELLS * 2 + x / SMALL_CELLS, place = (b * 8 + y) * 8 + x;
                    int cell = (part * SMALL_CELLS + y % SMALL_CELLS) * SMALL_CELLS + x % SMALL_CELLS;
                    double expected = scale * (double)quarters[cell * channels + c] + shift;
                    if (other)
                        expected = (expected + (double)other[place]) / 2;
                    assert_float_equal(whole[place * of + c], expected, 1e-4);
                }
}

/* A member of smaller crops says the mean of what it says of the parts, and its maps lie side by side. */
static void test_parts(void **unused)
{
    (void)unused;
    struct assay_error error = {0};
    struct model small, wide, joined;
    struct said of_small, of_wide, of_both;
    static float pixels[PICTURES * WHOLE * WHOLE * 3], quarters[PICTURES * WHOLE * WHOLE * 3];
    draw_floats(pixels, sizeof pixels / sizeof *pixels);
    cut_quarters(pixels, quarters);
    make_residual(&small, 4, HALF, 1);
    make_residual(&wide, 6, WHOLE, 2);
    small.calibration = (struct calibration){true, 2.5, -0.25, 0.3, 0.7};
    wide.preprocess.max_crops = 5;
    const struct model *members[] = {&small, &wide};
    if (model_join(members, 2, NULL, &joined, &error))
        fail_msg("%s", error.message);
    assert_int_equal(joined.preprocess.crop, WHOLE); /* as the member with the largest */
    assert_int_equal(joined.preprocess.max_crops, 5);
    ask(&small, quarters, 4 * PICTURES, HALF, &of_small);
    ask(&wide, pixels, PICTURES, WHOLE, &of_wide);
    ask(&joined, pixels, PICTURES, WHOLE, &of_both);

    const float *parts = said_of(&of_small, "logit", SHAPE(4 * PICTURES, 1));
    const float *whole = said_of(&of_wide, "logit", SHAPE(PICTURES, 1));
    const float *logit = said_of(&of_both, "logit", SHAPE(PICTURES, 1));
    const float *branches = said_of(&of_both, "branches", SHAPE(PICTURES, 2));
    for (int b = 0; b < PICTURES; b++) {
        double mean = 0;
        for (int i = 0; i < 4; i++)
            mean += (double)parts[4 * b + i] / 4;
        assert_float_equal(branches[2 * b], 2.5 * mean - 0.25, 1e-5);
        assert_float_equal(branches[2 * b + 1], whole[b], 1e-5);
        assert_float_equal(logit[b], (2.5 * mean - 0.25 + (double)whole[b]) / 2, 1e-5);
    }
    expect_placed(said_of(&of_both, "evidence", SHAPE(PICTURES, 8, 8, 1)), 1,
                  said_of(&of_small, "evidence", SHAPE(4 * PICTURES, 4, 4, 1)), 1, 2.5, -0.25,
                  said_of(&of_wide, "evidence", SHAPE(PICTURES, 8, 8, 1)));
    assert_null(program_read(&of_both.run, "features").data); /* the logit is made of no one map */
    int64_t width = program_read(&of_small.run, "embedding").shape.dim[1];
    int64_t width_of_wide = program_read(&of_wide.run, "embedding").shape.dim[1];
    const float *reads = said_of(&of_small, "embedding", SHAPE(4 * PICTURES, width));
    const float *all_reads = said_of(&of_both, "embedding", SHAPE(PICTURES, width + width_of_wide));
    for (int64_t i = 0; i < width; i++) /* of the second picture */
        assert_float_equal(all_reads[width + width_of_wide + i],
                           (reads[4 * width + i] + reads[5 * width + i] + reads[6 * width + i] + reads[7 * width + i]) /
                               4,
                           1e-4);
    forget(&of_small);
    forget(&of_wide);
    forget(&of_both);
    model_free(&joined);
    model_free(&small);
    model_free(&wide);
}

static void make(const struct detector *detector, const char *text, uint64_t seed, struct model *model)
{
    union {
        char bytes[DETECTOR_MAX_CONFIG];
        max_align_t aligned;
    } config;
    struct assay_error error = {0};
    struct arena arena = {0};
    json_t *said = json_loads(text, 0, NULL);
    assert_non_null(said);
    option_defaults(detector->fields, &config);
    if (option_from_json(detector->fields, &config, said, "a test", &arena, &error) ||
        model_create(detector, &config, seed, model, &error))
        fail_msg("%s", error.message);
    json_decref(said);
    arena_free(&arena);
}

/* Joins two and compares one kind of map with the second's own, times scale plus shift; the first has none. */
static void expect_maps_of_second(struct model *first, struct model *second, const char *what, const float *pixels,
                                  int64_t side, double scale, double shift)
{
    struct assay_error error = {0};
    struct model joined;
    struct said of_second, of_both;
    const struct model *members[] = {first, second};
    if (model_join(members, 2, NULL, &joined, &error))
        fail_msg("%s", error.message);
    ask(second, pixels, 1, side, &of_second);
    ask(&joined, pixels, 1, side, &of_both);
    struct tensor expected = program_read(&of_second.run, what);
    assert_non_null(expected.data);
    const float *maps = said_of(&of_both, what, expected.shape);
    for (int64_t i = 0; i < shape_count(&expected.shape); i++)
        assert_float_equal(maps[i], scale * (double)((const float *)expected.data)[i] + shift, 1e-5);
    forget(&of_second);
    forget(&of_both);
    model_free(&joined);
}

/* Maps that only some members have are theirs; maps of unlike sizes are none. */
static void test_some_maps(void **unused)
{
    (void)unused;
    enum { NPR = 256 };
    struct assay_error error = {0};
    struct model first, second, joined;
    struct said said;
    static float pixels[NPR * NPR * 3];
    draw_floats(pixels, sizeof pixels / sizeof *pixels);
    make(&detector_rich, "{\"crop\": 64}", 1, &first);
    make(&detector_residual, "{\"crop\": 64, \"width\": 4}", 2, &second);
    expect_maps_of_second(&first, &second, "evidence", pixels, 64, 1, 0);
    model_free(&first);

    make(&detector_residual, "{\"crop\": 64, \"width\": 4, \"stages\": 3}", 3, &first);
    const struct model *unlike[] = {&first, &second};
    if (model_join(unlike, 2, NULL, &joined, &error))
        fail_msg("%s", error.message);
    ask(&joined, pixels, 1, 64, &said);
    assert_null(program_read(&said.run, "evidence").data);
    forget(&said);
    model_free(&joined);
    model_free(&first);
    model_free(&second);

    make(&detector_sdid,
         "{\"branches\": \"partner\", \"rgb\": \"resnet18\", \"partner\": \"resnet18\", \"crop\": 128, \"resize\": "
         "\"256\"}",
         4, &first);
    make(&detector_npr, "{\"train-crop\": 256}", 5, &second);
    second.calibration = (struct calibration){true, 2, -0.5, 0.3, 0.7};
    expect_maps_of_second(&first, &second, "evidence", pixels, NPR, 2, -0.5);
    model_free(&first);
    model_free(&second);
}

static void test_refused(void **unused)
{
    (void)unused;
    struct assay_error error = {0};
    struct model a, uneven, wide, joined;
    make_residual(&a, 4, 32, 1);
    make_residual(&uneven, 4, 48, 1);
    make_residual(&wide, 4, 64, 1);
    const struct model *unlike[] = {&a, &uneven, &wide};
    assert_int_equal(model_join(unlike, 3, NULL, &joined, &error), ASSAY_ERROR_ARGUMENT);
    assert_string_equal(error.message, "members[1]: detector residual wants crops of 48 pixels, which do not divide "
                                       "the 64 of members[2]");
    assert_int_equal(model_join(unlike, 0, NULL, &joined, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "a list of 1 to 16"));
    const struct model *many[ENSEMBLE_MAX_MEMBERS + 1];
    for (int i = 0; i <= ENSEMBLE_MAX_MEMBERS; i++)
        many[i] = &a;
    assert_int_equal(model_join(many, ENSEMBLE_MAX_MEMBERS + 1, NULL, &joined, &error), ASSAY_ERROR_ARGUMENT);
    if (model_join(many, 2, NULL, &joined, &error))
        fail_msg("%s", error.message);
    const struct model *nested[] = {&a, &joined};
    struct model never;
    assert_int_equal(model_join(nested, 2, NULL, &never, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "members[1]: an ensemble has no ensembles"));
    model_free(&joined);
    model_free(&a);
    model_free(&uneven);
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

/* Of the first `batch` pictures that the pixels hold, of `side` pixels. */
static struct program *run_gradients(struct model *model, const float *pixels, int64_t batch, int64_t side,
                                     struct program_run *run)
{
    struct assay_error error = {0};
    struct program *program;
    const int32_t labels[BATCH] = {0, 1, 1, 0};
    const struct program_input inputs[] = {{"image", SHAPE(batch, side, side, 3), pixels},
                                           {"labels", SHAPE(batch), labels}};
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
    struct program_run run = {0};
    static float pixels[BATCH * CROP * CROP * 3];
    double mean_loss = 0;
    draw_floats(pixels, sizeof pixels / sizeof *pixels);
    make_residual(&member[0], 4, CROP, 1);
    make_residual(&member[1], 6, CROP, 2);
    const struct model *members[] = {&member[0], &member[1]};
    if (model_join(members, 2, NULL, &joined, &error))
        fail_msg("%s", error.message);
    struct program *program = run_gradients(&joined, pixels, BATCH, CROP, &run);
    for (int i = 0; i < 2; i++) {
        struct program_run alone = {0};
        struct program *own = run_gradients(&member[i], pixels, BATCH, CROP, &alone);
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
}

/* All that is learnt is learnt by one with smaller crops as well. */
static void test_parts_trained(void **unused)
{
    (void)unused;
    struct assay_error error = {0};
    struct model small, wide, joined;
    struct program_run run = {0};
    static float pixels[PICTURES * WHOLE * WHOLE * 3];
    draw_floats(pixels, sizeof pixels / sizeof *pixels);
    make_residual(&small, 4, HALF, 1);
    make_residual(&wide, 6, WHOLE, 2);
    const struct model *members[] = {&wide, &small};
    if (model_join(members, 2, NULL, &joined, &error))
        fail_msg("%s", error.message);
    struct program *program = run_gradients(&joined, pixels, PICTURES, WHOLE, &run);
    static const char *const learnt[] = {"members.0.stem.conv.weight", "members.1.stem.conv.weight"};
    for (int i = 0; i < 2; i++) {
        struct tensor gradient = program_read(&run, learnt[i]);
        double size = 0;
        assert_non_null(gradient.data);
        for (int64_t j = 0; j < shape_count(&gradient.shape); j++)
            size += fabs((double)((float *)gradient.data)[j]);
        assert_true(size > 1e-3 && size < 1e6);
    }
    program_release(&run);
    program_free(program);
    model_free(&joined);
    model_free(&small);
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
        {"[{\"detector\": \"residual\"}, {\"detector\": \"univfd\"}]",
         "members[0]: detector residual wants its pictures prepared otherwise than members[1]"},
        {"[{\"detector\": \"npr\"}, {\"detector\": \"sdid\", \"config\": {\"resize\": \"256\", \"crop\": 128}}]",
         "members[1]: detector sdid wants crops of 128 pixels for members[0]'s 256, but in training of 128 for 224"},
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
        cmocka_unit_test(test_mean),          cmocka_unit_test(test_explained),
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_trained_together),
        cmocka_unit_test(test_texts),         cmocka_unit_test(test_parts),
        cmocka_unit_test(test_weights),       cmocka_unit_test(test_some_maps),
        cmocka_unit_test(test_parts_trained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
