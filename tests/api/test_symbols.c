/* test_symbols.c - the shared library shows what the public header declares and nothing else, each function of it is
 * documented in the header and in the manual, and the library's name bears the ABI version.
 *
 *     test_symbols LIBRARY NM READELF HEADER MANUAL                                                                  */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "assay/assay.h"
#include "scratch.h"

enum { MAX_NAMES = 200, NAME = 64 };

struct names {
    char text[MAX_NAMES][NAME];
    int count;
};

static const char *library, *nm, *readelf;
static char *header, *manual;

static int teardown(void **state)
{
    (void)state;
    scratch_end();
    free(header);
    free(manual);
    return 0;
}

static void add(struct names *names, const char *text, size_t length)
{
    assert_true(names->count < MAX_NAMES && length > 0 && length < NAME);
    snprintf(names->text[names->count++], NAME, "%.*s", (int)length, text);
}

static bool has(const struct names *names, const char *text)
{
    for (int i = 0; i < names->count; i++)
        if (strcmp(names->text[i], text) == 0)
            return true;
    return false;
}

/* The functions that the header declares, by the word before the parameters. */
static void read_declared(struct names *names)
{
    names->count = 0;
    for (const char *at = header; (at = strstr(at, "\nASSAY_API ")); at++) {
        const char *end = strchr(at, '('), *begin = end;
        assert_non_null(end);
        while (begin[-1] == '_' || (begin[-1] >= 'a' && begin[-1] <= 'z'))
            begin--;
        add(names, begin, (size_t)(end - begin));
    }
    assert_true(names->count > 20);
}

static void test_exports(void **state)
{
    (void)state;
    static struct names declared, shown;
    struct outcome o;
    run(&(struct launch){.program = nm,
                         .args = (const char *const[]){"-D", "--defined-only", "--format=posix", library, NULL}},
        &o);
    assert_int_equal(o.status, 0);
    for (const char *line = o.out; *line; line = strchr(line, '\n') + 1) {
        add(&shown, line, strcspn(line, " @"));
        assert_non_null(strchr(line, '\n'));
    }
    read_declared(&declared);
    for (int i = 0; i < shown.count; i++)
        if (!has(&declared, shown.text[i]))
            fail_msg("%s is exported, and no function of assay.h", shown.text[i]);
    for (int i = 0; i < declared.count; i++)
        if (!has(&shown, declared.text[i]))
            fail_msg("%s is in assay.h, and not exported", declared.text[i]);
    outcome_free(&o);
}

/* A comment ends on the line above, or stands on the line itself. */
static void test_documented(void **state)
{
    (void)state;
    for (const char *at = header; (at = strstr(at, "\nASSAY_API ")); at++) {
        const char *end = strchr(at + 1, '\n');
        char *line = strndup(at + 1, (size_t)(end - at - 1));
        assert_non_null(line);
        if (strncmp(at - 2, "*/", 2) != 0 && !strstr(line, "/* "))
            fail_msg("undocumented: %s", line);
        free(line);
    }
    static struct names declared;
    read_declared(&declared);
    for (int i = 0; i < declared.count; i++)
        if (!strstr(manual, declared.text[i]))
            fail_msg("docs/library.md does not mention %s", declared.text[i]);
}

static void test_soname(void **state)
{
    (void)state;
    struct outcome o;
    char expected[64];
    snprintf(expected, sizeof expected, "[libassay.so.%d]", ASSAY_ABI_VERSION);
    run(&(struct launch){.program = readelf, .args = (const char *const[]){"-d", library, NULL}}, &o);
    assert_int_equal(o.status, 0);
    assert_non_null(strstr(o.out, "SONAME"));
    assert_non_null(strstr(o.out, expected));
    outcome_free(&o);
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    library = scratch_find_program(argv[1]);
    nm = scratch_find_program(argv[2]);
    readelf = scratch_find_program(argv[3]);
    header = (char *)scratch_read(argv[4], NULL);
    manual = (char *)scratch_read(argv[5], NULL);
    scratch_begin();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exports),
        cmocka_unit_test(test_documented),
        cmocka_unit_test(test_soname),
    };
    return cmocka_run_group_tests_name("api/symbols", tests, NULL, teardown);
}
