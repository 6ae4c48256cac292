/* test_duplicates.c - duplicates against comparing every pair. */
#include "made.h"

#include "data/check/duplicates.h"

/* Bits of a picture's partners, by comparing it with all others. */
static uint8_t partners_of(const struct scan *scan, size_t i, int distance, bool near)
{
    const struct scan_picture *a = &scan->pictures[i];
    uint8_t bits = 0;
    for (size_t j = 0; j < scan->count; j++) {
        const struct scan_picture *b = &scan->pictures[j];
        bool equal = memcmp(a->digest, b->digest, SHA256_BYTES) == 0;
        if (j == i || a->problem || b->problem || equal == near)
            continue;
        if (near && (a->hash.flat || b->hash.flat || phash_distance(a->hash.bits, b->hash.bits) > distance))
            continue;
        bool class = a->picture->label != b->picture->label, split = a->split != b->split;
        bits |= (uint8_t)((class ? PARTNER_OTHER_CLASS : 0) | (split ? PARTNER_OTHER_SPLIT : 0) |
                          (!class && !split ? PARTNER_ALIKE : 0));
    }
    return bits;
}

static void check_set(const struct scan *scan, const struct duplicate_set *set, int distance, bool near)
{
    size_t pictures = 0, members = 0;
    for (size_t i = 0; i < scan->count; i++) {
        uint8_t want = partners_of(scan, i, distance, near);
        if (set->partners[i] != want)
            fail_msg("picture %zu at distance %d: %d, expected %d", i, distance, set->partners[i], want);
        pictures += want != 0;
    }
    assert_int_equal(set->pictures, pictures);
    for (size_t g = 0; g < set->group_count; g++) {
        const struct duplicate_group *group = &set->groups[g];
        const uint32_t *all = set->members + group->first;
        assert_true(group->count >= 2);
        members += group->count;
        for (size_t i = 0; i < group->count; i++) {
            assert_true(set->partners[all[i]] != 0);
            assert_true(i == 0 || all[i] > all[i - 1]);
        }
        assert_true(g == 0 || all[0] > set->members[set->groups[g - 1].first]);
    }
    assert_int_equal(members, pictures); /* each is in one group */
}

/* Hashes near a few centres, copies of files, three splits; some flat, some unreadable. */
static void make_clusters(struct made *m, size_t count)
{
    struct random random = random_open(5, 1, 0);
    made_begin(m, count, 3);
    m->scan.split_count = 3;
    for (size_t i = 0; i < count; i++) {
        struct scan_picture *p = &m->scan.pictures[i];
        p->split = (uint8_t)random_below(&random, 3);
        if (random_below(&random, 2)) {
            p->hash.bits = m->scan.pictures[random_below(&random, 40)].hash.bits;
            for (uint64_t flips = random_below(&random, 9); flips > 0; flips--)
                p->hash.bits ^= UINT64_C(1) << random_below(&random, 64);
        }
        if (i && random_below(&random, 8) == 0) {
            const struct scan_picture *other = &m->scan.pictures[random_below(&random, i)];
            memcpy(p->digest, other->digest, sizeof p->digest);
            p->hash = other->hash;
        }
        if (random_below(&random, 20) == 0) {
            /* flatness belongs to the bytes: all copies are */
            for (size_t j = 0; j < i; j++)
                if (memcmp(m->scan.pictures[j].digest, p->digest, sizeof p->digest) == 0)
                    m->scan.pictures[j].hash.flat = true;
            p->hash.flat = true;
        }
        if (random_below(&random, 30) == 0)
            p->problem = (char *)"damaged";
    }
}

static void test_against_all_pairs(void **state)
{
    (void)state;
    struct made m;
    struct duplicates d;
    make_clusters(&m, 700);
    for (int distance = 0; distance <= DUPLICATES_MAX_DISTANCE; distance += distance < 8 ? 1 : 7) {
        assert_int_equal(duplicates_find(&m.scan, distance, &d, NULL), ASSAY_OK);
        check_set(&m.scan, &d.equal, distance, false);
        check_set(&m.scan, &d.near, distance, true);
        assert_true(d.equal.pictures > 50 && d.near.pictures > 50 && d.flat > 10);
        assert_true(d.near.other_class && d.near.other_split && d.near.alike);
        duplicates_free(&d);
    }
    made_end(&m);
}

static void test_distance_out_of_range(void **state)
{
    (void)state;
    struct made m;
    struct duplicates d;
    struct assay_error error = {0};
    made_begin(&m, 4, 1);
    assert_int_equal(duplicates_find(&m.scan, DUPLICATES_MAX_DISTANCE + 1, &d, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "from 0 to 15"));
    made_end(&m);
}

/* 100,000 pictures, of which 500 pairs are near: comparing all pairs would take five thousand million steps. */
static void test_many(void **state)
{
    (void)state;
    struct made m;
    struct duplicates d;
    made_begin(&m, 100000, 9);
    for (size_t i = 0; i < 500; i++)
        m.scan.pictures[99999 - i].hash.bits = m.scan.pictures[i * 7].hash.bits ^ UINT64_C(0x8000200000400801);
    assert_int_equal(duplicates_find(&m.scan, DUPLICATES_DISTANCE, &d, NULL), ASSAY_OK);
    assert_int_equal(d.near.pictures, 1000);
    assert_int_equal(d.near.group_count, 500);
    assert_int_equal(d.near.groups[3].count, 2);
    assert_int_equal(d.near.members[d.near.groups[3].first], 21);
    assert_int_equal(d.near.members[d.near.groups[3].first + 1], 99996);
    assert_int_equal(d.equal.pictures, 0);
    duplicates_free(&d);
    made_end(&m);
}

/* All equal: one group, found without comparing them with one another. */
static void test_all_equal(void **state)
{
    (void)state;
    struct made m;
    struct duplicates d;
    made_begin(&m, 50000, 2);
    for (size_t i = 1; i < m.scan.count; i++)
        m.scan.pictures[i].hash = m.scan.pictures[0].hash;
    assert_int_equal(duplicates_find(&m.scan, 15, &d, NULL), ASSAY_OK);
    assert_int_equal(d.near.pictures, 50000);
    assert_int_equal(d.near.group_count, 1);
    duplicates_free(&d);
    made_end(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_all_pairs),
        cmocka_unit_test(test_distance_out_of_range),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_all_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
