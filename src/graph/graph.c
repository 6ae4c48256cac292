/* graph.c - building a graph: leaves, nodes, taps, assignments, and the failure that is kept. */
#include "graph/graph.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/memory.h"
#include "graph/internal.h"

struct graph *graph_create(struct store *store, struct graph_options options)
{
    struct graph *g = mem_alloc(1, sizeof *g);
    if (!g)
        return NULL;
    g->store = store;
    g->options = options;
    g->nodes = array_of(sizeof(struct graph_node), LIMIT_GRAPH_NODES);
    g->taps = array_of(sizeof(struct graph_tap), LIMIT_GRAPH_NODES);
    g->assigns = array_of(sizeof(struct graph_assign), LIMIT_GRAPH_NODES);
    g->layer = "";
    return g;
}

void graph_free(struct graph *g)
{
    if (!g)
        return;
    array_free(&g->nodes);
    array_free(&g->taps);
    array_free(&g->assigns);
    string_map_free(&g->leaves);
    arena_free(&g->arena);
    mem_free(g);
}

bool graph_training(const struct graph *g)
{
    return g->options.training;
}

bool graph_failed(const struct graph *g)
{
    return g->status != ASSAY_OK;
}

static void graph_fail_as(struct graph *g, assay_status status, const char *format, va_list args)
{
    if (g->status)
        return;
    g->status = status;
    vsnprintf(g->message, sizeof g->message, format, args);
}

void graph_fail(struct graph *g, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    graph_fail_as(g, ASSAY_ERROR_MODEL, format, args);
    va_end(args);
}

void graph_fail_memory(struct graph *g, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    graph_fail_as(g, ASSAY_ERROR_MEMORY, format, args);
    va_end(args);
}

void op_fail(const struct op_infer *c, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    op_fail_as(c->g, c->op->name, "%s", text);
}

void op_fail_as(struct graph *g, const char *name, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    graph_fail(g, "%s in %s: %s", name, g->layer[0] ? g->layer : "the graph", text);
}

assay_status graph_status(const struct graph *g, struct assay_error *error)
{
    return g->status ? error_set(error, g->status, "%s", g->message) : ASSAY_OK;
}

void graph_set_layer(struct graph *g, const char *name)
{
    if (strcmp(g->layer, name) == 0)
        return;
    const char *copy = arena_strdup(&g->arena, name);
    if (!copy)
        graph_fail_memory(g, "out of memory for a graph"); /* else messages would name another layer */
    else
        g->layer = copy;
}

struct shape graph_shape(const struct graph *g, node x)
{
    return x.id < 0 ? SHAPE_SCALAR : graph_at(g, x.id)->shape;
}

int64_t graph_dim(const struct graph *g, node x, int axis)
{
    struct shape s = graph_shape(g, x);
    if (axis < 0)
        axis += s.rank;
    return axis >= 0 && axis < s.rank ? s.dim[axis] : 1;
}

int graph_rank(const struct graph *g, node x)
{
    return graph_shape(g, x).rank;
}

struct store_entry *graph_entry(const struct graph *g, node x)
{
    return x.id < 0 ? NULL : graph_at(g, x.id)->entry;
}

uint64_t graph_random_key(struct graph *g)
{
    uint64_t serial = g->random_count++;
    return hash_bytes(&serial, sizeof serial, hash_text(g->layer));
}

/* ---- Nodes ---------------------------------------------------------------------------------------------------- */

/* Checks the shape and adds the record; what varies between kinds of node is filled in by the caller. */
static struct graph_node *graph_push(struct graph *g, const struct op *op, const struct shape *shape, enum dtype dtype,
                                     node *out)
{
    int64_t count;
    char text[SHAPE_TEXT];
    *out = NODE_NONE;
    if (!shape_checked_count(shape, &count)) {
        graph_fail(g, "%s in %s: the shape %s is not usable", op->name, g->layer, shape_text(shape, text));
        return NULL;
    }
    struct graph_node *n = array_push(&g->nodes);
    if (!n) {
        graph_fail_memory(g, "out of memory for a graph, or more than %d nodes in it", LIMIT_GRAPH_NODES);
        return NULL;
    }
    *n = (struct graph_node){.op = op, .shape = *shape, .dtype = dtype, .layer = g->layer};
    out->id = (int32_t)g->nodes.count - 1;
    return n;
}

