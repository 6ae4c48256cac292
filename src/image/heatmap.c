/* heatmap.c - the panels of a heat map. */
#include "image/heatmap.h"

#include <stdbool.h>
#include <string.h>

#include "image/colour_map.h"
#include "image/resample.h"

enum {
    GAP = 8,   /* pixels between the panels */
    BAR = 16,  /* width of the bar of colours */
    HATCH = 8, /* pixels from one line of the hatching to the next */
    BACKGROUND = 255
};

#define COLOUR_SHARE 0.65f /* of a pixel of the map; the rest is the picture in grey */
#define UNSEEN_SHARE 0.35f /* of the grey where there is no map */

/* The picture as it is shown. */
static assay_status fit_panel(const struct image *picture, struct image *out, struct assay_error *error)
{
    int longer = picture->width > picture->height ? picture->width : picture->height;
    if (longer > HEATMAP_MAX_SIDE) {
        int width = (int)((int64_t)picture->width * HEATMAP_MAX_SIDE / longer);
        int height = (int)((int64_t)picture->height * HEATMAP_MAX_SIDE / longer);
        return image_resize(picture, width > 0 ? width : 1, height > 0 ? height : 1, IMAGE_LANCZOS, out, error);
    }
    int factor = longer < HEATMAP_MIN_SIDE ? (HEATMAP_MIN_SIDE + longer - 1) / longer : 1;
    if (factor == 1)
        return image_copy(picture, out, error);
    return image_resize(picture, picture->width * factor, picture->height * factor, IMAGE_BOX, out, error);
}

/* Where pixel i of `count` reads a row of `size` values: between *low and *low + 1, *share of the way. */
static void place(int i, int count, int size, int *low, int *high, float *share)
{
    float at = ((float)i + 0.5f) * (float)size / (float)count - 0.5f;
    at = at < 0 ? 0 : at > (float)(size - 1) ? (float)(size - 1) : at;
    *low = (int)at;
    *high = *low + 1 < size ? *low + 1 : *low;
    *share = at - (float)*low;
}

/* The map at a pixel of a panel, blended from its neighbours; below 0 where the nearest of them has no value. */
static float heat_at(const float *heat, int width, int height, int x, int y, const struct image *panel)
{
    int left, right, top, bottom;
    float across, down;
    place(x, panel->width, width, &left, &right, &across);
    place(y, panel->height, height, &top, &bottom, &down);
    float corner[4] = {heat[(size_t)top * (size_t)width + (size_t)left],
                       heat[(size_t)top * (size_t)width + (size_t)right],
                       heat[(size_t)bottom * (size_t)width + (size_t)left],
                       heat[(size_t)bottom * (size_t)width + (size_t)right]};
    float weight[4] = {(1 - across) * (1 - down), across * (1 - down), (1 - across) * down, across * down};
    float sum = 0, total = 0;
    if (corner[(down >= 0.5f ? 2 : 0) + (across >= 0.5f ? 1 : 0)] < 0)
        return -1;
    for (int i = 0; i < 4; i++)
        if (corner[i] >= 0) {
            sum += corner[i] * weight[i];
            total += weight[i];
        }
    return total > 0 ? sum / total : -1;
}

static void draw_bar(struct image *out, int left, uint8_t colours[COLOUR_MAP_SIZE][3])
{
    for (int y = 0; y < out->height; y++) {
        int i = out->height > 1 ? (COLOUR_MAP_SIZE - 1) * (out->height - 1 - y) / (out->height - 1) : 0;
        uint8_t *to = out->pixels + ((size_t)y * (size_t)out->width + (size_t)left) * IMAGE_CHANNELS;
        for (int x = 0; x < BAR; x++, to += IMAGE_CHANNELS)
            memcpy(to, colours[i], IMAGE_CHANNELS);
    }
}

assay_status heatmap_draw(const struct image *picture, const float *heat, int width, int height, struct image *out,
                          struct assay_error *error)
{
    struct image panel = {0};
    uint8_t colours[COLOUR_MAP_SIZE][3];
    assay_status status = fit_panel(picture, &panel, error);
    if (status)
        return status;
    status = image_create(2 * panel.width + 2 * GAP + BAR, panel.height, out, error);
    if (status)
        goto done;
    memset(out->pixels, BACKGROUND, image_bytes(out));
    colour_map(colours);
    int second = panel.width + GAP;
    for (int y = 0; y < panel.height; y++) {
        const uint8_t *from = panel.pixels + (size_t)y * (size_t)panel.width * IMAGE_CHANNELS;
        uint8_t *row = out->pixels + (size_t)y * (size_t)out->width * IMAGE_CHANNELS;
        memcpy(row, from, (size_t)panel.width * IMAGE_CHANNELS);
        uint8_t *to = row + (size_t)second * IMAGE_CHANNELS;
        for (int x = 0; x < panel.width; x++, from += IMAGE_CHANNELS, to += IMAGE_CHANNELS) {
            float grey = 0.299f * (float)from[0] + 0.587f * (float)from[1] + 0.114f * (float)from[2];
            float value = heat_at(heat, width, height, x, y, &panel);
            const uint8_t *colour = colours[value <= 0 ? 0 : value >= 1 ? 255 : (int)(value * 255 + 0.5f)];
            bool line = (x + y) % HATCH == 0;
            for (int c = 0; c < IMAGE_CHANNELS; c++)
                to[c] = value < 0 ? (uint8_t)(line ? 128 : UNSEEN_SHARE * grey + 0.5f)
                                  : (uint8_t)(COLOUR_SHARE * (float)colour[c] + (1 - COLOUR_SHARE) * grey + 0.5f);
        }
    }
    draw_bar(out, 2 * (panel.width + GAP), colours);
done:
    image_free(&panel);
    return status;
}
