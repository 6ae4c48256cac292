/* store.c - declaring, initialising and packing named tensors. */
#include "graph/store.h"

#include <string.h>

#include "base/hash.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"

/* A copy of an entry in a kernel's own layout. */
struct store_packed {
    struct store_packed *next;
    uint64_t key, version;
    size_t bytes;
    void *data;
};

assay_status store_create(struct store **out, struct assay_error *error)
{
    struct store *store = mem_alloc(1, sizeof *store);
    if (!store)
        return error_memory(error, "a parameter store");
    if (pthread_mutex_init(&store->lock, NULL) != 0) {
        mem_free(store);
        return error_memory(error, "a parameter store's lock");
    }
    *out = store;
    return ASSAY_OK;
}

void store_free(struct store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < store->entries.count; i++) {
        struct store_entry *entry = store->entries.entries[i].value;
        for (struct store_packed *packed = entry->packed; packed;) {
            struct store_packed *next = packed->next;
            mem_free(packed->data);
            mem_free(packed);
            packed = next;
        }
        if (entry->owned)
            mem_free(entry->data);
    }
    string_map_free(&store->entries);
    arena_free(&store->arena);
    pthread_mutex_destroy(&store->lock);
    mem_free(store);
}

struct store_entry *store_get(const struct store *store, const char *name)
{
    return string_map_get(&store->entries, name);
}

struct store_entry *store_declare(struct store *store, const char *name, const struct shape *shape,
                                  enum store_kind kind, struct store_init init)
{
    struct store_entry *entry = store_get(store, name);
    if (entry)
        return entry;
    entry = arena_alloc(&store->arena, 1, sizeof *entry);
    char *copy = arena_strdup(&store->arena, name);
    if (!entry || !copy || !string_map_add(&store->entries, copy, entry))
        return NULL;
    *entry = (struct store_entry){.name = copy, .shape = *shape, .kind = kind, .init = init};
    return entry;
}

static void fill_initial(struct store_entry *entry, uint64_t seed)
{
    const struct store_init *init = &entry->init;
    int64_t count = shape_count(&entry->shape);
    uint64_t name = hash_text(entry->name);
    uint32_t words[4];
    for (int64_t i = 0; i < count; i++) {
        if (init->kind == STORE_CONSTANT) {
            entry->data[i] = (float)init->a;
            continue;
        }
        if (i % 4 == 0)
            random_at(seed, (uint64_t)i / 4, name, words);
        if (init->kind == STORE_UNIFORM) {
            entry->data[i] = (float)(init->a + (init->b - init->a) * (double)random_word_uniform(words[i % 4]));
        } else {
            float pair[2];
            random_words_normal(words[i % 4 & ~1], words[i % 4 | 1], pair);
            entry->data[i] = (float)(init->a + init->b * (double)pair[i % 2]);
        }
    }
}

assay_status store_make_writable(struct store_entry *entry, struct assay_error *error)
{
    if (entry->owned)
        return ASSAY_OK;
    size_t bytes = (size_t)shape_count(&entry->shape) * sizeof(float);
    float *data = mem_alloc_aligned(bytes);
    if (!data)
        return error_memory(error, entry->name);
    if (entry->data)
        memcpy(data, entry->data, bytes);
    entry->data = data;
    entry->owned = true;
    entry->mapped = false;
    return ASSAY_OK;
}

assay_status store_initialise(struct store *store, uint64_t seed, struct assay_error *error)
{
    for (size_t i = 0; i < store->entries.count; i++) {
        struct store_entry *entry = store->entries.entries[i].value;
        if (entry->data)
            continue;
        assay_status status = store_make_writable(entry, error);
        if (status)
            return status;
        fill_initial(entry, seed);
        entry->version++;
    }
    return ASSAY_OK;
}

uint64_t store_param_count(const struct store *store)
{
    uint64_t count = 0;
    for (size_t i = 0; i < store->entries.count; i++) {
        const struct store_entry *entry = store->entries.entries[i].value;
        if (entry->kind == STORE_PARAM)
            count += (uint64_t)shape_count(&entry->shape);
    }
    return count;
}

assay_status store_get_packed(struct store *store, struct store_entry *entry, uint64_t key, uint64_t version,
                              size_t bytes, store_pack *pack, const void *context, const void **out,
                              struct assay_error *error)
{
    assay_status status = ASSAY_OK;
    pthread_mutex_lock(&store->lock);
    struct store_packed *packed = entry->packed;
    while (packed && (packed->key != key || packed->bytes != bytes))
        packed = packed->next;
    if (!packed) {
        packed = mem_alloc(1, sizeof *packed);
        void *data = packed ? mem_alloc_aligned(bytes) : NULL;
        if (!data) {
            mem_free(packed);
            status = error_memory(error, entry->name);
            goto done;
        }
        *packed = (struct store_packed){
            .next = entry->packed, .key = key, .version = version - 1, .bytes = bytes, .data = data};
        entry->packed = packed;
    }
    if (packed->version != version) {
        if (!pack(context, packed->data)) {
            status = error_memory(error, entry->name);
            goto done;
        }
        packed->version = version;
        if (entry->mapped)
            file_map_rest(entry->data, (size_t)shape_count(&entry->shape) * sizeof *entry->data);
    }
    *out = packed->data;
done:
    pthread_mutex_unlock(&store->lock);
    return status;
}
