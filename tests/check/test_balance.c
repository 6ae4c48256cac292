/* test_balance.c - choosing: what is matched, what is kept, and who may be chosen at all. */
#include "made.h"

#include "data/check/balance.h"
#include "data/check/check.h"

static struct feature_result judged(const struct scan *scan, const bool *use, enum feature feature)
{
    struct feature_result result;
    assert_int_equal(rule_judge(scan, use, feature, &result, NULL), ASSAY_OK);
    return result;
}

static void everyone(bool *eligible, size_t count)
{
    for (size_t i = 0; i < count; i++)
        eligible[i] = true;
}

/* Nothing leaks, so nothing is left out, however many there are of each class. */
static void test_nothing_to_do(void **state)
{
    (void)state;
    struct made m;
    struct balance_summary s = {0};
    bool eligible[600], chosen[600];
    made_begin(&m, 600, 1);
    everyone(eligible, 600);
    for (size_t i = 0; i < 600; i += 6)
        eligible[i] = false; /* real ones */
    assert_int_equal(balance_choose(&m.scan, eligible, 1, chosen, &s, NULL), ASSAY_OK);
    assert_int_equal(s.kept[LABEL_REAL], 200);
    assert_int_equal(s.kept[LABEL_GENERATED], 300);
    assert_int_equal(s.unmatched, 0);
    assert_memory_equal(eligible, chosen, sizeof chosen);
    made_end(&m);
}

/* Sizes and qualities that overlap: afterwards neither tells, and each cell has as many of both. */
static void test_matched(void **state)
{
    (void)state;
    enum { COUNT = 4000 };
    struct made m;
    struct balance_summary s = {0};
    static bool eligible[COUNT], chosen[COUNT];
    struct random random = random_open(7, 0, 0);
    made_begin(&m, COUNT, 1);
    everyone(eligible, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        struct scan_picture *p = &m.scan.pictures[i];
        bool ai = p->picture->label == LABEL_GENERATED;
        p->facts.jpeg_quality = (ai ? 80 : 70) + (int)random_below(&random, 20);
        p->width = (ai ? 300 : 100) + (int)random_below(&random, 400);
        p->height = p->width;
        p->bytes = (uint64_t)p->width * (uint64_t)p->width / 4;
        p->split = (uint8_t)(i / 16 % 2);
    }
    m.scan.split_count = 2;
    struct feature_result before = judged(&m.scan, NULL, FEATURE_WIDTH);
    assert_true(check_feature_leaks(&before));
    assert_int_equal(balance_choose(&m.scan, eligible, 1, chosen, &s, NULL), ASSAY_OK);
    assert_int_equal(s.kept[LABEL_REAL], s.kept[LABEL_GENERATED]);
    assert_true(s.kept[LABEL_REAL] > 200 && s.unmatched == COUNT - 2 * s.kept[LABEL_REAL]);
    assert_true(s.bins[FEATURE_JPEG_QUALITY] && (s.bins[FEATURE_WIDTH] || s.bins[FEATURE_MEGAPIXELS]));
    assert_int_equal(s.bins[FEATURE_FORMAT], 0);
    for (int f = 0; f < FEATURE_COUNT; f++) {
        struct feature_result after = judged(&m.scan, chosen, (enum feature)f);
        assert_false(check_feature_leaks(&after));
    }
    size_t at[2][LABEL_COUNT] = {{0}};
    for (size_t i = 0; i < COUNT; i++)
        at[m.scan.pictures[i].split][m.pictures[i].label] += chosen[i];
    for (int split = 0; split < 2; split++)
        assert_true(at[split][0] == at[split][1] && at[split][0] > 50);
    made_end(&m);
}

static void test_too_different(void **state)
{
    (void)state;
    struct made m;
    struct balance_summary s = {0};
    struct assay_error error = {0};
    bool eligible[400], chosen[400];
    made_begin(&m, 400, 1);
    everyone(eligible, 400);
    for (size_t i = 0; i < 400; i++)
        m.scan.pictures[i].facts.metadata = m.pictures[i].label ? METADATA_XMP : 0;
    assert_int_equal(balance_choose(&m.scan, eligible, 1, chosen, &s, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "metadata"));
    memset(eligible, 0, sizeof eligible);
    assert_int_equal(balance_choose(&m.scan, eligible, 1, chosen, &s, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "at least 10"));
    made_end(&m);
}

static void test_eligible(void **state)
{
    (void)state;
    struct made m;
    struct duplicates d;
    struct balance_summary s = {0};
    bool eligible[100];
    made_begin(&m, 100, 1);
    m.scan.split_count = 2;
    for (size_t i = 50; i < 100; i++)
        m.scan.pictures[i].split = 1;
    struct scan_picture *p = m.scan.pictures;
    memcpy(p[2].digest, p[0].digest, SHA256_BYTES); /* three copies in one class */
    memcpy(p[4].digest, p[0].digest, SHA256_BYTES);
    memcpy(p[7].digest, p[6].digest, SHA256_BYTES);   /* in both classes */
    memcpy(p[60].digest, p[10].digest, SHA256_BYTES); /* in two splits */
    p[70].hash.bits = p[12].hash.bits ^ 1;            /* nearly so */
    p[20].problem = (char *)"damaged";
    m.scan.unreadable = 1;
    assert_int_equal(duplicates_find(&m.scan, 6, &d, NULL), ASSAY_OK);
    balance_eligible(&m.scan, &d, eligible, &s);
    for (size_t i = 0; i < 100; i++) {
        bool out = i == 2 || i == 4 || i == 6 || i == 7 || i == 10 || i == 12 || i == 20;
        if (eligible[i] == out)
            fail_msg("picture %zu", i);
    }
    assert_int_equal(s.duplicates, 6);
    assert_int_equal(s.unreadable, 1);
    duplicates_free(&d);
    made_end(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_do),
        cmocka_unit_test(test_matched),
        cmocka_unit_test(test_too_different),
        cmocka_unit_test(test_eligible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
