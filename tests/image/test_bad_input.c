/* test_bad_input.c - files that are not what they should be: each must give one clear sentence, print nothing, and
 * leave nothing behind. The sanitisers watch. */
#include "pictures.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"

/* ---- helpers -------------------------------------------------------------------------------------------------- */

static char folder[] = "/tmp/assay-bad-input-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    DIR *open_folder = opendir(folder);
    struct dirent *entry;
    (void)state;
    while (open_folder && (entry = readdir(open_folder)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlink(in_folder(entry->d_name));
    if (open_folder)
        closedir(open_folder);
    return rmdir(folder);
}

/* During a test standard error goes to a file; if anything is in it at the end, the test has failed. */
static int caught = -1, real_stderr = -1;

static int catch_stderr(void **state)
{
    char path[] = "/tmp/assay-stderr-XXXXXX";
    (void)state;
    fflush(stderr);
    caught = mkstemp(path);
    if (caught < 0)
        return -1;
    unlink(path);
    real_stderr = dup(STDERR_FILENO);
    return dup2(caught, STDERR_FILENO) < 0 ? -1 : 0;
}

static int check_silence(void **state)
{
    char text[4096];
    (void)state;
    fflush(stderr);
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    ssize_t length = pread(caught, text, sizeof text - 1, 0);
    close(caught);
    if (length == 0)
        return 0;
    text[length > 0 ? length : 0] = '\0';
    fprintf(stderr, "written to standard error: %s\n", text);
    return -1;
}

#define silent_test(test) cmocka_unit_test_setup_teardown(test, catch_stderr, check_silence)

/* The sentence must begin with the name and be one line, and no picture may be given. */
static void check_failure(assay_status status, const struct assay_error *error, const char *name,
                          const struct image *image)
{
    assert_int_equal(error->status, status);
    assert_null(image->pixels);
    size_t length = strlen(name);
    if (strncmp(error->message, name, length) != 0 || error->message[length] != ':' ||
        strchr(error->message + length, '\n') || strlen(error->message) < length + 10)
        fail_msg("unclear message: %s", error->message);
}

static void expect_failure(const char *path, assay_status expected, const char *says)
{
    struct assay_error error = {0};
    struct image image;
    assert_int_equal(image_decode_file(path, NULL, &image, &error), expected);
    check_failure(expected, &error, path, &image);
    if (!strstr(error.message, says))
        fail_msg("\"%s\" should say \"%s\"", error.message, says);
}

/* From a block of just that size, so that a read beyond it is seen. */
static assay_status decode_exactly(const uint8_t *bytes, size_t size, struct image *image, struct assay_error *error)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    if (size)
        memcpy(copy, bytes, size);
    assay_status status = image_decode_memory(copy, size, "a file", NULL, image, error);
    free(copy);
    return status;
}

static void read_fixture(const char *name, uint8_t **bytes, size_t *size)
{
    char path[1024];
    snprintf(path, sizeof path, FIXTURE("%s"), name);
    assert_int_equal(file_read(path, 1 << 20, bytes, size, NULL), ASSAY_OK);
}

/* ---- files that cannot be read -------------------------------------------------------------------------------- */

static void not_a_readable_file(void **state)
{
    (void)state;
    expect_failure(in_folder("missing.jpg"), ASSAY_ERROR_IO, "No such file");
    expect_failure(folder, ASSAY_ERROR_ARGUMENT, "is a directory");
    assert_int_equal(file_write(in_folder("empty.png"), "", 0, NULL), ASSAY_OK);
    expect_failure(in_folder("empty.png"), ASSAY_ERROR_FORMAT, "the file is empty");
    assert_int_equal(file_write(in_folder("text.jpg"), "Hello,\r\nthis is a l\xC3\xA9tter.\n", 27, NULL), ASSAY_OK);
    expect_failure(in_folder("text.jpg"), ASSAY_ERROR_FORMAT, "not a picture but text");
    assert_int_equal(symlink("loop-b", in_folder("loop-a")), 0);
    assert_int_equal(symlink("loop-a", in_folder("loop-b")), 0);
    expect_failure(in_folder("loop-a"), ASSAY_ERROR_IO, "cannot open");
}

