/* params.c - prefixed names into the store, and torch's initialisers. */
#include "nn/params.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A valid prefix is empty or ends in a dot; one that did not fit ends in this mark instead. */
static const char prefix_overflow = '~';

struct params params_root(struct store *store)
{
    return (struct params){.store = store};
}

static bool prefix_fits(const char *prefix)
{
    size_t length = strlen(prefix);
    return length == 0 || prefix[length - 1] == '.';
}

static struct params scope_add(struct params p, const char *text)
{
    size_t length = strlen(p.prefix);
    if (!prefix_fits(p.prefix))
        return p;
    int written = snprintf(p.prefix + length, sizeof p.prefix - length, "%s.", text);
    if (written < 0 || (size_t)written >= sizeof p.prefix - length)
        p.prefix[strlen(p.prefix) - 1] = prefix_overflow;
    return p;
}

struct params params_scope(struct params p, const char *name)
{
    return scope_add(p, name);
}

struct params params_scope_index(struct params p, const char *name, int index)
{
    char text[PARAMS_PREFIX];
    int written = snprintf(text, sizeof text, "%s.%d", name, index);
    if (written < 0 || (size_t)written >= sizeof text) {
        memset(p.prefix, prefix_overflow, sizeof p.prefix - 1);
        p.prefix[sizeof p.prefix - 1] = '\0';
        return p;
    }
    return scope_add(p, text);
}

struct params params_freeze(struct params p)
{
    p.frozen = true;
    return p;
}

/* Messages name the layer, so the graph is told it: the prefix without its last dot. */
static void set_layer(struct graph *g, const struct params *p)
{
    char layer[PARAMS_PREFIX];
    size_t length = strlen(p->prefix);
    if (length == 0)
        return;
    memcpy(layer, p->prefix, length - 1);
    layer[length - 1] = '\0';
    graph_set_layer(g, layer);
}

/* The entry behind prefix + name, of the given kind and shape; NULL: the graph has failed. */
static struct store_entry *declare(struct graph *g, const struct params *p, const char *name, const struct shape *shape,
                                   enum store_kind kind, struct store_init init)
{
    if (graph_failed(g))
        return NULL;
    char full[PARAMS_PREFIX * 2];
    int written = snprintf(full, sizeof full, "%s%s", p->prefix, name);
    if (!prefix_fits(p->prefix) || written < 0 || (size_t)written >= sizeof full) {
        graph_fail(g, "the name of a parameter is too long: %.60s...", p->prefix);
        return NULL;
    }
    set_layer(g, p);
    struct store_entry *entry = store_declare(p->store, full, shape, kind, init);
    if (!entry) {
        param(g, NULL); /* fails the graph for want of memory */
        return NULL;
    }
    if (entry->kind != kind) {
        graph_fail(g, "%s is a %s, used here as a %s", full, entry->kind == STORE_PARAM ? "parameter" : "state",
                   kind == STORE_PARAM ? "parameter" : "state");
        return NULL;
    }
    if (!shape_equal(&entry->shape, shape)) {
        char has[SHAPE_TEXT], needs[SHAPE_TEXT];
        graph_fail(g, "%s has shape %s, needed here as %s", full, shape_text(&entry->shape, has),
                   shape_text(shape, needs));
        return NULL;
    }
    return entry;
}

node params_get(struct graph *g, const struct params *p, const char *name, struct shape shape, struct store_init init)
{
    struct store_entry *entry = declare(g, p, name, &shape, STORE_PARAM, init);
    if (!entry)
        return NODE_NONE;
    if (p->frozen)
        entry->frozen = true;
    return param(g, entry);
}

node params_state(struct graph *g, const struct params *p, const char *name, struct shape shape, struct store_init init)
{
    struct store_entry *entry = declare(g, p, name, &shape, STORE_STATE, init);
    return entry ? state(g, entry->name, shape, init) : NODE_NONE;
}

node params_project(struct graph *g, node parameter, node next)
{
    const struct store_entry *entry = graph_failed(g) ? NULL : graph_entry(g, parameter);
    return entry && entry->project ? entry->project(g, next) : next;
}

static double receptive_field(const struct shape *weight)
{
    double field = 1;
    for (int i = 2; i < weight->rank; i++)
        field *= (double)weight->dim[i];
    return field;
}

static double fan_in(const struct shape *weight)
{
    double fan = weight->rank > 1 ? (double)weight->dim[1] * receptive_field(weight) : 1;
    return fan > 0 ? fan : 1;
}

static double fan_out(const struct shape *weight)
{
    double fan = weight->rank > 0 ? (double)weight->dim[0] * receptive_field(weight) : 1;
    return fan > 0 ? fan : 1;
}

struct store_init init_zeros(void)
{
    return (struct store_init){.kind = STORE_CONSTANT, .a = 0};
}

struct store_init init_ones(void)
{
    return (struct store_init){.kind = STORE_CONSTANT, .a = 1};
}

struct store_init init_normal(double std)
{
    return (struct store_init){.kind = STORE_NORMAL, .a = 0, .b = std};
}

struct store_init init_uniform(double bound)
{
    return (struct store_init){.kind = STORE_UNIFORM, .a = -bound, .b = bound};
}

struct store_init init_kaiming_uniform(const struct shape *weight, double a)
{
    double gain = sqrt(2 / (1 + a * a));
    return init_uniform(sqrt(3.0) * gain / sqrt(fan_in(weight)));
}

struct store_init init_kaiming_normal_fan_out(const struct shape *weight)
{
    return init_normal(sqrt(2 / fan_out(weight)));
}

struct store_init init_linear_weight(const struct shape *weight)
{
    return init_kaiming_uniform(weight, sqrt(5.0));
}

struct store_init init_linear_bias(const struct shape *weight)
{
    return init_uniform(1 / sqrt(fan_in(weight)));
}
