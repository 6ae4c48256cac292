/* torch_legacy.c - the format before PyTorch 1.6: a stream of pickles (magic number, protocol, system, the object, the
 * list of storage keys), then each storage as a 64-bit count and its elements. */
#include <string.h>

#include "base/text.h"
#include "format/torch_storages.h"

enum { LEGACY_PROTOCOL = 1001, SMALL_PICKLES = 1 << 16 };

/* 0x1950a86a20f9469cfc6c, little-endian, as LONG1 writes it. */
static const uint8_t magic[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

bool torch_legacy_recognised(const uint8_t *bytes, size_t size)
{
    return size >= 4 + sizeof magic && bytes[0] == 0x80 && bytes[2] == 0x8a && bytes[3] == sizeof magic &&
           memcmp(bytes + 4, magic, sizeof magic) == 0;
}

/* Reads the next pickle of the stream. */
static assay_status next_pickle(struct torch_storages *s, struct arena *arena, struct pickle_value **out,
                                struct assay_error *error)
{
    size_t used = 0;
    assay_status status =
        pickle_read(s->bytes + s->pickle_at, s->size - s->pickle_at, s->name, arena, out, &used, error);
    s->pickle_at += used;
    return status;
}

assay_status torch_legacy_open(struct torch_storages *s, struct assay_error *error)
{
    struct arena arena = {.max_bytes = SMALL_PICKLES * 16};
    struct pickle_value *value, *little;
    assay_status status = next_pickle(s, &arena, &value, error); /* the magic number, seen already */
    if (!status)
        status = next_pickle(s, &arena, &value, error);
    if (!status && (value->kind != PICKLE_INT || value->integer != LEGACY_PROTOCOL))
        status = error_set(error, ASSAY_ERROR_FORMAT, "%s: its protocol is not the %d of older PyTorch files", s->name,
                           LEGACY_PROTOCOL);
    if (!status)
        status = next_pickle(s, &arena, &value, error);
    if (!status && (little = pickle_get(value, "little_endian")) && little->integer == 0)
        status = error_set(error, ASSAY_ERROR_FORMAT, "%s: its numbers are not little-endian", s->name);
    arena_free(&arena);
    return status;
}

/* The element sizes of all storages that the object names, by key: the list of keys does not say them. */
struct sizes {
    struct string_map by_key;
    struct assay_error *error;
    const char *name;
    size_t visits; /* bounds the walk over a graph that shares its parts */
};

static assay_status find_sizes(struct sizes *z, const struct pickle_value *v, int depth)
{
    enum { MAX_DEPTH = 32, MAX_VISITS = 1 << 22 };
    assay_status status = ASSAY_OK;
    if (depth > MAX_DEPTH || ++z->visits > MAX_VISITS)
        return error_set(z->error, ASSAY_ERROR_FORMAT, "%s: its values are nested too deeply", z->name);
    if (v->kind == PICKLE_TENSOR && !string_map_get(&z->by_key, v->tensor->storage->key) &&
        !string_map_add(&z->by_key, v->tensor->storage->key, (void *)v->tensor->storage))
        return error_memory(z->error, z->name);
    bool nested =
        v->kind == PICKLE_DICT || v->kind == PICKLE_OBJECT || v->kind == PICKLE_LIST || v->kind == PICKLE_TUPLE;
    for (size_t i = 0; nested && i < v->count && !status; i++)
        status = find_sizes(z, v->items[i], depth + 1);
    return status;
}

static assay_status read_storage(struct torch_storages *s, const struct sizes *z, const struct pickle_value *key,
                                 struct assay_error *error)
{
    char shown[TEXT_NAME];
    const struct pickle_storage *named = key->kind == PICKLE_TEXT ? string_map_get(&z->by_key, key->text) : NULL;
    if (!named)
        return error_set(error, ASSAY_ERROR_FORMAT,
                         "%s: a storage is listed that no tensor uses, so its size is unknown", s->name);
    text_printable(key->text, shown, sizeof shown);
    uint64_t count, bytes;
    if (s->size - s->pickle_at < sizeof count)
        goto cut;
    memcpy(&count, s->bytes + s->pickle_at, sizeof count);
    s->pickle_at += sizeof count;
    if (__builtin_mul_overflow(count, tensor_file_dtype_size(named->dtype), &bytes) || bytes > s->size - s->pickle_at)
        goto cut;
    struct torch_storage *storage = arena_alloc(&s->arena, 1, sizeof *storage);
    uint8_t *copy = arena_alloc(s->data, (size_t)bytes, 1);
    if (!storage || !copy)
        return error_memory(error, s->name);
    if (bytes)
        memcpy(copy, s->bytes + s->pickle_at, (size_t)bytes);
    *storage = (struct torch_storage){copy, bytes};
    s->pickle_at += (size_t)bytes;
    if (!string_map_add(&s->known, arena_strdup(&s->arena, key->text), storage))
        return error_set(error, ASSAY_ERROR_FORMAT, "%s: the storage \"%s\" occurs twice", s->name, shown);
    return ASSAY_OK;
cut:
    return error_set(error, ASSAY_ERROR_FORMAT, "%s: the file is cut short in the storage \"%s\"", s->name, shown);
}

assay_status torch_legacy_begin(struct torch_storages *s, struct arena *values, size_t used, struct assay_error *error)
{
    struct sizes z = {.error = error, .name = s->name};
    struct pickle_value *object, *keys;
    size_t again;
    /* the object once more, to see its storages; the arena keeps the first reading */
    assay_status status = pickle_read(s->bytes + s->pickle_at, used, s->name, &s->arena, &object, &again, error);
    s->pickle_at += used;
    if (!status)
        status = find_sizes(&z, object, 0);
    if (!status)
        status = next_pickle(s, values, &keys, error);
    if (!status && keys->kind != PICKLE_LIST)
        status = error_set(error, ASSAY_ERROR_FORMAT, "%s: the list of storages is missing", s->name);
    for (size_t i = 0; !status && i < keys->count; i++)
        status = read_storage(s, &z, keys->items[i], error);
    string_map_free(&z.by_key);
    return status;
}
