/* softmax.c - softmax and log-softmax over the last axis. */
#include "ops/softmax.h"

static bool infer_rows(const struct op_infer *c)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    if (c->in[0].rank < 1 || c->in[0].dim[c->in[0].rank - 1] < 1) {
        op_fail(c, "%s has no last axis to normalise over", shape_text(&c->in[0], a));
        return false;
    }
    if (c->input_count == 2 && !shape_equal(&c->in[0], &c->in[1])) {
        op_fail(c, "shapes %s and %s differ", shape_text(&c->in[0], a), shape_text(&c->in[1], b));
        return false;
    }
    *c->shape = c->in[0];
    return true;
}

static void grad_softmax(struct graph *g, const struct op_grad *c)
{
    c->d_in[0] = graph_add(g, &op_softmax_grad_def, (node[]){c->out, c->d_out}, 2, NULL, 0);
}

static void grad_log_softmax(struct graph *g, const struct op_grad *c)
{
    c->d_in[0] = graph_add(g, &op_log_softmax_grad_def, (node[]){c->out, c->d_out}, 2, NULL, 0);
}

const struct op op_softmax_def = {.name = "softmax",
                                  .precision = PRECISION_F32,
                                  .infer = infer_rows,
                                  .grad = grad_softmax};
const struct op op_log_softmax_def = {.name = "log_softmax",
                                      .precision = PRECISION_F32,
                                      .infer = infer_rows,
                                      .grad = grad_log_softmax};
const struct op op_softmax_grad_def = {.name = "softmax_grad", .precision = PRECISION_F32, .infer = infer_rows};
const struct op op_log_softmax_grad_def = {.name = "log_softmax_grad", .precision = PRECISION_F32, .infer = infer_rows};

node op_softmax(struct graph *g, node x)
{
    return graph_add(g, &op_softmax_def, &x, 1, NULL, 0);
}

node op_log_softmax(struct graph *g, node x)
{
    return graph_add(g, &op_log_softmax_def, &x, 1, NULL, 0);
}
