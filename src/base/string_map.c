/* string_map.c - open addressing with linear probing over an insertion-ordered table. */
#include "base/string_map.h"

#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

static size_t string_map_slot(const struct string_map *map, const char *key)
{
    size_t slot = (size_t)hash_text(key) & (map->slot_count - 1);
    while (map->slots[slot] && strcmp(map->entries[map->slots[slot] - 1].key, key) != 0)
        slot = (slot + 1) & (map->slot_count - 1);
    return slot;
}

void *string_map_get(const struct string_map *map, const char *key)
{
    if (!map->slot_count)
        return NULL;
    uint32_t index = map->slots[string_map_slot(map, key)];
    return index ? map->entries[index - 1].value : NULL;
}

static bool string_map_grow(struct string_map *map)
{
    size_t capacity = map->capacity ? map->capacity * 2 : 32;
    if (capacity > UINT32_MAX / 4)
        return false;
    uint32_t *slots = mem_alloc(capacity * 2, sizeof *slots);
    if (!slots)
        return false;
    struct string_map_entry *entries = mem_resize(map->entries, capacity, sizeof *entries);
    if (!entries) {
        mem_free(slots);
        return false;
    }
    mem_free(map->slots);
    map->slots = slots;
    map->entries = entries;
    map->capacity = capacity;
    map->slot_count = capacity * 2;
    for (size_t i = 0; i < map->count; i++)
        map->slots[string_map_slot(map, map->entries[i].key)] = (uint32_t)(i + 1);
    return true;
}

bool string_map_add(struct string_map *map, const char *key, void *value)
{
    if (map->count == map->capacity && !string_map_grow(map))
        return false;
    size_t slot = string_map_slot(map, key);
    if (map->slots[slot])
        return false;
    map->entries[map->count] = (struct string_map_entry){key, value};
    map->slots[slot] = (uint32_t)++map->count;
    return true;
}

void string_map_free(struct string_map *map)
{
    mem_free(map->slots);
    mem_free(map->entries);
    *map = (struct string_map){0};
}
