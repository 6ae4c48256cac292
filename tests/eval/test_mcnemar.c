/* McNemar's test against statsmodels'. */
#include "near.h"

#include "eval/metrics_mcnemar.h"
#include "fixtures/mcnemar.h"

static void test_tables(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof mcnemar_cases / sizeof *mcnemar_cases; k++) {
        const double *c = mcnemar_cases[k];
        struct metrics_mcnemar m = metrics_mcnemar_of((uint64_t)c[0], (uint64_t)c[1], (uint64_t)c[2], (uint64_t)c[3]);
        near_to("exact p", "a table", m.exact_p, c[4]);
        near_to("chi-squared", "a table", m.chi_squared, c[5]);
        near_to("its p", "a table", m.chi_squared_p, c[6]);
        if (c[4] > 0)
            near_to("exact p, relatively", "a table", m.exact_p / c[4], 1);
    }
}

static void test_pairs(void **state)
{
    (void)state;
    const bool first[] = {true, true, true, false, false, true}, second[] = {true, false, false, true, false, true};
    struct metrics_mcnemar m = metrics_mcnemar(first, second, 6);
    assert_int_equal(m.both_right, 2);
    assert_int_equal(m.only_first, 2);
    assert_int_equal(m.only_second, 1);
    assert_int_equal(m.both_wrong, 1);
    near_to("exact p", "two to one", m.exact_p, 1);
    near_to("chi-squared", "two to one", m.chi_squared, 0);
}

static void test_no_difference(void **state)
{
    (void)state;
    struct metrics_mcnemar m = metrics_mcnemar(NULL, NULL, 0);
    near_to("exact p", "none", m.exact_p, 1);
    assert_true(isnan(m.chi_squared) && isnan(m.chi_squared_p));
    m = metrics_mcnemar_of(0, 5, 0, 0);
    near_to("exact p", "five to none", m.exact_p, 2.0 / 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tables), cmocka_unit_test(test_pairs),
                                       cmocka_unit_test(test_no_difference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
