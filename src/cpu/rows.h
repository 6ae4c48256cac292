/* rows.h - work along the last axis: each row is reduced and rewritten on its own. */
#ifndef ASSAY_CPU_ROWS_H
#define ASSAY_CPU_ROWS_H

#include "base/parallel.h"
#include "cpu/loops.h"

struct rows {
    int64_t count, length;
};

INLINE struct rows rows_of(const struct shape *shape)
{
    int64_t length = shape->rank > 0 ? shape->dim[shape->rank - 1] : 1;
    return (struct rows){length > 0 ? shape_count(shape) / length : 0, length};
}

INLINE int64_t rows_grain(const struct rows *rows)
{
    return int64_max(1, LOOP_GRAIN / 4 / int64_max(1, rows->length));
}

/* Rows are read and written in pieces of LOOP_CHUNK, in place where the tensor is f32. */
#define ROW_PIECES(from, count, length)                                                                                \
    for (int64_t from = 0, count; from < (length) && (count = int64_min(LOOP_CHUNK, (length)-from)) > 0; from += count)

#endif
