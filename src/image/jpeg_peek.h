/* jpeg_peek.h - less of a JPEG than its pixels, for less than their price: the quantised coefficients of its brightness
 * (entropy decoding alone), and a small grey picture (at an eighth of the sides, the mean of each block). By libjpeg,
 * whose errors become `false` here: who peeks has nothing to say about a picture that is damaged. */
#ifndef ASSAY_IMAGE_JPEG_PEEK_H
#define ASSAY_IMAGE_JPEG_PEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    JPEG_PEEK_SCANS = 24,          /* a file of more scans is not read: each is a walk over all blocks */
    JPEG_PEEK_MAX_KEPT = 24 << 20, /* pixels of a picture in several scans, which libjpeg must keep whole */
    JPEG_PEEK_BLOCK = 64,          /* coefficients of one block, 8 x 8, row by row */
};

/* What of a picture's brightness (its first component) was given to the caller. */
struct jpeg_blocks {
    uint16_t quantisation[JPEG_PEEK_BLOCK]; /* row by row */
    uint32_t columns, rows;                 /* of blocks that were given */
    bool whole;                             /* they are all that the picture has */
};

/* Called for each row of blocks, from the top. */
typedef void jpeg_block_row(void *context, const int16_t (*blocks)[JPEG_PEEK_BLOCK], size_t count);

/* Reads the picture's upper rows, as many as have at most `max_blocks` blocks in the finest component (but at least one
 * row of MCUs). What lies below is not decoded. False: no JPEG that libjpeg reads, damaged in these rows, more scans
 * than above, or no memory. */
bool jpeg_peek_blocks(const uint8_t *bytes, size_t size, uint64_t max_blocks, jpeg_block_row *row, void *context,
                      struct jpeg_blocks *out);

struct jpeg_grey {
    uint32_t width, height;
    uint8_t *pixels; /* [height, width], freed with mem_free */
};

/* The picture's brightness at 1, 1/2, 1/4 or 1/8 of its sides, rounded up. False: as above, CMYK, more than
 * `max_pixels` pixels (of the picture as stored), or of several scans and more than JPEG_PEEK_MAX_KEPT. */
bool jpeg_peek_grey(const uint8_t *bytes, size_t size, unsigned denominator, uint64_t max_pixels,
                    struct jpeg_grey *out);

#endif
