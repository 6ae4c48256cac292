/* mask.h - reads which pixels of a picture were made. */
#ifndef ASSAY_DATA_MASK_H
#define ASSAY_DATA_MASK_H

#include "data/dataset.h"

/* *out [height, width], freed with mem_free: 1 where the pixel was generated or altered, else 0. A file is made grey by
 * Pillow's formula; above 127 is altered. `width`, `height`: of the picture as it was decoded. `limits` may be NULL.
 * Errors: FORMAT for a mask that cannot be decoded or has another size than the picture (it names both), ARGUMENT for a
 * picture of which no mask is known; IO, LIMIT and MEMORY as image_decode_file. */
assay_status dataset_mask_read(const struct dataset_picture *picture, int width, int height,
                               const struct assay_limits *limits, uint8_t **out, struct assay_error *error);

#endif
