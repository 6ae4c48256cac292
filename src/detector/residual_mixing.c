/* residual_mixing.c - what the detector `residual` does to pictures in training only: Learning on Less's random mask,
 * and mixing each with the next of its batch, label included (mixup; Zhang et al., ICLR 2018), as pixels or as
 * statistics. */
#include "detector/lol.h"
#include "detector/residual.h"
#include "ops/elementwise.h"
#include "ops/move.h"
#include "ops/random.h"

/* The first axis turned by one: row i is x's row i + 1, the last its first. */
static node following(struct graph *g, node x)
{
    int64_t count = graph_dim(g, x, 0);
    if (graph_failed(g) || count < 2)
        return x;
    return op_concat(g, (node[]){op_slice_axis(g, x, 0, 1, count - 1), op_slice_axis(g, x, 0, 0, 1)}, 2, 0);
}

node residual_mix(struct graph *g, node x, node share)
{
    struct shape each = {.rank = graph_rank(g, x), .dim = {graph_dim(g, share, 0)}};
    for (int i = 1; i < each.rank; i++)
        each.dim[i] = 1;
    return op_add(g, x, op_mul(g, op_sub(g, following(g, x), x), op_reshape(g, share, each)));
}

/* Column i of uniform draws [B, n]: [B, 1]. */
static node draw(struct graph *g, node draws, int64_t i)
{
    return op_slice_axis(g, draws, 1, i, 1);
}

/* 1 where a draw [B, 1] is below the probability. */
static node happens(struct graph *g, node draws, double probability)
{
    return op_less(g, draws, constant(g, (float)probability, SHAPE_SCALAR));
}

node residual_share(struct graph *g, const struct residual_config *c, int64_t batch)
{
    node draws = op_random_uniform(g, SHAPE(batch, 2));
    return op_scale(g, op_mul(g, draw(g, draws, 0), happens(g, draw(g, draws, 1), c->mix_probability)),
                    (float)c->mix_most);
}

node residual_mask(struct graph *g, const struct residual_config *c, node x)
{
    const struct lol_config lol = {.mask = LOL_MASK_CORRECTED,
                                   .ratio_min = c->mask_min,
                                   .ratio_max = c->mask_max,
                                   .aspect_min = 1.0 / 3,
                                   .aspect_max = 3};
    if (c->mask_min > c->mask_max) {
        graph_fail(g, "options mask-ratio: the smallest lies above the largest");
        return NODE_NONE;
    }
    int64_t batch = graph_dim(g, x, 0);
    node draws = op_random_uniform(g, SHAPE(batch, 5));
    node masked = op_reshape(g, happens(g, draw(g, draws, 4), c->mask_probability), SHAPE(batch, 1, 1, 1));
    node hidden = op_affine(g, lol_mask(g, &lol, draws, graph_dim(g, x, 1), graph_dim(g, x, 2)), -1, 1);
    return op_mul(g, x, op_affine(g, op_mul(g, hidden, masked), -1, 1));
}
