/* program.c - named graphs over one store, compiled for the shapes that turn up, and their workspaces lent to
 * threads. */
#include "graph/program.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "base/parallel.h"

enum {
    MAX_GRAPHS = 64,
    MAX_PLANS = 32,     /* shapes kept compiled, a graph; the one unused for longest goes */
    MAX_WORKSPACES = 64 /* kept for reuse, a plan */
};

/* A graph compiled for one set of input shapes, and for runs on so many threads. */
struct compiled {
    struct compiled *next;
    struct shape *shapes;
    int shape_count, threads;
    struct plan *plan;
    struct workspace *idle[MAX_WORKSPACES];
    int idle_count, users;
    uint64_t used; /* when: the program's count of runs */
};

struct program_graph {
    char *name;
    bool training;
    program_build *build;
    void *context;
    struct compiled *compiled;
};

struct program {
    struct store *store;
    struct plan_options options;
    pthread_mutex_t lock; /* guards everything below; held while a graph is compiled, not while it runs */
    struct array graphs;  /* struct program_graph */
    uint64_t runs;
};

assay_status program_create(struct store *store, const struct plan_options *options, struct program **out,
                            struct assay_error *error)
{
    struct program *p = mem_alloc(1, sizeof *p);
    if (!p)
        return error_memory(error, "a program");
    if (pthread_mutex_init(&p->lock, NULL) != 0) {
        mem_free(p);
        return error_memory(error, "a program's lock");
    }
    p->store = store;
    p->options = *options;
    p->graphs = array_of(sizeof(struct program_graph), MAX_GRAPHS);
    *out = p;
    return ASSAY_OK;
}

static void compiled_free(struct compiled *c)
{
    for (int i = 0; i < c->idle_count; i++)
        workspace_free(c->idle[i]);
    plan_free(c->plan);
    mem_free(c->shapes);
    mem_free(c);
}

void program_free(struct program *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->graphs.count; i++) {
        struct program_graph *graph = (struct program_graph *)p->graphs.data + i;
        for (struct compiled *c = graph->compiled; c;) {
            struct compiled *next = c->next;
            compiled_free(c);
            c = next;
        }
        mem_free(graph->name);
    }
    array_free(&p->graphs);
    pthread_mutex_destroy(&p->lock);
    mem_free(p);
}

static struct program_graph *find_graph(const struct program *p, const char *name)
{
    for (size_t i = 0; i < p->graphs.count; i++) {
        struct program_graph *graph = (struct program_graph *)p->graphs.data + i;
        if (strcmp(graph->name, name) == 0)
            return graph;
    }
    return NULL;
}

assay_status program_add(struct program *p, const char *name, bool training, program_build *build, void *context,
                         struct assay_error *error)
{
    if (find_graph(p, name))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "the program has a graph \"%s\" already", name);
    char *copy = mem_strdup(name);
    struct program_graph *graph = copy ? array_push(&p->graphs) : NULL;
    if (!graph) {
        mem_free(copy);
        return error_memory(error, "a program's graph");
    }
    *graph = (struct program_graph){.name = copy, .training = training, .build = build, .context = context};
    return ASSAY_OK;
}

/* ---- The cache of shapes -------------------------------------------------------------------------------------- */

static bool fits(const struct compiled *c, const struct program_input *inputs, int count)
{
    if (c->shape_count != count || c->threads != parallel_threads())
        return false;
    for (int i = 0; i < count; i++)
        if (!shape_equal(&c->shapes[i], &inputs[i].shape))
            return false;
    return true;
}

static void drop_oldest(struct program_graph *graph)
{
    int count = 0;
    struct compiled **oldest = NULL;
    for (struct compiled **c = &graph->compiled; *c; c = &(*c)->next) {
        count++;
        if ((*c)->users == 0 && (!oldest || (*c)->used < (*oldest)->used))
            oldest = c;
    }
    if (count < MAX_PLANS || !oldest)
        return;
    struct compiled *gone = *oldest;
    *oldest = gone->next;
    compiled_free(gone);
}

