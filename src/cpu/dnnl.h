/* dnnl.h - oneDNN behind a few calls of our own. One piece of work is one primitive, and before and after it whatever
 * reorders bring the operands from their plain layout into the one that the primitive chose. What differs between
 * oneDNN 2.6 and 3.x stays in dnnl.c. */
#ifndef ASSAY_CPU_DNNL_H
#define ASSAY_CPU_DNNL_H

#include "graph/backend.h"

enum { ONEDNN_MAX_RANK = 12, ONEDNN_OUTPUT = -1, ONEDNN_ABSENT = -2 };

/* Which operand is which, in every kind of work. A matrix product is source [.., M, K] times weight [.., K, N]. */
enum onednn_role { ONEDNN_SOURCE, ONEDNN_WEIGHT, ONEDNN_RESULT, ONEDNN_BIAS, ONEDNN_ROLES };

struct onednn_operand {
    int index; /* input of the kernel, ONEDNN_OUTPUT or ONEDNN_ABSENT */
    int rank;
    int64_t dim[ONEDNN_MAX_RANK], stride[ONEDNN_MAX_RANK]; /* logical axes; in elements */
    enum dtype stored, computed;                           /* as it lies in memory; as the primitive takes it */
    bool any;                                              /* the primitive may choose the layout */
};

enum onednn_kind { ONEDNN_MATMUL, ONEDNN_CONV, ONEDNN_CONV_INPUT_GRAD, ONEDNN_CONV_WEIGHT_GRAD };

struct onednn_spec {
    enum onednn_kind kind;
    struct onednn_operand operands[ONEDNN_ROLES];
    int64_t stride[2], dilation[2], pad_before[2], pad_after[2]; /* of convolutions; dilation 1 is dense */
};

/* Creates the primitive and everything around it, and fills *out. An input that is a parameter is packed where its
 * layout or type differs; any other is reordered at each run. */
assay_status onednn_prepare(const struct onednn_spec *spec, const struct kernel_node *n, struct kernel_prepared *out,
                            struct assay_error *error);

/* The other three functions of such a kernel. Should oneDNN run out of memory for its handles, the output becomes
 * NaN. */
bool onednn_pack(void *state, int input, const float *const *stored, void *packed);
void onednn_run(const struct kernel_call *call);
void onednn_release(void *state);

/* Which implementation was chosen, such as "brg:avx512_core"; for benchmarks and tests. */
const char *onednn_implementation(const void *state);

/* Whether bf16 products are worth asking for. */
bool onednn_has_bf16(void);

#endif
