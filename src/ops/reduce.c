/* reduce.c - reductions over axes and broadcasting: shapes and gradients, and what is composed of them. */
#include "ops/reduce.h"

#include <math.h>

#include "ops/elementwise.h"
#include "ops/move.h"

static bool infer_reduce(const struct op_infer *c)
{
    const struct reduce_attrs *a = c->attrs;
    struct shape s = {0};
    for (int i = 0; i < c->in[0].rank; i++) {
        if (!(a->axes >> i & 1))
            s.dim[s.rank++] = c->in[0].dim[i];
        else if (c->in[0].dim[i] == 0) {
            op_fail(c, "axis %d is empty", i);
            return false;
        } else if (a->keep_dims)
            s.dim[s.rank++] = 1;
    }
    if (a->axes >> c->in[0].rank) {
        char text[SHAPE_TEXT];
        op_fail(c, "the axes %#x are not all axes of %s", (unsigned)a->axes, shape_text(&c->in[0], text));
        return false;
    }
    *c->shape = s;
    return true;
}

/* The input's shape with the reduced axes set to 1. */
static struct shape kept_shape(struct shape in, uint32_t axes)
{
    for (int i = 0; i < in.rank; i++)
        if (axes >> i & 1)
            in.dim[i] = 1;
    return in;
}

static void grad_reduce(struct graph *g, const struct op_grad *c)
{
    const struct reduce_attrs *a = c->attrs;
    struct shape in = graph_shape(g, c->in[0]), kept = kept_shape(in, a->axes);
    node d = op_reshape(g, c->d_out, kept);
    if (a->kind == REDUCE_MAX) {
        node hits = op_equal(g, c->in[0], op_reshape(g, c->out, kept));
        c->d_in[0] = op_mul(g, hits, op_div(g, d, op_sum(g, hits, a->axes, true)));
        return;
    }
    if (a->kind == REDUCE_MEAN)
        d = op_scale(g, d, (float)((double)shape_count(&kept) / (double)shape_count(&in)));
    c->d_in[0] = op_broadcast(g, d, in);
}

const struct op op_reduce_def = {.name = "reduce",
                                 .precision = PRECISION_F32,
                                 .infer = infer_reduce,
                                 .grad = grad_reduce};

node op_reduce(struct graph *g, enum reduce_kind kind, node x, uint32_t axes, bool keep_dims)
{
    if (axes == REDUCE_ALL)
        axes = (UINT32_C(1) << graph_rank(g, x)) - 1;
    struct reduce_attrs attrs = {kind, axes, keep_dims};
    return graph_add(g, &op_reduce_def, &x, 1, &attrs, sizeof attrs);
}

node op_sum(struct graph *g, node x, uint32_t axes, bool keep_dims)
{
    return op_reduce(g, REDUCE_SUM, x, axes, keep_dims);
}

node op_mean(struct graph *g, node x, uint32_t axes, bool keep_dims)
{
    return op_reduce(g, REDUCE_MEAN, x, axes, keep_dims);
}

/* ---- Broadcast ------------------------------------------------------------------------------------------------ */

static bool infer_broadcast(const struct op_infer *c)
{
    const struct broadcast_attrs *a = c->attrs;
    struct shape s;
    char from[SHAPE_TEXT], to[SHAPE_TEXT];
    if (!shape_broadcast(&c->in[0], &a->shape, &s) || !shape_equal(&s, &a->shape)) {
        op_fail(c, "%s does not broadcast to %s", shape_text(&c->in[0], from), shape_text(&a->shape, to));
        return false;
    }
    *c->shape = a->shape;
    *c->dtype = c->in_dtype[0];
    return true;
}

static void grad_broadcast(struct graph *g, const struct op_grad *c)
{
    c->d_in[0] = op_sum_to(g, c->d_out, graph_shape(g, c->in[0]));
}

const struct op op_broadcast_def = {.name = "broadcast",
                                    .precision = PRECISION_FOLLOW,
                                    .infer = infer_broadcast,
                                    .grad = grad_broadcast};

node op_broadcast(struct graph *g, node x, struct shape shape)
{
    struct shape have = graph_shape(g, x);
    if (shape_equal(&have, &shape))
        return x;
    struct broadcast_attrs attrs = {shape};
    return graph_add(g, &op_broadcast_def, &x, 1, &attrs, sizeof attrs);
}

node op_sum_to(struct graph *g, node x, struct shape shape)
{
    struct shape have = graph_shape(g, x);
    if (graph_failed(g) || shape_equal(&have, &shape))
        return x;
    struct shape both;
    if (!shape_broadcast(&have, &shape, &both) || !shape_equal(&both, &have)) {
        char from[SHAPE_TEXT], to[SHAPE_TEXT];
        op_fail_as(g, "sum_to", "%s is no broadcast of %s", shape_text(&have, from), shape_text(&shape, to));
        return NODE_NONE;
    }
    uint32_t axes = 0;
    int missing = have.rank - shape.rank;
    for (int i = 0; i < have.rank; i++)
        if (i < missing || (shape.dim[i - missing] == 1 && have.dim[i] != 1))
            axes |= REDUCE_AXIS(i);
    return op_reshape(g, axes ? op_sum(g, x, axes, true) : x, shape);
}

/* ---- Composed of them ----------------------------------------------------------------------------------------- */

node op_global_avg_pool(struct graph *g, node x)
{
    return op_mean(g, x, REDUCE_AXIS(1) | REDUCE_AXIS(2), false);
}

node op_global_max_pool(struct graph *g, node x)
{
    return op_reduce(g, REDUCE_MAX, x, REDUCE_AXIS(1) | REDUCE_AXIS(2), false);
}

node op_l2_normalize(struct graph *g, node x, float eps)
{
    int last = graph_rank(g, x) - 1;
    /* Bounded before the root, whose slope at zero is infinite: a row of zeros has the gradient dy / eps, as in
     * torch. */
    node squares = op_sum(g, op_square(g, x), REDUCE_AXIS(last), true);
    return op_div(g, x, op_sqrt(g, op_clamp(g, squares, eps * eps, INFINITY)));
}
