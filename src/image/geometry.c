/* geometry.c - windows, copies side by side, flips and turns. */
#include "image/geometry.h"

#include <string.h>

#include "base/limits.h"
#include "base/parallel.h"
#include "image/rows.h"

/* ---- windows -------------------------------------------------------------------------------------------------- */

assay_status image_crop(const struct image *from, int left, int top, int width, int height, struct image *out,
                        struct assay_error *error)
{
    assay_status status = image_create(width, height, out, error);
    if (status)
        return status;
    /* What of the window lies inside, in coordinates of `from`. */
    int64_t x0 = left > 0 ? left : 0, x1 = (int64_t)left + width;
    int64_t y0 = top > 0 ? top : 0, y1 = (int64_t)top + height;
    if (x1 > from->width)
        x1 = from->width;
    if (y1 > from->height)
        y1 = from->height;
    if (x1 - x0 != width || y1 - y0 != height)
        memset(out->pixels, 0, image_bytes(out));
    for (int64_t y = y0; y < y1 && x0 < x1; y++)
        memcpy(out->pixels + (size_t)((y - top) * width + (x0 - left)) * IMAGE_CHANNELS,
               from->pixels + (size_t)(y * from->width + x0) * IMAGE_CHANNELS, (size_t)(x1 - x0) * IMAGE_CHANNELS);
    return ASSAY_OK;
}

/* One axis of CenterCrop: Python's round((size - crop) / 2), or minus the padding before. */
static int center_offset(int size, int crop)
{
    if (crop > size)
        return -((crop - size) / 2);
    int half = (size - crop) / 2;
    return (size - crop) % 2 ? half + half % 2 : half; /* a tie goes to the even neighbour */
}

/* Checked before any offset is computed, so that no sum can overflow. */
static assay_status check_window(int width, int height, struct assay_error *error)
{
    if (width < 1 || height < 1 || width > LIMIT_PICTURE_SIDE || height > LIMIT_PICTURE_SIDE)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "a crop of %d x %d pixels: sides must be from 1 to %d", width,
                         height, LIMIT_PICTURE_SIDE);
    return ASSAY_OK;
}

assay_status image_crop_center(const struct image *from, int width, int height, struct image *out,
                               struct assay_error *error)
{
    *out = (struct image){0};
    assay_status status = check_window(width, height, error);
    if (status)
        return status;
    return image_crop(from, center_offset(from->width, width), center_offset(from->height, height), width, height, out,
                      error);
}

/* One axis of RandomCrop. Padding by (crop - size) on both sides leaves size + 2 (crop - size) pixels to draw from. */
static int random_offset(int size, int crop, struct random *random)
{
    int padding = crop > size ? crop - size : 0;
    return (int)random_below(random, (uint64_t)(size + 2 * padding - crop) + 1) - padding;
}

assay_status image_crop_random(const struct image *from, int width, int height, struct random *random,
                               struct image *out, struct assay_error *error)
{
    *out = (struct image){0};
    assay_status status = check_window(width, height, error);
    if (status)
        return status;
    int top = random_offset(from->height, height, random);
    int left = random_offset(from->width, width, random);
    return image_crop(from, left, top, width, height, out, error);
}

/* ---- tiling --------------------------------------------------------------------------------------------------- */

