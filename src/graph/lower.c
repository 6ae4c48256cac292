/* lower.c - from a graph to a list of kernels: what is needed is kept, types are chosen by precision class, casts are
 * put where a kernel wants another type. Steps keep the order in which nodes were built, which is a topological one. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "graph/plan_internal.h"

struct lowering {
    struct plan *plan;
    struct graph *g;
    bool *live;    /* by node */
    int32_t *same; /* node -> the one that is computed in its place */
    int *value;    /* node -> value, -1: not lowered */
    int *cast;     /* value -> the same in the other floating type, -1: none; grows with the values */
    int cast_size;
};

static assay_status out_of_memory(struct assay_error *error)
{
    return error_memory(error, "a compiled graph");
}

/* What taps and assignments need, directly or not. */
static void mark_live(struct lowering *l)
{
    const struct graph *g = l->g;
    for (size_t i = 0; i < g->taps.count; i++)
        l->live[((struct graph_tap *)g->taps.data)[i].value.id] = true;
    for (size_t i = 0; i < g->assigns.count; i++)
        l->live[((struct graph_assign *)g->assigns.data)[i].value.id] = true;
    for (int32_t id = (int32_t)g->nodes.count - 1; id >= 0; id--) {
        const struct graph_node *n = graph_at(g, id);
        for (int i = 0; i < n->input_count && l->live[id]; i++)
            l->live[n->inputs[i].id] = true;
    }
}

static int add_value(struct lowering *l, enum dtype dtype, const struct shape *shape, enum value_place place)
{
    int index = plan_add_value(l->plan, dtype, shape, place);
    if (index >= l->cast_size) {
        int size = l->cast_size * 2 + 64;
        int *cast = mem_resize(l->cast, (size_t)size, sizeof *cast);
        if (!cast)
            return -1;
        memset(cast + l->cast_size, 0xff, (size_t)(size - l->cast_size) * sizeof *cast);
        l->cast = cast;
        l->cast_size = size;
    }
    return index;
}

/* ---- Types ---------------------------------------------------------------------------------------------------- */

static bool is_floating(enum dtype dtype)
{
    return dtype != DTYPE_I32;
}

/* The output's type in a bf16 plan. */
static enum dtype output_dtype(const struct lowering *l, const struct graph_node *n)
{
    if (l->plan->precision == PRECISION_MODE_F32 || !is_floating(n->dtype))
        return n->dtype;
    switch (n->op->precision) {
    case PRECISION_COMPUTE: return DTYPE_BF16;
    case PRECISION_COMPUTE_F32:
    case PRECISION_F32: return DTYPE_F32;
    case PRECISION_FOLLOW: break;
    }
    /* As torch promotes: bf16 only if every operand of full size is bf16; small ones do not count. */
    int64_t count = shape_count(&n->shape), full_bf16 = 0;
    int64_t largest = 0;
    for (int i = 0; i < n->input_count; i++) {
        const struct plan_value *v = plan_value(l->plan, l->value[n->inputs[i].id]);
        int64_t size = shape_count(&v->tensor.shape);
        largest = size > largest ? size : largest;
    }
    if (largest > count)
        largest = count; /* slices and pools: the output is smaller than its input */
    for (int i = 0; i < n->input_count; i++) {
        const struct plan_value *v = plan_value(l->plan, l->value[n->inputs[i].id]);
        if (!is_floating(v->tensor.dtype) || shape_count(&v->tensor.shape) < largest)
            continue;
        if (v->tensor.dtype == DTYPE_F32)
            return DTYPE_F32;
        full_bf16++;
    }
    return full_bf16 ? DTYPE_BF16 : DTYPE_F32;
}

/* ---- Steps ---------------------------------------------------------------------------------------------------- */

static assay_status push_step(struct lowering *l, const struct op *op, const char *layer, const int *inputs,
                              int input_count, int output, const void *attrs, uint64_t random_key,
                              struct assay_error *error)
{
    struct plan *plan = l->plan;
    const struct kernel *kernel = backend_kernel(plan->backend, op);
    if (!kernel)
        return error_set(error, ASSAY_ERROR_INTERNAL, "the %s backend has no kernel for %s", plan->backend->name,
                         op->name);
    if (input_count > KERNEL_MAX_INPUTS)
        return error_set(error, ASSAY_ERROR_INTERNAL, "%s has %d inputs, more than %d", op->name, input_count,
                         KERNEL_MAX_INPUTS);
    struct plan_step *step = array_push(&plan->steps);
    int *kept = arena_memdup(&plan->arena, inputs, (size_t)input_count * sizeof *inputs);
    const char *name = layer[0] ? arena_printf(&plan->arena, "%s in %s", op->name, layer) : op->name;
    if (!step || !kept || !name)
        return out_of_memory(error);
    *step = (struct plan_step){.kernel = kernel,
                               .name = name,
                               .input_count = input_count,
                               .own_count = input_count,
                               .inputs = kept,
                               .output = output,
                               .attrs = attrs,
                               .random_key = random_key,
                               .scratch = -1,
                               .parts = 1};
    return ASSAY_OK;
}

