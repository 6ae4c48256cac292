/* cooccurrence.h - how often neighbours take which values together. */
#ifndef ASSAY_OPS_COOCCURRENCE_H
#define ASSAY_OPS_COOCCURRENCE_H

#include "graph/op.h"

enum { COOCCURRENCE_MAX_ORDER = 4, COOCCURRENCE_MAX_BINS = 4096 };

/* Where the members of a tuple lie: each so many rows and columns further than the one before, neither negative, and so
 * many channels, counted round from the last to the first. */
struct cooccurrence_attrs {
    int range;                   /* values from -range to range, in 2 range + 1 levels */
    int order;                   /* members of a tuple, 1 to COOCCURRENCE_MAX_ORDER */
    int rows, columns, channels; /* from one member to the next */
};

/* Inputs (x [B, H, W, C]): counts [B, C, (2 range + 1)^order] of the tuples that begin in each channel, over all places
 * where they lie within the map. Values are rounded to the nearest whole number, halves to the even one, and cut at
 * +-range; what is no number counts as 0. The first member is the most significant digit of a tuple's place. */
extern const struct op op_cooccurrence_def;

node op_cooccurrence(struct graph *g, node x, struct cooccurrence_attrs attrs);

#endif
