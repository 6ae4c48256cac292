/* Preprocessing: equal to torchvision's, a grid that covers, a JSON form that is checked. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "detector/crops.h"
#include "format/safetensors.h"

#define IMAGENET .mean = {0.485f, 0.456f, 0.406f}, .std = {0.229f, 0.224f, 0.225f}

static void check_case(const struct safetensors *file, const char *name, struct preprocess p)
{
    struct assay_error error = {0};
    char key[64];
    snprintf(key, sizeof key, "%s.picture", name);
    const struct file_tensor *picture = string_map_get(&file->tensors, key);
    snprintf(key, sizeof key, "%s.tensor", name);
    const struct file_tensor *expected = string_map_get(&file->tensors, key);
    assert_true(picture && expected && picture->dtype == TENSOR_FILE_U8);

    struct image image, fitted;
    assert_int_equal(image_create((int)picture->dim[1], (int)picture->dim[0], &image, &error), ASSAY_OK);
    memcpy(image.pixels, picture->data, image_bytes(&image));
    if (preprocess_fit(&p, &image, &fitted, &error))
        fail_msg("%s: %s", name, error.message);
    struct crops crops;
    crops_choose(&p, &fitted, &crops);
    assert_int_equal(crops.count, 1);
    float *have = mem_alloc(expected->count, sizeof *have), *want = mem_alloc(expected->count, sizeof *want);
    assert_true(have && want && file_tensor_read_f32(expected, want));
    assert_int_equal(expected->count, p.crop * p.crop * 3);
    preprocess_write(&p, &fitted, crops.at[0].left, crops.at[0].top, have);
    for (uint64_t i = 0; i < expected->count; i++)
        if (!(fabsf(have[i] - want[i]) <= 1e-6f))
            fail_msg("%s: value %d is %.8g, not %.8g", name, (int)i, (double)have[i], (double)want[i]);
    mem_free(have);
    mem_free(want);
    image_free(&image);
    image_free(&fitted);
}

static void test_torchvision(void **unused)
{
    (void)unused;
    struct assay_error error;
    struct safetensors file;
    struct preprocess p = {.crop = 32, .fit = PREPROCESS_PAD, .max_crops = 1, IMAGENET};
    assert_int_equal(safetensors_open(ASSAY_TEST_DIR "/detector/fixtures/preprocess.safetensors", &file, &error),
                     ASSAY_OK);
    check_case(&file, "native_center", p);
    check_case(&file, "native_pad", p);
    p.resize = PREPROCESS_SHORTER;
    p.filter = IMAGE_BILINEAR;
    p.resize_to = 40;
    check_case(&file, "shorter_bilinear", p);
    p.resize_to = 25;
    check_case(&file, "shorter_pad", p);
    p.filter = IMAGE_BICUBIC;
    p.resize_to = 37;
    check_case(&file, "shorter_bicubic", p);
    p.resize = PREPROCESS_EXACT;
    p.filter = IMAGE_LANCZOS;
    p.resize_to = 35;
    check_case(&file, "exact_lanczos", p);
    safetensors_close(&file);
}

static void test_tiling(void **unused)
{
    (void)unused;
    struct assay_error error;
    struct image image, fitted;
    struct preprocess p = {.crop = 16, .fit = PREPROCESS_TILE, .max_crops = 1, .std = {1, 1, 1}};
    assert_int_equal(image_create(5, 20, &image, &error), ASSAY_OK);
    for (size_t i = 0; i < image_bytes(&image); i++)
        image.pixels[i] = (uint8_t)(i % 251);
    assert_false(preprocess_fits(&p, &image));
    assert_int_equal(preprocess_fit(&p, &image, &fitted, &error), ASSAY_OK);
    assert_int_equal(fitted.width, 20);
    assert_int_equal(fitted.height, 20);
    for (int y = 0; y < 20; y++)
        for (int x = 0; x < 60; x++)
            assert_int_equal(fitted.pixels[y * 60 + x], image.pixels[y * 15 + x % 15]);
    assert_true(preprocess_fits(&p, &fitted));
    image_free(&image);
    image_free(&fitted);
}

/* Every crop inside and different, the first in the centre, corners reached, nothing left out where the number of crops
 * allows it, but at the ends of sides that are less than half a crop longer than it. */