/* `value` in another floating type: cast once, wherever it is wanted. */
static assay_status cast_value(struct lowering *l, int value, enum dtype dtype, const char *layer, int *out,
                               struct assay_error *error)
{
    if (plan_value(l->plan, value)->tensor.dtype == dtype) {
        *out = value;
        return ASSAY_OK;
    }
    if (l->cast[value] < 0) {
        struct shape shape = plan_value(l->plan, value)->tensor.shape;
        int made = add_value(l, dtype, &shape, VALUE_ARENA);
        if (made < 0)
            return out_of_memory(error);
        assay_status status = push_step(l, &op_cast, layer, &value, 1, made, NULL, 0, error);
        if (status)
            return status;
        l->cast[value] = made;
        l->cast[made] = value;
    }
    *out = l->cast[value];
    return ASSAY_OK;
}

/* The input values of a node in the types that its kernel takes. */
static assay_status gather_inputs(struct lowering *l, const struct graph_node *n, int *inputs,
                                  struct assay_error *error)
{
    bool compute = n->op->precision == PRECISION_COMPUTE || n->op->precision == PRECISION_COMPUTE_F32;
    const struct kernel *kernel = backend_kernel(l->plan->backend, n->op);
    for (int i = 0; i < n->input_count; i++) {
        int value = l->value[n->inputs[i].id];
        const struct plan_value *v = plan_value(l->plan, value);
        bool stored = plan_value(l->plan, v->root)->place == VALUE_ENTRY && v->root == value;
        assay_status status = ASSAY_OK;
        if (is_floating(v->tensor.dtype) && l->plan->precision == PRECISION_MODE_BF16) {
            /* A compute kernel packs parameters itself and takes its bias (input 2) in f32. */
            if (compute && !stored && i < 2)
                status = cast_value(l, value, DTYPE_BF16, n->layer, &value, error);
            else if (kernel && !kernel->bf16)
                status = cast_value(l, value, DTYPE_F32, n->layer, &value, error);
        }
        if (status)
            return status;
        inputs[i] = value;
    }
    return ASSAY_OK;
}

static assay_status lower_constant(struct lowering *l, const struct graph_node *n, int *out, struct assay_error *error)
{
    const struct constant_attrs *attrs = n->attrs;
    int64_t count = shape_count(&n->shape);
    *out = add_value(l, n->dtype, &n->shape, VALUE_CONSTANT);
    if (*out < 0)
        return out_of_memory(error);
    struct plan_value *v = plan_value(l->plan, *out);
    if (attrs->data) {
        v->tensor.data = (void *)attrs->data;
        return ASSAY_OK;
    }
    float *data = arena_alloc(&l->plan->arena, (size_t)count, sizeof *data);
    if (!data)
        return out_of_memory(error);
    for (int64_t i = 0; i < count; i++)
        data[i] = attrs->value;
    v->tensor.data = data;
    return ASSAY_OK;
}

static assay_status lower_node(struct lowering *l, int32_t id, struct assay_error *error)
{
    const struct graph_node *n = graph_at(l->g, id);
    struct plan *plan = l->plan;
    assay_status status;
    int out, inputs[KERNEL_MAX_INPUTS];
    if (n->op == &op_input) {
        out = add_value(l, n->dtype, &n->shape, VALUE_FEED);
        if (out < 0)
            return out_of_memory(error);
        plan_value(plan, out)->feed = plan->input_count;
        plan->inputs[plan->input_count++] = (struct plan_input){n->name, out};
    } else if (n->entry) {
        out = add_value(l, DTYPE_F32, &n->shape, VALUE_ENTRY);
        if (out < 0)
            return out_of_memory(error);
        plan_value(plan, out)->entry = n->entry;
    } else if (n->op == &op_constant) {
        status = lower_constant(l, n, &out, error);
        if (status)
            return status;
    } else if (n->op->view) {
        int from = l->value[n->inputs[0].id];
        out = add_value(l, plan_value(plan, from)->tensor.dtype, &n->shape, VALUE_ARENA);
        if (out < 0)
            return out_of_memory(error);
        plan_value(plan, out)->root = plan_value(plan, from)->root;
    } else {
        status = gather_inputs(l, n, inputs, error);
        if (status)
            return status;
        enum dtype dtype = output_dtype(l, n);
        const struct kernel *kernel = backend_kernel(plan->backend, n->op);
        if (kernel && !kernel->bf16 && dtype == DTYPE_BF16)
            dtype = DTYPE_F32;
        out = add_value(l, dtype, &n->shape, VALUE_ARENA);
        if (out < 0)
            return out_of_memory(error);
        status = push_step(l, n->op, n->layer, inputs, n->input_count, out, n->attrs, n->random_key, error);
        if (status)
            return status;
    }
    l->value[id] = out;
    return ASSAY_OK;
}

