/* replay.h - replays a fixture of tools/reference/vit.py: "param.*", "in.*", "out.*", "weight.*" and "grad.*",
 * gradients of the sum over outputs of sum(out * weight). The tolerances are those of the design's rule 3. */
#ifndef ASSAY_TESTS_REPLAY_H
#define ASSAY_TESTS_REPLAY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/safetensors.h"
#include "graph/plan.h"
#include "nn/params.h"

struct replay {
    struct safetensors file;
    struct store *store;
    struct graph *g; /* while it is being built */
    node loss;       /* so far; NODE_NONE in a graph without gradients */
    bool gradients;
    int outputs;
};

/* Builds the network: asks for inputs, gives outputs. */
typedef void replay_build(struct replay *r, struct params p, const void *config);

/* The input "in.NAME". */
node replay_input(struct replay *r, const char *name, enum dtype dtype);
/* A value that the fixture has as "out.NAME". */
void replay_output(struct replay *r, const char *name, node value);

/* Every output (and there are as many as in the fixture) to 1e-4 of the largest, every gradient to 1e-3 of its norm;
 * bf16, where the processor has it, to 2e-2 of the largest. Every parameter of the network is in the fixture and the
 * other way round. `fixture`: below tests/. */
void replay_check(const char *fixture, replay_build *build, const void *config);

#endif
