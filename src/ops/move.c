/* move.c - reshape, permute, slice, pad, concat: shapes and gradients. */
#include "ops/move.h"

#include <string.h>

#include "ops/elementwise.h"

/* ---- Reshape -------------------------------------------------------------------------------------------------- */

static bool infer_reshape(const struct op_infer *c)
{
    const struct reshape_attrs *a = c->attrs;
    struct shape s = a->shape;
    int free_axis = -1;
    int64_t known = 1, count = shape_count(&c->in[0]);
    char from[SHAPE_TEXT], to[SHAPE_TEXT];
    for (int i = 0; i < s.rank; i++) {
        if (s.dim[i] == -1 && free_axis < 0)
            free_axis = i;
        else if (s.dim[i] < 0 || __builtin_mul_overflow(known, s.dim[i], &known))
            goto unfit;
    }
    if (free_axis >= 0) {
        if (known == 0 || count % known != 0)
            goto unfit;
        s.dim[free_axis] = count / known;
    } else if (known != count) {
        goto unfit;
    }
    *c->shape = s;
    *c->dtype = c->in_dtype[0];
    return true;
unfit:
    op_fail(c, "%s cannot become %s", shape_text(&c->in[0], from), shape_text(&a->shape, to));
    return false;
}

static void grad_reshape(struct graph *g, const struct op_grad *c)
{
    c->d_in[0] = op_reshape(g, c->d_out, graph_shape(g, c->in[0]));
}

const struct op op_reshape_def = {.name = "reshape",
                                  .precision = PRECISION_FOLLOW,
                                  .integers = true,
                                  .view = true,
                                  .infer = infer_reshape,
                                  .grad = grad_reshape};

node op_reshape(struct graph *g, node x, struct shape shape)
{
    struct shape have = graph_shape(g, x);
    if (x.id >= 0 && shape_equal(&have, &shape))
        return x;
    struct reshape_attrs attrs = {shape};
    return graph_add(g, &op_reshape_def, &x, 1, &attrs, sizeof attrs);
}

/* ---- Permute -------------------------------------------------------------------------------------------------- */

static bool infer_permute(const struct op_infer *c)
{
    const struct permute_attrs *a = c->attrs;
    uint32_t seen = 0;
    struct shape s = {.rank = c->in[0].rank};
    for (int i = 0; i < s.rank; i++) {
        if (a->axis[i] < 0 || a->axis[i] >= s.rank || seen >> a->axis[i] & 1) {
            char text[SHAPE_TEXT];
            op_fail(c, "%d in place %d: the axes are no permutation of those of %s", a->axis[i], i,
                    shape_text(&c->in[0], text));
            return false;
        }
        seen |= UINT32_C(1) << a->axis[i];
        s.dim[i] = c->in[0].dim[a->axis[i]];
    }
    *c->shape = s;
    *c->dtype = c->in_dtype[0];
    return true;
}

static void grad_permute(struct graph *g, const struct op_grad *c)
{
    const struct permute_attrs *a = c->attrs;
    int inverse[TENSOR_MAX_RANK], rank = graph_rank(g, c->in[0]);
    for (int i = 0; i < rank; i++)
        inverse[a->axis[i]] = i;
    c->d_in[0] = op_permute(g, c->d_out, inverse);
}

const struct op op_permute_def = {.name = "permute",
                                  .precision = PRECISION_FOLLOW,
                                  .integers = true,
                                  .whole_attrs = true,
                                  .infer = infer_permute,
                                  .grad = grad_permute};

node op_permute(struct graph *g, node x, const int *axes)
{
    struct permute_attrs attrs = {0};
    memcpy(attrs.axis, axes, (size_t)graph_rank(g, x) * sizeof *axes);
    return graph_add(g, &op_permute_def, &x, 1, &attrs, sizeof attrs);
}

/* ---- Slice and pad, each the other's gradient ----------------------------------------------------------------- */

