/* conv.c - convolution and its gradients: shapes and rules. */
#include "ops/conv.h"

#include "ops/move.h"
#include "ops/reduce.h"

static bool window_fits(const struct op_infer *c, const struct conv_attrs *a)
{
    for (int i = 0; i < 4; i++)
        if (a->pad[i] < 0) {
            op_fail(c, "negative padding");
            return false;
        }
    if (a->stride[0] < 1 || a->stride[1] < 1 || a->dilation[0] < 1 || a->dilation[1] < 1 || a->groups < 1) {
        op_fail(c, "stride, dilation and groups must be at least 1");
        return false;
    }
    return true;
}

static bool infer_conv2d(const struct op_infer *c)
{
    const struct conv_attrs *a = c->attrs;
    const struct shape *x = &c->in[0], *w = &c->in[1];
    char tx[SHAPE_TEXT], tw[SHAPE_TEXT];
    if (!window_fits(c, a))
        return false;
    if (x->rank != 4 || w->rank != 4 || x->dim[3] != w->dim[1] * a->groups || w->dim[0] % a->groups != 0) {
        op_fail(c, "the input %s does not fit the weight %s in %d groups", shape_text(x, tx), shape_text(w, tw),
                a->groups);
        return false;
    }
    if (c->input_count == 3 && (c->in[2].rank != 1 || c->in[2].dim[0] != w->dim[0])) {
        op_fail(c, "the bias %s does not fit the weight %s", shape_text(&c->in[2], tx), shape_text(w, tw));
        return false;
    }
    int64_t size[2];
    for (int i = 0; i < 2; i++) {
        int64_t room = x->dim[1 + i] + a->pad[i] + a->pad[2 + i] - (int64_t)a->dilation[i] * (w->dim[2 + i] - 1) - 1;
        if (room < 0) {
            op_fail(c, "the input %s is smaller than the window of %s", shape_text(x, tx), shape_text(w, tw));
            return false;
        }
        size[i] = room / a->stride[i] + 1;
    }
    *c->shape = SHAPE(x->dim[0], size[0], size[1], w->dim[0]);
    return true;
}

static bool infer_stated(const struct op_infer *c)
{
    *c->shape = ((const struct conv_attrs *)c->attrs)->shape;
    return true;
}

/* The stated shape is one that a convolution with this weight brings to the shape of dy. */
static bool infer_input_grad(const struct op_infer *c)
{
    const struct conv_attrs *a = c->attrs;
    const struct shape *w = &c->in[0], *dy = &c->in[1], *x = &a->shape;
    char tw[SHAPE_TEXT], ty[SHAPE_TEXT], tx[SHAPE_TEXT];
    if (!window_fits(c, a))
        return false;
    bool fits = w->rank == 4 && dy->rank == 4 && x->rank == 4 && dy->dim[0] == x->dim[0] && dy->dim[3] == w->dim[0] &&
                w->dim[0] % a->groups == 0 && x->dim[3] == w->dim[1] * a->groups;
    for (int i = 0; i < 2 && fits; i++) {
        int64_t room = x->dim[1 + i] + a->pad[i] + a->pad[2 + i] - (int64_t)a->dilation[i] * (w->dim[2 + i] - 1) - 1;
        fits = room >= 0 && room / a->stride[i] + 1 == dy->dim[1 + i];
    }
    if (!fits) {
        op_fail(c, "the input %s does not fit the weight %s in %d groups and the output %s", shape_text(dy, ty),
                shape_text(w, tw), a->groups, shape_text(x, tx));
        return false;
    }
    *c->shape = *x;
    return true;
}

static const struct op *forward_op(const struct conv_attrs *a)
{
    return a->f32 ? &op_conv2d_f32_def : &op_conv2d_def;
}

static const struct op *input_grad_op(const struct conv_attrs *a)
{
    return a->f32 ? &op_conv2d_f32_input_grad_def : &op_conv2d_input_grad_def;
}

static const struct op *weight_grad_op(const struct conv_attrs *a)
{
    return a->f32 ? &op_conv2d_f32_weight_grad_def : &op_conv2d_weight_grad_def;
}

static void grad_conv2d(struct graph *g, const struct op_grad *c)
{
    struct conv_attrs a = *(const struct conv_attrs *)c->attrs;
    if (c->wanted[0]) {
        a.shape = graph_shape(g, c->in[0]);
        c->d_in[0] = graph_add(g, input_grad_op(&a), (node[]){c->in[1], c->d_out}, 2, &a, sizeof a);
    }
    if (c->wanted[1]) {
        a.shape = graph_shape(g, c->in[1]);
        c->d_in[1] = graph_add(g, weight_grad_op(&a), (node[]){c->in[0], c->d_out}, 2, &a, sizeof a);
    }
    if (c->input_count == 3 && c->wanted[2])
        c->d_in[2] = op_sum_to(g, c->d_out, graph_shape(g, c->in[2]));
}

/* It is linear in both inputs. */
static void grad_input_grad(struct graph *g, const struct op_grad *c)
{
    struct conv_attrs a = *(const struct conv_attrs *)c->attrs;
    if (c->wanted[0]) {
        a.shape = graph_shape(g, c->in[0]);
        c->d_in[0] = graph_add(g, weight_grad_op(&a), (node[]){c->d_out, c->in[1]}, 2, &a, sizeof a);
    }
    if (c->wanted[1])
        c->d_in[1] = op_conv2d(g, c->d_out, c->in[0], a);
}

