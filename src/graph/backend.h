/* backend.h - what a backend (cpu/, cuda/) gives a plan: for each op a kernel that is prepared once per node and run
 * many times, by any number of threads with scratch memory of their own. */
#ifndef ASSAY_GRAPH_BACKEND_H
#define ASSAY_GRAPH_BACKEND_H

#include "base/error.h"
#include "graph/op.h"

enum { KERNEL_MAX_INPUTS = 64 };

enum { KERNEL_MAX_ABSORBED = 8, KERNEL_ABSORBED_INPUTS = 5 };

/* An op that a kernel applies to its result before it writes it, instead of a kernel of its own doing so. */
struct kernel_absorbed {
    const struct op *op;
    const void *attrs;
    int input_count;
    int in[KERNEL_ABSORBED_INPUTS]; /* which of the kernel's inputs; KERNEL_RESULT: what the kernel has so far */
};
enum { KERNEL_RESULT = -1 };

/* One node, as the kernel sees it when it is prepared: shapes and types are final, data pointers are NULL. */
struct kernel_node {
    const struct op *op;
    const char *name;        /* layer and op, for messages */
    int input_count;         /* the op's own, then those of absorbed ops */
    const struct tensor *in; /* [input_count] */
    const bool *in_is_param; /* [input_count] a stored f32 tensor, which the kernel may ask to have packed */
    struct tensor out;       /* after the absorbed ops */
    const void *attrs;
    int own_count; /* inputs of the op itself */
    int absorbed_count;
    const struct kernel_absorbed *absorbed; /* in the order of their application */
};

/* What `prepare` answers. */
struct kernel_prepared {
    void *state;          /* the kernel's own, freed by `release`; NULL is fine. Read-only while it runs */
    size_t scratch_bytes; /* memory for one run, 64-byte aligned, contents undefined */
    struct {
        size_t bytes;  /* 0: input i is used as it is; else run() finds it packed, in call->packed[i] */
        uint64_t key;  /* the same for two nodes exactly where their packed bytes are the same */
        uint64_t with; /* one bit for each other input, stored too, that the packed bytes depend on */
    } pack[KERNEL_MAX_INPUTS];
};

/* One run. For an elementwise op (op->elementwise) out.data may be the data of an input of the same count and type: no
 * `restrict` there. In a bf16 plan a compute op (PRECISION_COMPUTE, PRECISION_COMPUTE_F32) gets its first two inputs in
 * bf16, except stored f32 tensors (in_is_param), which its prepare must ask to have packed; a bias stays f32. */
struct kernel_call {
    int input_count;
    const struct tensor *in;   /* [input_count] */
    const void *const *packed; /* [input_count] NULL where not packed */
    struct tensor out;
    const void *attrs;
    int absorbed_count;
    const struct kernel_absorbed *absorbed;
    void *state, *scratch;
    uint64_t seed, step, random_key; /* for random ops */
};

struct kernel {
    const struct op *op;
    bool bf16; /* takes and gives bf16 as well as f32; else the plan casts around it */
    /* Whether the kernel, having absorbed what `so_far` says, can absorb `next` as well, the only reader of its result,
     * which is next's input `through`. NULL: it absorbs nothing. */
    bool (*absorbs)(const struct kernel_node *so_far, const struct kernel_node *next, int through);
    assay_status (*prepare)(const struct kernel_node *node, struct kernel_prepared *out,
                            struct assay_error *error); /* or NULL */
    /* Packs an input. stored[i]: the values of input i where that is a stored tensor, else NULL. False: no memory. Or
     * NULL. */
    bool (*pack)(void *state, int input, const float *const *stored, void *packed);
    void (*run)(const struct kernel_call *call);
    void (*release)(void *state); /* or NULL */
};

struct backend {
    const char *name;                    /* "cpu" */
    const struct kernel *const *kernels; /* NULL-terminated */
    bool (*has_bf16)(void);
};

/* The kernel for an op, or NULL. */
const struct kernel *backend_kernel(const struct backend *backend, const struct op *op);

#endif
