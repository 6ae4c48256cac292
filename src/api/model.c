/* model.c - models and verdicts as the public header has them: a scorer gives logits, calibration makes them verdicts. */
#include <math.h>

#include "api/api.h"
#include "base/memory.h"

/* Pictures scored by one call of the scorer: bounds the pointers and logits on the stack, not the batch, which is the
 * scorer's affair. */
enum { DETECT_CHUNK = 64 };

assay_status assay_model_open(const char *path, const struct assay_model_options *options, struct assay_model **out,
                              struct assay_error *error)
{
    if (!path || !out)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "assay_model_open: path and out must not be NULL");
    struct assay_model *model = mem_alloc(1, sizeof *model);
    if (!model)
        return error_memory(error, path);
    assay_status status = model_load(path, &model->model, error);
    if (!status)
        status = model_scorer_create(&model->model, options && options->bf16, &model->scorer, error);
    if (status) {
        assay_model_close(model);
        return status;
    }
    *out = model;
    return ASSAY_OK;
}

void assay_model_close(struct assay_model *model)
{
    if (!model)
        return;
    model_scorer_free(model->scorer);
    model_free(&model->model);
    mem_free(model);
}

const char *assay_model_detector(const struct assay_model *model)
{
    return model ? model->model.detector->name : "";
}

assay_status assay_detect(struct assay_model *model, const struct assay_picture *const *pictures, size_t count,
                          struct assay_result *results, struct assay_error *error)
{
    if (!model || (count > 0 && (!pictures || !results)))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "assay_detect: model, pictures and results must not be NULL");
    for (size_t i = 0; i < count; i++)
        if (!pictures[i])
            return error_set(error, ASSAY_ERROR_ARGUMENT, "assay_detect: picture %zu is NULL", i);
    const struct calibration *calibration = &model->model.calibration;
    for (size_t at = 0; at < count; at += DETECT_CHUNK) {
        const struct image *images[DETECT_CHUNK];
        double logits[DETECT_CHUNK];
        size_t chunk = count - at < DETECT_CHUNK ? count - at : DETECT_CHUNK;
        for (size_t i = 0; i < chunk; i++)
            images[i] = &pictures[at + i]->image;
        assay_status status = model_score(model->scorer, images, chunk, logits, error);
        if (status)
            return status;
        for (size_t i = 0; i < chunk; i++) {
            if (!isfinite(logits[i]))
                return error_set(error, ASSAY_ERROR_MODEL,
                                 "the model gives no finite score for picture %zu; its weights are damaged", at + i);
            double probability = calibration_probability(calibration, logits[i]);
            results[at + i] =
                (struct assay_result){calibration_verdict(calibration, probability), probability, logits[i]};
        }
    }
    return ASSAY_OK;
}
