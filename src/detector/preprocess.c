/* preprocess.c - fitting a picture to the crop, the test-time grid of crops, and writing normalised floats. The JSON form
 * is in preprocess_json.c. */
#include "detector/preprocess.h"

#include <math.h>
#include <stdbool.h>

#include "image/geometry.h"

static int int_max(int a, int b)
{
    return a > b ? a : b;
}

/* torchvision's CenterCrop and PIL's round: halves go to the even side. */
static int half_to_even(int extra)
{
    int half = extra / 2;
    return extra % 2 != 0 && half % 2 != 0 ? half + 1 : half;
}

static assay_status resize(const struct preprocess *p, const struct image *from, struct image *out,
                           struct assay_error *error)
{
    if (p->resize == PREPROCESS_SHORTER)
        return image_resize_shorter(from, p->resize_to, p->filter, out, error);
    return image_resize(from, p->resize_to, p->resize_to, p->filter, out, error);
}

/* Both sides made at least the crop's. */
static assay_status enlarge(const struct preprocess *p, const struct image *from, struct image *out,
                            struct assay_error *error)
{
    if (p->fit == PREPROCESS_TILE)
        return image_tile(from, p->crop, p->crop, out, error);
    return image_crop_center(from, int_max(from->width, p->crop), int_max(from->height, p->crop), out, error);
}

struct preprocess preprocess_training(const struct preprocess *p)
{
    struct preprocess training = *p;
    if (p->train_crop > 0)
        training.crop = p->train_crop;
    return training;
}

bool preprocess_fits(const struct preprocess *p, const struct image *from)
{
    return p->resize == PREPROCESS_NATIVE && from->width >= p->crop && from->height >= p->crop;
}

assay_status preprocess_fit(const struct preprocess *p, const struct image *from, struct image *out,
                            struct assay_error *error)
{
    if (preprocess_fits(p, from))
        return image_copy(from, out, error);
    if (p->resize == PREPROCESS_NATIVE)
        return enlarge(p, from, out, error);

    struct image resized = {0};
    assay_status status = resize(p, from, &resized, error);
    if (status)
        return status;
    if (resized.width >= p->crop && resized.height >= p->crop) {
        *out = resized;
        return ASSAY_OK;
    }
    status = enlarge(p, &resized, out, error);
    image_free(&resized);
    return status;
}

/* ---- The grid -------------------------------------------------------------------------------------------------- */

/* columns x rows windows spread evenly from corner to corner (one: in the middle), and the centre window before them
 * where it is not one of them. */
struct crop_grid {
    int columns, rows;
    bool center_extra;
};

/* How far apart neighbours lie along a side. One alone sees less than two at the ends would. */
static double spacing(int slack, int count)
{
    return count > 1 ? (double)slack / (count - 1) : 2.0 * slack;
}

static bool holds_center(int slack, int count)
{
    return slack == 0 || count % 2 == 1;
}

/* Of the grids within max_crops the one whose larger gap is smallest, then whose other gap is. Neighbours are
 * never closer than half a crop, for that would be paid for and tell little; so a side that is hardly longer than the
 * crop gets one window, in its middle. */
static struct crop_grid choose_grid(const struct preprocess *p, const struct image *fitted)
{
    int slack_x = fitted->width - p->crop, slack_y = fitted->height - p->crop;
    int limit = p->max_crops < PREPROCESS_MAX_CROPS ? p->max_crops : PREPROCESS_MAX_CROPS;
    int step = int_max(p->crop / 2, 1);
    int most_x = slack_x / step + 1, most_y = slack_y / step + 1;
    struct crop_grid best = {1, 1, false};
    double best_gap = INFINITY, best_sum = INFINITY;

    for (int columns = 1; columns <= most_x && columns <= limit; columns++)
        for (int rows = 1; rows <= most_y && columns * rows <= limit; rows++) {
            bool extra = !holds_center(slack_x, columns) || !holds_center(slack_y, rows);
            if (columns * rows + extra > limit)
                continue;
            double across = spacing(slack_x, columns), down = spacing(slack_y, rows);
            double gap = fmax(across, down), sum = across + down;
            if (gap < best_gap || (gap == best_gap && sum < best_sum)) {
                best = (struct crop_grid){columns, rows, extra};
                best_gap = gap;
                best_sum = sum;
            }
        }
    return best;
}

int preprocess_crop_count(const struct preprocess *p, const struct image *fitted)
{
    struct crop_grid grid = choose_grid(p, fitted);
    return grid.columns * grid.rows + grid.center_extra;
}

/* The i-th of `count` places along a slack, the middle one exactly where the centre crop lies. */
static int place(int slack, int count, int i)
{
    if (count % 2 == 1 && i == count / 2)
        return half_to_even(slack);
    return (int)((int64_t)slack * i / (count - 1));
}

void preprocess_crop_at(const struct preprocess *p, const struct image *fitted, int index, int *left, int *top)
{
    int slack_x = fitted->width - p->crop, slack_y = fitted->height - p->crop;
    struct crop_grid grid = choose_grid(p, fitted);
    if (index == 0) {
        *left = half_to_even(slack_x);
        *top = half_to_even(slack_y);
        return;
    }
    /* The others row by row: all of the grid, or all but its middle, which went first. */
    int cell = index - 1;
    if (!grid.center_extra && cell >= grid.rows / 2 * grid.columns + grid.columns / 2)
        cell++;
    *left = place(slack_x, grid.columns, cell % grid.columns);
    *top = place(slack_y, grid.rows, cell / grid.columns);
}

/* ---- Pixels ---------------------------------------------------------------------------------------------------- */

void preprocess_write(const struct preprocess *p, const struct image *fitted, int left, int top, float *out)
{
    float table[IMAGE_CHANNELS][256]; /* every value that a channel can take; torchvision's arithmetic, in its order */
    for (int c = 0; c < IMAGE_CHANNELS; c++)
        for (int v = 0; v < 256; v++)
            table[c][v] = ((float)v / 255.0f - p->mean[c]) / p->std[c];

    size_t row_bytes = (size_t)fitted->width * IMAGE_CHANNELS;
    for (int y = 0; y < p->crop; y++) {
        const uint8_t *from = fitted->pixels + (size_t)(top + y) * row_bytes + (size_t)left * IMAGE_CHANNELS;
        for (int x = 0; x < p->crop; x++, from += IMAGE_CHANNELS, out += IMAGE_CHANNELS)
            for (int c = 0; c < IMAGE_CHANNELS; c++)
                out[c] = table[c][from[c]];
    }
}
