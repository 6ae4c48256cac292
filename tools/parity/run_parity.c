/* run_parity.c - a published network at full size against what its reference computed from the same random weights.
 *
 *     run_parity CASE CHECKPOINT...
 *
 * CASE, written by reference.py, holds "in.image" or "in.ids" and "out.NETWORK" for one or more networks. Each of these
 * is loaded from each checkpoint and run; a line of CSV says how far it is from the reference (the columns are those of
 * `header`). Exit status 1: something failed or is further away than the design's rule 3 allows. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cpu/cpu.h"
#include "graph/program.h"
#include "tools/published/published.h"

#define OUT "out."
#define OUTPUT "y"
#define TOLERANCE 1e-4

static const char header[] = "network,container,parameters,max |a-b|,max |b|,allowed,result";

/* One network with one checkpoint. */
struct comparison {
    const struct published *network;
    struct params params;
    struct weights_file file;
    struct store *store;
    struct program *program;
    struct program_run run;
    const struct file_tensor *expected;
    float *expected_data;
};

static void build(struct graph *g, const struct shape *shapes, int count, void *context)
{
    const struct comparison *c = context;
    bool text = c->network->family == PUBLISHED_CLIP_TEXT;
    (void)count;
    node x = input(g, text ? "ids" : "image", shapes[0], text ? DTYPE_I32 : DTYPE_F32);
    tap(g, OUTPUT, published_forward(g, c->params, c->network, x));
}

/* Declares the network's tensors. */
static assay_status declare(struct comparison *c, const struct shape *shape, struct assay_error *error)
{
    assay_status status = store_create(&c->store, error);
    if (status)
        return status;
    c->params = params_root(c->store);
    struct graph *g = graph_create(c->store, (struct graph_options){0});
    if (!g)
        return error_memory(error, "a graph");
    build(g, shape, 1, c);
    status = graph_status(g, error);
    graph_free(g);
    return status;
}

/* Prints the line; false: too far away. */
static bool report(struct comparison *c)
{
    struct tensor got = program_read(&c->run, OUTPUT);
    const float *a = got.data, *b = c->expected_data;
    double difference = 0.0, largest = 0.0;
    bool finite = true;
    struct shape shape = shape_of(c->expected->dim, c->expected->rank);
    if (!a || !shape_equal(&got.shape, &shape)) {
        fprintf(stderr, "%s: the output is of another shape than the reference's\n", c->network->name);
        return false;
    }
    for (uint64_t i = 0; i < c->expected->count; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        finite = finite && isfinite(a[i]) && isfinite(b[i]);
        difference = d > difference ? d : difference;
        largest = fabs((double)b[i]) > largest ? fabs((double)b[i]) : largest;
    }
    double allowed = TOLERANCE * (largest > 1.0 ? largest : 1.0);
    bool pass = finite && difference <= allowed;
    printf("%s,%s,%llu,%.3g,%.3g,%.3g,%s\n", c->network->name, c->file.kind,
           (unsigned long long)store_param_count(c->store), difference, largest, allowed, pass ? "pass" : "FAIL");
    fflush(stdout);
    return pass;
}

static assay_status compare(const struct safetensors *test, const struct published *network, const char *path,
                            bool *within, struct assay_error *error)
{
    struct comparison c = {.network = network};
    struct plan_options options = {.backend = cpu_backend()};
    const char *name = network->family == PUBLISHED_CLIP_TEXT ? "ids" : "image";
    char key[64];
    snprintf(key, sizeof key, "in.%s", name);
    const struct file_tensor *in = string_map_get(&test->tensors, key);
    snprintf(key, sizeof key, OUT "%s", network->name);
    c.expected = string_map_get(&test->tensors, key);
    enum tensor_file_dtype type = network->family == PUBLISHED_CLIP_TEXT ? TENSOR_FILE_I32 : TENSOR_FILE_F32;
    if (!in || in->dtype != type || !c.expected)
        return error_set(error, ASSAY_ERROR_MODEL, "the case has no input for %s", network->name);
    struct shape shape = shape_of(in->dim, in->rank);
    void *in_data = mem_alloc_aligned(in->bytes);
    c.expected_data = mem_alloc(c.expected->count, sizeof *c.expected_data);
    assay_status status = ASSAY_OK;
    if (!in_data || !c.expected_data) {
        status = error_memory(error, "inputs and outputs");
        goto done;
    }
    memcpy(in_data, in->data, in->bytes);
    if (!file_tensor_read_f32(c.expected, c.expected_data)) {
        status = error_set(error, ASSAY_ERROR_MODEL, "the output for %s is no floats", network->name);
        goto done;
    }
    const struct naming_request request = {.model = network->model, .canonical_prefix = network->part, .borrow = true};
    const struct program_input feed = {name, shape, in_data};
    if ((status = weights_file_open(path, &c.file, error)) || (status = declare(&c, &shape, error)) ||
        (status = naming_load(&c.file, path, c.store, &request, error)) ||
        (status = program_create(c.store, &options, &c.program, error)) ||
        (status = program_add(c.program, "network", false, build, &c, error)) ||
        (status = program_run(c.program, "network", &feed, 1, &(struct run_options){0}, &c.run, error)))
        goto done;
    *within = report(&c);
done:
    program_release(&c.run);
    program_free(c.program);
    store_free(c.store);
    weights_file_close(&c.file);
    mem_free(c.expected_data);
    mem_free(in_data);
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
    if (argc < 3) {
        fputs("usage: run_parity CASE CHECKPOINT...\n       run_parity --header\n", stderr);
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
        for (int k = 2; k < argc; k++, compared++) {
            bool within = false;
            if (compare(&test, network, argv[k], &within, &error))
                fprintf(stderr, "%s: %s\n", network->name, error.message);
            if (!within)
                status = EXIT_FAILURE;
        }
    }
    safetensors_close(&test);
    if (!compared)
        fprintf(stderr, "%s: nothing to compare\n", argv[1]);
    return compared ? status : EXIT_FAILURE;
}
