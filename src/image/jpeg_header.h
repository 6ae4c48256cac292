/* jpeg_header.h - what a JPEG says of itself before its first scan: size, sampling, quantisation tables, metadata. No
 * pixel is decoded. */
#ifndef ASSAY_IMAGE_JPEG_HEADER_H
#define ASSAY_IMAGE_JPEG_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JPEG_MAX_COMPONENTS = 4, JPEG_TABLES = 4, JPEG_TABLE_VALUES = 64 };

/* How much coarser colour is stored than brightness. */
enum jpeg_subsampling {
    JPEG_SAMPLING_NONE, /* no JPEG, or no frame header */
    JPEG_GREY,          /* one component */
    JPEG_444,
    JPEG_440,
    JPEG_422,
    JPEG_420,
    JPEG_411,
    JPEG_410,
    JPEG_SAMPLING_OTHER,
    JPEG_SAMPLING_COUNT
};

struct jpeg_header {
    uint32_t width, height; /* as stored, before EXIF turns it; 0: no frame header was found */
    int components;
    bool progressive;
    uint8_t horizontal[JPEG_MAX_COMPONENTS], vertical[JPEG_MAX_COMPONENTS]; /* sampling factors */
    uint8_t table_of[JPEG_MAX_COMPONENTS];                                  /* which table a component uses */
    bool has_table[JPEG_TABLES];
    uint16_t tables[JPEG_TABLES][JPEG_TABLE_VALUES]; /* in zigzag order, as in the file */
    bool exif, xmp, icc, iptc, c2pa, comment;        /* metadata that is there; c2pa: any JUMBF box */
};

/* Reads markers up to the first scan. False where the bytes are no JPEG or end before the frame header; *out then holds
 * what came before. */
bool jpeg_header_read(const uint8_t *bytes, size_t size, struct jpeg_header *out);

enum jpeg_subsampling jpeg_header_subsampling(const struct jpeg_header *header);

/* "4:2:0", "grey"; "" for JPEG_SAMPLING_NONE. */
const char *jpeg_subsampling_text(enum jpeg_subsampling subsampling);

#endif
