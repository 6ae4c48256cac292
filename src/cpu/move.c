/* move.c - permute, slice, pad and concat: stretches of neighbouring elements are copied whole. */
#include <string.h>

#include "base/parallel.h"
#include "cpu/kernels.h"
#include "cpu/loops.h"
#include "ops/move.h"

/* --- boxes -------------------------------------------------------------------------------------------------------- */

/* A box of elements, the same in two tensors but for the strides; the last axis is contiguous in both. */
struct box {
    const struct tensor *to, *from;
    int64_t to_offset, from_offset;
    int rank;
    int64_t dim[TENSOR_MAX_RANK], to_stride[TENSOR_MAX_RANK], from_stride[TENSOR_MAX_RANK];
    int64_t runs; /* of the last axis */
};

/* Appends an axis inside the others, merged with the one before where it continues it in both tensors. */
static void box_axis(struct box *box, int64_t dim, int64_t to_stride, int64_t from_stride)
{
    int last = box->rank - 1;
    if (box->rank > 0 &&
        (dim == 1 || (box->to_stride[last] == dim * to_stride && box->from_stride[last] == dim * from_stride))) {
        if (dim == 1)
            return;
        box->dim[last] *= dim;
        box->to_stride[last] = to_stride;
        box->from_stride[last] = from_stride;
        return;
    }
    box->dim[box->rank] = dim;
    box->to_stride[box->rank] = to_stride;
    box->from_stride[box->rank++] = from_stride;
}

/* `runs` runs of a few elements at a fixed distance, such as the colours of a picture. The constant lengths become
 * straight moves. */
#define COPY_SHORT(type, length)                                                                                       \
    for (int64_t run = 0; run < runs; run++) {                                                                         \
        for (int64_t i = 0; i < (length); i++)                                                                         \
            ((type *)to)[run * to_step + i] = ((const type *)from)[run * from_step + i];                               \
    }

#define COPY_SHORT_FUNCTION(name, type)                                                                                \
    static void name(void *restrict to, int64_t to_step, const void *restrict from, int64_t from_step, int64_t runs,   \
                     int64_t length)                                                                                   \
    {                                                                                                                  \
        switch (length) {                                                                                              \
        case 1: COPY_SHORT(type, 1) break;                                                                             \
        case 2: COPY_SHORT(type, 2) break;                                                                             \
        case 3: COPY_SHORT(type, 3) break;                                                                             \
        case 4: COPY_SHORT(type, 4) break;                                                                             \
        default: COPY_SHORT(type, length) break;                                                                       \
        }                                                                                                              \
    }

COPY_SHORT_FUNCTION(copy_short_words, uint32_t)
COPY_SHORT_FUNCTION(copy_short_halves, uint16_t)

enum { SHORT_RUN = 16 };

/* Runs along the last axis but one, `runs` of them. */
static void copy_row(const struct box *box, int64_t to, int64_t from, int64_t runs)
{
    int last = box->rank - 1;
    int64_t length = box->dim[last], to_step = box->to_stride[last - 1], from_step = box->from_stride[last - 1];
    size_t size = dtype_size(box->to->dtype);
    if (box->to->dtype == box->from->dtype && length <= SHORT_RUN) {
        void *target = (char *)box->to->data + (size_t)to * size;
        const void *source = (const char *)box->from->data + (size_t)from * size;
        (size == sizeof(uint32_t) ? copy_short_words : copy_short_halves)(target, to_step, source, from_step, runs,
                                                                          length);
        return;
    }
    for (int64_t run = 0; run < runs; run++)
        loop_copy(box->to, to + run * to_step, box->from, from + run * from_step, length);
}

static void copy_runs(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct box *box = context;
    int inner = box->rank - 2; /* the axis along which runs follow each other */
    int64_t index[TENSOR_MAX_RANK], rest = begin, to = box->to_offset, from = box->from_offset;
    for (int axis = inner; axis >= 0; axis--) {
        index[axis] = rest % box->dim[axis];
        rest /= box->dim[axis];
        to += index[axis] * box->to_stride[axis];
        from += index[axis] * box->from_stride[axis];
    }
    for (int64_t run = begin; run < end;) {
        int64_t runs = int64_min(end - run, box->dim[inner] - index[inner]);
        copy_row(box, to, from, runs);
        run += runs;
        index[inner] += runs;
        to += runs * box->to_stride[inner];
        from += runs * box->from_stride[inner];
        for (int axis = inner; axis > 0 && index[axis] == box->dim[axis]; axis--) {
            index[axis] = 0;
            index[axis - 1]++;
            to += box->to_stride[axis - 1] - box->dim[axis] * box->to_stride[axis];
            from += box->from_stride[axis - 1] - box->dim[axis] * box->from_stride[axis];
        }
    }
}

