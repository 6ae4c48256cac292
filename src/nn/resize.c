/* resize.c - matrices of interpolation, and their products with maps. */
#include "nn/resize.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "ops/matmul.h"
#include "ops/move.h"

static double cubic(double x, double a)
{
    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

/* Source cells per output cell. */
static double step_of(int64_t in, int64_t out, const struct resize_config *c, int axis)
{
    if (c->align_corners && c->method != RESIZE_NEAREST)
        return out > 1 ? (double)(in - 1) / (double)(out - 1) : 0;
    return c->scale[axis] > 0 ? 1 / c->scale[axis] : (double)in / (double)out;
}

static int64_t bounded(int64_t i, int64_t count)
{
    return i < 0 ? 0 : i >= count ? count - 1 : i;
}

/* In float32 as torch does it: where the product is nearly whole, rounding decides which cell is taken. */
static void nearest_row(float *row, int64_t in, int64_t i, double step)
{
    row[bounded((int64_t)floorf((float)i * (float)step), in)] = 1;
}

/* The kernel's taps around the source place; cells beyond the border are the border's. */
static void plain_row(float *row, int64_t in, int64_t i, double step, const struct resize_config *c)
{
    double place = c->align_corners ? step * (double)i : step * ((double)i + 0.5) - 0.5;
    if (c->method == RESIZE_BILINEAR && place < 0)
        place = 0;
    int64_t first = (int64_t)floor(place);
    double t = place - (double)first;
    if (c->method == RESIZE_BILINEAR) {
        row[bounded(first, in)] += (float)(1 - t);
        row[bounded(first + 1, in)] += (float)t;
        return;
    }
    for (int tap = -1; tap <= 2; tap++)
        row[bounded(first + tap, in)] += (float)cubic(tap - t, -0.75);
}

/* A kernel as wide as an output cell; cells beyond the border do not count. */
static void antialias_row(float *row, int64_t in, int64_t i, double step, const struct resize_config *c)
{
    double stretch = step > 1 ? step : 1, support = (c->method == RESIZE_BICUBIC ? 2 : 1) * stretch, sum = 0;
    double centre = step * ((double)i + 0.5);
    int64_t first = (int64_t)(centre - support + 0.5), end = (int64_t)(centre + support + 0.5);
    first = first < 0 ? 0 : first;
    end = end > in ? in : end;
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t j = first; j < end; j++) {
            double x = ((double)j - centre + 0.5) / stretch;
            double weight = c->method == RESIZE_BICUBIC ? cubic(x, -0.5) : fmax(0, 1 - fabs(x));
            if (pass == 0)
                sum += weight;
            else
                row[j] = (float)(sum != 0 ? weight / sum : weight);
        }
    }
}

void resize_matrix(float *matrix, int64_t in, int64_t out, const struct resize_config *c, int axis)
{
    double step = step_of(in, out, c, axis);
    memset(matrix, 0, (size_t)(in * out) * sizeof *matrix);
    for (int64_t i = 0; i < out; i++, matrix += in) {
        if (c->method == RESIZE_NEAREST)
            nearest_row(matrix, in, i, step);
        else if (c->antialias)
            antialias_row(matrix, in, i, step, c);
        else
            plain_row(matrix, in, i, step, c);
    }
}

/* The matrix of one side as a node. */
static node side_matrix(struct graph *g, int64_t in, int64_t out, const struct resize_config *c, int axis)
{
    size_t count;
    float *matrix = size_mul((size_t)in, (size_t)out, &count) ? mem_alloc(count, sizeof *matrix) : NULL;
    if (!matrix) {
        graph_fail(g, "resize: no memory for the matrix from %lld to %lld", (long long)in, (long long)out);
        return NODE_NONE;
    }
    resize_matrix(matrix, in, out, c, axis);
    node m = constant_data(g, matrix, SHAPE(out, in));
    mem_free(matrix);
    return m;
}

node resize(struct graph *g, node x, int64_t height, int64_t width, struct resize_config c)
{
    if (graph_failed(g))
        return NODE_NONE;
    struct shape s = graph_shape(g, x);
    if (s.rank != 4 || shape_count(&s) == 0 || height < 1 || width < 1 || height > INT32_MAX || width > INT32_MAX) {
        char text[SHAPE_TEXT];
        graph_fail(g, "resize takes [B, H, W, C] to sizes of 1 or more, got %s to %lld by %lld", shape_text(&s, text),
                   (long long)height, (long long)width);
        return NODE_NONE;
    }
    if (height != s.dim[1] || c.scale[0] > 0) {
        node m = side_matrix(g, s.dim[1], height, &c, 0);
        x = op_matmul(g, m, op_reshape(g, x, SHAPE(s.dim[0], s.dim[1], s.dim[2] * s.dim[3])), false, false);
        x = op_reshape(g, x, SHAPE(s.dim[0], height, s.dim[2], s.dim[3]));
    }
    if (width != s.dim[2] || c.scale[1] > 0) {
        node m = side_matrix(g, s.dim[2], width, &c, 1);
        x = op_matmul(g, m, op_reshape(g, x, SHAPE(s.dim[0] * height, s.dim[2], s.dim[3])), false, false);
        x = op_reshape(g, x, SHAPE(s.dim[0], height, width, s.dim[3]));
    }
    return x;
}
