/* memory_plan.c - where values lie in the workspace: assignments that can be written in place, elementwise results that
 * may overwrite an operand, then offsets, largest first, such that values in use at the same time never overlap. */
#include <stdlib.h>

#include "base/memory.h"
#include "graph/plan_internal.h"

static void use(struct plan *plan, int value, int step)
{
    struct plan_value *root = plan_value(plan, plan_value(plan, value)->root);
    if (root->first < 0)
        root->first = step;
    if (step > root->last)
        root->last = step;
}

/* Where steps are gone through once for each part of a batch, what holds the whole batch is in use in all of them. */
static void use_throughout(struct plan *plan, int value, const struct plan_step *step)
{
    use(plan, value, step->first);
    use(plan, value, step->last);
}

/* So is what was there before: the next part reads it again. */
static bool read_again(const struct plan *plan, const struct plan_step *step, int input)
{
    int root = plan_value(plan, step->inputs[input])->root;
    return step->parts > 1 && (step->cut[input] || plan_value(plan, root)->first < step->first);
}

static void find_lifetimes(struct plan *plan)
{
    for (int s = 0; s < (int)plan->steps.count; s++) {
        const struct plan_step *step = plan_step(plan, s);
        for (int i = 0; i < step->input_count; i++) {
            if (read_again(plan, step, i))
                use_throughout(plan, step->inputs[i], step);
            else
                use(plan, step->inputs[i], s);
        }
        if (step->cut_output)
            use_throughout(plan, step->output, step);
        else
            use(plan, step->output, s);
        if (step->scratch >= 0)
            use(plan, step->scratch, s);
    }
    for (int i = 0; i < (int)plan->values.count; i++)
        if (plan_value(plan, i)->keep)
            plan_value(plan, i)->last = (int)plan->steps.count;
}

static bool same_elements(const struct plan_value *a, const struct plan_value *b)
{
    return shape_count(&a->tensor.shape) == shape_count(&b->tensor.shape) && a->tensor.dtype == b->tensor.dtype;
}

/* ---- Assignments written in place ----------------------------------------------------------------------------- */

/* Whether step s reads the entry in a way that writing its output over the entry would disturb. Packed copies are made
 * before the first step, so they do not count. */
static bool disturbs(const struct plan *plan, const struct plan_step *step, const struct store_entry *entry,
                     bool writer)
{
    for (int i = 0; i < step->input_count; i++) {
        const struct plan_value *in = plan_value(plan, step->inputs[i]), *root = plan_value(plan, in->root);
        if (root->place != VALUE_ENTRY || root->entry != entry)
            continue;
        bool packed = false;
        for (int k = 0; k < step->pack_count; k++)
            packed |= step->packs[k].input == i;
        if (packed)
            continue;
        if (!writer || !step->kernel->op->elementwise || !same_elements(in, plan_value(plan, step->output)))
            return true;
    }
    return false;
}

static void assign_in_place(struct plan *plan, struct plan_assign *a, const int *uses)
{
    struct plan_value *root = plan_value(plan, plan_value(plan, a->value)->root);
    int root_index = plan_value(plan, a->value)->root;
    if (root->place != VALUE_ARENA || uses[root_index] != 1 || root->first < 0)
        return;
    for (int s = root->first; s < (int)plan->steps.count; s++)
        if (disturbs(plan, plan_step(plan, s), a->target, s == root->first))
            return;
    root->place = VALUE_TARGET;
    root->entry = a->target;
    a->direct = true;
}

/* A value that is tapped too, or assigned twice, is copied instead. */
static assay_status find_direct_assigns(struct plan *plan, struct assay_error *error)
{
    int *uses = mem_alloc(plan->values.count, sizeof *uses);
    if (!uses)
        return error_memory(error, "a compiled graph");
    for (int i = 0; i < plan->tap_count; i++)
        uses[plan_value(plan, plan->taps[i].value.id)->root]++;
    for (int i = 0; i < plan->assign_count; i++)
        uses[plan_value(plan, plan->assigns[i].value)->root]++;
    for (int i = 0; i < plan->assign_count; i++)
        assign_in_place(plan, &plan->assigns[i], uses);
    mem_free(uses);
    return ASSAY_OK;
}

/* ---- Results over operands ------------------------------------------------------------------------------------ */

