/* memory.h - heap allocation with checked sizes. Everything the library allocates for itself comes through here or
 * through an arena, so that tests can fail each allocation in turn (by wrapping malloc, calloc and realloc). */
#ifndef ASSAY_BASE_MEMORY_H
#define ASSAY_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MEMORY_ALIGNMENT = 64 }; /* bytes: a cache line, and an AVX-512 register */

/* *out = a * b or a + b; false, and *out untouched, where that does not fit. */
bool size_mul(size_t a, size_t b, size_t *out);
bool size_add(size_t a, size_t b, size_t *out);

/* Zeroed memory for count objects of the given size; NULL on overflow or exhaustion. Free it with mem_free. */
void *mem_alloc(size_t count, size_t size);

/* Grows or shrinks; what is new is not zeroed. NULL leaves the old block alone. */
void *mem_resize(void *block, size_t count, size_t size);

/* Like mem_alloc, aligned to MEMORY_ALIGNMENT and not zeroed; also freed with mem_free. */
void *mem_alloc_aligned(size_t bytes);

char *mem_strdup(const char *text);
void mem_free(void *block); /* NULL is fine */

#endif
