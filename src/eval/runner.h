/* runner.h - many models judge many sets of pictures under many perturbations. Several pictures are worked on at once,
 * each by one thread (base/crew.h), which decodes it once for all models and perturbations; each judgement becomes a
 * line of a file (prediction.h), so that memory does not grow with the pictures and a run that is killed goes on where
 * it was.
 *
 * Lines are ordered by set, then picture (in the dataset's order), then perturbation, then model. What those of a
 * picture hold depends on the job and that picture alone: not on the number of threads, nor on interruptions. */
#ifndef ASSAY_EVAL_RUNNER_H
#define ASSAY_EVAL_RUNNER_H

#include <signal.h>
#include <stdio.h>

#include "data/dataset.h"
#include "detector/model.h"
#include "image/perturbation.h"

#define RUNNER_MAX_HELD ((uint64_t)512 << 20)

struct runner_model {
    const char *name; /* unlike any other's in the run; so are those of sets and the texts of perturbations */
    struct model_scorer *scorer;
    const struct calibration *calibration;
    const struct verdict_limits *limits; /* NULL: none */
};

struct runner_set {
    const char *name;
    const struct dataset *dataset; /* every picture of it is judged; there may be none */
    const struct perturbation
        *chains; /* [perturbation_count] what each perturbation does to its pictures: its own chain,
                                            behind what the set's protocol does to all; no steps: nothing */
};

struct runner_job {
    const struct runner_model *models;
    size_t model_count; /* this and the other counts: at least 1 */
    const struct runner_set *sets;
    size_t set_count;
    const char *const *perturbations; /* as they are told: canonical texts, "" for none */
    size_t perturbation_count;
    uint64_t seed;     /* of what perturbations draw, together with a picture's name */
    int workers;       /* pictures judged at once, each on a thread of its own; at least 1 */
    uint64_t max_held; /* bytes of the pictures that are judged at once, so many that they wait for each
                                            other; one alone may be larger. 0: RUNNER_MAX_HELD */
    const char *path;  /* the file of predictions */
    bool resume;       /* go on with the file if it is there; else it must not be there */
    FILE *stream;      /* progress; NULL: none */
    const volatile sig_atomic_t *cancel; /* raised: stop soon, with ASSAY_ERROR_CANCELLED; may be NULL */
};

struct runner_result {
    uint64_t pictures; /* of all sets */
    uint64_t resumed;  /* pictures whose lines were there already */
    double seconds;    /* for the others */
};

/* A picture that cannot be read, perturbed or judged has lines too, which say why; the run goes on. Errors: memory, a
 * file that cannot be written, that another process writes, or that is not this job's as far as it goes. */
assay_status runner_run(const struct runner_job *job, struct runner_result *out, struct assay_error *error);

#endif
