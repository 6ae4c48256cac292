/* tsne.h - t-distributed stochastic neighbour embedding, exact (van der Maaten and Hinton, JMLR 9, 2008): many
 * dimensions drawn on a plane so that neighbours stay neighbours. The same input gives the same plane, bit for bit, at
 * any number of threads. Quadratic in the number of points, in time and memory. */
#ifndef ASSAY_EVAL_REPORT_TSNE_H
#define ASSAY_EVAL_REPORT_TSNE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { TSNE_MAX_POINTS = 2000, TSNE_MIN_POINTS = 4 };

struct tsne_options {
    double perplexity;         /* effective number of neighbours; 0: 30, or a third of the others where these are few */
    int iterations;            /* 0: 750 */
    int exaggerated;           /* of these, how many first ones with `exaggeration`; 0: 250 */
    double exaggeration;       /* 0: 12 */
    double learning_rate;      /* 0: points / exaggeration / 4, at least 50 (Belkina et al. 2019) */
    const double *first_place; /* [points, 2] to start from; NULL: the first two principal components, spread 1e-4 */
};

/* `data` [points, dimensions] to `place` [points, 2], centred on 0. *divergence (may be NULL): Kullback-Leibler, nats.
 * Fails where there are fewer points than TSNE_MIN_POINTS or more than TSNE_MAX_POINTS, a value is not finite, or the
 * perplexity is not in [1, points - 1]. */
assay_status tsne_embed(const float *data, size_t points, size_t dimensions, const struct tsne_options *options,
                        double *place, double *divergence, struct assay_error *error);

/* The parts, for tests. Squared distances [points, points]; symmetric joint probabilities [points, points] (sum 1)
 * whose rows have the perplexity; the gradient [points, 2] of the divergence, which is returned. */
assay_status tsne_affinities(const float *data, size_t points, size_t dimensions, double perplexity, double *joint,
                             struct assay_error *error);
assay_status tsne_gradient(const double *joint, const double *place, size_t points, double *gradient,
                           double *divergence, struct assay_error *error);

#endif
