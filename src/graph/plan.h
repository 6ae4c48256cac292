/* plan.h - a compiled graph: the order of its kernels, the memory of its values, packed weights. Immutable; several
 * threads may run one plan, each with a workspace of its own. Nothing is allocated while it runs. */
#ifndef ASSAY_GRAPH_PLAN_H
#define ASSAY_GRAPH_PLAN_H

#include "graph/backend.h"
#include "graph/graph.h"

enum precision { PRECISION_MODE_F32, PRECISION_MODE_BF16 };

struct plan_options {
    const struct backend *backend;
    enum precision precision; /* bf16 becomes f32 where the backend lacks it: see plan_precision */
    bool
        apart; /* every op by a kernel of its own, on whole batches. Else equal ones are merged (merge.c), and kernels absorb
                   what follows them (absorb.c), which may change results in their last bits; a value that is tapped or
                   read twice never is */
    size_t cached_bytes; /* batches whose maps take more run in parts (parts.c); 0: what fits most processors */
};

struct plan;
struct workspace;

/* Takes the graph over (also on failure): it is freed with the plan. Reports the graph's kept failure, if any. */
assay_status plan_create(struct graph *g, const struct plan_options *options, struct plan **out,
                         struct assay_error *error);
void plan_free(struct plan *plan); /* NULL is fine; its workspaces first */

enum precision plan_precision(const struct plan *plan); /* what is really used */
size_t plan_workspace_bytes(const struct plan *plan);

assay_status workspace_create(const struct plan *plan, struct workspace **out, struct assay_error *error);
void workspace_free(struct workspace *workspace); /* NULL is fine */

/* A value for an input: dense, in the input's dtype and shape. It is read during the run only. */
struct feed {
    const char *name;
    const void *data;
};

/* Told after each kernel: its layer and op ("conv2d in layer1.0.conv1") and how long it took. */
typedef void run_watch(void *context, const char *name, double seconds);

struct run_options {
    uint64_t seed, step; /* what random ops are keyed by */
    run_watch *watch;    /* NULL: nobody asks */
    void *watch_context;
};

/* Runs every kernel, then applies the assignments. Every input must be fed. */
assay_status plan_run(const struct plan *plan, struct workspace *workspace, const struct feed *feeds, int feed_count,
                      const struct run_options *options, struct assay_error *error);

/* A tapped value after a run, valid until the next one; data NULL: no tap of that name. Always f32 (or i32). */
struct tensor workspace_read(const struct workspace *workspace, const char *name);

#endif
