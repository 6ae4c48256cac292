/* test_parallel.c - every item once, ranges whole, grain kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

#include "base/parallel.h"

enum { MOST = 1000 };

struct visits {
    int64_t count, grain;
    atomic_int seen[MOST], ranges, threads[256];
};

static void visit(void *context, int64_t begin, int64_t end, int thread)
{
    struct visits *v = context;
    if (!(begin >= 0 && begin < end && end <= v->count))
        return; /* then something is not seen */
    atomic_fetch_add(&v->ranges, 1);
    atomic_fetch_add(&v->threads[thread], 1);
    for (int64_t i = begin; i < end; i++)
        atomic_fetch_add(&v->seen[i], 1);
}

static void test_coverage(void **state)
{
    (void)state;
    static const int64_t counts[] = {1, 2, 3, 7, 100, 999, MOST}, grains[] = {0, 1, 2, 3, 64, 999, 5000};
    static struct visits v;
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (size_t g = 0; g < sizeof grains / sizeof *grains; g++) {
            memset(&v, 0, sizeof v);
            v.count = counts[c];
            parallel_for(counts[c], grains[g], visit, &v);
            for (int64_t i = 0; i < MOST; i++)
                assert_int_equal(v.seen[i], i < counts[c]);
            int64_t grain = grains[g] > 1 ? grains[g] : 1;
            assert_in_range(v.ranges, 1, (counts[c] + grain - 1) / grain);
            assert_true(v.ranges <= parallel_threads());
            for (int t = 0; t < 256; t++)
                assert_int_equal(v.threads[t], t < v.ranges); /* scratch of thread t is one range's alone */
        }
}

static void test_none(void **state)
{
    (void)state;
    struct visits v = {0};
    parallel_for(0, 1, visit, &v);
    parallel_for(-5, 1, visit, &v);
    assert_int_equal(v.ranges, 0);
    assert_true(parallel_threads() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coverage),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
