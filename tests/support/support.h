/* support.h - what tests of the engine share: stores and graphs that must be created, values, backends, threads. */
#ifndef ASSAY_TESTS_SUPPORT_H
#define ASSAY_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graph/plan.h"
#include "ops/ops.h"

enum { TEST_BACKENDS = 1 };

/* Every backend that the engine has: each test of a kernel loops over them. */
const struct backend *test_backend(int index);

/* How many threads parallel_for and oneDNN use from now on; a no-op in a build without OpenMP. */
void test_set_threads(int count);

/* Uniform in [low, high], a function of the seed alone. */
void test_fill(float *data, int64_t count, uint64_t seed, double low, double high);

struct store *test_store(void);
struct graph *test_graph(struct store *store, bool training);

/* A parameter or state of that name with these values. */
struct store_entry *test_entry(struct store *store, const char *name, struct shape shape, enum store_kind kind,
                               const float *data);
node test_param(struct graph *g, struct store *store, const char *name, struct shape shape, const float *data);

/* Fails the test where the store lacks that entry or has another of its name. */
void test_has(const struct store *store, const char *name, enum store_kind kind, struct shape shape);

/* A compiled graph and one workspace. */
struct test_run {
    struct plan *plan;
    struct workspace *workspace;
};

/* Compiles (the graph is taken over); a failure fails the test with the engine's message. */
struct test_run test_compile(struct graph *g, const struct backend *backend, enum precision precision);
/* The same with every op by a kernel of its own. */
struct test_run test_compile_apart(struct graph *g, const struct backend *backend, enum precision precision);
void test_release(struct test_run *run);

/* Runs it; a failure fails the test. */
void test_execute(const struct test_run *run, const struct feed *feeds, int count, uint64_t seed, uint64_t step);

/* Values of a tap that must exist. The pointer is valid until the next run. */
const float *test_read(const struct test_run *run, const char *tap);
int64_t test_count(const struct test_run *run, const char *tap);

/* |a - b| <= tolerance max(1, |b|) everywhere, else the test fails naming `what`, the place and both values. */
void test_close(const char *what, const float *a, const float *b, int64_t count, double tolerance);

/* Fails the test where the shapes differ. */
void test_shape(const struct shape *shape, struct shape expected);

/* The same bits, else the test fails. */
void test_same(const char *what, const float *a, const float *b, int64_t count);

#endif
