/* residual_cooccurrence.c - the branch of co-occurrences: how often neighbours of a residual take which pair of levels,
 * as SPAM (Pevny et al., IEEE TIFS 2010) and the rich models (Fridrich and Kodovsky, IEEE TIFS 2012) count it. Levels
 * are counted softly: a value between two belongs to both, so that counts change smoothly with the picture. */
#include "detector/residual.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/move.h"

enum { DIRECTIONS = 2, MAX_LEVELS = 9 };
#define COUNT_EPS 1e-3f

/* x[i + 1] - x[i] along an axis: one shorter. */
static node difference(struct graph *g, node x, int axis)
{
    int64_t n = graph_dim(g, x, axis) - 1;
    return op_sub(g, op_slice_axis(g, x, axis, 1, n), op_slice_axis(g, x, axis, 0, n));
}

/* Pairs of levels that mean the same: a residual and its negative are as likely, and so are a pair and its reverse (as
 * the rich models merge them). The class of a pair is named by its least member. */
static int64_t class_of(int64_t a, int64_t b, int64_t levels)
{
    int64_t top = levels - 1, least = a * levels + b;
    const int64_t same[] = {b * levels + a, (top - a) * levels + top - b, (top - b) * levels + top - a};
    for (int i = 0; i < 3; i++)
        least = same[i] < least ? same[i] : least;
    return least;
}

struct classes {
    int64_t levels, count;
    int64_t name[MAX_LEVELS * MAX_LEVELS];
};

static struct classes find_classes(int64_t levels)
{
    struct classes c = {.levels = levels};
    for (int64_t pair = 0; pair < levels * levels; pair++)
        if (class_of(pair / levels, pair % levels, levels) == pair)
            c.name[c.count++] = pair;
    return c;
}

/* Row: level of a place, direction, level of its neighbour; column: direction, class. */
static double class_entry(int64_t row, int64_t column, const void *context)
{
    const struct classes *c = context;
    int64_t neighbour = row % c->levels, direction = row / c->levels % DIRECTIONS, own = row / c->levels / DIRECTIONS;
    return direction == column / c->count && class_of(own, neighbour, c->levels) == c->name[column % c->count];
}

/* Shares of the pairs (x, its right neighbour) and (x, its lower neighbour) by their classes, over the places that have
 * both: memberships [N, levels, H, W] to [N, 2 classes]. */
static node pairs(struct graph *g, node member, const struct classes *classes, node merge)
{
    struct shape s = graph_shape(g, member);
    int64_t levels = classes->levels, rows = s.dim[2] - 1, columns = s.dim[3] - 1, places = rows * columns;
    const int64_t size[] = {s.dim[0], levels, rows, columns};
    node own = op_slice(g, member, (const int64_t[]){0, 0, 0, 0}, size);
    node neighbours[DIRECTIONS] = {
        op_slice(g, member, (const int64_t[]){0, 0, 0, 1}, size),
        op_slice(g, member, (const int64_t[]){0, 0, 1, 0}, size),
    };
    node both = op_reshape(g, op_concat(g, neighbours, DIRECTIONS, 1), SHAPE(s.dim[0], DIRECTIONS * levels, places));
    node counts = op_matmul_f32(g, op_reshape(g, own, SHAPE(s.dim[0], levels, places)), both, false, true);
    counts = op_reshape(g, op_scale(g, counts, 1 / (float)places), SHAPE(s.dim[0], DIRECTIONS * levels * levels));
    return op_matmul_f32(g, counts, merge, false, false);
}

/* How much each value belongs to each level, one at the level itself and none a step away; beyond the last levels all
 * to them: residuals [N, H, W] to [N, levels, H, W]. */
static node membership(struct graph *g, node x, float step, int64_t range)
{
    float levels[MAX_LEVELS];
    struct shape s = graph_shape(g, x);
    for (int64_t i = 0; i < 2 * range + 1; i++)
        levels[i] = (float)(i - range);
    x = op_clamp(g, op_scale(g, x, 1 / step), (float)-range, (float)range);
    x = op_reshape(g, x, SHAPE(s.dim[0], 1, s.dim[1] * s.dim[2]));
    x = op_abs(g, op_sub(g, x, constant_data(g, levels, SHAPE(2 * range + 1, 1))));
    return op_reshape(g, op_relu(g, op_affine(g, x, -1, 1)), SHAPE(s.dim[0], 2 * range + 1, s.dim[1], s.dim[2]));
}

/* Logarithms of the shares of pairs across and down, of the differences across, of those down and of the second
 * differences along both, these in steps four times as large: 6 x classes a plane (range 2: 9 classes). */
node residual_cooccurrence(struct graph *g, node planes, int64_t range, float step)
{
    enum { FILTERS = 3 };
    if (graph_failed(g))
        return NODE_NONE;
    struct shape s = graph_shape(g, planes);
    node x = op_reshape(g, planes, SHAPE(s.dim[0] * s.dim[1], s.dim[2], s.dim[3]));
    node across = difference(g, x, 2), down = difference(g, x, 1);
    node square = difference(g, difference(g, difference(g, across, 2), 1), 1); /* [1 -2 1]^T [1 -2 1] */
    const node filtered[FILTERS] = {across, down, square};
    const float centers[FILTERS] = {1, 1, 4};
    struct classes classes = find_classes(2 * range + 1);
    int64_t pair_count = DIRECTIONS * classes.levels * classes.levels;
    node merge = residual_matrix(g, pair_count, DIRECTIONS * classes.count, class_entry, &classes);
    node parts[FILTERS];
    for (int i = 0; i < FILTERS && !graph_failed(g); i++)
        parts[i] = pairs(g, membership(g, filtered[i], step * centers[i], range), &classes, merge);
    if (graph_failed(g))
        return NODE_NONE;
    node shares = op_concat(g, parts, FILTERS, 1);
    return op_reshape(g, op_log(g, op_affine(g, shares, 1, COUNT_EPS)), SHAPE(s.dim[0], -1));
}
