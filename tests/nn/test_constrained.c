/* The constrained convolution: filters stay what they may be under every optimiser, flat pictures give nothing, and the
 * projection is the plain one. (Outputs and gradients against torch: tests/detector/test_residual.c.) */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "graph/program.h"
#include "nn/constrained_conv.h"
#include "ops/elementwise.h"
#include "ops/reduce.h"
#include "train/optimizer.h"

enum { OUT = 3, IN = 2, WINDOW = 5, AREA = WINDOW * WINDOW, SIZE = 9, PIXELS = SIZE * SIZE * IN };

struct job {
    struct store *store;
    struct optimizer_options optimizer;
};

static void build(struct graph *g, const struct shape *shapes, int count, void *context)
{
    const struct job *job = context;
    (void)count;
    node x = input(g, "x", shapes[0], DTYPE_F32), scalars = input(g, "scalars", shapes[1], DTYPE_F32), *params, d[1];
    node y = constrained_conv2d(g, params_scope(params_root(job->store), "c"), x, OUT, WINDOW);
    tap(g, "y", op_scale(g, y, 1));
    assert_int_equal(graph_trained_params(g, &params), 1);
    graph_gradients(g, op_sum(g, op_square(g, y), REDUCE_ALL, false), params, 1, d);
    optimizer_update(g, &job->optimizer, params, d, 1, scalars, NULL);
}

/* -1 at the centre of each window, 1 around it in sum. */
static void check_windows(const float *weight)
{
    for (int i = 0; i < OUT * IN; i++, weight += AREA) {
        double sum = 0;
        for (int k = 0; k < AREA; k++)
            sum += k == AREA / 2 ? 0 : (double)weight[k];
        assert_true(fabs((double)weight[AREA / 2] + 1) < 1e-6);
        assert_true(fabs(sum - 1) < 1e-5);
    }
}

/* The output where the window lies inside, from weights as they were before the step. */
static void check_output(const float *x, const float *weight, const float *y)
{
    for (int row = 2; row < SIZE - 2; row++)
        for (int column = 2; column < SIZE - 2; column++)
            for (int o = 0; o < OUT; o++) {
                double sum = 0;
                for (int i = 0; i < IN; i++) {
                    const float *w = weight + (o * IN + i) * AREA;
                    double around = 0, total = 0;
                    for (int k = 0; k < AREA; k++) {
                        double pixel = (double)x[((row + k / WINDOW - 2) * SIZE + column + k % WINDOW - 2) * IN + i];
                        around += k == AREA / 2 ? 0 : (double)w[k] * pixel;
                        total += k == AREA / 2 ? 0 : (double)w[k];
                    }
                    sum += around / total - (double)x[(row * SIZE + column) * IN + i];
                }
                assert_true(fabs(sum - (double)y[(row * SIZE + column) * OUT + o]) < 1e-5);
            }
}

static void run_steps(enum optimizer_kind kind, bool bf16)
{
    struct assay_error error = {0};
    struct job job = {.optimizer = {.kind = kind, .weight_decay = 0.01, .momentum = 0.9, .beta1 = 0.9, .beta2 = 0.99}};
    struct program *program;
    float x[PIXELS], scalars[OPTIMIZER_SCALARS], before[OUT * IN * AREA];
    struct plan_options options = {.backend = cpu_backend(),
                                   .precision = bf16 ? PRECISION_MODE_BF16 : PRECISION_MODE_F32};
    const struct program_input inputs[] = {{"x", SHAPE(1, SIZE, SIZE, IN), x},
                                           {"scalars", SHAPE(OPTIMIZER_SCALARS), scalars}};
    job.optimizer.epsilon = 1e-8;
    for (int i = 0; i < PIXELS; i++)
        x[i] = (float)sin(0.9 * i) + 3; /* a large mean, of which bf16 would leave traces */
    assert_int_equal(store_create(&job.store, &error), ASSAY_OK);
    assert_int_equal(program_create(job.store, &options, &program, &error), ASSAY_OK);
    assert_int_equal(program_add(program, "step", true, build, &job, &error), ASSAY_OK);
    assert_int_equal(program_prepare(program, "step", inputs, 2, &error), ASSAY_OK);
    assert_int_equal(store_initialise(job.store, 1, &error), ASSAY_OK);
    const struct store_entry *weight = store_get(job.store, "c.weight");
    assert_non_null(weight);
    for (uint64_t step = 0; step < 4; step++) {
        struct program_run run = {0};
        memcpy(before, weight->data, sizeof before);
        optimizer_scalars(&job.optimizer, step, 1e-3, scalars);
        if (program_run(program, "step", inputs, 2, &(struct run_options){.step = step}, &run, &error))
            fail_msg("%s", error.message);
        check_output(x, before, program_read(&run, "y").data);
        program_release(&run);
        assert_memory_not_equal(before, weight->data, sizeof before);
        check_windows(weight->data);
    }
    program_free(program);
    store_free(job.store);
}

static void test_steps(void **unused)
{
    (void)unused;
    run_steps(OPTIMIZER_SGD, false);
    run_steps(OPTIMIZER_ADAM, false);
    run_steps(OPTIMIZER_ADAMW, true);
}

static void test_errors(void **unused)
{
    (void)unused;
    const int sides[] = {4, 17};
    for (int i = 0; i < 2; i++) {
        struct assay_error error = {0};
        struct store *store;
        assert_int_equal(store_create(&store, &error), ASSAY_OK);
        struct graph *g = graph_create(store, (struct graph_options){0});
        constrained_conv2d(g, params_root(store), constant(g, 1, SHAPE(1, 20, 20, 3)), 2, sides[i]);
        assert_int_not_equal(graph_status(g, &error), ASSAY_OK);
        assert_non_null(strstr(error.message, "square windows of odd sides up to 15"));
        graph_free(g);
        store_free(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
