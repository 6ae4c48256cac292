/* optimizer.c - update rules composed from ops and states. */
#include "train/optimizer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "nn/params.h"
#include "ops/ops.h"

enum { STATE_NAME = 512 };

void optimizer_scalars(const struct optimizer_options *options, uint64_t step, double rate,
                       float out[OPTIMIZER_SCALARS])
{
    double t = (double)step + 1, warm = (1 + t) / (10 + t);
    out[OPTIMIZER_RATE] = (float)rate;
    out[OPTIMIZER_ADAM_RATE] = out[OPTIMIZER_ROOT_SCALE] = 0;
    if (options->kind != OPTIMIZER_SGD) {
        out[OPTIMIZER_ADAM_RATE] = (float)(rate / (1 - pow(options->beta1, t)));
        out[OPTIMIZER_ROOT_SCALE] = (float)(1 / sqrt(1 - pow(options->beta2, t)));
    }
    out[OPTIMIZER_AVERAGE_RATE] = (float)(1 - (options->average_decay < warm ? options->average_decay : warm));
}

/* "optimizer.adam.layer1.0.conv1.weight.mean", zeros at first. */
static node moment(struct graph *g, const char *kind, const struct store_entry *entry, const char *which)
{
    char name[STATE_NAME];
    int length = snprintf(name, sizeof name, OPTIMIZER_PREFIX "%s.%s.%s", kind, entry->name, which);
    if (length < 0 || length >= (int)sizeof name) {
        graph_fail(g, "optimizer: the name of parameter %s is too long", entry->name);
        return NODE_NONE;
    }
    return state(g, name, entry->shape, (struct store_init){STORE_CONSTANT, 0, 0});
}

static node scalar_at(struct graph *g, node scalars, int index)
{
    return op_reshape(g, op_slice_axis(g, scalars, 0, index, 1), SHAPE_SCALAR);
}

static double group_rate(const struct optimizer_options *options, const char *name)
{
    for (int i = 0; i < options->group_count; i++)
        if (strncmp(name, options->groups[i].prefix, strlen(options->groups[i].prefix)) == 0)
            return options->groups[i].rate;
    return 1;
}

/* sqrt(sum of squares) over all gradients; each is scaled by min(1, limit / (norm + 1e-6)), as clip_grad_norm_ does. */
static node clip_scale(struct graph *g, const node *gradients, int count, double limit, node *norm)
{
    node total = NODE_NONE;
    for (int i = 0; i < count; i++) {
        node squares = op_sum(g, op_square(g, gradients[i]), REDUCE_ALL, false);
        total = i == 0 ? squares : op_add(g, total, squares);
    }
    *norm = op_sqrt(g, total);
    node scale = op_div(g, constant(g, (float)limit, SHAPE_SCALAR), op_affine(g, *norm, 1, 1e-6f));
    return op_min(g, scale, constant(g, 1, SHAPE_SCALAR));
}

/* The parameter's next value by SGD: v = momentum v + d; p - rate v, or with Nesterov p - rate (d + momentum v). */
static node sgd(struct graph *g, const struct optimizer_options *o, node p, const struct store_entry *entry, node d,
                double decay, node rate)
{
    if (decay != 0)
        d = op_add(g, d, op_scale(g, p, (float)decay));
    if (o->momentum != 0) {
        node v = moment(g, "sgd", entry, "momentum");
        node next = op_add(g, op_scale(g, v, (float)o->momentum), d);
        assign(g, v, next);
        d = o->nesterov ? op_add(g, d, op_scale(g, next, (float)o->momentum)) : next;
    }
    return op_sub(g, p, op_mul(g, d, rate));
}

/* Kingma and Ba (2015) as torch computes it; decoupled decay by Loshchilov and Hutter (2019). */
static node adam(struct graph *g, const struct optimizer_options *o, node p, const struct store_entry *entry, node d,
                 double decay, node rate, node adam_rate, node root_scale)
{
    node start = p;
    if (decay != 0 && o->kind == OPTIMIZER_ADAM)
        d = op_add(g, d, op_scale(g, p, (float)decay));
    else if (decay != 0)
        start = op_sub(g, p, op_mul(g, p, op_scale(g, rate, (float)decay)));
    const char *kind = o->kind == OPTIMIZER_ADAM ? "adam" : "adamw";
    node mean = moment(g, kind, entry, "mean"), square = moment(g, kind, entry, "square");
    node next_mean = op_add(g, mean, op_scale(g, op_sub(g, d, mean), (float)(1 - o->beta1)));
    node next_square = op_add(g, square, op_scale(g, op_sub(g, op_square(g, d), square), (float)(1 - o->beta2)));
    assign(g, mean, next_mean);
    assign(g, square, next_square);
    node root = op_affine(g, op_mul(g, op_sqrt(g, next_square), root_scale), 1, (float)o->epsilon);
    return op_sub(g, start, op_mul(g, op_div(g, next_mean, root), adam_rate));
}