/* The box must have been given at least one axis, and its strides end in 1. */
static void box_copy(struct box *box)
{
    int last = box->rank - 1;
    if (last == 0) { /* one long run: cut it so that threads can share it */
        int64_t length = box->dim[0];
        if (length == 0)
            return;
        int64_t piece = LOOP_GRAIN, whole = length / piece;
        struct box pieces = *box;
        pieces.rank = 2;
        pieces.dim[0] = whole;
        pieces.to_stride[0] = pieces.from_stride[0] = piece;
        pieces.dim[1] = piece;
        pieces.to_stride[1] = pieces.from_stride[1] = 1;
        parallel_for(whole, 1, copy_runs, &pieces);
        if (length > whole * piece)
            loop_copy(box->to, box->to_offset + whole * piece, box->from, box->from_offset + whole * piece,
                      length - whole * piece);
        return;
    }
    box->runs = 1;
    for (int axis = 0; axis < last; axis++)
        box->runs *= box->dim[axis];
    if (box->dim[last] > 0)
        parallel_for(box->runs, int64_max(1, LOOP_GRAIN / box->dim[last]), copy_runs, box);
}

static void strides_of(const struct shape *s, int64_t stride[TENSOR_MAX_RANK])
{
    int64_t step = 1;
    for (int axis = s->rank - 1; axis >= 0; axis--) {
        stride[axis] = step;
        step *= s->dim[axis];
    }
}

/* Where a region begins in a tensor, and how far apart its elements are along each axis. */
struct place {
    const struct tensor *tensor;
    const int64_t *begin, *step; /* NULL: 0; 1 */
};

/* `size` elements a side. */
static void copy_region(struct place to, struct place from, const int64_t *size)
{
    int64_t to_stride[TENSOR_MAX_RANK], from_stride[TENSOR_MAX_RANK];
    strides_of(&to.tensor->shape, to_stride);
    strides_of(&from.tensor->shape, from_stride);
    struct box box = {.to = to.tensor, .from = from.tensor};
    for (int axis = 0; axis < to.tensor->shape.rank; axis++) {
        box.to_offset += to.begin ? to.begin[axis] * to_stride[axis] : 0;
        box.from_offset += from.begin ? from.begin[axis] * from_stride[axis] : 0;
        box_axis(&box, size[axis], to_stride[axis] * (to.step ? to.step[axis] : 1),
                 from_stride[axis] * (from.step ? from.step[axis] : 1));
    }
    if (box.rank == 0)
        box_axis(&box, 1, 1, 1);
    int last = box.rank - 1;
    if (box.to_stride[last] != 1 || box.from_stride[last] != 1) {
        /* trailing axes of length 1 were dropped, or the last one goes in steps */
        box.dim[box.rank] = box.to_stride[box.rank] = box.from_stride[box.rank] = 1;
        box.rank++;
    }
    box_copy(&box);
}

static void slice_run(const struct kernel_call *call)
{
    const struct slice_attrs *attrs = call->attrs;
    copy_region((struct place){.tensor = &call->out}, (struct place){&call->in[0], attrs->begin, attrs->step},
                call->out.shape.dim);
}

static void concat_run(const struct kernel_call *call)
{
    const struct concat_attrs *attrs = call->attrs;
    int64_t begin[TENSOR_MAX_RANK] = {0};
    for (int i = 0; i < call->input_count; i++) {
        copy_region((struct place){.tensor = &call->out, .begin = begin}, (struct place){.tensor = &call->in[i]},
                    call->in[i].shape.dim);
        begin[attrs->axis] += call->in[i].shape.dim[attrs->axis];
    }
}

/* --- pad ---------------------------------------------------------------------------------------------------------- */

static void zero_chunks(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct tensor *out = context;
    int64_t first = begin * LOOP_CHUNK, last = int64_min(shape_count(&out->shape), end * LOOP_CHUNK);
    loop_zero(out, first, last - first);
}

static void pad_run(const struct kernel_call *call)
{
    const struct pad_attrs *attrs = call->attrs;
    int64_t step[TENSOR_MAX_RANK];
    for (int i = 0; i < TENSOR_MAX_RANK; i++)
        step[i] = attrs->gap[i] + 1;
    struct tensor out = call->out;
    parallel_for(int64_div_up(shape_count(&out.shape), LOOP_CHUNK), LOOP_GRAIN / LOOP_CHUNK, zero_chunks, &out);
    copy_region((struct place){&call->out, attrs->before, step}, (struct place){.tensor = &call->in[0]},
                call->in[0].shape.dim);
}

