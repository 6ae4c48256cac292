/* phash.h - a perceptual hash: 64 bits that change little when a picture is scaled, recompressed or slightly edited.
 *
 * The DCT hash known as pHash, as the Python package imagehash computes it (imagehash.phash, hash_size 8): grey by
 * Pillow's formula, 32 x 32 by Pillow's Lanczos filter, a two-dimensional DCT-II, of which the 8 x 8 lowest frequencies
 * are compared with their median: 1 above it, the first row's first in the highest bit. */
#ifndef ASSAY_IMAGE_PHASH_H
#define ASSAY_IMAGE_PHASH_H

#include <stdbool.h>

#include "image/image.h"

struct phash {
    uint64_t bits;
    bool flat; /* hardly any structure (the 32 x 32 grey picture's standard deviation is below PHASH_FLAT_LEVELS): the
                  bits then tell noise, and such pictures are not to be compared */
};

#define PHASH_FLAT_LEVELS 4.0

assay_status image_phash(const struct image *image, struct phash *out, struct assay_error *error);

/* In how many bits they differ. */
static inline int phash_distance(uint64_t a, uint64_t b)
{
    return __builtin_popcountll(a ^ b);
}

#endif
