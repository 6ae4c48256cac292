/* weights_file.c - tells the kinds of file apart, and reads the index of those that come in several files. */
#include "format/weights_file.h"

#include <stdio.h>
#include <string.h>

#include "base/fault_list.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "format/torch_file.h"

enum { MAX_PARTS = 1024, HEAD_BYTES = 4096 };

/* One file with tensors: one of the two is open. */
struct weights_file_part {
    const char *name; /* as in the index */
    struct safetensors safetensors;
    struct torch_file torch;
};

static const struct string_map *part_tensors(const struct weights_file_part *part)
{
    return part->torch.tensors.count ? &part->torch.tensors : &part->safetensors.tensors;
}

enum kind { KIND_SAFETENSORS, KIND_TORCH, KIND_INDEX };

/* By the first bytes. A safetensors file may begin with the byte '{' too (the length of its header), but then the
 * length's upper bytes are 0, which no text has. */
static assay_status tell_kind(const char *path, enum kind *kind, struct assay_error *error)
{
    struct file_map map = {0};
    assay_status status = file_map(path, &map, error);
    if (status)
        return status;
    size_t at = 0;
    while (at < map.size && at < HEAD_BYTES && memchr(" \t\r\n", map.bytes[at], 4))
        at++;
    if (map.bytes && torch_file_recognised(map.bytes, map.size))
        *kind = KIND_TORCH;
    else if (at < map.size && map.bytes[at] == '{' && !(map.size >= 8 && map.bytes[7] == 0))
        *kind = KIND_INDEX;
    else
        *kind = KIND_SAFETENSORS;
    file_unmap(&map);
    return ASSAY_OK;
}

static assay_status open_part(const char *path, enum kind kind, struct weights_file_part *part,
                              struct assay_error *error)
{
    return kind == KIND_TORCH ? torch_file_open(path, &part->torch, error)
                              : safetensors_open(path, &part->safetensors, error);
}

static assay_status add_tensor(struct weights_file *out, const char *path, struct file_tensor *tensor,
                               struct assay_error *error)
{
    if (!string_map_add(&out->tensors, tensor->name, tensor))
        return error_memory(error, path);
    out->bytes += tensor->bytes;
    return ASSAY_OK;
}

/* ---- One file ------------------------------------------------------------------------------------------------- */

static assay_status open_single(struct weights_file *out, const char *path, enum kind kind, struct assay_error *error)
{
    out->parts = mem_alloc(1, sizeof *out->parts);
    if (!out->parts)
        return error_memory(error, path);
    out->part_count = 1;
    assay_status status = open_part(path, kind, &out->parts[0], error);
    if (status)
        return status;
    out->kind = kind == KIND_TORCH ? out->parts[0].torch.kind : "safetensors";
    out->nested = kind == KIND_TORCH ? out->parts[0].torch.nested : "";
    const struct string_map *tensors = part_tensors(&out->parts[0]);
    for (size_t i = 0; i < tensors->count && !status; i++)
        status = add_tensor(out, path, tensors->entries[i].value, error);
    return status;
}

/* ---- An index and its files ----------------------------------------------------------------------------------- */

/* A plain name of a file that lies beside the index. */
static bool plain_name(const char *name)
{
    if (!name[0] || name[0] == '.' || strlen(name) > 255)
        return false;
    for (const char *c = name; *c; c++)
        if (*c == '/' || *c == '\\' || (unsigned char)*c < 0x20 || *c == 0x7f)
            return false;
    return true;
}

