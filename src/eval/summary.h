/* summary.h - the tables of a run, made of its results: of each model on each set under each perturbation by the set's
 * protocol, and McNemar's test between any two models. Written as
 *
 *     results.csv         every row of every table with all figures and their intervals
 *     table-SET.csv, .tex as the papers print them: a row a model, a column a generator, the mean last
 *     perturbations-SET.csv, .tex  likewise, a column a perturbation: the mean of the leading figure
 *     robustness.csv      where sweeps were asked for: their curves (robustness_curve.h)
 *     mcnemar.csv         where there are several models
 *     unreadable.csv      pictures that were not judged and why, each once for everything that is said of it
 */
#ifndef ASSAY_EVAL_SUMMARY_H
#define ASSAY_EVAL_SUMMARY_H

#include "eval/evaluation.h"
#include "eval/metrics_mcnemar.h"
#include "eval/results.h"

/* Two models on the same pictures of a set: those that count under its protocol, art apart left out, and that both
 * could judge. Right is what the protocol's threshold says: the verdict, or else the side of one half. */
struct summary_pair {
    size_t set, perturbation, first, second;
    struct metrics_mcnemar test;
};

struct summary {
    const struct evaluation *evaluation;
    struct protocol_table *tables; /* [sets, perturbations, models] */
    size_t table_count;
    struct summary_pair *pairs;
    size_t pair_count;
};

assay_status summary_make(const struct evaluation *evaluation, const struct results *results, struct summary *out,
                          struct assay_error *error);
void summary_free(struct summary *summary); /* a zeroed one is fine */

const struct protocol_table *summary_table(const struct summary *summary, size_t set, size_t perturbation,
                                           size_t model);

/* What is shown on a terminal of that width: for each set its tables without perturbation (or under the first one), the
 * leading figure under the others, and McNemar's tests. Appended to an array of char. */
assay_status summary_text(const struct summary *summary, size_t width, struct array *out, struct assay_error *error);

/* Writes the files into a folder, each atomically. `results` are those that the summary was made of, `predictions` is
 * the run's file, for unreadable.csv. */
assay_status summary_write(const struct summary *summary, const struct results *results, const char *predictions,
                           const char *folder, struct assay_error *error);

#endif
