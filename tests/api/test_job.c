/* test_job.c - watching and stopping calls: progress, cancelling from the callback, from another thread, beforehand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>

#include "assay/assay.h"
#include "base/job.h"
#include "detector/model.h"
#include "detector/residual.h"
#include "scratch.h"

#define MODEL "model.safetensors"

enum { PICTURES = 70, STAGES = 3 };

static struct assay_model *model;
static struct assay_picture *pictures[PICTURES];
static struct assay_error error;

#define OK(call)                                                                                                       \
    do {                                                                                                               \
        if (call)                                                                                                      \
            fail_msg("%s: %s", #call, error.message);                                                                  \
    } while (0)

/* What a callback has heard. */
struct heard {
    int calls[STAGES];
    double share[STAGES]; /* the last one of each stage */
    int fell;             /* a share was less than the one before, or outside 0 to 1 */
    assay_stage stop_at;  /* the callback stops the call in this stage ... */
    double stop_share;    /* ... once this much is done; above 1: never */
};

static int listen(void *context, assay_stage stage, double share)
{
    struct heard *h = context;
    h->fell |= share < h->share[stage] || share > 1;
    h->share[stage] = share;
    h->calls[stage]++;
    return stage == h->stop_at && share >= h->stop_share;
}

/* A job that listens; `stop_share` above 1 never stops. */
static struct assay_job *listener(struct heard *h, assay_stage stop_at, double stop_share)
{
    struct assay_job *job = NULL;
    *h = (struct heard){.stop_at = stop_at, .stop_share = stop_share};
    OK(assay_job_create(listen, h, &job, &error));
    return job;
}

static int setup(void **state)
{
    (void)state;
    scratch_begin();
    scratch_model(MODEL, true);
    scratch_picture("tall.jpg", 40, 320, 3);
    scratch_picture("tall.png", 40, 320, 4);
    OK(assay_init(&error));
    OK(assay_model_open(MODEL, NULL, &model, &error));
    for (int i = 0; i < PICTURES; i++) {
        uint8_t pixels[40 * 48 * 3];
        for (size_t k = 0; k < sizeof pixels; k++)
            pixels[k] = (uint8_t)(k * (size_t)(i + 1));
        OK(assay_picture_from_rgb(pixels, 40, 48, 120, &pictures[i], &error));
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < PICTURES; i++)
        assay_picture_free(pictures[i]);
    assay_model_close(model);
    scratch_end();
    return 0;
}

static const struct assay_picture *const *all(void)
{
    return (const struct assay_picture *const *)pictures;
}

static void test_null(void **state)
{
    (void)state;
    assert_int_equal(assay_job_create(NULL, NULL, NULL, &error), ASSAY_ERROR_ARGUMENT);
    assay_job_cancel(NULL);
    assert_int_equal(assay_job_cancelled(NULL), 0);
    assay_job_free(NULL);
    struct assay_job *job = NULL;
    OK(assay_job_create(NULL, NULL, &job, &error)); /* nobody listens */
    struct assay_result result;
    OK(assay_detect_file(model, "tall.jpg", NULL, job, &result, &error));
    assert_int_equal(assay_job_cancelled(job), 0);
    assay_job_free(job);
    OK(watch_step(NULL, 0.5, "x", &error));
}

static void test_progress(void **state)
{
    (void)state;
    struct heard h;
    struct assay_job *job = listener(&h, ASSAY_STAGE_READ, 2);
    struct assay_result one, results[PICTURES];
    OK(assay_detect_file(model, "tall.jpg", NULL, job, &one, &error));
    assert_true(h.calls[ASSAY_STAGE_READ] > 20); /* 20 strips of 16 rows */
    assert_true(h.share[ASSAY_STAGE_READ] == 1 && h.share[ASSAY_STAGE_JUDGE] == 1);
    assert_int_equal(h.calls[ASSAY_STAGE_EXPLAIN], 0);
    assert_false(h.fell);
    assay_job_free(job);

    job = listener(&h, ASSAY_STAGE_READ, 2);
    OK(assay_detect(model, all(), PICTURES, job, results, &error));
    assert_true(h.calls[ASSAY_STAGE_JUDGE] > PICTURES && h.share[ASSAY_STAGE_JUDGE] == 1);
    assert_int_equal(h.calls[ASSAY_STAGE_READ], 0);
    assert_false(h.fell);
    assay_job_free(job);

    job = listener(&h, ASSAY_STAGE_READ, 2);
    struct assay_map *map = NULL;
    OK(assay_explain(model, pictures[0], NULL, job, &map, &error));
    assert_true(h.calls[ASSAY_STAGE_EXPLAIN] == map->crops + 1 && h.share[ASSAY_STAGE_EXPLAIN] == 1);
    assert_false(h.fell);
    assay_map_free(map);
    assay_job_free(job);
}

