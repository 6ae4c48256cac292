/* parity.h - replays a fixture of tools/reference/: a network's weights, a batch, and what PyTorch made of them. The
 * tolerances are those of the design's rule 3. */
#ifndef ASSAY_TESTS_PARITY_H
#define ASSAY_TESTS_PARITY_H

#include "format/safetensors.h"
#include "graph/program.h"
#include "nn/params.h"

/* Builds a network on "image" and, unless labels is NODE_NONE, its loss. */
typedef void parity_build(struct graph *g, struct params p, const void *config, node image, node labels, node *logits,
                          node *loss);

struct parity {
    struct safetensors file;
    struct store *store;
    parity_build *build;
    const void *config;
    struct shape image, labels;
    float *image_data;
    int32_t *label_data;
};

/* Opens tests/NAME (such as "nn/fixtures/x.safetensors"), declares the network and loads "param.*" into it. */
void parity_open(struct parity *t, const char *name, parity_build *build, const void *config);
void parity_close(struct parity *t);

/* A tensor of the fixture as floats, freed with mem_free. */
float *parity_floats(const struct parity *t, const char *name, int64_t *count);

/* Copies a tensor of the fixture into an entry of the store; shapes must agree. */
void parity_load(struct parity *t, const char *entry, const char *name);

/* "logits.eval" (or another name) against an evaluation graph with another config, if given. */
void parity_check_eval(struct parity *t, const void *config, const char *expected);

/* The same in bf16, to a share of the largest. Where the processor has no bf16 it is f32 again. */
void parity_check_bf16(struct parity *t, const char *expected, double tolerance);

/* Ten steps of SGD: "logits.train", "losses", "grad.*", "step1.*", "step10.*". */
void parity_check_training(struct parity *t, double rate, int steps);

/* Fails the test, naming what differs: max |a - b| <= tolerance max(1, max |b|). */
void parity_close_max(const char *what, const float *a, const float *b, int64_t count, double tolerance);

#endif
