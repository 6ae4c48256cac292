/* lora_file.c - adapters as files: the pairs alone, by peft's names. */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"
#include "base/text.h"
#include "format/safetensors.h"
#include "nn/lora.h"

static const char peft_prefix[] = "base_model.model.";
static const char key_config[] = "assay.lora", key_backbone[] = "assay.backbone.sha256";

static bool is_pair(const struct store_entry *entry)
{
    return strstr(entry->name, ".lora_A.weight") || strstr(entry->name, ".lora_B.weight");
}

static json_t *metadata_of(const struct lora_config *config, const char *sha256)
{
    json_t *fields = json_pack("{s:I, s:f, s:f, s:s, s:s}", "rank", (json_int_t)config->rank, "alpha", config->alpha,
                               "dropout", config->dropout, "init",
                               config->init == LORA_INIT_XAVIER ? "xavier" : "zero-b", "targets", config->targets);
    char *text = fields ? json_dumps(fields, JSON_COMPACT) : NULL;
    json_t *metadata = text ? json_pack("{s:s, s:s}", key_config, text, key_backbone, sha256) : NULL;
    if (text) {
        json_malloc_t allocate;
        json_free_t release;
        json_get_alloc_funcs(&allocate, &release);
        release(text);
    }
    json_decref(fields);
    return metadata;
}

assay_status lora_save(const struct store *store, const struct lora_config *config, const char *backbone_sha256,
                       const char *path, struct assay_error *error)
{
    struct arena arena = {0};
    struct array items = array_of(sizeof(struct safetensors_item), LIMIT_MODEL_TENSORS);
    json_t *metadata = metadata_of(config, backbone_sha256);
    assay_status status = metadata ? ASSAY_OK : error_memory(error, path);
    for (size_t i = 0; i < store->entries.count && !status; i++) {
        const struct store_entry *entry = store->entries.entries[i].value;
        if (!is_pair(entry))
            continue;
        struct safetensors_item *item = array_push(&items);
        const char *name = arena_printf(&arena, "%s%s", peft_prefix, entry->name);
        if (!item || !name)
            status = error_memory(error, path);
        else if (!entry->data)
            status = error_set(error, ASSAY_ERROR_MODEL, "%s: tensor \"%s\" has no value yet", path, entry->name);
        else
            *item = (struct safetensors_item){name, entry->shape.rank, entry->shape.dim, entry->data};
    }
    if (!status && items.count == 0)
        status = error_set(error, ASSAY_ERROR_MODEL, "%s: the network has no LoRA pairs to save", path);
    if (!status)
        status = safetensors_write(path, items.data, items.count, metadata, error);
    json_decref(metadata);
    array_free(&items);
    arena_free(&arena);
    return status;
}

/* Our name of a tensor in the file: without peft's prefix and its ".default". */
static const char *own_name(struct arena *arena, const char *name)
{
    static const char adapter[] = ".default.weight";
    size_t prefix = sizeof peft_prefix - 1, length;
    if (strncmp(name, peft_prefix, prefix) == 0)
        name += prefix;
    length = strlen(name);
    if (length > sizeof adapter - 1 && strcmp(name + length - (sizeof adapter - 1), adapter) == 0)
        return arena_printf(arena, "%.*s.weight", (int)(length - (sizeof adapter - 1)), name);
    return name;
}

static assay_status read_pair(struct store *store, const char *name, const struct file_tensor *tensor, const char *path,
                              struct assay_error *error)
{
    char shown[TEXT_NAME], near[TEXT_NEAREST], have[SHAPE_TEXT], want[SHAPE_TEXT];
    struct store_entry *entry = store_get(store, name);
    text_printable(name, shown, sizeof shown);
    if (!entry || !is_pair(entry)) {
        struct nearest nearest = nearest_to(name);
        for (size_t i = 0; i < store->entries.count; i++)
            if (is_pair(store->entries.entries[i].value))
                nearest_offer(&nearest, store->entries.entries[i].key);
        return error_set(error, ASSAY_ERROR_MODEL, "%s: the network has no LoRA tensor \"%s\"%s", path, shown,
                         nearest_text(&nearest, near));
    }
    struct shape shape = shape_of(tensor->dim, tensor->rank);
    if (!shape_equal(&shape, &entry->shape))
        return error_set(error, ASSAY_ERROR_MODEL, "%s: tensor \"%s\" has the shape %s, the network's %s", path, shown,
                         shape_text(&shape, have), shape_text(&entry->shape, want));
    assay_status status = store_make_writable(entry, error);
    if (status)
        return status;
    if (!file_tensor_read_f32(tensor, entry->data))
        return error_set(error, ASSAY_ERROR_MODEL, "%s: tensor \"%s\" is of type %s, not floating", path, shown,
                         tensor_file_dtype_name(tensor->dtype));
    entry->version++;
    return ASSAY_OK;
}

/* Every declared pair must have been in the file. */
static assay_status check_complete(const struct store *store, const struct string_map *read, const char *path,
                                   struct assay_error *error)
{
    for (size_t i = 0; i < store->entries.count; i++) {
        const struct store_entry *entry = store->entries.entries[i].value;
        if (is_pair(entry) && !string_map_get(read, entry->name))
            return error_set(error, ASSAY_ERROR_MODEL, "%s: tensor \"%s\" is missing", path, entry->name);
    }
    return ASSAY_OK;
}

assay_status lora_load(struct store *store, const char *backbone_sha256, const char *path, struct assay_error *error)
{
    struct safetensors file = {0};
    struct arena arena = {0};
    struct string_map read = {0};
    assay_status status = safetensors_open(path, &file, error);
    const char *backbone = status ? NULL : string_map_get(&file.metadata, key_backbone);
    if (!status && backbone_sha256 && backbone && strcmp(backbone, backbone_sha256) != 0)
        status = error_set(error, ASSAY_ERROR_MODEL,
                           "%s: this adapter was trained on the backbone with SHA-256 %.16s..., not on %.16s...", path,
                           backbone, backbone_sha256);
    for (size_t i = 0; i < file.tensors.count && !status; i++) {
        const struct file_tensor *tensor = file.tensors.entries[i].value;
        const char *name = own_name(&arena, tensor->name);
        if (!name || !string_map_add(&read, name, (void *)tensor))
            status = name && string_map_get(&read, name)
                         ? error_set(error, ASSAY_ERROR_MODEL, "%s: two tensors are called \"%s\"", path, name)
                         : error_memory(error, path);
        else
            status = read_pair(store, name, tensor, path, error);
    }
    if (!status)
        status = check_complete(store, &read, path, error);
    string_map_free(&read);
    arena_free(&arena);
    safetensors_close(&file);
    return status;
}
