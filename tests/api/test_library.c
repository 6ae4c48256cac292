/* test_library.c - the public header: arguments, pictures, models, verdicts, and one model used by several threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>

#include "assay/assay.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "detector/model.h"
#include "scratch.h"

#define MODEL "model.safetensors"

static int setup(void **state)
{
    (void)state;
    scratch_begin();
    scratch_model(MODEL, true);
    scratch_picture("a.jpg", 64, 48, 1);
    scratch_picture("b.png", 30, 200, 2);
    return 0;
}

#define OK(call)                                                                                                       \
    do {                                                                                                               \
        if (call)                                                                                                      \
            fail_msg("%s: %s", #call, error.message);                                                                  \
    } while (0)

static void test_words(void **state)
{
    (void)state;
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", ASSAY_VERSION_MAJOR, ASSAY_VERSION_MINOR, ASSAY_VERSION_PATCH);
    assert_string_equal(assay_version(), version);
    assert_string_equal(assay_version(), ASSAY_PROJECT_VERSION);
    assert_string_equal(assay_verdict_text(ASSAY_REAL), "real");
    assert_string_equal(assay_verdict_text(ASSAY_GENERATED), "ai-generated");
    assert_string_equal(assay_verdict_text(ASSAY_UNCERTAIN), "uncertain");
    assert_string_equal(assay_verdict_text(ASSAY_UNCALIBRATED), "uncalibrated");
    assert_non_null(assay_verdict_text((assay_verdict)99));
    for (int status = -1; status < 20; status++)
        assert_true(strlen(assay_status_text((assay_status)status)) > 0);
}

static void test_init_again(void **state)
{
    (void)state;
    struct assay_error error = {0};
    assert_int_equal(assay_abi_version(), ASSAY_ABI_VERSION);
    assert_int_equal(assay_init_abi(ASSAY_ABI_VERSION + 1, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "ABI"));
    assert_int_equal(assay_init_abi(0, NULL), ASSAY_ERROR_ARGUMENT);
    error = (struct assay_error){0};
    OK(assay_init(&error));
    OK(assay_init(NULL));
    assert_int_equal(error.status, ASSAY_OK);
}

static bool same(const struct assay_result *a, const struct assay_result *b)
{
    return a->verdict == b->verdict && a->probability == b->probability && a->logit == b->logit;
}

/* A file, its bytes, its pixels, the model from memory: one verdict. */
static void test_every_way(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct assay_model *model = NULL, *mapped = NULL;
    struct assay_picture *picture = NULL;
    struct assay_result file, memory, rgb, again;
    size_t size, model_size;
    uint8_t *bytes = scratch_read("a.jpg", &size), *model_bytes = scratch_read(MODEL, &model_size);
    OK(assay_model_open(MODEL, NULL, &model, &error));
    OK(assay_detect_file(model, "a.jpg", NULL, NULL, &file, &error));
    OK(assay_detect_memory(model, bytes, size, NULL, NULL, NULL, &memory, &error));
    OK(assay_picture_read_file("a.jpg", NULL, NULL, &picture, &error));
    OK(assay_detect_rgb(model, assay_picture_pixels(picture), 64, 48, 192, NULL, &rgb, &error));
    assert_true(same(&file, &memory) && same(&file, &rgb));
    OK(assay_model_open_memory(model_bytes, model_size, NULL, NULL, &mapped, &error));
    OK(assay_detect(mapped, (const struct assay_picture *const *)&picture, 1, NULL, &again, &error));
    assert_true(same(&file, &again));
    assay_picture_free(picture);
    assay_model_close(mapped);
    mapped = NULL;
    assert_int_equal(assay_model_open_memory(model_bytes, model_size - 1, "short", NULL, &mapped, &error),
                     ASSAY_ERROR_FORMAT);
    assert_non_null(strstr(error.message, "short"));
    assert_int_equal(assay_model_open_memory("PNG", 3, NULL, NULL, &mapped, &error), ASSAY_ERROR_FORMAT);
    assert_non_null(strstr(error.message, "model in memory"));
    assert_int_equal(assay_model_open_memory(NULL, 0, NULL, NULL, &mapped, &error), ASSAY_ERROR_ARGUMENT);
    assert_null(mapped);

    const struct assay_limits limits = {.max_pixels = 64 * 48 - 1};
    assert_int_equal(assay_detect_file(model, "a.jpg", &limits, NULL, &again, &error), ASSAY_ERROR_LIMIT);
    assert_int_equal(assay_detect_memory(model, bytes, size, "a", &limits, NULL, &again, &error), ASSAY_ERROR_LIMIT);
    assert_int_equal(assay_detect_memory(model, bytes, 9, "nine", NULL, NULL, &again, &error), ASSAY_ERROR_FORMAT);
    assert_int_equal(assay_detect_rgb(model, bytes, 64, 48, 191, NULL, &again, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_detect_file(NULL, "a.jpg", NULL, NULL, &again, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_detect_file(model, NULL, NULL, NULL, &again, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_detect_file(model, "a.jpg", NULL, NULL, NULL, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_detect_memory(model, bytes, size, "a", NULL, NULL, NULL, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_detect_rgb(model, bytes, 1, 1, 3, NULL, NULL, &error), ASSAY_ERROR_ARGUMENT);
    assay_model_close(model);
    free(bytes);
    free(model_bytes);
}

static void test_describe(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct assay_model *model = NULL;
    struct assay_model_info info;
    OK(assay_model_open(MODEL, NULL, &model, &error));
    assay_model_describe(model, &info);
    assert_string_equal(info.detector, "residual");
    assert_true(info.calibrated == 1 && info.real_below == 0.45 && info.generated_above == 0.55);
    assert_true(info.crop == 32 && info.max_crops == 2);
    assay_model_describe(model, NULL);
    assay_model_close(model);

    scratch_model("plain.safetensors", false);
    struct assay_result result;
    OK(assay_model_open("plain.safetensors", NULL, &model, &error));
    OK(assay_detect_file(model, "a.jpg", NULL, NULL, &result, &error));
    assert_int_equal(result.verdict, ASSAY_UNCALIBRATED);
    assay_model_describe(model, &info);
    assert_true(info.calibrated == 0 && info.real_below < 0 && info.generated_above > 1);
    assay_model_close(model);
    assay_model_describe(NULL, &info);
    assert_string_equal(info.detector, "");
    assert_int_equal(info.crop, 0);
}

/* What verdicts stand on; a model's limits. */
static void test_reasons(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct assay_model *model = NULL;
    struct assay_picture *pictures[3] = {NULL};
    struct assay_result results[3], plain[3];
    struct assay_reasons reasons[3];
    char text[320];
    int side = -1, quality = -1;
    struct model limited;
    OK(model_load(MODEL, &limited, &error));
    limited.limits = (struct verdict_limits){31, 91};
    OK(model_save(&limited, "limited.safetensors", &error));
    model_free(&limited);

    OK(assay_picture_read_file("a.jpg", NULL, NULL, &pictures[0], &error));
    OK(assay_picture_read_file("b.png", NULL, NULL, &pictures[1], &error));
    OK(assay_picture_from_rgb(assay_picture_pixels(pictures[0]), 64, 48, 192, &pictures[2], &error));
    assert_string_equal(assay_picture_format(pictures[0]), "JPEG");
    assert_string_equal(assay_picture_format(pictures[1]), "PNG");
    assert_null(assay_picture_format(pictures[2]));
    assert_null(assay_picture_format(NULL));
    assert_int_equal(assay_picture_jpeg_quality(pictures[0]), 90);
    assert_int_equal(assay_picture_jpeg_quality(pictures[1]), 0);
    assert_int_equal(assay_picture_jpeg_quality(NULL), 0);

    const struct assay_picture *const *all = (const struct assay_picture *const *)pictures;
    OK(assay_model_open("limited.safetensors", NULL, &model, &error));
    assay_model_limits(model, &side, &quality);
    assert_true(side == 31 && quality == 91);
    OK(assay_detect_reasons(model, all, 3, NULL, results, reasons, &error));
    OK(assay_detect(model, all, 3, NULL, plain, &error));
    for (int i = 0; i < 3; i++)
        assert_true(same(&results[i], &plain[i]));
    assert_int_equal(reasons[0].limit, ASSAY_LIMIT_TOO_COMPRESSED);
    assert_int_equal(results[0].verdict, ASSAY_UNCERTAIN);
    assert_int_equal(reasons[1].limit, ASSAY_LIMIT_TOO_SMALL); /* 30 pixels wide */
    assert_int_equal(results[1].verdict, ASSAY_UNCERTAIN);
    assert_int_equal(reasons[2].limit, ASSAY_LIMIT_NONE);
    assert_true(reasons[2].crops >= 1 && reasons[2].crops <= 2 && reasons[2].width == 64 && reasons[2].height == 48);
    assert_true(reasons[2].jpeg_quality == 0 && reasons[0].jpeg_quality == 90);
    assert_true(reasons[2].lowest <= results[2].probability && reasons[2].highest >= results[2].probability);
    assert_true(reasons[2].deviation >= 0 && reasons[2].crops_generated <= 2);
    assert_ptr_equal(assay_reasons_text(model, &reasons[1], text, sizeof text), text);
    assert_int_equal(strncmp(text, "too small to tell: below 31 pixels ", 35), 0);
    assay_reasons_text(NULL, &reasons[0], text, sizeof text);
    assert_int_equal(strncmp(text, "too compressed to tell; ", 24), 0);
    assert_non_null(strstr(text, "JPEG quality 90"));
    assert_string_equal(assay_reasons_text(model, &reasons[1], text, 4), "too");
    assert_string_equal(assay_reasons_text(model, NULL, text, sizeof text), "");
    assert_int_equal(assay_detect_reasons(model, all, 3, NULL, results, NULL, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_detect_reasons(NULL, all, 3, NULL, results, reasons, &error), ASSAY_ERROR_ARGUMENT);
    assay_model_limits(NULL, &side, NULL);
    assert_int_equal(side, 0);
    struct assay_map *map = NULL;
    OK(assay_explain(model, pictures[1], NULL, NULL, &map, &error));
    assert_int_equal(map->result.verdict, ASSAY_UNCERTAIN);
    assay_map_free(map);
    for (int i = 0; i < 3; i++)
        assay_picture_free(pictures[i]);
    assay_model_close(model);
}

/* Called in the midst of a call. */
static int note_threads(void *context, assay_stage stage, double share)
{
    (void)stage;
    (void)share;
    *(int *)context = parallel_threads();
    return 0;
}

/* The threads of a call are the model's, and leave those of its caller as they were. */
static void test_compute_threads(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct assay_model *model = NULL;
    struct assay_result one, two;
    int before = parallel_use_threads(3);
    assert_int_equal(assay_model_open(MODEL, &(struct assay_model_options){.threads = -1}, &model, &error),
                     ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_model_open(MODEL, &(struct assay_model_options){.threads = 1025}, &model, &error),
                     ASSAY_ERROR_ARGUMENT);
    assert_null(model);
    int mine = parallel_threads();
    OK(assay_model_open(MODEL, &(struct assay_model_options){.threads = 1}, &model, &error));
    OK(assay_detect_file(model, "a.jpg", NULL, NULL, &one, &error));
    assert_int_equal(parallel_threads(), mine);
    struct assay_job *stopped = NULL;
    OK(assay_job_create(NULL, NULL, &stopped, &error));
    assay_job_cancel(stopped);
    assert_int_equal(assay_detect_file(model, "a.jpg", NULL, stopped, &two, &error), ASSAY_ERROR_CANCELLED);
    assert_int_equal(parallel_threads(), mine);
    assay_job_free(stopped);
    assay_model_close(model);
    OK(assay_model_open(MODEL, &(struct assay_model_options){.threads = 2}, &model, &error));
    int during = 0;
    struct assay_job *watched = NULL;
    OK(assay_job_create(note_threads, &during, &watched, &error));
    OK(assay_detect_file(model, "a.jpg", NULL, watched, &two, &error));
    assert_int_equal(during, mine == 1 ? 1 : 2); /* 1: built without OpenMP */
    assay_job_free(watched);
    assay_model_close(model);
    assert_true(fabs(one.logit - two.logit) <= 1e-4 * fmax(1, fabs(one.logit)));
    parallel_use_threads(before);
}

static void test_null(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct assay_picture *picture = NULL;
    struct assay_model *model = NULL;
    struct assay_result result;
    uint8_t pixel[3] = {0};
    assert_int_equal(assay_picture_read_file(NULL, NULL, NULL, &picture, &error), ASSAY_ERROR_ARGUMENT);
    assert_true(error.status == ASSAY_ERROR_ARGUMENT && error.message[0]);
    assert_int_equal(assay_picture_read_file("a.jpg", NULL, NULL, NULL, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_picture_read_memory(NULL, 1, "x", NULL, NULL, &picture, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_picture_from_rgb(NULL, 1, 1, 3, &picture, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_picture_from_rgb(pixel, 1, 1, 3, NULL, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_model_open(NULL, NULL, &model, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_model_open(MODEL, NULL, NULL, NULL), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_detect(NULL, NULL, 0, NULL, &result, &error), ASSAY_ERROR_ARGUMENT);
    OK(assay_model_open(MODEL, NULL, &model, &error));
    assert_int_equal(assay_detect(model, NULL, 1, NULL, &result, &error), ASSAY_ERROR_ARGUMENT);
    const struct assay_picture *none[1] = {NULL};
    assert_int_equal(assay_detect(model, none, 1, NULL, &result, &error), ASSAY_ERROR_ARGUMENT);
    OK(assay_detect(model, NULL, 0, NULL, NULL, &error));
    assay_model_close(model);
    assay_model_close(NULL);
    assay_picture_free(NULL);
    assert_null(picture);
    assert_int_equal(assay_picture_width(NULL), 0);
    assert_int_equal(assay_picture_height(NULL), 0);
}

static void test_pictures(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct assay_picture *picture = NULL;
    OK(assay_picture_read_file("b.png", NULL, NULL, &picture, &error));
    assert_int_equal(assay_picture_width(picture), 30);
    assert_int_equal(assay_picture_height(picture), 200);
    assay_picture_free(picture);

    size_t size;
    uint8_t *bytes = scratch_read("a.jpg", &size);
    OK(assay_picture_read_memory(bytes, size, NULL, NULL, NULL, &picture, &error));
    assert_int_equal(assay_picture_width(picture), 64);
    assay_picture_free(picture);
    picture = NULL;
    assert_int_equal(assay_picture_read_memory(bytes, size / 2, "half", NULL, NULL, &picture, &error),
                     ASSAY_ERROR_FORMAT);
    assert_non_null(strstr(error.message, "half"));
    assert_int_equal(assay_picture_read_memory(bytes, 0, "none", NULL, NULL, &picture, &error), ASSAY_ERROR_FORMAT);
    assert_int_equal(assay_picture_read_memory(NULL, 0, NULL, NULL, NULL, &picture, &error), ASSAY_ERROR_FORMAT);
    free(bytes);

    struct assay_limits limits = {.max_pixels = 100};
    assert_int_equal(assay_picture_read_file("a.jpg", &limits, NULL, &picture, &error), ASSAY_ERROR_LIMIT);
    assert_int_equal(assay_picture_read_file("missing.jpg", NULL, NULL, &picture, &error), ASSAY_ERROR_IO);
    assert_non_null(strstr(error.message, "missing.jpg"));
    assert_null(picture);
}

static void test_raw_pixels(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct assay_picture *picture = NULL, *padded = NULL;
    struct assay_model *model = NULL;
    uint8_t packed[50 * 40 * 3], wide[40][200];
    for (int y = 0; y < 40; y++)
        for (int x = 0; x < 200; x++) {
            wide[y][x] = x < 150 ? (uint8_t)(x * 7 + y * y) : 0xEE;
            if (x < 150)
                packed[y * 150 + x] = wide[y][x];
        }
    assert_int_equal(assay_picture_from_rgb(packed, 0, 40, 150, &picture, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_picture_from_rgb(packed, 50, -1, 150, &picture, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_picture_from_rgb(packed, 50, 40, 149, &picture, &error), ASSAY_ERROR_ARGUMENT);
    assert_null(picture);
    OK(assay_picture_from_rgb(packed, 50, 40, 150, &picture, &error));
    OK(assay_picture_from_rgb(&wide[0][0], 50, 40, 200, &padded, &error));
    OK(assay_model_open(MODEL, NULL, &model, &error));
    struct assay_result results[2];
    OK(assay_detect(model, (const struct assay_picture *const[]){picture, padded}, 2, NULL, results, &error));
    assert_true(results[0].logit == results[1].logit); /* the padding is not looked at */
    assay_picture_free(padded);
    assay_picture_free(picture);
    assay_model_close(model);
}

static void test_models(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct assay_model *model = NULL;
    assert_int_equal(assay_model_open("missing.safetensors", NULL, &model, &error), ASSAY_ERROR_IO);
    assert_int_not_equal(assay_model_open("a.jpg", NULL, &model, &error), ASSAY_OK);
    assert_non_null(strstr(error.message, "a.jpg"));
    assert_null(model);

    struct assay_picture *picture = NULL;
    struct assay_result f32, bf16;
    OK(assay_picture_read_file("a.jpg", NULL, NULL, &picture, &error));
    OK(assay_model_open(MODEL, NULL, &model, &error));
    assert_string_equal(assay_model_detector(model), "residual");
    OK(assay_detect(model, (const struct assay_picture *const *)&picture, 1, NULL, &f32, &error));
    assay_model_close(model);
    assert_true(f32.probability > 0 && f32.probability < 1 && isfinite(f32.logit));
    assert_float_equal((float)f32.probability, (float)(1 / (1 + exp(-f32.logit - 0.1))), 1e-6);

    OK(assay_model_open(MODEL, &(struct assay_model_options){.bf16 = 1}, &model, &error));
    OK(assay_detect(model, (const struct assay_picture *const *)&picture, 1, NULL, &bf16, &error));
    assay_model_close(model);
    assert_float_equal((float)f32.probability, (float)bf16.probability, 0.05);
    assay_picture_free(picture);
}

/* ---- several threads ------------------------------------------------------------------------------------------- */

enum { PICTURES = 70, THREADS = 4 };

struct job {
    struct assay_model *model;
    struct assay_picture **pictures;
    struct assay_result results[PICTURES];
    int first;
    assay_status status;
};

/* All the pictures, beginning with another one in each thread, some alone and some together. */
static void *work(void *context)
{
    struct job *job = context;
    for (int i = 0; i < PICTURES && !job->status;) {
        int at = (job->first + i) % PICTURES;
        int count = 1 + (i + job->first) % 5;
        if (at + count > PICTURES)
            count = PICTURES - at;
        if (i + count > PICTURES)
            count = PICTURES - i;
        job->status = assay_detect(job->model, (const struct assay_picture *const *)&job->pictures[at], (size_t)count,
                                   NULL, &job->results[at], NULL);
        i += count;
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct assay_model *model = NULL;
    struct assay_picture *pictures[PICTURES];
    struct assay_result together[PICTURES];
    for (int i = 0; i < PICTURES; i++) {
        size_t size;
        uint8_t *bytes = scratch_picture_bytes(i % 2, 20 + 3 * i, 100 - i, (unsigned)i, &size);
        OK(assay_picture_read_memory(bytes, size, "drawn", NULL, NULL, &pictures[i], &error));
        mem_free(bytes);
    }
    OK(assay_model_open(MODEL, NULL, &model, &error));
    OK(assay_detect(model, (const struct assay_picture *const *)pictures, PICTURES, NULL, together, &error));

    static struct job jobs[THREADS];
    pthread_t threads[THREADS];
    for (int t = 0; t < THREADS; t++) {
        jobs[t] = (struct job){.model = model, .pictures = pictures, .first = t * PICTURES / THREADS};
        assert_int_equal(pthread_create(&threads[t], NULL, work, &jobs[t]), 0);
    }
    for (int t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    double spread = 0;
    for (int t = 0; t < THREADS; t++) {
        assert_int_equal(jobs[t].status, ASSAY_OK);
        for (int i = 0; i < PICTURES; i++)
            assert_true(fabs(jobs[t].results[i].logit - together[i].logit) <= 1e-4 * fmax(1, fabs(together[i].logit)));
    }
    for (int i = 1; i < PICTURES; i++)
        spread = fmax(spread, fabs(together[i].logit - together[0].logit));
    assert_true(spread > 1e-3); /* the model tells pictures apart, so that equal answers mean something */
    assay_model_close(model);
    for (int i = 0; i < PICTURES; i++)
        assay_picture_free(pictures[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),           cmocka_unit_test(test_init_again), cmocka_unit_test(test_null),
        cmocka_unit_test(test_pictures),        cmocka_unit_test(test_raw_pixels), cmocka_unit_test(test_models),
        cmocka_unit_test(test_threads),         cmocka_unit_test(test_every_way),  cmocka_unit_test(test_describe),
        cmocka_unit_test(test_compute_threads), cmocka_unit_test(test_reasons),
    };
    return cmocka_run_group_tests_name("api/library", tests, setup, scratch_end_group);
}
