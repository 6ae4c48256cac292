/* top_k.c - the shape of the greatest values' places. */
#include "ops/top_k.h"

static bool infer_top_k(const struct op_infer *c)
{
    const struct top_k_attrs *a = c->attrs;
    const struct shape *x = &c->in[0];
    if (x->rank < 1 || a->k < 1 || a->k > x->dim[x->rank - 1] || shape_count(x) > INT32_MAX) {
        char text[SHAPE_TEXT];
        op_fail(c, "the %lld greatest of each row of %s: it needs 1 to as many as a row has, and places below 2^31",
                (long long)a->k, shape_text(x, text));
        return false;
    }
    *c->shape = *x;
    c->shape->dim[x->rank - 1] = a->k;
    *c->dtype = DTYPE_I32;
    return true;
}

const struct op op_top_k_def = {.name = "top_k",
                                .precision = PRECISION_F32,
                                .stops_gradient = true,
                                .infer = infer_top_k};

node op_top_k(struct graph *g, node x, int64_t k)
{
    struct top_k_attrs attrs = {k};
    return graph_add(g, &op_top_k_def, &x, 1, &attrs, sizeof attrs);
}
