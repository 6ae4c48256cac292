/* test_geometry.c - crops, tiles, flips and turns. */
#include "pictures.h"

#include "image/geometry.h"

#include "image/resample.h"

#include "fixtures/expected.h"

static const uint8_t black[3];

/* Pixel (x, y) of `out` must be pixel (sx, sy) of `from`, or black where that lies outside. */
static void assert_pixel(const struct image *out, int x, int y, const struct image *from, int sx, int sy)
{
    int inside = sx >= 0 && sy >= 0 && sx < from->width && sy < from->height;
    assert_memory_equal(picture_at(out, x, y), inside ? picture_at(from, sx, sy) : black, 3);
}

static void crops_windows_inside_and_outside(void **state)
{
    static const int windows[][4] = {{0, 0, 61, 43},   {3, 5, 7, 11},  {-4, -6, 20, 20},
                                     {50, 40, 30, 30}, {-9, 2, 90, 3}, {61, 0, 5, 5},
                                     {-200, 0, 10, 9}, {0, 43, 3, 3},  {2147483000, -2147483000, 2000, 2000}};
    struct image from = picture_pattern(61, 43);
    (void)state;
    for (size_t i = 0; i < COUNT(windows); i++) {
        const int *w = windows[i];
        struct image out;
        assert_int_equal(image_crop(&from, w[0], w[1], w[2], w[3], &out, NULL), ASSAY_OK);
        for (int y = 0; y<w[3]; y += w[3]> 100 ? 97 : 1)
            for (int x = 0; x<w[2]; x += w[2]> 100 ? 97 : 1) {
                int64_t sx = (int64_t)w[0] + x, sy = (int64_t)w[1] + y;
                assert_pixel(&out, x, y, &from, sx > 1000000 ? -1 : (int)sx, (int)sy);
            }
        image_free(&out);
    }
    struct image out;
    assert_int_equal(image_crop(&from, 0, 0, 0, 5, &out, NULL), ASSAY_ERROR_ARGUMENT);
    image_free(&from);
}

static void center_crop_as_torchvision_does(void **state)
{
    struct image from = picture_load("rgb.png"), out;
    (void)state;
    for (size_t i = 0; i < COUNT(expected_center); i++) {
        assert_int_equal(image_crop_center(&from, expected_center[i].width, expected_center[i].height, &out, NULL),
                         ASSAY_OK);
        if (picture_digest(&out) != expected_center[i].digest)
            fail_msg("centre crop of %d x %d differs", expected_center[i].width, expected_center[i].height);
        image_free(&out);
    }
    assert_int_equal(image_crop_center(&from, INT32_MAX, 4, &out, NULL), ASSAY_ERROR_ARGUMENT);
    image_free(&from);
}

/* Every offset of RandomCrop comes up, none other, and each about as often. */
static void random_crop_is_uniform(void **state)
{
    static const struct {
        int size, crop, least, most;
    } axes[] = {{9, 4, 0, 5}, {4, 4, 0, 0}, {4, 6, -2, 0}};
    (void)state;
    for (size_t i = 0; i < COUNT(axes); i++)
        for (int vertical = 0; vertical < 2; vertical++) {
            enum { DRAWS = 3000 };
            int seen[16] = {0}, size = axes[i].size, crop = axes[i].crop;
            struct image from, out;
            struct random random = random_open(7, i, 0);
            assert_int_equal(image_create(vertical ? 1 : size, vertical ? size : 1, &from, NULL), ASSAY_OK);
            for (int k = 0; k < size; k++)
                memset(from.pixels + k * 3, k + 1, 3); /* 1, 2, 3... so that 0 is padding */
            for (int draw = 0; draw < DRAWS; draw++) {
                assert_int_equal(image_crop_random(&from, vertical ? 1 : crop, vertical ? crop : 1, &random, &out,
                                                   NULL),
                                 ASSAY_OK);
                int first = 0;
                while (first < crop && out.pixels[first * 3] == 0)
                    first++;
                int offset = out.pixels[first * 3] - 1 - first;
                assert_in_range(offset + 8, axes[i].least + 8, axes[i].most + 8);
                seen[offset + 8]++;
                for (int k = 0; k < crop; k++) {
                    int at = offset + k;
                    assert_int_equal(out.pixels[k * 3], at < 0 || at >= size ? 0 : at + 1);
                }
                image_free(&out);
            }
            int fair = DRAWS / (axes[i].most - axes[i].least + 1);
            for (int offset = axes[i].least; offset <= axes[i].most; offset++)
                assert_in_range(seen[offset + 8], fair * 4 / 5, fair * 6 / 5);
            image_free(&from);
        }
}

