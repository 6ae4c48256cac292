/* elementwise.c - unary and binary functions and select: shapes and gradients. */
#include "ops/elementwise.h"

#include "ops/reduce.h"

/* ---- Unary ---------------------------------------------------------------------------------------------------- */

static bool infer_unary(const struct op_infer *c)
{
    *c->shape = c->in[0];
    return true;
}

/* d y / d x as a node, from x and y. */
static node unary_slope(struct graph *g, const struct unary_attrs *a, node x, node y)
{
    switch (a->kind) {
    case UNARY_EXP: return y;
    case UNARY_LOG: return op_pow(g, x, -1);
    case UNARY_SQRT: return op_scale(g, op_pow(g, y, -1), 0.5f);
    case UNARY_ABS: return op_unary(g, UNARY_SIGN, x, 0, 0);
    case UNARY_POW: return op_scale(g, op_pow(g, x, a->a - 1), a->a);
    case UNARY_CLAMP:
        return op_mul(g, op_binary(g, BINARY_GE, x, constant(g, a->a, SHAPE_SCALAR)),
                      op_binary(g, BINARY_LE, x, constant(g, a->b, SHAPE_SCALAR)));
    case UNARY_GELU: return op_unary(g, UNARY_GELU_GRAD, x, 0, 0);
    case UNARY_QUICK_GELU: return op_unary(g, UNARY_QUICK_GELU_GRAD, x, 0, 0);
    case UNARY_SILU: return op_unary(g, UNARY_SILU_GRAD, x, 0, 0);
    case UNARY_SIGMOID: return op_mul(g, y, op_affine(g, y, -1, 1));
    case UNARY_TANH: return op_affine(g, op_square(g, y), -1, 1);
    case UNARY_SOFTPLUS: return op_sigmoid(g, x);
    default: break;
    }
    graph_fail(g, "unary function %d has no second derivative", (int)a->kind);
    return NODE_NONE;
}

static void grad_unary(struct graph *g, const struct op_grad *c)
{
    const struct unary_attrs *a = c->attrs;
    if (a->kind == UNARY_SIGN || a->kind == UNARY_FLOOR || (a->kind == UNARY_POW && a->a == 0))
        return; /* zero; x^0 also where x is zero and the rule would say 0 / 0 */
    if (a->kind == UNARY_AFFINE)
        c->d_in[0] = op_scale(g, c->d_out, a->a);
    else if (a->kind == UNARY_RELU)
        c->d_in[0] = op_binary(g, BINARY_RELU_GRAD, c->out, c->d_out);
    else
        c->d_in[0] = op_mul(g, c->d_out, unary_slope(g, a, c->in[0], c->out));
}

const struct op op_unary_def = {.name = "unary",
                                .whole_attrs = true,
                                .precision = PRECISION_FOLLOW,
                                .elementwise = true,
                                .parts = OP_PARTS_EACH,
                                .infer = infer_unary,
                                .grad = grad_unary};

node op_unary(struct graph *g, enum unary_kind kind, node x, float a, float b)
{
    struct unary_attrs attrs = {kind, a, b};
    return graph_add(g, &op_unary_def, &x, 1, &attrs, sizeof attrs);
}

node op_affine(struct graph *g, node x, float scale, float shift)
{
    return op_unary(g, UNARY_AFFINE, x, scale, shift);
}

node op_scale(struct graph *g, node x, float scale)
{
    return op_affine(g, x, scale, 0);
}

node op_neg(struct graph *g, node x)
{
    return op_affine(g, x, -1, 0);
}

node op_exp(struct graph *g, node x)
{
    return op_unary(g, UNARY_EXP, x, 0, 0);
}

node op_log(struct graph *g, node x)
{
    return op_unary(g, UNARY_LOG, x, 0, 0);
}

node op_sqrt(struct graph *g, node x)
{
    return op_unary(g, UNARY_SQRT, x, 0, 0);
}

node op_abs(struct graph *g, node x)
{
    return op_unary(g, UNARY_ABS, x, 0, 0);
}

node op_floor(struct graph *g, node x)
{
    return op_unary(g, UNARY_FLOOR, x, 0, 0);
}

node op_square(struct graph *g, node x)
{
    return op_mul(g, x, x);
}

node op_pow(struct graph *g, node x, float exponent)
{
    return op_unary(g, UNARY_POW, x, exponent, 0);
}

node op_clamp(struct graph *g, node x, float low, float high)
{
    return op_unary(g, UNARY_CLAMP, x, low, high);
}

node op_relu(struct graph *g, node x)
{
    return op_unary(g, UNARY_RELU, x, 0, 0);
}

node op_gelu(struct graph *g, node x)
{
    return op_unary(g, UNARY_GELU, x, 0, 0);
}

node op_quick_gelu(struct graph *g, node x)
{
    return op_unary(g, UNARY_QUICK_GELU, x, 0, 0);
}

node op_silu(struct graph *g, node x)
{
    return op_unary(g, UNARY_SILU, x, 0, 0);
}

node op_sigmoid(struct graph *g, node x)
{
    return op_unary(g, UNARY_SIGMOID, x, 0, 0);
}

node op_tanh(struct graph *g, node x)
{
    return op_unary(g, UNARY_TANH, x, 0, 0);
}

/* ---- Binary --------------------------------------------------------------------------------------------------- */

