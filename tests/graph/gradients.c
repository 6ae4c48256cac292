/* gradients.c - reverse mode: paths that meet, values without a gradient, what is frozen, unused or dead. */
#include "support/support.h"

#include <math.h>
#include <string.h>

/* One input x of three values, and a graph over it. */
struct fixture {
    struct store *store;
    struct graph *g;
    node x;
};

static const float x_values[3] = {0.5f, 1, 2};

static struct fixture begin(void)
{
    struct fixture f = {.store = test_store()};
    f.g = test_graph(f.store, true);
    f.x = input(f.g, "x", SHAPE(3), DTYPE_F32);
    return f;
}

static node total(struct graph *g, node y)
{
    return op_sum(g, y, REDUCE_ALL, false);
}

/* Runs what was tapped as "d" and compares; ends the fixture. */
static void expect(struct fixture *f, const char *what, const float *d, int64_t count)
{
    struct test_run run = test_compile(f->g, test_backend(0), PRECISION_MODE_F32);
    test_execute(&run, &(struct feed){"x", x_values}, 1, 0, 0);
    assert_int_equal(test_count(&run, "d"), count);
    test_close(what, test_read(&run, "d"), d, count, 1e-6);
    test_release(&run);
    store_free(f->store);
}

static void test_diamond(void **context)
{
    struct fixture f = begin();
    node d;
    (void)context;
    node a = op_affine(f.g, f.x, 1, 1), b = op_scale(f.g, f.x, 3); /* (x + 1) 3x + x^2: 8x + 3 */
    graph_gradients(f.g, total(f.g, op_add(f.g, op_mul(f.g, a, b), op_square(f.g, f.x))), &f.x, 1, &d);
    tap(f.g, "d", d);
    expect(&f, "diamond", (const float[]){7, 11, 19}, 3);
}

/* More paths than any op takes inputs. */
static void test_many_uses(void **context)
{
    struct fixture f = begin();
    node d, sum = f.x;
    (void)context;
    for (int i = 0; i < 200; i++)
        sum = op_add(f.g, sum, op_scale(f.g, f.x, (float)i));
    graph_gradients(f.g, total(f.g, sum), &f.x, 1, &d);
    tap(f.g, "d", d);
    expect(&f, "many uses", (const float[]){19901, 19901, 19901}, 3);
}

static void test_detach(void **context)
{
    struct fixture f = begin();
    node d[2], y = op_square(f.g, f.x);
    (void)context;
    /* x * detach(x^2): x^2, not 3 x^2 */
    graph_gradients(f.g, total(f.g, op_mul(f.g, f.x, detach(f.g, y))), (const node[]){f.x, y}, 2, d);
    tap(f.g, "d", d[0]);
    tap(f.g, "zero", d[1]);
    struct test_run run = test_compile(f.g, test_backend(0), PRECISION_MODE_F32);
    test_execute(&run, &(struct feed){"x", x_values}, 1, 0, 0);
    test_close("detached", test_read(&run, "d"), (const float[]){0.25f, 1, 4}, 3, 1e-6);
    test_close("behind it", test_read(&run, "zero"), (const float[]){0, 0, 0}, 3, 0);
    test_release(&run);
    store_free(f.store);
}

/* What the loss does not depend on gets zeros of its own shape, whatever lies between. */
static void test_unused(void **context)
{
    struct fixture f = begin();
    node other = constant(f.g, 2, SHAPE(2, 2)), d[3], wrt[3] = {other, f.x, op_scale(f.g, f.x, 2)};
    (void)context;
    graph_gradients(f.g, total(f.g, op_square(f.g, f.x)), wrt, 3, d);
    tap(f.g, "d", d[0]);
    tap(f.g, "x", d[1]);
    tap(f.g, "behind", d[2]);
    struct test_run run = test_compile(f.g, test_backend(0), PRECISION_MODE_F32);
    test_execute(&run, &(struct feed){"x", x_values}, 1, 0, 0);
    assert_int_equal(test_count(&run, "d"), 4);
    test_close("unused", test_read(&run, "d"), (const float[]){0, 0, 0, 0}, 4, 0);
    test_close("used", test_read(&run, "x"), (const float[]){1, 2, 4}, 3, 1e-6);
    test_close("computed and unused", test_read(&run, "behind"), (const float[]){0, 0, 0}, 3, 0);
    test_release(&run);
    store_free(f.store);
}

