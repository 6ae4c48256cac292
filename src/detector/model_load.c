/* model_load.c - model files: what the metadata say is read and checked, then every tensor is matched by name. Weights
 * stay in the mapped file where they can be used as they lie. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fault_list.h"
#include "base/text.h"
#include "detector/model_internal.h"
#include "nn/lora.h"

/* ---- Metadata ------------------------------------------------------------------------------------------------- */

static assay_status check_format(const struct safetensors *file, const char *path, struct assay_error *error)
{
    const char *text = string_map_get(&file->metadata, MODEL_KEY_FORMAT);
    char shown[TEXT_NAME];
    if (!text && string_map_get(&file->metadata, LORA_KEY_CONFIG))
        return error_set(error, ASSAY_ERROR_MODEL,
                         "%s: an adapter without its backbone: put them together with 'assay model attach'", path);
    if (!text)
        return error_set(error, ASSAY_ERROR_MODEL,
                         "%s: a safetensors file, but not a model of Assay's: it has no metadata \"%s\"", path,
                         MODEL_KEY_FORMAT);
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] || text[0] == '0')
        return error_set(error, ASSAY_ERROR_MODEL, "%s: unknown format version \"%s\"", path,
                         text_printable(text, shown, sizeof shown));
    uint64_t version = 0;
    for (size_t i = 0; i < digits && version < UINT32_MAX; i++)
        version = version * 10 + (uint64_t)(text[i] - '0');
    if (version > MODEL_FORMAT_VERSION)
        return error_set(error, ASSAY_ERROR_MODEL,
                         "%s: format version %s is newer than this program, which reads up to %d: update Assay", path,
                         text_printable(text, shown, sizeof shown), MODEL_FORMAT_VERSION);
    return ASSAY_OK;
}

static assay_status find_detector(const struct safetensors *file, const char *path, const struct detector **out,
                                  struct assay_error *error)
{
    const char *name = string_map_get(&file->metadata, MODEL_KEY_DETECTOR);
    char shown[TEXT_NAME], hint[TEXT_NEAREST];
    if (!name)
        return error_set(error, ASSAY_ERROR_MODEL, "%s: damaged model: no metadata \"%s\"", path, MODEL_KEY_DETECTOR);
    *out = detector_find(name);
    if (*out)
        return ASSAY_OK;
    struct nearest nearest = nearest_to(name);
    for (const struct detector *const *known = detector_all(); *known; known++)
        nearest_offer(&nearest, (*known)->name);
    return error_set(error, ASSAY_ERROR_MODEL, "%s: unknown detector \"%s\"%s", path,
                     text_printable(name, shown, sizeof shown), nearest_text(&nearest, hint));
}

/* The JSON object under a key; *out NULL where the key is optional and not there. */
static assay_status read_json(const struct safetensors *file, const char *path, const char *key, bool optional,
                              json_t **out, struct assay_error *error)
{
    const char *text = string_map_get(&file->metadata, key);
    *out = NULL;
    if (!text)
        return optional ? ASSAY_OK
                        : error_set(error, ASSAY_ERROR_MODEL, "%s: damaged model: no metadata \"%s\"", path, key);
    if (strlen(text) > MODEL_MAX_JSON)
        return error_set(error, ASSAY_ERROR_LIMIT, "%s: metadata \"%s\" has %zu bytes, the limit is %d", path, key,
                         strlen(text), MODEL_MAX_JSON);
    json_error_t json_error = {0};
    *out = json_loads(text, JSON_REJECT_DUPLICATES, &json_error);
    if (!*out && (!json_error.text[0] || json_error_code(&json_error) == json_error_out_of_memory))
        return error_memory(error, path);
    char shown[TEXT_NAME];
    if (!*out)
        return error_set(error, ASSAY_ERROR_MODEL, "%s: damaged model: \"%s\" is not valid JSON: %s", path, key,
                         text_printable(json_error.text, shown, sizeof shown));
    if (!json_is_object(*out)) {
        json_decref(*out);
        *out = NULL;
        return error_set(error, ASSAY_ERROR_MODEL, "%s: damaged model: \"%s\" is not an object", path, key);
    }
    return ASSAY_OK;
}

