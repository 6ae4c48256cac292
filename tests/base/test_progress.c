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

/* What is drawn, with `seconds` gone since the beginning, and at the end. Valid until the next call. */
static const char *drawn(struct progress *p, bool terminal, double seconds, uint64_t done, const char *note)
{
    static char text[2048];
    p->stream = tmpfile();
    assert_non_null(p->stream);
    p->terminal = terminal;
    p->started -= seconds;
    p->drawn -= 60;
    progress_update(p, done, note);
    progress_end(p, note);
    rewind(p->stream);
    text[fread(text, 1, sizeof text - 1, p->stream)] = '\0';
    fclose(p->stream);
    return text;
}

static void test_time_left(void **state)
{
    (void)state;
    struct progress p;
    progress_begin(&p, NULL, "work", 0, 2001);
    const char *text = drawn(&p, false, 10, 1, NULL);
    assert_non_null(strstr(text, "work [....................] 1/2001, 0.10/s, 5h33m left\n"));
    progress_begin(&p, NULL, "work", 0, 201);
    text = drawn(&p, false, 100, 101, "note");
    assert_non_null(strstr(text, "work [##########..........] 101/201, 1.0/s, 1m"));
    assert_non_null(strstr(text, "s left, note\n"));
    progress_begin(&p, NULL, "work", 0, 0); /* nobody knows of how many */
    text = drawn(&p, false, 100, 200, "note");
    assert_non_null(strstr(text, "work 200, 2.0/s, note\n"));
}

/* A terminal has one line, drawn over and wiped at the end; a note that is too long is cut. */
static void test_terminal(void **state)
{
    (void)state;
    struct progress p;
    char note[400];
    memset(note, 'n', sizeof note - 1);
    note[sizeof note - 1] = '\0';
    progress_begin(&p, NULL, "work", 0, 10);
    const char *text = drawn(&p, true, 100, 5, note);
    assert_int_equal(text[0], '\r');
    assert_null(strchr(text, '\n'));
    const char *wipe = strrchr(text, '\r');
    assert_int_equal(wipe - text, 1 + 255 + 1 + 255);
    assert_string_equal(wipe, "\r");
    for (const char *c = text + 1 + 255 + 1; c < wipe; c++)
        assert_int_equal(*c, ' ');
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

/* A step of a large network takes seconds: its rate is not shown as none. */
static void test_slow(void **state)
{
    (void)state;
    FILE *stream = tmpfile();
    assert_non_null(stream);
    struct progress p;
    char text[512];
    progress_begin(&p, stream, "work", 0, 10);
    p.started = clock_seconds() - 100;
    progress_update(&p, 4, NULL);
    progress_end(&p, NULL);
    rewind(stream);
    text[fread(text, 1, sizeof text - 1, stream)] = '\0';
    fclose(stream);
    assert_non_null(strstr(text, "4/10, 0.04/s, 2m"));
    assert_int_equal(progress_digits(1), 1);
    assert_int_equal(progress_digits(0.99), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silent),   cmocka_unit_test(test_lines), cmocka_unit_test(test_time_left),
        cmocka_unit_test(test_terminal), cmocka_unit_test(test_rate),  cmocka_unit_test(test_slow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
