/* Queues against a ring of slots in plain C: any number of rows at a time, none, and more than there are slots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nn/queue.h"
#include "support/support.h"

enum { LENGTH = 7, WIDTH = 3, MOST = 20, STEPS = 40 };

struct plain {
    float slots[2][LENGTH][WIDTH];
    int at, filled;
};

static void push(struct plain *p, int batch, const float *members, const float *rows)
{
    for (int i = 0; i < batch; i++) {
        if (members[i] == 0)
            continue;
        for (int k = 0; k < WIDTH; k++) {
            p->slots[0][p->at][k] = rows[i * WIDTH + k];
            p->slots[1][p->at][k] = -rows[i * WIDTH + k];
        }
        p->at = (p->at + 1) % LENGTH;
        p->filled += p->filled < LENGTH;
    }
}

static struct test_run compile(struct store *store, int batch)
{
    struct graph *g = test_graph(store, true);
    struct params p = params_scope(params_root(store), "queue");
    struct queue_ring ring = queue_ring(g, p, LENGTH);
    node a = queue_slots(g, p, "a", &ring, WIDTH), b = queue_slots(g, p, "b", &ring, WIDTH);
    node rows = input(g, "rows", SHAPE(batch, WIDTH), DTYPE_F32);
    tap(g, "filled", queue_filled(g, &ring));
    node places = queue_advance(g, &ring, input(g, "members", SHAPE(batch, 1), DTYPE_F32));
    queue_push(g, a, rows, places);
    queue_push(g, b, op_neg(g, rows), places);
    return test_compile(g, test_backend(0), PRECISION_MODE_BF16);
}

static void test_ring(void **context)
{
    (void)context;
    struct assay_error error = {0};
    static const int batches[] = {5, 3, MOST};
    struct store *store = test_store();
    struct test_run run[3];
    struct plain plain = {0};
    for (int i = 0; i < 3; i++)
        run[i] = compile(store, batches[i]);
    assert_int_equal(store_initialise(store, 1, &error), ASSAY_OK);
    for (int step = 0; step < STEPS; step++) {
        float rows[MOST * WIDTH], members[MOST];
        int batch = batches[step % 3];
        test_fill(rows, MOST * WIDTH, (uint64_t)step, -1, 1);
        test_fill(members, MOST, 100 + (uint64_t)step, -1, 1);
        for (int i = 0; i < MOST; i++) /* none, all, or some */
            members[i] = step % 5 == 1 ? 0 : step % 5 == 2 ? 1 : members[i] < 0;
        const struct feed feeds[] = {{"rows", rows}, {"members", members}};
        int before = plain.filled;
        test_execute(&run[step % 3], feeds, 2, 1, (uint64_t)step);
        const float *filled = test_read(&run[step % 3], "filled");
        push(&plain, batch, members, rows);
        for (int i = 0; i < LENGTH; i++)
            assert_true(filled[i] == (float)(i < before)); /* as it was when the run began */
        assert_true(store_get(store, "queue.at")->data[0] == (float)plain.at);
        assert_true(store_get(store, "queue.filled")->data[0] == (float)plain.filled);
        test_same("a", store_get(store, "queue.a")->data, plain.slots[0][0], LENGTH * WIDTH);
        test_same("b", store_get(store, "queue.b")->data, plain.slots[1][0], LENGTH * WIDTH);
    }
    for (int i = 0; i < 3; i++)
        test_release(&run[i]);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ring)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
