/* run.c - running a plan in a workspace: bind feeds and stored tensors, pack what changed, run the kernels in order,
 * apply the assignments. */
#include <string.h>

#include "base/memory.h"
#include "base/progress.h"
#include "graph/plan_internal.h"

struct workspace {
    const struct plan *plan;
    uint8_t *memory;
    struct tensor *tensors; /* one a value */
    const void **packed;    /* one a slot */
};

assay_status workspace_create(const struct plan *plan, struct workspace **out, struct assay_error *error)
{
    struct workspace *w = mem_alloc(1, sizeof *w);
    if (!w)
        return error_memory(error, "a workspace");
    w->plan = plan;
    w->memory = mem_alloc_aligned(plan->arena_bytes);
    w->tensors = mem_alloc(plan->values.count, sizeof *w->tensors);
    w->packed = mem_alloc((size_t)plan->pack_slots, sizeof *w->packed);
    if (!w->memory || !w->tensors || !w->packed) {
        workspace_free(w);
        return error_memory(error, "a workspace");
    }
    for (int i = 0; i < (int)plan->values.count; i++) {
        const struct plan_value *v = plan_value(plan, i), *root = plan_value(plan, v->root);
        w->tensors[i] = v->tensor;
        if (root->place == VALUE_ARENA)
            w->tensors[i].data = w->memory + root->offset;
        else if (root->place == VALUE_CONSTANT)
            w->tensors[i].data = root->tensor.data;
    }
    *out = w;
    return ASSAY_OK;
}

void workspace_free(struct workspace *w)
{
    if (!w)
        return;
    mem_free(w->memory);
    mem_free(w->tensors);
    mem_free(w->packed);
    mem_free(w);
}

/* ---- Before the kernels --------------------------------------------------------------------------------------- */

static const void *find_feed(const struct feed *feeds, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(feeds[i].name, name) == 0)
            return feeds[i].data;
    return NULL;
}

static assay_status check_feeds(const struct plan *plan, const struct feed *feeds, int count, struct assay_error *error)
{
    for (int i = 0; i < plan->input_count; i++)
        if (!find_feed(feeds, count, plan->inputs[i].name))
            return error_set(error, ASSAY_ERROR_ARGUMENT, "the graph's input \"%s\" was not fed", plan->inputs[i].name);
    for (int i = 0; i < count; i++) {
        bool known = false;
        for (int k = 0; k < plan->input_count; k++)
            known |= strcmp(plan->inputs[k].name, feeds[i].name) == 0;
        if (!known)
            return error_set(error, ASSAY_ERROR_ARGUMENT, "the graph has no input \"%s\"", feeds[i].name);
    }
    return ASSAY_OK;
}

static assay_status no_value(const struct store_entry *entry, struct assay_error *error)
{
    return error_set(error, ASSAY_ERROR_MODEL, "tensor \"%s\" has no value yet: initialise or load it", entry->name);
}

/* Assignments need memory to write; what has no value yet must not get one by that. */
static assay_status make_targets_writable(const struct plan *plan, struct assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (int i = 0; i < plan->assign_count && !status; i++) {
        struct store_entry *target = plan->assigns[i].target;
        status = target->data ? store_make_writable(target, error) : no_value(target, error);
    }
    return status;
}

/* Points every value that does not lie in the workspace to its memory of this run. */
static assay_status bind(struct workspace *w, const struct feed *feeds, int feed_count, struct assay_error *error)
{
    const struct plan *plan = w->plan;
    for (int i = 0; i < (int)plan->values.count; i++) {
        const struct plan_value *root = plan_value(plan, plan_value(plan, i)->root);
        if (root->place == VALUE_FEED)
            w->tensors[i].data = (void *)find_feed(feeds, feed_count, plan->inputs[root->feed].name);
        if (root->place != VALUE_ENTRY && root->place != VALUE_TARGET)
            continue;
        if (!root->entry->data)
            return no_value(root->entry, error);
        w->tensors[i].data = root->entry->data;
    }
    return ASSAY_OK;
}

struct pack_context {
    const struct plan *plan;
    const struct plan_step *step;
    int input;
};

static const struct store_entry *stored_input(const struct plan *plan, const struct plan_step *step, int input)
{
    const struct plan_value *v = plan_value(plan, step->inputs[input]);
    return v->root == step->inputs[input] && v->place == VALUE_ENTRY ? v->entry : NULL;
}

static bool pack(const void *context, void *packed)
{
    const struct pack_context *c = context;
    const float *stored[KERNEL_MAX_INPUTS];
    for (int i = 0; i < c->step->input_count; i++) {
        const struct store_entry *entry = stored_input(c->plan, c->step, i);
        stored[i] = entry ? entry->data : NULL;
    }
    return c->step->kernel->pack(c->step->state, c->input, stored, packed);
}

