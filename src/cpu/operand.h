/* operand.h - elementwise work with broadcasting: the output is cut into stretches, and each input gives its values for
 * a stretch as plain floats, so that the loops themselves know neither shapes nor element types. */
#ifndef ASSAY_CPU_OPERAND_H
#define ASSAY_CPU_OPERAND_H

#include "cpu/loops.h"
#include "graph/backend.h"

/* y[i] = f(inputs[0][i], ...) for count values. y may be the same memory as an input. */
typedef void operand_body(const void *context, float *y, const float *const *inputs, int64_t count);

/* Runs `body` over the call's output in stretches of at most LOOP_CHUNK, in parallel. At most OPERAND_MAX inputs, each
 * of a shape that broadcasts to the output's, those of absorbed ops included. */
enum { OPERAND_MAX = 8 };
void operand_run(const struct kernel_call *call, operand_body *body, const void *context);

/* For kernel.absorbs: operand_run applies what was absorbed to each stretch. */
bool operand_absorbs(const struct kernel_node *n, const struct kernel_node *next, int through);

#endif
