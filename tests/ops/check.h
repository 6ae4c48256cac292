/* check.h - the inside of the harness: one case while it is checked, built, compiled and run on one backend. */
#ifndef ASSAY_TESTS_OPS_CHECK_H
#define ASSAY_TESTS_OPS_CHECK_H

#include "ops/harness.h"

/* Everything about one case while it is checked. */
struct check {
    const struct op_case *c;
    const struct backend *backend;
    int failures;
    float *value[CASE_INPUTS]; /* what is fed; i32 bits for ARG_INDEX */
    struct ref in[CASE_INPUTS];
    struct ref out, scratch;
    float *projection; /* the loss is the sum of output * projection */
    struct store_entry *entry[CASE_INPUTS];
};

/* Prints what is wrong, with the names of case and backend, and counts it. */
void check_report(struct check *k, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Zeroed memory for count elements and one more; free() it. */
void *check_take(int64_t count, size_t size);

/* Values of an argument, which bf16 holds exactly where they are uniform. */
void check_fill(const struct op_arg *arg, uint64_t seed, float *out, int64_t count);

/* "d0": the name of a tap or feed. */
const char *check_numbered(char text[16], char letter, int i);

bool check_wants_gradient(const struct op_arg *arg);

/* Builds and compiles: tap "y", and with `gradients` taps "d0", "d1", ... of sum(y * projection). With `params`, those
 * inputs that may be parameters are stored. No workspace: it failed and was reported. */
struct test_run check_compile(struct check *k, struct store *store, bool params, bool gradients, bool bf16);

/* Feeds what is not stored and runs; false: it failed and was reported. */
bool check_execute(struct check *k, const struct test_run *run);

/* A tap, or NULL where there is none of that shape, which is reported. */
const float *check_read(struct check *k, const struct test_run *run, const char *name, const struct shape *shape);

#endif
