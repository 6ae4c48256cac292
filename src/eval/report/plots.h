/* plots.h - the plots of a report, each made once and shown in two ways: inside the page, or as a file of its own. */
#ifndef ASSAY_EVAL_REPORT_PLOTS_H
#define ASSAY_EVAL_REPORT_PLOTS_H

#include "eval/report/index.h"
#include "eval/report/report.h"
#include "eval/report/svg.h"

/* What all parts of a report share. */
struct report {
    const struct report_input *input;
    struct report_index index;
    struct arena arena; /* of words */
    bool failed;        /* there was no memory for some */
};

/* A set's place among the input's, its name and protocol. */
const struct protocol *report_protocol(const struct report *report, size_t set);

/* The figure that leads a set's tables and curves. */
enum metrics_figure report_leading(const struct report *report, size_t set);

/* The table of a model on a set under a perturbation, or NULL; and its last row, the mean, or its only one. */
const struct protocol_table *report_find_table(const struct report *report, size_t set, size_t model,
                                               size_t perturbation);
const struct protocol_row *report_mean_row(const struct protocol_table *table);

/* "no perturbation", or its text. */
const char *report_perturbation_words(const char *perturbation);

/* Words that last as long as the report: never NULL; where there is no memory the report is marked as failed. */
const char *report_words(struct report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct report_plot {
    const char *kind;    /* "roc": of the file's name */
    const char *caption; /* below the plot; any bytes */
    const char *svg;     /* ended by NUL */
};

typedef assay_status report_plot_visit(void *context, const struct report_plot *plot, struct assay_error *error);

/* Who is shown a plot, and how. */
struct report_viewer {
    report_plot_visit *visit;
    void *context;
    bool standalone;
};

/* Finishes a chart that was drawn and shows it; frees its markup. */
assay_status report_show(struct svg_chart *chart, const char *kind, const char *caption,
                         const struct report_viewer *viewer, struct assay_error *error);

/* Each shows the plots of one set. */
assay_status report_plot_curves(struct report *report, size_t set, const struct report_viewer *viewer,
                                struct assay_error *error); /* ROC, precision-recall: all models */
assay_status report_plot_reliability(struct report *report, size_t set, const struct report_viewer *viewer,
                                     struct assay_error *error); /* one for each model */
assay_status report_plot_scores(struct report *report, size_t set, const struct report_viewer *viewer,
                                struct assay_error *error); /* by class and by source: two for each model */
assay_status report_plot_sweeps(struct report *report, size_t set, const struct report_viewer *viewer,
                                struct assay_error *error); /* all models, one for each sweep */
assay_status report_plot_embeddings(struct report *report, size_t set, const struct report_viewer *viewer,
                                    struct assay_error *error); /* by class and by source, for each model */

#endif
