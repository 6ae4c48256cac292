/* run_report.h - report.html of a run: its tables and predictions, and what only the models and the pictures can add:
 * embeddings for a t-SNE, activation maps of the pictures that the report shows, the warnings of the data check. */
#ifndef ASSAY_EVAL_RUN_REPORT_H
#define ASSAY_EVAL_RUN_REPORT_H

#include "eval/summary.h"

struct run_report_options {
    int64_t
        embeddings; /* pictures of each set, spread evenly over it, whose embeddings are shown; 0: none. Also written
                           to embeddings-N.safetensors, N counting models and, within, sets from 1 */
    int64_t maps;   /* pictures of each kind (wrong, least and most certain) that get a map, for each model and set */
    bool check;     /* run the data check on each set; without, the report says that it was not */
    FILE *stream;   /* progress, or NULL */
    bool plots;     /* every plot as a file of its own too, in FOLDER/plots */
};

/* Writes FOLDER/report.html. `predictions` is the run's file, `record` its run.json. */
assay_status run_report_write(const struct summary *summary, const char *predictions, const json_t *record,
                              const char *folder, const struct run_report_options *options, struct assay_error *error);

#endif
