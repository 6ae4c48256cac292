/* Runs of tiny models over tiny sets: one line for every picture, perturbation and model, in order and the same however
 * often the run is interrupted; what cannot be read has its lines too. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../cli/scratch.h"
#include "eval/prediction.h"
#include "eval/runner.h"

enum { SETS = 2, CHAINS = 2, MODELS = 2 };

static const char *const texts[CHAINS] = {"", "noise:20+blur:0.5"};

/* Everything that a run needs: two models, two sets of which one has a chain of its own before all others. */
struct bench {
    struct model models[MODELS];
    struct runner_model runner_models[MODELS];
    struct dataset datasets[SETS];
    struct runner_set sets[SETS];
    struct perturbation chains[SETS][CHAINS];
    struct runner_job job;
};

static struct assay_error error;

static void ok(assay_status status)
{
    if (status)
        fail_msg("%s", error.message);
}

static void add_folder(const char *folder, int from, int count)
{
    char path[256];
    mkdir(folder, 0777);
    for (int i = from; i < from + count; i++) {
        snprintf(path, sizeof path, "%s/p%02d.%s", folder, i, i % 3 ? "png" : "jpg");
        scratch_picture(path, 33 + i % 5, 40 - i % 7, (unsigned)i + 1);
    }
}

static int setup(void **state)
{
    static struct bench bench;
    struct bench *b = &bench;
    *state = b;
    scratch_begin();
    mkdir("a", 0777);
    mkdir("b", 0777);
    add_folder("a/real", 0, 9);
    add_folder("a/ai", 10, 10);
    scratch_write("a/ai/p13.png", "no picture", 10); /* one, and four in a row */
    for (int i = 4; i < 8; i++) {
        char path[64];
        snprintf(path, sizeof path, "a/ai/p%02d.png", 10 + i);
        scratch_write(path, "", 0);
        snprintf(path, sizeof path, "a/ai/p%02d.jpg", 10 + i);
        if (access(path, F_OK) == 0)
            unlink(path);
    }
    add_folder("b/real", 0, 3);
    add_folder("b/ai", 3, 3);
    scratch_picture("b/ai/\xFF\"\n.png", 30, 30, 99);
    scratch_model("one.safetensors", true);
    scratch_model("two.safetensors", false);
    ok(image_library_init(&error));
    for (int m = 0; m < MODELS; m++) {
        ok(model_load(m ? "two.safetensors" : "one.safetensors", &b->models[m], &error));
        b->runner_models[m] =
            (struct runner_model){.name = m ? "two" : "one", .calibration = &b->models[m].calibration};
        ok(model_scorer_create(&b->models[m], false, &b->runner_models[m].scorer, &error));
    }
    for (int s = 0; s < SETS; s++) {
        ok(dataset_from_folder(s ? "b" : "a", NULL, &b->datasets[s], &error));
        for (int c = 0; c < CHAINS; c++) {
            char text[64];
            snprintf(text, sizeof text, "%s%s%s", s ? "blur:1" : "", s && c ? "+" : "", texts[c]);
            ok(perturbation_parse(text, &b->chains[s][c], &error));
        }
        b->sets[s] = (struct runner_set){s ? "second" : "first", &b->datasets[s], b->chains[s]};
    }
    b->job = (struct runner_job){.models = b->runner_models,
                                 .model_count = MODELS,
                                 .sets = b->sets,
                                 .set_count = SETS,
                                 .perturbations = texts,
                                 .perturbation_count = CHAINS,
                                 .seed = 3,
                                 .workers = 2};
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    for (int m = 0; m < MODELS; m++) {
        model_scorer_free(b->runner_models[m].scorer);
        model_free(&b->models[m]);
    }
    for (int s = 0; s < SETS; s++)
        dataset_free(&b->datasets[s]);
    scratch_end();
    return 0;
}

static struct runner_result run_to(const struct bench *b, const char *path, bool resume)
{
    struct runner_job job = b->job;
    struct runner_result result;
    job.path = path;
    job.resume = resume;
    ok(runner_run(&job, &result, &error));
    return result;
}

static void same_file(const char *a, const char *b)
{
    size_t size[2];
    uint8_t *bytes[2] = {scratch_read(a, &size[0]), scratch_read(b, &size[1])};
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(bytes[0], bytes[1], size[0]);
    free(bytes[0]);
    free(bytes[1]);
}

