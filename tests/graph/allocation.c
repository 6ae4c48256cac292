/* allocation.c - any allocation may fail while a graph is built, differentiated, compiled and run, and while a program
 * does so: an error, no crash, no leak, and never a wrong result. */
#include "support/support.h"

#include <string.h>

#include "failing_malloc.h"
#include "graph/program.h"

enum { SIDE = 6, CHANNELS = 4, CLASSES = 3, BATCH = 2, PIXELS = BATCH * SIDE * SIDE * 3 };

/* What is fed, and what came out where nothing failed. */
struct work {
    enum precision precision;
    float x[PIXELS];
    int32_t labels[BATCH];
    float loss, slope[CHANNELS * 3 * 3 * 3];
    bool known;
};

static node weight(struct graph *g, struct store *store, const char *name, struct shape shape, double spread)
{
    return param(g,
                 store_declare(store, name, &shape, STORE_PARAM, (struct store_init){STORE_UNIFORM, -spread, spread}));
}

/* Some of everything: convolution, batch norm with running statistics, pooling, checkpoint, dropout, loss, an
 * update. */
static void build(struct graph *g, struct store *store)
{
    struct store_init one = {STORE_CONSTANT, 1, 0};
    node x = input(g, "x", SHAPE(BATCH, SIDE, SIDE, 3), DTYPE_F32),
         labels = input(g, "labels", SHAPE(BATCH), DTYPE_I32);
    node w = weight(g, store, "conv.weight", SHAPE(CHANNELS, 3, 3, 3), 0.5);
    node y = op_conv2d(g, x, w, conv_square(1, 1)), stats = op_channel_stats(g, y);
    node mean = state(g, "running", SHAPE(2, CHANNELS), one);
    assign(g, mean, op_add(g, op_scale(g, mean, 0.9f), op_scale(g, detach(g, stats), 0.1f)));
    node scale = weight(g, store, "scale", SHAPE(CHANNELS), 1), shift = weight(g, store, "shift", SHAPE(CHANNELS), 1);
    checkpoint_begin(g);
    y = op_gelu(g, op_batch_norm(g, y, stats, scale, shift, 1e-5f));
    y = op_max_pool2d(g, op_dropout(g, y, 0.25f), 2, 2, 0);
    checkpoint_end(g);
    y = op_concat(g, (const node[]){op_global_avg_pool(g, y), op_global_max_pool(g, y)}, 2, 1);
    node head = weight(g, store, "head.weight", SHAPE(CLASSES, 2 * CHANNELS), 1);
    node bias = weight(g, store, "head.bias", SHAPE(CLASSES), 1);
    node loss = op_cross_entropy(g, op_matmul_bias(g, y, head, bias, false, true), labels, 0.1f), *params, d[8];
    int count = graph_trained_params(g, &params);
    node trained[8];
    for (int i = 0; i < count && i < 8; i++)
        trained[i] = params[i];
    graph_gradients(g, loss, trained, count, d);
    for (int i = 0; i < count; i++)
        assign(g, trained[i], op_sub(g, trained[i], op_scale(g, d[i], 0.1f)));
    tap(g, "loss", loss);
    tap(g, "slope", count ? d[0] : NODE_NONE);
}

/* A failure must say that it is about memory. */
static bool succeeded(assay_status status, const struct assay_error *error)
{
    if (status != ASSAY_OK && (status != ASSAY_ERROR_MEMORY || !strstr(error->message, "memory")))
        fail_msg("status %d: \"%s\"", (int)status, error->message);
    return status == ASSAY_OK;
}

static void check_results(struct work *w, struct tensor loss, struct tensor slope)
{
    if (!loss.data || !slope.data)
        fail_msg("no results");
    if (!w->known) {
        memcpy(&w->loss, loss.data, sizeof w->loss);
        memcpy(w->slope, slope.data, sizeof w->slope);
        w->known = true;
    }
    test_same("loss", loss.data, &w->loss, 1);
    test_same("slope", slope.data, w->slope, CHANNELS * 3 * 3 * 3);
}

static bool attempt_plan(void *context)
{
    struct work *w = context;
    struct assay_error error = {0};
    struct store *store = NULL;
    struct plan *plan = NULL;
    struct workspace *workspace = NULL;
    bool done = succeeded(store_create(&store, &error), &error);
    struct graph *g = done ? graph_create(store, (struct graph_options){.training = true}) : NULL;
    done = done && g;
    if (done) {
        struct plan_options options = {.backend = test_backend(0), .precision = w->precision};
        build(g, store);
        done = succeeded(plan_create(g, &options, &plan, &error), &error);
    }
    done = done && succeeded(store_initialise(store, 1, &error), &error);
    done = done && succeeded(workspace_create(plan, &workspace, &error), &error);
    for (int i = 0; i < 2 && done; i++) {
        const struct feed feeds[] = {{"x", w->x}, {"labels", w->labels}};
        done =
            succeeded(plan_run(plan, workspace, feeds, 2, &(struct run_options){.seed = 3, .step = 4}, &error), &error);
        if (done && i == 0)
            check_results(w, workspace_read(workspace, "loss"), workspace_read(workspace, "slope"));
    }
    workspace_free(workspace);
    plan_free(plan);
    store_free(store);
    return done;
}

static void build_for_program(struct graph *g, const struct shape *shapes, int count, void *context)
{
    (void)shapes;
    (void)count;
    build(g, context);
}

static bool attempt_program(void *context)
{
    struct work *w = context;
    struct assay_error error = {0};
    struct store *store = NULL;
    struct program *program = NULL;
    struct program_run run = {0};
    struct plan_options options = {.backend = test_backend(0), .precision = w->precision};
    const struct program_input inputs[] = {{"x", SHAPE(BATCH, SIDE, SIDE, 3), w->x},
                                           {"labels", SHAPE(BATCH), w->labels}};
    bool done = succeeded(store_create(&store, &error), &error);
    done = done && succeeded(program_create(store, &options, &program, &error), &error);
    done = done && succeeded(program_add(program, "step", true, build_for_program, store, &error), &error);
    done = done && succeeded(program_prepare(program, "step", inputs, 2, &error), &error);
    done = done && succeeded(store_initialise(store, 1, &error), &error);
    done = done &&
           succeeded(program_run(program, "step", inputs, 2, &(struct run_options){.seed = 3, .step = 4}, &run, &error),
                     &error);
    if (done)
        check_results(w, program_read(&run, "loss"), program_read(&run, "slope"));
    program_release(&run);
    program_free(program);
    store_free(store);
    return done;
}

static void try_all(failing_attempt *attempt, enum precision precision)
{
    struct work w = {.precision = precision, .labels = {2, 0}};
    test_set_threads(1);
    test_fill(w.x, PIXELS, 5, -1, 1);
    assert_true(attempt(&w)); /* the right results; and what libraries allocate once is allocated */
    size_t survived, count = failing_malloc_each(attempt, &w, &survived);
    assert_true(count > 50);
    assert_int_equal(survived, 0); /* all of it is needed */
}

static void test_plan(void **context)
{
    (void)context;
    try_all(attempt_plan, PRECISION_MODE_F32);
}

static void test_plan_bf16(void **context)
{
    (void)context;
    try_all(attempt_plan, PRECISION_MODE_BF16);
}

static void test_program(void **context)
{
    (void)context;
    try_all(attempt_program, PRECISION_MODE_F32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_plan_bf16),
        cmocka_unit_test(test_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
