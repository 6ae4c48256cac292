/* test_decode.c - pictures of every format against what Pillow decodes; orientation, limits, ways in, threads. */
#include "pictures.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include <vips/vips.h>

#include "base/file.h"
#include "base/memory.h"
#include "image/resample.h"

#include "fixtures/expected.h"

static void decodes_as_pillow_does(void **state)
{
    int wrong = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(expected_pictures); i++) {
        struct image image = picture_load(expected_pictures[i].file);
        if (image.width != expected_pictures[i].width || image.height != expected_pictures[i].height ||
            picture_digest(&image) != expected_pictures[i].digest) {
            print_error("%s differs\n", expected_pictures[i].file);
            wrong++;
        }
        image_free(&image);
    }
    assert_int_equal(wrong, 0);
}

static void decodes_avif_and_heic(void **state)
{
    struct image got = picture_load("444.avif"), wanted = picture_load("444.avif.png");
    (void)state;
    assert_in_range(picture_distance(&got, &wanted), 0, 1);
    image_free(&got);
    image_free(&wanted);
    /* written by x265 with no loss but that of the colour space */
    got = picture_load("lossless.heic");
    wanted = picture_load("rgb.png");
    assert_in_range(picture_distance(&got, &wanted), 0, 2);
    image_free(&got);
    image_free(&wanted);
}

static void encodes_png_without_loss(void **state)
{
    static const int sizes[][2] = {{1, 1}, {61, 43}, {1, 300}, {400, 2}};
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct image from = picture_pattern(sizes[i][0], sizes[i][1]), back;
        uint8_t *bytes;
        size_t size;
        assert_int_equal(image_encode_png(&from, &bytes, &size, NULL), ASSAY_OK);
        assert_int_equal(image_decode_memory(bytes, size, "a PNG", NULL, &back, NULL), ASSAY_OK);
        assert_same_picture(&from, &back);
        mem_free(bytes);
        image_free(&from);
        image_free(&back);
    }
}

static void encodes_jpeg_with_and_without_subsampling(void **state)
{
    struct image from = picture_load("rgb.png"), back;
    int distance[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        uint8_t *bytes;
        size_t size;
        assert_int_equal(image_encode_jpeg(&from, 100, i ? IMAGE_444 : IMAGE_420, &bytes, &size, NULL), ASSAY_OK);
        assert_int_equal(image_decode_memory(bytes, size, "a JPEG", NULL, &back, NULL), ASSAY_OK);
        distance[i] = picture_distance(&from, &back);
        mem_free(bytes);
        image_free(&back);
    }
    assert_in_range(distance[1], 1, 5);
    assert_in_range(distance[0], 6, 255); /* chroma at half the size, over noise */
    image_free(&from);
}

static void reads_standard_input(void **state)
{
    struct image from_file = picture_load("rgb.jpg"), from_stdin;
    (void)state;
    int saved = dup(STDIN_FILENO), fd = open(FIXTURE("rgb.jpg"), O_RDONLY);
    assert_true(saved >= 0 && fd >= 0);
    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    assay_status status = image_decode_file("-", NULL, &from_stdin, NULL);
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(fd);
    assert_int_equal(status, ASSAY_OK);
    assert_same_picture(&from_file, &from_stdin);
    image_free(&from_file);
    image_free(&from_stdin);
}

static void keeps_to_the_limits(void **state)
{
    struct assay_limits limits = {.max_pixels = 61 * 43};
    struct assay_error error = {0};
    struct image image;
    (void)state;
    assert_int_equal(image_decode_file(FIXTURE("rgb.png"), &limits, &image, &error), ASSAY_OK);
    image_free(&image);
    limits.max_pixels--;
    for (size_t i = 0; i < COUNT(expected_pictures); i++) {
        char path[1024];
        if (expected_pictures[i].width != 61)
            continue;
        snprintf(path, sizeof path, FIXTURE("%s"), expected_pictures[i].file);
        assert_int_equal(image_decode_file(path, &limits, &image, &error), ASSAY_ERROR_LIMIT);
        assert_non_null(strstr(error.message, "61 x 43 pixels, more than the limit of 2622 pixels"));
        assert_null(image.pixels);
    }
    limits = (struct assay_limits){.max_bytes = 1000};
    assert_int_equal(image_decode_file(FIXTURE("rgb.png"), &limits, &image, &error), ASSAY_ERROR_LIMIT);
    uint8_t *bytes;
    size_t size;
    assert_int_equal(file_read(FIXTURE("rgb.png"), 1 << 20, &bytes, &size, &error), ASSAY_OK);
    assert_int_equal(image_decode_memory(bytes, size, "x", &limits, &image, &error), ASSAY_ERROR_LIMIT);
    mem_free(bytes);
}

