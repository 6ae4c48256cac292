/* error.h - how a failure is told: a status from every call, one sentence in the caller's assay_error.
 * Whoever detects an error writes the message; callers only pass the status on. */
#ifndef ASSAY_BASE_ERROR_H
#define ASSAY_BASE_ERROR_H

#include "assay/assay.h"

/* Writes the sentence and returns `status`, so that `return error_set(...)` reads well. `error` may be NULL. */
assay_status error_set(struct assay_error *error, assay_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* For allocations: names what there was no memory for. */
assay_status error_memory(struct assay_error *error, const char *what);

/* For system calls: "PATH: cannot VERB: <errno text>". Reads errno, so call it first. */
assay_status error_errno(struct assay_error *error, const char *path, const char *verb);

#endif
