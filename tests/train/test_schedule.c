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

/* Three steps an epoch, as StepLR(2, 0.9) by epochs; and an epoch later, as NPR's training counts. */
static void test_step(void **state)
{
    (void)state;
    struct schedule schedule = {.kind = SCHEDULE_STEP, .rate = 0.02, .every = 6, .factor = 0.9};
    follows(&schedule, torch_step, 27, 0, 27);
    schedule.after = 3;
    follows(&schedule, torch_step, 27, 3, 30);
    for (uint64_t step = 0; step < 9; step++)
        assert_true(schedule_rate(&schedule, step, 30) == 0.02);
    assert_true(schedule_rate(&schedule, 9, 30) < 0.02);
}

static void test_plateau(void **state)
{
    (void)state;
    const struct plateau plateau = {.patience = 5, .delta = 0.001, .later_delta = 0.002, .divisor = 10, .floor = 1e-6};
    const int epochs = (int)(sizeof dropped_rate / sizeof *dropped_rate);
    struct plateau_state s = {0};
    assert_in_range(epochs, 20, 79);
    for (int i = 0; i < epochs; i++) {
        assert_false(s.stop);
        assert_true(plateau_rate(&plateau, &s, 1e-4) == dropped_rate[i]);
        plateau_see(&plateau, &s, 1e-4, validation_accuracy[i]);
    }
    assert_true(s.stop);
    assert_int_equal(s.drops, 3);

    /* Exactly the delta is better; without patience nothing happens. */
    const struct plateau one = {.patience = 1, .delta = 0.25, .later_delta = 0.5, .divisor = 2, .floor = 0}, none = {0};
    s = (struct plateau_state){0};
    plateau_see(&one, &s, 1, 0.5);
    plateau_see(&one, &s, 1, 0.75);
    assert_int_equal(s.drops, 0);
    plateau_see(&one, &s, 1, 0.875);
    assert_int_equal(s.drops, 1);
    plateau_see(&one, &s, 1, 0.25); /* a new best, whatever it is */
    plateau_see(&one, &s, 1, 0.5);
    assert_int_equal(s.drops, 2);
    s = (struct plateau_state){0};
    for (int i = 0; i < 100; i++)
        plateau_see(&none, &s, 1, -i);
    assert_true(s.drops == 0 && !s.stop);
}

static void test_edges(void **state)
{
    (void)state;
    struct schedule schedule = {.kind = SCHEDULE_CONSTANT, .rate = 0.5, .warmup = 2};
    const double rates[] = {0.25, 0.5, 0.5, 0.5};
    follows(&schedule, rates, 4, 0, 4);
    /* A warm-up longer than the run, one step, no step, past the end: finite and in range. */
    for (int kind = SCHEDULE_CONSTANT; kind <= SCHEDULE_STEP; kind++)
        for (uint64_t total = 0; total < 5; total++)
            for (uint64_t step = 0; step < 7; step++) {
                schedule = (struct schedule){kind, 0.5, 10, 0, 0.3, 25, 1e4, 1, 0, 0.5};
                double rate = schedule_rate(&schedule, step, total);
                assert_true(isfinite(rate) && rate >= 0 && rate <= 0.5);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cosine), cmocka_unit_test(test_one_cycle),
                                       cmocka_unit_test(test_step), cmocka_unit_test(test_plateau),
                                       cmocka_unit_test(test_edges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