static assay_status read_index(const char *path, json_t **root, json_t **map, struct assay_error *error)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    char shown[TEXT_NAME];
    json_error_t json_error = {0};
    *root = NULL;
    assay_status status = file_read(path, LIMIT_MODEL_HEADER_BYTES, &bytes, &size, error);
    if (status)
        return status;
    *root = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, &json_error);
    mem_free(bytes);
    if (!*root && (!json_error.text[0] || json_error_code(&json_error) == json_error_out_of_memory))
        return error_memory(error, path);
    if (!*root)
        return error_set(error, ASSAY_ERROR_FORMAT, "%s: not a file of weights: begins as JSON, but is not valid: %s",
                         path, text_printable(json_error.text, shown, sizeof shown));
    *map = json_object_get(*root, "weight_map");
    if (!json_is_object(*map) || json_object_size(*map) == 0)
        return error_set(error, ASSAY_ERROR_FORMAT,
                         "%s: not an index of weights: it has no object \"weight_map\" that names tensors", path);
    if (json_object_size(*map) > LIMIT_MODEL_TENSORS)
        return error_set(error, ASSAY_ERROR_LIMIT, "%s: %zu tensors, the limit is %d", path, json_object_size(*map),
                         LIMIT_MODEL_TENSORS);
    return ASSAY_OK;
}

/* Collects the files of the index into out->parts, in the order in which they are first named. `files` maps a name to
 * its part. */
static assay_status list_parts(struct weights_file *out, const char *path, json_t *map, struct string_map *files,
                               struct assay_error *error)
{
    const char *tensor;
    json_t *value;
    char shown[TEXT_NAME], where[TEXT_NAME];
    json_object_foreach(map, tensor, value)
    {
        const char *name = json_string_value(value);
        if (!name || !plain_name(name))
            return error_set(error, ASSAY_ERROR_FORMAT,
                             "%s: tensor \"%s\" is said to lie in \"%s\", which is not the plain name of a file beside "
                             "the index",
                             path, text_printable(tensor, shown, sizeof shown),
                             text_printable(name ? name : "(not a text)", where, sizeof where));
        if (string_map_get(files, name))
            continue;
        if (files->count == MAX_PARTS)
            return error_set(error, ASSAY_ERROR_LIMIT, "%s: weights in more than %d files", path, MAX_PARTS);
        char *copy = arena_strdup(&out->arena, name);
        if (!copy || !string_map_add(files, copy, copy))
            return error_memory(error, path);
    }
    out->parts = mem_alloc(files->count, sizeof *out->parts);
    if (!out->parts)
        return error_memory(error, path);
    out->part_count = files->count;
    for (size_t i = 0; i < files->count; i++) {
        out->parts[i].name = files->entries[i].key;
        files->entries[i].value = &out->parts[i];
    }
    return ASSAY_OK;
}

static assay_status open_parts(struct weights_file *out, const char *path, struct assay_error *error)
{
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path) + 1 : 0;
    for (size_t i = 0; i < out->part_count; i++) {
        enum kind kind;
        const char *file = arena_printf(&out->arena, "%.*s%s", folder, path, out->parts[i].name);
        if (!file)
            return error_memory(error, path);
        assay_status status = tell_kind(file, &kind, error);
        if (!status && kind == KIND_INDEX)
            status = error_set(error, ASSAY_ERROR_FORMAT, "%s: an index, named as a file of weights by %s", file, path);
        if (!status)
            status = open_part(file, kind, &out->parts[i], error);
        if (status)
            return status;
    }
    return ASSAY_OK;
}

/* Each tensor must lie where the index says, and nothing else may be there. */
static assay_status match_parts(struct weights_file *out, const char *path, json_t *map, const struct string_map *files,
                                struct assay_error *error)
{
    struct fault_list missing = {0}, extra = {0};
    char detail[FAULT_DETAIL], shown[64];
    const char *name;
    json_t *value;
    json_object_foreach(map, name, value)
    {
        const struct weights_file_part *part = string_map_get(files, json_string_value(value));
        snprintf(detail, sizeof detail, " in %s", text_printable(part->name, shown, sizeof shown));
        if (!string_map_get(part_tensors(part), name))
            fault_note(&missing, name, detail);
    }
    for (size_t p = 0; p < out->part_count; p++) {
        const struct string_map *tensors = part_tensors(&out->parts[p]);
        for (size_t i = 0; i < tensors->count; i++) {
            const char *where = json_string_value(json_object_get(map, tensors->entries[i].key));
            if (where && strcmp(where, out->parts[p].name) == 0) {
                assay_status status = add_tensor(out, path, tensors->entries[i].value, error);
                if (status)
                    return status;
                continue;
            }
            snprintf(detail, sizeof detail, " in %s", text_printable(out->parts[p].name, shown, sizeof shown));
            fault_note(&extra, tensors->entries[i].key, detail);
        }
    }
    if (!missing.count && !extra.count)
        return ASSAY_OK;
    char text[FAULT_TEXT] = "";
    fault_append(text, &missing, "missing");
    fault_append(text, &extra, "that it does not name");
    return error_set(error, ASSAY_ERROR_FORMAT, "%s: the index does not agree with its files: %s", path, text + 2);
}

