/* test_threads.c - every kind of call at once, on one model that nothing has run on yet: files, bytes, pixels, maps,
 * jobs that are cancelled midway, and other models that come and go beside it. `make tsan` runs it under
 * ThreadSanitizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>

#include "assay/assay.h"
#include "base/parallel.h"
#include "scratch.h"

#define MODEL "model.safetensors"

enum { THREADS = 4, ROUNDS = 6, KINDS = 6 };

static const char *const files[] = {"a.jpg", "b.png"};

/* What all threads use, and what one thread alone found out before. */
static struct scene {
    struct assay_model *model;
    struct assay_picture *pictures[2];
    uint8_t *bytes;
    size_t size;
    double logit[2];
    struct assay_map *map;
    pthread_barrier_t start;
} scene;

static struct assay_error error;

#define OK(call)                                                                                                       \
    do {                                                                                                               \
        if (call)                                                                                                      \
            fail_msg("%s: %s", #call, error.message);                                                                  \
    } while (0)

static int setup(void **state)
{
    (void)state;
    struct assay_model *alone = NULL;
    struct assay_result result;
    scratch_begin();
    scratch_model(MODEL, true);
    scratch_picture(files[0], 90, 200, 1);
    scratch_picture(files[1], 150, 64, 2);
    OK(assay_init(&error));
    OK(assay_model_open(MODEL, NULL, &alone, &error));
    for (int i = 0; i < 2; i++) {
        OK(assay_picture_read_file(files[i], NULL, NULL, &scene.pictures[i], &error));
        OK(assay_detect_file(alone, files[i], NULL, NULL, &result, &error));
        scene.logit[i] = result.logit;
    }
    assert_true(fabs(scene.logit[0] - scene.logit[1]) > 1e-3); /* equal answers must mean something */
    OK(assay_explain(alone, scene.pictures[0], NULL, NULL, &scene.map, &error));
    assay_model_close(alone);
    scene.bytes = scratch_read(files[1], &scene.size);
    OK(assay_model_open(MODEL, NULL, &scene.model, &error));
    assert_int_equal(pthread_barrier_init(&scene.start, NULL, THREADS), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pthread_barrier_destroy(&scene.start);
    assay_map_free(scene.map);
    for (int i = 0; i < 2; i++)
        assay_picture_free(scene.pictures[i]);
    free(scene.bytes);
    assay_model_close(scene.model);
    scratch_end();
    return 0;
}

/* One thread's work; what went wrong is told by the main thread, since a failing assertion must not leave this one. */
struct worker {
    int index, done;
    const char *wrong;
    struct assay_error error;
};

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-4 * fmax(1, fabs(b));
}

static bool explain(struct assay_error *e)
{
    struct assay_map *map = NULL;
    struct assay_picture *drawn = NULL;
    if (assay_explain(scene.model, scene.pictures[0], NULL, NULL, &map, e))
        return false;
    size_t cells = (size_t)map->width * (size_t)map->height;
    bool good = near(map->result.logit, scene.logit[0]) && map->width == scene.map->width &&
                map->height == scene.map->height && near(map->high, scene.map->high);
    for (size_t i = 0; i < cells && good; i++)
        good = fabsf(map->heat[i] - scene.map->heat[i]) < 1e-3f;
    good = good && assay_map_draw(map, scene.pictures[0], &drawn, e) == ASSAY_OK;
    assay_picture_free(drawn);
    assay_map_free(map);
    return good;
}

/* Stops at the second call of all. */
static int stop(void *context, assay_stage stage, double share)
{
    int *calls = context;
    (void)stage;
    (void)share;
    return ++*calls == 2;
}

static bool cancel(struct assay_error *e)
{
    struct assay_job *job = NULL;
    struct assay_result result;
    int calls = 0;
    if (assay_job_create(stop, &calls, &job, e))
        return false;
    assay_status status = assay_detect_file(scene.model, files[0], NULL, job, &result, e);
    assay_job_free(job);
    return status == ASSAY_ERROR_CANCELLED && calls == 2;
}

static bool another_model(struct assay_error *e)
{
    struct assay_model *model = NULL;
    struct assay_result result = {0};
    bool good = !assay_model_open(MODEL, &(struct assay_model_options){.threads = 1}, &model, e) &&
                !assay_detect_file(model, files[0], NULL, NULL, &result, e) && near(result.logit, scene.logit[0]);
    assay_model_close(model);
    return good;
}

static const char *do_one(int kind, struct assay_error *e)
{
    struct assay_result r[2] = {{0}};
    switch (kind) {
    case 0:
        return assay_detect_file(scene.model, files[0], NULL, NULL, r, e) || !near(r->logit, scene.logit[0]) ? "a file"
                                                                                                             : NULL;
    case 1:
        return assay_detect_memory(scene.model, scene.bytes, scene.size, NULL, NULL, NULL, r, e) ||
                       !near(r->logit, scene.logit[1])
                   ? "bytes"
                   : NULL;
    case 2:
        return assay_detect(scene.model, (const struct assay_picture *const *)scene.pictures, 2, NULL, r, e) ||
                       !near(r[0].logit, scene.logit[0]) || !near(r[1].logit, scene.logit[1])
                   ? "pictures"
                   : NULL;
    case 3: return explain(e) ? NULL : "a map";
    case 4: return cancel(e) ? NULL : "a job";
    default: return another_model(e) ? NULL : "another model";
    }
}

static void *work(void *context)
{
    struct worker *w = context;
    parallel_use_threads(1 + w->index % 2); /* its own settings do not reach into the model */
    pthread_barrier_wait(&scene.start);
    for (; w->done < ROUNDS * KINDS && !w->wrong; w->done++)
        w->wrong = do_one((w->done + w->index) % KINDS, &w->error);
    return NULL;
}

static void test_all_at_once(void **state)
{
    (void)state;
    static struct worker workers[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i].index = i;
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        if (workers[i].wrong)
            fail_msg("thread %d, call %d: %s: %s", i, workers[i].done, workers[i].wrong, workers[i].error.message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_at_once)};
    return cmocka_run_group_tests_name("api/threads", tests, setup, teardown);
}