static void no_permission(void **state)
{
    const char *path = in_folder("secret.png");
    int was_root = geteuid() == 0;
    (void)state;
    assert_int_equal(file_write(path, "x", 1, NULL), ASSAY_OK);
    assert_int_equal(chmod(path, 0), 0);
    if (was_root && seteuid(65534) != 0)
        skip(); /* root reads everything, and here it cannot be anybody else */
    struct assay_error error = {0};
    struct image image;
    assay_status status = image_decode_file(path, NULL, &image, &error);
    if (was_root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(status, ASSAY_ERROR_IO);
    assert_non_null(strstr(error.message, "Permission denied"));
}

static void odd_names(void **state)
{
    static const char *const names[] = {"with space.jpg", "new\nline.jpg", "not utf-8 \xFF\xC3.jpg", "-dash.jpg",
                                        "%s%n.jpg"};
    uint8_t *bytes;
    size_t size;
    (void)state;
    read_fixture("rgb.jpg", &bytes, &size);
    for (size_t i = 0; i < COUNT(names); i++) {
        struct assay_error error = {0};
        struct image image;
        const char *path = in_folder(names[i]);
        assert_int_equal(file_write(path, bytes, size, NULL), ASSAY_OK);
        assert_int_equal(image_decode_file(path, NULL, &image, &error), ASSAY_OK);
        image_free(&image);
        assert_int_equal(file_write(path, bytes, size / 2, NULL), ASSAY_OK);
        expect_failure(path, ASSAY_ERROR_FORMAT, "cut short");
    }
    mem_free(bytes);
}

/* ---- files cut short ------------------------------------------------------------------------------------------ */

static void assert_cut_fails(const char *what, const uint8_t *bytes, size_t size, size_t tenth)
{
    struct assay_error error = {0};
    struct image image;
    assay_status status = decode_exactly(bytes, size, &image, &error);
    if (!status)
        fail_msg("%s cut at %zu tenths was decoded", what, tenth);
    assert_int_equal(status, ASSAY_ERROR_FORMAT);
    check_failure(status, &error, "a file", &image);
}

static void our_jpeg_and_png_cut_at_every_tenth(void **state)
{
    static const int sizes[][2] = {{160, 120}, {1, 1}, {1, 20000}, {1500, 700}};
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct image from = picture_pattern(sizes[i][0], sizes[i][1]);
        for (int png = 0; png < 2; png++) {
            uint8_t *bytes;
            size_t size;
            if (png)
                assert_int_equal(image_encode_png(&from, &bytes, &size, NULL), ASSAY_OK);
            else
                assert_int_equal(image_encode_jpeg(&from, 85, IMAGE_420, &bytes, &size, NULL), ASSAY_OK);
            for (size_t tenth = 0; tenth < 10; tenth++)
                assert_cut_fails(png ? "a PNG" : "a JPEG", bytes, size * tenth / 10, tenth);
            mem_free(bytes);
        }
        image_free(&from);
    }
}

static void other_formats_cut_at_every_tenth(void **state)
{
    static const char *const names[] = {"progressive.jpg", "cmyk.jpg",   "interlaced.png", "16bit.png",
                                        "lossy.webp",      "alpha.webp", "lossless.webp",  "animated.webp",
                                        "rgb.gif",         "lzw.tif",    "jpeg.tif",       "deflate.tif",
                                        "16bit.tif",       "444.avif",   "lossless.heic"};
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        uint8_t *bytes;
        size_t size;
        read_fixture(names[i], &bytes, &size);
        for (size_t tenth = 0; tenth < 10; tenth++)
            assert_cut_fails(names[i], bytes, size * tenth / 10, tenth);
        mem_free(bytes);
    }
}

