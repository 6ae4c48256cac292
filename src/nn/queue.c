/* queue.c - rings and their queues out of comparisons and a product with the matrix of who goes where, which is exact:
 * each slot gets one row times 1. */
#include "nn/queue.h"

#include "base/memory.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/move.h"
#include "ops/reduce.h"

struct queue_ring queue_ring(struct graph *g, struct params p, int64_t length)
{
    return (struct queue_ring){
        .length = length,
        .at = params_state(g, &p, "at", SHAPE(1), init_zeros()),
        .filled = params_state(g, &p, "filled", SHAPE(1), init_zeros()),
    };
}

/* 0, 1, ... count - 1. */
static node numbers(struct graph *g, int64_t count, struct shape shape)
{
    if (graph_failed(g))
        return NODE_NONE;
    float *values = mem_alloc((size_t)count, sizeof *values);
    if (!values) {
        graph_fail(g, "no memory for the numbers of %lld slots", (long long)count);
        return NODE_NONE;
    }
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)i;
    node out = constant_data(g, values, shape);
    mem_free(values);
    return out;
}

node queue_filled(struct graph *g, const struct queue_ring *ring)
{
    return op_less(g, numbers(g, ring->length, SHAPE(1, ring->length)), ring->filled);
}

node queue_slots(struct graph *g, struct params p, const char *name, const struct queue_ring *ring, int64_t width)
{
    return params_state(g, &p, name, SHAPE(ring->length, width), init_zeros());
}

/* x modulo n, for whole numbers that a float holds: division of a multiple is exact. */
static node modulo(struct graph *g, node x, int64_t n)
{
    node length = constant(g, (float)n, SHAPE_SCALAR);
    return op_sub(g, x, op_mul(g, op_floor(g, op_div(g, x, length)), length));
}

node queue_advance(struct graph *g, const struct queue_ring *ring, node members)
{
    if (graph_failed(g))
        return NODE_NONE;
    int64_t batch = graph_dim(g, members, 0), length = ring->length;
    node earlier = op_less(g, numbers(g, batch, SHAPE(1, batch)), numbers(g, batch, SHAPE(batch, 1))); /* [B, B] */
    node before = op_matmul_f32(g, earlier, members, false, false); /* [B, 1]: members before this one */
    node count = op_reshape(g, op_sum(g, members, REDUCE_ALL, false), SHAPE(1));
    node slot = modulo(g, op_add(g, before, ring->at), length); /* [B, 1] */
    node places = op_equal(g, slot, numbers(g, length, SHAPE(1, length)));
    places = op_mul(g, places, members);
    if (batch > length) { /* of those that fall on one slot the last */
        node last = op_less(g, op_sub(g, count, before), constant(g, (float)length + 0.5f, SHAPE_SCALAR));
        places = op_mul(g, places, last);
    }
    assign(g, ring->at, modulo(g, op_add(g, ring->at, count), length));
    assign(g, ring->filled, op_min(g, op_add(g, ring->filled, count), constant(g, (float)length, SHAPE_SCALAR)));
    return places;
}

void queue_push(struct graph *g, node slots, node rows, node places)
{
    node written = op_reshape(g, op_sum(g, places, REDUCE_AXIS(0), false), SHAPE(-1, 1)); /* [length, 1] */
    node brought = op_matmul_f32(g, places, detach(g, rows), true, false);                /* [length, width] */
    assign(g, slots, op_select(g, written, brought, slots));
}
