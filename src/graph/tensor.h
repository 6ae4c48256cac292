/* tensor.h - shapes, element types, and a tensor in memory. Every tensor is dense and row-major; pictures and feature
 * maps are [B, H, W, C], so that channels come last without any layout flag. */
#ifndef ASSAY_GRAPH_TENSOR_H
#define ASSAY_GRAPH_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TENSOR_MAX_RANK = 8 };

enum dtype { DTYPE_F32, DTYPE_BF16, DTYPE_I32 };

struct shape {
    int rank; /* 0: a scalar */
    int64_t dim[TENSOR_MAX_RANK];
};

/* SHAPE(2, 3) is [2, 3]; SHAPE_SCALAR is []. */
#define SHAPE(...)                                                                                                     \
    shape_of((const int64_t[]){__VA_ARGS__}, (int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)))
#define SHAPE_SCALAR ((struct shape){0})

struct tensor {
    void *data;
    enum dtype dtype;
    struct shape shape;
};

enum { SHAPE_TEXT = 160 };

struct shape shape_of(const int64_t *dims, int rank);
bool shape_equal(const struct shape *a, const struct shape *b);
int64_t shape_count(const struct shape *s);                    /* elements; every graph shape was checked to fit */
bool shape_checked_count(const struct shape *s, int64_t *out); /* false: a negative dimension or over INT64_MAX / 8 */
const char *shape_text(const struct shape *s, char text[SHAPE_TEXT]); /* "[2, 3]" */

/* The shape that numpy's rules give two operands; false where they do not fit. */
bool shape_broadcast(const struct shape *a, const struct shape *b, struct shape *out);

size_t dtype_size(enum dtype dtype);
const char *dtype_name(enum dtype dtype); /* "f32", "bf16", "i32" */

/* bfloat16: the upper half of a float, rounded to nearest even; NaN stays NaN. */
uint16_t bf16_from_float(float x);
float bf16_to_float(uint16_t x);

#endif
