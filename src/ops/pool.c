/* pool.c - pooling over windows: shapes and gradient. */
#include "ops/pool.h"

static bool infer_pool(const struct op_infer *c)
{
    const struct pool_attrs *a = c->attrs;
    const struct shape *x = &c->in[0];
    char text[SHAPE_TEXT];
    int64_t size[2];
    if (x->rank != 4) {
        op_fail(c, "the input %s is not [B, H, W, C]", shape_text(x, text));
        return false;
    }
    for (int i = 0; i < 2; i++) {
        if (a->window[i] < 1 || a->stride[i] < 1 || a->pad[i] < 0 || a->pad[2 + i] < 0 || a->pad[i] >= a->window[i] ||
            a->pad[2 + i] >= a->window[i]) {
            op_fail(c, "of %s: window and stride must be at least 1, the padding smaller than the window",
                    shape_text(x, text));
            return false;
        }
        int64_t room = x->dim[1 + i] + a->pad[i] + a->pad[2 + i] - a->window[i];
        if (room < 0) {
            op_fail(c, "the input %s is smaller than the window", shape_text(x, text));
            return false;
        }
        size[i] = room / a->stride[i] + 1;
    }
    *c->shape = SHAPE(x->dim[0], size[0], size[1], x->dim[3]);
    return true;
}

static bool infer_pool_grad(const struct op_infer *c)
{
    *c->shape = c->in[0];
    return true;
}

static void grad_pool(struct graph *g, const struct op_grad *c)
{
    c->d_in[0] =
        graph_add(g, &op_pool2d_grad_def, (node[]){c->in[0], c->d_out}, 2, c->attrs, sizeof(struct pool_attrs));
}

const struct op op_pool2d_def = {
    .name = "pool2d", .precision = PRECISION_FOLLOW, .parts = OP_PARTS_FIRST, .infer = infer_pool, .grad = grad_pool};
const struct op op_pool2d_grad_def = {.name = "pool2d_grad", .precision = PRECISION_FOLLOW, .infer = infer_pool_grad};

node op_pool2d(struct graph *g, node x, struct pool_attrs attrs)
{
    return graph_add(g, &op_pool2d_def, &x, 1, &attrs, sizeof attrs);
}

static struct pool_attrs pool_square(bool average, int window, int stride, int padding)
{
    return (struct pool_attrs){.average = average,
                               .window = {window, window},
                               .stride = {stride, stride},
                               .pad = {padding, padding, padding, padding},
                               .count_padded = true};
}

node op_max_pool2d(struct graph *g, node x, int window, int stride, int padding)
{
    return op_pool2d(g, x, pool_square(false, window, stride, padding));
}

node op_avg_pool2d(struct graph *g, node x, int window, int stride, int padding)
{
    return op_pool2d(g, x, pool_square(true, window, stride, padding));
}
