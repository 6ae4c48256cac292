/* verdict.h - where a score becomes a verdict: calibration, thresholds, and the words. Training fits and writes them;
 * evaluation, the command and the service read them. A verdict is calibrated or it says so. */
#ifndef ASSAY_VERDICT_VERDICT_H
#define ASSAY_VERDICT_VERDICT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct calibration {
    bool present;        /* false: verdicts are ASSAY_UNCALIBRATED, probability is the plain sigmoid */
    double scale, shift; /* probability = sigmoid(scale * logit + shift): Platt (1999) */
    double real_below;      /* probability <= this: real */
    double generated_above; /* probability >= this: ai-generated; between the two: uncertain */
};

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

/* Fits scale and shift by weighted maximum likelihood with Platt's smoothed targets, then the thresholds. NULL options:
 * defaults. Fails where a class is absent or a logit is not finite. */
assay_status calibration_fit(const struct calibration_sample *samples, size_t count,
                             const struct calibration_options *options, struct calibration *out,
                             struct assay_error *error);

double calibration_probability(const struct calibration *c, double logit);
assay_verdict calibration_verdict(const struct calibration *c, double probability);

json_t *calibration_to_json(const struct calibration *c); /* the caller's reference; NULL: no memory */
assay_status calibration_from_json(const json_t *object, const char *where, struct calibration *out,
                                   struct assay_error *error);

#endif
