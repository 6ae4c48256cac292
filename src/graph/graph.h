/* graph.h - building: nodes, and the concepts around them. A graph is static: built once for given input shapes,
 * differentiated once (gradients.c), planned once (plan.h), run many times.
 *
 * Model code never checks for errors. The first failure is kept in the graph with the layer's name and the shapes;
 * every later call returns quietly, and compiling reports it. Model code names no device and no precision either. */
#ifndef ASSAY_GRAPH_GRAPH_H
#define ASSAY_GRAPH_GRAPH_H

#include "base/error.h"
#include "graph/store.h"
#include "graph/tensor.h"

struct graph;

/* A value in a graph. A failed call yields NODE_NONE, which every call accepts. */
typedef struct node {
    int32_t id;
} node;
#define NODE_NONE ((node){-1})

struct graph_options {
    bool training; /* dropout drops, batch norm uses the batch's statistics */
};

/* NULL: no memory. The store must outlive the graph. */
struct graph *graph_create(struct store *store, struct graph_options options);
void graph_free(struct graph *g); /* NULL is fine */

bool graph_training(const struct graph *g);
bool graph_failed(const struct graph *g);
void graph_fail(struct graph *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
assay_status graph_status(const struct graph *g, struct assay_error *error); /* ASSAY_OK, or the kept failure */

/* The layer that is being built, named in messages; params.c sets it. Kept by reference until the next call. */
void graph_set_layer(struct graph *g, const char *name);

/* The shape of a value; of NODE_NONE a scalar. Valid until the next node is added, so copy it. */
struct shape graph_shape(const struct graph *g, node x);
int64_t graph_dim(const struct graph *g, node x, int axis); /* axis < 0 counts from the end */
int graph_rank(const struct graph *g, node x);

/* 1. Leaves. */
node input(struct graph *g, const char *name, struct shape shape, enum dtype dtype);       /* fed at each run */
node param(struct graph *g, struct store_entry *entry);                                    /* frozen or trained */
node state(struct graph *g, const char *name, struct shape shape, struct store_init init); /* persists between runs */
node constant(struct graph *g, float value, struct shape shape);            /* the same value everywhere */
node constant_data(struct graph *g, const float *data, struct shape shape); /* copied now */

/* 2. A state's (or parameter's) value from the next run on: applied after every read of this run. Once per state. */
void assign(struct graph *g, node target, node value);

/* 3. The same value without a gradient. */
node detach(struct graph *g, node x);

/* 4. Random values keyed by (seed, step, node): see ops/random.h.
 * 5. Dead gradients are pruned: only what an output, a tap or an assignment needs is computed.
 * 6. What is built between begin and end is recomputed in the backward pass instead of kept. Regions do not nest. */
void checkpoint_begin(struct graph *g);
void checkpoint_end(struct graph *g);

/* 7. A value that can be read after a run, by name. Outputs and taps (embeddings, maps, attention) are one thing. */
void tap(struct graph *g, const char *name, node x);

/* d loss / d wrt[i] into grads[i]: same shape, NODE_NONE's place taken by zeros where the loss does not depend on it.
 * `loss` is a scalar. */
void graph_gradients(struct graph *g, node loss, const node *wrt, int count, node *grads);

/* Every parameter that takes part in the graph and is not frozen: *out is in the graph's arena. Returns their count. */
int graph_trained_params(struct graph *g, node **out);

/* A key for random values that an op and its gradient must share, such as attention's dropout; another at each call. */
uint64_t graph_random_key(struct graph *g);

/* The store's entry behind a parameter or state. */
struct store_entry *graph_entry(const struct graph *g, node x);

#endif
