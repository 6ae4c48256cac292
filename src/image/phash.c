/* phash.c - the DCT hash of a picture. */
#include "image/phash.h"

#include <math.h>
#include <stdlib.h>

#include "image/resample.h"

enum { SIDE = 32, LOW = 8, BITS = LOW * LOW };

/* Pillow's convert("L"), in all three channels so that image_resize can take it. */
static assay_status make_grey(const struct image *from, struct image *out, struct assay_error *error)
{
    assay_status status = image_create(from->width, from->height, out, error);
    if (status)
        return status;
    size_t pixels = (size_t)from->width * (size_t)from->height;
    for (size_t i = 0; i < pixels; i++) {
        const uint8_t *p = from->pixels + 3 * i;
        uint8_t grey = (uint8_t)((p[0] * 19595U + p[1] * 38470U + p[2] * 7471U + 0x8000U) >> 16);
        uint8_t *to = out->pixels + 3 * i;
        to[0] = to[1] = to[2] = grey;
    }
    return ASSAY_OK;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The lowest frequencies of both axes: low[u][v] = sum grey[y][x] cos(pi u (2y + 1) / 64) cos(pi v (2x + 1) / 64). */
static void transform(const double grey[SIDE][SIDE], double low[LOW][LOW])
{
    double wave[LOW][SIDE], rows[SIDE][LOW];
    for (int u = 0; u < LOW; u++)
        for (int x = 0; x < SIDE; x++)
            wave[u][x] = cos(acos(-1) * u * (2 * x + 1) / (2 * SIDE));
    for (int y = 0; y < SIDE; y++)
        for (int v = 0; v < LOW; v++) {
            rows[y][v] = 0;
            for (int x = 0; x < SIDE; x++)
                rows[y][v] += grey[y][x] * wave[v][x];
        }
    for (int u = 0; u < LOW; u++)
        for (int v = 0; v < LOW; v++) {
            low[u][v] = 0;
            for (int y = 0; y < SIDE; y++)
                low[u][v] += rows[y][v] * wave[u][y];
        }
}

assay_status image_phash(const struct image *image, struct phash *out, struct assay_error *error)
{
    struct image grey = {0}, small = {0};
    double values[SIDE][SIDE], low[LOW][LOW], sorted[BITS], sum = 0, squares = 0;
    *out = (struct phash){0};
    assay_status status = make_grey(image, &grey, error);
    if (!status)
        status = image_resize(&grey, SIDE, SIDE, IMAGE_LANCZOS, &small, error);
    if (status)
        goto done;
    for (int i = 0; i < SIDE * SIDE; i++) {
        double value = small.pixels[3 * i];
        values[i / SIDE][i % SIDE] = value;
        sum += value;
        squares += value * value;
    }
    double mean = sum / (SIDE * SIDE);
    out->flat = squares / (SIDE * SIDE) - mean * mean < PHASH_FLAT_LEVELS * PHASH_FLAT_LEVELS;
    transform(values, low);
    for (int i = 0; i < BITS; i++)
        sorted[i] = low[i / LOW][i % LOW];
    qsort(sorted, BITS, sizeof sorted[0], compare_doubles);
    double median = (sorted[BITS / 2 - 1] + sorted[BITS / 2]) / 2;
    for (int i = 0; i < BITS; i++)
        out->bits = out->bits << 1 | (low[i / LOW][i % LOW] > median);
done:
    image_free(&grey);
    image_free(&small);
    return status;
}
