/* core_ops.c - the ops that the graph itself needs: leaves, detach, the meeting of gradients, casts. */
#include "graph/internal.h"

static bool infer_same(const struct op_infer *c)
{
    *c->shape = c->in[0];
    *c->dtype = c->in_dtype[0];
    return true;
}

/* Leaves are pushed by graph.c, never added through graph_add. */
const struct op op_input = {.name = "input"};
const struct op op_param = {.name = "param"};
const struct op op_state = {.name = "state"};
const struct op op_constant = {.name = "constant"};

const struct op op_detach = {.name = "detach",
                             .precision = PRECISION_FOLLOW,
                             .view = true,
                             .stops_gradient = true,
                             .integers = true,
                             .infer = infer_same};

node detach(struct graph *g, node x)
{
    return graph_add(g, &op_detach, &x, 1, NULL, 0);
}

static bool infer_accumulate(const struct op_infer *c)
{
    for (int i = 1; i < c->input_count; i++) {
        if (!shape_equal(&c->in[0], &c->in[i])) {
            char a[SHAPE_TEXT], b[SHAPE_TEXT];
            op_fail(c, "shapes %s and %s differ", shape_text(&c->in[0], a), shape_text(&c->in[i], b));
            return false;
        }
    }
    return infer_same(c);
}

static void grad_accumulate(struct graph *g, const struct op_grad *c)
{
    (void)g;
    for (int i = 0; i < c->input_count; i++)
        c->d_in[i] = c->d_out;
}

const struct op op_accumulate = {.name = "accumulate",
                                 .precision = PRECISION_FOLLOW,
                                 .elementwise = true,
                                 .parts = OP_PARTS_EACH,
                                 .infer = infer_accumulate,
                                 .grad = grad_accumulate};

/* Made by plan.c alone, after gradients; so it needs none. */
const struct op op_cast = {
    .name = "cast", .precision = PRECISION_FOLLOW, .elementwise = true, .parts = OP_PARTS_EACH, .infer = infer_same};
