/* test_sampler.c - half and half, sources by their share, every picture before any comes again, and no memory. */
#include "support.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "data/sampler.h"

static const struct made_source made[] = {
    {"large", LABEL_REAL, 400},      {"middle", LABEL_REAL, 100},  {"small", LABEL_REAL, 4},
    {"one", LABEL_GENERATED, 1},     {"ten", LABEL_GENERATED, 10}, {"hundred", LABEL_GENERATED, 100},
    {"other", LABEL_GENERATED, 100},
};
enum { MADE = sizeof made / sizeof made[0] };

static struct dataset dataset;

static int setup(void **state)
{
    (void)state;
    dataset_make(made, MADE, &dataset);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dataset_free(&dataset);
    return 0;
}

static struct sampler *open_sampler(double power, uint64_t seed)
{
    struct sampler *sampler = NULL;
    struct sampler_options options = {power};
    assert_ok(sampler_create(&dataset, &options, seed, &sampler, &test_error));
    return sampler;
}

static void test_classes_alternate(void **state)
{
    (void)state;
    struct sampler *sampler = open_sampler(0.5, 1);
    for (uint64_t k = 0; k < 5000; k++)
        assert_int_equal(dataset.pictures[sampler_at(sampler, k)].label, (int)(k % 2));
    sampler_free(sampler);
}

/* The share of every source is what was asked for, in any long stretch. */
static void test_shares(void **state)
{
    (void)state;
    const double powers[] = {0, 0.5, 1};
    for (size_t p = 0; p < 3; p++) {
        struct sampler *sampler = open_sampler(powers[p], 3);
        double total[LABEL_COUNT] = {0}, sum[LABEL_COUNT] = {0};
        size_t seen[MADE] = {0};
        const uint64_t positions = 60000;
        for (size_t s = 0; s < dataset.source_count; s++)
            total[dataset.sources[s].label] += pow((double)dataset.sources[s].count, powers[p]);
        for (uint64_t k = 0; k < positions; k++)
            seen[dataset.pictures[sampler_at(sampler, 777777 + k)].source]++;
        for (size_t s = 0; s < dataset.source_count; s++) {
            double wanted = pow((double)dataset.sources[s].count, powers[p]) / total[dataset.sources[s].label];
            double share = sampler_share(sampler, s), found = (double)seen[s] / ((double)positions / 2);
            assert_true(fabs(share - wanted) < 0.006); /* half a turn of a round of 211, and a bit */
            assert_true(fabs(found - share) < 0.005);
            sum[dataset.sources[s].label] += share;
        }
        assert_true(fabs(sum[0] - 1) < 1e-12 && fabs(sum[1] - 1) < 1e-12);
        sampler_free(sampler);
    }
}

/* Between any two showings of a picture at most all others of its source are shown twice; and when a source has had k
 * turns, every picture of it has had floor(k / n) or one more. */
static void test_passes(void **state)
{
    (void)state;
    struct sampler *sampler = open_sampler(0.5, 5);
    size_t *shown = mem_alloc(dataset.count, sizeof *shown), turns[MADE] = {0};
    assert_non_null(shown);
    for (uint64_t k = 0; k < 20000; k++) {
        uint32_t index = sampler_at(sampler, k), source = dataset.pictures[index].source;
        size_t pass = turns[source]++ / dataset.sources[source].count;
        assert_int_equal(shown[index], pass);
        shown[index]++;
    }
    mem_free(shown);
    sampler_free(sampler);
}

/* The same for every order of asking, and for a sampler that was opened later. */
static void test_pure(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    static uint32_t forward[COUNT];
    struct sampler *sampler = open_sampler(0.5, 11), *other = open_sampler(0.5, 11), *seeded = open_sampler(0.5, 12);
    size_t differ = 0;
    for (uint64_t k = 0; k < COUNT; k++)
        forward[k] = sampler_at(sampler, k);
    for (uint64_t k = COUNT; k-- > 0;)
        assert_int_equal(sampler_at(other, k), forward[k]);
    for (uint64_t i = 0; i < COUNT; i++) {
        uint64_t k = i * 1009 % COUNT;
        assert_int_equal(sampler_at(other, k), forward[k]);
        assert_int_equal(sampler_at(sampler, k), forward[k]);
        differ += sampler_at(seeded, k) != forward[k];
    }
    assert_true(differ > COUNT * 3 / 4);
    sampler_at(sampler, UINT64_MAX); /* any position will do */
    sampler_free(sampler);
    sampler_free(other);
    sampler_free(seeded);
}

/* Pictures of a source come in an order of their own in each pass, each order as likely as another. */
static void test_order_is_shuffled(void **state)
{
    (void)state;
    const struct made_source three[] = {{"a", LABEL_REAL, 3}, {"b", LABEL_GENERATED, 3}};
    struct dataset small = {0};
    struct sampler *sampler = NULL;
    size_t orders[27] = {0}, possible = 0;
    const size_t passes = 6000;
    dataset_make(three, 2, &small);
    assert_ok(sampler_create(&small, NULL, 4, &sampler, &test_error));
    for (uint64_t pass = 0; pass < passes; pass++) {
        size_t code = 0;
        for (uint64_t i = 0; i < 3; i++)
            code = code * 3 + sampler_at(sampler, 2 * (3 * pass + i)) % 3;
        orders[code]++;
    }
    for (size_t i = 0; i < 27; i++)
        if (orders[i]) {
            possible++;
            assert_true(orders[i] > 850 && orders[i] < 1150); /* 1000, within 5 standard deviations */
        }
    assert_int_equal(possible, 6);
    sampler_free(sampler);
    dataset_free(&small);
}

static void test_refusals(void **state)
{
    (void)state;
    const struct made_source lone[] = {{"a", LABEL_REAL, 3}};
    struct dataset one = {0};
    struct sampler *sampler = NULL;
    struct sampler_options options = {1.5};
    dataset_make(lone, 1, &one);
    assert_error(sampler_create(&one, NULL, 1, &sampler, &test_error), "no ai-generated ones");
    assert_error(sampler_create(&dataset, &options, 1, &sampler, &test_error), "source-power");
    assert_null(sampler);
    dataset_free(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes_alternate),
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_passes),
        cmocka_unit_test(test_pure),
        cmocka_unit_test(test_order_is_shuffled),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("data/sampler", tests, setup, teardown);
}
