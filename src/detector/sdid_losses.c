/* sdid_losses.c - SDID's two losses between the modalities and their queues.
 *
 * Where the paper is silent: the members of a class are averaged and the terms summed; embeddings are pushed after the
 * loss, those of one picture into the same slot of its class's two queues; slots never filled take no part. There are
 * no momentum encoders. */
#include <stdio.h>

#include "detector/sdid.h"
#include "nn/queue.h"
#include "ops/elementwise.h"
#include "ops/gather.h"
#include "ops/loss.h"
#include "ops/matmul.h"
#include "ops/move.h"
#include "ops/reduce.h"
#include "ops/softmax.h"
#include "ops/top_k.h"

enum { RGB, PARTNER, VIEWS };
enum { REAL, GENERATED, CLASSES };

#define NOWHERE (-1e30f) /* similarity of an empty slot: no exponential of it is above zero */

/* The queues of one class: slots [N, D] by modality, filled together. */
struct class_queues {
    struct queue_ring ring;
    node slots[VIEWS];
    node filled;  /* [1, N] */
    node members; /* [B, 1]: 1 where the picture is of that class */
};

static struct class_queues class_queues(struct graph *g, struct params p, const struct sdid_method *m, int label,
                                        node generated)
{
    static const char *const names[] = {"real", "generated"};
    struct class_queues q = {.members = label == GENERATED ? generated : op_affine(g, generated, -1, 1)};
    struct params queue = params_scope(p, "queue");
    q.ring = queue_ring(g, params_scope(params_scope(queue, "ring"), names[label]), m->queue);
    q.slots[RGB] = queue_slots(g, params_scope(queue, "rgb"), names[label], &q.ring, m->dim);
    q.slots[PARTNER] = queue_slots(g, params_scope(queue, "partner"), names[label], &q.ring, m->dim);
    q.filled = queue_filled(g, &q.ring);
    return q;
}

/* Mean of [B, 1] over the members; 0 where there are none. */
static node member_mean(struct graph *g, node each, node members)
{
    node count = op_max(g, op_sum(g, members, REDUCE_ALL, false), constant(g, 1, SHAPE_SCALAR));
    return op_div(g, op_sum(g, op_mul(g, each, members), REDUCE_ALL, false), count);
}

/* Similarities [B, N] of embeddings [B, D] with a queue's slots. */
static node similarities(struct graph *g, node z, const struct class_queues *q, int view)
{
    node all = op_matmul_f32(g, z, q->slots[view], false, true);
    return op_select(g, q->filled, all, constant(g, NOWHERE, SHAPE_SCALAR));
}

/* The paper's L_CMCL: its own pair against the other class's queue of the other modality, [B, 1]. */
static node cmcl(struct graph *g, node z, node pair, node negatives, float temperature)
{
    node own = op_sum(g, op_mul(g, z, pair), REDUCE_AXIS(1), true);
    node logits = op_scale(g, op_concat(g, (node[]){own, negatives}, 2, 1), 1 / temperature); /* [B, 1 + N] */
    return op_neg(g, op_slice_axis(g, op_log_softmax(g, logits), 1, 0, 1));
}

/* Values at places [B, K] of similarities [B, N], as logarithms of a distribution. */
static node distribution(struct graph *g, node similar, node places, double temperature)
{
    node near = op_gather(g, op_reshape(g, similar, SHAPE(-1)), places);
    return op_log_softmax(g, op_scale(g, near, (float)(1 / temperature)));
}

/* The paper's L_CMMD: KL(teacher || student) of the distributions over the nearest slots, [B, 1]. */
static node cmmd(struct graph *g, const struct sdid_method *m, node teacher, node student)
{
    int64_t slots = graph_dim(g, teacher, 1), k = m->neighbours < slots ? m->neighbours : slots;
    teacher = detach(g, teacher);
    node places = op_top_k(g, teacher, k);
    node log_p = distribution(g, teacher, places, m->teacher_temperature);
    node log_q =
        distribution(g, student, m->whose == SDID_OWN ? op_top_k(g, student, k) : places, m->student_temperature);
    return op_sum(g, op_mul(g, op_exp(g, log_p), op_sub(g, log_p, log_q)), REDUCE_AXIS(1), true);
}

struct sdid_terms sdid_terms(struct graph *g, struct params p, const struct sdid_method *m, const node views[2],
                             node labels)
{
    struct class_queues queues[CLASSES];
    struct sdid_terms terms;
    node generated = op_slice_axis(g, op_one_hot(g, labels, 2), 1, 1, 1); /* [B, 1] */
    node z[VIEWS];
    for (int view = 0; view < VIEWS; view++)
        z[view] = op_l2_normalize(g, views[view], 1e-12f);
    for (int label = 0; label < CLASSES; label++)
        queues[label] = class_queues(g, p, m, label, generated);

    graph_set_layer(g, "losses");
    for (int label = 0; label < CLASSES; label++) {
        const struct class_queues *own = &queues[label], *other = &queues[!label];
        node similar[VIEWS];
        for (int view = 0; view < VIEWS; view++) {
            terms.cmcl[label][view] = terms.cmmd[label][view] = NODE_NONE;
            similar[view] = m->cmmd > 0 ? similarities(g, z[view], own, view) : NODE_NONE;
        }
        for (int view = 0; view < VIEWS; view++) {
            if (m->cmcl > 0) {
                node negatives = similarities(g, z[view], other, !view);
                node each = cmcl(g, z[view], z[!view], negatives, (float)m->cmcl_temperature);
                terms.cmcl[label][view] = member_mean(g, each, own->members);
            }
            if (m->cmmd > 0)
                terms.cmmd[label][view] = member_mean(g, cmmd(g, m, similar[view], similar[!view]), own->members);
        }
    }
    graph_set_layer(g, "queues");
    for (int label = 0; label < CLASSES; label++) { /* takes effect after every read of this run */
        node places = queue_advance(g, &queues[label].ring, queues[label].members);
        for (int view = 0; view < VIEWS; view++)
            queue_push(g, queues[label].slots[view], z[view], places);
    }
    return terms;
}
