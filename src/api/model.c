/* model.c - models as the public header has them: a model, and a scorer that its calls share. */
#include "api/api.h"
#include "base/memory.h"
#include "base/parallel.h"

enum { MAX_THREADS = 1024 };

static assay_status check_options(const struct assay_model_options *options, struct assay_error *error)
{
    if (options && (options->threads < 0 || options->threads > MAX_THREADS))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "a model computes on 1 to %d threads (0: the default), not on %d",
                         MAX_THREADS, options->threads);
    return ASSAY_OK;
}

/* A model from a file, or (path NULL) from bytes. */
static assay_status open_model(const char *path, const void *bytes, size_t size, const char *name,
                               const struct assay_model_options *options, struct assay_model **out,
                               struct assay_error *error)
{
    assay_status status = check_options(options, error);
    if (status)
        return status;
    struct assay_model *model = mem_alloc(1, sizeof *model);
    if (!model)
        return error_memory(error, path ? path : name);
    model->threads = options && options->threads ? options->threads : parallel_threads();
    status = path ? model_load(path, &model->model, error) : model_load_memory(bytes, size, name, &model->model, error);
    if (!status)
        status = model_scorer_create(&model->model, options && options->bf16, &model->scorer, error);
    if (status) {
        assay_model_close(model);
        return status;
    }
    *out = model;
    return ASSAY_OK;
}

assay_status assay_model_open(const char *path, const struct assay_model_options *options, struct assay_model **out,
                              struct assay_error *error)
{
    if (!path || !out)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "assay_model_open: path and out must not be NULL");
    return open_model(path, NULL, 0, NULL, options, out, error);
}

assay_status assay_model_open_memory(const void *bytes, size_t size, const char *name,
                                     const struct assay_model_options *options, struct assay_model **out,
                                     struct assay_error *error)
{
    if (!bytes || !out)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "assay_model_open_memory: bytes and out must not be NULL");
    return open_model(NULL, bytes, size, name ? name : "model in memory", options, out, error);
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

void assay_model_describe(const struct assay_model *model, struct assay_model_info *info)
{
    if (!info)
        return;
    *info = (struct assay_model_info){.detector = assay_model_detector(model)};
    if (!model)
        return;
    const struct calibration *calibration = &model->model.calibration;
    info->calibrated = calibration->present;
    info->real_below = calibration->present ? calibration->real_below : CALIBRATION_NEVER_REAL;
    info->generated_above = calibration->present ? calibration->generated_above : CALIBRATION_NEVER_GENERATED;
    info->crop = model->model.preprocess.crop;
    info->max_crops = model->model.preprocess.max_crops;
}

void assay_model_limits(const struct assay_model *model, int *smallest_side, int *lowest_jpeg_quality)
{
    if (smallest_side)
        *smallest_side = model ? model->model.limits.smallest_side : 0;
    if (lowest_jpeg_quality)
        *lowest_jpeg_quality = model ? model->model.limits.lowest_quality : 0;
}
