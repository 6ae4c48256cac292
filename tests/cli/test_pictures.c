/* test_pictures.c - every kind of picture, good and bad, through the command: a verdict or one clear line, no crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <vips/vips.h>

#include "base/memory.h"
#include "scratch.h"

#define MODEL "--model=model.safetensors"

static int setup(void **state)
{
    (void)state;
    scratch_begin();
    scratch_model("model.safetensors", true);
    scratch_picture("good.png", 60, 44, 1); /* sets libvips up, too */
    return 0;
}

static void expect_judged(const char *path)
{
    struct outcome o;
    RUN(&o, "detect", "--json", MODEL, path);
    if (o.status != 0 || count_of(o.out, "\"probability\"") != 1 || o.err[0])
        fail_msg("%s: status %d\n%s%s", path, o.status, o.out, o.err);
    outcome_free(&o);
}

/* One line that names the file and has `part`; a good picture beside it is judged all the same. */
static void expect_refused(const char *path, const char *part)
{
    struct outcome o;
    RUN(&o, "detect", "--json", MODEL, path, "good.png");
    if (o.status != 1 || count_of(o.err, "\n") != 1 || !strstr(o.err, path) || !strstr(o.err, part) ||
        count_of(o.out, "\"error\"") != 1 || count_of(o.out, "\"probability\"") != 1)
        fail_msg("%s: status %d, expected \"%s\"\n%s%s", path, o.status, part, o.out, o.err);
    outcome_free(&o);
}

static void test_not_pictures(void **state)
{
    (void)state;
    scratch_write("empty.jpg", "", 0);
    scratch_write("text.jpg", "once upon a time\n", 17);
    scratch_write("page.png", "<!doctype html><html></html>", 28);
    scratch_write("svg.png", "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"/>", 63);
    expect_refused("empty.jpg", "empty");
    expect_refused("text.jpg", "text");
    expect_refused("page.png", "HTML");
    expect_refused("svg.png", "");
    expect_refused("missing.png", "No such file");
}

/* Cut at every tenth: refused, each time. */
static void test_cut(void **state)
{
    (void)state;
    for (int png = 0; png < 2; png++) {
        size_t size;
        uint8_t *bytes = scratch_picture_bytes(png, 120, 90, 5, &size);
        const char *args[16] = {"detect", "--json", MODEL};
        char names[10][16];
        for (size_t tenth = 0; tenth < 10; tenth++) {
            snprintf(names[tenth], sizeof names[tenth], "cut%zu.%s", tenth, png ? "png" : "jpg");
            scratch_write(names[tenth], bytes, size * tenth / 10);
            args[3 + tenth] = names[tenth];
        }
        mem_free(bytes);
        struct outcome o;
        run(&(struct launch){.args = args}, &o);
        if (o.status != 1 || count_of(o.out, "\"error\"") != 10 || count_of(o.err, "\n") != 10)
            fail_msg("status %d\n%s%s", o.status, o.out, o.err);
        outcome_free(&o);
    }
}

static void test_extreme_sizes(void **state)
{
    (void)state;
    scratch_picture("one.png", 1, 1, 1);
    scratch_picture("one.jpg", 1, 1, 1);
    scratch_picture("tall.png", 1, 20000, 1);
    scratch_picture("wide.jpg", 20000, 1, 1);
    expect_judged("one.png");
    expect_judged("one.jpg");
    expect_judged("tall.png");
    expect_judged("wide.jpg");
}

static uint32_t crc_of(const uint8_t *bytes, size_t size)
{
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (0xEDB88320u & (0u - (crc & 1u)));
    }
    return ~crc;
}

static void put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* A good header that promises 60000x60000 over the body of a small picture. */
static void test_huge_header(void **state)
{
    (void)state;
    size_t size;
    uint8_t *png = scratch_picture_bytes(true, 20, 20, 1, &size);
    put32(png + 16, 60000);
    put32(png + 20, 60000);
    put32(png + 29, crc_of(png + 12, 17));
    scratch_write("huge.png", png, size);
    mem_free(png);
    expect_refused("huge.png", "60000");

    uint8_t *jpeg = scratch_picture_bytes(false, 20, 20, 1, &size);
    size_t at = 2;
    while (at + 9 < size && !(jpeg[at] == 0xFF && (jpeg[at + 1] == 0xC0 || jpeg[at + 1] == 0xC2)))
        at += 2 + (size_t)jpeg[at + 2] * 256 + jpeg[at + 3];
    assert_true(at + 9 < size);
    for (int i = 0; i < 4; i += 2) {
        jpeg[at + 5 + (size_t)i] = 60000 >> 8;
        jpeg[at + 6 + (size_t)i] = 60000 & 255;
    }
    scratch_write("huge.jpg", jpeg, size);
    mem_free(jpeg);
    expect_refused("huge.jpg", "60000");
}

