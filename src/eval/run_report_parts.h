/* run_report_parts.h - what the report of a run takes from the models and the pictures. For run_report.c alone. */
#ifndef ASSAY_EVAL_RUN_REPORT_PARTS_H
#define ASSAY_EVAL_RUN_REPORT_PARTS_H

#include "eval/report/report.h"
#include "eval/run_report.h"

/* Everything the page is made of. The arrays' items point into the arena. */
struct run_report {
    struct arena arena;
    const struct summary *summary;
    const struct run_report_options *options;
    const char *folder;
    struct predictions predictions; /* without perturbation, and all that could not be judged */
    struct array sets, tables, embeddings, maps, warnings;
};

/* Of up to options->embeddings pictures of each set, by each model that has such; files in the folder. */
assay_status run_report_embed(struct run_report *report, struct assay_error *error);

/* Of the first options->maps pictures of each kind. A picture without a map (a detector that gives none) is no
 * error. */
assay_status run_report_map(struct run_report *report, struct assay_error *error);

/* Of each set. */
assay_status run_report_check(struct run_report *report, struct assay_error *error);

#endif
