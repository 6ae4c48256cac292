/* bench_evaluation.c - what an evaluation costs beside the model itself, as CSV: pictures a second of
 *
 *     bare       the model alone, on pictures that were decoded beforehand, all threads at one batch of 32
 *     crew       the same, each thread at a picture of its own
 *     decode     decoding alone, each thread at a picture of its own
 *     evaluate   the runner: decoding, judging, writing predictions
 *
 *     bench_evaluation MODEL DIR [PICTURES [ROUNDS [PERTURBATION]]]
 *
 * Without arguments (as `make bench` calls it) it says so and measures nothing. They take turns, ROUNDS times (3), on
 * PICTURES (256) of the set, spread over it; the best round of each counts. `share` is the speed against the bare
 * model's, by the clock and by processor time: the latter holds on a busy machine too, and counts decoding in full. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/crew.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "eval/runner.h"
#include "eval/selection.h"
#include "image/decode_held.h"

enum { BATCH = 32 };
enum what { BARE, CREW, DECODE, EVALUATE, KINDS };
static const char *const names[KINDS] = {"bare", "crew", "decode", "evaluate"};

struct bench {
    struct model model;
    struct model_scorer *scorer;
    struct dataset whole, dataset;
    struct perturbation chain;
    const char *text;
    struct image *images;               /* decoded; without pixels: not readable */
    double seconds[KINDS], work[KINDS]; /* the best */
};

static double work_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void take_time(struct bench *b, enum what what, double began, double work)
{
    double seconds = clock_seconds() - began, worked = work_seconds() - work;
    if (b->seconds[what] <= 0 || seconds < b->seconds[what])
        b->seconds[what] = seconds;
    if (b->work[what] <= 0 || worked < b->work[what])
        b->work[what] = worked;
}

static assay_status run_bare(struct bench *b, struct assay_error *error)
{
    const struct image *batch[BATCH];
    double logits[BATCH], began = clock_seconds(), work = work_seconds();
    size_t filled = 0;
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i <= b->dataset.count && !status; i++) {
        if (i < b->dataset.count && b->images[i].pixels)
            batch[filled++] = &b->images[i];
        if (filled == BATCH || (filled && i == b->dataset.count)) {
            status = model_score(b->scorer, batch, filled, logits, error);
            filled = 0;
        }
    }
    take_time(b, BARE, began, work);
    return status;
}

static void judge_one(void *context, struct crew_seat *seat, uint64_t job, void *result)
{
    struct bench *b = context;
    const struct image *image = &b->images[job];
    double logit;
    (void)seat;
    if (image->pixels)
        *(assay_status *)result = model_score(b->scorer, &image, 1, &logit, NULL);
}

static void decode_one(void *context, struct crew_seat *seat, uint64_t job, void *result)
{
    struct bench *b = context;
    struct image image = {0};
    image_decode_held(seat, b->dataset.pictures[job].path, NULL, NULL, &image, NULL);
    image_free(&image);
    *(assay_status *)result = ASSAY_OK; /* what cannot be read is passed over */
}

static assay_status run_crew(struct bench *b, enum what what,
                             void (*work)(void *context, struct crew_seat *seat, uint64_t job, void *result),
                             struct assay_error *error)
{
    const struct crew_options options = {.end = b->dataset.count,
                                         .workers = parallel_threads(),
                                         .threads = 1,
                                         .window = b->dataset.count,
                                         .result_bytes = sizeof(assay_status),
                                         .max_held = UINT64_MAX / 2,
                                         .work = work,
                                         .context = b};
    struct crew *crew = NULL;
    const assay_status *one;
    uint64_t job;
    double began = clock_seconds(), worked = work_seconds();
    assay_status status = crew_create(&options, &crew, error);
    while (!status && (one = crew_next(crew, &job)))
        status = *one ? error_set(error, *one, "a picture could not be judged") : ASSAY_OK;
    crew_free(crew);
    take_time(b, what, began, worked);
    return status;
}