/* The average moves towards the parameter's next value. */
static void average(struct graph *g, const struct store_entry *entry, node next, node rate)
{
    char name[STATE_NAME];
    int length = snprintf(name, sizeof name, AVERAGE_PREFIX "%s", entry->name);
    if (length < 0 || length >= (int)sizeof name) {
        graph_fail(g, "moving average: the name of parameter %s is too long", entry->name);
        return;
    }
    node kept = state(g, name, entry->shape, (struct store_init){STORE_CONSTANT, 0, 0});
    assign(g, kept, op_add(g, kept, op_mul(g, op_sub(g, next, kept), rate)));
}

void optimizer_update(struct graph *g, const struct optimizer_options *options, const node *params,
                      const node *gradients, int count, node scalars, node *norm)
{
    graph_set_layer(g, "optimizer");
    node rate = scalar_at(g, scalars, OPTIMIZER_RATE);
    node adam_rate = scalar_at(g, scalars, OPTIMIZER_ADAM_RATE);
    node root_scale = scalar_at(g, scalars, OPTIMIZER_ROOT_SCALE);
    node average_rate = scalar_at(g, scalars, OPTIMIZER_AVERAGE_RATE);
    node clip = NODE_NONE, found = NODE_NONE;
    if (options->clip_norm > 0 && count > 0)
        clip = clip_scale(g, gradients, count, options->clip_norm, &found);
    if (norm)
        *norm = found;
    for (int i = 0; i < count && !graph_failed(g); i++) {
        const struct store_entry *entry = graph_entry(g, params[i]);
        double decay = entry->shape.rank > 1 || options->decay_vectors ? options->weight_decay : 0;
        double group = group_rate(options, entry->name);
        node d = options->clip_norm > 0 ? op_mul(g, gradients[i], clip) : gradients[i];
        node own_rate = group == 1 ? rate : op_scale(g, rate, (float)group);
        node next;
        if (options->kind == OPTIMIZER_SGD) {
            next = sgd(g, options, params[i], entry, d, decay, own_rate);
        } else {
            node own_adam_rate = group == 1 ? adam_rate : op_scale(g, adam_rate, (float)group);
            next = adam(g, options, params[i], entry, d, decay, own_rate, own_adam_rate, root_scale);
        }
        next = params_project(g, params[i], next);
        assign(g, params[i], next);
        if (options->average_decay > 0)
            average(g, entry, next, average_rate);
    }
}

/* The parameter behind the i-th entry of the store where that is an average; else NULL. */
static struct store_entry *averaged_param(const struct store *store, size_t i)
{
    const struct store_entry *entry = store->entries.entries[i].value;
    size_t prefix = strlen(AVERAGE_PREFIX);
    if (entry->kind != STORE_STATE || strncmp(entry->name, AVERAGE_PREFIX, prefix) != 0)
        return NULL;
    return store_get(store, entry->name + prefix);
}

assay_status average_begin(struct store *store, struct assay_error *error)
{
    for (size_t i = 0; i < store->entries.count; i++) {
        struct store_entry *live = averaged_param(store, i), *kept = store->entries.entries[i].value;
        if (!live)
            continue;
        assay_status status = store_make_writable(kept, error);
        if (status)
            return status;
        memcpy(kept->data, live->data, (size_t)shape_count(&live->shape) * sizeof(float));
        kept->version++;
    }
    return ASSAY_OK;
}

void average_swap(struct store *store)
{
    for (size_t i = 0; i < store->entries.count; i++) {
        struct store_entry *live = averaged_param(store, i), *kept = store->entries.entries[i].value;
        if (!live)
            continue;
        int64_t count = shape_count(&live->shape);
        for (int64_t k = 0; k < count; k++) {
            float value = live->data[k];
            live->data[k] = kept->data[k];
            kept->data[k] = value;
        }
        live->version++;
        kept->version++;
    }
}

void optimizer_step(struct graph *g, const struct optimizer_options *options, node loss, node scalars)
{
    node *params = NULL;
    int count = graph_trained_params(g, &params);
    node *gradients = mem_alloc((size_t)count + 1, sizeof *gradients);
    if (!gradients) {
        graph_fail(g, "no memory for the gradients");
        return;
    }
    graph_gradients(g, loss, params, count, gradients);
    optimizer_update(g, options, params, gradients, count, scalars, NULL);
    mem_free(gradients);
}
