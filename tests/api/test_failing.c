/* test_failing.c - each of the library's own allocations fails in turn, over the whole public API: an error that says
 * so, no crash, no leak, and what was to be given out is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "assay/assay.h"
#include "failing_malloc.h"
#include "scratch.h"

#define MODEL "model.safetensors"

/* What the attempts share; made before any allocation fails. */
static struct scene {
    uint8_t *jpeg, *model_bytes;
    size_t jpeg_size, model_size;
    uint8_t pixels[50 * 40 * 3];
    struct assay_model *model; /* warm: its networks are compiled */
    struct assay_picture *picture;
    struct assay_map *map;
    struct assay_job *job;
} scene;

static int setup(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct assay_result result;
    scratch_begin();
    scratch_model(MODEL, true);
    scratch_picture("a.jpg", 50, 40, 1);
    scene.jpeg = scratch_read("a.jpg", &scene.jpeg_size);
    scene.model_bytes = scratch_read(MODEL, &scene.model_size);
    for (size_t i = 0; i < sizeof scene.pixels; i++)
        scene.pixels[i] = (uint8_t)(i * 7);
    if (assay_init(&error) || assay_model_open(MODEL, NULL, &scene.model, &error) ||
        assay_job_create(NULL, NULL, &scene.job, &error) ||
        assay_picture_read_file("a.jpg", NULL, NULL, &scene.picture, &error) ||
        assay_detect_file(scene.model, "a.jpg", NULL, NULL, &result, &error) ||
        assay_explain(scene.model, scene.picture, NULL, NULL, &scene.map, &error))
        fail_msg("%s", error.message);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(scene.jpeg);
    free(scene.model_bytes);
    assay_map_free(scene.map);
    assay_picture_free(scene.picture);
    assay_job_free(scene.job);
    assay_model_close(scene.model);
    scratch_end();
    return 0;
}

/* Where an attempt ends: a failure is one of memory, and says so; whatever was given out is freed. */
static bool judge(assay_status status, const struct assay_error *error, bool given)
{
    if (status) {
        assert_int_equal(status, ASSAY_ERROR_MEMORY);
        assert_int_equal(error->status, status);
        assert_true(error->message[0] != '\0');
    }
    assert_int_equal(given, !status);
    return !status;
}

#define GIVES(name, type, call, release)                                                                               \
    static bool name(void *context)                                                                                    \
    {                                                                                                                  \
        struct assay_error error = {0};                                                                                \
        type *out = NULL;                                                                                              \
        (void)context;                                                                                                 \
        assay_status status = call;                                                                                    \
        bool done = judge(status, &error, out != NULL);                                                                \
        release(out);                                                                                                  \
        return done;                                                                                                   \
    }

#define FILLS(name, call)                                                                                              \
    static bool name(void *context)                                                                                    \
    {                                                                                                                  \
        struct assay_error error = {0};                                                                                \
        struct assay_result out;                                                                                       \
        (void)context;                                                                                                 \
        assay_status status = call;                                                                                    \
        return judge(status, &error, !status);                                                                         \
    }

GIVES(job_create, struct assay_job, assay_job_create(NULL, NULL, &out, &error), assay_job_free)
GIVES(read_file, struct assay_picture, assay_picture_read_file("a.jpg", NULL, scene.job, &out, &error),
      assay_picture_free)
GIVES(read_memory, struct assay_picture,
      assay_picture_read_memory(scene.jpeg, scene.jpeg_size, "a", NULL, NULL, &out, &error), assay_picture_free)
GIVES(from_rgb, struct assay_picture, assay_picture_from_rgb(scene.pixels, 50, 40, 150, &out, &error),
      assay_picture_free)
static size_t png_size;
GIVES(encode_png, uint8_t, assay_picture_encode_png(scene.picture, &out, &png_size, &error), assay_bytes_free)
GIVES(model_open, struct assay_model, assay_model_open(MODEL, NULL, &out, &error), assay_model_close)
GIVES(model_open_memory, struct assay_model,
      assay_model_open_memory(scene.model_bytes, scene.model_size, NULL, NULL, &out, &error), assay_model_close)
