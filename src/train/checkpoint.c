/* checkpoint.c - the store and the trainer's state, to a file and back. */
#include "train/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define KEY_FORMAT "assay.checkpoint"
#define KEY_STATE "assay.checkpoint.state"
#define BEST_PREFIX "train.best."

static json_t *checkpoint_metadata(const json_t *state)
{
    char *text = json_dumps(state, JSON_COMPACT);
    json_t *metadata =
        text ? json_pack("{s:o, s:s}", KEY_FORMAT, json_sprintf("%d", CHECKPOINT_FORMAT_VERSION), KEY_STATE, text)
             : NULL;
    free(text);
    return metadata;
}

assay_status checkpoint_save(const char *path, const struct store *store, const json_t *state,
                             struct assay_error *error)
{
    assay_status status = ASSAY_OK;
    size_t count = store->entries.count;
    json_t *metadata = checkpoint_metadata(state);
    struct safetensors_item *items = mem_alloc(count, sizeof *items);
    if (!metadata || !items) {
        status = error_memory(error, path);
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        const struct store_entry *entry = store->entries.entries[i].value;
        items[i] = (struct safetensors_item){entry->name, entry->shape.rank, entry->shape.dim, entry->data};
    }
    status = safetensors_write(path, items, count, metadata, error);
done:
    mem_free(items);
    json_decref(metadata);
    return status;
}

assay_status checkpoint_open(const char *path, struct checkpoint *out, struct assay_error *error)
{
    *out = (struct checkpoint){0};
    assay_status status = safetensors_open(path, &out->file, error);
    if (status)
        return status;
    const char *format = string_map_get(&out->file.metadata, KEY_FORMAT);
    const char *text = string_map_get(&out->file.metadata, KEY_STATE);
    json_error_t why;
    char known[16];
    snprintf(known, sizeof known, "%d", CHECKPOINT_FORMAT_VERSION);
    if (!format || !text)
        status = error_set(error, ASSAY_ERROR_FORMAT, "%s: not a checkpoint of a training run", path);
    else if (strcmp(format, known) != 0)
        status =
            error_set(error, ASSAY_ERROR_FORMAT,
                      "%s: checkpoint format %s; this version of assay resumes format %s only", path, format, known);
    else if (!(out->state = json_loads(text, JSON_REJECT_DUPLICATES, &why)) || !json_is_object(out->state))
        status = error_set(error, ASSAY_ERROR_FORMAT, "%s: the checkpoint's state is damaged: %s", path,
                           out->state ? "not an object" : why.text);
    if (status)
        checkpoint_close(out);
    return status;
}

void checkpoint_close(struct checkpoint *checkpoint)
{
    safetensors_close(&checkpoint->file);
    json_decref(checkpoint->state);
    *checkpoint = (struct checkpoint){0};
}

/* NULL where the tensor fits the entry; else what is wrong with it. */
static const char *misfit(const struct file_tensor *tensor, const struct store_entry *entry)
{
    if (!tensor)
        return "is missing";
    if (tensor->dtype != TENSOR_FILE_F32)
        return "is not of type F32";
    if (tensor->rank != entry->shape.rank ||
        memcmp(tensor->dim, entry->shape.dim, (size_t)tensor->rank * sizeof *tensor->dim) != 0)
        return "has another shape";
    return NULL;
}

assay_status checkpoint_restore(const struct checkpoint *checkpoint, const char *path, struct store *store,
                                struct assay_error *error)
{
    const struct string_map *tensors = &checkpoint->file.tensors;
    for (size_t i = 0; i < store->entries.count; i++) {
        const struct store_entry *entry = store->entries.entries[i].value;
        const char *wrong = misfit(string_map_get(tensors, entry->name), entry);
        if (wrong)
            return error_set(error, ASSAY_ERROR_MODEL, "%s: tensor %s %s: written by another version of assay?", path,
                             entry->name, wrong);
    }
    for (size_t i = 0; i < tensors->count; i++)
        if (!store_get(store, tensors->entries[i].key))
            return error_set(error, ASSAY_ERROR_MODEL,
                             "%s: tensor %s belongs to nothing: written by another version of "
                             "assay?",
                             path, tensors->entries[i].key);
    for (size_t i = 0; i < store->entries.count; i++) {
        struct store_entry *entry = store->entries.entries[i].value;
        const struct file_tensor *tensor = string_map_get(tensors, entry->name);
        assay_status status = store_make_writable(entry, error);
        if (status)
            return status;
        if (tensor->bytes)
            memcpy(entry->data, tensor->data, tensor->bytes);
        entry->version++;
    }
    return ASSAY_OK;
}

/* ---- the best weights so far ------------------------------------------------------------------------------------ */

assay_status best_declare(struct store *store, size_t model_entries, struct assay_error *error)
{
    for (size_t i = 0; i < model_entries; i++) {
        const struct store_entry *entry = store->entries.entries[i].value;
        if (entry->kind == STORE_PARAM && entry->frozen)
            continue;
        char *name = arena_printf(&store->arena, BEST_PREFIX "%s", entry->name);
        struct store_entry *copy =
            name ? store_declare(store, name, &entry->shape, STORE_STATE, (struct store_init){STORE_CONSTANT, 0, 0})
                 : NULL;
        if (!copy)
            return error_memory(error, "the best weights");
    }
    return ASSAY_OK;
}

static void best_copy(struct store *store, bool restore)
{
    const size_t prefix = strlen(BEST_PREFIX);
    for (size_t i = 0; i < store->entries.count; i++) {
        struct store_entry *copy = store->entries.entries[i].value;
        if (strncmp(copy->name, BEST_PREFIX, prefix) != 0)
            continue;
        struct store_entry *live = store_get(store, copy->name + prefix);
        struct store_entry *to = restore ? live : copy, *from = restore ? copy : live;
        memcpy(to->data, from->data, (size_t)shape_count(&live->shape) * sizeof(float));
        to->version++;
    }
}

void best_keep(struct store *store)
{
    best_copy(store, false);
}

void best_restore(struct store *store)
{
    best_copy(store, true);
}