/* Stopped by its callback, a call says so, gives nothing out, and asks no more. */
static void stop_reading(const char *path, double at)
{
    struct heard h;
    struct assay_job *job = listener(&h, ASSAY_STAGE_READ, at);
    struct assay_picture *picture = NULL;
    error = (struct assay_error){0};
    assert_int_equal(assay_picture_read_file(path, NULL, job, &picture, &error), ASSAY_ERROR_CANCELLED);
    assert_int_equal(error.status, ASSAY_ERROR_CANCELLED);
    assert_non_null(strstr(error.message, path));
    assert_null(picture);
    assert_true(assay_job_cancelled(job));
    assert_true(h.share[ASSAY_STAGE_READ] < at + 0.1);
    int calls = h.calls[ASSAY_STAGE_READ];
    size_t size;
    uint8_t *bytes = scratch_read(path, &size);
    assert_int_equal(assay_picture_read_memory(bytes, size, NULL, NULL, job, &picture, &error), ASSAY_ERROR_CANCELLED);
    free(bytes);
    assert_int_equal(h.calls[ASSAY_STAGE_READ], calls);
    assert_null(picture);
    assay_job_free(job);
}

static void test_stop_reading(void **state)
{
    (void)state;
    for (double at = 0; at < 0.9; at += 0.2) {
        stop_reading("tall.jpg", at);
        stop_reading("tall.png", at);
    }
}

static void test_stop_judging(void **state)
{
    (void)state;
    struct assay_result results[PICTURES];
    for (double at = 0; at <= 1; at += 0.25) {
        struct heard h;
        struct assay_job *job = listener(&h, ASSAY_STAGE_JUDGE, at);
        assert_int_equal(assay_detect(model, all(), PICTURES, job, results, &error), ASSAY_ERROR_CANCELLED);
        assert_true(h.share[ASSAY_STAGE_JUDGE] >= at && h.share[ASSAY_STAGE_JUDGE] <= at + 0.25);
        assay_job_free(job);

        struct assay_map *map = NULL;
        job = listener(&h, ASSAY_STAGE_EXPLAIN, at);
        assert_int_equal(assay_explain(model, pictures[0], NULL, job, &map, &error), ASSAY_ERROR_CANCELLED);
        assert_null(map);
        assay_job_free(job);
    }
    OK(assay_detect(model, all(), PICTURES, NULL, results, &error)); /* the model is as good as before */
}

/* One picture with many crops is judged in several batches, and stops between them. */
static void test_between_batches(void **state)
{
    (void)state;
    enum { SIDE = 288 };
    struct model many = {0};
    struct residual_config config;
    struct assay_model *opened = NULL;
    struct assay_result result;
    struct heard h;
    option_defaults(detector_residual.fields, &config);
    config.crop = 32;
    config.crops = 64;
    config.width = 4;
    OK(model_create(&detector_residual, &config, 3, &many, &error));
    OK(model_save(&many, "many.safetensors", &error));
    model_free(&many);
    OK(assay_model_open("many.safetensors", NULL, &opened, &error));
    uint8_t *pixels = calloc(SIDE, SIDE * 3);
    assert_non_null(pixels);

    struct assay_job *job = listener(&h, ASSAY_STAGE_JUDGE, 2);
    OK(assay_detect_rgb(opened, pixels, SIDE, SIDE, SIDE * 3, job, &result, &error));
    assert_true(h.calls[ASSAY_STAGE_JUDGE] >= 5 && h.share[ASSAY_STAGE_JUDGE] == 1 && !h.fell);
    assay_job_free(job);
    job = listener(&h, ASSAY_STAGE_JUDGE, 0.4);
    assert_int_equal(assay_detect_rgb(opened, pixels, SIDE, SIDE, SIDE * 3, job, &result, &error),
                     ASSAY_ERROR_CANCELLED);
    assert_true(h.share[ASSAY_STAGE_JUDGE] < 0.7); /* batches of 16 */
    assay_job_free(job);
    free(pixels);
    assay_model_close(opened);
}

