/* linear.c - the affine map. */
#include "nn/linear.h"

#include "nn/lora.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"

node linear(struct graph *g, struct params p, node x, int64_t out)
{
    struct shape shape = SHAPE(out, graph_dim(g, x, -1)); /* [O, I] */
    node weight = params_get(g, &p, "weight", shape, init_linear_weight(&shape));
    node bias = params_get(g, &p, "bias", SHAPE(out), init_linear_bias(&shape));
    return lora_adapt(g, p, NULL, NULL, x, op_matmul_bias(g, x, weight, bias, false, true));
}

node linear_no_bias(struct graph *g, struct params p, node x, int64_t out)
{
    struct shape shape = SHAPE(out, graph_dim(g, x, -1));
    node weight = params_get(g, &p, "weight", shape, init_linear_weight(&shape));
    return lora_adapt(g, p, NULL, NULL, x, op_matmul(g, x, weight, false, true));
}

node linear_f32(struct graph *g, struct params p, node x, int64_t out)
{
    struct shape shape = SHAPE(out, graph_dim(g, x, -1));
    node weight = params_get(g, &p, "weight", shape, init_linear_weight(&shape));
    node bias = params_get(g, &p, "bias", SHAPE(out), init_linear_bias(&shape));
    return op_add(g, op_matmul_f32(g, x, weight, false, true), bias);
}
