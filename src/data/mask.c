/* mask.c - reads which pixels of a picture were made. */
#include "data/mask.h"

#include <string.h>

#include "base/memory.h"
#include "image/image.h"

/* Pillow's "L": the weights of ITU-R 601 in 16 bits, rounded. */
static unsigned grey(const uint8_t *rgb)
{
    return (rgb[0] * 19595U + rgb[1] * 38470U + rgb[2] * 7471U + 0x8000U) >> 16;
}

static assay_status read_file(const struct dataset_picture *picture, int width, int height,
                              const struct assay_limits *limits, uint8_t *mask, struct assay_error *error)
{
    struct image image = {0};
    assay_status status = image_decode_file(picture->mask, limits, &image, error);
    if (status)
        return status;
    if (image.width != width || image.height != height)
        status = error_set(error, ASSAY_ERROR_FORMAT, "%s: the mask has %d x %d pixels, its picture %s %d x %d",
                           picture->mask, image.width, image.height, picture->name, width, height);
    for (size_t i = 0; i < (size_t)width * (size_t)height && !status; i++)
        mask[i] = grey(image.pixels + i * IMAGE_CHANNELS) > 127;
    image_free(&image);
    return status;
}

assay_status dataset_mask_read(const struct dataset_picture *picture, int width, int height,
                               const struct assay_limits *limits, uint8_t **out, struct assay_error *error)
{
    *out = NULL;
    if (picture->mask_kind == MASK_NONE)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: no mask is known", picture->path);
    if (width < 1 || height < 1)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: a mask of %d x %d pixels", picture->path, width, height);
    uint8_t *mask = mem_alloc((size_t)width, (size_t)height);
    if (!mask)
        return error_memory(error, "a mask");
    if (picture->mask_kind == MASK_ONE)
        memset(mask, 1, (size_t)width * (size_t)height);
    assay_status status =
        picture->mask_kind == MASK_FILE ? read_file(picture, width, height, limits, mask, error) : ASSAY_OK;
    if (status)
        mem_free(mask);
    else
        *out = mask;
    return status;
}