/* ---- Ends ----------------------------------------------------------------------------------------------------- */

/* What is read after the run, or assigned at its end, must be f32 and must not be a leaf itself, whose memory may hold
 * another value by then. */
static assay_status lower_end(struct lowering *l, node from, int *out, struct assay_error *error)
{
    int value = l->value[from.id];
    assay_status status = ASSAY_OK;
    if (is_floating(plan_value(l->plan, value)->tensor.dtype))
        status = cast_value(l, value, DTYPE_F32, "", &value, error);
    if (status)
        return status;
    const struct plan_value *v = plan_value(l->plan, value), *root = plan_value(l->plan, v->root);
    if (root->place != VALUE_ARENA) {
        struct shape shape = v->tensor.shape;
        enum dtype dtype = v->tensor.dtype;
        int copy = add_value(l, dtype, &shape, VALUE_ARENA);
        if (copy < 0)
            return out_of_memory(error);
        status = push_step(l, &op_accumulate, "", &value, 1, copy, NULL, 0, error);
        value = copy;
    }
    *out = value;
    return status;
}

static assay_status lower_ends(struct lowering *l, struct assay_error *error)
{
    struct plan *plan = l->plan;
    for (size_t i = 0; i < l->g->taps.count; i++) {
        const struct graph_tap *t = (struct graph_tap *)l->g->taps.data + i;
        int value;
        assay_status status = lower_end(l, t->value, &value, error);
        if (status)
            return status;
        plan->taps[plan->tap_count++] = (struct graph_tap){t->name, {value}};
        plan_value(plan, plan_value(plan, value)->root)->keep = true;
    }
    for (size_t i = 0; i < l->g->assigns.count; i++) {
        const struct graph_assign *a = (struct graph_assign *)l->g->assigns.data + i;
        int value;
        assay_status status = lower_end(l, a->value, &value, error);
        if (status)
            return status;
        plan->assigns[plan->assign_count++] = (struct plan_assign){.target = a->target, .value = value};
        plan_value(plan, plan_value(plan, value)->root)->keep = true;
    }
    return ASSAY_OK;
}

assay_status plan_lower(struct plan *plan, bool apart, struct assay_error *error)
{
    struct graph *g = plan->g;
    size_t n = g->nodes.count;
    struct lowering l = {.plan = plan, .g = g};
    assay_status status = ASSAY_OK;
    l.live = mem_alloc(n, sizeof *l.live);
    l.same = mem_alloc(n, sizeof *l.same);
    l.value = mem_alloc(n, sizeof *l.value);
    plan->inputs = arena_alloc(&plan->arena, n, sizeof *plan->inputs);
    plan->taps = arena_alloc(&plan->arena, g->taps.count, sizeof *plan->taps);
    plan->assigns = arena_alloc(&plan->arena, g->assigns.count, sizeof *plan->assigns);
    if (!l.live || !l.same || !l.value || !plan->inputs || !plan->taps || !plan->assigns) {
        status = out_of_memory(error);
        goto done;
    }
    memset(l.value, 0xff, n * sizeof *l.value);
    mark_live(&l);
    if (!apart)
        status = plan_merge(g, l.live, l.same, error);
    for (int32_t id = 0; id < (int32_t)n && !status; id++) {
        if (l.live[id] || graph_at(g, id)->op == &op_input)
            status = lower_node(&l, id, error);
        else if (!apart && l.same[id] != id)
            l.value[id] = l.value[l.same[id]];
    }
    if (!status)
        status = lower_ends(&l, error);
done:
    mem_free(l.live);
    mem_free(l.same);
    mem_free(l.value);
    mem_free(l.cast);
    return status;
}
