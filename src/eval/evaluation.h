/* evaluation.h - an evaluation as it is asked for, by names and paths, and everything opened that it needs: models,
 * sets of pictures with their protocols, perturbations. What a run writes lies in one folder:
 *
 *     run.json            what was run on what, with what: enough to repeat it (run_record.h)
 *     predictions.jsonl   a line for every picture, perturbation and model (prediction.h)
 *     ...                 tables and the rest (summary.h), all made from the first two
 */
#ifndef ASSAY_EVAL_EVALUATION_H
#define ASSAY_EVAL_EVALUATION_H

#include "base/option.h"
#include "eval/protocol.h"
#include "eval/robustness.h"
#include "eval/runner.h"

/* What decides the results. Models and sets are written [NAME=]PATH; a name has no '/'. */
struct evaluation_options {
    struct option_texts models, data, perturb, robustness;
    const char *layout, *split, *protocol; /* NULL: found out; all of the set; the layout's own */
    bool untouched, bf16;
    int64_t seed, intervals;
};

extern const struct option evaluation_option_table[];

struct evaluation_model {
    const char *name, *path;
    char sha256[SHA256_TEXT]; /* of the file */
    struct model model;
    struct model_scorer *scorer;
};

struct evaluation_set {
    const char *name, *path;
    struct dataset all, taken; /* everything found, and what the protocol takes of it */
    const struct protocol *protocol;
    size_t left[PROTOCOL_CHOICES];
};

/* Everything opened. The arena owns names and arrays; `job` is ready to run but for path, resume, workers, max_held,
 * stream and cancel. */
struct evaluation {
    struct arena arena;
    struct evaluation_options options;
    struct evaluation_model *models;
    size_t model_count;
    struct evaluation_set *sets;
    size_t set_count;
    const struct robustness_sweep **sweeps;
    size_t sweep_count;
    struct runner_job job;
};

/* `options` must name a model and a set. Errors: names that are given twice; whatever opening them gives. On failure
 * everything is freed. */
assay_status evaluation_open(const struct evaluation_options *options, struct evaluation *out,
                             struct assay_error *error);
void evaluation_free(struct evaluation *evaluation); /* a zeroed one is fine */

#endif
