/* arena.h - memory with one lifetime: allocate as you go, free all at once. One arena per graph, model or batch. */
#ifndef ASSAY_BASE_ARENA_H
#define ASSAY_BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct arena_block;

/* Zero-initialise it, or set `max_bytes` first; not for use by several threads at once. */
struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used, size;          /* of the newest block, bytes */
    size_t total;               /* bytes taken from the heap so far */
    size_t max_bytes;           /* refuse to take more than this from the heap; 0: no bound */
    bool refused;               /* something was refused since it was made: no memory, or the bound */
};

/* Zeroed, aligned to 16 bytes; NULL on overflow, exhaustion or when the bound is reached. */
void *arena_alloc(struct arena *arena, size_t count, size_t size);

char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);
void *arena_memdup(struct arena *arena, const void *bytes, size_t size);
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Frees everything; the arena can be used again. */
void arena_free(struct arena *arena);

#endif