static void check_grid(int width, int height, int max_crops)
{
    struct preprocess p = {.crop = 32, .max_crops = max_crops};
    struct image image = {.width = width, .height = height}; /* no pixels are read */
    struct crops crops;
    crops_choose(&p, &image, &crops);
    int count = crops.count;
    int lefts[PREPROCESS_MAX_CROPS], tops[PREPROCESS_MAX_CROPS];
    int slack_x = width - p.crop, slack_y = height - p.crop, corners = 0;
    assert_in_range(count, 1, max_crops);
    for (int i = 0; i < count; i++) {
        lefts[i] = crops.at[i].left;
        tops[i] = crops.at[i].top;
        if (lefts[i] < 0 || lefts[i] > slack_x || tops[i] < 0 || tops[i] > slack_y)
            fail_msg("%dx%d: crop %d of %d lies outside", width, height, i, count);
        for (int j = 0; j < i; j++)
            if (lefts[i] == lefts[j] && tops[i] == tops[j])
                fail_msg("%dx%d: crops %d and %d of %d are the same", width, height, i, j, count);
        corners += (lefts[i] == 0 || lefts[i] == slack_x) && (tops[i] == 0 || tops[i] == slack_y);
    }
    assert_true(abs(2 * lefts[0] - slack_x) <= 1 && abs(2 * tops[0] - slack_y) <= 1);
    if (max_crops >= 5 && width == height && corners < (slack_x >= 16 ? 4 : 0))
        fail_msg("%dx%d, at most %d crops: %d corners", width, height, max_crops, corners);

    /* Rows and columns needed to cover all, and the centre besides. */
    int across = (width + p.crop - 1) / p.crop, down = (height + p.crop - 1) / p.crop;
    if (across * down + 1 > max_crops)
        return;
    int edge_x = slack_x < 16 ? (slack_x + 1) / 2 : 0, edge_y = slack_y < 16 ? (slack_y + 1) / 2 : 0;
    for (int y = edge_y; y < height - edge_y; y++)
        for (int x = edge_x; x < width - edge_x; x++) {
            bool covered = false;
            for (int i = 0; i < count && !covered; i++)
                covered = x >= lefts[i] && x < lefts[i] + p.crop && y >= tops[i] && y < tops[i] + p.crop;
            if (!covered)
                fail_msg("%dx%d: (%d, %d) is in none of %d crops", width, height, x, y, count);
        }
}

static void test_grid(void **unused)
{
    (void)unused;
    static const int sides[] = {32, 33, 34, 47, 64, 65, 100, 128, 131, 500};
    static const int most[] = {1, 2, 3, 4, 5, 8, 9, 16, 25, 64};
    for (size_t i = 0; i < 10; i++)
        for (size_t j = 0; j < 10; j++)
            for (size_t k = 0; k < 10; k++)
                check_grid(sides[i], sides[j], most[k]);
    struct preprocess p = {.crop = 128, .max_crops = 16};
    struct image window = {.width = 256, .height = 256}, exact = {.width = 128, .height = 128};
    struct image long_side = {.width = 65535, .height = 128};
    struct crops crops;
    crops_choose(&p, &window, &crops);
    assert_int_equal(crops.count, 9);
    crops_choose(&p, &exact, &crops);
    assert_int_equal(crops.count, 1);
    crops_choose(&p, &long_side, &crops);
    assert_int_equal(crops.count, 15);
}

/* A slope everywhere, and chequers below the right end, faint and strong: the two crops that hold most of them. */
static void test_textured(void **unused)
{
    (void)unused;
    struct preprocess p = {.crop = 32, .max_crops = 2, .choice = PREPROCESS_TEXTURED};
    struct image image;
    struct assay_error error;
    struct crops crops;
    assert_int_equal(image_create(128, 64, &image, &error), ASSAY_OK);
    for (int y = 0; y < 64; y++)
        for (int x = 0; x < 128; x++) {
            int strength = y < 32 || x < 64 ? 0 : x < 96 ? 2 : 9;
            memset(image.pixels + (y * 128 + x) * 3, x + y / 2 + (x + y) % 2 * strength, 3);
        }
    crops_choose(&p, &image, &crops);
    assert_int_equal(crops.count, 2);
    assert_true(crops.at[0].left == 96 && crops.at[0].top == 32);
    assert_true(crops.at[1].left < 96 && crops.at[1].left > 64 && crops.at[1].top == 32);
    p.max_crops = PREPROCESS_MAX_CROPS; /* all there are, as on a grid */
    crops_choose(&p, &image, &crops);
    p.choice = PREPROCESS_GRID;
    struct crops grid;
    crops_choose(&p, &image, &grid);
    assert_int_equal(crops.count, grid.count);
    image_free(&image);
}

