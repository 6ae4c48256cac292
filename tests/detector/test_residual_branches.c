/* The fixed statistics of the detector `residual` against renderings from their descriptions; that they come out the
 * same when all else is in bf16; that gradients pass through them. */
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
#include "detector/residual.h"
#include "ops/elementwise.h"
#include "ops/reduce.h"
#include "parity.h"

/* Features [B, n] of an image [B, S, S, 3]. */
typedef node branch(struct graph *g, node image);

static node dct_luma(struct graph *g, node image)
{
    return residual_dct(g, residual_planes(g, image, RESIDUAL_LUMA), 8);
}

static node dct_ycc(struct graph *g, node image)
{
    return residual_dct(g, residual_planes(g, image, RESIDUAL_YCC), 5);
}

static node spectrum_luma(struct graph *g, node image)
{
    return residual_spectrum(g, residual_planes(g, image, RESIDUAL_LUMA), true);
}

static node spectrum_rgb(struct graph *g, node image)
{
    return residual_spectrum(g, residual_planes(g, image, RESIDUAL_COLOURS), false);
}

static node cooccurrence_luma(struct graph *g, node image)
{
    return residual_cooccurrence(g, residual_planes(g, image, RESIDUAL_LUMA), 2, 1);
}

static node cooccurrence_rgb(struct graph *g, node image)
{
    return residual_cooccurrence(g, residual_planes(g, image, RESIDUAL_COLOURS), 3, 1.5f);
}

static node moments(struct graph *g, node image)
{
    return residual_moments(g, image, RESIDUAL_HIGHER);
}

/* The first of their three parts. */
static node absolute(struct graph *g, node image)
{
    return residual_moments(g, image, RESIDUAL_ABSOLUTE);
}

static const struct {
    const char *name;
    branch *build;
} branches[] = {{"dct.luma", dct_luma},
                {"dct.ycc", dct_ycc},
                {"spectrum.luma", spectrum_luma},
                {"spectrum.rgb", spectrum_rgb},
                {"cooccurrence.luma", cooccurrence_luma},
                {"cooccurrence.rgb", cooccurrence_rgb},
                {"moments", moments}};
enum { BRANCHES = sizeof branches / sizeof branches[0], CROPS = 2 };
static const int sides[] = {32, 37}; /* the second fits no grid */

/* ---- One run -------------------------------------------------------------------------------------------------- */

struct job {
    branch *build;
    const float *weights; /* NULL: tap the features; else the sum of features times these, and its gradient */
};

static void build_graph(struct graph *g, const struct shape *shapes, int count, void *context)
{
    const struct job *job = context;
    (void)count;
    node x = input(g, "image", shapes[0], DTYPE_F32), y = job->build(g, x);
    if (graph_failed(g))
        return;
    if (!job->weights) {
        tap(g, "features", y);
        return;
    }
    node sum = op_sum(g, op_mul(g, y, constant_data(g, job->weights, graph_shape(g, y))), REDUCE_ALL, false), gradient;
    graph_gradients(g, sum, &x, 1, &gradient);
    tap(g, "sum", sum);
    tap(g, "gradient", gradient);
}

/* A tapped value for an image [2, side, side, 3], as a copy. */
static float *run_branch(struct job job, int side, const float *image, bool bf16, const char *name, int64_t *count)
{
    struct assay_error error = {0};
    struct store *store;
    struct program *program;
    struct program_run run = {0};
    struct plan_options options = {.backend = cpu_backend(),
                                   .precision = bf16 ? PRECISION_MODE_BF16 : PRECISION_MODE_F32};
    struct program_input feed = {"image", SHAPE(CROPS, side, side, 3), image};
    assert_int_equal(store_create(&store, &error), ASSAY_OK);
    assert_int_equal(program_create(store, &options, &program, &error), ASSAY_OK);
    assert_int_equal(program_add(program, "x", false, build_graph, &job, &error), ASSAY_OK);
    if (program_run(program, "x", &feed, 1, &(struct run_options){0}, &run, &error))
        fail_msg("%s", error.message);
    struct tensor t = program_read(&run, name);
    assert_non_null(t.data);
    *count = shape_count(&t.shape);
    float *copy = mem_alloc((size_t)*count, sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, t.data, (size_t)*count * sizeof *copy);
    program_release(&run);
    program_free(program);
    store_free(store);
    return copy;
}

static float *fixture_floats(struct parity *t, int side, const char *what, int64_t *count)
{
    char name[64];
    snprintf(name, sizeof name, "%d.%s", side, what);
    return parity_floats(t, name, count);
}

static void open_fixture(struct parity *t)
{
    struct assay_error error = {0};
    *t = (struct parity){0};
    assert_int_equal(safetensors_open(ASSAY_TEST_DIR "/detector/fixtures/residual_branches.safetensors", &t->file,
                                      &error),
                     ASSAY_OK);
}

