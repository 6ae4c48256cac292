/* cooccurrence.c - the shape of counts of tuples. */
#include "ops/cooccurrence.h"

static bool infer_cooccurrence(const struct op_infer *c)
{
    const struct cooccurrence_attrs *a = c->attrs;
    const struct shape *x = &c->in[0];
    int64_t bins = 1;
    char text[SHAPE_TEXT];
    if (a->range < 1 || a->order < 1 || a->order > COOCCURRENCE_MAX_ORDER || a->rows < 0 || a->columns < 0 ||
        a->channels < 0 || a->range > COOCCURRENCE_MAX_BINS / 2) {
        op_fail(c, "tuples of %d values from -%d to %d, %d rows, %d columns and %d channels apart: these cannot be",
                a->order, a->range, a->range, a->rows, a->columns, a->channels);
        return false;
    }
    for (int i = 0; i < a->order; i++)
        bins *= 2 * a->range + 1;
    if (x->rank != 4 || bins > COOCCURRENCE_MAX_BINS || x->dim[1] <= (int64_t)a->rows * (a->order - 1) ||
        x->dim[2] <= (int64_t)a->columns * (a->order - 1)) {
        op_fail(c, "tuples of %d values, %d rows and %d columns apart, do not lie in %s, or are of more than %d kinds",
                a->order, a->rows, a->columns, shape_text(x, text), COOCCURRENCE_MAX_BINS);
        return false;
    }
    *c->shape = SHAPE(x->dim[0], x->dim[3], bins);
    return true;
}

const struct op op_cooccurrence_def = {.name = "cooccurrence",
                                       .precision = PRECISION_F32,
                                       .stops_gradient = true,
                                       .whole_attrs = true,
                                       .infer = infer_cooccurrence};

node op_cooccurrence(struct graph *g, node x, struct cooccurrence_attrs attrs)
{
    return graph_add(g, &op_cooccurrence_def, &x, 1, &attrs, sizeof attrs);
}
