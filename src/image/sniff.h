/* sniff.h - what a file is, told from its first bytes alone. */
#ifndef ASSAY_IMAGE_SNIFF_H
#define ASSAY_IMAGE_SNIFF_H

#include <stddef.h>
#include <stdint.h>

/* What we decode, and what is left. */
enum picture_format {
    PICTURE_JPEG,
    PICTURE_PNG,
    PICTURE_WEBP,
    PICTURE_TIFF,
    PICTURE_GIF,
    PICTURE_HEIF, /* HEIC and AVIF */
    PICTURE_OTHER
};

/* The format, by its signature. For PICTURE_OTHER *other says what the bytes seem to be: "a PDF document", "text",
 * or NULL where they are not recognised. A static string. */
enum picture_format picture_sniff(const uint8_t *bytes, size_t size, const char **other);

/* The size that a WebP header states; 0 where it states none. (libvips allocates the canvas when it opens the file, so
 * this one is needed before.) */
void picture_webp_size(const uint8_t *bytes, size_t size, uint32_t *width, uint32_t *height);

/* Whether a PNG's chunks reach its end mark. (libpng stops reading once it has all rows.) */
int picture_png_is_whole(const uint8_t *bytes, size_t size);

/* Where a GIF says in bit 0 of a byte that its first frame has a transparent colour; 0 if it does not. */
size_t picture_gif_transparency(const uint8_t *bytes, size_t size);

#endif