/* ---- Tests ---------------------------------------------------------------------------------------------------- */

static void test_parity(void **unused)
{
    (void)unused;
    struct parity t;
    open_fixture(&t);
    for (int s = 0; s < 2; s++) {
        int64_t pixels, count, values;
        float *image = fixture_floats(&t, sides[s], "image", &pixels);
        assert_int_equal(pixels, CROPS * sides[s] * sides[s] * 3);
        for (int i = 0; i < 2 * BRANCHES; i++) {
            const struct job job = {.build = branches[i / 2].build};
            float *want = fixture_floats(&t, sides[s], branches[i / 2].name, &count);
            float *got = run_branch(job, sides[s], image, i % 2 == 1, "features", &values);
            assert_int_equal(values, count);
            parity_close_max(branches[i / 2].name, got, want, count, 1e-4);
            mem_free(want);
            mem_free(got);
        }
        mem_free(image);
    }
    safetensors_close(&t.file);
}

/* `absolute` is the beginning of `higher`. */
static void test_absolute(void **unused)
{
    (void)unused;
    struct parity t;
    int64_t pixels, count, values;
    open_fixture(&t);
    float *image = fixture_floats(&t, 32, "image", &pixels), *want = fixture_floats(&t, 32, "moments", &count);
    float *got = run_branch((struct job){.build = absolute}, 32, image, false, "features", &values);
    assert_int_equal(values * 3, count);
    for (int b = 0; b < CROPS; b++)
        parity_close_max("absolute", got + 3 * b, want + 9 * b, 3, 1e-4);
    mem_free(image);
    mem_free(want);
    mem_free(got);
    safetensors_close(&t.file);
}

/* Along a random direction, where no value is near a kink for long: within some thousandths of a central difference. */
static void test_gradients(void **unused)
{
    (void)unused;
    struct parity t;
    int64_t pixels, count, values;
    open_fixture(&t);
    float *image = fixture_floats(&t, 32, "image", &pixels);
    float *direction = mem_alloc((size_t)pixels, sizeof *direction), *moved = mem_alloc((size_t)pixels, sizeof *moved);
    assert_true(direction && moved);
    for (int64_t i = 0; i < pixels; i++) {
        direction[i] = (float)sin(0.7 * (double)i + (double)(i % 11));
        /* the first picture twice, without flat parts; off the grey levels, where counts have kinks */
        image[i] = image[i % (pixels / CROPS)] + 0.02f * (float)cos(1.3 * (double)i);
    }
    for (int i = 0; i < BRANCHES; i++) {
        const float step = strncmp(branches[i].name, "cooc", 4) == 0 ? 2e-5f : 2e-4f; /* its kinks lie close */
        float *want = fixture_floats(&t, 32, branches[i].name, &count);
        for (int64_t k = 0; k < count; k++)
            want[k] = (float)cos(0.3 * (double)(k % 101) + 1) / (float)count;
        struct job job = {.build = branches[i].build, .weights = want};
        float *gradient = run_branch(job, 32, image, false, "gradient", &values);
        assert_int_equal(values, pixels);
        double slope = 0, norm = 0, difference = 0;
        for (int64_t k = 0; k < pixels; k++) {
            slope += (double)gradient[k] * (double)direction[k];
            norm += (double)gradient[k] * (double)gradient[k];
        }
        for (int sign = -1; sign <= 1; sign += 2) {
            for (int64_t k = 0; k < pixels; k++)
                moved[k] = image[k] + (float)sign * step * direction[k];
            float *sum = run_branch(job, 32, moved, false, "sum", &values);
            difference += sign * (double)sum[0] / (2 * (double)step);
            mem_free(sum);
        }
        if (!(norm > 0) || fabs(slope - difference) > 0.02 * fabs(slope) + 0.02 * sqrt(norm))
            fail_msg("%s: a slope of %g by gradient, %g by difference (norm %g)", branches[i].name, slope, difference,
                     sqrt(norm));
        mem_free(want);
        mem_free(gradient);
    }
    mem_free(image);
    mem_free(direction);
    mem_free(moved);
    safetensors_close(&t.file);
}

static void test_errors(void **unused)
{
    (void)unused;
    struct assay_error error = {0};
    struct store *store;
    assert_int_equal(store_create(&store, &error), ASSAY_OK);
    struct graph *g = graph_create(store, (struct graph_options){0});
    node features = spectrum_luma(g, input(g, "image", SHAPE(1, 520, 520, 3), DTYPE_F32));
    assert_int_equal(features.id, NODE_NONE.id);
    assert_int_not_equal(graph_status(g, &error), ASSAY_OK);
    assert_non_null(strstr(error.message, "option spectrum: crops of at most 512 pixels, not 520"));
    graph_free(g);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parity),
        cmocka_unit_test(test_absolute),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
