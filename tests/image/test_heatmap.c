/* Heat maps: a colour map that is even to the eye, and panels that lie where they should. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "image/colour_map.h"
#include "image/heatmap.h"

static struct assay_error error;

static void ok(assay_status status)
{
    if (status)
        fail_msg("status %d: %s", (int)status, error.message);
}

/* Lighter is more, and sixteen steps are the same distance everywhere, but for rounding to 8 bits (which is why not
 * each step is looked at: in the dark one level is far). */
static void test_colours(void **unused)
{
    (void)unused;
    enum { STRIDE = 15 };
    uint8_t colours[COLOUR_MAP_SIZE][3];
    double least = INFINITY, most = 0, before[3], here[3];
    colour_map(colours);
    colour_to_oklab(colours[0], before);
    assert_true(before[0] < 0.2);
    for (int i = STRIDE; i < COLOUR_MAP_SIZE; i += STRIDE) {
        colour_to_oklab(colours[i], here);
        double d = sqrt(pow(here[0] - before[0], 2) + pow(here[1] - before[1], 2) + pow(here[2] - before[2], 2));
        assert_true(here[0] > before[0] + 0.02);
        least = fmin(least, d);
        most = fmax(most, d);
        memcpy(before, here, sizeof before);
    }
    assert_true(before[0] > 0.93);
    if (!(most / least < 1.1))
        fail_msg("steps from %g to %g", least, most);
    /* known values of OKLab's publication */
    colour_to_oklab((const uint8_t[]){255, 255, 255}, here);
    assert_true(fabs(here[0] - 1) < 1e-3 && fabs(here[1]) < 1e-3 && fabs(here[2]) < 1e-3);
    colour_to_oklab((const uint8_t[]){255, 0, 0}, here);
    assert_true(fabs(here[0] - 0.628) < 1e-3 && fabs(here[1] - 0.225) < 1e-3 && fabs(here[2] - 0.126) < 1e-3);
}

static struct image filled(int width, int height, uint8_t level)
{
    struct image image;
    ok(image_create(width, height, &image, &error));
    memset(image.pixels, level, image_bytes(&image));
    return image;
}

static const uint8_t *pixel(const struct image *image, int x, int y)
{
    return image->pixels + ((size_t)y * (size_t)image->width + (size_t)x) * 3;
}

static double lightness(const uint8_t *rgb)
{
    double lab[3];
    colour_to_oklab(rgb, lab);
    return lab[0];
}

static void test_panels(void **unused)
{
    (void)unused;
    const float heat[] = {0, 1, 0.5f, -1}; /* [2, 2] */
    struct image picture = filled(300, 260, 100), out;
    ok(heatmap_draw(&picture, heat, 2, 2, &out, &error));
    assert_int_equal(out.height, 260);
    assert_int_equal(out.width, 300 + 8 + 300 + 8 + 16);
    for (int y = 0; y < 260; y++)
        for (int x = 0; x < 300; x++)
            assert_int_equal(pixel(&out, x, y)[1], 100); /* the picture itself is untouched */
    assert_memory_equal(pixel(&out, 303, 50), "\xff\xff\xff", 3);
    double none = lightness(pixel(&out, 308 + 2, 2)), full = lightness(pixel(&out, 308 + 297, 2));
    double half = lightness(pixel(&out, 308 + 2, 257));
    assert_true(none < half && half < full);
    /* unseen: grey, hatched */
    bool dark = false, line = false;
    for (int x = 151; x < 296; x++) {
        const uint8_t *p = pixel(&out, 308 + x, 250);
        assert_true(p[0] == p[1] && p[1] == p[2]);
        dark = dark || p[0] == 35;
        line = line || p[0] == 128;
    }
    assert_true(dark && line);
    /* the bar: light at the top, and the very colours */
    uint8_t colours[COLOUR_MAP_SIZE][3];
    colour_map(colours);
    assert_memory_equal(pixel(&out, out.width - 1, 0), colours[255], 3);
    assert_memory_equal(pixel(&out, out.width - 16, 259), colours[0], 3);
    image_free(&picture);
    image_free(&out);
}

/* Tiny, long and large pictures. */
static void test_sizes(void **unused)
{
    (void)unused;
    static const int cases[][4] = {{1, 1, 256, 256},   {100, 30, 300, 90}, {4096, 2048, 1024, 512},
                                   {5000, 2, 1024, 1}, {2, 9000, 1, 1024}, {1024, 1024, 1024, 1024}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct image picture = filled(cases[i][0], cases[i][1], 50), out;
        const float heat[] = {0.25f};
        ok(heatmap_draw(&picture, heat, 1, 1, &out, &error));
        assert_int_equal(out.width, 2 * cases[i][2] + 8 + 8 + 16);
        assert_int_equal(out.height, cases[i][3]);
        image_free(&picture);
        image_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_colours),
        cmocka_unit_test(test_panels),
        cmocka_unit_test(test_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
