/* norm_bf16.h - batch norm's loops over bf16 maps, without floats in memory between (lanes.h). Counts are multiples of
 * LANES. Sums are in the order of the loops over floats. */
#ifndef ASSAY_CPU_NORM_BF16_H
#define ASSAY_CPU_NORM_BF16_H

#include <stdbool.h>
#include <stdint.h>

/* Down `count` neighbouring columns; rows lie `step` elements apart. */
void norm_bf16_sums(const uint16_t *x, int64_t step, int64_t rows, int64_t count, float *sum);
/* Of x - mean and its square. */
void norm_bf16_squares(const uint16_t *x, int64_t step, int64_t rows, int64_t count, const float *mean, float *sum,
                       float *squares);
/* Of dy and dy (x - mean). */
void norm_bf16_products(const uint16_t *x, const uint16_t *dy, int64_t step, int64_t rows, int64_t count,
                        const float *mean, float *sum, float *products);

/* y = (x - mean) factor + shift, plus `other` (NULL: none), negative values made zero where `relu`. y may be the memory
 * of an input. table: mean, factor, shift. */
void norm_bf16_apply(uint16_t *y, const uint16_t *x, const uint16_t *other, bool relu, const float *const *table,
                     int64_t count);
/* y = factor (dy - plain - slope (x - mean)). table: mean, factor, plain, slope. */
void norm_bf16_grad(uint16_t *y, const uint16_t *x, const uint16_t *dy, const float *const *table, int64_t count);

#endif
