/* gather.h - rows by index: embeddings, and the places of tokens. */
#ifndef ASSAY_OPS_GATHER_H
#define ASSAY_OPS_GATHER_H

#include "graph/op.h"

struct scatter_attrs {
    struct shape shape;
};

/* Inputs (table [R, ...], indices i32 [I...]): [I..., ...], row indices[i] of the table at place i. An index outside
 * gives zeros. */
extern const struct op op_gather_def;
/* Inputs (indices, d_out): gradient of the table, of attrs.shape: rows that share an index are summed in order. */
extern const struct op op_scatter_add_def;

node op_gather(struct graph *g, node table, node indices);

#endif