static void knows_extensions(void **state)
{
    static const char *const yes[] = {"a.jpg", "b/c.JPEG", "x.y.PnG", "d.webp", "d.tif",    "d.TIFF",
                                      "d.gif", "d.heic",   "d.heif",  "d.avif", "a b\n.jpg"};
    static const char *const no[] = {"",     "jpg",    ".jpg",  "dir/.png", "a.jpg/b",
                                     "a.jp", "a.jpgs", "a.txt", "a.",       "a.svg"};
    (void)state;
    for (size_t i = 0; i < COUNT(yes); i++)
        assert_true(image_has_known_extension(yes[i]));
    for (size_t i = 0; i < COUNT(no); i++)
        assert_false(image_has_known_extension(no[i]));
}

static void names_what_it_does_not_decode(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *says;
    } cases[] = {
        {"BM\x36\x10\0\0\0\0\0\0", 10, "a BMP picture is unsupported"},
        {"8BPS\0\1", 6, "a Photoshop (PSD) picture is unsupported"},
        {"%PDF-1.7\n%\xE2\xE3", 11, "a PDF document is unsupported"},
        {"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", 63, "an SVG drawing is unsupported"},
        {"<!DOCTYPE html><html>", 21, "a web page (HTML) is unsupported"},
        {"\xFF\x0A\xFA\x1F", 4, "a JPEG XL picture is unsupported"},
        {"\0\0\0\x18"
         "ftypmp42\0\0\0\0mp42isom",
         24, "a video (MP4 or QuickTime) is unsupported"},
        {"PK\3\4", 4, "a ZIP archive is unsupported"},
        {"Dear Sir or Madam", 17, "not a picture but text"},
        {"\1\2\3\4\5\6\7", 7, "not a picture, or of an unknown format"},
        {"\x89", 1, "not a picture, or of an unknown format"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct assay_error error = {0};
        struct image image;
        assert_int_equal(image_decode_memory(cases[i].bytes, cases[i].size, "name", NULL, &image, &error),
                         ASSAY_ERROR_FORMAT);
        if (strncmp(error.message, "name: ", 6) != 0 || !strstr(error.message, cases[i].says))
            fail_msg("\"%s\" should say \"%s\"", error.message, cases[i].says);
    }
    struct assay_error error = {0};
    struct image image;
    assert_int_equal(image_decode_file(FIXTURE("float.tif"), NULL, &image, &error), ASSAY_ERROR_FORMAT);
    assert_non_null(strstr(error.message, "this TIFF stores pixels as float"));
}

/* libvips has loaders for these; they must not run in this process, whoever asks. */
static void other_loaders_are_blocked(void **state)
{
    uint8_t *bytes;
    size_t size;
    (void)state;
    assert_int_equal(image_library_init(NULL), ASSAY_OK);
    assert_int_equal(file_read(FIXTURE("rgb.jpg"), 1 << 20, &bytes, &size, NULL), ASSAY_OK);
#if VIPS_MAJOR_VERSION > 8 || VIPS_MINOR_VERSION >= 13
    static const char svg[] = "<svg xmlns='http://www.w3.org/2000/svg' width='4' height='4'></svg>";
    VipsImage *picture = NULL;
    assert_int_not_equal(vips_svgload_buffer((void *)svg, sizeof svg - 1, &picture, NULL), 0);
    assert_int_not_equal(vips_magickload_buffer(bytes, size, &picture, NULL), 0);
    assert_int_not_equal(vips_rawload(FIXTURE("rgb.jpg"), &picture, 2, 2, 3, NULL), 0);
#endif
    vips_error_clear();
    mem_free(bytes);
}

/* Good and bad pictures at once: results and messages must be those of one thread. */
enum { THREADS = 4, ROUNDS = 40 };

static void *decode_in_a_thread(void *context)
{
    uintptr_t wrong = 0;
    (void)context;
    for (int i = 0; i < ROUNDS; i++) {
        struct assay_error error = {0};
        struct image image;
        size_t pick = (size_t)i % COUNT(expected_pictures);
        char path[1024];
        snprintf(path, sizeof path, FIXTURE("%s"), expected_pictures[pick].file);
        if (image_decode_file(path, NULL, &image, &error) || picture_digest(&image) != expected_pictures[pick].digest)
            wrong++;
        image_free(&image);
        uint8_t *bytes = NULL;
        size_t size;
        if (file_read(path, 1 << 20, &bytes, &size, &error) ||
            image_decode_memory(bytes, 12, path, NULL, &image, &error) != ASSAY_ERROR_FORMAT ||
            strncmp(error.message, path, strlen(path)) != 0)
            wrong++;
        mem_free(bytes);
    }
    return (void *)wrong;
}

static void decodes_on_several_threads(void **state)
{
    pthread_t threads[THREADS];
    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, decode_in_a_thread, NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_as_pillow_does),    cmocka_unit_test(decodes_avif_and_heic),
        cmocka_unit_test(encodes_png_without_loss),  cmocka_unit_test(encodes_jpeg_with_and_without_subsampling),
        cmocka_unit_test(reads_standard_input),      cmocka_unit_test(keeps_to_the_limits),
        cmocka_unit_test(knows_extensions),          cmocka_unit_test(names_what_it_does_not_decode),
        cmocka_unit_test(other_loaders_are_blocked), cmocka_unit_test(decodes_on_several_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
