/* validate.c - scores of the validation pictures. */
#include "train/validate.h"

#include "base/memory.h"
#include "verdict/calibration.h"

/* Sources as metrics see them. Where a class consists of "art-" sources alone, they count. */
static void name_sources(struct validation *v, const struct dataset *dataset)
{
    bool has_others = false;
    for (size_t s = 0; s < dataset->source_count; s++)
        has_others |=
            dataset->sources[s].label == LABEL_REAL && !dataset->sources[s].art && dataset->sources[s].count > 0;
    for (size_t s = 0; s < dataset->source_count; s++) {
        const struct dataset_source *source = &dataset->sources[s];
        v->sources[s] = (struct metrics_source){.name = source->name,
                                                .generated = source->label == LABEL_GENERATED,
                                                .left_out = source->art && has_others};
    }
}

static assay_status score_all(struct loader *loader, struct model_scorer *scorer, const struct dataset *dataset,
                              double *logits, const volatile sig_atomic_t *cancel, struct validation *v,
                              struct assay_error *error)
{
    for (;;) {
        if (cancel && *cancel)
            return error_set(error, ASSAY_ERROR_CANCELLED, "validation was stopped");
        const struct loader_batch *batch = NULL;
        assay_status status = loader_next(loader, &batch, error);
        if (status || !batch)
            return status;
        status = model_score(scorer, batch->pictures, batch->count, logits, error);
        if (status)
            return status;
        for (size_t i = 0; i < batch->count; i++) {
            const struct dataset_picture *picture = &dataset->pictures[batch->indices[i]];
            v->samples[v->count++] = (struct metrics_sample){.logit = logits[i],
                                                             .generated = picture->label == LABEL_GENERATED,
                                                             .source = (int)picture->source};
        }
    }
}

assay_status validation_run(struct model_scorer *scorer, struct pictures *pictures, const struct dataset *dataset,
                            size_t batch, const struct loader_options *options, const volatile sig_atomic_t *cancel,
                            struct validation *out, struct assay_error *error)
{
    struct loader *loader = NULL;
    *out = (struct validation){
        .sources = mem_alloc(dataset->source_count, sizeof *out->sources),
        .source_count = dataset->source_count,
        .samples = mem_alloc(dataset->count, sizeof *out->samples),
    };
    double *logits = mem_alloc(batch, sizeof *logits);
    assay_status status = ASSAY_OK;
    if (!out->sources || !out->samples || !logits) {
        status = error_memory(error, "validation");
        goto done;
    }
    name_sources(out, dataset);
    status = loader_sequence(pictures, batch, options, 0, &loader, error);
    if (!status)
        status = score_all(loader, scorer, dataset, logits, cancel, out, error);
    if (!status)
        status = metrics_summarise(out->samples, out->count, out->sources, out->source_count, &out->summary, error);
done:
    loader_free(loader);
    mem_free(logits);
    if (status)
        validation_free(out);
    return status;
}

void validation_free(struct validation *validation)
{
    mem_free(validation->sources);
    mem_free(validation->samples);
    *validation = (struct validation){0};
}

assay_status validation_calibrate(const struct validation *validation, struct calibration *out,
                                  struct assay_error *error)
{
    struct calibration_sample *samples = mem_alloc(validation->count, sizeof *samples);
    if (!samples)
        return error_memory(error, "calibration");
    for (size_t i = 0; i < validation->count; i++) {
        const struct metrics_sample *from = &validation->samples[i];
        samples[i] = (struct calibration_sample){.logit = from->logit,
                                                 .generated = from->generated,
                                                 .source = from->source,
                                                 .art = validation->sources[from->source].left_out};
    }
    assay_status status = calibration_weights(samples, validation->count, error);
    if (!status)
        status = calibration_fit(samples, validation->count, NULL, out, error);
    mem_free(samples);
    return status;
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t offset;
} figures[] = {
    {"balanced_accuracy", offsetof(struct metrics_summary, balanced_accuracy)},
    {"real_accuracy", offsetof(struct metrics_summary, real_accuracy)},
    {"generated_accuracy", offsetof(struct metrics_summary, generated_accuracy)},
    {"accuracy", offsetof(struct metrics_summary, accuracy)},
    {"average_precision", offsetof(struct metrics_summary, average_precision)},
    {"auroc", offsetof(struct metrics_summary, auroc)},
    {"loss", offsetof(struct metrics_summary, loss)},
};
enum { FIGURES = sizeof figures / sizeof figures[0] };

json_t *validation_to_json(const struct validation *validation)
{
    const struct metrics_summary *summary = &validation->summary;
    json_t *object = json_pack("{s:I}", "pictures", (json_int_t)summary->count);
    for (int i = 0; object && i < FIGURES; i++) {
        double value = *(const double *)((const char *)summary + figures[i].offset);
        if (json_object_set_new(object, figures[i].name, json_real(value)) != 0) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}

void validation_from_json(const json_t *object, struct metrics_summary *out)
{
    *out = (struct metrics_summary){.count = (size_t)json_integer_value(json_object_get(object, "pictures"))};
    for (int i = 0; i < FIGURES; i++)
        *(double *)((char *)out + figures[i].offset) = json_number_value(json_object_get(object, figures[i].name));
}

json_t *validation_sources_to_json(const struct validation *validation)
{
    json_t *list = json_array();
    for (size_t s = 0; list && s < validation->source_count; s++) {
        const struct metrics_source *source = &validation->sources[s];
        if (source->count == 0)
            continue;
        /* A folder's name may be any bytes; JSON holds UTF-8 only. */
        json_t *name = json_string(source->name);
        json_t *item =
            json_pack("{s:o, s:s, s:I, s:f, s:f, s:b}", "name", name ? name : json_sprintf("source %zu", s), "class",
                      source->generated ? "ai-generated" : "real", "pictures", (json_int_t)source->count, "accuracy",
                      source->accuracy, "loss", source->loss, "left_out", source->left_out);
        if (!item || json_array_append_new(list, item) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}
