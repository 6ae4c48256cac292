/* jpeg_made.h - JPEGs that the tests make with libjpeg: of any tables, progressive, with a thumbnail. */
#ifndef ASSAY_TESTS_PROVENANCE_JPEG_MADE_H
#define ASSAY_TESTS_PROVENANCE_JPEG_MADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/jpeg_peek.h"

/* How a JPEG is written; a zero field is the default. */
struct made {
    int quality;           /* of libjpeg's tables */
    const unsigned *table; /* [64] row by row, in place of these */
    bool progressive;
    int scans;                /* 3 to 64: progressive in so many, each of one coefficient, the last of the rest */
    const uint8_t *thumbnail; /* a JPEG that EXIF holds */
    size_t thumbnail_size;
};

/* A grey picture with edges and texture of every size, drawn from the seed. Freed with mem_free. */
struct jpeg_grey made_picture(uint32_t width, uint32_t height, unsigned seed);

/* Writes it; freed with free(). */
uint8_t *made_jpeg(const struct jpeg_grey *picture, const struct made *how, size_t *size);

/* What it decodes to. */
struct jpeg_grey made_decoded(const uint8_t *bytes, size_t size);

#endif
