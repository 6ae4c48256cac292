/* cpu.c - the table of the backend's kernels. */
#include "cpu/cpu.h"

#include <stddef.h>

#include "cpu/dnnl.h"
#include "cpu/kernels.h"

/* By family. */
/* clang-format off */
static const struct kernel *const kernels[] = {
    &cpu_unary, &cpu_binary, &cpu_select, &cpu_accumulate, &cpu_cast, &cpu_broadcast,
    &cpu_reduce,
    &cpu_softmax, &cpu_log_softmax, &cpu_softmax_grad, &cpu_log_softmax_grad,
    &cpu_channel_stats, &cpu_batch_norm, &cpu_batch_norm_frozen, &cpu_batch_norm_sums, &cpu_batch_norm_grad,
    &cpu_layer_norm, &cpu_layer_norm_grad, &cpu_layer_norm_sums,
    &cpu_permute, &cpu_slice, &cpu_pad, &cpu_concat,
    &cpu_constant, &cpu_random, &cpu_one_hot,
    &cpu_pool2d, &cpu_pool2d_grad,
    &cpu_matmul, &cpu_matmul_f32,
    &cpu_conv2d, &cpu_conv2d_input_grad, &cpu_conv2d_weight_grad,
    &cpu_conv2d_f32, &cpu_conv2d_f32_input_grad, &cpu_conv2d_f32_weight_grad,
    &cpu_attention, &cpu_attention_grad, &cpu_attention_bias_grad, &cpu_attention_packed, &cpu_attention_packed_grad,
    &cpu_gather, &cpu_scatter_add, &cpu_top_k, &cpu_cooccurrence,
    NULL};
/* clang-format on */

static const struct backend backend = {"cpu", kernels, onednn_has_bf16};

const struct backend *cpu_backend(void)
{
    return &backend;
}
