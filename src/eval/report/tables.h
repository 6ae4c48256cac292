/* tables.h - the tables of a report. Each appends HTML to the page. */
#ifndef ASSAY_EVAL_REPORT_TABLES_H
#define ASSAY_EVAL_REPORT_TABLES_H

#include "eval/report/plots.h"

/* A figure as it is told: per cent with one digit, others with three; "-" where it is undefined. */
void report_figure(struct markup *out, enum metrics_figure figure, double value);

/* The figures that tables of a protocol show: those its authors give, then ours that they lack. Returns their count. */
int report_columns(const struct protocol *protocol, enum metrics_figure columns[FIGURE_COUNT]);

void report_table_matrix(struct report *report, struct markup *out);           /* models by sets */
void report_table_set(struct report *report, struct markup *out, size_t set);  /* models by figures, means */
void report_table_rows(struct report *report, struct markup *out, size_t set); /* generators by figures and models */

/* Under how many perturbations a set was judged, and a table of them. */
size_t report_perturbed(const struct report *report, size_t set);
void report_table_perturbations(struct report *report, struct markup *out, size_t set);

/* McNemar's test between all pairs of models; nothing where there is one model. */
void report_table_mcnemar(struct report *report, struct markup *out, size_t set);

/* Pictures that could not be judged, as a table of their reasons; nothing where all could. Returns how many. */
size_t report_count_problems(const struct report *report);
void report_table_problems(struct report *report, struct markup *out);

#endif
