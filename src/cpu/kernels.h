/* kernels.h - the kernels of the backend, by file. */
#ifndef ASSAY_CPU_KERNELS_H
#define ASSAY_CPU_KERNELS_H

#include "graph/backend.h"

extern const struct kernel cpu_unary;                                                            /* unary.c */
extern const struct kernel cpu_binary, cpu_select, cpu_accumulate, cpu_cast, cpu_broadcast;      /* elementwise.c */
extern const struct kernel cpu_reduce;                                                           /* reduce.c */
extern const struct kernel cpu_softmax, cpu_log_softmax, cpu_softmax_grad, cpu_log_softmax_grad; /* softmax.c */
extern const struct kernel cpu_channel_stats, cpu_batch_norm, cpu_batch_norm_frozen, cpu_batch_norm_sums,
    cpu_batch_norm_grad;                                                              /* batch_norm.c */
extern const struct kernel cpu_layer_norm, cpu_layer_norm_grad, cpu_layer_norm_sums;  /* layer_norm.c */
extern const struct kernel cpu_permute, cpu_slice, cpu_pad, cpu_concat;               /* move.c */
extern const struct kernel cpu_constant, cpu_random, cpu_one_hot;                     /* fill.c */
extern const struct kernel cpu_pool2d, cpu_pool2d_grad;                               /* pool.c */
extern const struct kernel cpu_matmul, cpu_matmul_f32;                                /* matmul.c */
extern const struct kernel cpu_conv2d, cpu_conv2d_input_grad, cpu_conv2d_weight_grad; /* conv.c */
extern const struct kernel cpu_conv2d_f32, cpu_conv2d_f32_input_grad, cpu_conv2d_f32_weight_grad;
extern const struct kernel cpu_attention, cpu_attention_grad, cpu_attention_bias_grad; /* attention.c */
extern const struct kernel cpu_attention_packed, cpu_attention_packed_grad;
extern const struct kernel cpu_gather, cpu_scatter_add; /* gather.c */
extern const struct kernel cpu_top_k;                   /* top_k.c */
extern const struct kernel cpu_cooccurrence;            /* cooccurrence.c */

#endif
