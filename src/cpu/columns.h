/* columns.h - sums (and the like) down the columns of matrices [outer, rows, channels], for statistics and gradients of
 * channels. The work is split by shape alone, so that the result is the same at any thread count: parts of the rows
 * times blocks of the columns. Within one, floats are summed over a few rows and those sums added up in double
 * precision.
 *
 * Short rows are walked several at a time, side by side: [rows / fold, fold * channels], what is left of them last. */
#ifndef ASSAY_CPU_COLUMNS_H
#define ASSAY_CPU_COLUMNS_H

#include <stddef.h>

#include "cpu/loops.h"

enum { COLUMN_BLOCK = 256, COLUMN_VALUES = 2 };

struct columns {
    int64_t outer, rows, channels;
    int64_t fold, width;              /* rows side by side; fold * channels */
    int64_t wide_rows, tail;          /* whole wide rows; elements left over after them */
    int64_t parts, part_rows, blocks; /* of wide rows; of columns. The tail is one part more */
};

/* `fold` false: one row at a time. */
struct columns columns_of(int64_t outer, int64_t rows, int64_t channels, bool fold);

/* What columns_run needs, in bytes. */
size_t columns_scratch(const struct columns *c);

/* One stretch: `rows` wide rows from `row` on, `count` columns from `column` on, element (row, column) being ((outer *
 * c->rows) * channels) + row * width + column of the tensors. Adds to total[0..1][count]; `before` rows are in them
 * already. */
typedef void columns_body(const void *context, const struct columns *c, int64_t outer, int64_t row, int64_t rows,
                          int64_t column, int64_t count, int64_t before, double total[COLUMN_VALUES][COLUMN_BLOCK]);

/* Fills `scratch`: every total begins as `initial`. */
void columns_run(const struct columns *c, columns_body *body, const void *context, double initial, double *scratch);

/* Afterwards: the totals of one part (0 .. columns_parts() - 1) and one of the two values, [fold, channels]. In the
 * tail only the first `tail` of them hold something; the others are `initial`. */
int64_t columns_parts(const struct columns *c);
const double *columns_totals(const struct columns *c, const double *scratch, int64_t outer, int64_t part, int value);

/* The sum over all parts and rows of one channel. */
double columns_sum(const struct columns *c, const double *scratch, int64_t outer, int64_t channel, int value);

/* Offset of element (row, column) of a stretch. */
INLINE int64_t columns_offset(const struct columns *c, int64_t outer, int64_t row, int64_t column)
{
    return outer * c->rows * c->channels + row * c->width + column;
}

#endif