node graph_add(struct graph *g, const struct op *op, const node *inputs, int input_count, const void *attrs,
               size_t attrs_size)
{
    enum { MANY = 64 };
    struct shape shapes[MANY], shape = SHAPE_SCALAR;
    enum dtype dtypes[MANY], dtype = DTYPE_F32;
    if (g->status)
        return NODE_NONE;
    if (input_count > MANY) {
        graph_fail(g, "%s in %s: %d inputs are more than %d", op->name, g->layer, input_count, MANY);
        return NODE_NONE;
    }
    for (int i = 0; i < input_count; i++) {
        if (inputs[i].id < 0 || (size_t)inputs[i].id >= g->nodes.count) {
            graph_fail(g, "%s in %s: its input %d was never built", op->name, g->layer, i);
            return NODE_NONE;
        }
        shapes[i] = graph_at(g, inputs[i].id)->shape;
        dtypes[i] = graph_at(g, inputs[i].id)->dtype;
    }
    struct op_infer infer = {.g = g,
                             .op = op,
                             .input_count = input_count,
                             .in = shapes,
                             .in_dtype = dtypes,
                             .attrs = attrs,
                             .shape = &shape,
                             .dtype = &dtype};
    for (int i = 0; i < input_count && !op->integers; i++)
        if (dtypes[i] == DTYPE_I32) {
            char text[SHAPE_TEXT];
            op_fail(&infer, "input %d, %s, is i32: integers are not supported", i, shape_text(&shapes[i], text));
            return NODE_NONE;
        }
    if (!op->infer(&infer))
        return NODE_NONE;
    node *kept = arena_memdup(&g->arena, inputs, (size_t)input_count * sizeof *inputs);
    void *kept_attrs = attrs_size ? arena_memdup(&g->arena, attrs, attrs_size) : NULL;
    if (!kept || (attrs_size && !kept_attrs)) {
        graph_fail_memory(g, "out of memory for a graph");
        return NODE_NONE;
    }
    node out;
    struct graph_node *n = graph_push(g, op, &shape, dtype, &out);
    if (n) {
        n->inputs = kept;
        n->input_count = input_count;
        n->attrs = kept_attrs;
        n->attrs_size = attrs_size;
        n->region = g->region;
        if (op->random)
            n->random_key = graph_random_key(g);
    }
    return out;
}

/* ---- Leaves --------------------------------------------------------------------------------------------------- */

/* One node a name: the second call gives the first one's node. */
static node graph_leaf_get(const struct graph *g, const char *name)
{
    return (node){(int32_t)((intptr_t)string_map_get(&g->leaves, name) - 1)};
}

static node graph_leaf(struct graph *g, const struct op *op, const char *name, const struct shape *shape,
                       enum dtype dtype, struct store_entry *entry)
{
    node out;
    char *copy = arena_strdup(&g->arena, name);
    struct graph_node *n = copy ? graph_push(g, op, shape, dtype, &out) : NULL;
    if (!n || !string_map_add(&g->leaves, copy, (void *)((intptr_t)out.id + 1))) {
        graph_fail_memory(g, "out of memory for a graph");
        return NODE_NONE;
    }
    n->name = copy;
    n->entry = entry;
    return out;
}

node input(struct graph *g, const char *name, struct shape shape, enum dtype dtype)
{
    if (g->status)
        return NODE_NONE;
    if (graph_leaf_get(g, name).id >= 0) {
        graph_fail(g, "input \"%s\" is declared twice", name);
        return NODE_NONE;
    }
    return graph_leaf(g, &op_input, name, &shape, dtype, NULL);
}

node param(struct graph *g, struct store_entry *entry)
{
    if (g->status)
        return NODE_NONE;
    if (!entry) {
        graph_fail_memory(g, "out of memory for a parameter of %s", g->layer);
        return NODE_NONE;
    }
    node known = graph_leaf_get(g, entry->name);
    if (known.id >= 0)
        return known;
    return graph_leaf(g, entry->kind == STORE_PARAM ? &op_param : &op_state, entry->name, &entry->shape, DTYPE_F32,
                      entry);
}

node state(struct graph *g, const char *name, struct shape shape, struct store_init init)
{
    char have[SHAPE_TEXT], want[SHAPE_TEXT];
    if (g->status)
        return NODE_NONE;
    struct store_entry *entry = store_declare(g->store, name, &shape, STORE_STATE, init);
    if (entry && !shape_equal(&entry->shape, &shape)) {
        graph_fail(g, "state \"%s\" has the shape %s, not %s", name, shape_text(&entry->shape, have),
                   shape_text(&shape, want));
        return NODE_NONE;
    }
    return param(g, entry);
}

