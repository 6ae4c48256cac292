/* lora_file.c - adapters as files: the pairs, and what else belongs to them, by peft's names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/fault_list.h"
#include "base/limits.h"
#include "base/text.h"
#include "format/safetensors.h"
#include "nn/lora.h"

static const char peft_prefix[] = "base_model.model.";

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

bool lora_is_pair(const char *name)
{
    return ends_with(name, ".lora_A.weight") || ends_with(name, ".lora_B.weight");
}

static bool belongs(const struct lora_file *file, const struct store_entry *entry)
{
    return lora_is_pair(entry->name) || (file->also && file->also(entry));
}

/* The file's name of a tensor in naming `which`; NULL: none, or no memory. */
static const char *name_in_file(const struct lora_file *file, const char *own, int which, struct arena *arena)
{
    if (file->rename)
        return file->rename(own, which, file->context, arena);
    return which == 0 ? own : NULL;
}

/* ---- Writing -------------------------------------------------------------------------------------------------- */

static json_t *metadata_of(const struct lora_config *config, const struct lora_file *file)
{
    json_t *metadata = file->metadata ? json_copy((json_t *)file->metadata) : json_object();
    json_t *fields =
        json_pack("{s:I, s:f, s:f, s:s, s:s}", "rank", (json_int_t)config->rank, "alpha", config->alpha, "dropout",
                  config->dropout, "init", config->init == LORA_INIT_XAVIER ? "xavier" : "zero-b", "targets",
                  config->targets ? config->targets : "");
    char *text = fields ? json_dumps(fields, JSON_COMPACT) : NULL;
    const char *sha256 = file->backbone_sha256;
    if (!metadata || !text || json_object_set_new(metadata, LORA_KEY_CONFIG, json_string(text)) ||
        (sha256 && json_object_set_new(metadata, LORA_KEY_BACKBONE, json_string(sha256)))) {
        json_decref(metadata);
        metadata = NULL;
    }
    free(text);
    json_decref(fields);
    return metadata;
}

assay_status lora_save(const struct store *store, const struct lora_config *config, const struct lora_file *file,
                       const char *path, struct assay_error *error)
{
    struct arena arena = {0};
    struct array items = array_of(sizeof(struct safetensors_item), LIMIT_MODEL_TENSORS);
    json_t *metadata = metadata_of(config, file);
    assay_status status = metadata ? ASSAY_OK : error_memory(error, path);
    bool pairs = false;
    for (size_t i = 0; i < store->entries.count && !status; i++) {
        const struct store_entry *entry = store->entries.entries[i].value;
        if (!belongs(file, entry))
            continue;
        pairs |= lora_is_pair(entry->name);
        struct safetensors_item *item = array_push(&items);
        const char *name = name_in_file(file, entry->name, 0, &arena);
        if (name)
            name = arena_printf(&arena, "%s%s", peft_prefix, name);
        if (!item || !name)
            status = error_memory(error, path);
        else if (!entry->data)
            status = error_set(error, ASSAY_ERROR_MODEL, "%s: tensor \"%s\" has no value yet", path, entry->name);
        else
            *item = (struct safetensors_item){name, entry->shape.rank, entry->shape.dim, entry->data};
    }
    if (!status && !pairs)
        status = error_set(error, ASSAY_ERROR_MODEL, "%s: the network has no LoRA pairs to save", path);
    if (!status)
        status = safetensors_write(path, items.data, items.count, metadata, error);
    json_decref(metadata);
    array_free(&items);
    arena_free(&arena);
    return status;
}

/* ---- Reading -------------------------------------------------------------------------------------------------- */

/* A tensor's name in the file without peft's prefix and its ".default". */
static const char *bare_name(struct arena *arena, const char *name)
{
    static const char adapter[] = ".default.weight";
    size_t prefix = sizeof peft_prefix - 1, length;
    if (strncmp(name, peft_prefix, prefix) == 0)
        name += prefix;
    length = strlen(name);
    if (ends_with(name, adapter))
        return arena_printf(arena, "%.*s.weight", (int)(length - (sizeof adapter - 1)), name);
    return name;
}

/* An adapter file that is being read. */
struct reading {
    struct safetensors file;
    const struct lora_file *how;
    struct arena arena;
    struct string_map tensors; /* bare name -> struct file_tensor */
    struct string_map used;    /* bare names that entries took */
    struct fault_list missing, misshapen, mistyped, extra;
};

