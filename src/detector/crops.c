/* crops.c - the grid of crops over a picture, and the choice among them. */
#include "detector/crops.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* torchvision's CenterCrop and PIL's round: halves go to the even side. */
static int half_to_even(int extra)
{
    int half = extra / 2;
    return extra % 2 != 0 && half % 2 != 0 ? half + 1 : half;
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

/* Of the grids within the limit the one whose larger gap is smallest, then whose other gap is. Neighbours are
 * never closer than half a crop, for that would be paid for and tell little; so a side that is hardly longer than the
 * crop gets one window, in its middle. */
static struct crop_grid choose_grid(const struct preprocess *p, const struct image *fitted, int limit)
{
    int slack_x = fitted->width - p->crop, slack_y = fitted->height - p->crop;
    int step = p->crop > 1 ? p->crop / 2 : 1;
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

/* The i-th of `count` places along a slack, the middle one exactly where the centre crop lies. */
static int place(int slack, int count, int i)
{
    if (count % 2 == 1 && i == count / 2)
        return half_to_even(slack);
    return (int)((int64_t)slack * i / (count - 1));
}

/* The centre, then the others row by row: all of the grid, or all but its middle, which went first. */
static void lay_grid(const struct preprocess *p, const struct image *fitted, int limit, struct crops *out)
{
    int slack_x = fitted->width - p->crop, slack_y = fitted->height - p->crop;
    struct crop_grid grid = choose_grid(p, fitted, limit);
    int middle = grid.center_extra ? -1 : grid.rows / 2 * grid.columns + grid.columns / 2;
    out->at[0] = (struct crop_place){half_to_even(slack_x), half_to_even(slack_y)};
    out->count = 1;
    for (int cell = 0; cell < grid.columns * grid.rows; cell++)
        if (cell != middle)
            out->at[out->count++] = (struct crop_place){place(slack_x, grid.columns, cell % grid.columns),
                                                        place(slack_y, grid.rows, cell / grid.columns)};
}

/* ---- The choice ------------------------------------------------------------------------------------------------ */

/* How much a crop's neighbouring pixels differ: the sum over its green channel of |p(y, x) - p(y, x+1) - p(y+1, x) +
 * p(y+1, x+1)|, which no even slope moves. */
static uint64_t texture(const struct image *fitted, struct crop_place at, int side)
{
    uint64_t sum = 0;
    size_t row_bytes = (size_t)fitted->width * IMAGE_CHANNELS;
    for (int y = 0; y + 1 < side; y++) {
        const uint8_t *above = fitted->pixels + (size_t)(at.top + y) * row_bytes + (size_t)at.left * IMAGE_CHANNELS + 1;
        const uint8_t *below = above + row_bytes;
        for (int x = 0; x + 1 < side; x++, above += IMAGE_CHANNELS, below += IMAGE_CHANNELS)
            sum += (uint64_t)abs(above[0] - above[IMAGE_CHANNELS] - below[0] + below[IMAGE_CHANNELS]);
    }
    return sum;
}

struct candidate {
    uint64_t texture;
    int index;
};

/* Richest first; among equals the first of the grid. */
static int by_texture(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->texture != y->texture)
        return x->texture > y->texture ? -1 : 1;
    return x->index - y->index;
}

static void keep_textured(const struct preprocess *p, const struct image *fitted, int limit, struct crops *crops)
{
    struct candidate candidates[PREPROCESS_MAX_CROPS];
    struct crops all = *crops;
    if (all.count <= limit)
        return;
    for (int i = 0; i < all.count; i++)
        candidates[i] = (struct candidate){texture(fitted, all.at[i], p->crop), i};
    qsort(candidates, (size_t)all.count, sizeof *candidates, by_texture);
    crops->count = limit;
    for (int i = 0; i < limit; i++)
        crops->at[i] = all.at[candidates[i].index];
}

void crops_choose(const struct preprocess *p, const struct image *fitted, struct crops *out)
{
    int limit = p->max_crops < PREPROCESS_MAX_CROPS ? p->max_crops : PREPROCESS_MAX_CROPS;
    lay_grid(p, fitted, p->choice == PREPROCESS_TEXTURED ? PREPROCESS_MAX_CROPS : limit, out);
    if (p->choice == PREPROCESS_TEXTURED)
        keep_textured(p, fitted, limit, out);
}