/* --- permute ------------------------------------------------------------------------------------------------------ */

enum { TILE = 16 };

/* Output [outer..., rows, middle..., columns] where the input is contiguous along `rows`: tiles of rows x columns are
 * turned over. */
struct turn {
    const struct tensor *to, *from;
    int rank;
    int64_t dim[TENSOR_MAX_RANK], to_stride[TENSOR_MAX_RANK], from_stride[TENSOR_MAX_RANK]; /* in the output's order */
    int row_axis;                                                                           /* where from_stride is 1 */
    int64_t row_tiles, column_tiles, others;
};

#define TURN_TILE(type)                                                                                                \
    for (int64_t r = 0; r < rows; r++) {                                                                               \
        type *target = (type *)t->to->data + to + r * to_row;                                                          \
        const type *source = (const type *)t->from->data + from + r;                                                   \
        for (int64_t c = 0; c < columns; c++)                                                                          \
            target[c] = source[c * from_column];                                                                       \
    }

static void turn_tiles(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct turn *t = context;
    int last = t->rank - 1;
    int64_t to_row = t->to_stride[t->row_axis], from_column = t->from_stride[last];
    bool same = t->to->dtype == t->from->dtype;
    for (int64_t item = begin; item < end; item++) {
        int64_t column = item % t->column_tiles * TILE, row = item / t->column_tiles % t->row_tiles * TILE;
        int64_t rest = item / t->column_tiles / t->row_tiles;
        int64_t to = column + row * to_row, from = column * from_column + row;
        for (int axis = last - 1; axis >= 0; axis--) {
            if (axis == t->row_axis)
                continue;
            int64_t index = rest % t->dim[axis];
            rest /= t->dim[axis];
            to += index * t->to_stride[axis];
            from += index * t->from_stride[axis];
        }
        int64_t rows = int64_min(TILE, t->dim[t->row_axis] - row), columns = int64_min(TILE, t->dim[last] - column);
        if (same && dtype_size(t->to->dtype) == sizeof(uint32_t)) {
            TURN_TILE(uint32_t)
        } else if (same) {
            TURN_TILE(uint16_t)
        } else {
            for (int64_t r = 0; r < rows; r++) {
                for (int64_t c = 0; c < columns; c++)
                    loop_copy(t->to, to + r * to_row + c, t->from, from + r + c * from_column, 1);
            }
        }
    }
}

static void permute_run(const struct kernel_call *call)
{
    const struct permute_attrs *attrs = call->attrs;
    const struct tensor *in = &call->in[0];
    int64_t from_stride[TENSOR_MAX_RANK], to_stride[TENSOR_MAX_RANK];
    strides_of(&in->shape, from_stride);
    strides_of(&call->out.shape, to_stride);
    struct box box = {.to = &call->out, .from = in};
    for (int axis = 0; axis < call->out.shape.rank; axis++) {
        if (call->out.shape.dim[axis] == 0)
            return;
        if (call->out.shape.dim[axis] > 1)
            box_axis(&box, call->out.shape.dim[axis], to_stride[axis], from_stride[attrs->axis[axis]]);
    }
    if (box.rank == 0)
        box_axis(&box, 1, 1, 1);
    int last = box.rank - 1;
    if (box.from_stride[last] == 1) {
        box_copy(&box);
        return;
    }
    struct turn turn = {.to = &call->out, .from = in, .rank = box.rank, .others = 1};
    for (int axis = 0; axis <= last; axis++) {
        turn.dim[axis] = box.dim[axis];
        turn.to_stride[axis] = box.to_stride[axis];
        turn.from_stride[axis] = box.from_stride[axis];
        if (box.from_stride[axis] == 1)
            turn.row_axis = axis;
        else if (axis != last)
            turn.others *= box.dim[axis];
    }
    turn.row_tiles = int64_div_up(turn.dim[turn.row_axis], TILE);
    turn.column_tiles = int64_div_up(turn.dim[last], TILE);
    int64_t tile = int64_min(turn.dim[turn.row_axis], TILE) * int64_min(turn.dim[last], TILE);
    parallel_for(turn.others * turn.row_tiles * turn.column_tiles, int64_max(1, LOOP_GRAIN / 2 / tile), turn_tiles,
                 &turn);
}

const struct kernel cpu_permute = {.op = &op_permute_def, .bf16 = true, .run = permute_run};
const struct kernel cpu_slice = {.op = &op_slice_def, .bf16 = true, .run = slice_run};
const struct kernel cpu_pad = {.op = &op_pad_def, .bf16 = true, .run = pad_run};
const struct kernel cpu_concat = {.op = &op_concat_def, .bf16 = true, .run = concat_run};
