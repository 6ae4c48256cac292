/* thumbnail.c - two small grey pictures on one grid. */
#include "provenance/thumbnail.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "image/jpeg_header.h"
#include "image/jpeg_peek.h"

enum {
    CELLS = THUMBNAIL_GRID * THUMBNAIL_GRID,
    MAX_THUMBNAIL_PIXELS = 4 << 20,
    LEAST_SIDE = 8, /* cells of the shorter side */
    ROUNDS = 3      /* of fitting gain and offset, each without the cells that differed in the one before */
};

static const double least_deviation = 6;                       /* grey levels: flatter pictures are not compared */
static const double cell_differs = 28;                         /* grey levels */
static const double least_share = 0.008;                       /* of the cells, in one piece: what differs */
static const double least_correlation = 0.6, most_share = 0.3; /* beyond: another picture */

struct grid {
    int width, height;
    double values[CELLS];
};

/* ---- Grids ------------------------------------------------------------------------------------------------------- */

/* The means of the cells, over the box of the picture that begins at (left, top), both 0 or more. */
static void fill_grid(const struct jpeg_grey *grey, double left, double top, struct grid *grid)
{
    double step_x = (grey->width - 2 * left) / grid->width, step_y = (grey->height - 2 * top) / grid->height;
    for (int y = 0; y < grid->height; y++) {
        size_t y0 = (size_t)(top + y * step_y), y1 = (size_t)(top + (y + 1) * step_y);
        y1 = y1 > y0 ? y1 : y0 + 1;
        for (int x = 0; x < grid->width; x++) {
            size_t x0 = (size_t)(left + x * step_x), x1 = (size_t)(left + (x + 1) * step_x);
            double sum = 0, count = 0;
            x1 = x1 > x0 ? x1 : x0 + 1;
            for (size_t v = y0; v < y1 && v < grey->height; v++)
                for (size_t u = x0; u < x1 && u < grey->width; u++, count++)
                    sum += grey->pixels[v * grey->width + u];
            grid->values[y * grid->width + x] = count > 0 ? sum / count : 0;
        }
    }
}

/* The grid turned by a quarter to the right. */
static struct grid turned(const struct grid *from)
{
    struct grid to = {.width = from->height, .height = from->width};
    for (int y = 0; y < to.height; y++)
        for (int x = 0; x < to.width; x++)
            to.values[y * to.width + x] = from->values[(from->height - 1 - x) * from->width + y];
    return to;
}

/* ---- Comparing --------------------------------------------------------------------------------------------------- */

struct fit {
    double gain, offset, correlation, deviation; /* deviation: the lesser of the two grids' */
};

/* The least squares of b = gain * a + offset over the cells that do not count as different. */
static struct fit fit_cells(const struct grid *a, const struct grid *b, const bool *differs)
{
    double n = 0, sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
    for (int i = 0; i < a->width * a->height; i++) {
        if (differs[i])
            continue;
        double x = a->values[i], y = b->values[i];
        n++, sa += x, sb += y, saa += x * x, sbb += y * y, sab += x * y;
    }
    n = n > 0 ? n : 1;
    double va = saa / n - sa / n * sa / n, vb = sbb / n - sb / n * sb / n, cov = sab / n - sa / n * sb / n;
    struct fit fit = {.gain = 1, .deviation = sqrt(fmax(0, fmin(va, vb)))};
    if (va > 0 && vb > 0) {
        fit.correlation = cov / sqrt(va * vb);
        fit.gain = cov > 0 ? cov / va : 1;
        fit.offset = sb / n - fit.gain * sa / n;
    }
    return fit;
}

