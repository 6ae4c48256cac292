/* chain.h - elementwise ops that follow a kernel of our own, applied to a stretch of its result while that is in the
 * first cache. Each takes what there is so far and at most one further input of the kernel. */
#ifndef ASSAY_CPU_CHAIN_H
#define ASSAY_CPU_CHAIN_H

#include "graph/backend.h"
#include "ops/elementwise.h"

typedef void unary_loop(float *y, const float *x, int64_t count, float a, float b);
typedef void binary_loop(float *y, const float *left, const float *right, int64_t count);

/* The loops behind the ops: unary.c, elementwise.c. y may be the same memory as an input. */
unary_loop *chain_unary(const struct unary_attrs *attrs);
binary_loop *chain_binary(enum binary_kind kind);

struct chain_step {
    unary_loop *unary; /* or */
    binary_loop *binary;
    float a, b;
    int input; /* of the kernel, for a binary one */
    bool left; /* what there is so far is the left operand (of both, with input KERNEL_RESULT) */
};

struct chain {
    struct chain_step steps[KERNEL_MAX_ABSORBED];
    int count;
};

/* For kernel.absorbs of kernels that write their output by loop_write: a cast, which then needs no code at all. */
bool chain_absorbs_cast(const struct kernel_node *n, const struct kernel_node *next, int through);

/* For kernel.absorbs: a cast, or a unary or binary op that keeps the shape; `whole`: its other operand must have that
 * shape too. */
bool chain_absorbs(const struct kernel_node *n, const struct kernel_node *next, int through, bool whole);

/* What a call has absorbed. */
struct chain chain_of(const struct kernel_call *call);

/* Applies it to y[count], in place. inputs[i]: input i of the kernel for this stretch; those of the kernel's own op
 * need not be there. The last step writes to `to`, which may be the memory of any input; `y` may not, unless the chain
 * is empty: then y must be `to` already. */
void chain_run(const struct chain *chain, float *y, float *to, const float *const *inputs, int64_t count);

#endif
