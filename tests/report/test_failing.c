/* test_failing.c - each allocation of a small report in turn fails: an error, no crash, no leak, no half of a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "failing_malloc.h"
#include "made_up.h"

struct attempt {
    struct report_input input;
    char path[64];
};

static bool write_report(void *context)
{
    struct attempt *a = context;
    struct assay_error error = {0};
    bool done = report_write(&a->input, a->path, &error) == ASSAY_OK;
    assert_true(done || error.message[0] != '\0');
    assert_int_equal(file_exists(a->path), done);
    unlink(a->path);
    return done;
}

static void test_report(void **state)
{
    (void)state;
    struct made_up made = made_up_run(false, 7);
    char folder[] = "/tmp/assay-failing-XXXXXX";
    struct attempt attempt = {.input = made.input};
    struct prediction few[12];
    const uint32_t embedded[] = {0, 1, 2, 3, 4, 5};
    struct report_embeddings e = made.input.embeddings[0];
    for (size_t i = 0; i < 12; i++) { /* two models, six pictures of both classes each */
        few[i] = made.input.predictions[i % 6 * MADE_PICTURES + i / 6 * MADE_SOURCES * MADE_PICTURES];
        assert_true(few[i].readable);
    }
    e.count = 6;
    e.prediction = embedded;
    attempt.input.predictions = few;
    attempt.input.prediction_count = 12;
    attempt.input.table_count = 3;
    attempt.input.embeddings = &e;
    assert_non_null(mkdtemp(folder));
    snprintf(attempt.path, sizeof attempt.path, "%s/report.html", folder);
    size_t survived;
    assert_true(failing_malloc_each(write_report, &attempt, &survived) > 100);
    assert_in_range(survived, 0, 1); /* only the sync of the folder can do without */
    assert_int_equal(rmdir(folder), 0);
    made_up_free(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_report)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
