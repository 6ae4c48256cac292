/* loss.c - cross-entropy, composed of other ops; and one-hot, which makes targets of labels. */
#include "ops/loss.h"

#include "ops/elementwise.h"
#include "ops/reduce.h"
#include "ops/softmax.h"

static bool infer_one_hot(const struct op_infer *c)
{
    const struct one_hot_attrs *a = c->attrs;
    if (c->in_dtype[0] != DTYPE_I32 || c->in[0].rank >= TENSOR_MAX_RANK || a->classes < 1) {
        op_fail(c, "needs integer indices and at least one class");
        return false;
    }
    *c->shape = c->in[0];
    c->shape->dim[c->shape->rank++] = a->classes;
    return true;
}

const struct op op_one_hot_def = {
    .name = "one_hot", .precision = PRECISION_F32, .stops_gradient = true, .infer = infer_one_hot};

node op_one_hot(struct graph *g, node indices, int64_t classes)
{
    struct one_hot_attrs attrs = {classes};
    return graph_add(g, &op_one_hot_def, &indices, 1, &attrs, sizeof attrs);
}

node op_cross_entropy(struct graph *g, node logits, node labels, float smoothing)
{
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
        graph_fail(g, "binary cross-entropy: logits %s and targets %s differ", shape_text(&a, ta), shape_text(&b, tb));
    }
    node each = op_sub(g, op_unary(g, UNARY_SOFTPLUS, logits, 0, 0), op_mul(g, logits, targets));
    return op_mean(g, each, REDUCE_ALL, false);
}