GIVES(explain, struct assay_map, assay_explain(scene.model, scene.picture, NULL, scene.job, &out, &error),
      assay_map_free)
GIVES(map_draw, struct assay_picture, assay_map_draw(scene.map, scene.picture, &out, &error), assay_picture_free)
FILLS(detect,
      assay_detect(scene.model, (const struct assay_picture *const *)&scene.picture, 1, scene.job, &out, &error))
FILLS(detect_file, assay_detect_file(scene.model, "a.jpg", NULL, NULL, &out, &error))
FILLS(detect_memory, assay_detect_memory(scene.model, scene.jpeg, scene.jpeg_size, "a", NULL, NULL, &out, &error))
FILLS(detect_rgb, assay_detect_rgb(scene.model, scene.pixels, 50, 40, 150, NULL, &out, &error))

/* A new model, whose first call compiles. */
static bool first_detect(void *context)
{
    struct assay_error error = {0};
    struct assay_model *model = NULL;
    struct assay_result result;
    (void)context;
    assay_status status = assay_model_open(MODEL, NULL, &model, &error);
    if (!status)
        status = assay_detect(model, (const struct assay_picture *const *)&scene.picture, 1, NULL, &result, &error);
    bool done = judge(status, &error, !status);
    assay_model_close(model);
    return done;
}

/* The same model goes on after each failure: what was half compiled is not used. */
static struct assay_model *survivor;

static bool detect_again(void *context)
{
    struct assay_error error = {0};
    struct assay_result result;
    (void)context;
    assay_status status =
        assay_detect(survivor, (const struct assay_picture *const *)&scene.picture, 1, NULL, &result, &error);
    return judge(status, &error, !status);
}

/* `fewest`: allocations that there are at least, so that the wrapping is known to work. */
static void each(failing_attempt *attempt, size_t fewest)
{
    size_t survived, count = failing_malloc_each(attempt, NULL, &survived);
    assert_int_equal(survived, 0);
    if (count < fewest)
        fail_msg("%zu allocations, fewer than %zu", count, fewest);
}

static void test_jobs_and_pictures(void **state)
{
    (void)state;
    each(job_create, 1);
    each(read_file, 3);
    each(read_memory, 2);
    each(from_rgb, 2);
    each(encode_png, 1);
}

static void test_models(void **state)
{
    (void)state;
    each(model_open, 30);
    each(model_open_memory, 30);
}

static void test_verdicts(void **state)
{
    (void)state;
    each(detect, 2);
    each(detect_file, 5);
    each(detect_memory, 4);
    each(detect_rgb, 4);
}

static void test_maps(void **state)
{
    (void)state;
    each(explain, 5);
    each(map_draw, 2);
}

static void test_first_detect(void **state)
{
    (void)state;
    each(first_detect, 60);
}

/* Here blocks stay: what one attempt compiled, a later one uses. At the end the verdict is the right one. */
static void test_goes_on(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct assay_result expected, result;
    long before = failing_malloc_live();
    assert_int_equal(assay_model_open(MODEL, NULL, &survivor, &error), ASSAY_OK);
    size_t nth = 1, failures = 0;
    for (bool fired = true; fired; nth++) {
        failing_malloc_arm(nth);
        bool done = detect_again(NULL);
        fired = failing_malloc_disarm();
        assert_true(done || fired);
        failures += !done;
    }
    assert_true(failures > 5);
    assert_int_equal(assay_detect(scene.model, (const struct assay_picture *const *)&scene.picture, 1, NULL, &expected,
                                  NULL),
                     ASSAY_OK);
    assert_int_equal(assay_detect(survivor, (const struct assay_picture *const *)&scene.picture, 1, NULL, &result,
                                  NULL),
                     ASSAY_OK);
    assert_true(expected.logit == result.logit);
    assay_model_close(survivor);
    assert_int_equal(failing_malloc_live(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jobs_and_pictures), cmocka_unit_test(test_models),
        cmocka_unit_test(test_verdicts),          cmocka_unit_test(test_maps),
        cmocka_unit_test(test_first_detect),      cmocka_unit_test(test_goes_on),
    };
    return cmocka_run_group_tests_name("api/failing", tests, setup, teardown);
}
