/* resample.h - resizing, equal to Pillow's to the bit (src/libImaging/Resample.c): separable, horizontal before
 * vertical, 8 bits between the passes, coefficients rounded to 22 fractional bits, support widened when shrinking.
 * As Pillow up to 12 does it; from 13 on Pillow may run the vertical pass first where that is less work. */
#ifndef ASSAY_IMAGE_RESAMPLE_H
#define ASSAY_IMAGE_RESAMPLE_H

#include "image/image.h"

enum image_filter { IMAGE_BOX, IMAGE_BILINEAR, IMAGE_BICUBIC, IMAGE_LANCZOS };

/* Image.resize((width, height), filter). */
assay_status image_resize(const struct image *from, int width, int height, enum image_filter filter, struct image *out,
                          struct assay_error *error);

/* torchvision's Resize(side): the shorter side becomes `side`, the longer int(side * long / short). */
assay_status image_resize_shorter(const struct image *from, int side, enum image_filter filter, struct image *out,
                                  struct assay_error *error);

/* cv2.resize(..., interpolation=cv2.INTER_CUBIC): a = -0.75, four neighbours however much it shrinks, the edge pixel
 * repeated, coefficients with 11 fractional bits. Equal to OpenCV's up to one level, where its vector code rounds in
 * single precision. */
assay_status image_resize_cubic(const struct image *from, int width, int height, struct image *out,
                                struct assay_error *error);

#endif
