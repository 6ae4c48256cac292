/* elementwise.h - one value from the values at the same place: unary and binary functions, select. Binary functions and
 * select broadcast by numpy's rules. Comparisons give 1 and 0 and have no gradient. */
#ifndef ASSAY_OPS_ELEMENTWISE_H
#define ASSAY_OPS_ELEMENTWISE_H

#include "graph/op.h"

enum unary_kind {
    UNARY_AFFINE, /* a * x + b */
    UNARY_EXP,
    UNARY_LOG,
    UNARY_SQRT,
    UNARY_ABS,
    UNARY_SIGN,  /* -1, 0, 1; no gradient */
    UNARY_FLOOR, /* the next integer downwards; no gradient */
    UNARY_POW,   /* x ^ a, a a constant; x >= 0 unless a is an integer */
    UNARY_CLAMP, /* min(max(x, a), b); the gradient passes where a <= x <= b, as in most torch */
    UNARY_RELU,
    UNARY_GELU,       /* exact: x Phi(x) */
    UNARY_GELU_GRAD,  /* d GELU / dx at x */
    UNARY_QUICK_GELU, /* x sigmoid(1.702 x), as OpenAI's CLIP */
    UNARY_QUICK_GELU_GRAD,
    UNARY_SILU, /* x sigmoid(x) */
    UNARY_SILU_GRAD,
    UNARY_SIGMOID,
    UNARY_TANH,
    UNARY_SOFTPLUS, /* log(1 + e^x), without overflow */
    UNARY_COUNT
};

struct unary_attrs {
    enum unary_kind kind;
    float a, b;
};

enum binary_kind {
    BINARY_ADD,
    BINARY_SUB,
    BINARY_MUL,
    BINARY_DIV,
    BINARY_MAX, /* the gradient is halved between equal values, as in torch */
    BINARY_MIN,
    BINARY_EQ,
    BINARY_LT,
    BINARY_LE,
    BINARY_GT,
    BINARY_GE,
    BINARY_RELU_GRAD, /* y > 0 ? dy : 0 for inputs (y, dy); no gradient of its own */
    BINARY_COUNT
};

struct binary_attrs {
    enum binary_kind kind;
};

extern const struct op op_unary_def, op_binary_def, op_select_def;

node op_unary(struct graph *g, enum unary_kind kind, node x, float a, float b);
node op_binary(struct graph *g, enum binary_kind kind, node a, node b);

node op_affine(struct graph *g, node x, float scale, float shift);
node op_scale(struct graph *g, node x, float scale);
node op_neg(struct graph *g, node x);
node op_exp(struct graph *g, node x);
node op_log(struct graph *g, node x);
node op_sqrt(struct graph *g, node x);
node op_abs(struct graph *g, node x);
node op_floor(struct graph *g, node x);
node op_square(struct graph *g, node x);
node op_pow(struct graph *g, node x, float exponent);
node op_clamp(struct graph *g, node x, float low, float high);
node op_relu(struct graph *g, node x);
node op_gelu(struct graph *g, node x);
node op_quick_gelu(struct graph *g, node x);
node op_silu(struct graph *g, node x);
node op_sigmoid(struct graph *g, node x);
node op_tanh(struct graph *g, node x);

node op_add(struct graph *g, node a, node b);
node op_sub(struct graph *g, node a, node b);
node op_mul(struct graph *g, node a, node b);
node op_div(struct graph *g, node a, node b);
node op_max(struct graph *g, node a, node b);
node op_min(struct graph *g, node a, node b);
node op_equal(struct graph *g, node a, node b);
node op_less(struct graph *g, node a, node b);
node op_greater(struct graph *g, node a, node b);

/* condition != 0 ? a : b; all three broadcast. No gradient for the condition. */
node op_select(struct graph *g, node condition, node a, node b);

#endif
