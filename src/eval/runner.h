/* runner.h - many models judge many sets of pictures under many perturbations. A picture is decoded once for all of them,
 * on threads beside those that compute; each judgement becomes a line of a file (prediction.h) as soon as its batch is
 * done, so that memory does not grow with the pictures and a run that is killed goes on where it was.
 *
 * Lines are ordered by set, then picture (in the dataset's order), then perturbation, then model. What they hold depends
 * on the job alone: not on threads that decode, nor on interruptions (a resumed run begins again with the batch that was
 * interrupted, because the same picture in a batch of another size may have a logit that differs in its last bits). */
#ifndef ASSAY_EVAL_RUNNER_H
#define ASSAY_EVAL_RUNNER_H

#include <signal.h>
#include <stdio.h>

#include "data/loader.h"
#include "detector/model.h"
#include "image/perturbation.h"

struct runner_model {
    const char *name; /* unlike any other's in the run; so are those of sets and the texts of perturbations */
    struct model_scorer *scorer;
    const struct calibration *calibration;
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
    uint64_t seed;                       /* of what perturbations draw, together with a picture's name */
    size_t batch;                        /* pictures judged at a time */
    const struct loader_options *loader; /* NULL: defaults */
    const char *path;                    /* the file of predictions */
    bool resume;                         /* go on with the file if it is there; else it must not be there */
    FILE *stream;                        /* progress; NULL: none */
    const volatile sig_atomic_t *cancel; /* raised: stop after the batch, with ASSAY_ERROR_CANCELLED; may be NULL */
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
