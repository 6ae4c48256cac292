/* rule.h - how well one number tells the class: a rule is made on four folds and judged on the fifth, in turn. */
#ifndef ASSAY_DATA_CHECK_RULE_H
#define ASSAY_DATA_CHECK_RULE_H

#include "data/check/features.h"
#include "data/check/folds.h"

enum rule_kind {
    RULE_TABLE,     /* every value, or each of 32 bins with equally many pictures where there are more than 64 values,
                       says the class that is the likelier there */
    RULE_THRESHOLD, /* one class below a value, the other above; not for categories */
    RULE_COUNT
};

/* Balanced accuracy on held-out pictures: the mean of the shares that are right of each class. A value that the rule
 * has never met counts as half right. */
struct rule_result {
    const char *why; /* not judged: the reason; NULL: judged, and the rest holds */
    double accuracy;
    double low, high; /* 95 % interval. By source: bootstrap over the sources of each class, 1,000 draws, percentiles.
                         Random folds: normal, two right and two wrong ones added to each class (Agresti, Coull) */
};

struct feature_result {
    size_t pictures[LABEL_COUNT]; /* that have the feature */
    size_t sources[LABEL_COUNT];
    struct rule_result rules[RULE_COUNT][FOLDING_COUNT];
};

/* Only pictures whose use[i] is set (NULL: all), and that have the feature. Deterministic. */
assay_status rule_judge(const struct scan *scan, const bool *use, enum feature feature, struct feature_result *out,
                        struct assay_error *error);

const char *rule_name(enum rule_kind kind);     /* "table", "threshold" */
const char *folding_name(enum folding folding); /* "random", "source" */

/* The rule with the highest lower bound; false where none was judged. */
bool rule_best(const struct feature_result *result, enum rule_kind *kind, enum folding *folding);

/* The balanced accuracy that the lower bound must exceed for a warning. A single number of the file that gives a fifth
 * of the way from chance (0.5) to certainty is too much next to detectors whose differences are a few percent; the
 * lower bound, so that small sets do not raise false alarms. */
#define RULE_LEAK 0.6

#endif
