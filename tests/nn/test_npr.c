/* NPR: by its definition on any size, against the paper's interpolation where sizes are multiples of the patch. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "cpu/cpu.h"
#include "format/safetensors.h"
#include "graph/program.h"
#include "nn/npr.h"
#include "ops/elementwise.h"
#include "ops/reduce.h"

struct options {
    int patch;
    float scale;
};

/* The gradient is that of sum(npr * weights). */
static void build(struct graph *g, const struct shape *shapes, int count, void *context)
{
    const struct options *o = context;
    (void)count;
    node x = input(g, "x", shapes[0], DTYPE_F32), weights = input(g, "weights", shapes[0], DTYPE_F32);
    node y = npr(g, x, o->patch, o->scale), gradient;
    tap(g, "npr", y);
    graph_gradients(g, op_sum(g, op_mul(g, y, weights), REDUCE_ALL, false), &x, 1, &gradient);
    tap(g, "gradient", gradient);
}

static void run(struct options o, struct shape shape, const float *x, const float *weights, float *y, float *gradient)
{
    struct assay_error error = {0};
    struct store *store;
    struct program *program;
    struct program_run values = {0};
    struct plan_options options = {.backend = cpu_backend()};
    size_t bytes = (size_t)shape_count(&shape) * sizeof *x;
    assert_int_equal(store_create(&store, &error), ASSAY_OK);
    assert_int_equal(program_create(store, &options, &program, &error), ASSAY_OK);
    assert_int_equal(program_add(program, "npr", false, build, &o, &error), ASSAY_OK);
    struct program_input inputs[] = {{"x", shape, x}, {"weights", shape, weights}};
    if (program_run(program, "npr", inputs, 2, &(struct run_options){0}, &values, &error))
        fail_msg("%s", error.message);
    struct tensor have = program_read(&values, "npr"), slope = program_read(&values, "gradient");
    assert_true(shape_equal(&have.shape, &shape) && shape_equal(&slope.shape, &shape));
    memcpy(y, have.data, bytes);
    memcpy(gradient, slope.data, bytes);
    program_release(&values);
    program_free(program);
    store_free(store);
}

static void check_definition(int patch, int height, int width)
{
    enum { BATCH = 2, CHANNELS = 3, MOST = BATCH * 13 * 13 * CHANNELS };
    static float x[MOST], weights[MOST], y[MOST], gradient[MOST], want[MOST], want_gradient[MOST];
    struct random random = random_open(1, (uint64_t)patch, (uint64_t)(height * 100 + width));
    int count = BATCH * height * width * CHANNELS;
    assert_true(count <= MOST);
    for (int i = 0; i < count; i++) {
        x[i] = (float)random_normal(&random);
        weights[i] = (float)random_normal(&random);
        want_gradient[i] = weights[i];
    }
    for (int i = 0; i < count; i++) {
        int c = i % CHANNELS, column = i / CHANNELS % width, row = i / CHANNELS / width % height;
        int image = i / CHANNELS / width / height;
        int corner = ((image * height + row / patch * patch) * width + column / patch * patch) * CHANNELS + c;
        want[i] = x[i] - x[corner];
        want_gradient[corner] -= weights[i];
    }
    run((struct options){patch, 1}, SHAPE(BATCH, height, width, CHANNELS), x, weights, y, gradient);
    for (int i = 0; i < count; i++) {
        if (y[i] != want[i])
            fail_msg("patch %d, %dx%d: value %d is %g, not %g", patch, height, width, i, (double)y[i], (double)want[i]);
        if (!(fabsf(gradient[i] - want_gradient[i]) < 1e-4f))
            fail_msg("patch %d, %dx%d: gradient %d is %g, not %g", patch, height, width, i, (double)gradient[i],
                     (double)want_gradient[i]);
    }
}

static void test_definition(void **unused)
{
    (void)unused;
    static const int sizes[][2] = {{8, 12}, {7, 9}, {12, 13}, {1, 1}, {5, 1}, {2, 3}, {13, 13}};
    for (int patch = 2; patch <= 5; patch++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
            check_definition(patch, sizes[i][0], sizes[i][1]);
}

static void test_interpolation(void **unused)
{
    (void)unused;
    struct assay_error error;
    struct safetensors file;
    assert_int_equal(safetensors_open(ASSAY_TEST_DIR "/nn/fixtures/npr.safetensors", &file, &error), ASSAY_OK);
    const struct file_tensor *x = string_map_get(&file.tensors, "x");
    assert_non_null(x);
    float *data = mem_alloc(x->count, sizeof *data), *want = mem_alloc(x->count, sizeof *data);
    float *y = mem_alloc(x->count, sizeof *data), *gradient = mem_alloc(x->count, sizeof *data);
    assert_true(data && want && y && gradient && file_tensor_read_f32(x, data));
    for (int patch = 2; patch <= 4; patch++) {
        char name[16];
        snprintf(name, sizeof name, "npr%d", patch);
        const struct file_tensor *expected = string_map_get(&file.tensors, name);
        assert_non_null(expected);
        assert_true(file_tensor_read_f32(expected, want));
        run((struct options){patch, NPR_PUBLISHED_SCALE}, shape_of(x->dim, x->rank), data, data, y, gradient);
        for (uint64_t i = 0; i < x->count; i++)
            assert_true(fabsf(y[i] - want[i]) <= 1e-6f);
    }
    mem_free(data);
    mem_free(want);
    mem_free(y);
    mem_free(gradient);
    safetensors_close(&file);
}

static void test_refusals(void **unused)
{
    (void)unused;
    struct assay_error error;
    for (int i = 0; i < 2; i++) {
        struct store *store;
        assert_int_equal(store_create(&store, &error), ASSAY_OK);
        struct graph *g = graph_create(store, (struct graph_options){0});
        npr(g, input(g, "x", i ? SHAPE(4, 4, 3) : SHAPE(1, 4, 4, 3), DTYPE_F32), i ? 2 : 1, 1);
        assert_int_equal(graph_status(g, &error), ASSAY_ERROR_MODEL);
        assert_non_null(strstr(error.message, "npr"));
        graph_free(g);
        store_free(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition),
        cmocka_unit_test(test_interpolation),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
