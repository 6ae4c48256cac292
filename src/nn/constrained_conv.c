/* constrained_conv.c - the projection, and the convolution with projected weights. */
#include "nn/constrained_conv.h"

#include "ops/conv.h"
#include "ops/elementwise.h"
#include "ops/reduce.h"

enum { MAX_SIDE = 15 };

node constrained_project(struct graph *g, node weight)
{
    if (graph_failed(g))
        return NODE_NONE;
    int64_t side = graph_dim(g, weight, -1);
    float centre[MAX_SIDE * MAX_SIDE] = {0}, around[MAX_SIDE * MAX_SIDE];
    if (graph_rank(g, weight) != 4 || side > MAX_SIDE || side % 2 == 0 || graph_dim(g, weight, 2) != side) {
        struct shape s = graph_shape(g, weight);
        char text[SHAPE_TEXT];
        graph_fail(g, "a constrained convolution has square windows of odd sides up to %d, not %s", MAX_SIDE,
                   shape_text(&s, text));
        return NODE_NONE;
    }
    centre[side * side / 2] = 1;
    for (int64_t i = 0; i < side * side; i++)
        around[i] = 1 - centre[i];
    node others = op_mul(g, weight, constant_data(g, around, SHAPE(side, side)));
    node sum = op_sum(g, others, REDUCE_AXIS(2) | REDUCE_AXIS(3), true);
    return op_sub(g, op_div(g, others, sum), constant_data(g, centre, SHAPE(side, side)));
}

node constrained_conv2d(struct graph *g, struct params p, node x, int64_t out, int side)
{
    /* Positive at first, so that no sum is near zero. */
    const struct store_init init = {.kind = STORE_UNIFORM, .a = 0, .b = 1};
    node weight = params_get(g, &p, "weight", SHAPE(out, graph_dim(g, x, -1), side, side), init);
    if (graph_failed(g))
        return NODE_NONE;
    graph_entry(g, weight)->project = constrained_project;
    /* The value is the projection's, the gradient goes to the weight as it is. */
    node used = op_add(g, weight, detach(g, op_sub(g, constrained_project(g, weight), weight)));
    struct conv_attrs attrs = conv_square(1, side / 2);
    attrs.f32 = true;
    return op_conv2d(g, x, used, attrs);
}
