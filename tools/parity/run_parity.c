/* run_parity.c - a published network at full size against what its reference computed from the same random weights.
 *
 *     run_parity CASE GRADIENTS OWN CHECKPOINT...
 *
 * The first three are written by reference.py, which says what they hold; OWN are the gradients that the reference
 * gives in f32, GRADIENTS those to compare with, the same file or more exact ones. Each network of CASE is loaded from
 * each checkpoint and run; with the first also in bf16 and one training step, whose outputs and gradients are compared.
 * A line of CSV says how far each is from the reference. Exit status 1: something failed or is further away than the
 * design's rule 3 allows (gradients: or, where it is more, three times as far as OWN), or 2e-2 of the 2-norm in
 * bf16. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cpu/cpu.h"
#include "graph/program.h"
#include "ops/elementwise.h"
#include "ops/reduce.h"
#include "tools/published/published.h"

#define IN "in."
#define OUT "out."
#define TRAIN "train."
#define DIRECTION "direction."
#define GRADIENT "gradient."
#define OUTPUT "y"
#define TOLERANCE 1e-4
#define TOLERANCE_BF16 2e-2
#define TOLERANCE_GRADIENT 1e-3
#define FLOOR_GRADIENT 1e-3 /* of the RMS norm of all gradients: what smaller ones are measured by */

enum { KEY = 128 };

/* Of gradients: the tensor that is furthest away, its norm, its bound. */
static const char header[] = "network,container,parameters,compared,|a-b|,|b|,allowed,result";

/* One network with one checkpoint. */
struct comparison {
    const struct published *network;
    const struct safetensors *test;
    struct weights_file file;
    struct store *store;
    struct shape shape; /* of the input */
    void *in;
};

/* What is declared and what runs: the output, and, of the training step, the gradients of every parameter. */
static void build(struct graph *g, const struct shape *shapes, int count, void *context)
{
    const struct comparison *c = context;
    bool text = c->network->family == PUBLISHED_CLIP_TEXT;
    node x = input(g, text ? "ids" : "image", shapes[0], text ? DTYPE_I32 : DTYPE_F32);
    node y = published_forward(g, params_root(c->store), c->network, x, c->network->tokens), *trained;
    tap(g, OUTPUT, y);
    if (count < 2)
        return;
    node loss = op_sum(g, op_mul(g, y, input(g, "direction", shapes[1], DTYPE_F32)), REDUCE_ALL, false);
    int trained_count = graph_trained_params(g, &trained);
    node *gradients = mem_alloc((size_t)trained_count, sizeof *gradients);
    if (!gradients) {
        graph_fail(g, "no memory for %d gradients", trained_count);
        return;
    }
    graph_gradients(g, loss, trained, trained_count, gradients);
    for (int i = 0; i < trained_count && !graph_failed(g); i++) {
        char name[KEY * 2];
        snprintf(name, sizeof name, GRADIENT "%s", graph_entry(g, trained[i])->name);
        tap(g, name, gradients[i]);
    }
    mem_free(gradients);
}

/* A store with the network's tensors. */
static assay_status declare(struct comparison *c, struct assay_error *error)
{
    assay_status status = store_create(&c->store, error);
    if (status)
        return status;
    struct graph *g = graph_create(c->store, (struct graph_options){0});
    if (!g)
        return error_memory(error, "a graph");
    build(g, &c->shape, 1, c);
    status = graph_status(g, error);
    graph_free(g);
    return status;
}

static assay_status load(struct comparison *c, const char *path, bool borrow, struct assay_error *error)
{
    const struct naming_request request = {.model = c->network->model,
                                           .canonical_prefix = c->network->part,
                                           .borrow = borrow};
    assay_status status = weights_file_open(path, &c->file, error);
    if (!status)
        status = declare(c, error);
    if (!status)
        status = naming_load(&c->file, path, c->store, &request, error);
    return status;
}

static void unload(struct comparison *c)
{
    store_free(c->store);
    weights_file_close(&c->file);
    c->store = NULL;
    c->file = (struct weights_file){0};
}

/* ---- Distances -------------------------------------------------------------------------------------------------- */

/* Prints the line; false: too far away. */
static bool print_line(const struct comparison *c, const char *what, double difference, double size, double allowed)
{
    bool pass = difference <= allowed; /* not of NaN */
    printf("%s,%s,%llu,%s,%.3g,%.3g,%.3g,%s\n", c->network->name, c->file.kind,
           (unsigned long long)store_param_count(c->store), what, difference, size, allowed, pass ? "pass" : "FAIL");
    fflush(stdout);
    return pass;
}

/* The entry of the case under prefix and the network's name, as floats: freed with mem_free. NULL, with the error:
 * there is none. */
static float *expected(const struct comparison *c, const char *prefix, struct shape *shape, struct assay_error *error)
{
    char key[KEY];
    snprintf(key, sizeof key, "%s%s", prefix, c->network->name);
    const struct file_tensor *tensor = string_map_get(&c->test->tensors, key);
    float *data = tensor ? mem_alloc(tensor->count, sizeof *data) : NULL;
    if (tensor && !data) {
        error_memory(error, key);
        return NULL;
    }
    if (!tensor || !file_tensor_read_f32(tensor, data)) {
        error_set(error, ASSAY_ERROR_MODEL, "the case has no floats %s", key);
        mem_free(data);
        return NULL;
    }
    *shape = shape_of(tensor->dim, tensor->rank);
    return data;
}

