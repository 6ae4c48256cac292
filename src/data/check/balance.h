/* balance.h - chooses pictures of a set so that no fact of their files tells real from generated any more. */
#ifndef ASSAY_DATA_CHECK_BALANCE_H
#define ASSAY_DATA_CHECK_BALANCE_H

#include "data/check/duplicates.h"
#include "data/check/features.h"

/* What became of the pictures. */
struct balance_summary {
    size_t unreadable;
    size_t duplicates; /* left out as duplicates, see balance_eligible */
    size_t unmatched;  /* left out because the other class had no like picture to spare */
    size_t kept[LABEL_COUNT];
    int bins[FEATURE_COUNT]; /* into how many bins a feature was divided to match it; 0: it needed no matching. A
                                category is matched value by value, and so are numbers at last: -1 */
};

/* Which pictures may be chosen: those that can be read, without further copies of a file, files that lie in both
 * classes, and, of files or near-duplicates in several splits, those outside the last of these (train, val, test in
 * this order). Fills in summary->unreadable and ->duplicates. */
void balance_eligible(const struct scan *scan, const struct duplicates *duplicates, bool *eligible,
                      struct balance_summary *summary);

/* Chooses among the eligible. Features that tell the classes apart (the lower bound of rule_best above
 * BALANCE_ENOUGH) are divided into bins, finer and finer; in each cell of bins, and in each split, as many pictures of
 * one class as of the other are kept, drawn by the seed. Where nothing tells them apart all are kept. An error where
 * that leaves too few pictures to tell, or a leak (RULE_LEAK) that no matching removes. */
assay_status balance_choose(const struct scan *scan, const bool *eligible, uint64_t seed, bool *chosen,
                            struct balance_summary *summary, struct assay_error *error);

#define BALANCE_ENOUGH 0.55

#endif