static assay_status open_reading(struct reading *r, const char *path, struct assay_error *error)
{
    assay_status status = safetensors_open(path, &r->file, error);
    if (status)
        return status;
    const char *backbone = string_map_get(&r->file.metadata, LORA_KEY_BACKBONE);
    if (r->how->backbone_sha256 && backbone && strcmp(backbone, r->how->backbone_sha256) != 0)
        return error_set(error, ASSAY_ERROR_MODEL,
                         "%s: this adapter was trained on the backbone with SHA-256 %.16s..., not on %.16s...", path,
                         backbone, r->how->backbone_sha256);
    for (size_t i = 0; i < r->file.tensors.count; i++) {
        const struct file_tensor *tensor = r->file.tensors.entries[i].value;
        const char *name = bare_name(&r->arena, tensor->name);
        char shown[TEXT_NAME];
        if (name && string_map_add(&r->tensors, name, (void *)tensor))
            continue;
        return name && string_map_get(&r->tensors, name)
                   ? error_set(error, ASSAY_ERROR_MODEL, "%s: two tensors are called \"%s\"", path,
                               text_printable(name, shown, sizeof shown))
                   : error_memory(error, path);
    }
    return ASSAY_OK;
}

/* The file's tensor for an entry, under the first of its names that the file has. */
static const struct file_tensor *find_tensor(struct reading *r, const struct store_entry *entry)
{
    const char *name;
    for (int which = 0; (name = name_in_file(r->how, entry->name, which, &r->arena)); which++) {
        const struct file_tensor *tensor = string_map_get(&r->tensors, name);
        if (!tensor)
            continue;
        if (!string_map_get(&r->used, name) && !string_map_add(&r->used, name, (void *)tensor))
            return NULL;
        return tensor;
    }
    return NULL;
}

static void check_entry(struct reading *r, const struct store_entry *entry)
{
    const struct file_tensor *tensor = find_tensor(r, entry);
    char detail[2 * SHAPE_TEXT + 32], have[SHAPE_TEXT], want[SHAPE_TEXT];
    if (!tensor) {
        fault_note(&r->missing, entry->name, "");
        return;
    }
    struct shape shape = shape_of(tensor->dim, tensor->rank);
    if (!shape_equal(&shape, &entry->shape)) {
        snprintf(detail, sizeof detail, " %s, needed as %s", shape_text(&shape, have), shape_text(&entry->shape, want));
        fault_note(&r->misshapen, tensor->name, detail);
    } else if (!file_tensor_is_float(tensor)) {
        snprintf(detail, sizeof detail, " %s", tensor_file_dtype_name(tensor->dtype));
        fault_note(&r->mistyped, tensor->name, detail);
    }
}

/* Every entry has its tensor, every tensor its entry; else all faults are told at once. */
static assay_status check_all(struct reading *r, const struct store *store, const char *path, struct assay_error *error)
{
    for (size_t i = 0; i < store->entries.count; i++)
        if (belongs(r->how, store->entries.entries[i].value))
            check_entry(r, store->entries.entries[i].value);
    for (size_t i = 0; i < r->tensors.count; i++) {
        const char *name = r->tensors.entries[i].key;
        char detail[FAULT_DETAIL] = "";
        if (string_map_get(&r->used, name))
            continue;
        if (fault_shows(&r->extra)) {
            struct nearest nearest = nearest_to(name);
            for (size_t k = 0; k < store->entries.count; k++)
                if (belongs(r->how, store->entries.entries[k].value))
                    nearest_offer(&nearest, store->entries.entries[k].key);
            fault_near(&nearest, "for", detail);
        }
        fault_note(&r->extra, name, detail);
    }
    char text[FAULT_TEXT] = "", shown[96];
    fault_append(text, &r->missing, "missing");
    fault_append(text, &r->misshapen, "of another shape");
    fault_append(text, &r->mistyped, "of a type that holds no weights");
    fault_append(text, &r->extra, "not known");
    if (!text[0])
        return ASSAY_OK;
    return error_set(error, ASSAY_ERROR_MODEL, "%s: not an adapter of this network: %s",
                     text_printable(path, shown, sizeof shown), text + 2);
}

assay_status lora_load(struct store *store, const struct lora_file *file, const char *path, struct assay_error *error)
{
    struct reading r = {.how = file};
    assay_status status = open_reading(&r, path, error);
    if (!status)
        status = check_all(&r, store, path, error);
    for (size_t i = 0; i < store->entries.count && !status; i++) {
        struct store_entry *entry = store->entries.entries[i].value;
        if (!belongs(file, entry))
            continue;
        const struct file_tensor *tensor = find_tensor(&r, entry);
        status = tensor ? store_make_writable(entry, error) : error_memory(error, path);
        if (!status) {
            file_tensor_read_f32(tensor, entry->data);
            entry->version++;
        }
    }
    string_map_free(&r.used);
    string_map_free(&r.tensors);
    arena_free(&r.arena);
    safetensors_close(&r.file);
    return status;
}
