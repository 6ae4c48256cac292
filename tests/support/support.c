/* support.c - see support.h. */
#include "support.h"

#include <math.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "base/random.h"
#include "cpu/cpu.h"

const struct backend *test_backend(int index)
{
    const struct backend *backends[TEST_BACKENDS] = {cpu_backend()};
    return backends[index];
}

void test_set_threads(int count)
{
#ifdef _OPENMP
    omp_set_num_threads(count);
#else
    (void)count;
#endif
}

void test_fill(float *data, int64_t count, uint64_t seed, double low, double high)
{
    struct random r = random_open(seed, 0, 0);
    for (int64_t i = 0; i < count; i++)
        data[i] = (float)random_range(&r, low, high);
}

struct store *test_store(void)
{
    struct assay_error error;
    struct store *store = NULL;
    assert_int_equal(store_create(&store, &error), ASSAY_OK);
    return store;
}

struct graph *test_graph(struct store *store, bool training)
{
    struct graph *g = graph_create(store, (struct graph_options){.training = training});
    assert_non_null(g);
    return g;
}

struct store_entry *test_entry(struct store *store, const char *name, struct shape shape, enum store_kind kind,
                               const float *data)
{
    struct assay_error error;
    struct store_entry *entry = store_declare(store, name, &shape, kind, (struct store_init){STORE_CONSTANT, 0, 0});
    assert_non_null(entry);
    assert_int_equal(store_make_writable(entry, &error), ASSAY_OK);
    memcpy(entry->data, data, (size_t)shape_count(&shape) * sizeof(float));
    entry->version++;
    return entry;
}

node test_param(struct graph *g, struct store *store, const char *name, struct shape shape, const float *data)
{
    return param(g, test_entry(store, name, shape, STORE_PARAM, data));
}

static struct test_run compile(struct graph *g, const struct plan_options *options)
{
    struct assay_error error = {0};
    struct test_run run = {0};
    if (plan_create(g, options, &run.plan, &error) != ASSAY_OK)
        fail_msg("compiling: %s", error.message);
    if (workspace_create(run.plan, &run.workspace, &error) != ASSAY_OK)
        fail_msg("workspace: %s", error.message);
    return run;
}

void test_has(const struct store *store, const char *name, enum store_kind kind, struct shape shape)
{
    const struct store_entry *entry = store_get(store, name);
    if (!entry || entry->kind != kind || !shape_equal(&entry->shape, &shape))
        fail_msg("%s is missing, of another kind or of another shape", name);
}

struct test_run test_compile(struct graph *g, const struct backend *backend, enum precision precision)
{
    return compile(g, &(struct plan_options){.backend = backend, .precision = precision});
}

struct test_run test_compile_apart(struct graph *g, const struct backend *backend, enum precision precision)
{
    return compile(g, &(struct plan_options){.backend = backend, .precision = precision, .apart = true});
}

void test_release(struct test_run *run)
{
    workspace_free(run->workspace);
    plan_free(run->plan);
    *run = (struct test_run){0};
}

void test_execute(const struct test_run *run, const struct feed *feeds, int count, uint64_t seed, uint64_t step)
{
    struct assay_error error = {0};
    struct run_options options = {.seed = seed, .step = step};
    if (plan_run(run->plan, run->workspace, feeds, count, &options, &error) != ASSAY_OK)
        fail_msg("running: %s", error.message);
}

const float *test_read(const struct test_run *run, const char *tap)
{
    struct tensor t = workspace_read(run->workspace, tap);
    if (!t.data)
        fail_msg("no tap %s", tap);
    return t.data;
}

int64_t test_count(const struct test_run *run, const char *tap)
{
    struct tensor t = workspace_read(run->workspace, tap);
    return t.data ? shape_count(&t.shape) : 0;
}

void test_close(const char *what, const float *a, const float *b, int64_t count, double tolerance)
{
    for (int64_t i = 0; i < count; i++)
        if (!(fabs((double)a[i] - b[i]) <= tolerance * fmax(1, fabs((double)b[i]))))
            fail_msg("%s[%lld]: %.9g, expected %.9g", what, (long long)i, (double)a[i], (double)b[i]);
}

void test_shape(const struct shape *shape, struct shape expected)
{
    char have[SHAPE_TEXT], want[SHAPE_TEXT];
    if (!shape_equal(shape, &expected))
        fail_msg("shape %s, expected %s", shape_text(shape, have), shape_text(&expected, want));
}

void test_same(const char *what, const float *a, const float *b, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (memcmp(&a[i], &b[i], sizeof a[i]) != 0)
            fail_msg("%s[%lld]: %.9g and %.9g differ", what, (long long)i, (double)a[i], (double)b[i]);
}