static int compare_values(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The median of a grid, and that of the distances from it. */
static void medians(const struct grid *grid, double *median, double *spread)
{
    double values[CELLS];
    int cells = grid->width * grid->height;
    memcpy(values, grid->values, (size_t)cells * sizeof *values);
    qsort(values, (size_t)cells, sizeof *values, compare_values);
    *median = values[cells / 2];
    for (int i = 0; i < cells; i++)
        values[i] = fabs(grid->values[i] - *median);
    qsort(values, (size_t)cells, sizeof *values, compare_values);
    *spread = values[cells / 2];
}

/* A gain and offset that a part which differs does not draw away, as it does those of least squares. */
static void begin_fit(const struct grid *a, const struct grid *b, struct fit *fit)
{
    double median_a, median_b, spread_a, spread_b;
    medians(a, &median_a, &spread_a);
    medians(b, &median_b, &spread_b);
    fit->gain = spread_a > 1 && spread_b > 1 ? spread_b / spread_a : 1;
    fit->offset = median_b - fit->gain * median_a;
}

/* How far a value lies outside of those around a place of the grid, each changed as the fit says. */
static double outside(double value, const struct grid *grid, int x, int y, double gain, double offset)
{
    double low = INFINITY, high = -INFINITY;
    for (int v = y > 0 ? y - 1 : 0; v <= y + 1 && v < grid->height; v++) {
        for (int u = x > 0 ? x - 1 : 0; u <= x + 1 && u < grid->width; u++) {
            double other = gain * grid->values[v * grid->width + u] + offset;
            low = fmin(low, other);
            high = fmax(high, other);
        }
    }
    return value < low ? low - value : value > high ? value - high : 0;
}

static void find_differences(const struct grid *a, const struct grid *b, const struct fit *fit, bool *differs)
{
    for (int y = 0; y < a->height; y++) {
        for (int x = 0; x < a->width; x++) {
            int i = y * a->width + x;
            if (x == 0 || y == 0 || x == a->width - 1 || y == a->height - 1)
                continue; /* bars and straightened lenses: the margin does not count */
            double forth = outside(b->values[i], a, x, y, fit->gain, fit->offset);
            double back = outside(fit->gain * a->values[i] + fit->offset, b, x, y, 1, 0);
            differs[i] = fmax(forth, back) > cell_differs;
        }
    }
}

/* The cells of the largest piece that hangs together, corners included. */
static int largest_piece(const bool *differs, int width, int height)
{
    bool seen[CELLS] = {false};
    int16_t waiting[CELLS];
    int largest = 0;
    for (int start = 0; start < width * height; start++) {
        if (!differs[start] || seen[start])
            continue;
        int count = 0, reached = 1;
        waiting[0] = (int16_t)start;
        seen[start] = true;
        for (; count < reached; count++) {
            int x = waiting[count] % width, y = waiting[count] / width;
            for (int v = y > 0 ? y - 1 : 0; v <= y + 1 && v < height; v++) {
                for (int u = x > 0 ? x - 1 : 0; u <= x + 1 && u < width; u++) {
                    int next = v * width + u;
                    if (differs[next] && !seen[next]) {
                        seen[next] = true;
                        waiting[reached++] = (int16_t)next;
                    }
                }
            }
        }
        largest = count > largest ? count : largest;
    }
    return largest;
}

static struct thumbnail_comparison compare(const struct grid *picture, const struct grid *thumbnail)
{
    struct thumbnail_comparison result = {THUMBNAIL_NOT_COMPARED, 0, 0};
    bool differs[CELLS] = {false};
    int cells = picture->width * picture->height, count = 0;
    struct fit fit = fit_cells(picture, thumbnail, differs);
    result.correlation = fit.correlation;
    if (fit.deviation < least_deviation)
        return result;
    begin_fit(picture, thumbnail, &fit);
    for (int round = 0; round < ROUNDS; round++) {
        find_differences(picture, thumbnail, &fit, differs);
        fit = fit_cells(picture, thumbnail, differs);
    }
    for (int i = 0; i < cells; i++)
        count += differs[i];
    result.share = (double)count / cells;
    /* the fit's correlation is now that of the cells that are alike: high where something was put into the same
     * picture */
    bool another =
        result.correlation < least_correlation && (result.share > most_share || fit.correlation < least_correlation);
    bool piece = largest_piece(differs, picture->width, picture->height) >= least_share * cells;
    result.kind = another ? THUMBNAIL_ANOTHER : piece ? THUMBNAIL_DIFFERS : THUMBNAIL_SAME;
    return result;
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

/* The largest denominator that leaves two pixels a cell. */
static unsigned denominator_for(uint32_t longer)
{
    unsigned denominator = 8;
    while (denominator > 1 && longer / denominator < 2 * THUMBNAIL_GRID)
        denominator /= 2;
    return denominator;
}

static uint32_t longer_side(uint32_t width, uint32_t height)
{
    return width > height ? width : height;
}

/* Both pictures on the grid of the thumbnail's shape, which is the picture's, lying or turned, between bars or
 * without. */
static struct thumbnail_comparison compare_grey(const struct jpeg_grey *picture, const struct jpeg_grey *thumbnail)
{
    bool turn = (picture->width < picture->height) != (thumbnail->width < thumbnail->height);
    double ratio = (double)picture->width / picture->height, left = 0, top = 0;
    double own = (double)thumbnail->width / thumbnail->height, wanted = turn ? 1 / ratio : ratio;
    if (fabs(wanted / own - 1) > 0.02) { /* bars, within which the picture's shape lies */
        left = wanted < own ? (thumbnail->width - thumbnail->height * wanted) / 2 : 0;
        top = wanted > own ? (thumbnail->height - thumbnail->width / wanted) / 2 : 0;
    }
    struct grid first = {.width = THUMBNAIL_GRID, .height = THUMBNAIL_GRID}, second;
    if (ratio > 1)
        first.height = (int)lround(THUMBNAIL_GRID / ratio);
    else
        first.width = (int)lround(THUMBNAIL_GRID * ratio);
    if (first.width < LEAST_SIDE || first.height < LEAST_SIDE)
        return (struct thumbnail_comparison){THUMBNAIL_NOT_COMPARED, 0, 0};
    fill_grid(picture, 0, 0, &first);
    if (turn)
        first = turned(&first);
    second = (struct grid){.width = first.width, .height = first.height};
    fill_grid(thumbnail, left, top, &second);

    struct thumbnail_comparison result = compare(&first, &second);
    if (turn || result.kind == THUMBNAIL_ANOTHER) { /* some turn the one and not the other */
        first = turned(&first);
        first = turned(&first);
        struct thumbnail_comparison other = compare(&first, &second);
        if (other.correlation > result.correlation)
            result = other;
    }
    return result;
}

struct thumbnail_comparison thumbnail_compare(const struct exif *exif, const uint8_t *bytes, size_t size)
{
    struct thumbnail_comparison result = {THUMBNAIL_NOT_COMPARED, 0, 0};
    struct jpeg_header header;
    struct jpeg_grey picture = {0}, thumbnail = {0};
    if (!exif->thumbnail_width || !exif->thumbnail_height || size > THUMBNAIL_MAX_FILE ||
        !jpeg_header_read(bytes, size, &header) || exif_thumbnail_shape_differs(exif, header.width, header.height))
        return result;
    unsigned small = denominator_for(longer_side(exif->thumbnail_width, exif->thumbnail_height));
    unsigned large = denominator_for(longer_side(header.width, header.height));
    if (jpeg_peek_grey(exif->thumbnail, exif->thumbnail_size, small, MAX_THUMBNAIL_PIXELS, &thumbnail) &&
        jpeg_peek_grey(bytes, size, large, LIMIT_PICTURE_PIXELS, &picture))
        result = compare_grey(&picture, &thumbnail);
    mem_free(picture.pixels);
    mem_free(thumbnail.pixels);
    return result;
}

const char *thumbnail_text(enum thumbnail_kind kind)
{
    switch (kind) {
    case THUMBNAIL_NOT_COMPARED: break;
    case THUMBNAIL_SAME: return "as the picture";
    case THUMBNAIL_DIFFERS: return "differs in part";
    case THUMBNAIL_ANOTHER: return "another picture";
    }
    return NULL;
}
