/* queue.h - first-in, first-out queues of embeddings (He et al., "Momentum contrast for unsupervised visual
 * representation learning", CVPR 2020, section 3.2) as states of the graph: they change after every read of a run, and
 * lie in every checkpoint with the rest of the store.
 *
 * A ring says which slot comes next and how many have ever been filled. Several queues may share one: what is pushed
 * for one picture then lies in the same slot of each. */
#ifndef ASSAY_NN_QUEUE_H
#define ASSAY_NN_QUEUE_H

#include "nn/params.h"

struct queue_ring {
    int64_t length; /* slots */
    node at;        /* [1]: the slot that is written next */
    node filled;    /* [1]: how many slots have been written, at most `length` */
};

/* States "at" and "filled" at p, zero at first. */
struct queue_ring queue_ring(struct graph *g, struct params p, int64_t length);

/* [1, length]: 1 where a slot has been filled, 0 elsewhere. */
node queue_filled(struct graph *g, const struct queue_ring *ring);

/* A queue's slots [length, width]: the state `name` at p. */
node queue_slots(struct graph *g, struct params p, const char *name, const struct queue_ring *ring, int64_t width);

/* Gives those rows of a batch that `members` [B, 1] has a 1 for the next slots, in their order, and moves the ring on
 * after this run. Returns what queue_push needs: [B, length], 1 where a row goes into a slot. There may be none of
 * them, or more than there are slots: the last ones stay. Once a ring and graph. */
node queue_advance(struct graph *g, const struct queue_ring *ring, node members);

/* The rows [B, width], without a gradient, into a queue of that ring after this run. */
void queue_push(struct graph *g, node slots, node rows, node places);

#endif
