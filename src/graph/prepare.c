/* prepare.c - every kernel of a plan prepared: shapes and types are final here. */
#include "base/hash.h"
#include "graph/plan_internal.h"

struct kernel_node plan_describe(const struct plan *plan, const struct plan_step *step,
                                 struct tensor in[KERNEL_MAX_INPUTS], bool is_param[KERNEL_MAX_INPUTS])
{
    for (int i = 0; i < step->input_count; i++) {
        const struct plan_value *v = plan_value(plan, step->inputs[i]);
        in[i] = v->tensor;
        in[i].data = NULL;
        in[i].shape = plan_part_shape(step, in[i].shape, step->parts > 1 && step->cut[i]);
        is_param[i] = v->root == step->inputs[i] && v->place == VALUE_ENTRY;
    }
    struct tensor out = plan_value(plan, step->output)->tensor;
    out.shape = plan_part_shape(step, out.shape, step->cut_output);
    return (struct kernel_node){.op = step->kernel->op,
                                .name = step->name,
                                .input_count = step->input_count,
                                .own_count = step->own_count,
                                .in = in,
                                .in_is_param = is_param,
                                .attrs = step->attrs,
                                .out = out,
                                .absorbed_count = step->absorbed_count,
                                .absorbed = step->absorbed};
}

/* The kernel's own key, and which tensors the packed bytes depend on besides. */
static uint64_t pack_key(const struct plan *plan, const struct plan_step *step, const struct kernel_prepared *prepared,
                         int input)
{
    uint64_t key = prepared->pack[input].key;
    for (int i = 0; i < step->input_count; i++) {
        const struct store_entry *entry = plan_value(plan, step->inputs[i])->entry;
        if (prepared->pack[input].with >> i & 1)
            key = hash_bytes(&entry, sizeof entry, key);
    }
    return key;
}

static assay_status prepare_step(struct plan *plan, struct plan_step *step, struct assay_error *error)
{
    struct tensor in[KERNEL_MAX_INPUTS];
    bool is_param[KERNEL_MAX_INPUTS];
    struct kernel_prepared prepared = {0};
    if (!step->kernel->prepare)
        return ASSAY_OK;
    struct kernel_node described = plan_describe(plan, step, in, is_param);
    assay_status status = step->kernel->prepare(&described, &prepared, error);
    if (status)
        return status;
    step->state = prepared.state;
    if (prepared.scratch_bytes) {
        struct shape floats = SHAPE((int64_t)((prepared.scratch_bytes + 3) / 4));
        step->scratch = plan_add_value(plan, DTYPE_F32, &floats, VALUE_ARENA);
        if (step->scratch < 0)
            return error_memory(error, "a compiled graph");
    }
    for (int i = 0; i < step->input_count; i++)
        step->pack_count += prepared.pack[i].bytes != 0;
    step->packs = arena_alloc(&plan->arena, (size_t)step->pack_count, sizeof *step->packs);
    if (!step->packs)
        return error_memory(error, "a compiled graph");
    for (int i = 0, k = 0; i < step->input_count; i++)
        if (prepared.pack[i].bytes)
            step->packs[k++] = (struct plan_pack){.input = i,
                                                  .entry = plan_value(plan, step->inputs[i])->entry,
                                                  .key = pack_key(plan, step, &prepared, i),
                                                  .with = prepared.pack[i].with,
                                                  .bytes = prepared.pack[i].bytes,
                                                  .slot = plan->pack_slots++};
    return ASSAY_OK;
}

assay_status plan_prepare(struct plan *plan, struct assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (int i = 0; i < (int)plan->steps.count && !status; i++)
        status = prepare_step(plan, plan_step(plan, i), error);
    return status;
}