assay_status image_tile(const struct image *from, int min_width, int min_height, struct image *out,
                        struct assay_error *error)
{
    *out = (struct image){0};
    if (min_width > LIMIT_PICTURE_SIDE || min_height > LIMIT_PICTURE_SIDE)
        return error_set(error, ASSAY_ERROR_LIMIT, "cannot tile to %d x %d pixels: no side may exceed %d", min_width,
                         min_height, LIMIT_PICTURE_SIDE);
    int across = min_width > from->width ? (min_width + from->width - 1) / from->width : 1;
    int down = min_height > from->height ? (min_height + from->height - 1) / from->height : 1;
    assay_status status = image_create(from->width * across, from->height * down, out, error);
    if (status)
        return status;
    size_t row = (size_t)from->width * IMAGE_CHANNELS, wide = row * (size_t)across;
    for (int y = 0; y < from->height; y++)
        for (int i = 0; i < across; i++)
            memcpy(out->pixels + (size_t)y * wide + (size_t)i * row, from->pixels + (size_t)y * row, row);
    for (int i = 1; i < down; i++)
        memcpy(out->pixels + (size_t)i * wide * (size_t)from->height, out->pixels, wide * (size_t)from->height);
    return ASSAY_OK;
}

/* ---- flips and turns ------------------------------------------------------------------------------------------ */

/* Pixel (x, y) of the result is pixel origin + x * step_x + y * step_y of the source. */
struct mapping {
    const struct image *from;
    struct image *out;
    int64_t origin, step_x, step_y;
};

/* In blocks, because one of the two sides is walked against its grain. */
static void map_blocks(void *context, int64_t begin, int64_t end, int thread)
{
    const struct mapping *m = context;
    enum { BLOCK = 32 };
    (void)thread;
    for (int64_t y0 = begin * BLOCK; y0 < end * BLOCK && y0 < m->out->height; y0 += BLOCK)
        for (int64_t x0 = 0; x0 < m->out->width; x0 += BLOCK)
            for (int64_t y = y0; y < y0 + BLOCK && y < m->out->height; y++)
                for (int64_t x = x0; x < x0 + BLOCK && x < m->out->width; x++)
                    memcpy(m->out->pixels + (y * m->out->width + x) * IMAGE_CHANNELS,
                           m->from->pixels + (m->origin + x * m->step_x + y * m->step_y) * IMAGE_CHANNELS,
                           IMAGE_CHANNELS);
}

assay_status image_orient(const struct image *from, int orientation, struct image *out, struct assay_error *error)
{
    int64_t w = from->width, h = from->height, last = w * h - 1;
    struct mapping m = {from, out, 0, 1, w};
    assay_status status = image_create(orientation >= 5 && orientation <= 8 ? from->height : from->width,
                                       orientation >= 5 && orientation <= 8 ? from->width : from->height, out, error);
    if (status)
        return status;
    switch (orientation) {
    case 2: m = (struct mapping){from, out, w - 1, -1, w}; break;       /* mirrored */
    case 3: m = (struct mapping){from, out, last, -1, -w}; break;       /* half a turn */
    case 4: m = (struct mapping){from, out, (h - 1) * w, 1, -w}; break; /* upside down, mirrored */
    case 5: m = (struct mapping){from, out, 0, w, 1}; break;            /* transposed */
    case 6: m = (struct mapping){from, out, (h - 1) * w, -w, 1}; break; /* to be turned clockwise */
    case 7: m = (struct mapping){from, out, last, -w, -1}; break;       /* transposed over the other diagonal */
    case 8: m = (struct mapping){from, out, w - 1, w, -1}; break;       /* to be turned counter-clockwise */
    default: memcpy(out->pixels, from->pixels, image_bytes(from)); return ASSAY_OK;
    }
    parallel_for((out->height + 31) / 32, rows_a_thread((int64_t)out->width * 32 * IMAGE_CHANNELS), map_blocks, &m);
    return ASSAY_OK;
}

assay_status image_flip_horizontal(const struct image *from, struct image *out, struct assay_error *error)
{
    return image_orient(from, 2, out, error);
}

assay_status image_flip_vertical(const struct image *from, struct image *out, struct assay_error *error)
{
    return image_orient(from, 4, out, error);
}

assay_status image_turn(const struct image *from, int turns, struct image *out, struct assay_error *error)
{
    static const int orientations[4] = {1, 8, 3, 6};
    return image_orient(from, orientations[((turns % 4) + 4) % 4], out, error);
}