static bool infer_slice(const struct op_infer *c)
{
    const struct slice_attrs *a = c->attrs;
    char text[SHAPE_TEXT];
    *c->shape = c->in[0];
    *c->dtype = c->in_dtype[0];
    for (int i = 0; i < c->in[0].rank; i++) {
        int64_t dim = c->in[0].dim[i], reach;
        if (a->begin[i] < 0 || a->size[i] < 0 || a->step[i] < 1 || a->begin[i] > dim ||
            __builtin_mul_overflow(a->size[i] - 1, a->step[i], &reach) ||
            (a->size[i] > 0 && reach >= dim - a->begin[i])) {
            op_fail(c, "axis %d of %s has no %lld elements from %lld on in steps of %lld", i,
                    shape_text(&c->in[0], text), (long long)a->size[i], (long long)a->begin[i], (long long)a->step[i]);
            return false;
        }
        c->shape->dim[i] = a->size[i];
    }
    return true;
}

static void grad_slice(struct graph *g, const struct op_grad *c)
{
    const struct slice_attrs *a = c->attrs;
    struct shape in = graph_shape(g, c->in[0]);
    int64_t after[TENSOR_MAX_RANK], gap[TENSOR_MAX_RANK];
    for (int i = 0; i < in.rank; i++) {
        int64_t reach = a->size[i] > 0 ? (a->size[i] - 1) * a->step[i] + 1 : 0;
        after[i] = in.dim[i] - a->begin[i] - reach;
        gap[i] = a->step[i] - 1;
    }
    c->d_in[0] = op_pad_gap(g, c->d_out, a->begin, after, gap);
}

const struct op op_slice_def = {.name = "slice",
                                .precision = PRECISION_FOLLOW,
                                .integers = true,
                                .whole_attrs = true,
                                .infer = infer_slice,
                                .grad = grad_slice};

node op_slice_step(struct graph *g, node x, const int64_t *begin, const int64_t *size, const int64_t *step)
{
    struct slice_attrs attrs = {0};
    struct shape in = graph_shape(g, x);
    for (int i = 0; i < in.rank; i++) {
        attrs.begin[i] = begin[i];
        attrs.step[i] = step[i];
        attrs.size[i] = size[i] == -1 && step[i] > 0 ? (in.dim[i] - begin[i] + step[i] - 1) / step[i] : size[i];
    }
    return graph_add(g, &op_slice_def, &x, 1, &attrs, sizeof attrs);
}

static const int64_t all_ones[TENSOR_MAX_RANK] = {1, 1, 1, 1, 1, 1, 1, 1}, all_zeros[TENSOR_MAX_RANK];

node op_slice(struct graph *g, node x, const int64_t *begin, const int64_t *size)
{
    return op_slice_step(g, x, begin, size, all_ones);
}

node op_slice_axis(struct graph *g, node x, int axis, int64_t begin, int64_t size)
{
    int64_t from[TENSOR_MAX_RANK] = {0}, sizes[TENSOR_MAX_RANK];
    int rank = graph_rank(g, x);
    for (int i = 0; i < rank; i++)
        sizes[i] = -1;
    if (axis < 0)
        axis += rank;
    if (axis < 0 || axis >= rank) {
        struct shape shape = graph_shape(g, x);
        char text[SHAPE_TEXT];
        op_fail_as(g, "slice", "%s has no axis %d", shape_text(&shape, text), axis);
        return NODE_NONE;
    }
    from[axis] = begin;
    sizes[axis] = size;
    return op_slice(g, x, from, sizes);
}

