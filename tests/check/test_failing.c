/* test_failing.c - each allocation of reading, checking and balancing in turn fails: an error, no crash, no leak. */
#include "made.h"

#include <sys/stat.h>

#include "data/check/balance.h"
#include "data/check/check.h"
#include "data/check/manifest.h"
#include "data/check/reencode.h"
#include "failing_malloc.h"
#include "scratch.h"

static struct made m;

static bool use_check(void *context)
{
    (void)context;
    struct check check;
    assay_status status = check_run(&m.scan, 6, &check, NULL);
    if (!status)
        check_free(&check);
    return status == ASSAY_OK;
}

static bool use_balance(void *context)
{
    (void)context;
    struct balance_summary s = {0};
    bool eligible[64], chosen[64];
    memset(eligible, 1, sizeof eligible);
    return balance_choose(&m.scan, eligible, 1, chosen, &s, NULL) == ASSAY_OK;
}

static bool use_scan(void *context)
{
    (void)context;
    struct scan scan = {0};
    struct assay_error error = {0};
    bool done = scan_open("set", "auto", &scan, &error) == ASSAY_OK && scan_read(&scan, NULL, &error) == ASSAY_OK;
    assert_true(done || error.status == ASSAY_ERROR_MEMORY || error.status == ASSAY_ERROR_INTERNAL);
    assert_true(!done || (scan.count == 4 && scan.unreadable == 1));
    scan_free(&scan);
    return done;
}

static bool use_copies(void *context)
{
    struct scan *scan = context, made = {0};
    const struct reencode_options options = {24, REENCODE_SCALE, 80, 90, 1};
    const bool eligible[4] = {true, true, false, true};
    bool chosen[4] = {true, true, false, true};
    char **copies = NULL;
    bool done = reencode_pictures(scan, eligible, &options, "out", NULL, &made, &copies, NULL) == ASSAY_OK &&
                manifest_write("out/manifest.csv", scan, chosen, copies, NULL) == ASSAY_OK;
    reencode_free(&made, copies);
    return done;
}

static void test_made(void **state)
{
    (void)state;
    made_begin(&m, 64, 1);
    for (size_t i = 0; i < 64; i++)
        m.scan.pictures[i].facts.jpeg_quality = (m.pictures[i].label ? 80 : 90) + (i / 16 % 2 ? 10 : 0);
    memcpy(m.scan.pictures[3].digest, m.scan.pictures[9].digest, SHA256_BYTES);
    m.scan.pictures[5].hash.bits = m.scan.pictures[8].hash.bits ^ 5;
    assert_true(failing_malloc_each(use_check, NULL, NULL) > 100);
    assert_true(failing_malloc_each(use_balance, NULL, NULL) > 50);
    made_end(&m);
}

static void test_files(void **state)
{
    (void)state;
    static const char *const folders[] = {"set", "set/real", "set/ai", "out"};
    scratch_begin();
    for (size_t i = 0; i < 4; i++)
        mkdir(folders[i], 0700);
    scratch_picture("set/real/a.jpg", 40, 30, 1);
    scratch_picture("set/real/b.png", 40, 30, 2);
    scratch_write("set/ai/c.jpg", "no picture", 10);
    scratch_picture("set/ai/d.jpg", 33, 60, 3);
    assert_true(failing_malloc_each(use_scan, NULL, NULL) > 30);
    struct scan scan = {0};
    assert_int_equal(scan_open("set", "auto", &scan, NULL), ASSAY_OK);
    assert_string_equal(scan.pictures[0].picture->name, "ai/c.jpg");
    assert_int_equal(scan_read(&scan, NULL, NULL), ASSAY_OK);
    const struct scan_picture first = scan.pictures[0]; /* the unreadable one comes third, as `eligible` has it */
    scan.pictures[0] = scan.pictures[2];
    scan.pictures[2] = first;
    assert_true(failing_malloc_each(use_copies, &scan, NULL) > 20);
    scan_free(&scan);
    scratch_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_made), cmocka_unit_test(test_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
