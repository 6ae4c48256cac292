/* results.h - what a whole run has said, read back from its file in nine bytes a line: the source of every table. */
#ifndef ASSAY_EVAL_RESULTS_H
#define ASSAY_EVAL_RESULTS_H

#include "eval/prediction.h"
#include "eval/runner.h"

struct results {
    const struct runner_job *job;
    size_t *first;     /* [set_count] of each set's lines */
    double *logits;    /* [lines] in the order of the file; NaN: not judged */
    uint8_t *verdicts; /* [lines] an assay_verdict each */
};

/* Reads the job's file, which must be whole. The job must outlive the results. */
assay_status results_load(const struct runner_job *job, struct results *out, struct assay_error *error);
void results_free(struct results *results); /* a zeroed one is fine */

/* The logit of a picture of a set, or NaN. */
double results_logit(const struct results *results, size_t set, size_t picture, size_t perturbation, size_t model);

/* The verdict, where there is a logit. */
assay_verdict results_verdict(const struct results *results, size_t set, size_t picture, size_t perturbation,
                              size_t model);

/* All that one model says of one set under one perturbation: [pictures of the set], in its order. Width, height and
 * bytes are not known here (0), nor is what is wrong with a picture that was not judged (a general text). */
void results_predictions(const struct results *results, size_t set, size_t perturbation, size_t model,
                         struct prediction *out);

/* How many pictures of a set were not judged under a perturbation by a model. */
size_t results_unjudged(const struct results *results, size_t set, size_t perturbation, size_t model);

#endif