const struct op op_conv2d_def = {.name = "conv2d",
                                 .precision = PRECISION_COMPUTE,
                                 .parts = OP_PARTS_FIRST,
                                 .infer = infer_conv2d,
                                 .grad = grad_conv2d};
const struct op op_conv2d_input_grad_def = {.name = "conv2d_input_grad",
                                            .precision = PRECISION_COMPUTE,
                                            .infer = infer_input_grad,
                                            .grad = grad_input_grad};
const struct op op_conv2d_weight_grad_def = {.name = "conv2d_weight_grad",
                                             .precision = PRECISION_COMPUTE_F32,
                                             .infer = infer_stated};
const struct op op_conv2d_f32_def = {.name = "conv2d_f32",
                                     .precision = PRECISION_F32,
                                     .parts = OP_PARTS_FIRST,
                                     .infer = infer_conv2d,
                                     .grad = grad_conv2d};
const struct op op_conv2d_f32_input_grad_def = {.name = "conv2d_f32_input_grad",
                                                .precision = PRECISION_F32,
                                                .infer = infer_input_grad,
                                                .grad = grad_input_grad};
const struct op op_conv2d_f32_weight_grad_def = {.name = "conv2d_f32_weight_grad",
                                                 .precision = PRECISION_F32,
                                                 .infer = infer_stated};

/* Field by field, so that padding bytes and the unused shape are zero. */
static struct conv_attrs conv_clean(const struct conv_attrs *a)
{
    struct conv_attrs clean = {.groups = a->groups, .f32 = a->f32};
    for (int i = 0; i < 2; i++) {
        clean.stride[i] = a->stride[i];
        clean.dilation[i] = a->dilation[i];
    }
    for (int i = 0; i < 4; i++)
        clean.pad[i] = a->pad[i];
    return clean;
}

/* A window of one cell in steps needs only the cells that it steps on. Without them between, backends need no code for
 * that case; oneDNN 2.6's own reaches outside its buffers with 8 channels. */
static node skip_unseen(struct graph *g, node x, node w, struct conv_attrs *a)
{
    bool padded = a->pad[0] || a->pad[1] || a->pad[2] || a->pad[3];
    if (padded || a->stride[0] < 1 || a->stride[1] < 1 || (a->stride[0] == 1 && a->stride[1] == 1) ||
        graph_rank(g, x) != 4 || graph_rank(g, w) != 4 || graph_dim(g, w, 2) != 1 || graph_dim(g, w, 3) != 1)
        return x;
    const int64_t begin[4] = {0}, size[4] = {-1, -1, -1, -1}, step[4] = {1, a->stride[0], a->stride[1], 1};
    a->stride[0] = a->stride[1] = 1;
    return op_slice_step(g, x, begin, size, step);
}

node op_conv2d(struct graph *g, node x, node w, struct conv_attrs attrs)
{
    struct conv_attrs clean = conv_clean(&attrs);
    x = skip_unseen(g, x, w, &clean);
    return graph_add(g, forward_op(&clean), (node[]){x, w}, 2, &clean, sizeof clean);
}

node op_conv2d_bias(struct graph *g, node x, node w, node bias, struct conv_attrs attrs)
{
    struct conv_attrs clean = conv_clean(&attrs);
    x = skip_unseen(g, x, w, &clean);
    return graph_add(g, forward_op(&clean), (node[]){x, w, bias}, 3, &clean, sizeof clean);
}

/* The reverse of skip_unseen: the cells that a window of one cell leaves out are zeros. */
static node spread(struct graph *g, node x, node w, int64_t height, int64_t width, struct conv_attrs *a)
{
    bool padded = a->pad[0] || a->pad[1] || a->pad[2] || a->pad[3];
    if (padded || a->stride[0] < 1 || a->stride[1] < 1 || (a->stride[0] == 1 && a->stride[1] == 1) ||
        graph_rank(g, x) != 4 || graph_rank(g, w) != 4 || graph_dim(g, w, 2) != 1 || graph_dim(g, w, 3) != 1)
        return x;
    const int64_t before[4] = {0}, gap[4] = {0, a->stride[0] - 1, a->stride[1] - 1, 0};
    const int64_t after[4] = {0, height - 1 - (graph_dim(g, x, 1) - 1) * a->stride[0],
                              width - 1 - (graph_dim(g, x, 2) - 1) * a->stride[1], 0};
    if (after[1] < 0 || after[1] >= a->stride[0] || after[2] < 0 || after[2] >= a->stride[1])
        return x; /* told with the shapes that it is about */
    a->stride[0] = a->stride[1] = 1;
    return op_pad_gap(g, x, before, after, gap);
}

node op_conv2d_transposed(struct graph *g, node x, node w, int64_t height, int64_t width, struct conv_attrs attrs)
{
    struct conv_attrs clean = conv_clean(&attrs);
    if (graph_failed(g))
        return NODE_NONE;
    x = spread(g, x, w, height, width, &clean);
    clean.shape = SHAPE(graph_dim(g, x, 0), height, width, graph_dim(g, w, 1) * clean.groups);
    return graph_add(g, input_grad_op(&clean), (node[]){w, x}, 2, &clean, sizeof clean);
}

struct conv_attrs conv_square(int stride, int padding)
{
    return (struct conv_attrs){.stride = {stride, stride},
                               .dilation = {1, 1},
                               .pad = {padding, padding, padding, padding},
                               .groups = 1};
}
