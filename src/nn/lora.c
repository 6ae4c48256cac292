/* lora.c - adapted layers: what the graph computes. */
#include "nn/lora.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/move.h"
#include "ops/random.h"

enum { MAX_PARTS = 8 };

struct params params_with_lora(struct params p, const struct lora_config *config)
{
    p.lora = config && config->rank != 0 ? config : NULL;
    return p;
}

void lora_require(struct graph *g, const struct store *store, const struct lora_config *config)
{
    if (graph_failed(g) || config->rank == 0)
        return;
    for (size_t i = 0; i < store->entries.count; i++)
        if (lora_is_pair(store->entries.entries[i].key))
            return;
    graph_fail(g, "option lora-targets: no linear layer of this network is called any of \"%s\"",
               config->targets ? config->targets : "");
}

/* Whether the layer's path "a.b.c" is one of the comma-separated targets or ends in one, after a dot. */
static bool is_target(const struct lora_config *config, const char *path, size_t length)
{
    for (const char *at = config->targets; at && *at;) {
        size_t size = strcspn(at, ",");
        if (size > 0 && size <= length && memcmp(at, path + length - size, size) == 0 &&
            (size == length || path[length - size - 1] == '.'))
            return true;
        at += size + (at[size] == ',');
    }
    return false;
}

/* The length of a prefix "blocks.0.attn.qkv." without its last dot. */
static size_t path_length(const char *prefix)
{
    size_t length = strlen(prefix);
    return length > 0 ? length - 1 : 0;
}

/* +-sqrt(6 / (fan in + fan out)) */
static struct store_init xavier(const struct shape *shape)
{
    return init_uniform(sqrt(6.0 / (double)(shape->dim[0] + shape->dim[1])));
}

/* (alpha / rank) B A drop(x), [..., out] */
static node delta(struct graph *g, struct params p, node x, int64_t out)
{
    const struct lora_config *c = p.lora;
    struct shape shape_a = SHAPE(c->rank, graph_dim(g, x, -1)), shape_b = SHAPE(out, c->rank);
    struct params at_a = params_scope(p, "lora_A"), at_b = params_scope(p, "lora_B");
    bool zero = c->init == LORA_INIT_ZERO_B;
    at_a.frozen = at_b.frozen = false; /* whatever the network around them */
    node a = params_get(g, &at_a, "weight", shape_a, zero ? init_kaiming_uniform(&shape_a, sqrt(5)) : xavier(&shape_a));
    node b = params_get(g, &at_b, "weight", shape_b, zero ? init_zeros() : xavier(&shape_b));
    node down = op_matmul(g, op_dropout(g, x, (float)c->dropout), a, false, true); /* [..., rank] */
    return op_scale(g, op_matmul(g, down, b, false, true), (float)(c->alpha / (double)c->rank));
}

/* The shares of a layer that are adapted, side by side, zeros between them; NODE_NONE: none is. */
static node delta_of_parts(struct graph *g, struct params p, const char *const *parts, node x, int64_t out)
{
    node shares[MAX_PARTS];
    int count = 0, targets = 0;
    while (parts[count] && count < MAX_PARTS)
        count++;
    struct shape zero = graph_shape(g, x);
    zero.dim[zero.rank - 1] = out / count;
    for (int i = 0; i < count; i++) {
        struct params part = params_scope(p, parts[i]);
        bool adapted = is_target(p.lora, part.prefix, path_length(part.prefix));
        targets += adapted;
        shares[i] = adapted ? delta(g, part, x, out / count) : constant(g, 0, zero);
    }
    return targets ? op_concat(g, shares, count, graph_rank(g, x) - 1) : NODE_NONE;
}

node lora_adapt(struct graph *g, struct params p, const char *name, const char *const *parts, node x, node y)
{
    const struct lora_config *c = p.lora;
    if (!c || graph_failed(g))
        return y;
    if (c->rank < 1) {
        graph_fail(g, "LoRA of rank %lld: it must be at least 1", (long long)c->rank);
        return NODE_NONE;
    }
    if (name)
        p = params_scope(p, name);
    int64_t out = graph_dim(g, y, -1);
    if (is_target(c, p.prefix, path_length(p.prefix)))
        return op_add(g, y, delta(g, p, x, out));
    node more = parts ? delta_of_parts(g, p, parts, x, out) : NODE_NONE;
    return more.id < 0 ? y : op_add(g, y, more);
}