static void random_crop_repeats_with_its_seed(void **state)
{
    struct image from = picture_pattern(61, 43), a, b;
    struct random first = random_open(1, 2, 3), again = random_open(1, 2, 3);
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(image_crop_random(&from, 20, 50, &first, &a, NULL), ASSAY_OK);
        assert_int_equal(image_crop_random(&from, 20, 50, &again, &b, NULL), ASSAY_OK);
        assert_same_picture(&a, &b);
        image_free(&a);
        image_free(&b);
    }
    image_free(&from);
}

static void tiles_small_pictures(void **state)
{
    static const int cases[][4] = {
        {10, 10, 61, 43}, {61, 43, 61, 43}, {62, 43, 122, 43}, {200, 90, 244, 129}, {-5, 0, 61, 43}};
    struct image from = picture_pattern(61, 43), out;
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(image_tile(&from, cases[i][0], cases[i][1], &out, NULL), ASSAY_OK);
        assert_int_equal(out.width, cases[i][2]);
        assert_int_equal(out.height, cases[i][3]);
        for (int y = 0; y < out.height; y++)
            for (int x = 0; x < out.width; x++)
                assert_pixel(&out, x, y, &from, x % 61, y % 43);
        image_free(&out);
    }
    assert_int_equal(image_tile(&from, 1 << 30, 1, &out, NULL), ASSAY_ERROR_LIMIT);
    image_free(&from);
}

/* All eight, larger than a block of the inner loop, by their definitions. */
static void flips_and_turns(void **state)
{
    struct image from = picture_pattern(75, 40), out;
    int w = from.width, h = from.height;
    (void)state;
    for (int orientation = 0; orientation <= 9; orientation++) {
        assert_int_equal(image_orient(&from, orientation, &out, NULL), ASSAY_OK);
        int swapped = orientation >= 5 && orientation <= 8;
        assert_int_equal(out.width, swapped ? h : w);
        for (int y = 0; y < out.height; y++)
            for (int x = 0; x < out.width; x++) {
                const int at[10][2] = {{x, y},         {x, y}, {w - 1 - x, y}, {w - 1 - x, h - 1 - y},
                                       {x, h - 1 - y}, {y, x}, {y, h - 1 - x}, {w - 1 - y, h - 1 - x},
                                       {w - 1 - y, x}, {x, y}};
                assert_pixel(&out, x, y, &from, at[orientation][0], at[orientation][1]);
            }
        image_free(&out);
    }
    assert_int_equal(image_flip_horizontal(&from, &out, NULL), ASSAY_OK);
    assert_pixel(&out, 3, 5, &from, w - 4, 5);
    image_free(&out);
    assert_int_equal(image_flip_vertical(&from, &out, NULL), ASSAY_OK);
    assert_pixel(&out, 3, 5, &from, 3, h - 6);
    image_free(&out);
    for (int turns = -5; turns <= 6; turns++) {
        assert_int_equal(image_turn(&from, turns, &out, NULL), ASSAY_OK);
        int quarter = ((turns % 4) + 4) % 4; /* numpy.rot90: out[y, x] = from[x, w - 1 - y] */
        const int at[4][2] = {{3, 5}, {w - 1 - 5, 3}, {w - 1 - 3, h - 1 - 5}, {5, h - 1 - 3}};
        assert_pixel(&out, 3, 5, &from, at[quarter][0], at[quarter][1]);
        image_free(&out);
    }
    image_free(&from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crops_windows_inside_and_outside),
        cmocka_unit_test(center_crop_as_torchvision_does),
        cmocka_unit_test(random_crop_is_uniform),
        cmocka_unit_test(random_crop_repeats_with_its_seed),
        cmocka_unit_test(tiles_small_pictures),
        cmocka_unit_test(flips_and_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