static node graph_constant(struct graph *g, struct constant_attrs attrs)
{
    node out;
    if (g->status)
        return NODE_NONE;
    struct graph_node *n = graph_push(g, &op_constant, &attrs.shape, DTYPE_F32, &out);
    if (!n)
        return NODE_NONE;
    void *kept = arena_memdup(&g->arena, &attrs, sizeof attrs);
    if (!kept) {
        graph_fail_memory(g, "out of memory for a graph");
        return NODE_NONE;
    }
    n->attrs = kept;
    n->attrs_size = sizeof attrs;
    return out;
}

node constant(struct graph *g, float value, struct shape shape)
{
    return graph_constant(g, (struct constant_attrs){.value = value, .shape = shape});
}

node constant_data(struct graph *g, const float *data, struct shape shape)
{
    int64_t count;
    float *copy = NULL;
    if (g->status)
        return NODE_NONE;
    if (shape_checked_count(&shape, &count))
        copy = arena_memdup(&g->arena, data, (size_t)count * sizeof *data);
    if (!copy) {
        graph_fail_memory(g, "out of memory for a constant");
        return NODE_NONE;
    }
    return graph_constant(g, (struct constant_attrs){.data = copy, .shape = shape});
}

/* ---- The concepts --------------------------------------------------------------------------------------------- */

void assign(struct graph *g, node target, node value)
{
    char have[SHAPE_TEXT], want[SHAPE_TEXT];
    if (g->status)
        return;
    if (target.id < 0 || value.id < 0 || !graph_at(g, target.id)->entry) {
        graph_fail(g, "assign in %s: the target is no state, or the value was never built", g->layer);
        return;
    }
    struct store_entry *entry = graph_at(g, target.id)->entry;
    const struct graph_node *from = graph_at(g, value.id);
    if (!shape_equal(&entry->shape, &from->shape) || from->dtype != DTYPE_F32) {
        graph_fail(g, "assign to \"%s\": a value of shape %s (%s) for a state of shape %s", entry->name,
                   shape_text(&from->shape, have), dtype_name(from->dtype), shape_text(&entry->shape, want));
        return;
    }
    for (size_t i = 0; i < g->assigns.count; i++)
        if (((struct graph_assign *)g->assigns.data)[i].target == entry) {
            graph_fail(g, "assign to \"%s\" happens twice in one graph", entry->name);
            return;
        }
    struct graph_assign *a = array_push(&g->assigns);
    if (!a)
        graph_fail_memory(g, "out of memory for a graph");
    else
        *a = (struct graph_assign){entry, value};
}

void tap(struct graph *g, const char *name, node x)
{
    if (g->status)
        return;
    if (x.id < 0) {
        graph_fail(g, "tap \"%s\": the value was never built", name);
        return;
    }
    for (size_t i = 0; i < g->taps.count; i++)
        if (strcmp(((struct graph_tap *)g->taps.data)[i].name, name) == 0) {
            graph_fail(g, "tap \"%s\" is declared twice", name);
            return;
        }
    const char *copy = arena_strdup(&g->arena, name);
    struct graph_tap *t = copy ? array_push(&g->taps) : NULL;
    if (!t)
        graph_fail_memory(g, "out of memory for a graph");
    else
        *t = (struct graph_tap){copy, x};
}

void checkpoint_begin(struct graph *g)
{
    if (g->region)
        graph_fail(g, "checkpoint in %s: regions do not nest", g->layer);
    g->region = ++g->region_count;
}

void checkpoint_end(struct graph *g)
{
    if (!g->region)
        graph_fail(g, "checkpoint in %s: no region is open", g->layer);
    g->region = 0;
}

int graph_trained_params(struct graph *g, node **out)
{
    int count = 0;
    *out = arena_alloc(&g->arena, g->nodes.count, sizeof **out);
    if (!*out) {
        graph_fail_memory(g, "out of memory for a graph");
        return 0;
    }
    for (size_t i = 0; i < g->nodes.count; i++) {
        const struct graph_node *n = graph_at(g, (int32_t)i);
        if (n->op == &op_param && !n->entry->frozen)
            (*out)[count++] = (node){(int32_t)i};
    }
    return count;
}
