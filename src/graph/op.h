/* op.h - what an op tells the graph: how its shape follows from its inputs, its gradient written with other ops, and
 * its precision class. It knows no backend. Families of ops live in ops/. */
#ifndef ASSAY_GRAPH_OP_H
#define ASSAY_GRAPH_OP_H

#include "graph/graph.h"

/* What happens to an op when a graph is compiled for bf16 (in f32 nothing does). */
enum precision_class {
    PRECISION_COMPUTE,     /* floating inputs and output become bf16, sums stay f32: convolution, matrix product */
    PRECISION_COMPUTE_F32, /* bf16 inputs, f32 output: gradients of weights */
    PRECISION_FOLLOW,      /* bf16 out where every input as large as the output is bf16; arithmetic in f32 */
    PRECISION_F32          /* f32 output and arithmetic, whatever comes in: reductions, softmax, losses */
};

/* Whether one part of a batch, which is the first axis of the output, can be computed without the others. */
enum op_parts {
    OP_PARTS_NONE,  /* no */
    OP_PARTS_FIRST, /* from that part of the first input, and the whole of the others */
    OP_PARTS_EACH   /* from that part of every input of the output's rank and batch, and the whole of the others */
};

/* Given to `infer`: reads inputs, writes shape and dtype. */
struct op_infer {
    struct graph *g;
    const struct op *op;
    int input_count;
    const struct shape *in; /* [input_count] */
    const enum dtype *in_dtype;
    const void *attrs;
    struct shape *shape;
    enum dtype *dtype; /* DTYPE_F32 unless infer says otherwise */
};

/* Given to `grad`: the op's own nodes and the gradient of its output. */
struct op_grad {
    int input_count;
    const node *in; /* its inputs (recomputed ones inside a checkpoint) */
    node out;       /* its output, likewise */
    node d_out;     /* gradient of the output */
    const void *attrs;
    const bool *wanted; /* [input_count] whether anyone needs this input's gradient */
    node *d_in;         /* [input_count] to fill where wanted; NODE_NONE: zero */
};

struct op {
    const char *name;
    enum precision_class precision;
    bool elementwise;    /* element i of the output needs only element i (or a broadcast) of each input */
    bool view;           /* the output shares its first input's memory */
    bool random;         /* takes a key of its own, so that two equal nodes differ */
    bool whole_attrs;    /* no padding in its attrs: nodes alike in their bytes compute the same (merge.c) */
    bool stops_gradient; /* piecewise constant or explicitly stopped: the gradient is zero */
    bool integers;       /* takes i32; to the others it is an error */
    enum op_parts parts;
    bool (*infer)(const struct op_infer *c);                /* false after graph_fail */
    void (*grad)(struct graph *g, const struct op_grad *c); /* NULL without stops_gradient: asking for it is an error */
};

/* Adds a node. `attrs` (attrs_size bytes, may be NULL) is copied. How every op's function ends. */
node graph_add(struct graph *g, const struct op *op, const node *inputs, int input_count, const void *attrs,
               size_t attrs_size);

/* "conv2d in layer1.0.conv1: " before a message about an op. */
void op_fail(const struct op_infer *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same from a function that is composed of ops, which it checks for: "dropout in head: ". */
void op_fail_as(struct graph *g, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The ops that graph/ itself needs. Kernels for them are in each backend as for any other. */
extern const struct op op_input, op_param, op_state; /* leaves: no kernel */
extern const struct op op_constant;                  /* attrs: struct constant_attrs */
extern const struct op op_detach;                    /* a view */
extern const struct op op_accumulate;                /* sum of n tensors of one shape: gradients meet */
extern const struct op op_cast;                      /* inserted by compiling for bf16; no attrs */

struct constant_attrs {
    float value;
    const float *data; /* NULL: `value` everywhere; else in the graph's arena, in the output's shape */
    struct shape shape;
};

#endif