/* What a model says of a file by itself, under a chain. */
static double logit_of(const struct bench *b, const struct dataset_picture *picture, const struct perturbation *chain,
                       int model)
{
    struct image image = {0}, perturbed = {0};
    double logit;
    ok(image_decode_file(picture->path, NULL, &image, &error));
    ok(perturbation_apply(chain, b->job.seed, picture->name, &image, &perturbed, &error));
    ok(model_score(b->runner_models[model].scorer, &(const struct image *){&perturbed}, 1, &logit, &error));
    image_free(&image);
    image_free(&perturbed);
    return logit;
}

static void test_lines(void **state)
{
    const struct bench *b = *state;
    struct predictions all;
    struct runner_result result = run_to(b, "whole.jsonl", false);
    assert_int_equal(result.pictures, 19 + 7);
    assert_int_equal(result.resumed, 0);
    ok(predictions_load("whole.jsonl", &all, &error));
    assert_int_equal(all.count, (19 + 7) * CHAINS * MODELS);
    size_t at = 0, unreadable = 0;
    for (int s = 0; s < SETS; s++)
        for (size_t i = 0; i < b->datasets[s].count; i++)
            for (int c = 0; c < CHAINS; c++)
                for (int m = 0; m < MODELS; m++, at++) {
                    const struct prediction *p = &all.items[at];
                    const struct dataset_picture *picture = &b->datasets[s].pictures[i];
                    assert_string_equal(p->model, b->runner_models[m].name);
                    assert_string_equal(p->set, b->sets[s].name);
                    assert_string_equal(p->perturbation, texts[c]);
                    assert_string_equal(p->picture, picture->name);
                    assert_string_equal(p->source, b->datasets[s].sources[picture->source].name);
                    assert_int_equal(p->label, picture->label);
                    if (!p->readable) {
                        unreadable++;
                        assert_null(strstr(p->problem, picture->path)); /* the line has the name already */
                        continue;
                    }
                    assert_true(p->bytes == picture->bytes);
                    double logit = logit_of(b, picture, &b->chains[s][c], m);
                    if (!(fabs(p->logit - logit) <= 1e-4 * fmax(1, fabs(logit))))
                        fail_msg("%s: %g, expected %g", p->picture, p->logit, logit);
                    assert_true(p->probability == calibration_probability(&b->models[m].calibration, p->logit));
                    assert_int_equal(p->verdict == ASSAY_UNCALIBRATED, m == 1);
                }
    assert_int_equal(unreadable, 5 * CHAINS * MODELS);
    predictions_free(&all);
}

/* How many are judged at once, and how much memory they may take together, changes nothing. */
static void test_threads(void **state)
{
    struct bench *b = *state;
    b->job.workers = 1;
    run_to(b, "one-thread.jsonl", false);
    b->job.workers = 5;
    run_to(b, "five-threads.jsonl", false);
    b->job.max_held = 1;
    run_to(b, "held.jsonl", false);
    b->job.max_held = 0;
    b->job.workers = 2;
    same_file("whole.jsonl", "one-thread.jsonl");
    same_file("whole.jsonl", "five-threads.jsonl");
    same_file("whole.jsonl", "held.jsonl");
}

/* A picture's lines do not depend on which others are judged, or under what else it is. */
static void test_company(void **state)
{
    const struct bench *b = *state;
    struct runner_job job = b->job;
    struct runner_result result;
    struct predictions all, few;
    const struct runner_set second = {"second", &b->datasets[1], &b->chains[1][1]};
    job.path = "few.jsonl";
    job.sets = &second;
    job.set_count = 1;
    job.perturbations = &texts[1];
    job.perturbation_count = 1;
    job.model_count = 1;
    ok(runner_run(&job, &result, &error));
    ok(predictions_load("whole.jsonl", &all, &error));
    ok(predictions_load("few.jsonl", &few, &error));
    assert_int_equal(few.count, 7);
    for (size_t i = 0; i < few.count; i++) {
        const struct prediction *p = &few.items[i];
        const struct prediction *q = &all.items[(19 + i) * CHAINS * MODELS + MODELS];
        assert_string_equal(p->picture, q->picture);
        assert_string_equal(p->perturbation, q->perturbation);
        assert_true(p->logit == q->logit);
    }
    predictions_free(&all);
    predictions_free(&few);
}