/* A noisy picture of `bands` 8-bit values a pixel. */
static VipsImage *noisy(int width, int height, int bands, VipsInterpretation interpretation)
{
    uint8_t *pixels = calloc((size_t)width * (size_t)height, (size_t)bands);
    assert_non_null(pixels);
    uint32_t noise = 1;
    for (size_t i = 0; i < (size_t)width * (size_t)height * (size_t)bands; i++) {
        noise = noise * 1664525u + 1013904223u;
        pixels[i] = (uint8_t)(noise >> 24);
    }
    VipsImage *raw = vips_image_new_from_memory_copy(pixels, (size_t)width * (size_t)height * (size_t)bands, width,
                                                     height, bands, VIPS_FORMAT_UCHAR);
    free(pixels);
    assert_non_null(raw);
    VipsImage *image = NULL;
    assert_int_equal(vips_copy(raw, &image, "interpretation", interpretation, NULL), 0);
    g_object_unref(raw);
    return image;
}

static void test_kinds(void **state)
{
    (void)state;
    VipsImage *rgb = noisy(60, 44, 3, VIPS_INTERPRETATION_sRGB), *grey = noisy(60, 44, 1, VIPS_INTERPRETATION_B_W);
    VipsImage *alpha = noisy(60, 44, 4, VIPS_INTERPRETATION_sRGB), *cmyk = noisy(60, 44, 4, VIPS_INTERPRETATION_CMYK);
    VipsImage *deep = NULL;
    assert_int_equal(vips_colourspace(rgb, &deep, VIPS_INTERPRETATION_RGB16, NULL), 0);
    assert_int_equal(vips_pngsave(deep, "sixteen.png", NULL), 0);
    assert_int_equal(vips_tiffsave(deep, "sixteen.tif", NULL), 0);
    assert_int_equal(vips_pngsave(grey, "grey.png", NULL), 0);
    assert_int_equal(vips_jpegsave(grey, "grey.jpg", NULL), 0);
    assert_int_equal(vips_pngsave(alpha, "alpha.png", NULL), 0);
    assert_int_equal(vips_webpsave(alpha, "alpha.webp", NULL), 0);
    assert_int_equal(vips_jpegsave(cmyk, "cmyk.jpg", NULL), 0);
    assert_int_equal(vips_pngsave(rgb, "palette.png", "palette", TRUE, NULL), 0);
    assert_int_equal(vips_tiffsave(rgb, "plain.tiff", NULL), 0);
    static const char *const files[] = {"sixteen.png", "sixteen.tif", "grey.png",    "grey.jpg",  "alpha.png",
                                        "alpha.webp",  "cmyk.jpg",    "palette.png", "plain.tiff"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        expect_judged(files[i]);
    g_object_unref(deep);
    g_object_unref(cmyk);
    g_object_unref(alpha);
    g_object_unref(grey);
    g_object_unref(rgb);
}

static void test_animated(void **state)
{
    (void)state;
    VipsImage *strip = noisy(40, 3 * 30, 3, VIPS_INTERPRETATION_sRGB);
    vips_image_set_int(strip, VIPS_META_PAGE_HEIGHT, 30);
    assert_int_equal(vips_webpsave(strip, "animated.webp", NULL), 0);
    assert_int_equal(vips_gifsave(strip, "animated.gif", NULL), 0);
    expect_judged("animated.webp");
    expect_judged("animated.gif");
    g_object_unref(strip);
}

static void test_orientations(void **state)
{
    (void)state;
    const char *args[16] = {"detect", "--json", MODEL};
    char names[8][24];
    for (int orientation = 1; orientation <= 8; orientation++) {
        VipsImage *image = noisy(60, 44, 3, VIPS_INTERPRETATION_sRGB);
        vips_image_set_int(image, VIPS_META_ORIENTATION, orientation);
        snprintf(names[orientation - 1], sizeof names[0], "orientation%d.jpg", orientation);
        assert_int_equal(vips_jpegsave(image, names[orientation - 1], NULL), 0);
        args[2 + orientation] = names[orientation - 1];
        g_object_unref(image);
    }
    struct outcome o;
    run(&(struct launch){.args = args}, &o);
    assert_int_equal(o.status, 0);
    assert_int_equal(count_of(o.out, "\"probability\""), 8);
    outcome_free(&o);
}

static void test_standard_input(void **state)
{
    (void)state;
    struct outcome o;
    const char *const args[] = {"detect", "--json", MODEL, "-", NULL};
    run(&(struct launch){.args = args}, &o); /* /dev/null */
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "standard input"));
    outcome_free(&o);
    scratch_write("text", "words", 5);
    run(&(struct launch){.args = args, .input = "text"}, &o);
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.out, "{\"file\":\"-\",\"error\":\""));
    outcome_free(&o);
}

int main(int argc, char **argv)
{
    if (!scratch_take_program(argc, argv))
        return 2;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_pictures),  cmocka_unit_test(test_cut),
        cmocka_unit_test(test_extreme_sizes), cmocka_unit_test(test_huge_header),
        cmocka_unit_test(test_kinds),         cmocka_unit_test(test_animated),
        cmocka_unit_test(test_orientations),  cmocka_unit_test(test_standard_input),
    };
    return cmocka_run_group_tests_name("cli/pictures", tests, setup, scratch_end_group);
}
