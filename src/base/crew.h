/* crew.h - numbered jobs done several at a time, each by one worker with threads of its own; what comes of them is
 * taken in order. Where there is work for everybody this keeps processors busier than all of them at one job, waiting
 * for each other at every step. A job's result depends on the job alone if it is computed on one thread: not on how
 * many workers there are.
 *
 *     crew_create(&options, &crew, error)
 *     while ((result = crew_next(crew, &job)))      in order of the jobs; holds until the next call
 *         ...
 *     crew_free(crew)
 *
 * Memory is bounded by the number of workers: each holds what its own job needs, and gives it back before the result is
 * taken. Large jobs say by crew_hold how much they need, and wait for each other. */
#ifndef ASSAY_BASE_CREW_H
#define ASSAY_BASE_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct crew;
struct crew_seat; /* one worker's */

struct crew_options {
    uint64_t first, end; /* the jobs are first .. end - 1 */
    int workers;         /* at least 1; fewer are started where there are fewer jobs */
    int threads;         /* that parallel_for uses in each worker, at least 1 */
    size_t window;       /* results that may wait to be taken, at least 1 */
    size_t result_bytes; /* of each */
    uint64_t max_held;   /* see crew_hold */
    /* Does a job, in a worker's thread. The result is zeroed before. What it owns is the taker's to free. */
    void (*work)(void *context, struct crew_seat *seat, uint64_t job, void *result);
    void (*drop)(void *context, void *result); /* frees what a result owns that nobody takes; may be NULL */
    void *context;
};

/* Starts the workers. The context must outlive the crew. */
assay_status crew_create(const struct crew_options *options, struct crew **out, struct assay_error *error);

/* The next job's result, waiting for it; NULL behind the last. By one thread. */
void *crew_next(struct crew *crew, uint64_t *job);

/* Within a job, before it takes that many bytes more. Where other jobs hold bytes and all together would be above
 * max_held, waits, unless this job holds some already. Given back when the job is done. */
void crew_hold(struct crew_seat *seat, uint64_t bytes);

/* Whether nobody will take what the job at hand gives. */
bool crew_stopping(struct crew_seat *seat);

/* Stops the workers (each ends the job at hand) and frees all. At any time; NULL is fine. */
void crew_free(struct crew *crew);

#endif
