/* tsne_start.c - two principal components by subspace iteration: two vectors multiplied by the covariance again and
 * again, made orthogonal each time. The covariance itself is never made. */
#include "eval/report/tsne_start.h"

#include <math.h>

#include "base/memory.h"
#include "base/random.h"

enum { SUBSPACE_STEPS = 60 };
#define SPREAD 1e-4

/* scores [points, 2] = (data - mean) axes, axes [dimensions, 2]. */
static void project(const float *data, size_t points, size_t dimensions, const double *mean, const double *axes,
                    double *scores)
{
    for (size_t i = 0; i < points; i++) {
        double a = 0, b = 0;
        for (size_t d = 0; d < dimensions; d++) {
            double value = (double)data[i * dimensions + d] - mean[d];
            a += value * axes[2 * d];
            b += value * axes[2 * d + 1];
        }
        scores[2 * i] = a;
        scores[2 * i + 1] = b;
    }
}

/* Makes the second axis orthogonal to the first and both of length 1; one without length becomes 0. */
static void orthonormalise(double *axes, size_t dimensions)
{
    for (int k = 0; k < 2; k++) {
        double before = 0, along = 0, length = 0;
        for (size_t d = 0; d < dimensions; d++) {
            before += axes[2 * d + k] * axes[2 * d + k];
            along += k ? axes[2 * d] * axes[2 * d + 1] : 0;
        }
        for (size_t d = 0; d < dimensions; d++) {
            axes[2 * d + k] -= k ? along * axes[2 * d] : 0;
            length += axes[2 * d + k] * axes[2 * d + k];
        }
        double scale = length > 1e-20 * before && length > 0 ? 1 / sqrt(length) : 0;
        for (size_t d = 0; d < dimensions; d++)
            axes[2 * d + k] *= scale;
    }
}

/* Turns an axis so that its largest loading is positive. */
static void fix_sign(double *axes, size_t dimensions, int k)
{
    double largest = 0;
    for (size_t d = 0; d < dimensions; d++)
        if (fabs(axes[2 * d + k]) > fabs(largest))
            largest = axes[2 * d + k];
    for (size_t d = 0; d < dimensions && largest < 0; d++)
        axes[2 * d + k] = -axes[2 * d + k];
}

assay_status tsne_start(const float *data, size_t points, size_t dimensions, double *place, struct assay_error *error)
{
    double *mean = mem_alloc(dimensions, 3 * sizeof *mean), *axes = mean ? mean + dimensions : NULL;
    if (!mean)
        return error_memory(error, "t-SNE");
    for (size_t i = 0; i < points; i++)
        for (size_t d = 0; d < dimensions; d++)
            mean[d] += (double)data[i * dimensions + d] / (double)points;

    struct random random = random_open(0, 0x74736e65, 0);
    for (size_t d = 0; d < 2 * dimensions; d++)
        axes[d] = random_normal(&random);
    orthonormalise(axes, dimensions);
    for (int step = 0; step < SUBSPACE_STEPS; step++) {
        project(data, points, dimensions, mean, axes, place);
        for (size_t d = 0; d < 2 * dimensions; d++)
            axes[d] = 0;
        for (size_t i = 0; i < points; i++)
            for (size_t d = 0; d < dimensions; d++) {
                double value = (double)data[i * dimensions + d] - mean[d];
                axes[2 * d] += value * place[2 * i];
                axes[2 * d + 1] += value * place[2 * i + 1];
            }
        orthonormalise(axes, dimensions);
    }
    fix_sign(axes, dimensions, 0);
    fix_sign(axes, dimensions, 1);
    project(data, points, dimensions, mean, axes, place);

    double deviation = 0;
    for (size_t i = 0; i < points; i++)
        deviation += place[2 * i] * place[2 * i] / (double)points;
    double scale = deviation > 0 ? SPREAD / sqrt(deviation) : 0;
    double spread[2] = {0, 0};
    for (size_t i = 0; i < 2 * points; i++) {
        place[i] *= scale;
        spread[i % 2] += place[i] * place[i];
    }
    for (size_t i = 0; i < 2 * points; i++)
        if (!(spread[i % 2] > 1e-24))
            place[i] = SPREAD * random_normal(&random);
    mem_free(mean);
    return ASSAY_OK;
}
