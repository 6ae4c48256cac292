/* string_map.h - a map from strings to pointers, in insertion order. Keys are not copied: they must outlive the map. */
#ifndef ASSAY_BASE_STRING_MAP_H
#define ASSAY_BASE_STRING_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct string_map_entry {
    const char *key;
    void *value;
};

/* Zero-initialise it, free it with string_map_free. */
struct string_map {
    struct string_map_entry *entries; /* in insertion order, `count` of them */
    size_t count, capacity;
    uint32_t *slots; /* open addressing: index + 1 into entries, 0 free */
    size_t slot_count;
};

/* The value, or NULL if the key is not there. */
void *string_map_get(const struct string_map *map, const char *key);

/* Adds a key that is not there yet. False: it is there already, or no memory (then string_map_get gives NULL). */
bool string_map_add(struct string_map *map, const char *key, void *value);

void string_map_free(struct string_map *map);

#endif
