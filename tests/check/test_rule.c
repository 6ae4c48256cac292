/* test_rule.c - folds, and rules on sets of which it is known what they give away. */
#include "made.h"

#include "data/check/check.h"

static struct feature_result judged(const struct scan *scan, enum feature feature)
{
    struct feature_result result;
    assert_int_equal(rule_judge(scan, NULL, feature, &result, NULL), ASSAY_OK);
    return result;
}

static void expect_near(double have, double want, double within)
{
    if (!(have >= want - within && have <= want + within))
        fail_msg("%g, expected %g", have, want);
}

/* Nothing differs: a half, everywhere, and no warning. */
static void test_nothing_leaks(void **state)
{
    (void)state;
    struct made m;
    struct check check;
    made_begin(&m, 800, 1);
    struct random random = random_open(1, 2, 3);
    for (size_t i = 0; i < m.scan.count; i++) {
        m.scan.pictures[i].bytes = 3000 + random_below(&random, 3000);
        m.scan.pictures[i].facts.jpeg_quality = 70 + (int)random_below(&random, 25);
        m.scan.pictures[i].width = 100 + (int)random_below(&random, 400);
    }
    assert_int_equal(check_run(&m.scan, 6, &check, NULL), ASSAY_OK);
    for (int f = 0; f < FEATURE_COUNT; f++)
        for (int kind = 0; kind < RULE_COUNT; kind++)
            for (int folding = 0; folding < FOLDING_COUNT; folding++) {
                const struct rule_result *r = &check.features[f].rules[kind][folding];
                if (kind == RULE_THRESHOLD && feature_is_category((enum feature)f)) {
                    assert_non_null(r->why);
                    continue;
                }
                assert_null(r->why);
                expect_near(r->accuracy, 0.5, 0.08);
                assert_true(r->low <= r->accuracy && r->accuracy <= r->high);
            }
    assert_int_equal(check.warnings.count, 0);
    check_free(&check);
    made_end(&m);
}

/* One class is PNG: the format says it all, wherever it was learnt. Three in four of a class count three quarters,
 * however many pictures the other has. */
static void test_format(void **state)
{
    (void)state;
    struct made m;
    made_begin(&m, 640, 1);
    for (size_t i = 0; i < m.scan.count; i++)
        if (m.pictures[i].label == LABEL_GENERATED)
            m.scan.pictures[i].facts = (struct picture_facts){.format = PICTURE_PNG};
    struct feature_result r = judged(&m.scan, FEATURE_FORMAT);
    for (int folding = 0; folding < FOLDING_COUNT; folding++)
        expect_near(r.rules[RULE_TABLE][folding].accuracy, 1, 0);
    assert_true(check_feature_leaks(&r));
    /* a quarter of the generated ones are JPEGs, and three quarters of the real ones are unreadable */
    for (size_t i = 0; i < m.scan.count; i++) {
        if (m.pictures[i].label == LABEL_GENERATED && i / 16 % 4 == 0)
            m.scan.pictures[i].facts.format = PICTURE_JPEG;
        if (m.pictures[i].label == LABEL_REAL && i / 16 % 4 != 0)
            m.scan.pictures[i].problem = (char *)"damaged";
    }
    r = judged(&m.scan, FEATURE_FORMAT);
    assert_int_equal(r.pictures[LABEL_REAL], 80);
    assert_int_equal(r.pictures[LABEL_GENERATED], 320);
    assert_int_equal(r.sources[LABEL_REAL], 8);
    for (int folding = 0; folding < FOLDING_COUNT; folding++)
        expect_near(r.rules[RULE_TABLE][folding].accuracy, 0.875, 1e-9);
    /* quality: of JPEGs alone, and only real ones have one */
    r = judged(&m.scan, FEATURE_JPEG_QUALITY);
    assert_non_null(strstr(r.rules[RULE_TABLE][FOLDING_RANDOM].why, "ten pictures"));
    made_end(&m);
}

/* Every source has a quality of its own, none is the classes': telling on the same sources, not on others. */
static void test_sources_differ(void **state)
{
    (void)state;
    struct made m;
    made_begin(&m, 1600, 1);
    for (size_t i = 0; i < m.scan.count; i++)
        m.scan.pictures[i].facts.jpeg_quality = 60 + (int)m.scan.pictures[i].group * 2;
    struct feature_result r = judged(&m.scan, FEATURE_JPEG_QUALITY);
    expect_near(r.rules[RULE_TABLE][FOLDING_RANDOM].accuracy, 1, 0);
    assert_true(r.rules[RULE_TABLE][FOLDING_SOURCE].accuracy < 0.6);
    assert_true(r.rules[RULE_TABLE][FOLDING_SOURCE].low < RULE_LEAK);
    assert_true(r.rules[RULE_THRESHOLD][FOLDING_RANDOM].accuracy < 0.7);
    assert_true(check_feature_leaks(&r));
    made_end(&m);
}

