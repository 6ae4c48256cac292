/* columns.c - the fixed split of columns.h. */
#include "cpu/columns.h"

#include "base/parallel.h"

enum {
    FOLD_WIDTH = 128,        /* rows shorter than half of this are walked side by side */
    PART_ELEMENTS = 1 << 16, /* elements of a part at least */
    MAX_ITEMS = 128          /* parts times blocks of one matrix at most, or nearly so */
};

struct columns columns_of(int64_t outer, int64_t rows, int64_t channels, bool fold)
{
    struct columns c = {outer, rows, channels, .fold = 1};
    if (fold && channels > 0 && channels <= FOLD_WIDTH / 2)
        c.fold = int64_max(1, int64_min(rows, FOLD_WIDTH / channels));
    c.width = c.fold * channels;
    c.wide_rows = rows / c.fold;
    c.tail = rows % c.fold * channels;
    c.blocks = int64_div_up(c.width, COLUMN_BLOCK);
    int64_t most = int64_max(1, MAX_ITEMS / int64_max(1, c.blocks));
    int64_t parts = int64_max(1, int64_min(c.wide_rows * c.width / PART_ELEMENTS, most));
    c.part_rows = int64_max(1, int64_div_up(c.wide_rows, parts));
    c.parts = int64_max(1, int64_div_up(c.wide_rows, c.part_rows));
    return c;
}

int64_t columns_parts(const struct columns *c)
{
    return c->parts + (c->tail > 0);
}

size_t columns_scratch(const struct columns *c)
{
    return (size_t)(c->outer * columns_parts(c) * COLUMN_VALUES * c->width) * sizeof(double);
}

const double *columns_totals(const struct columns *c, const double *scratch, int64_t outer, int64_t part, int value)
{
    return scratch + ((outer * columns_parts(c) + part) * COLUMN_VALUES + value) * c->width;
}

double columns_sum(const struct columns *c, const double *scratch, int64_t outer, int64_t channel, int value)
{
    double sum = 0.0;
    int64_t parts = columns_parts(c);
    for (int64_t part = 0; part < parts; part++) {
        const double *totals = columns_totals(c, scratch, outer, part, value);
        for (int64_t i = channel; i < c->width; i += c->channels)
            sum += totals[i];
    }
    return sum;
}

struct columns_job {
    const struct columns *c;
    columns_body *body;
    const void *context;
    double initial, *scratch;
};

static void run_items(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct columns_job *job = context;
    const struct columns *c = job->c;
    int64_t parts = columns_parts(c);
    for (int64_t item = begin; item < end; item++) {
        int64_t block = item % c->blocks, part = item / c->blocks % parts, outer = item / c->blocks / parts;
        int64_t column = block * COLUMN_BLOCK, count = int64_min(COLUMN_BLOCK, c->width - column), filled = count;
        int64_t first = part * c->part_rows, last = int64_min(c->wide_rows, first + c->part_rows);
        if (part == c->parts) { /* the tail: one row, cut off */
            first = c->wide_rows;
            last = first + 1;
            filled = int64_max(0, int64_min(count, c->tail - column));
        }
        double total[COLUMN_VALUES][COLUMN_BLOCK];
        for (int value = 0; value < COLUMN_VALUES; value++) {
            for (int64_t i = 0; i < count; i++)
                total[value][i] = job->initial;
        }
        int64_t rows = int64_max(32, LOOP_CHUNK * 8 / count); /* of a stretch: stays in the first cache */
        for (int64_t row = first; row < last && filled > 0; row += rows)
            job->body(job->context, c, outer, row, int64_min(rows, last - row), column, filled, row - first, total);
        for (int value = 0; value < COLUMN_VALUES; value++) {
            double *to = job->scratch + ((outer * parts + part) * COLUMN_VALUES + value) * c->width + column;
            for (int64_t i = 0; i < count; i++)
                to[i] = total[value][i];
        }
    }
}

void columns_run(const struct columns *c, columns_body *body, const void *context, double initial, double *scratch)
{
    struct columns_job job = {c, body, context, initial, scratch};
    int64_t items = c->outer * columns_parts(c) * c->blocks;
    int64_t elements = int64_max(1, c->outer * c->rows * c->channels / int64_max(1, items));
    parallel_for(items, int64_max(1, LOOP_GRAIN / elements), run_items, &job);
}
