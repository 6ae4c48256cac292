/* test_augment.c - each step does what its name says, by chance and range, the same for the same stream. */
#include "support.h"

#include <math.h>

#include "data/augment.h"
#include "image/geometry.h"
#include "image/perturb.h"

enum { CROP = 16 };

static const struct preprocess plain = {.crop = CROP, .fit = PREPROCESS_TILE, .max_crops = 1, .std = {1, 1, 1}};
static struct image picture;

static struct augment nothing(void)
{
    struct augment a;
    option_defaults(augment_option_table, &a);
    a.flip = 0;
    return a;
}

/* A picture of noise whose every window is its own. */
static void make_picture(int width, int height)
{
    struct random random = random_open(9, 0, 0);
    image_free(&picture);
    assert_ok(image_create(width, height, &picture, &test_error));
    for (size_t i = 0; i < image_bytes(&picture); i++)
        picture.pixels[i] = (uint8_t)random_u32(&random);
}

static int teardown(void **state)
{
    (void)state;
    image_free(&picture);
    return 0;
}

static void vary(const struct augment *a, uint64_t label, float *out)
{
    struct random random = random_open(1, label, 0);
    assert_ok(augment_write(a, &plain, &picture, &random, out, &test_error));
}

static float window[CROP * CROP * 3], other[CROP * CROP * 3];

/* Whether `window` is the whole picture `expected` of CROP x CROP. */
static bool window_is(const struct image *expected)
{
    for (size_t i = 0; i < CROP * CROP * 3; i++)
        if (fabsf(window[i] * 255 - (float)expected->pixels[i]) > 1e-3f)
            return false;
    return true;
}

static void test_defaults_flip_half(void **state)
{
    (void)state;
    struct augment a;
    struct image flipped = {0};
    size_t straight = 0, mirrored = 0;
    option_defaults(augment_option_table, &a);
    assert_ok(augment_check(&a, &test_error));
    make_picture(CROP, CROP);
    assert_ok(image_flip_horizontal(&picture, &flipped, &test_error));
    for (uint64_t i = 0; i < 400; i++) {
        vary(&a, i, window);
        straight += window_is(&picture);
        mirrored += window_is(&flipped);
    }
    assert_int_equal(straight + mirrored, 400);
    assert_true(mirrored > 150 && mirrored < 250);
    image_free(&flipped);
}

static void test_turns(void **state)
{
    (void)state;
    struct augment a = nothing();
    struct image turned[4] = {{0}};
    size_t counts[4] = {0};
    a.turn = 1;
    make_picture(CROP, CROP);
    for (int t = 0; t < 4; t++)
        assert_ok(image_turn(&picture, t, &turned[t], &test_error));
    for (uint64_t i = 0; i < 300; i++) {
        vary(&a, i, window);
        for (int t = 0; t < 4; t++)
            counts[t] += window_is(&turned[t]);
    }
    assert_int_equal(counts[0], 0);
    for (int t = 1; t < 4; t++) {
        assert_true(counts[t] > 60 && counts[t] < 140);
        image_free(&turned[t]);
    }
    image_free(&turned[0]);
    assert_int_equal(counts[1] + counts[2] + counts[3], 300);
}

/* Every place in the picture comes up, about as often as any other. */
static void test_crop_places(void **state)
{
    (void)state;
    struct augment a = nothing();
    size_t places[4][3] = {{0}}, total = 0;
    make_picture(CROP + 3, CROP + 2);
    for (uint64_t i = 0; i < 1200; i++) {
        vary(&a, i, window);
        for (int x = 0; x < 4; x++)
            for (int y = 0; y < 3; y++) {
                struct image cut = {0};
                assert_ok(image_crop(&picture, x, y, CROP, CROP, &cut, &test_error));
                if (window_is(&cut)) {
                    places[x][y]++;
                    total++;
                }
                image_free(&cut);
            }
    }
    assert_int_equal(total, 1200);
    for (int x = 0; x < 4; x++)
        for (int y = 0; y < 3; y++)
            assert_true(places[x][y] > 60 && places[x][y] < 140);
}

static void test_small_pictures_are_tiled(void **state)
{
    (void)state;
    struct augment a = nothing();
    make_picture(CROP / 2, CROP);
    vary(&a, 1, window);
    for (size_t y = 0; y < CROP; y++)
        assert_memory_equal(window + y * CROP * 3, window + y * CROP * 3 + CROP / 2 * 3, CROP / 2 * 3 * sizeof(float));
}

