/* jpeg_quality.h - the quality at which a JPEG was written, recovered from its quantisation tables. libjpeg and all
 * that is built on it (Pillow, libvips, OpenCV, browsers) scale two tables of the standard by the quality; each of the
 * 100 qualities gives other numbers, so it can be read back exactly. Other writers (cameras, Photoshop, mozjpeg) have
 * tables of their own: for these it is the quality whose tables are nearest. */
#ifndef ASSAY_IMAGE_JPEG_QUALITY_H
#define ASSAY_IMAGE_JPEG_QUALITY_H

#include "image/jpeg_header.h"

struct jpeg_quality {
    int quality; /* 1 to 100; 0: there are no tables to tell it from */
    bool exact;  /* the tables are libjpeg's for that quality, to the number */
};

struct jpeg_quality jpeg_quality_estimate(const struct jpeg_header *header);

/* T.81, figure A.6: where the values of the zigzag lie, row by row. */
extern const uint8_t jpeg_zigzag[JPEG_TABLE_VALUES];

/* One value of libjpeg's table for a quality of 1..100: of brightness or colour, in zigzag order; `baseline` bounds
 * values at 255 as baseline files do. */
int jpeg_quality_table(int quality, bool colour, bool baseline, int index);

#endif
