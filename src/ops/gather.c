/* gather.c - rows by index: shape and gradient. */
#include "ops/gather.h"

static bool infer_gather(const struct op_infer *c)
{
    const struct shape *table = &c->in[0], *indices = &c->in[1];
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    if (c->in_dtype[0] == DTYPE_I32 || c->in_dtype[1] != DTYPE_I32 || table->rank < 1 ||
        table->rank - 1 + indices->rank > TENSOR_MAX_RANK) {
        op_fail(c, "a table %s and indices %s, which must be integers", shape_text(table, a), shape_text(indices, b));
        return false;
    }
    *c->shape = *indices;
    for (int i = 1; i < table->rank; i++)
        c->shape->dim[c->shape->rank++] = table->dim[i];
    return true;
}

static bool infer_scatter_add(const struct op_infer *c)
{
    *c->shape = ((const struct scatter_attrs *)c->attrs)->shape;
    return true;
}

static void grad_gather(struct graph *g, const struct op_grad *c)
{
    struct scatter_attrs attrs = {graph_shape(g, c->in[0])};
    if (c->wanted[0])
        c->d_in[0] = graph_add(g, &op_scatter_add_def, (node[]){c->in[1], c->d_out}, 2, &attrs, sizeof attrs);
}

const struct op op_gather_def = {
    .name = "gather", .precision = PRECISION_FOLLOW, .integers = true, .infer = infer_gather, .grad = grad_gather};
const struct op op_scatter_add_def = {.name = "scatter_add",
                                      .precision = PRECISION_F32,
                                      .integers = true,
                                      .infer = infer_scatter_add};

node op_gather(struct graph *g, node table, node indices)
{
    return graph_add(g, &op_gather_def, (node[]){table, indices}, 2, NULL, 0);
}
