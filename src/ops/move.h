/* move.h - values change place and shape, not size: reshape, permute, slice, pad, concat. */
#ifndef ASSAY_OPS_MOVE_H
#define ASSAY_OPS_MOVE_H

#include "graph/op.h"

struct reshape_attrs {
    struct shape shape;
};
struct permute_attrs {
    int axis[TENSOR_MAX_RANK]; /* output axis i is input axis axis[i] */
};
struct slice_attrs {
    int64_t begin[TENSOR_MAX_RANK], size[TENSOR_MAX_RANK]; /* size: of the output */
    int64_t step[TENSOR_MAX_RANK];                         /* at least 1 */
};
struct pad_attrs {
    int64_t before[TENSOR_MAX_RANK], after[TENSOR_MAX_RANK]; /* zeros on both sides of each axis */
    int64_t gap[TENSOR_MAX_RANK];                            /* zeros between two neighbours */
};
struct concat_attrs {
    int axis;
};

extern const struct op op_reshape_def; /* a view */
extern const struct op op_permute_def, op_slice_def, op_pad_def, op_concat_def;

/* One dimension may be -1: what is left. */
node op_reshape(struct graph *g, node x, struct shape shape);
/* axes: as many as x has. */
node op_permute(struct graph *g, node x, const int *axes);
/* begin and size: as many as x has axes; a size of -1 reaches to the end. */
node op_slice(struct graph *g, node x, const int64_t *begin, const int64_t *size);
/* The same of every step-th element: begin, begin + step, ...; size counts them, and -1 is as many as there are. */
node op_slice_step(struct graph *g, node x, const int64_t *begin, const int64_t *size, const int64_t *step);
/* Elements begin .. begin+size-1 of one axis. */
node op_slice_axis(struct graph *g, node x, int axis, int64_t begin, int64_t size);
node op_pad(struct graph *g, node x, const int64_t *before, const int64_t *after);
/* The same with `gap` zeros between neighbours as well. */
node op_pad_gap(struct graph *g, node x, const int64_t *before, const int64_t *after, const int64_t *gap);
node op_concat(struct graph *g, const node *parts, int count, int axis);

#endif
