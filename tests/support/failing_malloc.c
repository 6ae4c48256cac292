/* failing_malloc.c - wrappers around the heap that count and fail. */
#include "failing_malloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *block);

static atomic_size_t countdown; /* 1: the next one fails; 0: none does */
static atomic_bool failed;
static atomic_long live;

static bool fails(void)
{
    size_t left = atomic_load(&countdown);
    while (left && !atomic_compare_exchange_weak(&countdown, &left, left - 1))
        ;
    if (left == 1)
        atomic_store(&failed, true);
    return left == 1;
}

static void *counted(void *block)
{
    if (block)
        atomic_fetch_add(&live, 1);
    return block;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    if (fails())
        return NULL;
    void *moved = __real_realloc(block, size);
    return block ? moved : counted(moved);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : counted(__real_aligned_alloc(alignment, size));
}

void __wrap_free(void *block)
{
    if (block)
        atomic_fetch_sub(&live, 1);
    __real_free(block);
}

void failing_malloc_arm(size_t nth)
{
    atomic_store(&failed, false);
    atomic_store(&countdown, nth);
}

bool failing_malloc_disarm(void)
{
    atomic_store(&countdown, 0);
    return atomic_load(&failed);
}

long failing_malloc_live(void)
{
    return atomic_load(&live);
}

/* For jansson: counted, but never failing. */
static void *json_malloc(size_t size)
{
    return counted(__real_malloc(size));
}

size_t failing_malloc_each(failing_attempt *attempt, void *context, size_t *survived)
{
    json_set_alloc_funcs(json_malloc, free);
    if (survived)
        *survived = 0;
    for (size_t nth = 1;; nth++) {
        long before = failing_malloc_live();
        failing_malloc_arm(nth);
        bool done = attempt(context);
        bool fired = failing_malloc_disarm();
        long after = failing_malloc_live();
        if (after != before)
            fail_msg("allocation %zu failed: %ld blocks were kept", nth, after - before);
        if (!fired) {
            if (!done)
                fail_msg("it fails although no allocation failed (%zu made)", nth - 1);
            return nth - 1;
        }
        if (done && survived)
            (*survived)++;
    }
}
