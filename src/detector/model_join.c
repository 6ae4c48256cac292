/* model_join.c - an ensemble of models that exist already. */
#include "detector/model_join.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detector/ensemble.h"

/* Whether a mean can be made of logits that count so much. */
static assay_status check_weights(const double *weights, int count, struct assay_error *error)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        if (!(weights[i] > 0))
            return error_set(error, ASSAY_ERROR_ARGUMENT, "weight %d of %d: %g is not positive", i + 1, count,
                             weights[i]);
        sum += weights[i];
    }
    if (!isfinite(sum))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "weights: their sum is too large");
    return ASSAY_OK;
}

/* By how much the member's logit is multiplied, so that the mean of all is the weighted one. */
static double share(const double *weights, int count, int index)
{
    double sum = 0;
    for (int i = 0; weights && i < count; i++)
        sum += weights[i];
    return weights ? weights[index] / sum * count : 1;
}

/* What ensemble_read reads. NULL: no memory. */
static json_t *describe(const struct model *model, double share)
{
    const struct calibration *c = &model->calibration;
    return json_pack("{s:s, s:o, s:f, s:f}", ENSEMBLE_DETECTOR, model->detector->name, ENSEMBLE_CONFIG,
                     option_to_json(model->detector->fields, model->config), ENSEMBLE_SCALE,
                     share * (c->present ? c->scale : 1.0), ENSEMBLE_SHIFT, c->present ? share * c->shift : 0.0);
}

/* Where the members come from. NULL: no memory. */
static json_t *record(const struct model *const *models, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        char sha256[SHA256_TEXT];
        model_sha256(models[i], sha256);
        if (json_array_append_new(list, json_pack("{s:s, s:O?}", "sha256", sha256, "training", models[i]->training))) {
            json_decref(list);
            return NULL;
        }
    }
    return json_pack("{s:o}", "joined", list);
}

static assay_status copy_weights(const struct model *from, int member, struct model *to, struct assay_error *error)
{
    char name[2 * PARAMS_PREFIX];
    for (size_t i = 0; i < from->store->entries.count; i++) {
        const struct store_entry *entry = from->store->entries.entries[i].value;
        snprintf(name, sizeof name, "members.%d.%s", member, entry->name);
        struct store_entry *copy = store_get(to->store, name);
        if (!copy) /* what only training keeps */
            continue;
        if (!shape_equal(&copy->shape, &entry->shape))
            return error_set(error, ASSAY_ERROR_INTERNAL, "tensor \"%s\" has another shape in the ensemble", name);
        memcpy(copy->data, entry->data, (size_t)shape_count(&entry->shape) * sizeof *copy->data);
        copy->version++;
    }
    return ASSAY_OK;
}

assay_status model_join(const struct model *const *models, int count, const double *weights, struct model *out,
                        struct assay_error *error)
{
    struct ensemble_config config;
    json_t *list = json_array();
    char *text = NULL;
    assay_status status = weights ? check_weights(weights, count, error) : ASSAY_OK;
    int widest = 0;
    *out = (struct model){0};
    for (int i = 0; i < count && !status; i++)
        if (json_array_append_new(list, describe(models[i], share(weights, count, i))) != 0)
            status = error_memory(error, "an ensemble");
    if (!status && !(text = json_dumps(list, JSON_COMPACT | JSON_REAL_PRECISION(17))))
        status = error_memory(error, "an ensemble");
    if (!status) {
        struct arena arena = {0};
        struct ensemble_member members[ENSEMBLE_MAX_MEMBERS];
        int found;
        status = ensemble_read(text, &arena, members, &found, error);
        if (!status)
            widest = ensemble_widest(members, found);
        arena_free(&arena);
    }
    if (!status) {
        option_defaults(detector_ensemble.fields, &config);
        config.members = text;
        config.crops = models[widest]->preprocess.max_crops;
        status = model_create(&detector_ensemble, &config, 0, out, error);
    }
    for (int i = 0; i < count && !status; i++)
        status = copy_weights(models[i], i, out, error);
    if (!status) {
        out->preprocess = models[widest]->preprocess;
        out->training = record(models, count);
        if (!out->training)
            status = error_memory(error, "an ensemble");
    }
    if (status)
        model_free(out);
    free(text);
    json_decref(list);
    return status;
}
