/* index.h - the predictions of a run in order: by set, model, perturbation and picture. */
#ifndef ASSAY_EVAL_REPORT_INDEX_H
#define ASSAY_EVAL_REPORT_INDEX_H

#include "base/string_map.h"
#include "eval/metrics.h"
#include "eval/report/report.h"

/* Names in the order in which they first occur. */
struct report_names {
    struct string_map map; /* name -> its number + 1 */
};

/* Predictions of one set, model and perturbation, by picture. */
struct report_group {
    const struct prediction *const *items;
    size_t count;
};

struct report_index {
    struct report_names models, sets, perturbations;
    const struct prediction **order;
    size_t *begin; /* [sets, models, perturbations] and one more */
    size_t *plain; /* [sets]: the perturbation that stands for the set: "", or else the first that has predictions */
};

/* Only names are taken from the tables: those come first, in their order. */
assay_status report_index_make(const struct prediction *predictions, size_t count, const struct report_table *tables,
                               size_t table_count, struct report_index *out, struct assay_error *error);
void report_index_free(struct report_index *index); /* a zeroed one is fine */

size_t report_names_count(const struct report_names *names);
const char *report_name(const struct report_names *names, size_t number);
size_t report_name_find(const struct report_names *names, const char *name); /* SIZE_MAX: there is none */

struct report_group report_group_of(const struct report_index *index, size_t set, size_t model, size_t perturbation);

/* Right at probability 1/2 of the uncalibrated score, strictly above: as accuracies are counted. */
bool report_is_right(const struct prediction *prediction);

/* A source among the readable pictures of a group. */
struct report_source {
    const char *name;
    int label;
    bool art;
    size_t count, right;
};

/* The readable pictures of a group as samples; `weigh` 0: all the same; else both classes weigh one half, and sources
 * of a class the same. With `art_apart` pictures of art weigh nothing. Sources are numbered by class and name. */
struct report_samples {
    struct metrics_sample *items; /* in the group's order */
    size_t count;
    struct report_source *sources;
    size_t source_count;
    bool both_classes; /* each has weight */
};

assay_status report_samples_make(struct report_group group, bool weigh, bool art_apart, struct report_samples *out,
                                 struct assay_error *error);
void report_samples_free(struct report_samples *samples); /* a zeroed one is fine */

#endif
