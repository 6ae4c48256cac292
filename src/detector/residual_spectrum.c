/* residual_spectrum.c - the branch of the spectrum: log-power of the two-dimensional Fourier transform of the crop,
 * where upsampling leaves peaks and generators a slope of their own (Durall et al., CVPR 2020; Corvi et al., CVPRW
 * 2023). It is read out by radius, by direction, in coarse cells, and at the multiples of 1/8 of the sampling rate,
 * where decoders that upsample by 2, 4 or 8 put their peaks. Half the plane of frequencies suffices, for pixels are
 * real. */
#include <math.h>

#include "base/memory.h"
#include "detector/residual.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/move.h"

enum {
    RADII = 33, /* 32 rings up to the Nyquist frequency and the corners beyond */
    DIRECTIONS = 16,
    CELL_ROWS = 8,
    CELL_COLUMNS = 4,
    LATTICE = 8,
    MAX_SIDE = 512 /* the matrix of the rings grows with the square */
};
#define POWER_EPS 1e-2f      /* grey levels squared */
#define DIRECTION_FROM 0.125 /* of the sampling rate: directions are read outside this radius */
#define CUT_LEVELS 16.0f     /* as the residuals of the input */
#define PI 3.14159265358979323846

/* Row i is frequency (i % rows - zero) / side, first cosines, then sines; column: pixel, under a Hann window of unit
 * energy. */
struct fourier {
    int64_t side, rows, zero;
};

static double fourier_entry(int64_t row, int64_t column, const void *context)
{
    const struct fourier *f = context;
    double n = (double)f->side, window = sqrt(8 / (3 * n)) * pow(sin(PI * ((double)column + 0.5) / n), 2);
    int64_t turns = (row % f->rows - f->zero) * column % f->side;
    double angle = 2 * PI * (double)turns / n;
    return window * (row < f->rows ? cos(angle) : sin(angle));
}

/* [1 -2 1] / 2 around each pixel but the outermost, which get zeros. */
static double second_entry(int64_t row, int64_t column, const void *context)
{
    int64_t side = *(const int64_t *)context, place = column > row ? column - row : row - column;
    if (row == 0 || row == side - 1)
        return 0;
    return place == 0 ? 1 : place == 1 ? -0.5 : 0;
}

/* Averages over the places of a group along one axis: equal runs of the first `count` of its places. */
struct runs {
    int64_t groups, count;
};

static double run_entry(int64_t row, int64_t column, const void *context)
{
    const struct runs *r = context;
    int64_t first = row * r->count / r->groups, end = (row + 1) * r->count / r->groups;
    return column >= first && column < end ? 1 / (double)(end - first) : 0;
}

/* Picks the place that is nearest to row / LATTICE of the side, of `places`. */
struct lattice {
    int64_t side, places;
};

static double lattice_entry(int64_t row, int64_t column, const void *context)
{
    const struct lattice *l = context;
    int64_t nearest = (2 * row * l->side + LATTICE) / (2 * LATTICE);
    return column == (nearest < l->places ? nearest : l->places - 1);
}

/* Which ring and which direction a place of the half plane belongs to; -1: to no direction. */
static void ring_of(int64_t side, int64_t place, int *ring, int *direction)
{
    int64_t columns = side / 2 + 1;
    double y = (double)(place / columns - side / 2) / (double)side, x = (double)(place % columns) / (double)side;
    double radius = hypot(x, y);
    *ring = radius < 0.5 ? (int)(radius * 2 * (RADII - 1)) : RADII - 1;
    int d = (int)((atan2(y, x) / PI + 0.5) * DIRECTIONS);
    *direction = radius <= DIRECTION_FROM ? -1 : d < DIRECTIONS ? d : DIRECTIONS - 1;
}

