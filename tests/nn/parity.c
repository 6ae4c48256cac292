/* parity.c - replaying PyTorch fixtures. */
#include "parity.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "cpu/cpu.h"
#include "ops/elementwise.h"

#define ok(call) parity_ok((call), &error)
static void parity_ok(assay_status status, const struct assay_error *error)
{
    if (status)
        fail_msg("status %d: %s", (int)status, error->message);
}

/* The entries' names begin after these. */
#define PARAM "param."
#define GRADIENT "grad."

static struct file_tensor *find(const struct parity *t, const char *name)
{
    struct file_tensor *tensor = string_map_get(&t->file.tensors, name);
    if (!tensor)
        fail_msg("the fixture has no %s", name);
    return tensor;
}

float *parity_floats(const struct parity *t, const char *name, int64_t *count)
{
    struct file_tensor *tensor = find(t, name);
    float *data = mem_alloc(tensor->count, sizeof *data);
    assert_non_null(data);
    assert_true(file_tensor_read_f32(tensor, data));
    *count = (int64_t)tensor->count;
    return data;
}

void parity_load(struct parity *t, const char *entry_name, const char *name)
{
    struct assay_error error = {0};
    struct file_tensor *tensor = find(t, name);
    struct store_entry *entry = store_get(t->store, entry_name);
    if (!entry)
        fail_msg("the network has no %s", entry_name);
    struct shape shape = shape_of(tensor->dim, tensor->rank);
    if (!shape_equal(&shape, &entry->shape)) {
        char a[SHAPE_TEXT], b[SHAPE_TEXT];
        fail_msg("%s is %s here and %s there", entry_name, shape_text(&entry->shape, a), shape_text(&shape, b));
    }
    ok(store_make_writable(entry, &error));
    assert_true(file_tensor_read_f32(tensor, entry->data));
    entry->version++;
}

static void load_all(struct parity *t)
{
    size_t loaded = 0;
    for (size_t i = 0; i < t->file.tensors.count; i++) {
        const char *name = t->file.tensors.entries[i].key;
        if (strncmp(name, PARAM, strlen(PARAM)) == 0) {
            parity_load(t, name + strlen(PARAM), name);
            loaded++;
        }
    }
    assert_int_equal(loaded, t->store->entries.count);
}

void parity_open(struct parity *t, const char *name, parity_build *build, const void *config)
{
    struct assay_error error = {0};
    char path[1024];
    int64_t count;
    *t = (struct parity){.build = build, .config = config};
    snprintf(path, sizeof path, "%s/%s", ASSAY_TEST_DIR, name);
    ok(safetensors_open(path, &t->file, &error));
    ok(store_create(&t->store, &error));

    t->image = shape_of(find(t, "image")->dim, find(t, "image")->rank);
    t->labels = shape_of(find(t, "labels")->dim, 1);
    t->image_data = parity_floats(t, "image", &count);
    float *labels = parity_floats(t, "labels", &count);
    t->label_data = mem_alloc((size_t)count, sizeof *t->label_data);
    assert_non_null(t->label_data);
    for (int64_t i = 0; i < count; i++)
        t->label_data[i] = (int32_t)labels[i];
    mem_free(labels);

    struct graph *g = graph_create(t->store, (struct graph_options){0});
    assert_non_null(g);
    node logits, loss;
    build(g, params_root(t->store), config, input(g, "image", t->image, DTYPE_F32), NODE_NONE, &logits, &loss);
    ok(graph_status(g, &error));
    graph_free(g);
    load_all(t);
}

void parity_close(struct parity *t)
{
    store_free(t->store);
    safetensors_close(&t->file);
    mem_free(t->image_data);
    mem_free(t->label_data);
}

void parity_close_max(const char *what, const float *a, const float *b, int64_t count, double tolerance)
{
    double largest = 1, worst = 0;
    for (int64_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)b[i]));
        double difference = fabs((double)a[i] - (double)b[i]);
        worst = difference >= worst || isnan(difference) ? difference : worst;
    }
    if (!(worst <= tolerance * largest))
        fail_msg("%s: largest difference %g, allowed %g", what, worst, tolerance * largest);
}

static double norm_of_difference(const float *a, const float *b, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        double d = (double)a[i] - (b ? (double)b[i] : 0);
        sum += d * d;
    }
    return sqrt(sum);
}

static void close_norm(const char *what, const float *a, const float *b, int64_t count, double floor)
{
    double difference = norm_of_difference(a, b, count), norm = norm_of_difference(b, NULL, count);
    if (!(difference <= 1e-3 * fmax(norm, floor)))
        fail_msg("%s: differs by %g in the 2-norm, its own is %g", what, difference, norm);
}

/* ---- Evaluation ------------------------------------------------------------------------------------------------ */

static void build_eval(struct graph *g, const struct shape *shapes, int count, void *context)
{
    const struct parity *t = context;
    (void)count;
    node logits, loss;
    t->build(g, params_root(t->store), t->config, input(g, "image", shapes[0], DTYPE_F32), NODE_NONE, &logits, &loss);
    tap(g, "logits", logits);
}