static void a_cut_file_says_where(void **state)
{
    struct image from = picture_pattern(160, 120), image;
    struct assay_error error = {0};
    uint8_t *bytes;
    size_t size;
    (void)state;
    assert_int_equal(image_encode_jpeg(&from, 85, IMAGE_420, &bytes, &size, NULL), ASSAY_OK);
    assert_int_equal(image_decode_memory(bytes, size * 3 / 4, "a.jpg", NULL, &image, &error), ASSAY_ERROR_FORMAT);
    assert_non_null(strstr(error.message,
                           "a.jpg: this JPEG of 160 x 120 pixels is damaged or cut short (decoding stopped "
                           "at row "));
    mem_free(bytes);
    image_free(&from);
}

/* ---- sizes ---------------------------------------------------------------------------------------------------- */

static uint32_t png_checksum(const uint8_t *bytes, size_t size)
{
    uint32_t crc = 0xFFFFFFFF;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    return ~crc;
}

static void store_big_endian(uint8_t *at, uint32_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, value >>= 8)
        at[i] = (uint8_t)value;
}

static size_t find(const uint8_t *bytes, size_t size, const char *what, size_t length)
{
    for (size_t i = 0; i + length <= size; i++)
        if (memcmp(bytes + i, what, length) == 0)
            return i;
    fail_msg("not found");
    return 0;
}

static void assert_too_large(const uint8_t *bytes, size_t size)
{
    struct rusage before, after;
    struct assay_error error = {0};
    struct image image;
    getrusage(RUSAGE_SELF, &before);
    assay_status status = decode_exactly(bytes, size, &image, &error);
    getrusage(RUSAGE_SELF, &after);
    if (status != ASSAY_ERROR_LIMIT || !strstr(error.message, "than the limit of 100000000 pixels"))
        fail_msg("status %d: %s", (int)status, error.message);
    check_failure(status, &error, "a file", &image);
    assert_true(after.ru_maxrss - before.ru_maxrss < 200 * 1024); /* KiB: refused before anything that size is held */
}

/* A tiny body under a header that promises 60000 x 60000 pixels (WebP: as many as it can say). */
static void huge_headers_over_tiny_bodies(void **state)
{
    struct image from = picture_pattern(8, 8);
    uint8_t *bytes;
    size_t size;
    (void)state;
    assert_int_equal(image_encode_png(&from, &bytes, &size, NULL), ASSAY_OK);
    store_big_endian(bytes + 16, 60000, 4);
    store_big_endian(bytes + 20, 60000, 4);
    store_big_endian(bytes + 29, png_checksum(bytes + 12, 17), 4);
    assert_too_large(bytes, size);
    mem_free(bytes);

    assert_int_equal(image_encode_jpeg(&from, 80, IMAGE_420, &bytes, &size, NULL), ASSAY_OK);
    size_t frame = find(bytes, size, "\xFF\xC0", 2);
    store_big_endian(bytes + frame + 5, 60000, 2);
    store_big_endian(bytes + frame + 7, 60000, 2);
    assert_too_large(bytes, size);
    mem_free(bytes);

    read_fixture("rgb.gif", &bytes, &size);
    size_t descriptor = find(bytes, size, ",\0\0\0\0\x3D\0\x2B\0", 9); /* libnsgif believes the frame, not the screen */
    memcpy(bytes + 6, "\x60\xEA\x60\xEA", 4);
    memcpy(bytes + descriptor + 5, "\x60\xEA\x60\xEA", 4);
    assert_too_large(bytes, size);
    mem_free(bytes);

    read_fixture("alpha.webp", &bytes, &size);
    assert_memory_equal(bytes + 12, "VP8X", 4);
    memcpy(bytes + 24, "\xFE\x3F\0\xFE\x3F\0", 6);
    assert_too_large(bytes, size);
    mem_free(bytes);

    read_fixture("lossy.webp", &bytes, &size);
    assert_memory_equal(bytes + 12, "VP8 ", 4);
    memcpy(bytes + 26, "\xFE\x3F\xFE\x3F", 4);
    assert_too_large(bytes, size);
    mem_free(bytes);

    read_fixture("lossless.webp", &bytes, &size);
    assert_memory_equal(bytes + 12, "VP8L", 4);
    memcpy(bytes + 21, "\xFF\xFF\xFF\x0F", 4);
    assert_too_large(bytes, size);
    mem_free(bytes);
    image_free(&from);
}

