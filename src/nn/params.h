/* params.h - a view of the store under a prefix: a layer asks for "weight" and gets "layer1.0.conv1.weight". Also
 * torch's initialisers, expressed as the store's initial values. */
#ifndef ASSAY_NN_PARAMS_H
#define ASSAY_NN_PARAMS_H

#include "graph/graph.h"

enum { PARAMS_PREFIX = 160 };

struct lora_config;

/* Passed by value; cheap to copy. */
struct params {
    struct store *store;
    bool frozen;                    /* parameters declared through this view are not trained */
    const struct lora_config *lora; /* NULL: no layer is adapted (lora.h) */
    char prefix[PARAMS_PREFIX];     /* "" or "layer1.0." */
};

struct params params_root(struct store *store);

/* The view one level down: "name." is added to the prefix. An over-long prefix fails the graph at the next use. */
struct params params_scope(struct params p, const char *name);
struct params params_scope_index(struct params p, const char *name, int index); /* "name.index." */
struct params params_freeze(struct params p);

/* The parameter of that name and shape, declared if new; a known one of another shape fails the graph. */
node params_get(struct graph *g, const struct params *p, const char *name, struct shape shape, struct store_init init);
/* A state of that name: running statistics and the like. */
node params_state(struct graph *g, const struct params *p, const char *name, struct shape shape,
                  struct store_init init);

/* What a parameter is to be updated to: `next`, projected where the parameter may not take every value. */
node params_project(struct graph *g, node parameter, node next);

/* torch.nn.init. fan_in is shape[1] * receptive field, fan_out shape[0] * receptive field. */
struct store_init init_zeros(void);
struct store_init init_ones(void);
struct store_init init_normal(double std);
struct store_init init_uniform(double bound);                                 /* U(-bound, bound) */
struct store_init init_kaiming_uniform(const struct shape *weight, double a); /* fan_in, leaky_relu slope a */
struct store_init init_kaiming_normal_fan_out(const struct shape *weight); /* gain sqrt(2), as torchvision's ResNet */
struct store_init init_linear_weight(const struct shape *weight);          /* torch's Linear and Conv2d default */
struct store_init init_linear_bias(const struct shape *weight);            /* U(+-1/sqrt(fan_in)) */

#endif