/* With respect to something computed, to the same thing twice, and to the loss itself. */
static void test_wrt(void **context)
{
    struct fixture f = begin();
    node y = op_scale(f.g, f.x, 3), loss = total(f.g, op_square(f.g, y)), d[4];
    (void)context;
    graph_gradients(f.g, loss, (const node[]){y, f.x, y, loss}, 4, d);
    tap(f.g, "y", d[0]);
    tap(f.g, "x", d[1]);
    tap(f.g, "again", d[2]);
    tap(f.g, "loss", d[3]);
    struct test_run run = test_compile(f.g, test_backend(0), PRECISION_MODE_F32);
    test_execute(&run, &(struct feed){"x", x_values}, 1, 0, 0);
    test_close("y", test_read(&run, "y"), (const float[]){3, 6, 12}, 3, 1e-6);
    test_close("x", test_read(&run, "x"), (const float[]){9, 18, 36}, 3, 1e-6);
    test_close("again", test_read(&run, "again"), (const float[]){3, 6, 12}, 3, 1e-6);
    test_close("loss", test_read(&run, "loss"), (const float[]){1}, 1, 0);
    test_release(&run);
    store_free(f.store);
}

/* Two losses over one graph, and the gradient of a gradient. */
static void test_again(void **context)
{
    struct fixture f = begin();
    node first, second, other, product[2];
    (void)context;
    node cube = op_pow(f.g, f.x, 3);
    graph_gradients(f.g, total(f.g, cube), &f.x, 1, &first);
    graph_gradients(f.g, total(f.g, first), &f.x, 1, &second);
    graph_gradients(f.g, op_mean(f.g, cube, REDUCE_ALL, false), &f.x, 1, &other);
    /* The same as a product: several gradients meet in the first, and the second goes through their sum. */
    graph_gradients(f.g, total(f.g, op_mul(f.g, f.x, op_mul(f.g, f.x, f.x))), &f.x, 1, &product[0]);
    graph_gradients(f.g, total(f.g, product[0]), &f.x, 1, &product[1]);
    tap(f.g, "product first", product[0]);
    tap(f.g, "product second", product[1]);
    tap(f.g, "first", first);
    tap(f.g, "second", second);
    tap(f.g, "other", other);
    struct test_run run = test_compile(f.g, test_backend(0), PRECISION_MODE_F32);
    test_execute(&run, &(struct feed){"x", x_values}, 1, 0, 0);
    test_close("first", test_read(&run, "first"), (const float[]){0.75f, 3, 12}, 3, 1e-6);
    test_close("second", test_read(&run, "second"), (const float[]){3, 6, 12}, 3, 1e-6);
    test_close("product first", test_read(&run, "product first"), (const float[]){0.75f, 3, 12}, 3, 1e-6);
    test_close("product second", test_read(&run, "product second"), (const float[]){3, 6, 12}, 3, 1e-6);
    test_close("other", test_read(&run, "other"), (const float[]){0.25f, 1, 4}, 3, 1e-6);
    test_release(&run);
    store_free(f.store);
}

