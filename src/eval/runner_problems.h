/* runner_problems.h - why pictures could not be read: told by the threads that decode, ahead of the run, and taken by the
 * run in the order of the pictures. */
#ifndef ASSAY_EVAL_RUNNER_PROBLEMS_H
#define ASSAY_EVAL_RUNNER_PROBLEMS_H

#include <pthread.h>

#include "base/array.h"
#include "base/error.h"

struct runner_problems {
    pthread_mutex_t mutex;
    struct array items; /* of (picture, text), sorted by picture; those before `taken` are used up */
    size_t taken;
    bool lost; /* there was no memory for one */
};

void runner_problems_begin(struct runner_problems *problems);
void runner_problems_end(struct runner_problems *problems); /* frees what was not taken */

/* By any thread. */
void runner_problems_add(struct runner_problems *problems, size_t picture, const char *why);

/* Why that picture could not be read, to be freed with mem_free, and NULL where that is not known (no memory). Earlier
 * pictures are no longer asked for. */
char *runner_problems_take(struct runner_problems *problems, size_t picture);

#endif
