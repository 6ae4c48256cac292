/* replay.c - networks against fixtures of their references. */
#include "replay.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "ops/elementwise.h"
#include "ops/reduce.h"
#include "support/support.h"

enum { MAX_PARAMS = 128, MAX_INPUTS = 4 };

static struct file_tensor *find(const struct replay *r, const char *kind, const char *name)
{
    char full[PARAMS_PREFIX * 2];
    snprintf(full, sizeof full, "%s.%s", kind, name);
    struct file_tensor *t = string_map_get(&r->file.tensors, full);
    if (!t)
        fail_msg("the fixture has no %s", full);
    return t;
}

static float *floats(const struct file_tensor *t)
{
    float *data = mem_alloc(t->count, sizeof *data);
    assert_non_null(data);
    assert_true(file_tensor_read_f32(t, data));
    return data;
}

/* "NAME" where the tensor is called "KIND.NAME", else NULL. */
static const char *named(const struct replay *r, size_t i, const char *kind)
{
    const char *name = r->file.tensors.entries[i].key;
    size_t length = strlen(kind);
    return strncmp(name, kind, length) == 0 && name[length] == '.' ? name + length + 1 : NULL;
}

static int count_of(const struct replay *r, const char *kind)
{
    int count = 0;
    for (size_t i = 0; i < r->file.tensors.count; i++)
        count += named(r, i, kind) != NULL;
    return count;
}

node replay_input(struct replay *r, const char *name, enum dtype dtype)
{
    const struct file_tensor *t = find(r, "in", name);
    return input(r->g, name, shape_of(t->dim, t->rank), dtype);
}

void replay_output(struct replay *r, const char *name, node value)
{
    const struct file_tensor *t = find(r, "out", name);
    struct shape expected = shape_of(t->dim, t->rank), shape = graph_shape(r->g, value);
    r->outputs++;
    if (graph_failed(r->g))
        return;
    test_shape(&shape, expected);
    tap(r->g, t->name, value);
    if (!r->gradients)
        return;
    float *weight = floats(find(r, "weight", name));
    node term = op_sum(r->g, op_mul(r->g, value, constant_data(r->g, weight, expected)), REDUCE_ALL, false);
    r->loss = r->loss.id < 0 ? term : op_add(r->g, r->loss, term);
    mem_free(weight);
}

/* The network in a graph of its own. */
static struct test_run compile(struct replay *r, replay_build *build, const void *config, enum precision precision,
                               bool gradients)
{
    struct graph *g = test_graph(r->store, false);
    node *trained, d[MAX_PARAMS];
    struct assay_error error = {0};
    r->g = g;
    r->loss = NODE_NONE;
    r->gradients = gradients;
    r->outputs = 0;
    build(r, params_root(r->store), config);
    if (graph_status(g, &error))
        fail_msg("%s", error.message);
    assert_int_equal(r->outputs, count_of(r, "out"));
    if (gradients) {
        int count = graph_trained_params(g, &trained);
        assert_in_range(count, 1, MAX_PARAMS);
        graph_gradients(g, r->loss, trained, count, d);
        for (int i = 0; i < count && !graph_failed(g); i++)
            tap(g, find(r, "grad", graph_entry(g, trained[i])->name)->name, d[i]);
    }
    return test_compile(g, test_backend(0), precision);
}

static void load(struct replay *r)
{
    struct assay_error error = {0};
    for (size_t i = 0; i < r->store->entries.count; i++) {
        struct store_entry *entry = r->store->entries.entries[i].value;
        const struct file_tensor *t = find(r, "param", entry->name);
        struct shape shape = shape_of(t->dim, t->rank);
        test_shape(&entry->shape, shape);
        if (store_make_writable(entry, &error))
            fail_msg("%s", error.message);
        assert_true(file_tensor_read_f32(t, entry->data));
        entry->version++;
    }
    assert_int_equal(r->store->entries.count, count_of(r, "param"));
}

static void execute(const struct replay *r, const struct test_run *run)
{
    struct feed feeds[MAX_INPUTS] = {0};
    void *data[MAX_INPUTS];
    int count = 0;
    for (size_t i = 0; i < r->file.tensors.count; i++) {
        const struct file_tensor *t = r->file.tensors.entries[i].value;
        if (!named(r, i, "in"))
            continue;
        assert_true(count < MAX_INPUTS && tensor_file_dtype_size(t->dtype) == 4);
        data[count] = mem_alloc_aligned(t->bytes);
        assert_non_null(data[count]);
        memcpy(data[count], t->data, t->bytes);
        feeds[count] = (struct feed){named(r, i, "in"), data[count]};
        count++;
    }
    test_execute(run, feeds, count, 1, 0);
    while (count > 0)
        mem_free(data[--count]);
}

static void check_outputs(const struct replay *r, const struct test_run *run, double tolerance)
{
    for (size_t i = 0; i < r->file.tensors.count; i++) {
        const struct file_tensor *t = r->file.tensors.entries[i].value;
        if (!named(r, i, "out"))
            continue;
        float *want = floats(t);
        const float *have = test_read(run, t->name);
        double largest = 1, worst = 0;
        for (uint64_t j = 0; j < t->count; j++) {
            double difference = fabs((double)have[j] - (double)want[j]);
            largest = fmax(largest, fabs((double)want[j]));
            worst = difference >= worst || isnan(difference) ? difference : worst;
        }
        if (!(worst <= tolerance * largest))
            fail_msg("%s: largest difference %g, allowed %g", t->name, worst, tolerance * largest);
        mem_free(want);
    }
}

static double norm2(const float *a, const float *b, uint64_t count)
{
    double sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += pow((double)a[i] - (b ? (double)b[i] : 0), 2);
    return sqrt(sum);
}

static void check_gradients(const struct replay *r, const struct test_run *run)
{
    double squares = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < r->file.tensors.count; i++) {
            const struct file_tensor *t = r->file.tensors.entries[i].value;
            if (!named(r, i, "grad"))
                continue;
            float *want = floats(t);
            double norm = norm2(want, NULL, t->count), floor = 1e-3 * sqrt(squares / count_of(r, "grad"));
            if (pass == 0)
                squares += norm * norm;
            else {
                double difference = norm2(test_read(run, t->name), want, t->count);
                assert_int_equal(test_count(run, t->name), t->count);
                if (!(difference <= 1e-3 * fmax(norm, floor)))
                    fail_msg("%s: differs by %g in the 2-norm, its own is %g", t->name, difference, norm);
            }
            mem_free(want);
        }
}

void replay_check(const char *fixture, replay_build *build, const void *config)
{
    struct replay r = {.store = test_store()};
    struct assay_error error = {0};
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", ASSAY_TEST_DIR, fixture);
    if (safetensors_open(path, &r.file, &error))
        fail_msg("%s", error.message);

    /* Built once to declare the parameters. */
    struct graph *g = test_graph(r.store, false);
    r.g = g;
    r.loss = NODE_NONE;
    build(&r, params_root(r.store), config);
    if (graph_status(g, &error))
        fail_msg("%s", error.message);
    graph_free(g);
    load(&r);

    struct test_run run = compile(&r, build, config, PRECISION_MODE_F32, true);
    execute(&r, &run);
    check_outputs(&r, &run, 1e-4);
    check_gradients(&r, &run);
    test_release(&run);

    run = compile(&r, build, config, PRECISION_MODE_BF16, false);
    execute(&r, &run);
    check_outputs(&r, &run, plan_precision(run.plan) == PRECISION_MODE_BF16 ? 2e-2 : 1e-4);
    test_release(&run);
    store_free(r.store);
    safetensors_close(&r.file);
}