static assay_status open_index(struct weights_file *out, const char *path, struct assay_error *error)
{
    json_t *root, *map = NULL;
    struct string_map files = {0};
    assay_status status = read_index(path, &root, &map, error);
    if (!status)
        status = list_parts(out, path, map, &files, error);
    if (!status)
        status = open_parts(out, path, error);
    if (!status)
        status = match_parts(out, path, map, &files, error);
    if (!status) {
        out->kind = arena_printf(&out->arena, "%s in %zu file%s",
                                 out->parts[0].torch.tensors.count ? out->parts[0].torch.kind : "safetensors",
                                 out->part_count, out->part_count == 1 ? "" : "s");
        out->nested = "";
        if (!out->kind)
            status = error_memory(error, path);
    }
    string_map_free(&files);
    json_decref(root);
    return status;
}

assay_status weights_file_open(const char *path, struct weights_file *out, struct assay_error *error)
{
    enum kind kind;
    *out = (struct weights_file){.kind = "", .nested = ""};
    assay_status status = tell_kind(path, &kind, error);
    if (!status)
        status = kind == KIND_INDEX ? open_index(out, path, error) : open_single(out, path, kind, error);
    if (status)
        weights_file_close(out);
    return status;
}

void weights_file_close(struct weights_file *file)
{
    for (size_t i = 0; i < file->part_count; i++) {
        safetensors_close(&file->parts[i].safetensors);
        torch_file_close(&file->parts[i].torch);
    }
    mem_free(file->parts);
    string_map_free(&file->tensors);
    arena_free(&file->arena);
    *file = (struct weights_file){.kind = "", .nested = ""};
}

const char *weights_file_metadata(const struct weights_file *file, const char *key)
{
    return file->part_count == 1 ? string_map_get(&file->parts[0].safetensors.metadata, key) : NULL;
}

/* ---- Values --------------------------------------------------------------------------------------------------- */

/* An exponent of all ones: NaN or infinity in every IEEE format and in bfloat16. */
static bool nonfinite(const uint8_t *at, enum tensor_file_dtype dtype)
{
    uint16_t half;
    uint32_t single;
    uint64_t twice;
    switch (dtype) {
    case TENSOR_FILE_F16: memcpy(&half, at, sizeof half); return (half & 0x7c00) == 0x7c00;
    case TENSOR_FILE_BF16: memcpy(&half, at, sizeof half); return (half & 0x7f80) == 0x7f80;
    case TENSOR_FILE_F32: memcpy(&single, at, sizeof single); return (single & 0x7f800000) == 0x7f800000;
    case TENSOR_FILE_F64:
        memcpy(&twice, at, sizeof twice);
        return (twice & UINT64_C(0x7ff0000000000000)) == UINT64_C(0x7ff0000000000000);
    default: return false;
    }
}

uint64_t file_tensor_nonfinite(const struct file_tensor *tensor, uint64_t *first)
{
    const uint8_t *bytes = tensor->data;
    size_t size = tensor_file_dtype_size(tensor->dtype);
    uint64_t found = 0;
    if (!file_tensor_is_float(tensor))
        return 0;
    for (uint64_t i = 0; i < tensor->count; i++)
        if (nonfinite(bytes + i * size, tensor->dtype)) {
            if (!found && first)
                *first = i;
            found++;
        }
    if (tensor->mapped)
        file_map_rest(tensor->data, tensor->bytes);
    return found;
}