/* Generated pictures are larger, every source by another amount: a threshold carries over to other sources. */
static void test_threshold(void **state)
{
    (void)state;
    struct made m;
    made_begin(&m, 800, 1);
    for (size_t i = 0; i < m.scan.count; i++)
        m.scan.pictures[i].width =
            (m.pictures[i].label == LABEL_REAL ? 100 : 500) + 10 * (int)m.scan.pictures[i].group + (int)(i % 7);
    for (int f = 0; f < 3; f++) {
        struct feature_result r =
            judged(&m.scan, (enum feature[]){FEATURE_WIDTH, FEATURE_ASPECT, FEATURE_MEGAPIXELS}[f]);
        expect_near(r.rules[RULE_THRESHOLD][FOLDING_SOURCE].accuracy, 1, 0);
        expect_near(r.rules[RULE_THRESHOLD][FOLDING_SOURCE].low, 1, 0);
        expect_near(r.rules[RULE_TABLE][FOLDING_SOURCE].accuracy, 1, 0.01);
    }
    assert_false(check_feature_leaks(
        &(struct feature_result){{0}, {0}, {{{.why = "x"}, {.why = "x"}}, {{.why = "x"}, {.why = "x"}}}}));
    struct feature_result r = judged(&m.scan, FEATURE_HEIGHT);
    assert_false(check_feature_leaks(&r));
    made_end(&m);
}

/* A source is never on both sides, and what is left always has both classes; also where names are shared by classes. */
static void test_folds(void **state)
{
    (void)state;
    struct made m;
    const char *why;
    uint8_t fold[480];
    made_begin(&m, 480, 1);
    for (int shared = 0; shared < 3; shared++) {
        for (size_t i = 0; i < m.scan.count; i++)
            m.scan.pictures[i].group = shared == 0   ? (uint32_t)(i % 16)
                                       : shared == 1 ? (uint32_t)(i % 16 / 4) /* both classes in each */
                                                     : (uint32_t)(i % 2 && i % 16 > 8 ? 4 : i % 16 / 8 * 2 + i % 2);
        assert_int_equal(folds_make(&m.scan, NULL, FOLDING_SOURCE, fold, &why, NULL), ASSAY_OK);
        assert_null(why);
        bool several = false;
        for (size_t i = 0; i < m.scan.count; i++) {
            assert_true(fold[i] < FOLDS);
            several = several || fold[i] != fold[0];
            for (size_t j = 0; j < i; j++)
                assert_true(m.scan.pictures[i].group != m.scan.pictures[j].group || fold[i] == fold[j]);
        }
        assert_true(several);
        for (int f = 0; f < FOLDS; f++) {
            size_t left[LABEL_COUNT] = {0};
            for (size_t i = 0; i < m.scan.count; i++)
                left[m.pictures[i].label] += fold[i] != f;
            assert_true(left[LABEL_REAL] && left[LABEL_GENERATED]);
        }
    }
    assert_int_equal(folds_make(&m.scan, NULL, FOLDING_RANDOM, fold, &why, NULL), ASSAY_OK);
    size_t count[FOLDS][LABEL_COUNT] = {{0}};
    for (size_t i = 0; i < m.scan.count; i++)
        count[fold[i]][m.pictures[i].label]++;
    for (int f = 0; f < FOLDS; f++)
        for (int label = 0; label < LABEL_COUNT; label++)
            assert_int_equal(count[f][label], 48);
    /* one source a class: nothing to hold out */
    for (size_t i = 0; i < m.scan.count; i++)
        m.scan.pictures[i].group = (uint32_t)m.pictures[i].label;
    assert_int_equal(folds_make(&m.scan, NULL, FOLDING_SOURCE, fold, &why, NULL), ASSAY_OK);
    assert_non_null(strstr(why, "two sources"));
    assert_int_equal(fold[0], FOLD_NONE);
    made_end(&m);
}

static void test_warnings(void **state)
{
    (void)state;
    struct made m;
    struct check check;
    made_begin(&m, 160, 1);
    m.scan.split_count = 2;
    m.scan.splits[0].name = "train";
    m.scan.splits[1].name = "val";
    for (size_t i = 0; i < 160; i++)
        m.scan.pictures[i].split = i >= 80;
    memcpy(m.scan.pictures[1].digest, m.scan.pictures[2].digest, SHA256_BYTES);   /* of the other class */
    memcpy(m.scan.pictures[3].digest, m.scan.pictures[101].digest, SHA256_BYTES); /* of the other split */
    m.scan.pictures[4].hash.bits = m.scan.pictures[100].hash.bits ^ 3;
    m.scan.pictures[9].problem = (char *)"damaged";
    m.scan.unreadable = 1;
    for (size_t i = 0; i < 160; i++)
        m.scan.pictures[i].facts.metadata = m.pictures[i].label ? METADATA_TEXT : METADATA_EXIF | METADATA_ICC;
    assert_int_equal(check_run(&m.scan, 6, &check, NULL), ASSAY_OK);
    static const char *const codes[] = {"leak", "equal-other-class", "equal-other-split", "near-other-split",
                                        "unreadable"};
    const struct check_warning *warnings = check.warnings.data;
    assert_int_equal(check.warnings.count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(warnings[i].code, codes[i]);
    assert_non_null(strstr(warnings[0].text, "metadata alone"));
    assert_non_null(strstr(warnings[0].text, "1.000"));
    assert_non_null(strstr(warnings[1].text, ": 2"));
    assert_int_equal(check_category_count(&m.scan, FEATURE_METADATA, METADATA_TEXT, LABEL_GENERATED), 79);
    check_free(&check);
    made_end(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_leaks), cmocka_unit_test(test_format), cmocka_unit_test(test_sources_differ),
        cmocka_unit_test(test_threshold),     cmocka_unit_test(test_folds),  cmocka_unit_test(test_warnings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
