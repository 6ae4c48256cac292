/* loss.c - cross-entropy, composed of other ops; and one-hot, which makes targets of labels. */
#include "ops/loss.h"

#include "ops/elementwise.h"
#include "ops/reduce.h"
#include "ops/softmax.h"

static bool infer_one_hot(const struct op_infer *c)
{
    const struct one_hot_attrs *a = c->attrs;
    if (c->in_dtype[0] != DTYPE_I32 || c->in[0].rank >= TENSOR_MAX_RANK || a->classes < 1) {
        char text[SHAPE_TEXT];
        op_fail(c, "%s %s and %lld classes: it needs i32 indices and at least one class", dtype_name(c->in_dtype[0]),
                shape_text(&c->in[0], text), (long long)a->classes);
        return false;
    }
    *c->shape = c->in[0];
    c->shape->dim[c->shape->rank++] = a->classes;
    return true;
}

const struct op op_one_hot_def = {
    .name = "one_hot", .precision = PRECISION_F32, .stops_gradient = true, .integers = true, .infer = infer_one_hot};

node op_one_hot(struct graph *g, node indices, int64_t classes)
{
    struct one_hot_attrs attrs = {classes};
    return graph_add(g, &op_one_hot_def, &indices, 1, &attrs, sizeof attrs);
}

node op_cross_entropy(struct graph *g, node logits, node labels, float smoothing)
{
    struct shape x = graph_shape(g, logits), y = graph_shape(g, labels);
    if (!graph_failed(g) && (x.rank != 2 || y.rank != 1 || y.dim[0] != x.dim[0])) {
        char tx[SHAPE_TEXT], ty[SHAPE_TEXT];
        op_fail_as(g, "cross_entropy", "logits %s and labels %s are not [B, C] and [B]", shape_text(&x, tx),
                   shape_text(&y, ty));
        return NODE_NONE;
    }
    int64_t classes = graph_dim(g, logits, -1);
    node targets = op_one_hot(g, labels, classes);
    if (smoothing != 0)
        targets = op_affine(g, targets, 1 - smoothing, smoothing / (float)classes);
    node each = op_sum(g, op_mul(g, targets, op_log_softmax(g, logits)), REDUCE_AXIS(1), false);
    return op_neg(g, op_mean(g, each, REDUCE_ALL, false));
}

node op_bce_with_logits(struct graph *g, node logits, node targets)
{
    struct shape a = graph_shape(g, logits), b = graph_shape(g, targets);
    if (!graph_failed(g) && !shape_equal(&a, &b)) {
        char ta[SHAPE_TEXT], tb[SHAPE_TEXT];
        op_fail_as(g, "bce_with_logits", "logits %s and targets %s differ", shape_text(&a, ta), shape_text(&b, tb));
        return NODE_NONE;
    }
    node each = op_sub(g, op_unary(g, UNARY_SOFTPLUS, logits, 0, 0), op_mul(g, logits, targets));
    return op_mean(g, each, REDUCE_ALL, false);
}
