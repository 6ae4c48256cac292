/* plan_internal.h - a compiled graph's representation, shared by lower.c (which kernels, on what), memory_plan.c (where
 * values lie), plan.c (create, free) and run.c. */
#ifndef ASSAY_GRAPH_PLAN_INTERNAL_H
#define ASSAY_GRAPH_PLAN_INTERNAL_H

#include "graph/internal.h"
#include "graph/plan.h"

/* Where a value's memory is. */
enum value_place {
    VALUE_ARENA,    /* in the workspace, at `offset` */
    VALUE_FEED,     /* the caller's, by feed index */
    VALUE_ENTRY,    /* a parameter or state, read */
    VALUE_CONSTANT, /* filled when the plan was made */
    VALUE_TARGET    /* written straight into a state: no later step reads the old value */
};

struct plan_value {
    struct tensor tensor;   /* data: of constants only */
    int root;               /* the value whose memory this one shares (views, in-place results); itself otherwise */
    enum value_place place; /* of a root, as all below */
    int feed;
    struct store_entry *entry;
    size_t offset;
    int first, last; /* steps between which the memory is in use */
    bool keep;       /* until the end of the run: tapped or assigned */
};

struct plan_pack {
    int input; /* which input of the step */
    struct store_entry *entry;
    uint64_t key, with;
    size_t bytes;
    int slot; /* in the workspace's list of packed pointers */
};

struct plan_step {
    const struct kernel *kernel;
    const char *name;           /* "conv2d in layer1.0.conv1" */
    int input_count, own_count; /* with and without the inputs of absorbed ops */
    int *inputs;                /* values */
    int output;
    const void *attrs;
    uint64_t random_key;
    int absorbed_count;
    struct kernel_absorbed *absorbed;
    void *state;
    int scratch;           /* a value of its own, -1: none */
    int parts;             /* of the batch, one after the other; more than 1: */
    int first, last;       /* each goes through these steps before the next does */
    bool *cut, cut_output; /* which inputs hold the whole batch, and whether the output does; others hold one part */
    int pack_count;
    struct plan_pack *packs;
};

struct plan_input {
    const char *name;
    int value;
};

struct plan_assign {
    struct store_entry *target;
    int value;
    bool direct; /* the step wrote it in place: nothing to copy */
};

struct plan {
    struct graph *g;
    const struct backend *backend;
    enum precision precision;
    struct arena arena;
    struct array values; /* struct plan_value */
    struct array steps;  /* struct plan_step */
    struct plan_input *inputs;
    int input_count;
    struct plan_assign *assigns;
    int assign_count;
    struct graph_tap *taps; /* value.id is a plan value */
    int tap_count;
    int pack_slots;
    size_t arena_bytes;
};

static inline struct plan_value *plan_value(const struct plan *plan, int index)
{
    return (struct plan_value *)plan->values.data + index;
}

static inline struct plan_step *plan_step(const struct plan *plan, int index)
{
    return (struct plan_step *)plan->steps.data + index;
}

/* A value of its own root, used by nobody yet; its index, -1: no memory. */
static inline int plan_add_value(struct plan *plan, enum dtype dtype, const struct shape *shape, enum value_place place)
{
    struct plan_value *v = (struct plan_value *)array_push(&plan->values);
    int index = v ? (int)plan->values.count - 1 : -1;
    if (v)
        *v = (struct plan_value){
            .tensor = {NULL, dtype, *shape}, .root = index, .place = place, .first = -1, .last = -1};
    return index;
}

static inline size_t plan_value_bytes(const struct plan_value *v)
{
    return (size_t)shape_count(&v->tensor.shape) * dtype_size(v->tensor.dtype);
}

/* lower.c: fills values, steps, inputs, assigns and taps from the graph. `apart`: equal nodes are not merged. */
assay_status plan_lower(struct plan *plan, bool apart, struct assay_error *error);

/* merge.c: same[node] becomes the first live node that computes what it does, itself where there is none; of others `live`
 * is taken back. */
assay_status plan_merge(const struct graph *g, bool *live, int32_t *same, struct assay_error *error);

/* absorb.c: lets kernels apply the ops that follow them. */
assay_status plan_absorb(struct plan *plan, struct assay_error *error);

/* parts.c: splits batches whose maps take more than so many bytes, 0: a default. */
assay_status plan_part(struct plan *plan, size_t cached, struct assay_error *error);

/* The shape that the step sees of a tensor that holds the whole batch where `cut`. */
static inline struct shape plan_part_shape(const struct plan_step *step, struct shape shape, bool cut)
{
    if (step->parts > 1 && cut)
        shape.dim[0] /= step->parts;
    return shape;
}

/* prepare.c: prepares every kernel: its state, its scratch memory (another value), what it wants packed. */
assay_status plan_prepare(struct plan *plan, struct assay_error *error);

/* prepare.c: a step as its kernel sees it. `in` and `is_param` are filled, and must live as long as the result. */
struct kernel_node plan_describe(const struct plan *plan, const struct plan_step *step,
                                 struct tensor in[KERNEL_MAX_INPUTS], bool is_param[KERNEL_MAX_INPUTS]);

/* memory_plan.c: decides which results are written in place and where every value of the workspace lies. */
assay_status plan_place(struct plan *plan, struct assay_error *error);

#endif