static const struct preprocess sample = {.crop = 224,
                                         .resize = PREPROCESS_SHORTER,
                                         .resize_to = 256,
                                         .filter = IMAGE_BICUBIC,
                                         .fit = PREPROCESS_PAD,
                                         .max_crops = 5,
                                         .choice = PREPROCESS_TEXTURED,
                                         IMAGENET};

static void test_json(void **unused)
{
    (void)unused;
    struct assay_error error;
    struct preprocess back = {0};
    json_t *json = preprocess_to_json(&sample);
    char *text = json_dumps(json, 0);
    json_decref(json);
    json = json_loads(text, 0, NULL);
    free(text);
    assert_int_equal(preprocess_from_json(json, "x", &back, &error), ASSAY_OK);
    json_decref(json);
    assert_true(back.crop == 224 && back.resize == PREPROCESS_SHORTER && back.resize_to == 256 &&
                back.filter == IMAGE_BICUBIC && back.fit == PREPROCESS_PAD && back.max_crops == 5 &&
                back.choice == PREPROCESS_TEXTURED);
    assert_memory_equal(back.mean, sample.mean, sizeof back.mean); /* to the bit */
    assert_memory_equal(back.std, sample.std, sizeof back.std);
}

static void refuse(const char *key, json_t *value)
{
    struct assay_error error = {0};
    struct preprocess out = {.crop = -1};
    json_t *json = preprocess_to_json(&sample);
    if (value)
        json_object_set_new(json, key, value);
    else
        json_object_del(json, key);
    assert_int_equal(preprocess_from_json(json, "bad.safetensors", &out, &error), ASSAY_ERROR_MODEL);
    if (!strstr(error.message, key) || !strstr(error.message, "bad.safetensors"))
        fail_msg("\"%s\" does not name %s and the file", error.message, key);
    assert_int_equal(out.crop, -1);
    json_decref(json);
}

static void test_json_refusals(void **unused)
{
    (void)unused;
    static const char *const keys[] = {"crop", "resize", "resize_to", "filter", "fit", "max_crops", "mean", "std"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        refuse(keys[i], NULL);
        refuse(keys[i], json_true());
        refuse(keys[i], json_integer(-1));
        refuse(keys[i], json_string("1e9"));
    }
    refuse("crop", json_integer(0));
    refuse("crop", json_integer(1 << 20));
    refuse("crop", json_integer(INT64_MAX));
    refuse("crop", json_real(224.5));
    refuse("max_crops", json_integer(PREPROCESS_MAX_CROPS + 1));
    refuse("resize_to", json_integer(0));
    refuse("resize_to", json_integer(100000));
    refuse("std", json_pack("[f, f, f]", 1.0, 0.0, 1.0));
    refuse("mean", json_pack("[f, f]", 1.0, 0.0));
    refuse("mean", json_pack("[f, f, s]", 1.0, 0.0, "0"));
    refuse("mean", json_pack("[f, f, f]", 1.0, 0.0, 1e300));
    refuse("surprise", json_integer(1));
    struct assay_error error;
    struct preprocess out;
    assert_int_equal(preprocess_from_json(NULL, "x", &out, &error), ASSAY_ERROR_MODEL);
    json_t *list = json_array();
    assert_int_equal(preprocess_from_json(list, "x", &out, &error), ASSAY_ERROR_MODEL);
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_torchvision), cmocka_unit_test(test_tiling), cmocka_unit_test(test_grid),
        cmocka_unit_test(test_textured),    cmocka_unit_test(test_json),   cmocka_unit_test(test_json_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
