/* test_examples.c - the example programs, which are linked with the shared library alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scratch.h"

static const char *judge_file, *judge_pixels, *explain_file, *photographs;

static int setup(void **state)
{
    (void)state;
    scratch_begin();
    scratch_model("model.safetensors", true);
    return 0;
}

static void test_judge_file(void **state)
{
    (void)state;
    struct outcome o;
    run(&(struct launch){.program = judge_file, .args = (const char *const[]){"model.safetensors", photographs, NULL}},
        &o);
    assert_int_equal(o.status, 0);
    assert_string_equal(o.err, "");
    assert_non_null(strstr(o.out, "451x300 pixels, detector residual"));
    outcome_free(&o);
    run(&(struct launch){.program = judge_file, .args = (const char *const[]){"model.safetensors", "gone.jpg", NULL}},
        &o);
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "gone.jpg"));
    outcome_free(&o);
    run(&(struct launch){.program = judge_file}, &o);
    assert_int_equal(o.status, 2);
    outcome_free(&o);
}

static void test_judge_pixels(void **state)
{
    (void)state;
    struct outcome o;
    run(&(struct launch){.program = judge_pixels, .args = (const char *const[]){"model.safetensors", "3", NULL}}, &o);
    assert_int_equal(o.status, 0);
    assert_string_equal(o.err, "");
    assert_int_equal(count_of(o.out, "\n"), 12);
    assert_null(strstr(o.out, "DIFFERS"));
    outcome_free(&o);
    run(&(struct launch){.program = judge_pixels, .args = (const char *const[]){"none.safetensors", NULL}}, &o);
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "none.safetensors"));
    outcome_free(&o);
}

static void test_explain_file(void **state)
{
    (void)state;
    struct outcome o;
    size_t size;
    run(&(struct launch){.program = explain_file,
                         .args = (const char *const[]){"model.safetensors", photographs, "map.png", NULL}},
        &o);
    assert_int_equal(o.status, 0);
    assert_non_null(strstr(o.out, "the map shows what speaks for"));
    assert_non_null(strstr(o.err, "explaining: 100 %"));
    outcome_free(&o);
    uint8_t *png = scratch_read("map.png", &size);
    assert_true(size > 8 && memcmp(png, "\x89PNG", 4) == 0);
    free(png);
    run(&(struct launch){.program = explain_file,
                         .args = (const char *const[]){"model.safetensors", photographs, "none/map.png", NULL}},
        &o);
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "none/map.png: cannot be written"));
    outcome_free(&o);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    judge_file = scratch_find_program(argv[1]);
    judge_pixels = scratch_find_program(argv[2]);
    explain_file = scratch_find_program(argv[3]);
    photographs = argv[4];
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_judge_file), cmocka_unit_test(test_judge_pixels),
                                       cmocka_unit_test(test_explain_file)};
    return cmocka_run_group_tests_name("api/examples", tests, setup, scratch_end_group);
}