assay_status model_read_metadata(struct model *model, const char *path, struct assay_error *error)
{
    const struct safetensors *file = &model->file;
    json_t *object = NULL;
    assay_status status = find_detector(file, path, &model->detector, error);
    if (status)
        return status;

    model->config = arena_alloc(&model->arena, 1, model->detector->config_size);
    if (!model->config)
        return error_memory(error, path);
    option_defaults(model->detector->fields, model->config);
    status = read_json(file, path, MODEL_KEY_CONFIG, false, &object, error);
    if (!status)
        status = option_from_json(model->detector->fields, model->config, object, path, &model->arena, error);
    json_decref(object);
    if (status)
        return status;

    status = read_json(file, path, MODEL_KEY_PREPROCESS, false, &object, error);
    if (!status)
        status = preprocess_from_json(object, path, &model->preprocess, error);
    json_decref(object);
    if (status)
        return status;

    status = read_json(file, path, MODEL_KEY_CALIBRATION, true, &object, error);
    if (!status && object)
        status = calibration_from_json(object, path, &model->calibration, error);
    json_decref(object);
    if (status)
        return status;

    status = read_json(file, path, MODEL_KEY_LIMITS, true, &object, error);
    if (!status && object)
        status = verdict_limits_from_json(object, path, &model->limits, error);
    json_decref(object);
    if (!status)
        status = read_json(file, path, MODEL_KEY_VERDICTS, true, &model->verdicts, error);
    return status ? status : read_json(file, path, MODEL_KEY_TRAINING, true, &model->training, error);
}

/* ---- Tensors -------------------------------------------------------------------------------------------------- */

enum { REPORT_CANDIDATES = 2000 };

static const char *format_dims(int rank, const int64_t *dims, char text[SHAPE_TEXT])
{
    struct shape shape = shape_of(dims, rank);
    return shape_text(&shape, text);
}

static void note_missing(struct fault_list *list, const struct model *model, const char *name)
{
    char detail[FAULT_DETAIL] = "";
    if (fault_shows(list)) {
        struct nearest nearest = nearest_to(name);
        for (size_t i = 0; i < model->file.tensors.count && i < REPORT_CANDIDATES; i++)
            if (!store_get(model->store, model->file.tensors.entries[i].key))
                nearest_offer(&nearest, model->file.tensors.entries[i].key);
        fault_near(&nearest, "is it", detail);
    }
    fault_note(list, name, detail);
}

static void note_extra(struct fault_list *list, const struct model *model, const char *name)
{
    char detail[FAULT_DETAIL] = "";
    if (fault_shows(list)) {
        struct nearest nearest = nearest_to(name);
        for (size_t i = 0; i < model->store->entries.count && i < REPORT_CANDIDATES; i++)
            if (!string_map_get(&model->file.tensors, model->store->entries.entries[i].key))
                nearest_offer(&nearest, model->store->entries.entries[i].key);
        fault_near(&nearest, "for", detail);
    }
    fault_note(list, name, detail);
}