/* The input whose memory the output may take: as large, of the same type, and dead after this step. */
static int reusable_input(const struct plan *plan, const struct plan_step *step, int s)
{
    const struct plan_value *out = plan_value(plan, step->output);
    for (int i = 0; i < step->input_count; i++) {
        const struct plan_value *in = plan_value(plan, step->inputs[i]), *root = plan_value(plan, in->root);
        if (root->place != VALUE_ARENA || root->keep || root->last != s || !same_elements(in, out) ||
            plan_value_bytes(root) != plan_value_bytes(out))
            continue;
        bool broadcast = false; /* the same memory read at other places by another input */
        for (int k = 0; k < step->input_count; k++)
            broadcast |= plan_value(plan, step->inputs[k])->root == in->root &&
                         !shape_equal(&plan_value(plan, step->inputs[k])->tensor.shape, &out->tensor.shape);
        if (!broadcast)
            return in->root;
    }
    return -1;
}

static void merge_roots(struct plan *plan, int from, int into)
{
    struct plan_value *a = plan_value(plan, from), *b = plan_value(plan, into);
    for (int i = 0; i < (int)plan->values.count; i++)
        if (plan_value(plan, i)->root == from)
            plan_value(plan, i)->root = into;
    if (a->last > b->last)
        b->last = a->last;
    b->keep |= a->keep;
}

static void find_in_place_results(struct plan *plan)
{
    for (int s = 0; s < (int)plan->steps.count; s++) {
        const struct plan_step *step = plan_step(plan, s);
        const struct plan_value *out = plan_value(plan, step->output);
        if (!step->kernel->op->elementwise || out->root != step->output || out->place != VALUE_ARENA)
            continue;
        int into = reusable_input(plan, step, s);
        if (into >= 0)
            merge_roots(plan, step->output, into);
    }
}

/* ---- Offsets -------------------------------------------------------------------------------------------------- */

struct block {
    size_t bytes, offset;
    int first, last, value;
};

static int larger_first(const void *a, const void *b)
{
    const struct block *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x->value - y->value;
}

static int lower_first(const void *a, const void *b)
{
    const struct block *x = *(struct block *const *)a, *y = *(struct block *const *)b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* The lowest gap between the placed blocks whose lifetimes meet this one's. */
static size_t find_gap(const struct block *b, struct block *placed, int count, struct block **meeting)
{
    int n = 0;
    for (int i = 0; i < count; i++)
        if (placed[i].first <= b->last && b->first <= placed[i].last)
            meeting[n++] = &placed[i];
    qsort(meeting, (size_t)n, sizeof *meeting, lower_first);
    size_t offset = 0;
    for (int i = 0; i < n; i++) {
        if (meeting[i]->offset >= offset && meeting[i]->offset - offset >= b->bytes)
            break;
        size_t end = meeting[i]->offset + meeting[i]->bytes;
        if (end > offset)
            offset = end;
    }
    return offset;
}

static assay_status place_blocks(struct plan *plan, struct assay_error *error)
{
    int count = 0;
    struct block *blocks = mem_alloc(plan->values.count, sizeof *blocks);
    struct block **meeting = mem_alloc(plan->values.count, sizeof *meeting);
    if (!blocks || !meeting) {
        mem_free(blocks);
        mem_free(meeting);
        return error_memory(error, "a compiled graph");
    }
    for (int i = 0; i < (int)plan->values.count; i++) {
        const struct plan_value *v = plan_value(plan, i);
        if (v->root != i || v->place != VALUE_ARENA || v->first < 0)
            continue;
        size_t bytes = (plan_value_bytes(v) + MEMORY_ALIGNMENT - 1) / MEMORY_ALIGNMENT * MEMORY_ALIGNMENT;
        blocks[count++] = (struct block){.bytes = bytes, .first = v->first, .last = v->last, .value = i};
    }
    qsort(blocks, (size_t)count, sizeof *blocks, larger_first);
    for (int i = 0; i < count; i++) {
        blocks[i].offset = find_gap(&blocks[i], blocks, i, meeting);
        plan_value(plan, blocks[i].value)->offset = blocks[i].offset;
        size_t end = blocks[i].offset + blocks[i].bytes;
        if (end > plan->arena_bytes)
            plan->arena_bytes = end;
    }
    mem_free(blocks);
    mem_free(meeting);
    return ASSAY_OK;
}

assay_status plan_place(struct plan *plan, struct assay_error *error)
{
    find_lifetimes(plan);
    assay_status status = find_direct_assigns(plan, error);
    if (status)
        return status;
    find_in_place_results(plan);
    return place_blocks(plan, error);
}
