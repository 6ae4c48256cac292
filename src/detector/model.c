/* model.c - models in memory, and how they are saved. model_load.c reads them. */
#include "detector/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "detector/model_internal.h"

assay_status model_declare(const struct detector *detector, const void *config, int crop, struct store *store,
                           struct assay_error *error)
{
    struct graph *g = graph_create(store, (struct graph_options){.training = false});
    if (!g)
        return error_memory(error, "a model's graph");
    struct detector_io io = detector_io(input(g, "image", SHAPE(1, crop, crop, 3), DTYPE_F32));
    detector->forward(g, params_root(store), config, &io);
    assay_status status = graph_status(g, error);
    graph_free(g);
    return status;
}

bool model_finite(const float *data, uint64_t count, uint64_t *where)
{
    /* An exponent of all ones; first without branches, since nearly always there is none. */
    const uint8_t *bytes = (const uint8_t *)data;
    uint32_t bits, found = 0;
    for (uint64_t i = 0; i < count; i++) {
        memcpy(&bits, bytes + i * sizeof bits, sizeof bits);
        found |= (bits & 0x7f800000) == 0x7f800000;
    }
    for (uint64_t i = 0; found && i < count; i++) {
        memcpy(&bits, bytes + i * sizeof bits, sizeof bits);
        if ((bits & 0x7f800000) == 0x7f800000) {
            *where = i;
            return false;
        }
    }
    return true;
}

/* A config of the model's own, its texts too. */
static assay_status copy_config(const struct detector *detector, const void *config, struct model *model,
                                struct assay_error *error)
{
    model->config = arena_memdup(&model->arena, config, detector->config_size);
    if (!model->config)
        return error_memory(error, detector->name);
    for (const struct option *option = detector->fields; option->name; option++) {
        if (option->type != OPTION_TEXT)
            continue;
        const char **text = (const char **)((char *)model->config + option->offset);
        if (*text && !(*text = arena_strdup(&model->arena, *text)))
            return error_memory(error, detector->name);
    }
    return ASSAY_OK;
}

assay_status model_create(const struct detector *detector, const void *config, uint64_t seed, struct model *out,
                          struct assay_error *error)
{
    *out = (struct model){.detector = detector};
    assay_status status = copy_config(detector, config, out, error);
    if (status)
        goto fail;
    detector->preprocess(out->config, &out->preprocess);
    status = store_create(&out->store, error);
    if (!status)
        status = model_declare(detector, out->config, out->preprocess.crop, out->store, error);
    if (!status)
        status = store_initialise(out->store, seed, error);
    if (!status)
        return ASSAY_OK;
fail:
    model_free(out);
    return status;
}

void model_free(struct model *model)
{
    store_free(model->store);
    safetensors_close(&model->file);
    json_decref(model->training);
    json_decref(model->verdicts);
    arena_free(&model->arena);
    *model = (struct model){0};
}

/* Adds a JSON value to the metadata as text; takes it over. */
static assay_status add_json(const char *path, json_t *metadata, const char *key, json_t *value,
                             struct assay_error *error)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    assay_status status = ASSAY_OK;
    if (text && strlen(text) > MODEL_MAX_JSON)
        status = error_set(error, ASSAY_ERROR_LIMIT, "%s: %s has %zu bytes, the limit is %d", path, key, strlen(text),
                           MODEL_MAX_JSON);
    else if (!text || json_object_set_new(metadata, key, json_string(text)) != 0)
        status = error_memory(error, path);
    free(text);
    json_decref(value);
    return status;
}

assay_status model_make_metadata(const struct model *model, const char *path, json_t *metadata,
                                 struct assay_error *error)
{
    if (json_object_set_new(metadata, MODEL_KEY_DETECTOR, json_string(model->detector->name)) != 0)
        return error_memory(error, path);
    assay_status status =
        add_json(path, metadata, MODEL_KEY_CONFIG, option_to_json(model->detector->fields, model->config), error);
    if (!status)
        status = add_json(path, metadata, MODEL_KEY_PREPROCESS, preprocess_to_json(&model->preprocess), error);
    if (!status)
        status = add_json(path, metadata, MODEL_KEY_CALIBRATION, calibration_to_json(&model->calibration), error);
    if (!status && model->training)
        status = add_json(path, metadata, MODEL_KEY_TRAINING, json_incref(model->training), error);
    if (!status && (model->limits.smallest_side || model->limits.lowest_quality))
        status = add_json(path, metadata, MODEL_KEY_LIMITS, verdict_limits_to_json(&model->limits), error);
    if (!status && model->verdicts)
        status = add_json(path, metadata, MODEL_KEY_VERDICTS, json_incref(model->verdicts), error);
    return status;
}

/* One item for every tensor that loading will ask for: what the forward pass declares, and nothing that only training
 * keeps in the store (moments, queues, averages). */
static assay_status make_items(const struct model *model, const struct store *declared, const char *path,
                               struct safetensors_item *items, struct assay_error *error)
{
    for (size_t i = 0; i < declared->entries.count; i++) {
        const struct store_entry *wanted = declared->entries.entries[i].value;
        const struct store_entry *entry = store_get(model->store, wanted->name);
        uint64_t where;
        if (!entry || !entry->data || !shape_equal(&entry->shape, &wanted->shape))
            return error_set(error, ASSAY_ERROR_INTERNAL, "%s: tensor \"%s\" of the model has no data to save", path,
                             wanted->name);
        if (!model_finite(entry->data, (uint64_t)shape_count(&entry->shape), &where))
            return error_set(error, ASSAY_ERROR_MODEL, "%s: not saved: tensor \"%s\" holds NaN or infinity", path,
                             wanted->name);
        items[i] = (struct safetensors_item){entry->name, entry->shape.rank, entry->shape.dim, entry->data};
    }
    return ASSAY_OK;
}

assay_status model_save(const struct model *model, const char *path, struct assay_error *error)
{
    struct store *declared = NULL;
    struct safetensors_item *items = NULL;
    json_t *metadata = json_pack("{s:o}", MODEL_KEY_FORMAT, json_sprintf("%d", MODEL_FORMAT_VERSION));
    assay_status status = metadata ? model_make_metadata(model, path, metadata, error) : error_memory(error, path);
    if (!status)
        status = store_create(&declared, error);
    if (!status)
        status = model_declare(model->detector, model->config, model->preprocess.crop, declared, error);
    if (status)
        goto done;
    items = mem_alloc(declared->entries.count, sizeof *items);
    status = items ? make_items(model, declared, path, items, error) : error_memory(error, path);
    if (!status)
        status = safetensors_write(path, items, declared->entries.count, metadata, error);
done:
    mem_free(items);
    store_free(declared);
    json_decref(metadata);
    return status;
}