static bool infer_pad(const struct op_infer *c)
{
    const struct pad_attrs *a = c->attrs;
    *c->shape = c->in[0];
    *c->dtype = c->in_dtype[0];
    for (int i = 0; i < c->in[0].rank; i++) {
        int64_t dim = c->in[0].dim[i], gaps = 0;
        if (a->before[i] < 0 || a->after[i] < 0 || a->gap[i] < 0 || a->before[i] > INT32_MAX ||
            a->after[i] > INT32_MAX || (dim > 1 && __builtin_mul_overflow(dim - 1, a->gap[i], &gaps)) ||
            gaps > INT64_MAX / 4) {
            char text[SHAPE_TEXT];
            op_fail(c, "axis %d of %s is padded by %lld, %lld and %lld between", i, shape_text(&c->in[0], text),
                    (long long)a->before[i], (long long)a->after[i], (long long)a->gap[i]);
            return false;
        }
        c->shape->dim[i] += a->before[i] + a->after[i] + gaps;
    }
    return true;
}

static void grad_pad(struct graph *g, const struct op_grad *c)
{
    const struct pad_attrs *a = c->attrs;
    int64_t step[TENSOR_MAX_RANK];
    for (int i = 0; i < TENSOR_MAX_RANK; i++)
        step[i] = a->gap[i] + 1;
    c->d_in[0] = op_slice_step(g, c->d_out, a->before, graph_shape(g, c->in[0]).dim, step);
}

const struct op op_pad_def = {.name = "pad",
                              .precision = PRECISION_FOLLOW,
                              .integers = true,
                              .whole_attrs = true,
                              .infer = infer_pad,
                              .grad = grad_pad};

node op_pad_gap(struct graph *g, node x, const int64_t *before, const int64_t *after, const int64_t *gap)
{
    struct pad_attrs attrs = {0};
    size_t bytes = (size_t)graph_rank(g, x) * sizeof *before;
    memcpy(attrs.before, before, bytes);
    memcpy(attrs.after, after, bytes);
    memcpy(attrs.gap, gap, bytes);
    return graph_add(g, &op_pad_def, &x, 1, &attrs, sizeof attrs);
}

node op_pad(struct graph *g, node x, const int64_t *before, const int64_t *after)
{
    return op_pad_gap(g, x, before, after, all_zeros);
}

/* ---- Concat --------------------------------------------------------------------------------------------------- */

static bool infer_concat(const struct op_infer *c)
{
    int axis = ((const struct concat_attrs *)c->attrs)->axis;
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    struct shape s = c->in[0];
    if (axis < 0 || axis >= s.rank) {
        op_fail(c, "%s has no axis %d", shape_text(&s, a), axis);
        return false;
    }
    for (int k = 1; k < c->input_count; k++) {
        struct shape other = c->in[k];
        bool fits = other.rank == s.rank && c->in_dtype[k] == c->in_dtype[0];
        for (int i = 0; i < s.rank && fits; i++)
            fits = i == axis || other.dim[i] == s.dim[i];
        if (!fits) {
            op_fail(c, "%s and %s do not fit along axis %d", shape_text(&c->in[0], a), shape_text(&other, b), axis);
            return false;
        }
        s.dim[axis] += other.dim[axis];
    }
    *c->shape = s;
    *c->dtype = c->in_dtype[0];
    return true;
}

static void grad_concat(struct graph *g, const struct op_grad *c)
{
    int axis = ((const struct concat_attrs *)c->attrs)->axis;
    int64_t at = 0;
    for (int i = 0; i < c->input_count; i++) {
        int64_t size = graph_dim(g, c->in[i], axis);
        if (c->wanted[i])
            c->d_in[i] = op_slice_axis(g, c->d_out, axis, at, size);
        at += size;
    }
}

const struct op op_concat_def = {.name = "concat",
                                 .precision = PRECISION_FOLLOW,
                                 .integers = true,
                                 .whole_attrs = true,
                                 .infer = infer_concat,
                                 .grad = grad_concat};

node op_concat(struct graph *g, const node *parts, int count, int axis)
{
    if (count < 1) {
        op_fail_as(g, "concat", "nothing to put together");
        return NODE_NONE;
    }
    struct concat_attrs attrs = {axis < 0 ? axis + graph_rank(g, parts[0]) : axis};
    return graph_add(g, &op_concat_def, parts, count, &attrs, sizeof attrs);
}
