/* metrics_mcnemar.h - whether two detectors differ on the same pictures: McNemar's test on those that just one of them
 * judged right. Equal to statsmodels' mcnemar. */
#ifndef ASSAY_EVAL_METRICS_MCNEMAR_H
#define ASSAY_EVAL_METRICS_MCNEMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct metrics_mcnemar {
    uint64_t both_right, only_first, only_second, both_wrong;
    double exact_p;     /* two-sided binomial: twice the smaller tail, at most 1; 1 where they never differ */
    double chi_squared; /* (|only_first - only_second| - 1)^2 / (only_first + only_second): with continuity correction;
                           NaN where they never differ */
    double chi_squared_p; /* of one degree of freedom; NaN likewise */
};

/* From the counts of the four cases. */
struct metrics_mcnemar metrics_mcnemar_of(uint64_t both_right, uint64_t only_first, uint64_t only_second,
                                          uint64_t both_wrong);

/* From what each detector got right, picture by picture. */
struct metrics_mcnemar metrics_mcnemar(const bool *first_right, const bool *second_right, size_t count);

#endif