/* Two layers, the first frozen; counts trained parameters and returns the workspace of d loss / d x and what else. */
static size_t layers(bool frozen, bool weights_too, bool tap_weights, int *trained)
{
    float w[64 * 64];
    struct store *store = test_store();
    struct graph *g = test_graph(store, true);
    test_fill(w, 64 * 64, 1, -0.1, 0.1);
    struct store_entry *first = test_entry(store, "first", SHAPE(64, 64), STORE_PARAM, w);
    test_entry(store, "second", SHAPE(64, 64), STORE_PARAM, w);
    test_entry(store, "not in the graph", SHAPE(64, 64), STORE_PARAM, w);
    first->frozen = frozen;
    node x = input(g, "x", SHAPE(256, 64), DTYPE_F32);
    node a = param(g, first), b = param(g, store_get(store, "second")), *params;
    node s = state(g, "state", SHAPE(64), (struct store_init){STORE_CONSTANT, 1, 0});
    node y = op_matmul(g, op_mul(g, op_relu(g, op_matmul(g, x, a, false, false)), s), b, false, false);
    *trained = graph_trained_params(g, &params);
    for (int i = 0; i < *trained; i++)
        assert_false(graph_entry(g, params[i])->frozen);
    assert_ptr_equal(graph_entry(g, a), first);
    node wrt[3] = {x, a, b}, d[3];
    graph_gradients(g, op_mean(g, op_square(g, y), REDUCE_ALL, false), wrt, weights_too ? 3 : 1, d);
    tap(g, "d", d[0]);
    if (tap_weights) {
        tap(g, "da", d[1]);
        tap(g, "db", d[2]);
    }
    struct assay_error error;
    assert_int_equal(store_initialise(store, 1, &error), ASSAY_OK);
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    size_t bytes = plan_workspace_bytes(run.plan);
    test_release(&run);
    store_free(store);
    return bytes;
}

static void test_frozen_and_dead(void **context)
{
    int trained;
    (void)context;
    size_t lean = layers(true, false, false, &trained);
    assert_int_equal(trained, 1);
    size_t dead = layers(false, true, false, &trained);
    assert_int_equal(trained, 2);
    size_t full = layers(false, true, true, &trained);
    assert_int_equal(dead, lean); /* gradients that nobody reads cost nothing */
    assert_true(full > lean);
}

/* A parameter that is used twice is counted once, and both uses reach its gradient. */
static void test_shared_param(void **context)
{
    struct fixture f = begin();
    node *params, d;
    (void)context;
    node w = test_param(f.g, f.store, "w", SHAPE(3), (const float[]){1, 2, 3});
    node again = param(f.g, store_get(f.store, "w"));
    node y = op_add(f.g, op_mul(f.g, w, f.x), op_square(f.g, again)); /* x + 2 w */
    assert_int_equal(graph_trained_params(f.g, &params), 1);
    graph_gradients(f.g, total(f.g, y), params, 1, &d);
    tap(f.g, "d", d);
    expect(&f, "shared", (const float[]){2.5f, 5, 8}, 3);
}

static void test_errors(void **context)
{
    struct assay_error error;
    struct fixture f = begin();
    node d = f.x;
    (void)context;
    graph_set_layer(f.g, "head");
    graph_gradients(f.g, f.x, &f.x, 1, &d);
    assert_true(graph_failed(f.g));
    assert_int_equal(d.id, NODE_NONE.id);
    assert_int_not_equal(graph_status(f.g, &error), ASSAY_OK);
    assert_non_null(strstr(error.message, "scalar"));
    graph_free(f.g);
    store_free(f.store);

    /* Nothing as loss or as variable: quiet in a failed graph, no crash in a sound one. */
    f = begin();
    graph_gradients(f.g, NODE_NONE, &f.x, 1, &d);
    assert_int_equal(d.id, NODE_NONE.id);
    graph_free(f.g);
    store_free(f.store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_diamond),         cmocka_unit_test(test_many_uses),    cmocka_unit_test(test_detach),
        cmocka_unit_test(test_unused),          cmocka_unit_test(test_wrt),          cmocka_unit_test(test_again),
        cmocka_unit_test(test_frozen_and_dead), cmocka_unit_test(test_shared_param), cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
