/* cooccurrence.c - counts of tuples. Each map is cut into bands of rows. A row's values become levels, those of as many
 * rows as a tuple spans the digits of tuples, and these are counted: channels lie side by side, so that two counts one
 * after the other never wait for each other. Counts are whole numbers, so the bands' sum does not depend on who counts
 * what. */
#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "cpu/kernels.h"
#include "cpu/loops.h"
#include "ops/cooccurrence.h"

enum { BANDS = 8 };

struct tuples {
    const struct kernel_call *call;
    struct cooccurrence_attrs attrs;
    int64_t batch, height, width, channels, bins;
    int64_t rows, columns;                   /* places that a tuple can begin at */
    int64_t span;                            /* rows that a tuple lies in */
    int64_t band_rows;                       /* of those, in a band */
    size_t band_bytes, levels_at, tuples_at; /* of a band's scratch: counts, then levels, then a row's tuples */
};

static size_t padded(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static struct tuples tuples_of(const struct shape *x, const struct cooccurrence_attrs *a)
{
    struct tuples t = {.attrs = *a,
                       .batch = x->dim[0],
                       .height = x->dim[1],
                       .width = x->dim[2],
                       .channels = x->dim[3],
                       .bins = 1,
                       .rows = x->dim[1] - (int64_t)a->rows * (a->order - 1),
                       .columns = x->dim[2] - (int64_t)a->columns * (a->order - 1)};
    for (int i = 0; i < a->order; i++)
        t.bins *= 2 * a->range + 1;
    t.band_rows = int64_div_up(t.rows, BANDS);
    int64_t row = t.width * t.channels;
    t.span = t.height - t.rows + 1;
    t.levels_at = padded((size_t)(t.channels * t.bins) * sizeof(uint32_t));
    t.tuples_at = t.levels_at + padded((size_t)(t.span * row) * sizeof(uint16_t));
    t.band_bytes = t.tuples_at + padded((size_t)row * sizeof(uint16_t));
    return t;
}

/* Values to levels 0 .. 2 range. Adding and taking away 3 * 2^22 rounds as the processor does, halves to even. */
HOT static void to_levels(uint16_t *restrict levels, const float *restrict x, int64_t count, float range)
{
    const float whole = 12582912.0f;
    for (int64_t i = 0; i < count; i++) {
        float value = x[i] > -range ? x[i] : x[i] == x[i] ? -range : 0.0f;
        value = value < range ? value : range;
        levels[i] = (uint16_t)(int32_t)(((value + whole) - whole) + range);
    }
}

/* The next digit of each tuple. */
HOT static void add_digit(uint16_t *restrict tuples, const uint16_t *restrict levels, int64_t count, uint16_t base)
{
    for (int64_t i = 0; i < count; i++)
        tuples[i] = (uint16_t)(tuples[i] * base + levels[i]);
}

/* One row's levels, where that row has its place among the last `span`. */
static void read_row(const struct tuples *t, int64_t image, int64_t y, uint16_t *levels)
{
    float buffer[LOOP_CHUNK];
    int64_t row = t->width * t->channels, first = (image * t->height + y) * row;
    for (int64_t from = 0; from < row; from += LOOP_CHUNK) {
        int64_t count = int64_min(LOOP_CHUNK, row - from);
        const float *values = loop_read(&t->call->in[0], first + from, count, buffer);
        to_levels(levels + y % t->span * row + from, values, count, (float)t->attrs.range);
    }
}

/* The tuples that begin in row y, [columns, channels]. */
static void row_tuples(const struct tuples *t, int64_t y, const uint16_t *levels, uint16_t *tuples)
{
    const struct cooccurrence_attrs *a = &t->attrs;
    int64_t channels = t->channels;
    uint16_t base = (uint16_t)(2 * a->range + 1);
    memset(tuples, 0, (size_t)(t->columns * channels) * sizeof *tuples);
    for (int64_t member = 0; member < a->order; member++) {
        int64_t row = (y + member * a->rows) % t->span, shift = member * a->channels % channels;
        const uint16_t *from = levels + (row * t->width + member * a->columns) * channels;
        if (shift == 0) {
            add_digit(tuples, from, t->columns * channels, base);
            continue;
        }
        for (int64_t x = 0; x < t->columns; x++) {
            add_digit(tuples + x * channels, from + x * channels + shift, channels - shift, base);
            add_digit(tuples + x * channels + channels - shift, from + x * channels, shift, base);
        }
    }
}

static void count_band(const struct tuples *t, int64_t image, int64_t band, char *scratch)
{
    uint32_t *counts = (uint32_t *)scratch;
    uint16_t *levels = (uint16_t *)(scratch + t->levels_at), *tuples = (uint16_t *)(scratch + t->tuples_at);
    int64_t begin = int64_min(t->rows, band * t->band_rows), end = int64_min(t->rows, begin + t->band_rows);
    memset(counts, 0, (size_t)(t->channels * t->bins) * sizeof *counts);
    for (int64_t y = begin; y < end; y++) {
        for (int64_t next = y == begin ? y : y + t->span - 1; next < y + t->span; next++)
            read_row(t, image, next, levels);
        row_tuples(t, y, levels, tuples);
        for (int64_t x = 0; x < t->columns; x++)
            for (int64_t c = 0; c < t->channels; c++)
                counts[c * t->bins + tuples[x * t->channels + c]]++;
    }
}

static char *band_of(const struct tuples *t, int64_t index)
{
    return (char *)t->call->scratch + (size_t)index * t->band_bytes;
}

static void count_bands(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct tuples *t = context;
    for (int64_t i = begin; i < end; i++)
        count_band(t, i / BANDS, i % BANDS, band_of(t, i));
}

static void sum_bands(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct tuples *t = context;
    int64_t size = t->channels * t->bins;
    float *out = t->call->out.data;
    for (int64_t image = begin; image < end; image++)
        for (int64_t i = 0; i < size; i++) {
            uint32_t sum = 0;
            for (int band = 0; band < BANDS; band++)
                sum += ((const uint32_t *)band_of(t, image * BANDS + band))[i];
            out[image * size + i] = (float)sum;
        }
}

static assay_status cooccurrence_prepare(const struct kernel_node *n, struct kernel_prepared *out,
                                         struct assay_error *error)
{
    struct tuples t = tuples_of(&n->in[0].shape, n->attrs);
    (void)error;
    out->scratch_bytes = (size_t)(t.batch * BANDS) * t.band_bytes;
    return ASSAY_OK;
}

static void cooccurrence_run(const struct kernel_call *call)
{
    struct tuples t = tuples_of(&call->in[0].shape, call->attrs);
    t.call = call;
    parallel_for(t.batch * BANDS, 1, count_bands, &t);
    parallel_for(t.batch, 1, sum_bands, &t);
}

const struct kernel cpu_cooccurrence = {.op = &op_cooccurrence_def,
                                        .bf16 = true,
                                        .prepare = cooccurrence_prepare,
                                        .run = cooccurrence_run};