/* With a range of one value, a step is the operation itself. */
static void test_single_steps(void **state)
{
    (void)state;
    struct image expected = {0};
    make_picture(CROP, CROP);

    struct augment a = nothing();
    a.blur = 1;
    a.blur_min = a.blur_max = 1.25;
    vary(&a, 1, window);
    assert_ok(image_blur(&picture, 1.25, &expected, &test_error));
    assert_true(window_is(&expected));
    image_free(&expected);

    a = nothing();
    a.jpeg = 1;
    a.jpeg_min = a.jpeg_max = 70;
    vary(&a, 1, window);
    assert_ok(image_jpeg(&picture, 70, &expected, &test_error));
    assert_true(window_is(&expected));
    image_free(&expected);

    a = nothing();
    a.webp = 1;
    a.webp_min = a.webp_max = 60;
    vary(&a, 1, window);
    assert_ok(image_webp(&picture, 60, &expected, &test_error));
    assert_true(window_is(&expected));
    image_free(&expected);

    a = nothing();
    a.noise = 1;
    a.noise_min = a.noise_max = 10;
    double sum = 0;
    size_t counted = 0;
    for (size_t i = 0; i < image_bytes(&picture); i++)
        picture.pixels[i] = (uint8_t)(80 + picture.pixels[i] % 96); /* far from the ends, where noise is cut */
    vary(&a, 1, window);
    for (size_t i = 0; i < CROP * CROP * 3; i++, counted++)
        sum += pow((double)window[i] * 255 - picture.pixels[i], 2);
    assert_true(fabs(sqrt(sum / (double)counted) - 10) < 1.5);
    vary(&a, 2, other);
    assert_memory_not_equal(window, other, sizeof window); /* a seed of its own each time */
}

/* Resizing keeps a gradient's slope in proportion: the factor can be read off the window. */
static void test_resize(void **state)
{
    (void)state;
    struct augment a = nothing();
    size_t smaller = 0, larger = 0;
    a.resize = 1;
    a.resize_min = 0.5;
    a.resize_max = 2;
    image_free(&picture);
    assert_ok(image_create(80, 80, &picture, &test_error));
    for (size_t i = 0; i < image_bytes(&picture); i++)
        picture.pixels[i] = (uint8_t)(i / 3 % 80 * 3);
    for (uint64_t i = 0; i < 200; i++) {
        vary(&a, i, window);
        double slope = (double)(window[(CROP - 2) * 3] - window[1 * 3]) * 255 / (CROP - 3);
        assert_true(slope > 3 / 2.2 && slope < 3 / 0.45);
        smaller += slope > 3;
        larger += slope < 3;
    }
    assert_true(smaller > 70 && larger > 70);
}

/* Switching one step on leaves the others' draws alone, and a stream gives the same window each time. */
static void test_draws_are_apart(void **state)
{
    (void)state;
    struct augment a = nothing(), b = nothing();
    make_picture(64, 48);
    b.blur = 1;
    b.blur_min = b.blur_max = 0; /* sigma 0 copies */
    for (uint64_t i = 0; i < 20; i++) {
        vary(&a, i, window);
        vary(&a, i, other);
        assert_memory_equal(window, other, sizeof window);
        vary(&b, i, other);
        assert_memory_equal(window, other, sizeof window);
    }
}

static void test_options(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct augment a;
    option_defaults(augment_option_table, &a);
    assert_ok(option_set(augment_option_table, &a, "augment-jpeg-min", "97", &arena, &test_error));
    assert_error(augment_check(&a, &test_error), "augment-jpeg-min (97) lies above augment-jpeg-max (95)");
    assert_error(option_set(augment_option_table, &a, "augment-jpeg", "1.5", &arena, &test_error), "augment-jpeg");
    option_defaults(augment_option_table, &a);
    a.resize_min = 3;
    assert_error(augment_check(&a, &test_error), "augment-resize-min");
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_flip_half), cmocka_unit_test(test_turns),
        cmocka_unit_test(test_crop_places),        cmocka_unit_test(test_small_pictures_are_tiled),
        cmocka_unit_test(test_single_steps),       cmocka_unit_test(test_resize),
        cmocka_unit_test(test_draws_are_apart),    cmocka_unit_test(test_options),
    };
    assay_status ready = image_library_init(&test_error);
    return ready ? 1 : cmocka_run_group_tests_name("data/augment", tests, NULL, teardown);
}
