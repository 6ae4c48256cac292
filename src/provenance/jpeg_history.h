/* jpeg_history.h - whether a JPEG shows that it was one before: the double-compression hint. A first compression leaves
 * brightness' coefficients at multiples of its own steps; the second rounds these to multiples of the steps in the
 * file, and where the two do not divide each other, some multiples become rarer than their neighbours and some more
 * frequent, in turn (A. Popescu, H. Farid, "Statistical tools for digital forensics", 2004; J. Lukas, J. Fridrich,
 * "Estimation of primary quantization matrix in double compressed JPEG images", 2003).
 *
 * For each of the lowest frequencies and each earlier step, the histogram is fitted twice, as a smooth curve and as the
 * smooth curve times the number of multiples of the earlier step that fall to each value. What the second explains
 * better, summed over the frequencies, is the score. No pixel is decoded; of large pictures the upper part is read.
 *
 * It cannot see: a first compression with the same tables, or with steps that divide those of the file; anything where
 * the picture was resized, turned by other than right angles or cropped off the grid of blocks in between. It is a
 * hint. */
#ifndef ASSAY_PROVENANCE_JPEG_HISTORY_H
#define ASSAY_PROVENANCE_JPEG_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    JPEG_HISTORY_BLOCKS =
        16384, /* blocks that are read: a megapixel; of progressive JPEGs, which take longer, half of it */
    JPEG_HISTORY_LEAST = 400 /* of fewer nothing is said */
};

struct jpeg_history {
    bool looked;  /* there was enough to look at */
    bool twice;   /* it seems to have been compressed before, with other tables */
    int quality;  /* of the earlier tables, if they were libjpeg's; 0: not known */
    double score; /* natural logarithm of a likelihood ratio, roughly */
    bool whole;   /* all of the picture was looked at, not the upper part alone */
};

/* The bytes of a JPEG. */
struct jpeg_history jpeg_history_read(const uint8_t *bytes, size_t size);

#endif
