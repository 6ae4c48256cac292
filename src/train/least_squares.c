/* least_squares.c - sums over pictures, and the linear system that they make. */
#include "train/least_squares.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "cpu/dense.h"

#define STATE_NAME "optimizer.least_squares.moments"
#define VARIANCE_EPS 1e-6
enum { STATE_PARTS = 3 }; /* floats that together hold every digit of a double */

assay_status least_squares_create(struct least_squares *out, int64_t features, int64_t batch, struct assay_error *error)
{
    size_t squared = 0, rows = 0, side = (size_t)features + 2;
    *out = (struct least_squares){.features = features, .side = features + 2, .capacity = batch};
    if (size_mul(side, side, &squared) && size_mul(side, (size_t)batch, &rows)) {
        out->moments = mem_alloc(squared, sizeof *out->moments);
        out->rows = mem_alloc(rows, sizeof *out->rows);
    }
    if (out->moments && out->rows)
        return ASSAY_OK;
    least_squares_free(out);
    return error_memory(error, "least squares");
}

void least_squares_free(struct least_squares *s)
{
    mem_free(s->moments);
    mem_free(s->rows);
    *s = (struct least_squares){0};
}

void least_squares_add(struct least_squares *s, const float *features, const int32_t *labels, int64_t count)
{
    for (int64_t k = 0; k < count; k++) {
        double *row = s->rows + k * s->side;
        for (int64_t i = 0; i < s->features; i++)
            row[i] = (double)features[k * s->features + i];
        row[s->features] = labels[k] ? 1 : -1;
        row[s->features + 1] = 1;
    }
    dense_add_products(s->moments, s->rows, count, s->side);
}

/* What the sums say of the features, and the system's two sides. */
struct ridge_system {
    double *mean, *scale;        /* [features]; scale: one over the deviation */
    double *matrix;              /* [features, features], lower triangle */
    double *covariance, *answer; /* [features]: with the target; first the same, then v */
    double target_mean, target_variance;
};

static bool open_system(struct ridge_system *y, size_t features)
{
    size_t squared = 0;
    *y = (struct ridge_system){.mean = mem_alloc(features, sizeof(double)),
                               .scale = mem_alloc(features, sizeof(double)),
                               .covariance = mem_alloc(features, sizeof(double)),
                               .answer = mem_alloc(features, sizeof(double))};
    if (size_mul(features, features, &squared))
        y->matrix = mem_alloc(squared, sizeof(double));
    return y->mean && y->scale && y->covariance && y->answer && y->matrix;
}

static void close_system(struct ridge_system *y)
{
    mem_free(y->mean);
    mem_free(y->scale);
    mem_free(y->covariance);
    mem_free(y->answer);
    mem_free(y->matrix);
}

static void fill_system(const struct least_squares *s, double ridge, struct ridge_system *y)
{
    int64_t n = s->features;
    const double *sums = s->moments + (n + 1) * s->side, *targets = s->moments + n * s->side;
    double count = sums[n + 1];
    y->target_mean = sums[n] / count;
    y->target_variance = targets[n] / count - y->target_mean * y->target_mean;
    for (int64_t i = 0; i < n; i++) {
        const double *row = s->moments + i * s->side;
        double *out = y->matrix + i * n;
        y->mean[i] = sums[i] / count;
        y->scale[i] = 1 / sqrt(fmax(row[i] / count - y->mean[i] * y->mean[i], 0) + VARIANCE_EPS);
        for (int64_t j = 0; j <= i; j++)
            out[j] = (row[j] / count - y->mean[i] * y->mean[j]) * y->scale[i] * y->scale[j];
        out[i] += ridge;
        y->covariance[i] = (targets[i] / count - y->target_mean * y->mean[i]) * y->scale[i];
    }
    memcpy(y->answer, y->covariance, (size_t)n * sizeof *y->answer);
}

assay_status least_squares_solve(const struct least_squares *s, double ridge, float *weight, float *bias, double *loss,
                                 struct assay_error *error)
{
    struct ridge_system y;
    assay_status status = ASSAY_OK;
    int64_t n = s->features;
    if (!open_system(&y, (size_t)n)) {
        status = error_memory(error, "least squares");
        goto done;
    }
    fill_system(s, ridge, &y);
    if (!dense_cholesky(y.matrix, n)) {
        status = error_set(error, ASSAY_ERROR_ARGUMENT,
                           "the features of so few pictures do not determine the layer: raise weight-decay above 0, or "
                           "give more pictures");
        goto done;
    }
    dense_cholesky_solve(y.matrix, y.answer, n);
    double shift = y.target_mean, left = y.target_variance;
    for (int64_t i = 0; i < n; i++) {
        double w = y.answer[i] * y.scale[i];
        weight[i] = (float)w;
        shift -= w * y.mean[i];
        left -= y.answer[i] * (y.covariance[i] + ridge * y.answer[i]);
    }
    *bias = (float)shift;
    *loss = left;
done:
    close_system(&y);
    return status;
}

/* ---- In checkpoints ---------------------------------------------------------------------------------------------- */

assay_status least_squares_declare(const struct least_squares *s, struct store *store, struct assay_error *error)
{
    struct shape shape = SHAPE(STATE_PARTS, s->side, s->side);
    return store_declare(store, STATE_NAME, &shape, STORE_STATE, (struct store_init){STORE_CONSTANT, 0, 0})
               ? ASSAY_OK
               : error_memory(error, "least squares");
}

assay_status least_squares_keep(const struct least_squares *s, struct store *store, struct assay_error *error)
{
    struct store_entry *entry = store_get(store, STATE_NAME);
    assay_status status = store_make_writable(entry, error);
    if (status)
        return status;
    int64_t count = s->side * s->side;
    for (int64_t i = 0; i < count; i++) {
        double left = s->moments[i];
        for (int part = 0; part < STATE_PARTS; part++) {
            entry->data[part * count + i] = (float)left;
            left -= (double)entry->data[part * count + i];
        }
    }
    entry->version++;
    return ASSAY_OK;
}

void least_squares_restore(struct least_squares *s, const struct store *store)
{
    const struct store_entry *entry = store_get(store, STATE_NAME);
    int64_t count = s->side * s->side;
    for (int64_t i = 0; i < count; i++)
        s->moments[i] = (double)entry->data[i] + ((double)entry->data[count + i] + (double)entry->data[2 * count + i]);
}