/* 2-norm of a - b, or of a. */
static double norm(const float *a, const float *b, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        double d = (double)a[i] - (b ? (double)b[i] : 0.0);
        sum += d * d;
    }
    return sqrt(sum);
}

/* In f32 max |a - b| <= tolerance max(1, max |b|); in bf16 the same of 2-norms, since the largest of half a million
 * roundings says little. */
static assay_status check_output(const struct comparison *c, const struct program_run *run, const char *prefix,
                                 const char *what, bool bf16, bool *within, struct assay_error *error)
{
    struct tensor got = program_read(run, OUTPUT);
    struct shape shape;
    const float *a = got.data;
    float *b = expected(c, prefix, &shape, error);
    double difference = 0.0, largest = 0.0;
    char text[KEY * 2];
    if (!b)
        return error->status;
    if (!a || !shape_equal(&got.shape, &shape)) {
        mem_free(b);
        return error_set(error, ASSAY_ERROR_MODEL, "the output is of another shape than the reference's");
    }
    int64_t count = shape_count(&shape);
    for (int64_t i = 0; i < count; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        difference = d > difference || isnan(d) ? d : difference;
        largest = fmax(largest, fabs((double)b[i]));
    }
    snprintf(text, sizeof text, bf16 ? "%s (largest %.2g of %.2g)" : "%s", what, difference, largest);
    double allowed = TOLERANCE * fmax(1.0, largest);
    if (bf16) {
        difference = norm(a, b, count);
        largest = norm(b, NULL, count);
        allowed = TOLERANCE_BF16 * largest;
    }
    mem_free(b);
    if (!print_line(c, text, difference, largest, allowed))
        *within = false;
    return ASSAY_OK;
}

/* How gradients are measured: |a - b| <= tolerance max(|b|, floor) for each tensor. */
struct measure {
    int tensors;
    double floor, tolerance;
};

/* The floor is a share of the RMS of |b|. Where `own` is further away than half the rule's tolerance in any tensor, the
 * tolerance is three times the largest such distance: a value that rounding moves across a ReLU's corner changes other
 * tensors in the one computation than in the other, and which values these are is chance. Both stores hold gradients in
 * place of weights. */
static struct measure measure_gradients(const struct store *theirs, const struct store *own)
{
    const struct string_map *entries = &theirs->entries;
    struct measure m = {.tolerance = TOLERANCE_GRADIENT};
    double squares = 0;
    for (size_t i = 0; i < entries->count; i++) {
        const struct store_entry *b = entries->entries[i].value;
        if (b->kind != STORE_PARAM)
            continue;
        squares += pow(norm(b->data, NULL, shape_count(&b->shape)), 2);
        m.tensors++;
    }
    m.floor = FLOOR_GRADIENT * sqrt(squares / fmax(m.tensors, 1));
    for (size_t i = 0; i < entries->count; i++) {
        const struct store_entry *b = entries->entries[i].value, *o = store_get(own, b->name);
        int64_t count = shape_count(&b->shape);
        if (b->kind == STORE_PARAM)
            m.tolerance =
                fmax(m.tolerance, 3 * norm(o->data, b->data, count) / fmax(norm(b->data, NULL, count), m.floor));
    }
    return m;
}

static assay_status check_gradients(const struct comparison *c, const struct store *theirs, const struct store *own,
                                    const struct program_run *run, bool *within, struct assay_error *error)
{
    const struct string_map *entries = &theirs->entries;
    const struct measure m = measure_gradients(theirs, own);
    double worst = 0, worst_size = 0, worst_allowed = 0, worst_share = -1;
    const char *worst_name = "";
    for (size_t i = 0; i < entries->count; i++) {
        const struct store_entry *b = entries->entries[i].value;
        char name[KEY * 2];
        if (b->kind != STORE_PARAM)
            continue;
        snprintf(name, sizeof name, GRADIENT "%s", b->name);
        struct tensor a = program_read(run, name);
        if (!a.data || !shape_equal(&a.shape, &b->shape))
            return error_set(error, ASSAY_ERROR_MODEL, "no gradient of %s, or one of another shape", b->name);
        int64_t count = shape_count(&b->shape);
        double difference = norm(a.data, b->data, count), size = norm(b->data, NULL, count);
        double allowed = m.tolerance * fmax(size, m.floor);
        if (!(difference <= allowed))
            fprintf(stderr, "%s: gradient of %s differs by %g, its norm is %g\n", c->network->name, b->name, difference,
                    size);
        double share = difference / allowed;
        if (!isnan(worst_share) && !(share <= worst_share)) {
            worst_share = share;
            worst = difference;
            worst_size = size;
            worst_allowed = allowed;
            worst_name = b->name;
        }
    }
    char what[KEY * 2];
    snprintf(what, sizeof what, "%d gradients: %s", m.tensors, worst_name);
    if (!m.tensors || !print_line(c, what, worst, worst_size, worst_allowed))
        *within = false;
    return ASSAY_OK;
}