static bool infer_binary(const struct op_infer *c)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    if (!shape_broadcast(&c->in[0], &c->in[1], c->shape)) {
        op_fail(c, "shapes %s and %s do not broadcast", shape_text(&c->in[0], a), shape_text(&c->in[1], b));
        return false;
    }
    return true;
}

/* The gradient of max(a, b) for the larger one: 1 where it wins, 1/2 between equals, 0 else. */
static node share_of_winner(struct graph *g, enum binary_kind wins, node mine, node other)
{
    return op_add(g, op_binary(g, wins, mine, other), op_scale(g, op_equal(g, mine, other), 0.5f));
}

static void grad_binary(struct graph *g, const struct op_grad *c)
{
    const struct binary_attrs *attrs = c->attrs;
    node a = c->in[0], b = c->in[1], da = NODE_NONE, db = NODE_NONE, d = c->d_out;
    switch (attrs->kind) {
    case BINARY_ADD: da = db = d; break;
    case BINARY_SUB:
        da = d;
        db = c->wanted[1] ? op_neg(g, d) : NODE_NONE;
        break;
    case BINARY_MUL:
        da = c->wanted[0] ? op_mul(g, d, b) : NODE_NONE;
        db = c->wanted[1] ? op_mul(g, d, a) : NODE_NONE;
        break;
    case BINARY_DIV:
        da = op_div(g, d, b);
        db = c->wanted[1] ? op_neg(g, op_mul(g, da, c->out)) : NODE_NONE;
        break;
    case BINARY_MAX:
    case BINARY_MIN: {
        enum binary_kind wins = attrs->kind == BINARY_MAX ? BINARY_GT : BINARY_LT;
        da = c->wanted[0] ? op_mul(g, d, share_of_winner(g, wins, a, b)) : NODE_NONE;
        db = c->wanted[1] ? op_mul(g, d, share_of_winner(g, wins, b, a)) : NODE_NONE;
        break;
    }
    case BINARY_RELU_GRAD: graph_fail(g, "the gradient of relu has no gradient of its own"); return;
    default: return; /* comparisons: zero */
    }
    if (c->wanted[0])
        c->d_in[0] = op_sum_to(g, da, graph_shape(g, a));
    if (c->wanted[1])
        c->d_in[1] = op_sum_to(g, db, graph_shape(g, b));
}

const struct op op_binary_def = {.name = "binary",
                                 .whole_attrs = true,
                                 .precision = PRECISION_FOLLOW,
                                 .elementwise = true,
                                 .parts = OP_PARTS_EACH,
                                 .infer = infer_binary,
                                 .grad = grad_binary};

node op_binary(struct graph *g, enum binary_kind kind, node a, node b)
{
    struct binary_attrs attrs = {kind};
    return graph_add(g, &op_binary_def, (node[]){a, b}, 2, &attrs, sizeof attrs);
}

node op_add(struct graph *g, node a, node b)
{
    return op_binary(g, BINARY_ADD, a, b);
}

node op_sub(struct graph *g, node a, node b)
{
    return op_binary(g, BINARY_SUB, a, b);
}

node op_mul(struct graph *g, node a, node b)
{
    return op_binary(g, BINARY_MUL, a, b);
}

node op_div(struct graph *g, node a, node b)
{
    return op_binary(g, BINARY_DIV, a, b);
}

node op_max(struct graph *g, node a, node b)
{
    return op_binary(g, BINARY_MAX, a, b);
}

node op_min(struct graph *g, node a, node b)
{
    return op_binary(g, BINARY_MIN, a, b);
}

node op_equal(struct graph *g, node a, node b)
{
    return op_binary(g, BINARY_EQ, a, b);
}

node op_less(struct graph *g, node a, node b)
{
    return op_binary(g, BINARY_LT, a, b);
}

node op_greater(struct graph *g, node a, node b)
{
    return op_binary(g, BINARY_GT, a, b);
}

/* ---- Select --------------------------------------------------------------------------------------------------- */

static bool infer_select(const struct op_infer *c)
{
    struct shape values;
    char a[SHAPE_TEXT], b[SHAPE_TEXT], condition[SHAPE_TEXT];
    if (!shape_broadcast(&c->in[1], &c->in[2], &values) || !shape_broadcast(&values, &c->in[0], c->shape)) {
        op_fail(c, "shapes %s, %s and %s do not broadcast", shape_text(&c->in[0], condition), shape_text(&c->in[1], a),
                shape_text(&c->in[2], b));
        return false;
    }
    return true;
}

static void grad_select(struct graph *g, const struct op_grad *c)
{
    node zero = constant(g, 0, SHAPE_SCALAR);
    if (c->wanted[1])
        c->d_in[1] = op_sum_to(g, op_select(g, c->in[0], c->d_out, zero), graph_shape(g, c->in[1]));
    if (c->wanted[2])
        c->d_in[2] = op_sum_to(g, op_select(g, c->in[0], zero, c->d_out), graph_shape(g, c->in[2]));
}

const struct op op_select_def = {.name = "select",
                                 .precision = PRECISION_FOLLOW,
                                 .elementwise = true,
                                 .parts = OP_PARTS_EACH,
                                 .infer = infer_select,
                                 .grad = grad_select};

node op_select(struct graph *g, node condition, node a, node b)
{
    return graph_add(g, &op_select_def, (node[]){condition, a, b}, 3, NULL, 0);
}
