/* job.h - how a call that takes its time is watched and stopped: what is behind the public header's assay_job.
 *
 * Whoever works in steps gets a `struct watch`, which says where its work lies within the whole call, and asks it
 * between the steps. No watch, or one without a job, costs nothing and never stops. */
#ifndef ASSAY_BASE_JOB_H
#define ASSAY_BASE_JOB_H

#include <stdatomic.h>

#include "base/error.h"

struct assay_job {
    atomic_bool cancelled;
    assay_progress *progress; /* NULL: nobody is told */
    void *context;
};

struct watch {
    struct assay_job *job; /* NULL: nobody watches */
    assay_stage stage;
    double from, to; /* shares of the stage at which this work begins and ends */
};

/* Tells how far the work is: share 0 to 1 of what the watch covers. ASSAY_ERROR_CANCELLED where it is to stop; the
 * message begins with `what`. */
assay_status watch_step(const struct watch *watch, double share, const char *what, struct assay_error *error);

#endif