/* Cut anywhere: at the ends of lines, within them, in the first picture, in the second set, at the end. */
static void test_resumed(void **state)
{
    const struct bench *b = *state;
    size_t size;
    uint8_t *whole = scratch_read("whole.jsonl", &size);
    const size_t cuts = 17;
    for (size_t i = 0; i <= cuts; i++) {
        size_t cut = i * size / cuts;
        if (i % 2) /* behind a whole line */
            while (cut < size && whole[cut - 1] != '\n')
                cut++;
        scratch_write("cut.jsonl", whole, cut);
        struct runner_result result = run_to(b, "cut.jsonl", true);
        same_file("whole.jsonl", "cut.jsonl");
        assert_true(result.resumed <= result.pictures);
        if (i == 0)
            assert_int_equal(result.resumed, 0);
        else if (i == cuts)
            assert_int_equal(result.resumed, 26);
        else if (i > cuts / 2)
            assert_true(result.resumed >= 12 && result.resumed < 26);
    }
    unlink("cut.jsonl");
    assert_int_equal(run_to(b, "cut.jsonl", true).resumed, 0); /* nothing to resume is a beginning */
    same_file("whole.jsonl", "cut.jsonl");
    free(whole);
}

static void expect_refused(const struct runner_job *job, assay_status status, const char *message)
{
    struct runner_result result;
    assert_int_equal(runner_run(job, &result, &error), status);
    if (!strstr(error.message, message))
        fail_msg("'%s' is not in: %s", message, error.message);
}

static void test_refused(void **state)
{
    const struct bench *b = *state;
    struct runner_job job = b->job;
    job.path = "whole.jsonl";
    expect_refused(&job, ASSAY_ERROR_ARGUMENT, "whole.jsonl: is there already");
    job.path = "missing/x.jsonl";
    expect_refused(&job, ASSAY_ERROR_IO, "missing/x.jsonl");

    job.path = "whole.jsonl";
    job.resume = true;
    job.set_count = 1;
    expect_refused(&job, ASSAY_ERROR_FORMAT, "whole.jsonl, line 77: more than the run has predictions");
    job = b->job;
    job.path = "whole.jsonl";
    job.resume = true;
    struct runner_model swapped[2] = {b->runner_models[1], b->runner_models[0]};
    job.models = swapped;
    expect_refused(&job, ASSAY_ERROR_FORMAT, "whole.jsonl, line 1: not what this run has there");

    job.models = b->runner_models;
    FILE *held = fopen("whole.jsonl", "r");
    assert_non_null(held);
    assert_int_equal(flock(fileno(held), LOCK_EX), 0);
    expect_refused(&job, ASSAY_ERROR_IO, "another process is writing it");
    fclose(held);

    volatile sig_atomic_t cancel = 1;
    job.path = "cancelled.jsonl";
    job.resume = false;
    job.cancel = &cancel;
    expect_refused(&job, ASSAY_ERROR_CANCELLED, "stopped");
    run_to(b, "cancelled.jsonl", true);
    same_file("whole.jsonl", "cancelled.jsonl");
}

/* A picture that a perturbation cannot be done to: its lines say so, those without it hold, and others go on. */
static void test_problem_of_perturbation(void **state)
{
    const struct bench *b = *state;
    const char *const names[2] = {"", "resize:4"};
    struct perturbation chains[2];
    struct dataset dataset = {0};
    struct predictions all;
    struct runner_result result;
    mkdir("c", 0777);
    add_folder("c/real", 0, 2);
    mkdir("c/ai", 0777);
    scratch_picture("c/ai/long.png", 20000, 2, 1);
    ok(dataset_from_folder("c", NULL, &dataset, &error));
    for (int c = 0; c < 2; c++)
        ok(perturbation_parse(names[c], &chains[c], &error));
    struct runner_set set = {"third", &dataset, chains};
    struct runner_job job = b->job;
    job.sets = &set;
    job.set_count = 1;
    job.perturbations = names;
    job.path = "long.jsonl";
    ok(runner_run(&job, &result, &error));
    ok(predictions_load("long.jsonl", &all, &error));
    assert_int_equal(all.count, 3 * 2 * MODELS);
    for (size_t i = 0; i < all.count; i++) {
        const struct prediction *p = &all.items[i];
        bool fails = strcmp(p->picture, "ai/long.png") == 0 && p->perturbation[0];
        assert_int_equal(p->readable, !fails);
        if (fails)
            assert_non_null(strstr(p->problem, "cannot be resized"));
    }
    predictions_free(&all);
    dataset_free(&dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines),   cmocka_unit_test(test_threads),
                                       cmocka_unit_test(test_company), cmocka_unit_test(test_resumed),
                                       cmocka_unit_test(test_refused), cmocka_unit_test(test_problem_of_perturbation)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