/* Every tensor of the store must be in the file with its shape and a floating type, and no other. */
static assay_status match_tensors(const struct model *model, const char *path, struct assay_error *error)
{
    struct fault_list missing = {0}, extra = {0}, misshapen = {0}, mistyped = {0};
    const struct string_map *entries = &model->store->entries, *tensors = &model->file.tensors;
    for (size_t i = 0; i < entries->count; i++) {
        const struct store_entry *entry = entries->entries[i].value;
        const struct file_tensor *tensor = string_map_get(tensors, entry->name);
        char detail[2 * SHAPE_TEXT + 16], has[SHAPE_TEXT], needs[SHAPE_TEXT];
        if (!tensor) {
            note_missing(&missing, model, entry->name);
            continue;
        }
        struct shape shape = shape_of(tensor->dim, tensor->rank);
        if (!shape_equal(&shape, &entry->shape)) {
            snprintf(detail, sizeof detail, " %s, needed as %s", format_dims(tensor->rank, tensor->dim, has),
                     shape_text(&entry->shape, needs));
            fault_note(&misshapen, entry->name, detail);
        } else if (!file_tensor_is_float(tensor)) {
            snprintf(detail, sizeof detail, " %s", tensor_file_dtype_name(tensor->dtype));
            fault_note(&mistyped, entry->name, detail);
        }
    }
    for (size_t i = 0; i < tensors->count; i++)
        if (!store_get(model->store, tensors->entries[i].key))
            note_extra(&extra, model, tensors->entries[i].key);
    if (!missing.count && !extra.count && !misshapen.count && !mistyped.count)
        return ASSAY_OK;
    char text[FAULT_TEXT] = "";
    fault_append(text, &missing, "missing");
    fault_append(text, &misshapen, "of another shape");
    fault_append(text, &mistyped, "of a type that holds no weights");
    fault_append(text, &extra, "not known");
    char shown[128];
    return error_set(error, ASSAY_ERROR_MODEL, "%s: its tensors are not those of detector %s: %s",
                     text_printable(path, shown, sizeof shown), model->detector->name, text + 2);
}

static assay_status load_tensors(struct model *model, const char *path, struct assay_error *error)
{
    for (size_t i = 0; i < model->store->entries.count; i++) {
        struct store_entry *entry = model->store->entries.entries[i].value;
        const struct file_tensor *tensor = string_map_get(&model->file.tensors, entry->name);
        uint64_t where;
        if (tensor->dtype == TENSOR_FILE_F32 && (uintptr_t)tensor->data % _Alignof(float) == 0) {
            entry->data = (float *)tensor->data; /* not owned: never written to */
            entry->mapped = tensor->mapped;
        } else {
            assay_status status = store_make_writable(entry, error);
            if (status)
                return status;
            file_tensor_read_f32(tensor, entry->data);
        }
        entry->version++;
        if (!model_finite(entry->data, tensor->count, &where))
            return error_set(error, ASSAY_ERROR_MODEL, "%s: tensor \"%s\" holds NaN or infinity at element %" PRIu64,
                             path, entry->name, where);
        if (tensor->mapped)
            file_map_rest(tensor->data, tensor->bytes);
    }
    return ASSAY_OK;
}

/* What the graph says against a config names a layer; the file is added here. */
static assay_status declare(struct model *model, const char *path, struct assay_error *error)
{
    struct assay_error inner = {0};
    assay_status status = model_declare(model->detector, model->config, model->preprocess.crop, model->store, &inner);
    char shown[128];
    if (status)
        error_set(error, status, "%s: unusable config: %.860s", text_printable(path, shown, sizeof shown),
                  inner.message);
    return status;
}

/* The rest, once the file is open. */
static assay_status load_opened(struct model *model, const char *path, struct assay_error *error)
{
    assay_status status = check_format(&model->file, path, error);
    if (!status)
        status = model_read_metadata(model, path, error);
    if (!status)
        status = store_create(&model->store, error);
    if (!status)
        status = declare(model, path, error);
    if (!status)
        status = match_tensors(model, path, error);
    if (!status)
        status = load_tensors(model, path, error);
    if (status)
        model_free(model);
    return status;
}

assay_status model_load(const char *path, struct model *out, struct assay_error *error)
{
    *out = (struct model){0};
    assay_status status = safetensors_open(path, &out->file, error);
    return status ? status : load_opened(out, path, error);
}

assay_status model_load_memory(const void *bytes, size_t size, const char *name, struct model *out,
                               struct assay_error *error)
{
    *out = (struct model){0};
    assay_status status = safetensors_open_memory(bytes, size, name, &out->file, error);
    return status ? status : load_opened(out, name, error);
}
