/* torch_storages.c - which container it is, and the storages read so far. */
#include "format/torch_storages.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

assay_status torch_storages_open(struct torch_storages *s, const void *bytes, size_t size, const char *name,
                                 struct arena *data, struct assay_error *error)
{
    *s = (struct torch_storages){.bytes = bytes, .size = size, .name = name, .data = data};
    if (torch_zip_recognised(bytes, size))
        return torch_zip_open(s, error);
    if (torch_legacy_recognised(bytes, size))
        return torch_legacy_open(s, error);
    return error_set(error, ASSAY_ERROR_FORMAT,
                     "%s: not a PyTorch file, neither of the zip format nor of the older one", name);
}

void torch_storages_close(struct torch_storages *s)
{
    torch_zip_close(s);
    string_map_free(&s->known);
    arena_free(&s->arena);
}

assay_status torch_storages_pickle(struct torch_storages *s, const uint8_t **pickle, size_t *size,
                                   struct assay_error *error)
{
    if (s->archive)
        return torch_zip_pickle(s, pickle, size, error);
    *pickle = s->bytes + s->pickle_at;
    *size = s->size - s->pickle_at;
    return ASSAY_OK;
}

assay_status torch_storages_begin(struct torch_storages *s, struct arena *values, size_t used,
                                  struct assay_error *error)
{
    return s->archive ? ASSAY_OK : torch_legacy_begin(s, values, used, error);
}

assay_status torch_storages_get(struct torch_storages *s, const struct pickle_storage *storage, const uint8_t **bytes,
                                struct assay_error *error)
{
    char shown[TEXT_NAME];
    struct torch_storage *found = string_map_get(&s->known, storage->key);
    uint64_t wanted;
    text_printable(storage->key, shown, sizeof shown);
    if (!found && s->archive) {
        found = arena_alloc(&s->arena, 1, sizeof *found);
        char *key = arena_strdup(&s->arena, storage->key);
        if (!found || !key)
            return error_memory(error, s->name);
        assay_status status = torch_zip_storage(s, key, found, error);
        if (status)
            return status;
        if (!string_map_add(&s->known, key, found))
            return error_memory(error, s->name);
    }
    if (!found)
        return error_set(error, ASSAY_ERROR_FORMAT, "%s: the storage \"%s\" is missing", s->name, shown);
    if (__builtin_mul_overflow(storage->count, tensor_file_dtype_size(storage->dtype), &wanted) || wanted > found->size)
        return error_set(error, ASSAY_ERROR_FORMAT,
                         "%s: the storage \"%s\" has %" PRIu64 " bytes, too few for its %" PRIu64 " elements of %s",
                         s->name, shown, found->size, storage->count, tensor_file_dtype_name(storage->dtype));
    *bytes = found->bytes;
    return ASSAY_OK;
}

const char *torch_storages_kind(const struct torch_storages *s, bool script)
{
    return !s->archive ? "PyTorch legacy" : script ? "TorchScript" : "PyTorch zip";
}