static assay_status run_evaluate(struct bench *b, struct assay_error *error)
{
    char path[] = "/tmp/assay-bench-XXXXXX";
    double began = clock_seconds(), work = work_seconds();
    int fd = mkstemp(path);
    if (fd >= 0)
        close(fd);
    const struct runner_model model = {"model", b->scorer, &b->model.calibration};
    const struct runner_set set = {"set", &b->dataset, &b->chain};
    const struct runner_job job = {.models = &model,
                                   .model_count = 1,
                                   .sets = &set,
                                   .set_count = 1,
                                   .perturbations = &b->text,
                                   .perturbation_count = 1,
                                   .workers = parallel_threads(),
                                   .path = path,
                                   .resume = true};
    struct runner_result result;
    assay_status status = runner_run(&job, &result, error);
    unlink(path);
    take_time(b, EVALUATE, began, work);
    return status;
}

/* The pictures of the bare run, changed as the evaluation will change them. */
static assay_status decode_all(struct bench *b, struct assay_error *error)
{
    b->images = mem_alloc(b->dataset.count, sizeof *b->images);
    if (!b->images)
        return error_memory(error, "pictures");
    for (size_t i = 0; i < b->dataset.count; i++) {
        struct image image = {0};
        if (image_decode_file(b->dataset.pictures[i].path, NULL, &image, NULL))
            continue;
        if (perturbation_apply(&b->chain, 0, b->dataset.pictures[i].name, &image, &b->images[i], NULL))
            b->images[i] = (struct image){0};
        image_free(&image);
    }
    return ASSAY_OK;
}

/* Every n-th picture, so that all sources are there. */
static assay_status choose(struct bench *b, size_t count, struct assay_error *error)
{
    uint32_t *indices = mem_alloc(count, sizeof *indices);
    size_t taken = 0, all = b->whole.count;
    if (!indices)
        return error_memory(error, "pictures");
    for (size_t i = 0; i < count && taken < all; i++, taken++)
        indices[i] = (uint32_t)(count < all ? i * all / count : i);
    assay_status status = selection_make(&b->whole, indices, taken, &b->dataset, error);
    mem_free(indices);
    return status;
}

static void tell(const struct bench *b)
{
    double count = (double)b->dataset.count;
    printf("what,pictures,seconds,pictures_per_second,share,processor_seconds,processor_share\n");
    for (int w = 0; w < KINDS; w++)
        printf("%s,%.0f,%.3f,%.2f,%.3f,%.3f,%.3f\n", names[w], count, b->seconds[w], count / b->seconds[w],
               b->seconds[BARE] / b->seconds[w], b->work[w], b->work[BARE] / b->work[w]);
}

int main(int argc, char **argv)
{
    static struct bench b;
    struct assay_error error = {0};
    if (argc < 3) {
        fprintf(stderr,
                "bench_evaluation MODEL DIR [PICTURES [ROUNDS [PERTURBATION]]]: nothing measured without a set\n");
        return argc == 1 ? 0 : 2;
    }
    long count = argc > 3 ? strtol(argv[3], NULL, 10) : 256, rounds = argc > 4 ? strtol(argv[4], NULL, 10) : 3;
    assay_status status = assay_init(&error);
    if (!status)
        status = perturbation_parse(argc > 5 ? argv[5] : "", &b.chain, &error);
    b.text = b.chain.text;
    if (!status)
        status = model_load(argv[1], &b.model, &error);
    if (!status)
        status = model_scorer_create(&b.model, false, &b.scorer, &error);
    if (!status)
        status = dataset_open(argv[2], NULL, NULL, &b.whole, &error);
    if (!status)
        status = choose(&b, count > 0 ? (size_t)count : 1, &error);
    if (!status)
        status = decode_all(&b, &error);
    if (!status)
        status = run_bare(&b, &error); /* these compile the graphs */
    if (!status)
        status = run_crew(&b, CREW, judge_one, &error);
    memset(b.seconds, 0, sizeof b.seconds);
    memset(b.work, 0, sizeof b.work);
    for (long round = 0; round < rounds && !status; round++) {
        status = run_bare(&b, &error);
        if (!status)
            status = run_crew(&b, CREW, judge_one, &error);
        if (!status)
            status = run_crew(&b, DECODE, decode_one, &error);
        if (!status)
            status = run_evaluate(&b, &error);
    }
    if (status)
        fprintf(stderr, "%s\n", error.message);
    else
        tell(&b);
    for (size_t i = 0; b.images && i < b.dataset.count; i++)
        image_free(&b.images[i]);
    mem_free(b.images);
    dataset_free(&b.dataset);
    dataset_free(&b.whole);
    model_scorer_free(b.scorer);
    model_free(&b.model);
    return status ? 1 : 0;
}
