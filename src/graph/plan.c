/* plan.c - compiling a graph, and the end of a plan. */
#include "graph/plan.h"

#include "base/limits.h"
#include "base/memory.h"
#include "graph/plan_internal.h"

const struct kernel *backend_kernel(const struct backend *backend, const struct op *op)
{
    for (int i = 0; backend->kernels[i]; i++)
        if (backend->kernels[i]->op == op)
            return backend->kernels[i];
    return NULL;
}

assay_status plan_create(struct graph *g, const struct plan_options *options, struct plan **out,
                         struct assay_error *error)
{
    struct plan *plan = mem_alloc(1, sizeof *plan);
    if (!plan) {
        graph_free(g);
        return error_memory(error, "a compiled graph");
    }
    plan->g = g;
    plan->backend = options->backend;
    plan->precision = options->precision;
    if (plan->precision == PRECISION_MODE_BF16 && !options->backend->has_bf16())
        plan->precision = PRECISION_MODE_F32;
    plan->values = array_of(sizeof(struct plan_value), 4 * (size_t)LIMIT_GRAPH_NODES);
    plan->steps = array_of(sizeof(struct plan_step), 2 * (size_t)LIMIT_GRAPH_NODES);
    assay_status status = graph_status(g, error);
    if (!status)
        status = plan_lower(plan, options->apart, error);
    if (!status && !options->apart)
        status = plan_absorb(plan, error);
    if (!status && !options->apart && !graph_training(g))
        status = plan_part(plan, options->cached_bytes, error);
    if (!status)
        status = plan_prepare(plan, error);
    if (!status)
        status = plan_place(plan, error);
    if (status) {
        plan_free(plan);
        return status;
    }
    *out = plan;
    return ASSAY_OK;
}

void plan_free(struct plan *plan)
{
    if (!plan)
        return;
    for (int i = 0; i < (int)plan->steps.count; i++) {
        struct plan_step *step = plan_step(plan, i);
        if (step->state && step->kernel->release)
            step->kernel->release(step->state);
    }
    array_free(&plan->values);
    array_free(&plan->steps);
    arena_free(&plan->arena);
    graph_free(plan->g);
    mem_free(plan);
}

enum precision plan_precision(const struct plan *plan)
{
    return plan->precision;
}

size_t plan_workspace_bytes(const struct plan *plan)
{
    return plan->arena_bytes;
}
