/* expect.c - given values with known results, and graphs that must fail. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/check.h"

static void expect_close(struct check *k, const struct test_run *run, const char *name, const struct shape *shape,
                         const float *want, double tolerance)
{
    const float *have = check_read(k, run, name, shape);
    for (int64_t i = 0; have && i < shape_count(shape); i++)
        if (have[i] != want[i] && !(fabs((double)have[i] - want[i]) <= tolerance * fmax(1, fabs((double)want[i])))) {
            check_report(k, "%s[%lld] = %.9g, expected %.9g", name, (long long)i, (double)have[i], (double)want[i]);
            return;
        }
}

void op_expect(const struct op_case *c, const float *const *values, const float *y, const float *dy,
               const float *const *gradients)
{
    int failures = 0;
    for (int b = 0; b < TEST_BACKENDS; b++)
        for (int bf16 = 0; bf16 < 2; bf16++) {
            struct check k = {.c = c, .backend = test_backend(b)};
            if (bf16 && (c->no_bf16 || !k.backend->has_bf16 || !k.backend->has_bf16()))
                continue;
            for (int i = 0; i < c->inputs; i++) {
                ref_shape(&k.in[i], c->in[i].shape);
                k.value[i] = check_take(k.in[i].count, sizeof(float));
                memcpy(k.value[i], values[i], (size_t)k.in[i].count * sizeof(float));
                for (int64_t j = 0; j < k.in[i].count; j++)
                    k.in[i].data[j] = (double)values[i][j];
            }
            c->reference(c, k.in, &k.out);
            k.projection = check_take(k.out.count, sizeof(float));
            if (dy)
                memcpy(k.projection, dy, (size_t)k.out.count * sizeof(float));
            struct store *store = test_store();
            struct test_run run = check_compile(&k, store, false, dy != NULL, bf16);
            if (check_execute(&k, &run)) {
                if (y)
                    expect_close(&k, &run, "y", &k.out.shape, y, bf16 ? 1e-2 : 1e-6);
                for (int i = 0; dy && i < c->inputs; i++) {
                    char name[16];
                    if (gradients[i])
                        expect_close(&k, &run, check_numbered(name, 'd', i), &c->in[i].shape, gradients[i],
                                     bf16 ? 1e-2 : 1e-6);
                }
            }
            test_release(&run);
            store_free(store);
            free(k.projection);
            free(k.out.data);
            for (int i = 0; i < c->inputs; i++) {
                free(k.value[i]);
                free(k.in[i].data);
            }
            failures += k.failures;
        }
    if (failures)
        fail_msg("%s failed", c->name);
}

void op_expect_failure(const char *what, bad_build *build, const char *const *expected)
{
    struct store *store = test_store();
    struct graph *g = test_graph(store, true);
    struct assay_error error = {0}, later = {0};
    graph_set_layer(g, "stage3.proj");
    node y = build(g);
    if (!graph_failed(g) || y.id != NODE_NONE.id)
        fail_msg("%s: no failure", what);
    assert_int_not_equal(graph_status(g, &error), ASSAY_OK);
    if (!strstr(error.message, "stage3.proj"))
        fail_msg("%s: \"%s\" does not name the layer", what, error.message);
    for (; *expected; expected++)
        if (!strstr(error.message, *expected))
            fail_msg("%s: \"%s\" does not say \"%s\"", what, error.message, *expected);

    /* What follows is quiet, and compiling reports the first failure. */
    graph_set_layer(g, "later");
    node z = op_relu(g, op_matmul(g, y, constant(g, 1, SHAPE(7, 5)), false, false));
    tap(g, "y", op_conv2d(g, z, z, conv_square(1, 0)));
    graph_gradients(g, op_sum(g, z, REDUCE_ALL, false), &y, 1, &z);
    assert_int_equal(z.id, NODE_NONE.id);
    struct plan_options options = {.backend = test_backend(0)};
    struct plan *plan = NULL;
    assert_int_not_equal(plan_create(g, &options, &plan, &later), ASSAY_OK);
    assert_null(plan);
    assert_string_equal(later.message, error.message);
    store_free(store);
}
