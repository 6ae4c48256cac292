/* metrics_mcnemar.c - McNemar's test. */
#include "eval/metrics_mcnemar.h"

#include <math.h>

/* P(X <= k) for X of n fair coins, k <= n/2. The terms are summed from the largest, that of k, down, each made from the
 * one before; the first in logarithms, for it may be too small for a double. */
static double fair_coins(uint64_t k, uint64_t n)
{
    long double first = 0, ln2 = logl(2); /* ln of C(n, k) / 2^n */
    for (uint64_t i = 1; i <= k; i++)
        first += logl((long double)(n - k + i) / (long double)i);
    first -= (long double)n * ln2;
    long double term = 1, sum = 1; /* in units of it */
    for (uint64_t i = k; i > 0 && term > 1e-25L * sum; i--) {
        term *= (long double)i / (long double)(n - i + 1);
        sum += term;
    }
    return (double)(expl(first) * sum);
}

struct metrics_mcnemar metrics_mcnemar_of(uint64_t both_right, uint64_t only_first, uint64_t only_second,
                                          uint64_t both_wrong)
{
    struct metrics_mcnemar out = {both_right, only_first, only_second, both_wrong, 1, NAN, NAN};
    uint64_t differ = only_first + only_second, smaller = only_first < only_second ? only_first : only_second;
    if (differ == 0)
        return out;
    out.exact_p = fmin(1, 2 * fair_coins(smaller, differ));
    double distance = fabs((double)only_first - (double)only_second) - 1;
    out.chi_squared = distance * distance / (double)differ;
    out.chi_squared_p = erfc(sqrt(out.chi_squared / 2));
    return out;
}

struct metrics_mcnemar metrics_mcnemar(const bool *first_right, const bool *second_right, size_t count)
{
    uint64_t cases[2][2] = {{0, 0}, {0, 0}};
    for (size_t i = 0; i < count; i++)
        cases[first_right[i]][second_right[i]]++;
    return metrics_mcnemar_of(cases[1][1], cases[1][0], cases[0][1], cases[0][0]);
}
