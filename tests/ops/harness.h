/* harness.h - one description per op, from which everything about it is tested on every backend:
 *
 *   - forward, against a plain loop in double arithmetic (the description's `reference`), shape included;
 *   - the gradient of every differentiable input, against central differences of that loop element by element, and
 *     against a central difference of the compiled forward graph along a random direction;
 *   - the same with the inputs stored as parameters, which kernels may pack, and changed between runs;
 *   - bf16 against f32, where the backend has it;
 *   - the same bits from a second run, and from one and two threads where the description promises it. */
#ifndef ASSAY_TESTS_OPS_HARNESS_H
#define ASSAY_TESTS_OPS_HARNESS_H

#include "support/support.h"

enum { CASE_INPUTS = 8, CASE_NAME = 112 };

enum arg_values {
    ARG_UNIFORM,  /* in [low, high] (both zero: [-2, 2]), a margin away from `kink` */
    ARG_DISTINCT, /* steps of 1/32 in random order around zero, no two alike: for maxima and comparisons */
    ARG_TIES,     /* -1, -0.5, 0, 0.5, 1: forward only */
    ARG_INDEX     /* i32 in low .. high */
};

struct op_arg {
    struct shape shape;
    enum arg_values values;
    double low, high;
    double kink[3];
    int kinks;
    double offset; /* added to ARG_DISTINCT: two arguments with different offsets never tie */
    bool no_grad;  /* not differentiable */
    bool as_param; /* checked again as a stored parameter */
};

/* A tensor of the reference loops. */
struct ref {
    struct shape shape;
    double *data;
    int64_t count, room;
};

struct op_case {
    char name[CASE_NAME];
    node (*build)(struct graph *g, const struct op_case *c, const node *in);
    void (*reference)(const struct op_case *c, const struct ref *in, struct ref *out); /* begins with ref_shape */
    struct op_arg in[CASE_INPUTS];
    int inputs;
    union { /* what build and reference read */
        struct unary_attrs unary;
        struct binary_attrs binary;
        struct conv_attrs conv;
        struct cooccurrence_attrs cooccurrence;
        struct pool_attrs pool;
        struct matmul_attrs matmul;
        struct norm_attrs norm;
        struct attention_attrs attention;
        struct reduce_attrs reduce;
        struct permute_attrs permute;
        struct slice_attrs slice;
        struct pad_attrs pad;
        int axis;
        struct shape shape;
        float value;
        int64_t classes;
    };
    double tolerance;          /* 0: 1e-5, of max(|value|, root mean square, 0.01) */
    double gradient_tolerance; /* 0: 5e-5, likewise */
    double bf16_tolerance;     /* 0: 1e-2, likewise; gradients: three times that of their 2-norm */
    double step;               /* of the central difference of the compiled graph; 0: 1/128 */
    int samples;               /* elements of each gradient compared with the loop's differences; 0: 24 */
    bool any_threads;          /* one and two threads give the same bits */
    bool no_bf16;              /* rounding the inputs to bf16 would make another case of it */
};

/* Checks one description; prints what fails and returns how many things did. */
int op_check(const struct op_case *c);

/* Checks many and fails the test if anything did. */
void op_check_all(const struct op_case *cases, int count);

/* One case with given values on every backend, in f32 and bf16: the output (NULL: not compared) and, for an output
 * gradient `dy`, those of the inputs (NULL: not compared), within 1e-6 max(1, |expected|); bf16 within 1e-2. The values
 * in the description are not used. */
void op_expect(const struct op_case *c, const float *const *values, const float *y, const float *dy,
               const float *const *gradients);

/* An unfitting graph: its failure must say every one of the `expected` texts (NULL-terminated) and the layer. */
typedef node bad_build(struct graph *g);
void op_expect_failure(const char *what, bad_build *build, const char *const *expected);
#define EXPECT_FAILURE(build, ...) op_expect_failure(#build, build, (const char *const[]){__VA_ARGS__, NULL})

/* Gives a reference result its shape, all zeros. */
void ref_shape(struct ref *r, struct shape shape);

/* Steps through all indices of a shape, row by row: starts with zeros; false after the last. */
bool ref_next(const struct shape *shape, int64_t *index);
int64_t ref_offset(const struct shape *shape, const int64_t *index);

/* The element that numpy's rules put at `index` of a shape with `rank` axes. */
double ref_broadcast_at(const struct ref *r, const int64_t *index, int rank);

/* Names a case: printf into its name. */
void case_name(struct op_case *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
