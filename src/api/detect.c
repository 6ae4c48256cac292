/* detect.c - verdicts as the public header has them: a scorer gives logits, calibration makes them verdicts. */
#include <math.h>
#include <stdio.h>

#include "api/api.h"
#include "base/memory.h"
#include "base/parallel.h"

/* Pictures scored by one call of the scorer: bounds the pointers and logits on the stack, not the batch, which is the
 * scorer's affair. */
enum { DETECT_CHUNK = 64 };

assay_status api_judge(const struct assay_model *model, double logit, const char *what, struct assay_result *result,
                       struct assay_error *error)
{
    const struct calibration *calibration = &model->model.calibration;
    if (!isfinite(logit))
        return error_set(error, ASSAY_ERROR_MODEL, "the model gives no finite score for %s; its weights are damaged",
                         what);
    double probability = calibration_probability(calibration, logit);
    *result = (struct assay_result){calibration_verdict(calibration, probability), probability, logit};
    return ASSAY_OK;
}

/* Pictures at .. at + chunk - 1 of count. */
static assay_status detect_chunk(struct assay_model *model, const struct assay_picture *const *pictures, size_t at,
                                 size_t chunk, size_t count, struct assay_job *job, struct assay_result *results,
                                 struct assay_error *error)
{
    const struct watch watch = {job, ASSAY_STAGE_JUDGE, (double)at / (double)count,
                                (double)(at + chunk) / (double)count};
    const struct image *images[DETECT_CHUNK];
    double logits[DETECT_CHUNK];
    for (size_t i = 0; i < chunk; i++)
        images[i] = &pictures[at + i]->image;
    assay_status status = model_score_watched(model->scorer, images, chunk, &watch, logits, error);
    for (size_t i = 0; i < chunk && !status; i++) {
        char what[32];
        snprintf(what, sizeof what, "picture %zu", at + i);
        status = api_judge(model, logits[i], what, &results[at + i], error);
    }
    return status;
}

assay_status assay_detect(struct assay_model *model, const struct assay_picture *const *pictures, size_t count,
                          struct assay_job *job, struct assay_result *results, struct assay_error *error)
{
    if (!model || (count > 0 && (!pictures || !results)))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "assay_detect: model, pictures and results must not be NULL");
    for (size_t i = 0; i < count; i++)
        if (!pictures[i])
            return error_set(error, ASSAY_ERROR_ARGUMENT, "assay_detect: picture %zu is NULL", i);
    int threads = parallel_use_threads(model->threads);
    assay_status status = ASSAY_OK;
    for (size_t at = 0; at < count && !status; at += DETECT_CHUNK)
        status = detect_chunk(model, pictures, at, count - at < DETECT_CHUNK ? count - at : DETECT_CHUNK, count, job,
                              results, error);
    parallel_use_threads(threads);
    return status;
}

/* Judges a picture that was just made, unless making it failed, and frees it. */
static assay_status detect_and_free(struct assay_model *model, assay_status made, struct assay_picture *picture,
                                    struct assay_job *job, struct assay_result *result, struct assay_error *error)
{
    assay_status status =
        made ? made : assay_detect(model, (const struct assay_picture *const *)&picture, 1, job, result, error);
    assay_picture_free(picture);
    return status;
}

/* Before anything is read. */
static assay_status check_arguments(const char *function, const struct assay_model *model,
                                    const struct assay_result *result, struct assay_error *error)
{
    if (model && result)
        return ASSAY_OK;
    return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: model and result must not be NULL", function);
}

assay_status assay_detect_file(struct assay_model *model, const char *path, const struct assay_limits *limits,
                               struct assay_job *job, struct assay_result *result, struct assay_error *error)
{
    struct assay_picture *picture = NULL;
    assay_status status = check_arguments("assay_detect_file", model, result, error);
    if (!status)
        status = assay_picture_read_file(path, limits, job, &picture, error);
    return detect_and_free(model, status, picture, job, result, error);
}

assay_status assay_detect_memory(struct assay_model *model, const void *bytes, size_t size, const char *name,
                                 const struct assay_limits *limits, struct assay_job *job, struct assay_result *result,
                                 struct assay_error *error)
{
    struct assay_picture *picture = NULL;
    assay_status status = check_arguments("assay_detect_memory", model, result, error);
    if (!status)
        status = assay_picture_read_memory(bytes, size, name, limits, job, &picture, error);
    return detect_and_free(model, status, picture, job, result, error);
}

assay_status assay_detect_rgb(struct assay_model *model, const uint8_t *pixels, int width, int height, size_t stride,
                              struct assay_job *job, struct assay_result *result, struct assay_error *error)
{
    struct assay_picture *picture = NULL;
    assay_status status = check_arguments("assay_detect_rgb", model, result, error);
    if (!status)
        status = assay_picture_from_rgb(pixels, width, height, stride, &picture, error);
    return detect_and_free(model, status, picture, job, result, error);
}
