/* robustness.h - how a detector holds out when pictures are changed on their way: named sweeps, each a list of
 * perturbations (perturbation.h) along an axis or side by side. */
#ifndef ASSAY_EVAL_ROBUSTNESS_H
#define ASSAY_EVAL_ROBUSTNESS_H

#include "base/array.h"
#include "image/perturbation.h"

/* One setting of a sweep. */
struct robustness_point {
    double x;          /* its place on the axis; where the sweep has none 0, 1, 2, ... */
    const char *label; /* what it is called where the sweep has no axis; else NULL: x says it */
    const char *chain; /* canonical text */
};

struct robustness_sweep {
    const char *name;                      /* "jpeg" */
    const char *title;                     /* for a person: "JPEG" */
    const char *axis;                      /* what x is: "quality"; NULL: settings side by side */
    double untouched;                      /* x of the picture as it is; NaN where no x stands for it */
    const char *source;                    /* where the settings come from */
    const struct robustness_point *points; /* by growing x */
    int count;
};

enum { ROBUSTNESS_MAX_CHAINS = 1024 };

/* All of them; ends with an entry whose name is NULL. */
const struct robustness_sweep *robustness_sweeps(void);

/* The sweep of that name. The error lists the known ones. */
assay_status robustness_find(const char *name, const struct robustness_sweep **out, struct assay_error *error);

/* Appends a sweep's chains to an array of struct perturbation (at most ROBUSTNESS_MAX_CHAINS), those that are in it
 * already left out. An empty array first gets the chain of no steps: every curve is measured against it. */
assay_status robustness_collect(const struct robustness_sweep *sweep, struct array *chains, struct assay_error *error);

#endif
