/* verdict.h - where a score becomes a verdict: calibration, thresholds, and the words. Training fits and writes them;
 * evaluation, the command and the service read them. A verdict is calibrated or it says so. */
#ifndef ASSAY_VERDICT_VERDICT_H
#define ASSAY_VERDICT_VERDICT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct calibration {
    bool present;           /* false: verdicts are ASSAY_UNCALIBRATED, probability is the plain sigmoid */
    double scale, shift;    /* probability = sigmoid(scale * logit + shift): Platt (1999) */
    double real_below;      /* probability <= this: real; at most one half, CALIBRATION_NEVER_REAL: none is */
    double generated_above; /* probability >= this: ai-generated; at least one half. Between the two: uncertain */
};

#define CALIBRATION_NEVER_REAL (-1.0) /* thresholds out of the reach of any probability */
#define CALIBRATION_NEVER_GENERATED 2.0

/* A scored picture for fitting. `weight` > 0; see calibration_weights. */
struct calibration_sample {
    double logit;
    bool generated;
    double weight;
};

/* How often a confident verdict may be wrong on the fitting data. */
struct calibration_options {
    double max_false_generated; /* share of real pictures called ai-generated, default 0.05 */
    double max_false_real;      /* share of generated pictures called real, default 0.05 */
};

/* Weighs samples so that both classes count one half, and within a class every source the same. source[i]: any id. */
assay_status calibration_weights(struct calibration_sample *samples, const int *source, size_t count,
                                 struct assay_error *error);

/* Fits scale and shift by weighted maximum likelihood with Platt's smoothed targets, each class counting one half
 * whatever its weights add up to; then the smallest generated_above >= 1/2 such that the weighted share of real
 * pictures at or above it is at most max_false_generated, and the largest real_below <= 1/2 likewise. NULL options:
 * defaults. Perfectly separable classes have a finite fit, as steep as the number of samples warrants. Where all logits
 * are the same, every probability is one half and (unless the options allow any error) every verdict uncertain.
 * Fails where a class is absent, a logit is not finite or a weight not above 0. */
assay_status calibration_fit(const struct calibration_sample *samples, size_t count,
                             const struct calibration_options *options, struct calibration *out,
                             struct assay_error *error);

double calibration_probability(const struct calibration *c, double logit);
assay_verdict calibration_verdict(const struct calibration *c, double probability);

json_t *calibration_to_json(const struct calibration *c); /* the caller's reference; NULL: no memory */
assay_status calibration_from_json(const json_t *object, const char *where, struct calibration *out,
                                   struct assay_error *error);

#endif
