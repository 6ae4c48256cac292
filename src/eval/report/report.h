/* report.h - the report of a run: one HTML file that asks nothing of the network and runs nothing, with every table,
 * every plot, the pictures that were judged wrong, and what is needed to repeat the run. It can be read by whoever did
 * not make it: light or dark, on a telephone, on paper, or read aloud. The same input gives the same bytes. */
#ifndef ASSAY_EVAL_REPORT_REPORT_H
#define ASSAY_EVAL_REPORT_REPORT_H

#include "eval/prediction.h"
#include "eval/protocol.h"
#include "eval/robustness.h"

/* A set of pictures and how it is evaluated. */
struct report_set {
    const char *name; /* as in the predictions */
    const struct protocol *protocol;
};

/* The table of one model on one set under one perturbation (protocol_summarise). */
struct report_table {
    const char *model, *set, *perturbation; /* as in the predictions */
    const struct protocol_table *table;
};

/* The embeddings of pictures, for a t-SNE. Of more than TSNE_MAX_POINTS every n-th is drawn. */
struct report_embeddings {
    const char *model, *set;
    const float *data; /* [count, width] */
    size_t count, width;
    const uint32_t *prediction; /* [count]: index into the predictions, whose label, source and logit are shown */
};

/* The activation map of a picture. */
struct report_map {
    const char *model, *set, *picture;
    const char *data_uri; /* "data:image/png;base64,..."; anything else is refused */
    const char *words;    /* what is seen, for those who do not see it; NULL: told in general */
};

/* Nothing is owned; names may hold any bytes. Arrays may be empty and texts NULL where nothing is required. */
struct report_input {
    const char *title;                    /* NULL: "Evaluation" */
    const struct prediction *predictions; /* in any order: of all models and sets, without perturbation (where there is
                                             none such, under one); others may be left out, but for pictures that
                                             could not be judged, which are counted and listed */
    size_t prediction_count;
    size_t judgement_count;        /* of the whole run; 0: prediction_count */
    const struct report_set *sets; /* of every set in predictions and tables */
    size_t set_count;
    const struct report_table *tables;
    size_t table_count;
    const struct robustness_sweep *const *sweeps; /* those whose curves are drawn */
    size_t sweep_count;
    const struct report_embeddings *embeddings;
    size_t embeddings_count;
    const struct report_map *maps;
    size_t map_count;
    const char *const *warnings; /* of the data check, shown first; one sentence each */
    size_t warning_count;
    const char *command;  /* that made the run, as typed */
    const char *run_json; /* the contents of run.json */
};

/* Writes the page, atomically. Errors: a set that is not among `sets`, a map that is no PNG as a data
 * URI, an embedding of no prediction, memory, the file. */
assay_status report_write(const struct report_input *input, const char *path, struct assay_error *error);

/* Every plot of the page as an SVG file of its own in a folder that exists: "roc-1.svg", "jpeg-1.svg" and so on,
 * numbered by set. Files of those names are replaced. */
assay_status report_write_plots(const struct report_input *input, const char *folder, struct assay_error *error);

/* ---- Pictures that are shown ---------------------------------------------------------------------------------- */

enum report_choice_kind { REPORT_WRONG, REPORT_LEAST_CERTAIN, REPORT_MOST_CERTAIN, REPORT_CHOICE_KINDS };
enum { REPORT_WRONG_SHOWN = 40, REPORT_OTHERS_SHOWN = 12 };

struct report_choice {
    const struct prediction *prediction;
    enum report_choice_kind kind;
};

struct report_choices {
    struct report_choice *items; /* by set, model and kind in this order; within a kind: wrong and most certain ones by
                                    falling |logit|, least certain ones by rising |logit| */
    size_t count;
};

/* The pictures that the report lists: of each model on each set, without perturbation (or under the first one, where
 * all were perturbed), up to REPORT_WRONG_SHOWN that were judged wrong at probability 1/2, the surest first; of those
 * judged right up to REPORT_OTHERS_SHOWN of the least certain and as many of the most certain. For making maps of them
 * before the report is written. Free it with report_choices_free (a zeroed one is fine). */
assay_status report_choose(const struct prediction *predictions, size_t count, struct report_choices *out,
                           struct assay_error *error);
void report_choices_free(struct report_choices *choices);

#endif
