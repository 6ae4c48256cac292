/* folds.h - divides pictures into folds, each to be judged by rules that were made from the others. */
#ifndef ASSAY_DATA_CHECK_FOLDS_H
#define ASSAY_DATA_CHECK_FOLDS_H

#include "data/check/scan.h"

enum { FOLDS = 5, FOLD_NONE = 255 };

enum folding {
    FOLDING_RANDOM, /* any picture in any fold: what a rule is worth on the same sources */
    FOLDING_SOURCE, /* sources of one name stay together: what it is worth on sources never seen */
    FOLDING_COUNT
};

/* Below these nothing can be said. */
enum { FOLDS_MIN_PICTURES = 10, FOLDS_MIN_SOURCES = 2 };

/* fold[i] of every picture whose `use[i]` is set, FOLD_NONE of the others. *why is NULL, or says why there can be no
 * folds (too few pictures or sources of a class); then all are FOLD_NONE. `use` may be NULL: all. Deterministic. */
assay_status folds_make(const struct scan *scan, const bool *use, enum folding folding, uint8_t *fold, const char **why,
                        struct assay_error *error);

#endif
