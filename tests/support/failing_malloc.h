/* failing_malloc.h - makes one allocation after the other fail, to show that none of them can crash the library or make
 * it leak. The linker routes malloc, calloc, realloc, aligned_alloc and free of everything that is linked statically
 * (the library and the test) through this file. What other libraries allocate does not fail (jansson 2.14 crashes
 * itself where it does), but jansson's blocks are counted too. */
#ifndef ASSAY_TESTS_FAILING_MALLOC_H
#define ASSAY_TESTS_FAILING_MALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* Does the work under test and frees whatever it got. False: it reported a failure. */
typedef bool failing_attempt(void *context);

/* Runs the work with its first, its second, ... allocation failing, until it needs no more and must succeed. Fails the
 * test where a run keeps memory. Returns how many allocations there are; *survived (may be NULL) counts the runs that
 * succeeded although an allocation failed, which is right only where the memory was not essential. */
size_t failing_malloc_each(failing_attempt *attempt, void *context, size_t *survived);

/* The n-th allocation from now fails, once (0: none); and whether it has, which also disarms. */
void failing_malloc_arm(size_t nth);
bool failing_malloc_disarm(void);

/* Blocks allocated and not freed. */
long failing_malloc_live(void);

#endif
