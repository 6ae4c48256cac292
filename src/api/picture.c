/* picture.c - pictures as the public header has them: an image behind a handle. */
#include <string.h>

#include "api/api.h"
#include "base/memory.h"

static assay_status picture_create(struct assay_picture **out, struct assay_error *error)
{
    *out = mem_alloc(1, sizeof **out);
    return *out ? ASSAY_OK : error_memory(error, "a picture");
}

assay_status assay_picture_read_file(const char *path, const struct assay_limits *limits, struct assay_job *job,
                                     struct assay_picture **out, struct assay_error *error)
{
    const struct watch watch = {job, ASSAY_STAGE_READ, 0, 1};
    if (!path || !out)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "assay_picture_read_file: path and out must not be NULL");
    struct assay_picture *picture = NULL;
    assay_status status = picture_create(&picture, error);
    if (!status)
        status = image_decode_file_watched(path, limits, &watch, &picture->image, error);
    if (status) {
        mem_free(picture);
        return status;
    }
    *out = picture;
    return ASSAY_OK;
}

assay_status assay_picture_read_memory(const void *bytes, size_t size, const char *name,
                                       const struct assay_limits *limits, struct assay_job *job,
                                       struct assay_picture **out, struct assay_error *error)
{
    const struct watch watch = {job, ASSAY_STAGE_READ, 0, 1};
    if ((!bytes && size > 0) || !out)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "assay_picture_read_memory: bytes and out must not be NULL");
    struct assay_picture *picture = NULL;
    assay_status status = picture_create(&picture, error);
    if (!status)
        status = image_decode_memory_watched(bytes ? bytes : "", size, name ? name : "picture in memory", limits,
                                             &watch, &picture->image, error);
    if (status) {
        mem_free(picture);
        return status;
    }
    *out = picture;
    return ASSAY_OK;
}

assay_status assay_picture_from_rgb(const uint8_t *pixels, int width, int height, size_t stride,
                                    struct assay_picture **out, struct assay_error *error)
{
    if (!pixels || !out)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "assay_picture_from_rgb: pixels and out must not be NULL");
    if (width > 0 && stride < (size_t)width * IMAGE_CHANNELS)
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "assay_picture_from_rgb: a stride of %zu bytes is too short for %d pixels of 3 bytes", stride,
                         width);
    struct assay_picture *picture = NULL;
    assay_status status = picture_create(&picture, error);
    if (!status)
        status = image_create(width, height, &picture->image, error);
    if (status) {
        mem_free(picture);
        return status;
    }
    size_t row = (size_t)width * IMAGE_CHANNELS;
    for (int y = 0; y < height; y++)
        memcpy(picture->image.pixels + (size_t)y * row, pixels + (size_t)y * stride, row);
    *out = picture;
    return ASSAY_OK;
}

int assay_picture_width(const struct assay_picture *picture)
{
    return picture ? picture->image.width : 0;
}

int assay_picture_height(const struct assay_picture *picture)
{
    return picture ? picture->image.height : 0;
}

const uint8_t *assay_picture_pixels(const struct assay_picture *picture)
{
    return picture ? picture->image.pixels : NULL;
}

const char *assay_picture_format(const struct assay_picture *picture)
{
    return picture ? picture->image.format : NULL;
}

int assay_picture_jpeg_quality(const struct assay_picture *picture)
{
    return picture ? picture->image.jpeg_quality : 0;
}

assay_status assay_picture_encode_png(const struct assay_picture *picture, uint8_t **bytes, size_t *size,
                                      struct assay_error *error)
{
    if (!picture || !bytes || !size)
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "assay_picture_encode_png: picture, bytes and size must not be NULL");
    uint8_t *encoded = NULL;
    size_t length = 0;
    assay_status status = image_encode_png(&picture->image, &encoded, &length, error);
    if (status)
        return status;
    *bytes = encoded;
    *size = length;
    return ASSAY_OK;
}

void assay_bytes_free(uint8_t *bytes)
{
    mem_free(bytes);
}

void assay_picture_free(struct assay_picture *picture)
{
    if (picture)
        image_free(&picture->image);
    mem_free(picture);
}
