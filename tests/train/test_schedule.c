/* Learning rates against torch's. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixtures/schedules.h"
#include "train/schedule.h"

static void follows(const struct schedule *schedule, const double *expected, int count, uint64_t from, uint64_t total)
{
    for (int i = 0; i < count; i++) {
        double rate = schedule_rate(schedule, from + (uint64_t)i, total);
        if (!(fabs(rate - expected[i]) <= 1e-12))
            fail_msg("step %d: %.17g is not %.17g", i, rate, expected[i]);
    }
}

static void test_cosine(void **state)
{
    (void)state;
    struct schedule schedule = {.kind = SCHEDULE_COSINE, .rate = 0.02, .floor = 0.1};
    follows(&schedule, torch_cosine, 20, 0, 20);
    schedule.warmup = 5; /* the same cosine, five steps later */
    follows(&schedule, torch_cosine, 20, 5, 25);
    for (uint64_t step = 0; step < 5; step++)
        assert_true(fabs(schedule_rate(&schedule, step, 25) - 0.02 * (double)(step + 1) / 5) < 1e-15);
}

static void test_one_cycle(void **state)
{
    (void)state;
    struct schedule schedule = {.kind = SCHEDULE_ONE_CYCLE, .rate = 0.02, .rise = 0.3, .div = 25, .final_div = 1e4};
    follows(&schedule, torch_one_cycle, 31, 0, 31);
    schedule = (struct schedule){.kind = SCHEDULE_ONE_CYCLE, .rate = 0.02, .rise = 0.45, .div = 10, .final_div = 100};
    follows(&schedule, torch_one_cycle_short, 7, 0, 7);
}

static void test_edges(void **state)
{
    (void)state;
    struct schedule schedule = {.kind = SCHEDULE_CONSTANT, .rate = 0.5, .warmup = 2};
    const double rates[] = {0.25, 0.5, 0.5, 0.5};
    follows(&schedule, rates, 4, 0, 4);
    /* A warm-up longer than the run, one step, no step, past the end: finite and in range. */
    for (int kind = SCHEDULE_CONSTANT; kind <= SCHEDULE_ONE_CYCLE; kind++)
        for (uint64_t total = 0; total < 5; total++)
            for (uint64_t step = 0; step < 7; step++) {
                schedule = (struct schedule){kind, 0.5, 10, 0, 0.3, 25, 1e4};
                double rate = schedule_rate(&schedule, step, total);
                assert_true(isfinite(rate) && rate >= 0 && rate <= 0.5);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cosine), cmocka_unit_test(test_one_cycle),
                                       cmocka_unit_test(test_edges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
