/* optimizer.h - SGD, Adam and AdamW as graph nodes: ops on states, applied by `assign`. Also clipping by the global
 * norm and the moving average of the weights. All in f32, by torch's formulas. */
#ifndef ASSAY_TRAIN_OPTIMIZER_H
#define ASSAY_TRAIN_OPTIMIZER_H

#include "graph/graph.h"

/* Least squares follows no gradient: train/least_squares.h. */
enum optimizer_kind { OPTIMIZER_SGD, OPTIMIZER_ADAM, OPTIMIZER_ADAMW, OPTIMIZER_LEAST_SQUARES };
#define OPTIMIZER_CHOICES "sgd|adam|adamw|least-squares"

/* Parameters whose names begin with `prefix` learn at `rate` times the learning rate. The first that fits counts. */
struct optimizer_group {
    const char *prefix;
    double rate;
};

struct optimizer_options {
    enum optimizer_kind kind;
    double weight_decay;  /* sgd, adam: added to the gradient; adamw: decoupled */
    bool decay_vectors;   /* biases and norm scales (one dimension or none) decay too */
    double momentum;      /* sgd; dampening is 0 */
    bool nesterov;        /* sgd */
    double beta1, beta2;  /* adam, adamw: of the moving averages of the gradient and of its square */
    double epsilon;       /* adam, adamw: added to the root after bias correction */
    double clip_norm;     /* gradients are scaled down to this global 2-norm; 0: never */
    double average_decay; /* moving average of the weights; 0: none */
    const struct optimizer_group *groups;
    int group_count;
};

/* What changes from step to step, computed outside the graph in double precision and fed as one input. */
enum {
    OPTIMIZER_RATE,         /* learning rate */
    OPTIMIZER_ADAM_RATE,    /* rate / (1 - beta1^t) */
    OPTIMIZER_ROOT_SCALE,   /* 1 / sqrt(1 - beta2^t) */
    OPTIMIZER_AVERAGE_RATE, /* 1 - min(average_decay, (1 + t) / (10 + t)) */
    OPTIMIZER_SCALARS
};

/* For step `step` (from 0; t = step + 1). */
void optimizer_scalars(const struct optimizer_options *options, uint64_t step, double rate,
                       float out[OPTIMIZER_SCALARS]);

/* Assigns to every parameter its next value, to every moment ("optimizer.sgd.NAME.momentum",
 * "optimizer.adam.NAME.mean", "....square", NAME being the parameter's) and average ("train.ema.NAME") too.
 * `scalars`: an input of shape [OPTIMIZER_SCALARS]. *norm (may be NULL): the gradients' global 2-norm before
 * clipping; NODE_NONE without clipping. */
void optimizer_update(struct graph *g, const struct optimizer_options *options, const node *params,
                      const node *gradients, int count, node scalars, node *norm);

/* One step of all trained parameters of the graph: gradients of the loss, and that update. */
void optimizer_step(struct graph *g, const struct optimizer_options *options, node loss, node scalars);

/* All states above bear one of these prefixes: no part of the network that is saved. */
#define OPTIMIZER_PREFIX "optimizer."
#define AVERAGE_PREFIX "train.ema."

/* Lets every average begin at its parameter's present value: after store_initialise, before the first step. */
assay_status average_begin(struct store *store, struct assay_error *error);

/* Exchanges the averages with the parameters: once before evaluating or saving, once after. Without averages:
 * nothing. */
void average_swap(struct store *store);

#endif
