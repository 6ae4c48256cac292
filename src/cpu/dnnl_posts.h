/* dnnl_posts.h - ops that oneDNN applies to a result before it writes it (its post-ops): a frozen norm, an activation,
 * a factor or a shift by channel, the sum with a tensor of the result's own shape. */
#ifndef ASSAY_CPU_DNNL_POSTS_H
#define ASSAY_CPU_DNNL_POSTS_H

#include "cpu/dnnl_versions.h"

enum { POSTS_MAX = 2 * KERNEL_MAX_ABSORBED };

/* One operand of a post-op. */
struct post {
    int argument;       /* oneDNN's name for it */
    int input;          /* of the kernel; or */
    bool slope, offset; /* computed from a norm's tensors, from input `input` on, at each run */
    const struct norm_attrs *norm;
    size_t at; /* where the computed ones lie in the scratch memory */
    layout md;
};

/* Zero-initialise it. */
struct posts {
    struct post list[POSTS_MAX];
    int count; /* of operands */
    int64_t channels;
};

/* For kernel.absorbs of a product or a convolution. */
bool posts_absorb(const struct kernel_node *n, const struct kernel_node *next, int through);

/* Appends what the node has absorbed, from number `first` on, to `ops`. `result`: the operand that it is applied to,
 * whose last plain axis (`channel_axis` of its logical ones) is the channels. Adds to *scratch what is computed at each
 * run. */
dnnl_status_t posts_create(struct posts *posts, const struct kernel_node *n, const struct onednn_operand *result,
                           int channel_axis, int first, dnnl_post_ops_t ops, size_t *scratch);
void posts_free(struct posts *posts);

/* Computes what is computed, into the scratch memory. */
void posts_compute(const struct posts *posts, const struct kernel_call *call);

/* What a frozen norm multiplies a channel by. */
float posts_slope(float variance, float scale, float eps);

/* The memory of operand i in this run. */
const void *posts_data(const struct posts *posts, int i, const struct kernel_call *call);

#endif
