/* random.h - random values keyed by (seed, step, node): a function of the run's options, not of threads or order. */
#ifndef ASSAY_OPS_RANDOM_H
#define ASSAY_OPS_RANDOM_H

#include "graph/op.h"

enum random_kind { RANDOM_UNIFORM, RANDOM_NORMAL };

struct random_attrs {
    enum random_kind kind;
    struct shape shape;
};

/* No inputs. Element i comes from Philox block i / 4, word i % 4 (normals: pairs of words): key = seed ^ random_key,
 * counter = (i / 4, step). */
extern const struct op op_random_def;

node op_random_uniform(struct graph *g, struct shape shape); /* [0, 1) */
node op_random_normal(struct graph *g, struct shape shape);

/* In training each value is zero with probability p, else divided by 1 - p; otherwise x. */
node op_dropout(struct graph *g, node x, float p);

#endif
