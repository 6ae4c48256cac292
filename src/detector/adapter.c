/* adapter.c - adapters of models: saved alone, attached, merged. */
#include "detector/adapter.h"

#include <string.h>

#include "backbone/naming_adapter.h"
#include "base/text.h"
#include "detector/model_internal.h"
#include "detector/published.h"
#include "nn/lora.h"

static const struct lora_config *lora_of(const struct detector *detector, const void *config)
{
    const struct lora_config *lora = detector->lora ? detector->lora(config) : NULL;
    return lora && lora->rank > 0 ? lora : NULL;
}

static assay_status no_adapter(const char *path, struct assay_error *error)
{
    return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: not saved: the model has no LoRA pairs (its lora-rank is 0)",
                     path);
}

assay_status model_save_merged(struct model *model, const char *path, struct assay_error *error)
{
    struct lora_config *lora = (struct lora_config *)lora_of(model->detector, model->config); /* in the model's arena */
    struct lora_merged *merged = NULL;
    if (!lora)
        return no_adapter(path, error);
    assay_status status = lora_merge(model->store, lora, &merged, error);
    if (status)
        return status;
    int64_t rank = lora->rank;
    lora->rank = 0; /* what is saved is what the config declares: without pairs */
    model_forget_scores(model);
    status = model_save(model, path, error);
    lora->rank = rank;
    lora_unmerge(merged);
    return status;
}

/* Of a detector's backbone. */
static struct naming_adapter names_of(const struct detector *detector, const void *config, bool hugging_face)
{
    struct detector_published parts[DETECTOR_MAX_PUBLISHED] = {0}, *p = parts;
    if (detector->published)
        detector->published(config, parts);
    return (struct naming_adapter){.model = (enum naming_model)p->model,
                                   .store_prefix = p->prefix,
                                   .canonical_prefix = p->canonical ? p->canonical : p->prefix,
                                   .hugging_face = hugging_face};
}

static bool was_trained(const struct store_entry *entry)
{
    return entry->kind == STORE_PARAM && !entry->frozen;
}

/* The digest of the file that the model's training began with, or NULL. */
static const char *began_with(const struct model *model)
{
    const json_t *from = json_object_get(model->training, "imported");
    if (!from)
        from = json_object_get(model->training, "began_with");
    if (json_is_array(from))
        from = json_array_get(from, 0);
    return json_string_value(json_object_get(from, "sha256"));
}

assay_status model_save_adapter(const struct model *model, bool hugging_face, const char *path,
                                struct assay_error *error)
{
    const struct lora_config *lora = lora_of(model->detector, model->config);
    json_t *metadata = json_object();
    assay_status status = metadata ? ASSAY_OK : error_memory(error, path);
    struct naming_adapter names = names_of(model->detector, model->config, hugging_face);
    const struct lora_file file = {.backbone_sha256 = began_with(model),
                                   .rename = naming_adapter_name,
                                   .context = &names,
                                   .also = was_trained,
                                   .metadata = metadata};
    if (!status && !lora)
        status = no_adapter(path, error);
    if (!status)
        status = model_make_metadata(model, path, metadata, error);
    if (!status)
        status = lora_save(model->store, lora, &file, path, error);
    json_decref(metadata);
    return status;
}

/* What the adapter's file says of its model; *sha256 (64 digits and a NUL) of its backbone, "" where it does not
 * say. */
static assay_status read_description(const char *path, struct model *told, char sha256[SHA256_TEXT],
                                     struct assay_error *error)
{
    assay_status status = safetensors_open(path, &told->file, error);
    if (status)
        return status;
    const char *backbone = string_map_get(&told->file.metadata, LORA_KEY_BACKBONE);
    sha256[0] = '\0';
    if (backbone && strlen(backbone) == SHA256_TEXT - 1)
        memcpy(sha256, backbone, SHA256_TEXT);
    if (!string_map_get(&told->file.metadata, MODEL_KEY_DETECTOR))
        return ASSAY_OK;
    return model_read_metadata(told, path, error);
}

/* The files that the adapter stands on, into the new model. The first must be what the adapter names. */
static assay_status load_files(struct model *model, const char *path, const char *sha256, const char *const *files,
                               size_t count, struct assay_error *error)
{
    char digest[SHA256_TEXT];
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < count && !status; i++) {
        if (i == 0 && sha256[0]) {
            status = file_sha256(files[0], digest, error);
            if (!status && strcmp(digest, sha256) != 0)
                status = error_set(error, ASSAY_ERROR_MODEL,
                                   "%s: not the backbone of the adapter %s, which was trained on the file with SHA-256 "
                                   "%s; this one has %s",
                                   files[0], path, sha256, digest);
        }
        if (!status)
            status = model_load_published(model, files[i], NULL, error);
    }
    return status;
}

assay_status model_attach(const char *path, const struct detector *detector, const void *config,
                          const char *const *files, size_t count, struct model *out, struct assay_error *error)
{
    struct model told = {0};
    char sha256[SHA256_TEXT];
    *out = (struct model){0};
    assay_status status = read_description(path, &told, sha256, error);
    bool described = told.detector != NULL;
    if (!status && described == (detector != NULL))
        status = error_set(error, ASSAY_ERROR_ARGUMENT,
                           described ? "%s: the adapter says what it belongs to: leave out --detector"
                                     : "%s: the adapter does not say what it belongs to: name it with --detector, and "
                                       "its lora-rank, lora-alpha and lora-targets",
                           path);
    if (!status && !lora_of(described ? told.detector : detector, described ? told.config : config))
        status =
            error_set(error, ASSAY_ERROR_ARGUMENT, "%s: by its settings the model has no LoRA pairs: lora-rank", path);
    if (!status)
        status = model_create(described ? told.detector : detector, described ? told.config : config, 1, out, error);
    if (!status)
        status = load_files(out, path, sha256, files, count, error);
    struct naming_adapter names = status ? (struct naming_adapter){0} : names_of(out->detector, out->config, false);
    const struct lora_file file = {.rename = naming_adapter_name,
                                   .context = &names,
                                   .also = described ? was_trained : NULL};
    if (!status)
        status = lora_load(out->store, &file, path, error);
    if (!status && described) {
        out->calibration = told.calibration;
        out->preprocess = told.preprocess;
        out->limits = told.limits;
        out->training = json_incref(told.training);
        out->verdicts = json_incref(told.verdicts);
        model_forget_scores(out);
    }
    model_free(&told);
    if (status)
        model_free(out);
    return status;
}
