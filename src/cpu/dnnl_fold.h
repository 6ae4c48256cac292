/* dnnl_fold.h - a frozen norm right behind a convolution goes into its weights when they are packed, and into its bias
 * at each run: the convolution then costs what it costs without a norm. */
#ifndef ASSAY_CPU_DNNL_FOLD_H
#define ASSAY_CPU_DNNL_FOLD_H

#include "cpu/dnnl_posts.h"

struct fold {
    bool present;
    int weight, bias; /* inputs of the kernel; bias ONEDNN_ABSENT: none */
    int mean, variance, scale, shift;
    float eps;
    int64_t channels, filter; /* weights a channel */
    size_t at;                /* of the bias in the scratch memory */
};

/* Where the first op that the node absorbed is a norm of stored tensors behind stored weights: true, *fold says so and
 * *folded is the spec with a bias; that op is then no post-op. */
bool fold_create(struct fold *fold, const struct onednn_spec *spec, const struct kernel_node *n,
                 struct onednn_spec *folded);

/* The inputs that the folded weights depend on, beside the weights: one bit each. */
uint64_t fold_with(const struct fold *fold);

/* Weights times what the norm multiplies their channel by: freed with mem_free. NULL: no memory. */
float *fold_weights(const struct fold *fold, const float *const *stored);

/* The bias of this run, shift + (bias - mean) slope, in the scratch memory. */
const float *fold_bias(const struct fold *fold, const struct kernel_call *call);

#endif
