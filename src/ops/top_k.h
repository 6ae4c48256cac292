/* top_k.h - where the greatest values of each row lie. */
#ifndef ASSAY_OPS_TOP_K_H
#define ASSAY_OPS_TOP_K_H

#include "graph/op.h"

struct top_k_attrs {
    int64_t k;
};

/* Inputs (x [..., N]): i32 [..., k], the places of the k greatest values of each row, the greatest first and of equal
 * ones the earlier; counted from the first element of x, so that op_gather of x made flat gives the values, and their
 * gradient. */
extern const struct op op_top_k_def;

/* 1 <= k <= N. */
node op_top_k(struct graph *g, node x, int64_t k);

#endif
