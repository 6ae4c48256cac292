/* norm.c - batch and layer normalisation: shapes and gradients. */
#include "ops/norm.h"

#include "ops/elementwise.h"
#include "ops/move.h"
#include "ops/reduce.h"

/* Input 0 is x [..., C]; every further input must be one of [C], [2, C] or x's shape, by the given letters: "c", "2",
 * "x". */
static bool check_inputs(const struct op_infer *c, const char *kinds)
{
    const struct shape *x = &c->in[0];
    char tx[SHAPE_TEXT], ti[SHAPE_TEXT];
    if (x->rank < 1 || shape_count(x) == 0) {
        op_fail(c, "%s is not [..., C]", shape_text(x, tx));
        return false;
    }
    int64_t channels = x->dim[x->rank - 1];
    for (int i = 1; kinds[i - 1]; i++) {
        struct shape want = kinds[i - 1] == 'x' ? *x : kinds[i - 1] == '2' ? SHAPE(2, channels) : SHAPE(channels);
        if (!shape_equal(&c->in[i], &want)) {
            op_fail(c, "input %d has the shape %s, which does not fit %s", i, shape_text(&c->in[i], ti),
                    shape_text(x, tx));
            return false;
        }
    }
    return true;
}

static bool infer_stats(const struct op_infer *c)
{
    *c->shape = SHAPE(2, c->in[0].dim[c->in[0].rank > 0 ? c->in[0].rank - 1 : 0]);
    return check_inputs(c, "");
}

static bool infer_batch_norm(const struct op_infer *c)
{
    *c->shape = c->in[0];
    return check_inputs(c, "2cc");
}

static bool infer_batch_norm_frozen(const struct op_infer *c)
{
    *c->shape = c->in[0];
    return check_inputs(c, "cccc");
}

static bool infer_batch_norm_sums(const struct op_infer *c)
{
    return infer_stats(c) && check_inputs(c, "2x");
}

static bool infer_batch_norm_grad(const struct op_infer *c)
{
    *c->shape = c->in[0];
    return check_inputs(c, "2cx2");
}

static bool infer_layer_norm(const struct op_infer *c)
{
    *c->shape = c->in[0];
    return check_inputs(c, "cc");
}

static bool infer_layer_norm_grad(const struct op_infer *c)
{
    *c->shape = c->in[0];
    return check_inputs(c, "cx");
}

static bool infer_layer_norm_sums(const struct op_infer *c)
{
    return infer_stats(c) && check_inputs(c, "x");
}

/* Row `row` of [2, C] as [C]. */
static node stats_row(struct graph *g, node stats, int64_t row)
{
    return op_reshape(g, op_slice_axis(g, stats, 0, row, 1), SHAPE(-1));
}

/* d mean / d x = 1 / N, d var / d x = 2 (x - mean) / N */
static void grad_channel_stats(struct graph *g, const struct op_grad *c)
{
    struct shape x = graph_shape(g, c->in[0]);
    float per_value = (float)((double)x.dim[x.rank - 1] / (double)shape_count(&x));
    node centred = op_sub(g, c->in[0], stats_row(g, c->out, 0));
    node d_var = op_mul(g, centred, op_scale(g, stats_row(g, c->d_out, 1), 2 * per_value));
    c->d_in[0] = op_add(g, d_var, op_scale(g, stats_row(g, c->d_out, 0), per_value));
}

/* The gradient of x contains what goes through the batch's statistics. They themselves get none. */
static void grad_batch_norm(struct graph *g, const struct op_grad *c)
{
    const struct norm_attrs *a = c->attrs;
    node x = c->in[0], stats = c->in[1], scale = c->in[2], dy = c->d_out;
    node sums = graph_add(g, &op_batch_norm_sums_def, (node[]){x, stats, dy}, 3, a, sizeof *a);
    if (c->wanted[0])
        c->d_in[0] = graph_add(g, &op_batch_norm_grad_def, (node[]){x, stats, scale, dy, sums}, 5, a, sizeof *a);
    if (c->wanted[2])
        c->d_in[2] = stats_row(g, sums, 1);
    if (c->wanted[3])
        c->d_in[3] = stats_row(g, sums, 0);
}

