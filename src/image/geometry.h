/* geometry.h - cutting, tiling, flipping and turning: pixels move, none is changed. */
#ifndef ASSAY_IMAGE_GEOMETRY_H
#define ASSAY_IMAGE_GEOMETRY_H

#include "base/random.h"
#include "image/image.h"

/* The window with its top-left corner at (left, top), which may lie outside; what lies outside is black. */
assay_status image_crop(const struct image *from, int left, int top, int width, int height, struct image *out,
                        struct assay_error *error);

/* torchvision's CenterCrop: a smaller picture is padded with black, (crop - size) / 2 pixels first and the remainder
 * after; offset = round half to even of (size - crop) / 2. */
assay_status image_crop_center(const struct image *from, int width, int height, struct image *out,
                               struct assay_error *error);

/* A window drawn uniformly. A smaller picture is padded as by RandomCrop(pad_if_needed=True): by (crop - size) on both
 * sides of the short axis before the draw. */
assay_status image_crop_random(const struct image *from, int width, int height, struct random *random,
                               struct image *out, struct assay_error *error);

/* Where a side is shorter than asked: copies laid from the top-left corner until both sides reach their minimum
 * ("translate_duplicate": w * ceil(side / w) by h * ceil(side / h)). A picture that is large enough is copied. */
assay_status image_tile(const struct image *from, int min_width, int min_height, struct image *out,
                        struct assay_error *error);

assay_status image_flip_horizontal(const struct image *from, struct image *out, struct assay_error *error);
assay_status image_flip_vertical(const struct image *from, struct image *out, struct assay_error *error);

/* Counter-clockwise by 90 degrees, `turns` times (any integer), as numpy.rot90 does. */
assay_status image_turn(const struct image *from, int turns, struct image *out, struct assay_error *error);

/* A picture stored under an EXIF orientation (1 to 8) set upright; other values leave it as it is. */
assay_status image_orient(const struct image *from, int orientation, struct image *out, struct assay_error *error);

#endif
