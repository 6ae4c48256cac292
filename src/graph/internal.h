/* internal.h - the graph's own representation, shared by the files of this folder and by nobody else. */
#ifndef ASSAY_GRAPH_INTERNAL_H
#define ASSAY_GRAPH_INTERNAL_H

#include "base/array.h"
#include "graph/op.h"

struct graph_node {
    const struct op *op;
    struct shape shape;
    enum dtype dtype;
    int input_count;
    const node *inputs; /* in the graph's arena, as all below */
    const void *attrs;
    size_t attrs_size;
    const char *layer;         /* where it was built, for messages; may be "" */
    const char *name;          /* of an input */
    struct store_entry *entry; /* of a parameter or state */
    uint64_t random_key;
    int region; /* checkpoint region, 0: none */
};

struct graph_tap {
    const char *name;
    node value;
};

struct graph_assign {
    struct store_entry *target;
    node value;
};

struct graph {
    struct arena arena;
    struct store *store;
    struct graph_options options;
    struct array nodes;       /* struct graph_node, in topological order */
    struct array taps;        /* struct graph_tap */
    struct array assigns;     /* struct graph_assign */
    struct string_map leaves; /* names of inputs and entries -> index + 1 of their node, as a pointer */
    const char *layer;
    uint64_t random_count;
    int region, region_count;
    assay_status status; /* the first failure */
    char message[900];
};

static inline struct graph_node *graph_at(const struct graph *g, int32_t id)
{
    return (struct graph_node *)g->nodes.data + id;
}

/* graph_fail with ASSAY_ERROR_MEMORY. */
void graph_fail_memory(struct graph *g, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline bool graph_is_leaf(const struct graph_node *n)
{
    return n->op == &op_input || n->op == &op_param || n->op == &op_state || n->op == &op_constant;
}

#endif
