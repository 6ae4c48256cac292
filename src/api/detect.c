/* detect.c - verdicts as the public header has them: a scorer gives logits, calibration makes them verdicts. */
#include <math.h>
#include <stdio.h>

#include "api/api.h"
#include "base/memory.h"
#include "base/parallel.h"

/* Pictures scored by one call of the scorer: bounds the pointers and logits on the stack, not the batch, which is the
 * scorer's affair. */
enum { DETECT_CHUNK = 64 };

static assay_status judge(const struct assay_model *model, const struct image *image, double logit,
                          const struct crop_agreement *agreement, const char *what, struct model_verdict *out,
                          struct assay_error *error)
{
    if (!isfinite(logit))
        return error_set(error, ASSAY_ERROR_MODEL, "the model gives no finite score for %s; its weights are damaged",
                         what);
    model_judge(&model->model, image, logit, agreement, out);
    return ASSAY_OK;
}

assay_status api_judge(const struct assay_model *model, const struct image *image, double logit, const char *what,
                       struct assay_result *result, struct assay_error *error)
{
    struct model_verdict told;
    assay_status status = judge(model, image, logit, NULL, what, &told, error);
    if (!status)
        *result = (struct assay_result){told.verdict, told.probability, logit};
    return status;
}

static struct assay_reasons reasons_of(const struct verdict_reasons *r)
{
    return (struct assay_reasons){.crops = r->agreement.crops,
                                  .crops_generated = r->agreement.generated,
                                  .lowest = r->agreement.lowest,
                                  .highest = r->agreement.highest,
                                  .deviation = r->agreement.deviation,
                                  .width = r->width,
                                  .height = r->height,
                                  .jpeg_quality = r->jpeg_quality,
                                  .limit = (assay_limit)r->limit};
}

/* What one call is to do. */
struct task {
    struct assay_model *model;
    const struct assay_picture *const *pictures;
    size_t count;
    struct assay_job *job;
    struct assay_result *results;
    struct assay_reasons *reasons; /* NULL: not asked for */
};

/* Pictures at .. at + chunk - 1. */
static assay_status detect_chunk(const struct task *t, size_t at, size_t chunk, struct assay_error *error)
{
    const struct watch watch = {t->job, ASSAY_STAGE_JUDGE, (double)at / (double)t->count,
                                (double)(at + chunk) / (double)t->count};
    const struct image *images[DETECT_CHUNK];
    struct crop_agreement agreements[DETECT_CHUNK];
    double logits[DETECT_CHUNK];
    for (size_t i = 0; i < chunk; i++)
        images[i] = &t->pictures[at + i]->image;
    assay_status status = model_score_agreement(t->model->scorer, images, chunk, &watch, logits, agreements, error);
    for (size_t i = 0; i < chunk && !status; i++) {
        struct model_verdict told;
        char what[32];
        snprintf(what, sizeof what, "picture %zu", at + i);
        status = judge(t->model, images[i], logits[i], &agreements[i], what, &told, error);
        if (status)
            break;
        t->results[at + i] = (struct assay_result){told.verdict, told.probability, logits[i]};
        if (t->reasons)
            t->reasons[at + i] = reasons_of(&told.reasons);
    }
    return status;
}

static assay_status detect(const struct task *t, const char *function, struct assay_error *error)
{
    if (!t->model || (t->count > 0 && (!t->pictures || !t->results)))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: model, pictures and results must not be NULL", function);
    for (size_t i = 0; i < t->count; i++)
        if (!t->pictures[i])
            return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: picture %zu is NULL", function, i);
    int threads = parallel_use_threads(t->model->threads);
    assay_status status = ASSAY_OK;
    for (size_t at = 0; at < t->count && !status; at += DETECT_CHUNK)
        status = detect_chunk(t, at, t->count - at < DETECT_CHUNK ? t->count - at : DETECT_CHUNK, error);
    parallel_use_threads(threads);
    return status;
}

assay_status assay_detect(struct assay_model *model, const struct assay_picture *const *pictures, size_t count,
                          struct assay_job *job, struct assay_result *results, struct assay_error *error)
{
    const struct task task = {model, pictures, count, job, results, NULL};
    return detect(&task, "assay_detect", error);
}

assay_status assay_detect_reasons(struct assay_model *model, const struct assay_picture *const *pictures, size_t count,
                                  struct assay_job *job, struct assay_result *results, struct assay_reasons *reasons,
                                  struct assay_error *error)
{
    const struct task task = {model, pictures, count, job, results, reasons};
    if (count > 0 && !reasons)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "assay_detect_reasons: reasons must not be NULL");
    return detect(&task, "assay_detect_reasons", error);
}

const char *assay_reasons_text(const struct assay_model *model, const struct assay_reasons *reasons, char *text,
                               size_t size)
{
    char whole[VERDICT_REASONS_TEXT] = "";
    if (!text || size == 0)
        return text;
    if (reasons) {
        struct verdict_reasons r = {.agreement = {.crops = reasons->crops,
                                                  .generated = reasons->crops_generated,
                                                  .lowest = reasons->lowest,
                                                  .highest = reasons->highest},
                                    .width = reasons->width,
                                    .height = reasons->height,
                                    .jpeg_quality = reasons->jpeg_quality,
                                    .jpeg_quality_exact = true,
                                    .limit = (enum verdict_limit)reasons->limit};
        if (model && r.limit)
            r.limit_value =
                r.limit == VERDICT_TOO_SMALL ? model->model.limits.smallest_side : model->model.limits.lowest_quality;
        verdict_reasons_text(&r, whole);
    }
    snprintf(text, size, "%s", whole);
    return text;
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
