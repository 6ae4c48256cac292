/* test_transforms.c - from a picture's file to the network's input: within one grey level of what CLIP's, DINOv2's and
 * torchvision's own transforms make of it (tools/reference/transforms.py). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "detector/crops.h"
#include "detector/preprocess.h"
#include "format/safetensors.h"

enum { CROP = 224, STEP = 7, FIRST = 3, SAMPLES = 32 };

#define IMAGENET                                                                                                       \
    {0.485f, 0.456f, 0.406f},                                                                                          \
    {                                                                                                                  \
        0.229f, 0.224f, 0.225f                                                                                         \
    }
#define CLIP                                                                                                           \
    {0.48145466f, 0.4578275f, 0.40821073f},                                                                            \
    {                                                                                                                  \
        0.26862954f, 0.26130258f, 0.27577711f                                                                          \
    }

static const struct {
    const char *name;
    enum image_filter filter;
    int resize_to;
    float mean[3], std[3];
} transforms[] = {
    {"clip:", IMAGE_BICUBIC, 224, CLIP},
    {"dinov2:", IMAGE_BICUBIC, 256, IMAGENET},
    {"v1:", IMAGE_BILINEAR, 256, IMAGENET},
    {"v2:", IMAGE_BILINEAR, 232, IMAGENET},
};

static struct image decode(const char *name)
{
    struct assay_error error = {0};
    struct image image = {0};
    char path[512];
    snprintf(path, sizeof path, "%s/../%s", ASSAY_TEST_DIR, name);
    if (image_decode_file(path, NULL, &image, &error))
        fail_msg("%s", error.message);
    return image;
}

/* The levels that our input stands for: at most one from those of the reference, nearly all the same. */
static void compare(const char *what, const struct preprocess *p, const float *ours, const struct file_tensor *theirs)
{
    const uint8_t *want = theirs->data;
    int same = 0;
    assert_int_equal(theirs->count, SAMPLES * SAMPLES * 3);
    for (int y = 0; y < SAMPLES; y++)
        for (int x = 0; x < SAMPLES; x++)
            for (int c = 0; c < 3; c++, want++) {
                float value = ours[((FIRST + y * STEP) * CROP + FIRST + x * STEP) * 3 + c];
                double level = ((double)value * (double)p->std[c] + (double)p->mean[c]) * 255;
                if (fabs(level - round(level)) > 1e-3 || fabs(level - *want) > 1.001)
                    fail_msg("%s: %g at (%d, %d, %d), not %d", what, level, y, x, c, *want);
                same += fabs(level - *want) < 0.01;
            }
    if (same < SAMPLES * SAMPLES * 3 * 95 / 100)
        fail_msg("%s: only %d of %d levels are the same", what, same, SAMPLES * SAMPLES * 3);
}

static void test_published(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct safetensors file;
    float *ours = mem_alloc(CROP * CROP * 3, sizeof *ours);
    size_t checked = 0;
    assert_int_equal(safetensors_open(ASSAY_TEST_DIR "/detector/fixtures/transforms.safetensors", &file, &error),
                     ASSAY_OK);
    for (size_t i = 0; i < file.tensors.count; i++) {
        const struct file_tensor *theirs = file.tensors.entries[i].value;
        for (size_t k = 0; k < sizeof transforms / sizeof transforms[0]; k++) {
            size_t length = strlen(transforms[k].name);
            if (strncmp(theirs->name, transforms[k].name, length) != 0)
                continue;
            struct image image = decode(theirs->name + length), fitted = {0};
            struct preprocess p = {.crop = CROP,
                                   .resize = PREPROCESS_SHORTER,
                                   .resize_to = transforms[k].resize_to,
                                   .filter = transforms[k].filter,
                                   .fit = PREPROCESS_PAD,
                                   .max_crops = 1};
            memcpy(p.mean, transforms[k].mean, sizeof p.mean);
            memcpy(p.std, transforms[k].std, sizeof p.std);
            if (preprocess_fit(&p, &image, &fitted, &error))
                fail_msg("%s", error.message);
            struct crops crops;
            crops_choose(&p, &fitted, &crops);
            preprocess_write(&p, &fitted, crops.at[0].left, crops.at[0].top, ours);
            compare(theirs->name, &p, ours, theirs);
            image_free(&image);
            image_free(&fitted);
            checked++;
        }
    }
    assert_int_equal(checked, file.tensors.count);
    assert_int_equal(checked, 36);
    mem_free(ours);
    safetensors_close(&file);
}

int main(void)
{
    if (image_library_init(NULL))
        return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_published)};
    return cmocka_run_group_tests_name("detector/transforms", tests, NULL, NULL);
}
