/* merge.c - nodes that compute the same thing are computed once: members of an ensemble see the same maps of a picture.
 * Only in graphs that are not trained, where nothing is recomputed on purpose. */
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "graph/plan_internal.h"

/* Nodes by what they compute: open addressing, at most half full. */
struct merger {
    const struct graph *g;
    int32_t *same;  /* node -> the first that computes the same: itself, mostly */
    int32_t *slots; /* node, -1: free */
    size_t mask;
};

/* Of a constant what it holds, of others what they were told. */
static uint64_t hash_attrs(const struct graph_node *n, uint64_t hash)
{
    if (n->op != &op_constant)
        return n->op->whole_attrs ? hash_bytes(n->attrs, n->attrs_size, hash) : hash;
    const struct constant_attrs *c = n->attrs;
    return c->data ? hash_bytes(c->data, (size_t)shape_count(&n->shape) * sizeof *c->data, hash)
                   : hash_bytes(&c->value, sizeof c->value, hash);
}

static bool attrs_equal(const struct graph_node *a, const struct graph_node *b)
{
    if (a->op != &op_constant)
        return a->op->view || !a->attrs_size || memcmp(a->attrs, b->attrs, a->attrs_size) == 0;
    const struct constant_attrs *x = a->attrs, *y = b->attrs;
    if (!x->data || !y->data)
        return !x->data && !y->data && memcmp(&x->value, &y->value, sizeof x->value) == 0;
    return memcmp(x->data, y->data, (size_t)shape_count(&a->shape) * sizeof *x->data) == 0;
}

static uint64_t hash_node(const struct merger *m, const struct graph_node *n)
{
    uint64_t hash = hash_bytes(&n->op, sizeof n->op, HASH_START);
    for (int i = 0; i < n->input_count; i++)
        hash = hash_bytes(&m->same[n->inputs[i].id], sizeof *m->same, hash);
    return hash_attrs(n, hash);
}

static bool nodes_equal(const struct merger *m, const struct graph_node *a, const struct graph_node *b)
{
    if (a->op != b->op || a->input_count != b->input_count || a->dtype != b->dtype ||
        !shape_equal(&a->shape, &b->shape))
        return false;
    for (int i = 0; i < a->input_count; i++)
        if (m->same[a->inputs[i].id] != m->same[b->inputs[i].id])
            return false;
    return attrs_equal(a, b);
}

/* Inputs, parameters and states are one node a name already; random values are meant to differ. What a view is follows
 * from its shape. Attrs with padding are not compared: what stands there may be another thing at the next run. */
static bool may_merge(const struct graph_node *n)
{
    if (graph_is_leaf(n) || n->op->random)
        return n->op == &op_constant;
    return n->op->view || n->op->whole_attrs || !n->attrs_size;
}

static int32_t first_like(struct merger *m, int32_t id)
{
    const struct graph_node *n = graph_at(m->g, id);
    size_t slot = (size_t)hash_node(m, n) & m->mask;
    for (; m->slots[slot] >= 0; slot = (slot + 1) & m->mask)
        if (nodes_equal(m, graph_at(m->g, m->slots[slot]), n))
            return m->slots[slot];
    m->slots[slot] = id;
    return id;
}

assay_status plan_merge(const struct graph *g, bool *live, int32_t *same, struct assay_error *error)
{
    struct merger m = {.g = g, .same = same};
    size_t size = 2;
    for (int32_t id = 0; id < (int32_t)g->nodes.count; id++)
        same[id] = id;
    if (graph_training(g))
        return ASSAY_OK;
    while (size < 2 * g->nodes.count)
        size *= 2;
    m.mask = size - 1;
    m.slots = mem_alloc(size, sizeof *m.slots);
    if (!m.slots)
        return error_memory(error, "a compiled graph");
    memset(m.slots, 0xff, size * sizeof *m.slots);
    for (int32_t id = 0; id < (int32_t)g->nodes.count; id++) {
        if (live[id] && may_merge(graph_at(g, id)))
            same[id] = first_like(&m, id);
        live[id] = live[id] && same[id] == id;
    }
    mem_free(m.slots);
    return ASSAY_OK;
}
