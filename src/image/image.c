/* image.c - an image's memory: made, copied, freed. */
#include "image/image.h"

#include <string.h>

#include "base/limits.h"
#include "base/memory.h"

assay_status image_create(int width, int height, struct image *out, struct assay_error *error)
{
    *out = (struct image){0};
    if (width < 1 || height < 1)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "a picture of %d x %d pixels: both sides must be at least 1",
                         width, height);
    if (width > LIMIT_PICTURE_SIDE || height > LIMIT_PICTURE_SIDE)
        return error_set(error, ASSAY_ERROR_LIMIT, "a picture of %d x %d pixels: no side may exceed %d", width, height,
                         LIMIT_PICTURE_SIDE);
    size_t bytes;
    if (!size_mul((size_t)width, (size_t)height, &bytes) || !size_mul(bytes, IMAGE_CHANNELS, &bytes))
        return error_memory(error, "a picture");
    uint8_t *pixels = mem_alloc_aligned(bytes);
    if (!pixels)
        return error_set(error, ASSAY_ERROR_MEMORY, "out of memory for a picture of %d x %d pixels", width, height);
    *out = (struct image){.width = width, .height = height, .pixels = pixels};
    return ASSAY_OK;
}

assay_status image_copy(const struct image *from, struct image *out, struct assay_error *error)
{
    assay_status status = image_create(from->width, from->height, out, error);
    if (status)
        return status;
    memcpy(out->pixels, from->pixels, image_bytes(from));
    out->format = from->format;
    out->jpeg_quality = from->jpeg_quality;
    out->jpeg_quality_exact = from->jpeg_quality_exact;
    return ASSAY_OK;
}

assay_status image_from_rgb(const uint8_t *pixels, int width, int height, size_t stride, struct image *out,
                            struct assay_error *error)
{
    *out = (struct image){0};
    if (!pixels)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "no pixels were given");
    if (width > 0 && stride < (size_t)width * IMAGE_CHANNELS)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "a row stride of %zu bytes is too short for %d RGB pixels",
                         stride, width);
    assay_status status = image_create(width, height, out, error);
    if (status)
        return status;
    size_t row = (size_t)width * IMAGE_CHANNELS;
    for (int y = 0; y < height; y++)
        memcpy(out->pixels + (size_t)y * row, pixels + (size_t)y * stride, row);
    return ASSAY_OK;
}

void image_free(struct image *image)
{
    mem_free(image->pixels);
    *image = (struct image){0};
}
