/* absorb.c - kernels that apply the ops after them: a convolution its norm, residual sum and activation, say. What a
 * kernel can absorb it says itself (kernel.absorbs); here it is found where that is allowed, which is where a result is
 * read once, by the op to be absorbed, and not otherwise needed. The kernel then runs at that op's place. */
#include <string.h>

#include "base/memory.h"
#include "graph/plan_internal.h"

/* By value: how often its memory is read or kept, and by which step (the last of them). */
struct readers {
    int *count, *step;
};

static void count_readers(const struct plan *plan, struct readers *readers)
{
    for (int s = 0; s < (int)plan->steps.count; s++) {
        const struct plan_step *step = plan_step(plan, s);
        for (int i = 0; i < step->input_count; i++) {
            int root = plan_value(plan, step->inputs[i])->root;
            readers->count[root]++;
            readers->step[root] = s;
        }
    }
}

/* Which input of `step` the value is, itself and not a view of it; -1: none. */
static int input_of(const struct plan_step *step, int value)
{
    for (int i = 0; i < step->input_count; i++)
        if (step->inputs[i] == value)
            return i;
    return -1;
}

/* The step takes over what `next` did to its result. */
static assay_status absorb(struct plan *plan, struct plan_step *step, const struct plan_step *next, int through,
                           struct assay_error *error)
{
    struct kernel_absorbed *list = arena_alloc(&plan->arena, (size_t)step->absorbed_count + 1, sizeof *list);
    int *inputs = arena_alloc(&plan->arena, (size_t)(step->input_count + next->input_count), sizeof *inputs);
    if (!list || !inputs)
        return error_memory(error, "a compiled graph");
    if (step->absorbed_count)
        memcpy(list, step->absorbed, (size_t)step->absorbed_count * sizeof *list);
    memcpy(inputs, step->inputs, (size_t)step->input_count * sizeof *inputs);
    struct kernel_absorbed *entry = &list[step->absorbed_count++];
    *entry = (struct kernel_absorbed){.op = next->kernel->op, .attrs = next->attrs, .input_count = next->input_count};
    for (int i = 0; i < next->input_count; i++) {
        entry->in[i] = i == through ? KERNEL_RESULT : step->input_count;
        if (i != through)
            inputs[step->input_count++] = next->inputs[i];
    }
    step->absorbed = list;
    step->inputs = inputs;
    step->output = next->output;
    return ASSAY_OK;
}

static bool can_absorb(const struct plan *plan, const struct plan_step *step, const struct plan_step *next, int through)
{
    struct tensor in[2][KERNEL_MAX_INPUTS];
    bool is_param[2][KERNEL_MAX_INPUTS];
    if (step->absorbed_count == KERNEL_MAX_ABSORBED || next->input_count > KERNEL_ABSORBED_INPUTS ||
        step->input_count + next->input_count - 1 > KERNEL_MAX_INPUTS || next->absorbed_count > 0)
        return false;
    struct kernel_node so_far = plan_describe(plan, step, in[0], is_param[0]);
    struct kernel_node after = plan_describe(plan, next, in[1], is_param[1]);
    return step->kernel->absorbs(&so_far, &after, through);
}

/* Step s and as many as it can take of those that follow, one after the other. */
static assay_status absorb_into(struct plan *plan, int s, struct readers *readers, bool *gone,
                                struct assay_error *error)
{
    for (;;) {
        struct plan_step *step = plan_step(plan, s);
        const struct plan_value *out = plan_value(plan, step->output);
        if (!step->kernel->absorbs || out->keep || out->root != step->output || readers->count[step->output] != 1)
            return ASSAY_OK;
        int at = readers->step[step->output], through = input_of(plan_step(plan, at), step->output);
        if (through < 0 || !can_absorb(plan, step, plan_step(plan, at), through))
            return ASSAY_OK;
        assay_status status = absorb(plan, step, plan_step(plan, at), through, error);
        if (status)
            return status;
        *plan_step(plan, at) = *step;
        gone[s] = true;
        for (int i = 0; i < step->input_count; i++) {
            int *reader = &readers->step[plan_value(plan, step->inputs[i])->root];
            *reader = *reader == s ? at : *reader;
        }
        s = at;
    }
}

static void remove_gone(struct plan *plan, const bool *gone)
{
    size_t kept = 0;
    for (size_t s = 0; s < plan->steps.count; s++)
        if (!gone[s])
            *plan_step(plan, (int)kept++) = *plan_step(plan, (int)s);
    plan->steps.count = kept;
}

assay_status plan_absorb(struct plan *plan, struct assay_error *error)
{
    assay_status status = ASSAY_OK;
    struct readers readers = {.count = mem_alloc(plan->values.count, sizeof(int)),
                              .step = mem_alloc(plan->values.count, sizeof(int))};
    bool *gone = mem_alloc(plan->steps.count, sizeof *gone);
    if (!readers.count || !readers.step || !gone)
        status = error_memory(error, "a compiled graph");
    if (!status)
        count_readers(plan, &readers);
    for (int s = 0; s < (int)plan->steps.count && !status; s++)
        if (!gone[s])
            status = absorb_into(plan, s, &readers, gone, error);
    if (!status)
        remove_gone(plan, gone);
    mem_free(readers.count);
    mem_free(readers.step);
    mem_free(gone);
    return status;
}
