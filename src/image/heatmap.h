/* heatmap.h - a map of numbers drawn over the picture that it belongs to, and both side by side. */
#ifndef ASSAY_IMAGE_HEATMAP_H
#define ASSAY_IMAGE_HEATMAP_H

#include "image/image.h"

enum { HEATMAP_MIN_SIDE = 256, HEATMAP_MAX_SIDE = 1024 };

/* From left to right: the picture; the same in grey with the colours of image/colour_map.h over it; a bar of these
 * colours, 0 at the bottom, 1 at the top. heat [height, width] covers the whole picture, whatever its size; values from
 * 0 to 1, and below 0 where there is none: hatched. Pictures whose longer side has more than HEATMAP_MAX_SIDE pixels
 * are shown smaller, those of less than HEATMAP_MIN_SIDE enlarged by a whole factor. */
assay_status heatmap_draw(const struct image *picture, const float *heat, int width, int height, struct image *out,
                          struct assay_error *error);

#endif
