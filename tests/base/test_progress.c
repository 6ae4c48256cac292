/* test_progress.c - what is written where there is no terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/progress.h"

static void test_silent(void **state)
{
    (void)state;
    struct progress p;
    progress_begin(&p, NULL, "work", 0, 10);
    progress_update(&p, 5, "note");
    progress_end(&p, NULL);
    assert_int_equal(p.done, 5);
}

/* A file gets plain lines: none for quick updates, one at the end. */
static void test_lines(void **state)
{
    (void)state;
    FILE *stream = tmpfile();
    assert_non_null(stream);
    struct progress p;
    char text[512];
    progress_begin(&p, stream, "work", 2, 10);
    for (uint64_t i = 2; i < 10; i++)
        progress_update(&p, i, NULL);
    progress_end(&p, "loss 0.5");
    rewind(stream);
    size_t got = fread(text, 1, sizeof text - 1, stream);
    text[got] = '\0';
    fclose(stream);
    assert_non_null(strstr(text, "work ["));
    assert_non_null(strstr(text, "] 9/10, "));
    assert_non_null(strstr(text, ", loss 0.5\n"));
    assert_null(strchr(text, '\r'));
    assert_ptr_equal(strchr(text, '\n'), text + got - 1); /* one line */
}

static void test_rate(void **state)
{
    (void)state;
    struct progress p;
    double before = clock_seconds();
    progress_begin(&p, NULL, "work", 100, 0);
    p.started = before - 2; /* two seconds ago */
    progress_update(&p, 110, NULL);
    double rate = progress_rate(&p); /* ten more since, not a hundred and ten */
    assert_true(rate > 4 && rate <= 5);
    assert_true(clock_seconds() >= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silent),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