static assay_status compile(struct program *p, struct program_graph *graph, const struct program_input *inputs,
                            int count, struct compiled **out, struct assay_error *error)
{
    struct compiled *c = mem_alloc(1, sizeof *c);
    struct shape *shapes = mem_alloc((size_t)count, sizeof *shapes);
    struct graph *g = graph_create(p->store, (struct graph_options){.training = graph->training});
    if (!c || !shapes || !g) {
        mem_free(c);
        mem_free(shapes);
        graph_free(g);
        return error_memory(error, "a compiled graph");
    }
    for (int i = 0; i < count; i++)
        shapes[i] = inputs[i].shape;
    graph->build(g, shapes, count, graph->context);
    assay_status status = plan_create(g, &p->options, &c->plan, error);
    if (status) {
        mem_free(c);
        mem_free(shapes);
        return status;
    }
    drop_oldest(graph);
    c->shapes = shapes;
    c->shape_count = count;
    c->threads = parallel_threads();
    c->next = graph->compiled;
    graph->compiled = c;
    *out = c;
    return ASSAY_OK;
}

static assay_status find_compiled(struct program *p, const char *name, const struct program_input *inputs, int count,
                                  struct compiled **out, struct assay_error *error)
{
    struct program_graph *graph = find_graph(p, name);
    if (!graph)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "the program has no graph \"%s\"", name);
    struct compiled *c = graph->compiled;
    while (c && !fits(c, inputs, count))
        c = c->next;
    if (!c) {
        assay_status status = compile(p, graph, inputs, count, &c, error);
        if (status)
            return status;
    }
    c->used = ++p->runs;
    *out = c;
    return ASSAY_OK;
}

/* ---- Runs ----------------------------------------------------------------------------------------------------- */

assay_status program_prepare(struct program *p, const char *graph, const struct program_input *inputs, int input_count,
                             struct assay_error *error)
{
    struct compiled *c;
    pthread_mutex_lock(&p->lock);
    assay_status status = find_compiled(p, graph, inputs, input_count, &c, error);
    pthread_mutex_unlock(&p->lock);
    return status;
}

assay_status program_run(struct program *p, const char *graph, const struct program_input *inputs, int input_count,
                         const struct run_options *options, struct program_run *run, struct assay_error *error)
{
    enum { MAX_INPUTS = 64 };
    struct feed feeds[MAX_INPUTS];
    struct compiled *c;
    struct workspace *w = NULL;
    *run = (struct program_run){0};
    if (input_count > MAX_INPUTS)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "a run with %d inputs: at most %d", input_count, MAX_INPUTS);
    pthread_mutex_lock(&p->lock);
    assay_status status = find_compiled(p, graph, inputs, input_count, &c, error);
    if (!status) {
        c->users++;
        w = c->idle_count ? c->idle[--c->idle_count] : NULL;
    }
    pthread_mutex_unlock(&p->lock);
    if (status)
        return status;
    *run = (struct program_run){p, c, w};
    if (!w)
        status = workspace_create(c->plan, &run->workspace, error);
    for (int i = 0; i < input_count; i++)
        feeds[i] = (struct feed){inputs[i].name, inputs[i].data};
    if (!status)
        status = plan_run(c->plan, run->workspace, feeds, input_count, options, error);
    if (status)
        program_release(run);
    return status;
}

struct tensor program_read(const struct program_run *run, const char *tap)
{
    return workspace_read(run->workspace, tap);
}

void program_release(struct program_run *run)
{
    if (!run->program)
        return;
    struct compiled *c = run->holder;
    pthread_mutex_lock(&run->program->lock);
    c->users--;
    if (run->workspace && c->idle_count < MAX_WORKSPACES) {
        c->idle[c->idle_count++] = run->workspace;
        run->workspace = NULL;
    }
    pthread_mutex_unlock(&run->program->lock);
    workspace_free(run->workspace);
    *run = (struct program_run){0};
}
