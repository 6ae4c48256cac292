/* parts.c - large batches in parts: where the maps of a whole batch would leave the cache between the kernel that
 * writes them and the one that reads them, steps that follow each other all run for a few pictures, then for the next
 * few. What only they need takes the memory of one part. A kernel sees an ordinary, smaller batch.
 *
 * Plans of training graphs stay whole: there nearly every map is read again much later. */
#include "base/memory.h"
#include "base/parallel.h"
#include "graph/plan_internal.h"

enum {
    CACHED_BYTES = 16 << 20, /* what a step reads and writes may be as large as this */
    THREADS_A_PICTURE = 4    /* as many share the work of one picture well */
};

/* By step: pictures at a time, 0: only all at once. By value: the step that made it, -1: none. */
struct split {
    int64_t *pictures;
    int *maker;
};

static const struct shape *output_shape(const struct plan *plan, const struct plan_step *step)
{
    return &plan_value(plan, step->output)->tensor.shape;
}

/* Where a part of the output needs only a part of the inputs: says of which, in step->cut. */
static bool cut_inputs(const struct plan *plan, struct plan_step *step)
{
    const struct shape *out = output_shape(plan, step);
    enum op_parts parts = step->kernel->op->parts;
    if (parts == OP_PARTS_NONE || out->rank < 2 || out->dim[0] < 2)
        return false;
    for (int i = 0; i < step->input_count; i++) {
        const struct shape *in = &plan_value(plan, step->inputs[i])->tensor.shape;
        bool weights = parts == OP_PARTS_FIRST && i > 0 && i < step->own_count;
        step->cut[i] = !weights && in->rank == out->rank && in->dim[0] == out->dim[0];
    }
    return step->cut[0] || parts == OP_PARTS_EACH;
}

/* The largest part, a divisor of the batch, whose maps the cache holds. */
static int64_t pictures_of(const struct plan *plan, const struct plan_step *step, size_t cached)
{
    int64_t batch = output_shape(plan, step)->dim[0], least = (parallel_threads() + 1) / THREADS_A_PICTURE;
    size_t bytes = plan_value_bytes(plan_value(plan, step->output));
    for (int i = 0; i < step->input_count; i++)
        bytes += step->cut[i] ? plan_value_bytes(plan_value(plan, step->inputs[i])) : 0;
    bytes /= (size_t)batch;
    int64_t best = batch;
    for (int64_t n = batch; n >= 1 && n >= least; n--) {
        if (batch % n)
            continue;
        best = n;
        if ((size_t)n * bytes <= cached)
            break;
    }
    return best;
}

/* Whether the step reads, whole, what was made by step `first` or later. */
static bool reads_whole(const struct plan *plan, const struct split *split, const struct plan_step *step, int first)
{
    for (int i = 0; i < step->input_count; i++)
        if (!step->cut[i] && split->maker[plan_value(plan, step->inputs[i])->root] >= first)
            return true;
    return false;
}

/* The steps from `first` on that can run in parts together: the one after the last of them. */
static int run_end(const struct plan *plan, const struct split *split, int first)
{
    int64_t batch = output_shape(plan, plan_step(plan, first))->dim[0];
    int s = first;
    while (s < (int)plan->steps.count && split->pictures[s] &&
           output_shape(plan, plan_step(plan, s))->dim[0] == batch &&
           !reads_whole(plan, split, plan_step(plan, s), first))
        s++;
    return s;
}

/* Whether no step but first .. last touches the memory. */
static bool stays_inside(const struct plan *plan, int root, int first, int last)
{
    const struct plan_value *v = plan_value(plan, root);
    if (v->place != VALUE_ARENA || v->keep)
        return false;
    for (int s = 0; s < (int)plan->steps.count; s++) {
        const struct plan_step *step = plan_step(plan, s);
        if (s >= first && s <= last)
            continue;
        for (int i = 0; i < step->input_count; i++)
            if (plan_value(plan, step->inputs[i])->root == root)
                return false;
    }
    return true;
}

/* Steps first .. last for so many pictures at a time. */
static void split_run(struct plan *plan, int first, int last, int64_t pictures)
{
    int64_t batch = output_shape(plan, plan_step(plan, first))->dim[0];
    for (int s = first; s <= last; s++) {
        struct plan_step *step = plan_step(plan, s);
        step->parts = (int)(batch / pictures);
        step->first = first;
        step->last = last;
        step->cut_output = true;
    }
    for (int s = first; s <= last; s++) {
        int root = plan_step(plan, s)->output;
        if (!stays_inside(plan, root, first, last))
            continue;
        for (int i = 0; i < (int)plan->values.count; i++) { /* it and its views */
            struct shape *shape = &plan_value(plan, i)->tensor.shape;
            if (plan_value(plan, i)->root == root && shape->dim[0] == batch)
                shape->dim[0] = pictures;
        }
        for (int t = first; t <= last; t++) {
            struct plan_step *step = plan_step(plan, t);
            step->cut_output = step->cut_output && step->output != root;
            for (int i = 0; i < step->input_count; i++)
                step->cut[i] = step->cut[i] && plan_value(plan, step->inputs[i])->root != root;
        }
    }
}

/* Maps shrink from step to step, mostly: a step's part is no larger than that of any after it, so that few values cross
 * from one size of parts to another. */
static void split_steps(struct plan *plan, const struct split *split, int first, int end)
{
    int64_t *pictures = split->pictures, batch = output_shape(plan, plan_step(plan, first))->dim[0];
    for (int s = end - 2; s >= first; s--)
        if (pictures[s + 1] < pictures[s])
            pictures[s] = pictures[s + 1];
    for (int s = first, last; s < end; s = last + 1) {
        for (last = s; last + 1 < end && pictures[last + 1] == pictures[s]; last++)
            ;
        if (pictures[s] < batch && last > s)
            split_run(plan, s, last, pictures[s]);
    }
}

assay_status plan_part(struct plan *plan, size_t cached, struct assay_error *error)
{
    int steps = (int)plan->steps.count;
    struct split split = {.pictures = mem_alloc((size_t)steps, sizeof *split.pictures),
                          .maker = mem_alloc(plan->values.count, sizeof *split.maker)};
    assay_status status = split.pictures && split.maker ? ASSAY_OK : error_memory(error, "a compiled graph");
    for (size_t i = 0; i < plan->values.count && !status; i++)
        split.maker[i] = -1;
    for (int s = 0; s < steps && !status; s++) {
        struct plan_step *step = plan_step(plan, s);
        split.maker[plan_value(plan, step->output)->root] = s;
        step->cut = arena_alloc(&plan->arena, (size_t)step->input_count, sizeof *step->cut);
        if (!step->cut)
            status = error_memory(error, "a compiled graph");
        else if (cut_inputs(plan, step))
            split.pictures[s] = pictures_of(plan, step, cached ? cached : CACHED_BYTES);
    }
    for (int s = 0, end; s < steps && !status; s = end) {
        end = s + 1;
        if (!split.pictures[s])
            continue;
        end = run_end(plan, &split, s);
        split_steps(plan, &split, s, end);
    }
    mem_free(split.pictures);
    mem_free(split.maker);
    return status;
}
