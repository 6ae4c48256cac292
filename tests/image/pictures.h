/* pictures.h - what the tests of pictures share: fixtures by name, a pattern, digests. */
#ifndef ASSAY_TESTS_IMAGE_PICTURES_H
#define ASSAY_TESTS_IMAGE_PICTURES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "image/image.h"

#define FIXTURE(name) ASSAY_TEST_DIR "/image/fixtures/" name
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The first 8 bytes of SHA-256 over the pixels, as tools/reference/image.py computes it. */
static inline uint64_t picture_digest(const struct image *image)
{
    struct sha256 hash;
    uint8_t digest[SHA256_BYTES];
    uint64_t first = 0;
    sha256_init(&hash);
    sha256_update(&hash, image->pixels, image_bytes(image));
    sha256_final(&hash, digest);
    for (int i = 0; i < 8; i++)
        first = first << 8 | digest[i];
    return first;
}

static inline struct image picture_load(const char *fixture)
{
    char path[1024];
    struct image image;
    struct assay_error error = {0};
    snprintf(path, sizeof path, FIXTURE("%s"), fixture);
    if (image_decode_file(path, NULL, &image, &error))
        fail_msg("%s", error.message);
    return image;
}

/* Gradients: the formula of tools/reference/image.py, without its noisy patch. */
static inline struct image picture_pattern(int width, int height)
{
    struct image image;
    assert_int_equal(image_create(width, height, &image, NULL), ASSAY_OK);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint8_t *p = image.pixels + ((size_t)y * (size_t)width + (size_t)x) * 3;
            p[0] = (uint8_t)(x * 4 + y);
            p[1] = (uint8_t)(y * 5 + x * x / 9);
            p[2] = (uint8_t)(x * y / 7 + 40);
        }
    return image;
}

static inline const uint8_t *picture_at(const struct image *image, int x, int y)
{
    return image->pixels + ((size_t)y * (size_t)image->width + (size_t)x) * 3;
}

/* The largest difference of two values in the same place; -1 where the sizes differ. */
static inline int picture_distance(const struct image *a, const struct image *b)
{
    int most = 0;
    if (a->width != b->width || a->height != b->height)
        return -1;
    for (size_t i = 0; i < image_bytes(a); i++) {
        int difference = a->pixels[i] > b->pixels[i] ? a->pixels[i] - b->pixels[i] : b->pixels[i] - a->pixels[i];
        if (difference > most)
            most = difference;
    }
    return most;
}

static inline void assert_same_picture(const struct image *a, const struct image *b)
{
    assert_int_equal(picture_distance(a, b), 0);
}

#endif