/* Changes with the entry and with every other that its packed copy depends on. */
static uint64_t pack_version(const struct plan *plan, const struct plan_step *step, const struct plan_pack *p)
{
    uint64_t version = p->entry->version;
    for (int i = 0; i < step->input_count; i++)
        if (p->with >> i & 1)
            version += stored_input(plan, step, i)->version;
    return version;
}

static assay_status pack_weights(struct workspace *w, struct assay_error *error)
{
    const struct plan *plan = w->plan;
    for (int s = 0; s < (int)plan->steps.count; s++) {
        const struct plan_step *step = plan_step(plan, s);
        for (int k = 0; k < step->pack_count; k++) {
            const struct plan_pack *p = &step->packs[k];
            struct pack_context context = {plan, step, p->input};
            assay_status status = store_get_packed(plan->g->store, p->entry, p->key, pack_version(plan, step, p),
                                                   p->bytes, pack, &context, &w->packed[p->slot], error);
            if (status)
                return status;
        }
    }
    return ASSAY_OK;
}

/* ---- The kernels and after ------------------------------------------------------------------------------------ */

/* A value as the step sees it in one part of the batch. */
static struct tensor part_of(const struct workspace *w, const struct plan_step *step, int value, int part, bool cut)
{
    struct tensor t = w->tensors[value];
    t.shape = plan_part_shape(step, t.shape, cut);
    if (cut)
        t.data = (uint8_t *)t.data + (size_t)(part * shape_count(&t.shape)) * dtype_size(t.dtype);
    return t;
}

static void run_step(const struct workspace *w, const struct plan_step *step, int part,
                     const struct run_options *options)
{
    struct tensor in[KERNEL_MAX_INPUTS];
    const void *packed[KERNEL_MAX_INPUTS];
    for (int i = 0; i < step->input_count; i++) {
        in[i] = part_of(w, step, step->inputs[i], part, step->parts > 1 && step->cut[i]);
        packed[i] = NULL;
    }
    for (int k = 0; k < step->pack_count; k++)
        packed[step->packs[k].input] = w->packed[step->packs[k].slot];
    step->kernel->run(&(struct kernel_call){.input_count = step->input_count,
                                            .in = in,
                                            .packed = packed,
                                            .out = part_of(w, step, step->output, part, step->cut_output),
                                            .attrs = step->attrs,
                                            .absorbed_count = step->absorbed_count,
                                            .absorbed = step->absorbed,
                                            .state = step->state,
                                            .scratch = step->scratch >= 0 ? w->tensors[step->scratch].data : NULL,
                                            .seed = options->seed,
                                            .step = options->step,
                                            .random_key = step->random_key});
}

static void run_watched(const struct workspace *w, const struct plan_step *step, int part,
                        const struct run_options *options)
{
    double start = options->watch ? clock_seconds() : 0.0;
    run_step(w, step, part, options);
    if (options->watch)
        options->watch(options->watch_context, step->name, clock_seconds() - start);
}

static void run_steps(const struct workspace *w, const struct run_options *options)
{
    const struct plan *plan = w->plan;
    for (int s = 0; s < (int)plan->steps.count; s++) {
        const struct plan_step *step = plan_step(plan, s);
        if (step->parts == 1) {
            run_watched(w, step, 0, options);
            continue;
        }
        for (int part = 0; part < step->parts; part++)
            for (int t = step->first; t <= step->last; t++)
                run_watched(w, plan_step(plan, t), part, options);
        s = step->last;
    }
}

static void apply_assigns(const struct workspace *w)
{
    for (int i = 0; i < w->plan->assign_count; i++) {
        const struct plan_assign *a = &w->plan->assigns[i];
        if (!a->direct)
            memcpy(a->target->data, w->tensors[a->value].data,
                   (size_t)shape_count(&a->target->shape) * sizeof *a->target->data);
        a->target->version++;
    }
}

assay_status plan_run(const struct plan *plan, struct workspace *workspace, const struct feed *feeds, int feed_count,
                      const struct run_options *options, struct assay_error *error)
{
    static const struct run_options no_options = {0};
    assay_status status = check_feeds(plan, feeds, feed_count, error);
    if (!status)
        status = make_targets_writable(plan, error);
    if (!status)
        status = bind(workspace, feeds, feed_count, error);
    if (!status)
        status = pack_weights(workspace, error);
    if (status)
        return status;
    options = options ? options : &no_options;
    run_steps(workspace, options);
    apply_assigns(workspace);
    return ASSAY_OK;
}

struct tensor workspace_read(const struct workspace *workspace, const char *name)
{
    const struct plan *plan = workspace->plan;
    for (int i = 0; i < plan->tap_count; i++)
        if (strcmp(plan->taps[i].name, name) == 0)
            return workspace->tensors[plan->taps[i].value.id];
    return (struct tensor){0};
}