/* ---- Runs ------------------------------------------------------------------------------------------------------- */

static assay_status evaluate(struct comparison *c, enum precision precision, bool *within, struct assay_error *error)
{
    const struct plan_options options = {.backend = cpu_backend(), .precision = precision};
    const struct program_input feed = {c->network->family == PUBLISHED_CLIP_TEXT ? "ids" : "image", c->shape, c->in};
    bool bf16 = precision == PRECISION_MODE_BF16;
    struct program *program = NULL;
    struct program_run run = {0};
    assay_status status = program_create(c->store, &options, &program, error);
    if (!status)
        status = program_add(program, "network", false, build, c, error);
    if (!status)
        status = program_run(program, "network", &feed, 1, &(struct run_options){0}, &run, error);
    if (!status)
        status = check_output(c, &run, OUT, bf16 ? "output in bf16" : "output", bf16, within, error);
    program_release(&run);
    program_free(program);
    return status;
}

/* gradients: the paths of GRADIENTS and OWN. */
static assay_status train(struct comparison *c, char *const *gradients, bool *within, struct assay_error *error)
{
    const struct plan_options options = {.backend = cpu_backend()};
    struct comparison theirs = {.network = c->network, .test = c->test, .shape = c->shape}, own = theirs;
    struct program_input feeds[] = {{c->network->family == PUBLISHED_CLIP_TEXT ? "ids" : "image", c->shape, c->in},
                                    {.name = "direction"}};
    struct program *program = NULL;
    struct program_run run = {0};
    float *direction = expected(c, DIRECTION, &feeds[1].shape, error);
    if (!direction)
        return error->status;
    feeds[1].data = direction;
    assay_status status = load(&theirs, gradients[0], true, error);
    if (!status)
        status = load(&own, gradients[1], true, error);
    if (!status)
        status = program_create(c->store, &options, &program, error);
    if (!status)
        status = program_add(program, "step", true, build, c, error);
    if (!status)
        status = program_run(program, "step", feeds, 2, &(struct run_options){0}, &run, error);
    if (!status)
        status = check_output(c, &run, TRAIN, "output in training", false, within, error);
    if (!status)
        status = check_gradients(c, theirs.store, own.store, &run, within, error);
    program_release(&run);
    program_free(program);
    unload(&theirs);
    unload(&own);
    mem_free(direction);
    return status;
}

/* gradients NULL: the output in f32 is all that is compared. */
static assay_status compare(const struct safetensors *test, const struct published *network, const char *path,
                            char *const *gradients, bool *within, struct assay_error *error)
{
    struct comparison c = {.network = network, .test = test};
    bool text = network->family == PUBLISHED_CLIP_TEXT;
    const struct file_tensor *in = string_map_get(&test->tensors, text ? IN "ids" : IN "image");
    if (!in || in->dtype != (text ? TENSOR_FILE_I32 : TENSOR_FILE_F32))
        return error_set(error, ASSAY_ERROR_MODEL, "the case has no input for %s", network->name);
    c.shape = shape_of(in->dim, in->rank);
    c.in = mem_alloc_aligned(in->bytes);
    if (!c.in)
        return error_memory(error, "an input");
    memcpy(c.in, in->data, in->bytes);
    assay_status status = load(&c, path, true, error);
    if (!status)
        status = evaluate(&c, PRECISION_MODE_F32, within, error);
    if (!status && gradients)
        status = evaluate(&c, PRECISION_MODE_BF16, within, error);
    if (!status && gradients)
        status = train(&c, gradients, within, error);
    unload(&c);
    mem_free(c.in);
    return status;
}

int main(int argc, char **argv)
{
    struct safetensors test;
    struct assay_error error = {0};
    int status = EXIT_SUCCESS, compared = 0;
    if (argc == 2 && strcmp(argv[1], "--header") == 0) {
        puts(header);
        return EXIT_SUCCESS;
    }
    if (argc < 5) {
        fputs("usage: run_parity CASE GRADIENTS OWN CHECKPOINT...\n       run_parity --header\n", stderr);
        return 2;
    }
    if (safetensors_open(argv[1], &test, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < test.tensors.count; i++) {
        const char *name = test.tensors.entries[i].key;
        if (strncmp(name, OUT, strlen(OUT)) != 0)
            continue;
        const struct published *network = published_find(name + strlen(OUT));
        if (!network) {
            fprintf(stderr, "%s: not known: %s\n", argv[1], name);
            status = EXIT_FAILURE;
            continue;
        }
        for (int k = 4; k < argc; k++, compared++) {
            bool within = true;
            if (compare(&test, network, argv[k], k == 4 ? argv + 2 : NULL, &within, &error)) {
                fprintf(stderr, "%s: %s\n", network->name, error.message);
                within = false;
            }
            if (!within)
                status = EXIT_FAILURE;
        }
    }
    safetensors_close(&test);
    if (!compared)
        fprintf(stderr, "%s: nothing to compare\n", argv[1]);
    return compared ? status : EXIT_FAILURE;
}
