/* test_memory.c - every allocation of the picture room failing in turn: an error, no crash, nothing kept. */
#include "pictures.h"

#include "base/memory.h"
#include "failing_malloc.h"
#include "image/geometry.h"
#include "image/perturb.h"
#include "image/perturbation.h"
#include "image/resample.h"

static struct image source;
static struct perturbation three_steps;

/* The operation's own error must be the one for memory, and a failed one must give no picture. */
static bool finish(assay_status status, const struct assay_error *error, struct image *out)
{
    bool good =
        status == ASSAY_OK ? out->pixels != NULL : status == ASSAY_ERROR_MEMORY && error->message[0] && !out->pixels;
    image_free(out);
    if (!good)
        fail_msg("status %d: %s", (int)status, error->message);
    return status == ASSAY_OK;
}

#define ATTEMPT(name, call)                                                                                            \
    static bool name(void *context)                                                                                    \
    {                                                                                                                  \
        struct assay_error error = {0};                                                                                \
        struct image out = {0};                                                                                        \
        (void)context;                                                                                                 \
        return finish(call, &error, &out);                                                                             \
    }

ATTEMPT(resize, image_resize(&source, 20, 70, IMAGE_BICUBIC, &out, &error))
ATTEMPT(widen, image_resize(&source, 90, 43, IMAGE_LANCZOS, &out, &error))
ATTEMPT(crop, image_crop_center(&source, 80, 20, &out, &error))
ATTEMPT(tile, image_tile(&source, 100, 100, &out, &error))
ATTEMPT(turn, image_turn(&source, 1, &out, &error))
ATTEMPT(noise, image_noise(&source, 3.0, 1, &out, &error))
ATTEMPT(blur, image_blur(&source, 2.0, &out, &error))
ATTEMPT(blur_kernel, image_blur_kernel(&source, 5, 4.0, &out, &error))
ATTEMPT(jpeg, image_jpeg(&source, 60, &out, &error))
ATTEMPT(jpeg_bgr, image_jpeg_bgr(&source, 60, &out, &error))
ATTEMPT(webp, image_webp(&source, 60, &out, &error))
ATTEMPT(zoom, image_zoom(&source, 0.2, 0, &out, &error))
ATTEMPT(chain, perturbation_apply(&three_steps, 0, "x", &source, &out, &error))
ATTEMPT(decode, image_decode_file(FIXTURE("orientation_6.jpg"), NULL, &out, &error))
ATTEMPT(decode_gif, image_decode_file(FIXTURE("transparent.gif"), NULL, &out, &error))

static void each_allocation_may_fail(void **state)
{
    static const struct {
        const char *name;
        failing_attempt *attempt;
        size_t least;
    } attempts[] = {
        {"resize", resize, 8}, {"widen", widen, 6},       {"crop", crop, 1},      {"tile", tile, 1},
        {"turn", turn, 1},     {"noise", noise, 1},       {"blur", blur, 3},      {"kernel", blur_kernel, 3},
        {"jpeg", jpeg, 2},     {"jpeg-bgr", jpeg_bgr, 3}, {"webp", webp, 2},      {"zoom", zoom, 5},
        {"chain", chain, 5},   {"decode", decode, 3},     {"GIF", decode_gif, 3},
    };
    (void)state;
    assert_int_equal(image_library_init(NULL), ASSAY_OK);
    source = picture_pattern(61, 43);
    assert_int_equal(perturbation_parse("resize:0.5+blur:1+noise:5", &three_steps, NULL), ASSAY_OK);
    for (size_t i = 0; i < COUNT(attempts); i++) {
        size_t survived, count = failing_malloc_each(attempts[i].attempt, NULL, &survived);
        if (count < attempts[i].least || survived)
            fail_msg("%s: %zu allocations, %zu survived", attempts[i].name, count, survived);
    }
    image_free(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
