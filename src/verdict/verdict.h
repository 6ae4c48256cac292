/* verdict.h - where a score becomes a verdict: calibration, thresholds, and the words. calibration.h fits them;
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

double calibration_probability(const struct calibration *c, double logit);
assay_verdict calibration_verdict(const struct calibration *c, double probability);

json_t *calibration_to_json(const struct calibration *c); /* the caller's reference; NULL: no memory */
assay_status calibration_from_json(const json_t *object, const char *where, struct calibration *out,
                                   struct assay_error *error);

#endif