static void grad_batch_norm_frozen(struct graph *g, const struct op_grad *c)
{
    const struct norm_attrs *a = c->attrs;
    node scale = c->in[3], dy = c->d_out;
    if (c->wanted[0])
        c->d_in[0] = op_mul(g, dy, op_mul(g, scale, op_pow(g, op_affine(g, c->in[2], 1, a->eps), -0.5f)));
    if (!c->wanted[3] && !c->wanted[4])
        return;
    node rows[2] = {op_reshape(g, c->in[1], SHAPE(1, -1)), op_reshape(g, c->in[2], SHAPE(1, -1))};
    node inputs[3] = {c->in[0], op_concat(g, rows, 2, 0), dy};
    node sums = graph_add(g, &op_batch_norm_sums_def, inputs, 3, a, sizeof *a);
    c->d_in[3] = stats_row(g, sums, 1);
    c->d_in[4] = stats_row(g, sums, 0);
}

static void grad_layer_norm(struct graph *g, const struct op_grad *c)
{
    const struct norm_attrs *a = c->attrs;
    node x = c->in[0], scale = c->in[1], dy = c->d_out;
    if (c->wanted[0])
        c->d_in[0] = graph_add(g, &op_layer_norm_grad_def, (node[]){x, scale, dy}, 3, a, sizeof *a);
    if (!c->wanted[1] && !c->wanted[2])
        return;
    node sums = graph_add(g, &op_layer_norm_sums_def, (node[]){x, dy}, 2, a, sizeof *a);
    c->d_in[1] = stats_row(g, sums, 1);
    c->d_in[2] = stats_row(g, sums, 0);
}

const struct op op_channel_stats_def = {.name = "channel_stats",
                                        .precision = PRECISION_F32,
                                        .infer = infer_stats,
                                        .grad = grad_channel_stats};
const struct op op_batch_norm_def = {.name = "batch_norm",
                                     .precision = PRECISION_FOLLOW,
                                     .infer = infer_batch_norm,
                                     .grad = grad_batch_norm};
const struct op op_batch_norm_frozen_def = {.name = "batch_norm_frozen",
                                            .precision = PRECISION_FOLLOW,
                                            .parts = OP_PARTS_FIRST,
                                            .infer = infer_batch_norm_frozen,
                                            .grad = grad_batch_norm_frozen};
const struct op op_batch_norm_sums_def = {.name = "batch_norm_sums",
                                          .precision = PRECISION_F32,
                                          .infer = infer_batch_norm_sums};
const struct op op_batch_norm_grad_def = {.name = "batch_norm_grad",
                                          .precision = PRECISION_FOLLOW,
                                          .infer = infer_batch_norm_grad};
const struct op op_layer_norm_def = {.name = "layer_norm",
                                     .precision = PRECISION_FOLLOW,
                                     .parts = OP_PARTS_FIRST,
                                     .infer = infer_layer_norm,
                                     .grad = grad_layer_norm};
const struct op op_layer_norm_grad_def = {.name = "layer_norm_grad",
                                          .precision = PRECISION_FOLLOW,
                                          .infer = infer_layer_norm_grad};
const struct op op_layer_norm_sums_def = {.name = "layer_norm_sums",
                                          .precision = PRECISION_F32,
                                          .infer = infer_layer_norm_sums};

node op_channel_stats(struct graph *g, node x)
{
    return graph_add(g, &op_channel_stats_def, &x, 1, NULL, 0);
}

node op_batch_norm(struct graph *g, node x, node batch_stats, node scale, node shift, float eps)
{
    struct norm_attrs attrs = {0};
    attrs.eps = eps;
    return graph_add(g, &op_batch_norm_def, (node[]){x, detach(g, batch_stats), scale, shift}, 4, &attrs, sizeof attrs);
}

node op_batch_norm_frozen(struct graph *g, node x, node mean, node var, node scale, node shift, float eps)
{
    struct norm_attrs attrs = {0};
    attrs.eps = eps;
    return graph_add(g, &op_batch_norm_frozen_def, (node[]){x, mean, var, scale, shift}, 5, &attrs, sizeof attrs);
}

node op_layer_norm(struct graph *g, node x, node scale, node shift, float eps)
{
    struct norm_attrs attrs = {0};
    attrs.eps = eps;
    return graph_add(g, &op_layer_norm_def, (node[]){x, scale, shift}, 3, &attrs, sizeof attrs);
}
