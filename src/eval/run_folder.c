/* run_folder.c - a finished run, read back for one model. */
#include "eval/run_folder.h"

#include <inttypes.h>
#include <string.h>

#include "base/json_text.h"
#include "base/memory.h"
#include "base/string_map.h"
#include "base/text.h"
#include "data/dataset.h"
#include "eval/run_record.h"

/* ---- opening ----------------------------------------------------------------------------------------------------- */

/* The run's model that scores as ours, and the names of all for the error. */
static assay_status find_model(struct run_folder *run, const struct model *model, const char *path,
                               struct assay_error *error)
{
    const json_t *models = json_object_get(json_object_get(run->record, "settings"), "models");
    char others[512] = "", shown[TEXT_NAME];
    size_t used = 0;
    for (size_t i = 0; i < json_array_size(models); i++) {
        const json_t *entry = json_array_get(models, i);
        const char *sha256 = json_string_value(json_object_get(entry, "sha256")), *name;
        assay_status status = json_get_text(entry, "name", path, &run->arena, &name, error);
        if (status)
            return status;
        if (sha256 && model_scores_as(model, sha256)) {
            run->model = name;
            return ASSAY_OK;
        }
        if (used < sizeof others)
            used += (size_t)snprintf(others + used, sizeof others - used, "%s%s (SHA-256 %.12s...)", used ? ", " : "",
                                     text_printable(name, shown, sizeof shown), sha256 ? sha256 : "?");
    }
    char own[SHA256_TEXT];
    model_sha256(model, own);
    return error_set(
        error, ASSAY_ERROR_ARGUMENT,
        "%s: the run is not of this model (SHA-256 %.12s...), nor of a file with the same scores, but of %s", path, own,
        others[0] ? others : "none");
}

assay_status run_folder_open(const char *folder, const struct model *model, struct run_folder *out,
                             struct assay_error *error)
{
    *out = (struct run_folder){0};
    const char *path = arena_printf(&out->arena, "%s/run.json", folder);
    out->predictions = arena_printf(&out->arena, "%s/predictions.jsonl", folder);
    assay_status status =
        path && out->predictions ? run_record_read(path, &out->record, error) : error_memory(error, folder);
    if (!status && !out->record)
        status =
            error_set(error, ASSAY_ERROR_ARGUMENT, "%s: no run of 'assay eval' is there: it has no run.json", folder);
    if (!status)
        status = find_model(out, model, path, error);
    if (status) {
        run_folder_free(out);
        return status;
    }
    const json_t *settings = json_object_get(out->record, "settings"), *sets = json_object_get(settings, "sets");
    uint64_t pictures = 0;
    for (size_t i = 0; i < json_array_size(sets); i++)
        pictures += (uint64_t)json_integer_value(json_object_get(json_array_get(sets, i), "real")) +
                    (uint64_t)json_integer_value(json_object_get(json_array_get(sets, i), "generated"));
    out->lines = pictures * json_array_size(json_object_get(settings, "perturbations")) *
                 json_array_size(json_object_get(settings, "models"));
    return ASSAY_OK;
}

void run_folder_free(struct run_folder *run)
{
    json_decref(run->record);
    arena_free(&run->arena);
    *run = (struct run_folder){0};
}

json_t *run_folder_settings(const struct run_folder *run)
{
    static const char *const keys[] = {"sets", "perturbations", "seed", "bf16"};
    const json_t *settings = json_object_get(run->record, "settings");
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        json_t *value = json_object_get(settings, keys[i]);
        if (json_object_set(object, keys[i], value ? value : json_null()) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

struct filter {
    const struct run_folder *run;
    prediction_visit *visit;
    void *context;
};

static assay_status pass_own(void *context, const struct prediction *prediction, struct assay_error *error)
{
    const struct filter *filter = context;
    return strcmp(prediction->model, filter->run->model) == 0 ? filter->visit(filter->context, prediction, error)
                                                              : ASSAY_OK;
}

assay_status run_folder_scan(const struct run_folder *run, prediction_visit *visit, void *context,
                             struct assay_error *error)
{
    struct filter filter = {run, visit, context};
    struct predictions_extent extent;
    assay_status status = predictions_scan(run->predictions, pass_own, &filter, &extent, error);
    if (!status && (extent.torn || extent.count != run->lines))
        status = error_set(error, ASSAY_ERROR_ARGUMENT,
                           "%s: the run is not finished: %" PRIu64 " of %" PRIu64
                           " judgements are there; go on with it by 'assay eval --resume'",
                           run->predictions, extent.count, run->lines);
    return status;
}

struct collecting {
    struct arena arena;
    struct string_map sources; /* "SET/SOURCE" to its number + 1 */
    struct array samples;
    bool perturbed;
    size_t unjudged;
};

/* The number of a source. Real and generated ones, and art, may share numbers: they are told apart otherwise. */
static assay_status number_of(struct collecting *c, const struct prediction *p, int *out, struct assay_error *error)
{
    const char *key = arena_printf(&c->arena, "%zu:%s/%s", strlen(p->set), p->set, p->source);
    if (!key)
        return error_memory(error, "the sources of a run");
    uintptr_t number = (uintptr_t)string_map_get(&c->sources, key);
    if (!number) {
        number = c->sources.count + 1;
        if (!string_map_add(&c->sources, key, (void *)number))
            return error_memory(error, "the sources of a run");
    }
    *out = (int)number - 1;
    return ASSAY_OK;
}

static assay_status collect(void *context, const struct prediction *p, struct assay_error *error)
{
    struct collecting *c = context;
    if (p->perturbation[0] && !c->perturbed)
        return ASSAY_OK;
    if (!p->readable) {
        c->unjudged++;
        return ASSAY_OK;
    }
    struct calibration_sample sample = {.logit = p->logit,
                                        .generated = p->label == LABEL_GENERATED,
                                        .art = p->art && p->label == LABEL_REAL};
    assay_status status = number_of(c, p, &sample.source, error);
    if (!status && !array_append(&c->samples, &sample, 1))
        status = error_memory(error, "the predictions of a run");
    return status;
}

assay_status run_folder_samples(const struct run_folder *run, bool perturbed, struct run_samples *out,
                                struct assay_error *error)
{
    struct collecting c = {.samples = array_of(sizeof(struct calibration_sample), SIZE_MAX / 64),
                           .perturbed = perturbed};
    assay_status status = run_folder_scan(run, collect, &c, error);
    if (!status && c.samples.count == 0)
        status = error_set(error, ASSAY_ERROR_ARGUMENT, "%s: no picture was judged%s", run->predictions,
                           perturbed ? "" : " as it is, without a perturbation");
    *out = status ? (struct run_samples){0} : (struct run_samples){c.samples.data, c.samples.count, c.unjudged};
    if (status)
        array_free(&c.samples);
    string_map_free(&c.sources);
    arena_free(&c.arena);
    return status;
}

void run_samples_free(struct run_samples *samples)
{
    mem_free(samples->items);
    *samples = (struct run_samples){0};
}
