/* arena.c - blocks that double up to a megabyte, freed together. */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum { ARENA_ALIGNMENT = 16, ARENA_FIRST_BLOCK = 4096, ARENA_LARGEST_BLOCK = 1 << 20 };

struct arena_block {
    struct arena_block *next;
    size_t unused; /* keeps the data that follows aligned */
};

static bool arena_grow(struct arena *arena, size_t bytes)
{
    size_t size = arena->size ? arena->size * 2 : ARENA_FIRST_BLOCK;
    if (size > ARENA_LARGEST_BLOCK)
        size = ARENA_LARGEST_BLOCK;
    if (size < bytes)
        size = bytes;
    size_t with_header;
    if (!size_add(size, sizeof(struct arena_block), &with_header))
        return false;
    if (arena->max_bytes && (with_header > arena->max_bytes || arena->total > arena->max_bytes - with_header))
        return false;
    struct arena_block *block = mem_alloc(with_header, 1);
    if (!block)
        return false;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->used = 0;
    arena->size = size;
    arena->total += with_header;
    return true;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (!size_mul(count, size, &bytes) || bytes > SIZE_MAX - ARENA_ALIGNMENT) {
        arena->refused = true;
        return NULL;
    }
    bytes = (bytes + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    if (bytes == 0)
        bytes = ARENA_ALIGNMENT;
    if ((!arena->blocks || arena->size - arena->used < bytes) && !arena_grow(arena, bytes)) {
        arena->refused = true;
        return NULL;
    }
    void *memory = (char *)(arena->blocks + 1) + arena->used;
    arena->used += bytes;
    return memory;
}

void *arena_memdup(struct arena *arena, const void *bytes, size_t size)
{
    void *copy = arena_alloc(arena, size, 1);
    if (copy && size)
        memcpy(copy, bytes, size);
    return copy;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
    char *copy = length < SIZE_MAX ? arena_alloc(arena, length + 1, 1) : NULL;
    if (copy)
        memcpy(copy, text, length);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        return NULL;
    char *text = arena_alloc(arena, (size_t)length + 1, 1);
    if (text) {
        va_start(args, format);
        vsnprintf(text, (size_t)length + 1, format, args);
        va_end(args);
    }
    return text;
}

void arena_free(struct arena *arena)
{
    for (struct arena_block *block = arena->blocks; block;) {
        struct arena_block *next = block->next;
        mem_free(block);
        block = next;
    }
    arena->blocks = NULL;
    arena->used = arena->size = arena->total = 0;
}
