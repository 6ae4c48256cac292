/* least_squares.h - the best linear layer on features that do not learn, in closed form: ridge regression (Hoerl and
 * Kennard, 1970) of targets +1 (generated) and -1 (real) on standardised features. Only sums are kept, so that pictures
 * pass once and need no memory. */
#ifndef ASSAY_TRAIN_LEAST_SQUARES_H
#define ASSAY_TRAIN_LEAST_SQUARES_H

#include "base/error.h"
#include "graph/store.h"

struct least_squares {
    int64_t features;
    int64_t side;    /* features + 2 */
    double *moments; /* [side, side], lower triangle: sums of products of (features, target, 1) */
    double *rows;    /* [capacity, side] */
    int64_t capacity;
};

assay_status least_squares_create(struct least_squares *out, int64_t features, int64_t batch,
                                  struct assay_error *error);
void least_squares_free(struct least_squares *s); /* a zeroed one is fine */

/* features [count, features], labels [count] (1: generated); count is at most the batch that it was made for. */
void least_squares_add(struct least_squares *s, const float *features, const int32_t *labels, int64_t count);

/* With z the features less their mean over the root of their variance (which is 1e-6 at least), the v that makes least
 *
 *     mean (t - mean t - v z)^2 + ridge |v|^2
 *
 * as weight [features] and bias of the features themselves; *loss: the mean square that is left. */
assay_status least_squares_solve(const struct least_squares *s, double ridge, float *weight, float *bias, double *loss,
                                 struct assay_error *error);

/* The sums as a state [3, side, side] of a store, and so part of every checkpoint: each as a float, what that leaves
 * out as another, and what both leave out. */
assay_status least_squares_declare(const struct least_squares *s, struct store *store, struct assay_error *error);
assay_status least_squares_keep(const struct least_squares *s, struct store *store, struct assay_error *error);
void least_squares_restore(struct least_squares *s, const struct store *store);

#endif
