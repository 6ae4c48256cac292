/* summary_tables.h - the tables of a run in the form of table.h. For summary_text.c and summary_write.c. */
#ifndef ASSAY_EVAL_SUMMARY_TABLES_H
#define ASSAY_EVAL_SUMMARY_TABLES_H

#include "eval/summary.h"
#include "eval/table.h"

/* Both allocate from the arena and fail for lack of memory alone. */

/* One figure of all models on a set: a column a generator (or what the protocol's rows are), the
 * mean last. `full`: with the columns that have no
 * value of this figure. */
assay_status summary_by_row(const struct summary *summary, size_t set, size_t perturbation, enum metrics_figure figure,
                            bool full, struct arena *arena, struct table *out, struct assay_error *error);

/* The figures that the set's protocol shows, of one model on the set: a row a generator, the mean last. */
assay_status summary_of_model(const struct summary *summary, size_t set, size_t perturbation, size_t model,
                              struct arena *arena, struct table *out, struct assay_error *error);

/* The mean of one figure of all models on a set: a column a perturbation. */
assay_status summary_by_perturbation(const struct summary *summary, size_t set, enum metrics_figure figure,
                                     struct arena *arena, struct table *out, struct assay_error *error);

/* "untouched" for "". */
const char *summary_perturbation_name(const struct summary *summary, size_t perturbation);

#endif
