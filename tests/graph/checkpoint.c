/* checkpoint.c - regions that are recomputed in the backward pass: the same gradients bit for bit, in less memory. */
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 4, ROWS = 96, WIDTH = 32, HIDDEN = 128 };

/* Residual blocks with dropout and a running mean; taps "y", "loss", "d.x", "d.<i>", "inside". */
static struct test_run network(struct store *store, bool checkpoint, enum precision precision)
{
    struct graph *g = test_graph(store, true);
    float *w = calloc((size_t)WIDTH * HIDDEN, sizeof *w);
    node x = input(g, "x", SHAPE(ROWS, WIDTH), DTYPE_F32), h = x, wrt[2 * BLOCKS + 1], d[2 * BLOCKS + 1];
    for (int i = 0; i < BLOCKS; i++) {
        char name[32];
        test_fill(w, WIDTH * HIDDEN, (uint64_t)i, -0.2, 0.2);
        snprintf(name, sizeof name, "up.%d", i);
        wrt[2 * i] = test_param(g, store, name, SHAPE(WIDTH, HIDDEN), w);
        snprintf(name, sizeof name, "down.%d", i);
        wrt[2 * i + 1] = test_param(g, store, name, SHAPE(HIDDEN, WIDTH), w);
        snprintf(name, sizeof name, "mean.%d", i);
        test_entry(store, name, SHAPE(HIDDEN), STORE_STATE, w);
        node mean = state(g, name, SHAPE(HIDDEN), (struct store_init){STORE_CONSTANT, 0, 0});
        if (checkpoint)
            checkpoint_begin(g);
        node up = op_gelu(g, op_matmul(g, h, wrt[2 * i], false, false));
        assign(g, mean, detach(g, op_mean(g, up, REDUCE_AXIS(0), false)));
        up = op_dropout(g, op_mul(g, up, op_sigmoid(g, up)), 0.25f);
        node down = op_matmul(g, up, wrt[2 * i + 1], false, false);
        if (i == 1)
            tap(g, "inside", down);
        h = op_add(g, h, down);
        if (checkpoint)
            checkpoint_end(g);
    }
    wrt[2 * BLOCKS] = x;
    node loss = op_mean(g, op_square(g, h), REDUCE_ALL, false);
    graph_gradients(g, loss, wrt, 2 * BLOCKS + 1, d);
    tap(g, "y", h);
    tap(g, "loss", loss);
    for (int i = 0; i <= 2 * BLOCKS; i++) {
        char name[32];
        snprintf(name, sizeof name, "d.%d", i);
        tap(g, name, d[i]);
    }
    free(w);
    return test_compile_apart(g, test_backend(0), precision);
}

static void compare(enum precision precision)
{
    struct store *store = test_store(), *other = test_store();
    struct test_run kept = network(store, false, precision), again = network(other, true, precision);
    float x[ROWS * WIDTH];
    test_fill(x, ROWS * WIDTH, 9, -1, 1);
    for (uint64_t step = 0; step < 2; step++) {
        test_execute(&kept, &(struct feed){"x", x}, 1, 3, step);
        test_execute(&again, &(struct feed){"x", x}, 1, 3, step);
        for (int i = -3; i <= 2 * BLOCKS; i++) {
            char name[32];
            snprintf(name, sizeof name, "d.%d", i);
            const char *tapped = i == -3 ? "y" : i == -2 ? "loss" : i == -1 ? "inside" : name;
            assert_true(test_count(&kept, tapped) > 0);
            test_same(tapped, test_read(&again, tapped), test_read(&kept, tapped), test_count(&kept, tapped));
        }
        for (int i = 0; i < BLOCKS; i++) {
            char name[32];
            snprintf(name, sizeof name, "mean.%d", i);
            test_same(name, store_get(other, name)->data, store_get(store, name)->data, HIDDEN);
        }
    }
    size_t less = plan_workspace_bytes(again.plan), more = plan_workspace_bytes(kept.plan);
    if (less + BLOCKS * ROWS * HIDDEN * 2 > more) /* at least one inner value of each block is not kept */
        fail_msg("%zu bytes with checkpoints, %zu without", less, more);
    test_release(&kept);
    test_release(&again);
    store_free(store);
    store_free(other);
}

static void test_same_gradients(void **context)
{
    (void)context;
    compare(PRECISION_MODE_F32);
}

static void test_same_gradients_bf16(void **context)
{
    (void)context;
    compare(PRECISION_MODE_BF16);
}

/* Without gradients a region is nothing. */
static void test_forward_only(void **context)
{
    struct store *store = test_store();
    const float x[2] = {1, 2};
    (void)context;
    struct graph *g = test_graph(store, false);
    node in = input(g, "x", SHAPE(2), DTYPE_F32);
    checkpoint_begin(g);
    node y = op_affine(g, in, 2, 1);
    checkpoint_end(g);
    checkpoint_begin(g); /* an empty one, too */
    checkpoint_end(g);
    tap(g, "y", op_square(g, y));
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    test_execute(&run, &(struct feed){"x", x}, 1, 0, 0);
    test_close("y", test_read(&run, "y"), (const float[]){9, 25}, 2, 1e-6);
    test_release(&run);
    store_free(store);
}

static void test_nesting(void **context)
{
    struct store *store = test_store();
    (void)context;
    struct graph *g = test_graph(store, true);
    checkpoint_begin(g);
    checkpoint_begin(g);
    assert_true(graph_failed(g));
    graph_free(g);
    g = test_graph(store, true);
    checkpoint_end(g);
    assert_true(graph_failed(g));
    graph_free(g);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_gradients),
        cmocka_unit_test(test_same_gradients_bf16),
        cmocka_unit_test(test_forward_only),
        cmocka_unit_test(test_nesting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