/* Means over rings and directions: [N, frequencies] to [N, RADII + DIRECTIONS]. */
static node by_ring(struct graph *g, node power, int64_t side)
{
    enum { GROUPS = RADII + DIRECTIONS };
    int64_t places = side * (side / 2 + 1);
    float size[GROUPS] = {0}, *matrix = mem_alloc((size_t)places * GROUPS, sizeof *matrix);
    if (!matrix) {
        graph_fail(g, "no memory for the rings of a spectrum of %lld by %lld", (long long)side, (long long)side);
        return NODE_NONE;
    }
    for (int64_t i = 0; i < places; i++) {
        int ring, direction;
        ring_of(side, i, &ring, &direction);
        matrix[i * GROUPS + ring] = 1;
        if (direction >= 0)
            matrix[i * GROUPS + RADII + direction] = 1;
        for (int k = 0; k < GROUPS; k++)
            size[k] += matrix[i * GROUPS + k];
    }
    for (int64_t i = 0; i < places * GROUPS; i++)
        matrix[i] = matrix[i] != 0 ? 1 / size[i % GROUPS] : 0;
    node mean = constant_data(g, matrix, SHAPE(places, GROUPS));
    mem_free(matrix);
    return op_matmul_f32(g, op_reshape(g, power, SHAPE(-1, places)), mean, false, false);
}

/* One quarter of the products of rows (cosines, sines) and columns (cosines, sines). */
static node quarter(struct graph *g, node x, int64_t row, int64_t column)
{
    struct shape s = graph_shape(g, x); /* [B P, 2, rows, 2, columns] */
    const int64_t begin[] = {0, row, 0, column, 0}, size[] = {s.dim[0], 1, s.dim[2], 1, s.dim[4]};
    return op_slice(g, x, begin, size);
}

/* Planes [N, S, S] to the power at frequencies -1/2 .. 1/2 down and 0 .. 1/2 across: [N, S, S / 2 + 1]. */
static node power_of(struct graph *g, node x)
{
    int64_t n = graph_dim(g, x, 0), side = graph_dim(g, x, 1), columns = side / 2 + 1;
    const struct fourier down = {side, side, side / 2}, across = {side, columns, 0};
    node rows = residual_matrix(g, 2 * side, side, fourier_entry, &down);
    x = residual_sides(g, rows, x, residual_matrix(g, 2 * columns, side, fourier_entry, &across));
    x = op_reshape(g, x, SHAPE(n, 2, side, 2, columns));
    node real = op_sub(g, quarter(g, x, 0, 0), quarter(g, x, 1, 1));
    node imaginary = op_add(g, quarter(g, x, 0, 1), quarter(g, x, 1, 0));
    x = op_add(g, op_square(g, real), op_square(g, imaginary));
    return op_reshape(g, x, SHAPE(n, side, columns));
}

/* By ring and direction 49, by cell mean log-power and the logarithm of mean power above it 2 x 32, lattice 40: 153 a
 * plane. */
node residual_spectrum(struct graph *g, node planes, bool residual)
{
    if (graph_failed(g))
        return NODE_NONE;
    struct shape s = graph_shape(g, planes);
    int64_t b = s.dim[0], n = b * s.dim[1], side = s.dim[2], columns = side / 2 + 1;
    if (side > MAX_SIDE) {
        graph_fail(g, "option spectrum: crops of at most %d pixels, not %lld", MAX_SIDE, (long long)side);
        return NODE_NONE;
    }
    node x = op_reshape(g, planes, SHAPE(n, side, side));
    if (residual) {
        node second = residual_matrix(g, side, side, second_entry, &side);
        x = op_clamp(g, residual_sides(g, second, x, second), -CUT_LEVELS, CUT_LEVELS);
    }
    node power = power_of(g, x), log_power = op_log(g, op_affine(g, power, 1, POWER_EPS));

    const struct runs down = {CELL_ROWS, side}, across = {CELL_COLUMNS, columns};
    node cell_rows = residual_matrix(g, CELL_ROWS, side, run_entry, &down);
    node cell_columns = residual_matrix(g, CELL_COLUMNS, columns, run_entry, &across);
    node cells = residual_sides(g, cell_rows, log_power, cell_columns);
    node peaks = op_log(g, op_affine(g, residual_sides(g, cell_rows, power, cell_columns), 1, POWER_EPS));

    const struct lattice lattice_down = {side, side}, lattice_across = {side, columns};
    node lattice_rows = residual_matrix(g, LATTICE, side, lattice_entry, &lattice_down);
    node lattice_columns = residual_matrix(g, LATTICE / 2 + 1, columns, lattice_entry, &lattice_across);
    node parts[] = {
        by_ring(g, log_power, side),
        cells,
        op_sub(g, peaks, cells),
        residual_sides(g, lattice_rows, log_power, lattice_columns),
    };
    for (int i = 0; i < 4; i++)
        parts[i] = op_reshape(g, parts[i], SHAPE(b, -1));
    return op_concat(g, parts, 4, 1);
}