static void no_side_beyond_65535(void **state)
{
    struct image from = picture_pattern(8, 8), image;
    struct assay_error error = {0};
    uint8_t *bytes;
    size_t size;
    (void)state;
    assert_int_equal(image_encode_png(&from, &bytes, &size, NULL), ASSAY_OK);
    store_big_endian(bytes + 16, 65536, 4);
    store_big_endian(bytes + 20, 1, 4);
    store_big_endian(bytes + 29, png_checksum(bytes + 12, 17), 4);
    assert_int_equal(decode_exactly(bytes, size, &image, &error), ASSAY_ERROR_LIMIT);
    assert_non_null(strstr(error.message, "65536 x 1 pixels, and no side may exceed 65535"));
    mem_free(bytes);
    image_free(&from);
}

static void extreme_shapes(void **state)
{
    static const int sizes[][2] = {{1, 1}, {1, 20000}, {20000, 1}};
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct image from = picture_pattern(sizes[i][0], sizes[i][1]), image;
        uint8_t *bytes;
        size_t size;
        assert_int_equal(image_encode_png(&from, &bytes, &size, NULL), ASSAY_OK);
        assert_int_equal(decode_exactly(bytes, size, &image, NULL), ASSAY_OK);
        assert_same_picture(&from, &image);
        mem_free(bytes);
        image_free(&image);
        assert_int_equal(image_encode_jpeg(&from, 95, IMAGE_444, &bytes, &size, NULL), ASSAY_OK);
        assert_int_equal(decode_exactly(bytes, size, &image, NULL), ASSAY_OK);
        assert_int_equal(image.width, sizes[i][0]);
        assert_int_equal(image.height, sizes[i][1]);
        mem_free(bytes);
        image_free(&image);
        image_free(&from);
    }
}

/* ---- damage --------------------------------------------------------------------------------------------------- */

/* Bytes changed here and there. What comes out is a picture or a sentence. (AVIF and HEIC are left to the fuzzer: their
 * decoders are larger than this test's patience.) */
static void changed_bytes(void **state)
{
    static const char *const names[] = {"rgb.jpg",        "progressive.jpg",  "cmyk.jpg",     "palette.png",
                                        "interlaced.png", "rgb.gif",          "animated.gif", "lossy.webp",
                                        "lossless.webp",  "animated.webp",    "lzw.tif",      "palette.tif",
                                        "jpeg.tif",       "orientation_6.jpg"};
    const struct assay_limits limits = {.max_pixels = 1 << 20, .max_bytes = 0};
    struct random random = random_open(2024, 0, 0);
    int failed = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        uint8_t *bytes, *changed;
        size_t size;
        read_fixture(names[i], &bytes, &size);
        assert_non_null(changed = malloc(size));
        for (int round = 0; round < 60; round++) {
            struct assay_error error = {0};
            struct image image;
            memcpy(changed, bytes, size);
            for (uint64_t n = 1 + random_below(&random, 8); n > 0; n--)
                changed[random_below(&random, size)] = (uint8_t)random_u32(&random);
            assay_status status = image_decode_memory(changed, size, "a file", &limits, &image, &error);
            if (status) {
                check_failure(status, &error, "a file", &image);
                failed++;
            }
            image_free(&image);
        }
        free(changed);
        mem_free(bytes);
    }
    assert_true(failed > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        silent_test(not_a_readable_file),
        cmocka_unit_test(no_permission),
        silent_test(odd_names),
        silent_test(our_jpeg_and_png_cut_at_every_tenth),
        silent_test(other_formats_cut_at_every_tenth),
        cmocka_unit_test(a_cut_file_says_where),
        silent_test(huge_headers_over_tiny_bodies),
        cmocka_unit_test(no_side_beyond_65535),
        silent_test(extreme_shapes),
        silent_test(changed_bytes),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