static void check_eval(struct parity *t, const void *config, const char *expected, enum precision precision,
                       double tolerance)
{
    struct assay_error error = {0};
    struct plan_options options = {.backend = cpu_backend(), .precision = precision};
    struct program *program;
    struct program_run run = {0};
    struct parity view = *t;
    int64_t count;
    if (config)
        view.config = config;
    ok(program_create(t->store, &options, &program, &error));
    ok(program_add(program, "eval", false, build_eval, &view, &error));
    struct program_input image = {"image", t->image, t->image_data};
    ok(program_run(program, "eval", &image, 1, &(struct run_options){0}, &run, &error));
    struct tensor logits = program_read(&run, "logits");
    float *want = parity_floats(t, expected, &count);
    assert_non_null(logits.data);
    assert_int_equal(shape_count(&logits.shape), count);
    parity_close_max(expected, logits.data, want, count, tolerance);
    mem_free(want);
    program_release(&run);
    program_free(program);
}

void parity_check_eval(struct parity *t, const void *config, const char *expected)
{
    check_eval(t, config, expected, PRECISION_MODE_F32, 1e-4);
}

void parity_check_bf16(struct parity *t, const char *expected, double tolerance)
{
    check_eval(t, NULL, expected, PRECISION_MODE_BF16, tolerance);
}

/* ---- Training --------------------------------------------------------------------------------------------------- */

struct training {
    struct parity *parity;
    double rate;
};

static void build_step(struct graph *g, const struct shape *shapes, int count, void *context)
{
    const struct training *training = context;
    const struct parity *t = training->parity;
    (void)count;
    node logits, loss, *trained, gradients[256];
    node image = input(g, "image", shapes[0], DTYPE_F32), labels = input(g, "labels", shapes[1], DTYPE_I32);
    t->build(g, params_root(t->store), t->config, image, labels, &logits, &loss);
    tap(g, "logits", logits);
    tap(g, "loss", loss);
    int trained_count = graph_trained_params(g, &trained);
    assert_in_range(trained_count, 1, 256);
    graph_gradients(g, loss, trained, trained_count, gradients);
    for (int i = 0; i < trained_count && !graph_failed(g); i++) {
        char name[PARAMS_PREFIX * 2];
        snprintf(name, sizeof name, GRADIENT "%s", graph_entry(g, trained[i])->name);
        tap(g, name, gradients[i]);
        {
            node next = op_sub(g, trained[i], op_scale(g, gradients[i], (float)training->rate));
            assign(g, trained[i], params_project(g, trained[i], next));
        }
    }
}

static void check_tap(const struct parity *t, const struct program_run *run, const char *tap_name, const char *expected)
{
    int64_t count;
    float *want = parity_floats(t, expected, &count);
    struct tensor have = program_read(run, tap_name);
    assert_non_null(have.data);
    assert_int_equal(shape_count(&have.shape), count);
    parity_close_max(expected, have.data, want, count, 1e-4);
    mem_free(want);
}

static void check_gradients(const struct parity *t, const struct program_run *run)
{
    double squares = 0;
    int tensors = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < t->file.tensors.count; i++) {
            const char *name = t->file.tensors.entries[i].key;
            if (strncmp(name, GRADIENT, strlen(GRADIENT)) != 0)
                continue;
            int64_t count;
            float *want = parity_floats(t, name, &count);
            if (pass == 0) {
                squares += pow(norm_of_difference(want, NULL, count), 2);
                tensors++;
            } else {
                struct tensor have = program_read(run, name);
                if (!have.data)
                    fail_msg("no %s", name);
                assert_int_equal(shape_count(&have.shape), count);
                close_norm(name, have.data, want, count, 1e-3 * sqrt(squares / tensors));
            }
            mem_free(want);
        }
    assert_true(tensors > 0);
}

/* Every entry of the store that the fixture has under the prefix. */
static void check_entries(const struct parity *t, const char *prefix)
{
    int checked = 0;
    for (size_t i = 0; i < t->file.tensors.count; i++) {
        const char *name = t->file.tensors.entries[i].key;
        if (strncmp(name, prefix, strlen(prefix)) != 0)
            continue;
        struct store_entry *entry = store_get(t->store, name + strlen(prefix));
        int64_t count;
        float *want = parity_floats(t, name, &count);
        assert_non_null(entry);
        close_norm(name, entry->data, want, count, 0);
        mem_free(want);
        checked++;
    }
    assert_true(checked > 0);
}

void parity_check_training(struct parity *t, double rate, int steps)
{
    struct assay_error error = {0};
    struct plan_options options = {.backend = cpu_backend()};
    struct training training = {t, rate};
    struct program *program;
    int64_t count;
    float *losses = parity_floats(t, "losses", &count);
    assert_int_equal(count, steps);
    ok(program_create(t->store, &options, &program, &error));
    ok(program_add(program, "step", true, build_step, &training, &error));
    struct program_input inputs[] = {{"image", t->image, t->image_data}, {"labels", t->labels, t->label_data}};
    for (int step = 0; step < steps; step++) {
        struct program_run run = {0};
        struct run_options run_options = {.seed = 1, .step = (uint64_t)step};
        ok(program_run(program, "step", inputs, 2, &run_options, &run, &error));
        float loss = *(const float *)program_read(&run, "loss").data;
        parity_close_max("loss", &loss, &losses[step], 1, 1e-4);
        if (step == 0) {
            check_tap(t, &run, "logits", "logits.train");
            check_gradients(t, &run);
            check_entries(t, "step1.");
        }
        program_release(&run);
    }
    check_entries(t, "step10.");
    mem_free(losses);
    program_free(program);
}
