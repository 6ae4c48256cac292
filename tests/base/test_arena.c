/* test_arena.c - sizes, alignment, growth, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/memory.h"

static void test_sizes(void **state)
{
    (void)state;
    size_t out = 7;
    assert_true(size_mul(0, SIZE_MAX, &out) && out == 0);
    assert_true(size_mul(3, SIZE_MAX / 3, &out) && out == SIZE_MAX);
    out = 7;
    assert_false(size_mul(SIZE_MAX / 2 + 1, 2, &out));
    assert_false(size_add(SIZE_MAX, 1, &out));
    assert_int_equal(out, 7);
    assert_true(size_add(SIZE_MAX - 1, 1, &out) && out == SIZE_MAX);
    assert_null(mem_alloc(SIZE_MAX / 2, 3));
    assert_null(mem_resize(NULL, SIZE_MAX / 2, 3));
    assert_null(mem_alloc_aligned(SIZE_MAX));
    void *block = mem_alloc_aligned(1);
    assert_int_equal((uintptr_t)block % MEMORY_ALIGNMENT, 0);
    mem_free(block);
    block = mem_alloc(0, 0);
    assert_non_null(block);
    mem_free(block);
}

/* Blocks of every size are aligned, zeroed, apart from each other, and keep what was written. */
static void test_blocks(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 15, 16, 17, 4000, 5000, 100, 3000000, 1, 2000000, 60};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    struct arena arena = {0};
    uint8_t *blocks[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = arena_alloc(&arena, sizes[i], 1);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_true(blocks[i][k] == 0);
        memset(blocks[i], (int)i + 1, sizes[i]);
    }
    for (size_t i = 0; i < COUNT; i++)
        for (size_t k = 0; k < sizes[i]; k++)
            assert_true(blocks[i][k] == i + 1);
    arena_free(&arena);
    assert_null(arena.blocks);
    assert_int_equal(arena.total, 0);
    assert_non_null(arena_alloc(&arena, 1, 1)); /* it can be used again */
    arena_free(&arena);
}

static void test_many(void **state)
{
    (void)state;
    struct arena arena = {0};
    for (int i = 0; i < 100000; i++) {
        int *number = arena_alloc(&arena, 1, sizeof *number);
        assert_true(number && *number == 0);
        *number = i;
    }
    assert_true(arena.total < 4 * 1000 * 1000); /* no more than twice what was asked for */
    arena_free(&arena);
}

static void test_bound(void **state)
{
    (void)state;
    struct arena arena = {.max_bytes = 20000};
    size_t got = 0;
    while (arena_alloc(&arena, 100, 1))
        got++;
    assert_in_range(got, 100, 200);
    assert_true(arena.total <= 20000);
    arena_free(&arena);
    assert_null(arena_alloc(&arena, 20000, 1));
    assert_null(arena_alloc(&arena, SIZE_MAX, 1));
    assert_null(arena_alloc(&arena, SIZE_MAX / 2, 3));
    assert_null(arena_alloc(&arena, SIZE_MAX - 8, 1));
    assert_null(arena_strndup(&arena, "x", SIZE_MAX));
    arena_free(&arena);
}

static void test_text(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_string_equal(arena_strdup(&arena, "abc"), "abc");
    assert_string_equal(arena_strdup(&arena, ""), "");
    assert_string_equal(arena_strndup(&arena, "abcdef", 2), "ab");
    assert_string_equal(arena_printf(&arena, "%s-%d", "x", 7), "x-7");
    assert_memory_equal(arena_memdup(&arena, "\1\2", 2), "\1\2", 2);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes), cmocka_unit_test(test_blocks), cmocka_unit_test(test_many),
        cmocka_unit_test(test_bound), cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
