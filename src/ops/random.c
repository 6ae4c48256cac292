/* random.c - random tensors and dropout. */
#include "ops/random.h"

#include "ops/elementwise.h"

static bool infer_random(const struct op_infer *c)
{
    *c->shape = ((const struct random_attrs *)c->attrs)->shape;
    return true;
}

const struct op op_random_def = {
    .name = "random", .precision = PRECISION_F32, .random = true, .stops_gradient = true, .infer = infer_random};

static node op_random(struct graph *g, enum random_kind kind, const struct shape *shape)
{
    struct random_attrs attrs = {kind, *shape};
    return graph_add(g, &op_random_def, NULL, 0, &attrs, sizeof attrs);
}

node op_random_uniform(struct graph *g, struct shape shape)
{
    return op_random(g, RANDOM_UNIFORM, &shape);
}

node op_random_normal(struct graph *g, struct shape shape)
{
    return op_random(g, RANDOM_NORMAL, &shape);
}

node op_dropout(struct graph *g, node x, float p)
{
    if (!(p >= 0 && p < 1)) {
        op_fail_as(g, "dropout", "the probability %g is not in 0 <= p < 1", (double)p);
        return NODE_NONE;
    }
    if (!graph_training(g) || p == 0)
        return x;
    node keep = op_binary(g, BINARY_GE, op_random_uniform(g, graph_shape(g, x)), constant(g, p, SHAPE_SCALAR));
    return op_mul(g, x, op_scale(g, keep, 1 / (1 - p)));
}
