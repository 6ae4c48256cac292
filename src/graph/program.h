/* program.h - several graphs over one store (step, evaluate, apply), driven by plain C loops. A graph is built when
 * input shapes are first seen and cached by them and by the number of threads that parallel_for uses in the calling
 * thread, since kernels are prepared for so many; packed weights are shared. Several threads may run one program as
 * long as its graphs assign nothing. */
#ifndef ASSAY_GRAPH_PROGRAM_H
#define ASSAY_GRAPH_PROGRAM_H

#include "graph/plan.h"

struct program;

/* Builds a graph for the given input shapes: declares input(g, names[i], shapes[i], ...) itself and taps its
 * outputs. */
typedef void program_build(struct graph *g, const struct shape *input_shapes, int input_count, void *context);

/* The store must outlive the program. */
assay_status program_create(struct store *store, const struct plan_options *options, struct program **out,
                            struct assay_error *error);
void program_free(struct program *program); /* NULL is fine */

/* Adds a graph under a name. `context` is kept by reference. Not while another thread runs the program. */
assay_status program_add(struct program *program, const char *name, bool training, program_build *build, void *context,
                         struct assay_error *error);

/* An input of a run: its shape picks the compiled graph. */
struct program_input {
    const char *name;
    struct shape shape;
    const void *data;
};

/* One run's values, held until program_release. */
struct program_run {
    struct program *program;
    void *holder;
    struct workspace *workspace;
};

assay_status program_run(struct program *program, const char *graph, const struct program_input *inputs,
                         int input_count, const struct run_options *options, struct program_run *run,
                         struct assay_error *error);
struct tensor program_read(const struct program_run *run, const char *tap);
void program_release(struct program_run *run); /* a zeroed run is fine */

/* Compiles for those shapes without running, so that shape errors and missing tensors show early. */
assay_status program_prepare(struct program *program, const char *graph, const struct program_input *inputs,
                             int input_count, struct assay_error *error);

#endif
