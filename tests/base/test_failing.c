/* test_failing.c - each allocation of the base in turn fails: an error, no crash, no leak. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/crew.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/option.h"
#include "base/string_map.h"
#include "failing_malloc.h"

static bool use_arena(void *context)
{
    (void)context;
    struct arena arena = {0};
    bool done = arena_strdup(&arena, "text") && arena_alloc(&arena, 10000, 1) && arena_printf(&arena, "%9999d", 7) &&
                arena_alloc(&arena, 1 << 21, 1);
    arena_free(&arena);
    return done;
}

static bool use_array(void *context)
{
    (void)context;
    struct array array = array_of(sizeof(int), 1000);
    bool done = true;
    for (int i = 0; i < 500 && done; i++) {
        size_t count = array.count;
        int *item = array_push(&array);
        done = item != NULL;
        if (done)
            *item = i;
        else
            assert_int_equal(array.count, count);
    }
    for (size_t i = 0; i < array.count; i++) /* what is in it stays */
        assert_int_equal(((int *)array.data)[i], i);
    array_free(&array);
    return done;
}

static bool use_string_map(void *context)
{
    (void)context;
    static char names[300][8];
    struct string_map map = {0};
    bool done = true;
    for (int i = 0; i < 300 && done; i++) {
        snprintf(names[i], sizeof names[i], "%d", i);
        done = string_map_add(&map, names[i], names[i]);
        if (!done)
            assert_null(string_map_get(&map, names[i]));
        for (int k = 0; k < i; k += 7) /* what is in it is still found */
            assert_ptr_equal(string_map_get(&map, names[k]), names[k]);
    }
    string_map_free(&map);
    return done;
}

struct config {
    int64_t number;
    const char *text;
    int choice;
};

static const struct option table[] = {
    {"number", OPTION_INT, offsetof(struct config, number), "1", 0, 10, NULL, "a number"},
    {"text", OPTION_TEXT, offsetof(struct config, text), NULL, 0, 0, NULL, "a text"},
    {"choice", OPTION_CHOICE, offsetof(struct config, choice), "a", 0, 0, "a|b", "a choice"},
    {0},
};

static bool use_options(void *context)
{
    (void)context;
    struct config config, back;
    struct arena arena = {0};
    struct assay_error error = {0};
    option_defaults(table, &config);
    option_defaults(table, &back);
    bool done = option_set(table, &config, "text", "caf\xe9", &arena, &error) == ASSAY_OK;
    json_t *object = done ? option_to_json(table, &config) : NULL;
    done = object && option_from_json(table, &back, object, "test", &arena, &error) == ASSAY_OK &&
           option_check(table, sizeof config, &error) == ASSAY_OK;
    json_decref(object);
    arena_free(&arena);
    return done;
}

static bool use_file(void *context)
{
    const char *path = context;
    struct assay_error error = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    bool done =
        file_write(path, "text", 4, &error) == ASSAY_OK && file_read(path, 100, &bytes, &size, &error) == ASSAY_OK;
    mem_free(bytes);
    if (!done)
        assert_int_equal(error.status, ASSAY_ERROR_MEMORY);
    return done;
}

static void do_job(void *context, struct crew_seat *seat, uint64_t job, void *result)
{
    (void)context;
    (void)seat;
    *(char **)result = job ? mem_strdup("text") : NULL;
}

static void drop_result(void *context, void *result)
{
    (void)context;
    mem_free(*(char **)result);
}

static bool use_crew(void *context)
{
    struct assay_error error = {0};
    struct crew *crew = NULL;
    const struct crew_options options = {.end = 4,
                                         .workers = 1,
                                         .threads = 1,
                                         .window = 4,
                                         .result_bytes = sizeof(char *),
                                         .work = do_job,
                                         .drop = drop_result};
    uint64_t job;
    char **text;
    (void)context;
    bool done = crew_create(&options, &crew, &error) == ASSAY_OK;
    if (!done)
        assert_int_equal(error.status, ASSAY_ERROR_MEMORY);
    for (int i = 0; i < 2 && done && (text = crew_next(crew, &job)); i++) {
        done = job == 0 || *text;
        mem_free(*text);
    }
    crew_free(crew); /* drops two */
    return done;
}

static void test_arena(void **state)
{
    (void)state;
    size_t survived;
    assert_int_equal(failing_malloc_each(use_arena, NULL, &survived), 4);
    assert_int_equal(survived, 0);
}

static void test_array(void **state)
{
    (void)state;
    size_t survived;
    assert_true(failing_malloc_each(use_array, NULL, &survived) > 5);
    assert_int_equal(survived, 0);
}

static void test_crew(void **state)
{
    (void)state;
    size_t survived;
    assert_true(failing_malloc_each(use_crew, NULL, &survived) >= 6);
    assert_true(survived <= 2); /* results that nobody takes */
}

static void test_string_map(void **state)
{
    (void)state;
    size_t survived;
    assert_int_equal(failing_malloc_each(use_string_map, NULL, &survived), 10); /* slots and entries for 32 ... 512 */
    assert_int_equal(survived, 0);
}

static void test_options(void **state)
{
    (void)state;
    size_t survived;
    assert_true(failing_malloc_each(use_options, NULL, &survived) >= 3);
    assert_int_equal(survived, 0);
}

static void test_file(void **state)
{
    (void)state;
    char folder[] = "/tmp/assay-failing-XXXXXX", path[64];
    size_t survived;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    assert_int_equal(failing_malloc_each(use_file, path, &survived), 4);
    assert_int_equal(survived, 1); /* the folder's sync needs a little memory and is not essential */
    unlink(path);
    assert_int_equal(rmdir(folder), 0); /* no temporary file left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena),      cmocka_unit_test(test_array),   cmocka_unit_test(test_crew),
        cmocka_unit_test(test_string_map), cmocka_unit_test(test_options), cmocka_unit_test(test_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
