/* gradients.c - reverse-mode differentiation: one walk from the loss to the leaves. Each op's rule adds nodes; where
 * several gradients meet they are summed. Inside a checkpoint region the rules read recomputed values: copies of the
 * region's nodes, made when the walk reaches it, so that they run just before they are needed. */
#include <string.h>

#include "base/memory.h"
#include "graph/internal.h"

enum { MAX_TERMS = 64 }; /* of one sum; longer ones are chained */

/* The gradients that have reached a node so far. */
struct terms {
    node *items;
    int count, capacity;
};

struct walk {
    struct graph *g;
    int32_t node_count; /* nodes before differentiation */
    bool *needed;       /* depends on something in wrt */
    struct terms *terms;
    int32_t *recomputed; /* node -> its copy, -1: none */
    bool *region_copied; /* by region */
};

static bool add_term(struct walk *w, int32_t id, node d)
{
    struct terms *t = &w->terms[id];
    if (t->count == t->capacity) {
        int capacity = t->capacity ? t->capacity * 2 : 4;
        node *items = mem_resize(t->items, (size_t)capacity, sizeof *items);
        if (!items)
            return false;
        t->items = items;
        t->capacity = capacity;
    }
    t->items[t->count++] = d;
    return true;
}

/* The sum of what reached a node; it becomes the only term. */
static node total(struct walk *w, int32_t id)
{
    struct terms *t = &w->terms[id];
    while (t->count > 1) {
        int taken = t->count < MAX_TERMS ? t->count : MAX_TERMS;
        node sum = graph_add(w->g, &op_accumulate, t->items, taken, NULL, 0);
        memmove(t->items + 1, t->items + taken, (size_t)(t->count - taken) * sizeof *t->items);
        t->items[0] = sum;
        t->count -= taken - 1;
    }
    return t->count ? t->items[0] : NODE_NONE;
}

static void copy_region(struct walk *w, int region)
{
    struct graph *g = w->g;
    w->region_copied[region] = true;
    for (int32_t id = 0; id < w->node_count && !graph_failed(g); id++) {
        const struct graph_node original = *graph_at(g, id);
        if (original.region != region)
            continue;
        node *inputs = arena_alloc(&g->arena, (size_t)original.input_count, sizeof *inputs);
        struct graph_node *copy = inputs ? array_push(&g->nodes) : NULL;
        if (!copy) {
            graph_fail_memory(g, "out of memory for a checkpoint region");
            return;
        }
        for (int i = 0; i < original.input_count; i++) {
            int32_t from = original.inputs[i].id;
            inputs[i].id = w->recomputed[from] >= 0 ? w->recomputed[from] : from;
        }
        *copy = original; /* the random key too: the same dropout */
        copy->inputs = inputs;
        copy->region = 0;
        w->recomputed[id] = (int32_t)g->nodes.count - 1;
    }
}

/* Calls the op's rule for one node whose gradient is complete. */
static void differentiate(struct walk *w, int32_t id)
{
    struct graph *g = w->g;
    const struct graph_node n = *graph_at(g, id);
    node in[MAX_TERMS], d_in[MAX_TERMS];
    bool wanted[MAX_TERMS];
    if (!n.op->grad) {
        graph_fail(g, "%s in %s has no gradient: use detach before it, or another op", n.op->name, n.layer);
        return;
    }
    node d_out = total(w, id);
    if (n.region && !w->region_copied[n.region])
        copy_region(w, n.region);
    for (int i = 0; i < n.input_count; i++) {
        int32_t from = n.inputs[i].id;
        bool inside = n.region && graph_at(g, from)->region == n.region && w->recomputed[from] >= 0;
        in[i].id = inside ? w->recomputed[from] : from;
        wanted[i] = w->needed[from];
        d_in[i] = NODE_NONE;
    }
    graph_set_layer(g, n.layer);
    struct op_grad c = {.input_count = n.input_count,
                        .in = in,
                        .out = {n.region && w->recomputed[id] >= 0 ? w->recomputed[id] : id},
                        .d_out = d_out,
                        .attrs = n.attrs,
                        .wanted = wanted,
                        .d_in = d_in};
    n.op->grad(g, &c);
    for (int i = 0; i < n.input_count && !graph_failed(g); i++)
        if (wanted[i] && d_in[i].id >= 0 && !add_term(w, n.inputs[i].id, d_in[i]))
            graph_fail_memory(g, "out of memory for gradients");
}

static bool propagates(const struct graph_node *n)
{
    return !graph_is_leaf(n) && !n->op->stops_gradient;
}

void graph_gradients(struct graph *g, node loss, const node *wrt, int count, node *grads)
{
    for (int i = 0; i < count; i++)
        grads[i] = NODE_NONE;
    if (graph_failed(g))
        return;
    if (loss.id < 0 || graph_at(g, loss.id)->shape.rank != 0) {
        graph_fail(g, "gradients: the loss is not a scalar");
        return;
    }
    size_t n = g->nodes.count;
    struct walk w = {.g = g, .node_count = (int32_t)n};
    const char *layer = g->layer;
    w.needed = mem_alloc(n, sizeof *w.needed);
    w.terms = mem_alloc(n, sizeof *w.terms);
    w.recomputed = mem_alloc(n, sizeof *w.recomputed);
    w.region_copied = mem_alloc((size_t)g->region_count + 1, sizeof *w.region_copied);
    if (!w.needed || !w.terms || !w.recomputed || !w.region_copied) {
        graph_fail_memory(g, "out of memory for gradients");
        goto done;
    }
    memset(w.recomputed, 0xff, n * sizeof *w.recomputed);
    for (int i = 0; i < count; i++)
        if (wrt[i].id >= 0)
            w.needed[wrt[i].id] = true;
    for (int32_t id = 0; id < w.node_count; id++) {
        const struct graph_node *here = graph_at(g, id);
        for (int i = 0; i < here->input_count && propagates(here) && !w.needed[id]; i++)
            w.needed[id] = w.needed[here->inputs[i].id];
    }
    if (!add_term(&w, loss.id, constant(g, 1.0f, SHAPE_SCALAR)))
        graph_fail_memory(g, "out of memory for gradients");
    for (int32_t id = loss.id; id >= 0 && !graph_failed(g); id--)
        if (w.terms[id].count && w.needed[id] && propagates(graph_at(g, id)))
            differentiate(&w, id);
    for (int i = 0; i < count && !graph_failed(g); i++) {
        if (wrt[i].id < 0)
            continue;
        grads[i] = total(&w, wrt[i].id);
        if (grads[i].id < 0)
            grads[i] = constant(g, 0.0f, graph_shape(g, wrt[i]));
    }
done:
    for (size_t i = 0; w.terms && i < n; i++)
        mem_free(w.terms[i].items);
    mem_free(w.needed);
    mem_free(w.terms);
    mem_free(w.recomputed);
    mem_free(w.region_copied);
    g->layer = layer;
}
