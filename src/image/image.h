/* image.h - 8-bit RGB pixels: what they are and how they come in and out. Resampling, geometry and perturbations have
 * headers of their own beside this one (resample.h, geometry.h, perturb.h).
 *
 * An image is always 3 channels, packed, upright. Who receives one frees it with image_free. Every operation writes a
 * new image and leaves its input alone. */
#ifndef ASSAY_IMAGE_IMAGE_H
#define ASSAY_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/job.h"

enum { IMAGE_CHANNELS = 3 };

struct image {
    int width, height;
    uint8_t *pixels; /* [height, width, 3], no padding between rows */

    /* Of pixels as a file held them; what is made of an image by other means than image_copy has none of it. */
    const char *format;      /* "JPEG"; NULL: not known. Static */
    int jpeg_quality;        /* at which it was written, 1 to 100 (jpeg_quality.h); 0: no JPEG, or not known */
    bool jpeg_quality_exact; /* else the nearest */
};

/* An uninitialised image of the given size; refuses sides over LIMIT_PICTURE_SIDE and less than 1. */
assay_status image_create(int width, int height, struct image *out, struct assay_error *error);
assay_status image_copy(const struct image *from, struct image *out, struct assay_error *error);

/* A copy of raw RGB pixels whose row y begins at pixels + y * stride; stride >= 3 * width, in bytes. */
assay_status image_from_rgb(const uint8_t *pixels, int width, int height, size_t stride, struct image *out,
                            struct assay_error *error);

void image_free(struct image *image); /* a zeroed image is fine; zeroes it */

/* Bytes of the pixels. */
static inline size_t image_bytes(const struct image *image)
{
    return (size_t)image->width * (size_t)image->height * IMAGE_CHANNELS;
}

/* ---- decode.c: through libvips -------------------------------------------------------------------------------- */

/* Sets libvips up once: cache off, its own concurrency 1, every loader blocked but those that image_formats names. */
assay_status image_library_init(struct assay_error *error);

/* Decodes by design rule 1: EXIF orientation applied, alpha dropped, 16 bits >> 8, grey and CMYK made RGB by Pillow's
 * formulas, the first frame of an animation, ICC profiles ignored. Equal to Pillow's pixels, except that chroma of
 * AVIF and HEIC is enlarged as libheif does it. `limits` may be NULL or have zero fields (defaults). "-" as path is
 * standard input.
 *
 * Errors: FORMAT for what is empty, damaged, cut short (unless all pixels of the first frame are there, as in an
 * animation that lacks later ones), or not supported, which is then named; LIMIT, from the header, before pixels are
 * held; IO and ARGUMENT from reading the file. The message begins with the path or `name`, as it is. */
assay_status image_decode_file(const char *path, const struct assay_limits *limits, struct image *out,
                               struct assay_error *error);
assay_status image_decode_memory(const void *bytes, size_t size, const char *name, const struct assay_limits *limits,
                                 struct image *out, struct assay_error *error);

/* The same, asking the watch (NULL: nobody) between strips of rows: CANCELLED where it says so. What libvips decodes at
 * once (WebP, HEIC, interlaced PNG...) has no strips to stop between. */
assay_status image_decode_file_watched(const char *path, const struct assay_limits *limits, const struct watch *watch,
                                       struct image *out, struct assay_error *error);
assay_status image_decode_memory_watched(const void *bytes, size_t size, const char *name,
                                         const struct assay_limits *limits, const struct watch *watch,
                                         struct image *out, struct assay_error *error);

/* Whether a file's name ends like a picture's (for walking folders): .jpg .jpeg .png .webp .tif .tiff .gif .heic .heif
 * .avif, in any case. */
int image_has_known_extension(const char *path);

/* ---- encode.c ------------------------------------------------------------------------------------------------- */

enum image_subsampling { IMAGE_420, IMAGE_444 };

/* A JPEG as libjpeg writes it: quality 1..100. *bytes is freed with mem_free. */
assay_status image_encode_jpeg(const struct image *image, int quality, enum image_subsampling subsampling,
                               uint8_t **bytes, size_t *size, struct assay_error *error);

assay_status image_encode_png(const struct image *image, uint8_t **bytes, size_t *size, struct assay_error *error);

/* A lossy WebP as libwebp writes it with its method 4 (Pillow's default too): quality 1..100, no side over 16383. */
assay_status image_encode_webp(const struct image *image, int quality, uint8_t **bytes, size_t *size,
                               struct assay_error *error);

#endif