static void test_cancelled_before(void **state)
{
    (void)state;
    struct heard h;
    struct assay_job *job = listener(&h, ASSAY_STAGE_READ, 2);
    struct assay_result result;
    struct assay_map *map = NULL;
    assay_job_cancel(job);
    assert_int_equal(assay_detect_file(model, "tall.jpg", NULL, job, &result, &error), ASSAY_ERROR_CANCELLED);
    assert_int_equal(assay_detect_file(model, "/nothing/there", NULL, job, &result, &error), ASSAY_ERROR_CANCELLED);
    assert_int_equal(assay_detect(model, all(), 1, job, &result, &error), ASSAY_ERROR_CANCELLED);
    assert_int_equal(assay_explain(model, pictures[0], NULL, job, &map, &error), ASSAY_ERROR_CANCELLED);
    assert_int_equal(h.calls[0] + h.calls[1] + h.calls[2], 0);
    assay_job_free(job);
}

/* ---- from another thread ---------------------------------------------------------------------------------------- */

struct meeting {
    struct assay_job *job;
    sem_t running, cancelled;
    int calls;
};

/* At the third call, waits until the other thread has cancelled. */
static int meet(void *context, assay_stage stage, double share)
{
    struct meeting *m = context;
    (void)stage;
    (void)share;
    if (++m->calls == 3) {
        sem_post(&m->running);
        sem_wait(&m->cancelled);
    }
    return 0;
}

static void *cancel(void *context)
{
    struct meeting *m = context;
    sem_wait(&m->running);
    assay_job_cancel(m->job);
    sem_post(&m->cancelled);
    return NULL;
}

static void from_another_thread(assay_status (*call)(struct assay_job *job))
{
    struct meeting m = {0};
    pthread_t thread;
    assert_true(sem_init(&m.running, 0, 0) == 0 && sem_init(&m.cancelled, 0, 0) == 0);
    OK(assay_job_create(meet, &m, &m.job, &error));
    assert_int_equal(pthread_create(&thread, NULL, cancel, &m), 0);
    assay_status status = call(m.job);
    pthread_join(thread, NULL);
    assert_int_equal(status, ASSAY_ERROR_CANCELLED);
    assert_int_equal(m.calls, 3);
    assay_job_free(m.job);
    sem_destroy(&m.running);
    sem_destroy(&m.cancelled);
}

static assay_status read_tall(struct assay_job *job)
{
    struct assay_picture *picture = NULL;
    assay_status status = assay_picture_read_file("tall.jpg", NULL, job, &picture, &error);
    assert_null(picture);
    return status;
}

static assay_status judge_all(struct assay_job *job)
{
    struct assay_result results[PICTURES];
    return assay_detect(model, all(), PICTURES, job, results, &error);
}

static void test_another_thread(void **state)
{
    (void)state;
    from_another_thread(read_tall);
    from_another_thread(judge_all);
}

/* ---- one job, several calls -------------------------------------------------------------------------------------- */

struct shared {
    struct assay_job *job;
    assay_status status[3];
};

struct caller {
    struct shared *shared;
    int index;
};

/* Works until it is cancelled. */
static void *call_on(void *context)
{
    struct caller *c = context;
    struct assay_result results[PICTURES];
    assay_status status = ASSAY_OK;
    while (!status)
        status = assay_detect(model, all() + c->index, (size_t)(PICTURES - c->index), c->shared->job, results, NULL);
    c->shared->status[c->index] = status;
    return NULL;
}

static void test_shared_job(void **state)
{
    (void)state;
    struct shared shared = {0};
    struct caller callers[3];
    pthread_t threads[3];
    OK(assay_job_create(NULL, NULL, &shared.job, &error));
    for (int i = 0; i < 3; i++) {
        callers[i] = (struct caller){&shared, i};
        assert_int_equal(pthread_create(&threads[i], NULL, call_on, &callers[i]), 0);
    }
    struct assay_result result;
    OK(assay_detect_file(model, "tall.jpg", NULL, NULL, &result, &error)); /* beside them, unwatched */
    assay_job_cancel(shared.job);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(shared.status[i], ASSAY_ERROR_CANCELLED);
    }
    assay_job_free(shared.job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null),
        cmocka_unit_test(test_progress),
        cmocka_unit_test(test_stop_reading),
        cmocka_unit_test(test_stop_judging),
        cmocka_unit_test(test_cancelled_before),
        cmocka_unit_test(test_another_thread),
        cmocka_unit_test(test_shared_job),
        cmocka_unit_test(test_between_batches),
    };
    return cmocka_run_group_tests_name("api/job", tests, setup, teardown);
}
