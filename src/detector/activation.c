/* activation.c - the graph that explains a crop, run over a picture's crops. */
#include "detector/crops.h"
#include "detector/activation.h"

#include <math.h>

#include "base/memory.h"
#include "detector/activation_internal.h"
#include "detector/model_internal.h"
#include "ops/elementwise.h"
#include "ops/reduce.h"

static const char *const method_names[] = {"auto", "cam", "rollout", "grad-cam"};

const char *activation_method_name(enum activation_method method)
{
    return method_names[method];
}

/* ---- The graph ------------------------------------------------------------------------------------------------ */

/* sum over channels of maps [B, H, W, C] times their gradients, these summed over places (eq. 1 and 2 without the ReLU
 * and the division by the number of places): [B, H, W, 1]. */
static node grad_cam(struct graph *g, const struct detector_io *io)
{
    node gradient;
    graph_gradients(g, op_sum(g, io->logit, REDUCE_ALL, false), &io->features, 1, &gradient);
    node weights = op_sum(g, gradient, REDUCE_AXIS(1) | REDUCE_AXIS(2), true);
    return op_sum(g, op_mul(g, io->features, weights), REDUCE_AXIS(3), true);
}

/* Taps [B, H, W, 1] under the method's name. */
void activation_build(struct graph *g, const struct shape *input_shapes, int input_count, void *context)
{
    const struct activation_graph *c = context;
    struct detector_io io = detector_io(input(g, "image", input_shapes[0], DTYPE_F32));
    (void)input_count;
    io.explain = true;
    c->model->detector->forward(g, params_root(c->model->store), c->model->config, &io);
    if (graph_failed(g))
        return;
    /* Where a roll-out is, the last maps are those that the logit does not read. */
    bool has[] = {[ACTIVATION_CAM] = io.evidence.id >= 0,
                  [ACTIVATION_ROLLOUT] = io.rollout.id >= 0,
                  [ACTIVATION_GRAD_CAM] = io.features.id >= 0 && io.rollout.id < 0};
    int method = c->method;
    for (int i = 1; method == ACTIVATION_AUTO && i < ACTIVATION_METHODS; i++)
        method = has[i] ? i : method;
    if (method == ACTIVATION_AUTO || !has[method]) {
        graph_fail(g, "detector %s has no map by method %s", c->model->detector->name, method_names[c->method]);
        return;
    }
    node map = io.evidence;
    if (method == ACTIVATION_ROLLOUT)
        map = op_scale(g, io.rollout, (float)(graph_dim(g, io.rollout, 1) * graph_dim(g, io.rollout, 2)));
    else if (method == ACTIVATION_GRAD_CAM)
        map = grad_cam(g, &io);
    tap(g, "logit", io.logit);
    tap(g, method_names[method], map);
}

/* ---- Crops ---------------------------------------------------------------------------------------------------- */

/* The maps of a picture's crops. */
struct crop_maps {
    float *values; /* [crops, rows, columns] */
    size_t rows, columns;
    int crops;
    enum activation_method method;
    double logit;
};

/* Runs one crop and keeps its map as the index-th. */
static assay_status run_crop(struct model_scorer *scorer, enum activation_method method, const float *crop, int index,
                             struct crop_maps *maps, struct assay_error *error)
{
    int64_t side = scorer->model->preprocess.crop;
    struct program_input image = {"image", SHAPE(1, side, side, IMAGE_CHANNELS), crop};
    struct program_run run = {0};
    struct tensor map = {0};
    assay_status status =
        program_run(scorer->program, scorer->explain[method].name, &image, 1, &(struct run_options){0}, &run, error);
    if (status)
        return status;
    for (int i = 1; i < ACTIVATION_METHODS && !map.data; i++) {
        map = program_read(&run, method_names[i]);
        maps->method = (enum activation_method)i;
    }
    struct tensor logit = program_read(&run, "logit");
    if (!map.data || !logit.data || map.shape.rank != 4 || shape_count(&map.shape) < 1) {
        status = error_set(error, ASSAY_ERROR_INTERNAL, "detector %s gives no map for a crop",
                           scorer->model->detector->name);
        goto done;
    }
    size_t cells = (size_t)shape_count(&map.shape), count;
    if (!maps->values) {
        maps->rows = (size_t)map.shape.dim[1];
        maps->columns = (size_t)map.shape.dim[2];
        maps->values = size_mul(cells, (size_t)maps->crops, &count) ? mem_alloc(count, sizeof *maps->values) : NULL;
        if (!maps->values) {
            status = error_memory(error, "the maps of a picture");
            goto done;
        }
    }
    maps->logit += (double)*(const float *)logit.data / maps->crops;
    for (size_t i = 0; i < cells; i++)
        maps->values[(size_t)index * cells + i] = ((const float *)map.data)[i];
done:
    program_release(&run);
    return status;
}

/* What speaks for one side: as it is, or turned around, and the rest nothing. */
static void take_side(struct crop_maps *maps, bool generated)
{
    size_t count = (size_t)maps->crops * maps->rows * maps->columns;
    for (size_t i = 0; i < count && maps->method != ACTIVATION_ROLLOUT; i++)
        maps->values[i] = fmaxf(generated ? maps->values[i] : -maps->values[i], 0);
}

static assay_status merge(const struct model_scorer *scorer, const struct image *picture, const struct image *fitted,
                          const struct crops *crops, const struct crop_maps *maps, struct activation *out,
                          struct assay_error *error)
{
    const struct preprocess *p = &scorer->model->preprocess;
    struct activation_canvas canvas = {0};
    assay_status status = canvas_begin(&canvas, p, picture, fitted, error);
    for (int i = 0; i < maps->crops && !status; i++)
        status = canvas_add(&canvas, crops->at[i].left, crops->at[i].top,
                            maps->values + (size_t)i * maps->rows * maps->columns, (int)maps->rows, (int)maps->columns,
                            error);
    if (status)
        goto done;
    canvas_finish(&canvas, &out->low, &out->high, &out->seen);
    if (maps->method != ACTIVATION_ROLLOUT)
        out->low = 0;
    if (!isfinite(out->low) || !isfinite(out->high) || !isfinite(maps->logit)) {
        status = error_set(error, ASSAY_ERROR_MODEL, "the model gives no finite map; it is damaged");
        goto done;
    }
    out->high = canvas_strong(&canvas, out->low, out->high);
    out->width = canvas.width;
    out->height = canvas.height;
    out->heat = canvas.sum;
    canvas.sum = NULL;
    double range = out->high - out->low;
    for (size_t i = 0; i < (size_t)out->width * (size_t)out->height; i++)
        if (out->heat[i] != ACTIVATION_UNSEEN)
            out->heat[i] = range > 0 ? (float)fmin(fmax(((double)out->heat[i] - out->low) / range, 0), 1) : 0;
done:
    canvas_free(&canvas);
    return status;
}

assay_status model_activation_watched(struct model_scorer *scorer, const struct image *picture,
                                      const struct activation_options *options, const struct watch *watch,
                                      struct activation *out, struct assay_error *error)
{
    static const struct activation_options defaults = {ACTIVATION_AUTO, ACTIVATION_LEANING};
    const struct preprocess *p = &scorer->model->preprocess;
    struct crop_maps maps = {0};
    struct crops crops;
    struct image fitted = {0};
    size_t side = (size_t)p->crop;
    float *crop = NULL;
    *out = (struct activation){0};
    if (!options)
        options = &defaults;
    assay_status status = preprocess_fit(p, picture, &fitted, error);
    if (status)
        return status;
    crops_choose(p, &fitted, &crops);
    maps.crops = crops.count;
    crop = mem_alloc_aligned(side * side * IMAGE_CHANNELS * sizeof *crop);
    if (!crop)
        status = error_memory(error, "a crop");
    for (int i = 0; i < maps.crops && !status; i++) {
        preprocess_write(p, &fitted, crops.at[i].left, crops.at[i].top, crop);
        status = watch_step(watch, (double)i / maps.crops, "a map of a picture", error);
        if (!status)
            status = run_crop(scorer, options->method, crop, i, &maps, error);
    }
    if (!status)
        status = watch_step(watch, 1, "a map of a picture", error);
    if (status)
        goto done;
    out->method = maps.method;
    out->crops = maps.crops;
    out->logit = maps.logit;
    out->generated = options->side == ACTIVATION_GENERATED ||
                     (options->side == ACTIVATION_LEANING &&
                      calibration_probability(&scorer->model->calibration, maps.logit) >= 0.5);
    take_side(&maps, out->generated);
    status = merge(scorer, picture, &fitted, &crops, &maps, out, error);
done:
    if (status)
        activation_free(out);
    mem_free(maps.values);
    mem_free(crop);
    image_free(&fitted);
    return status;
}

assay_status model_activation(struct model_scorer *scorer, const struct image *picture,
                              const struct activation_options *options, struct activation *out,
                              struct assay_error *error)
{
    return model_activation_watched(scorer, picture, options, NULL, out, error);
}

void activation_free(struct activation *activation)
{
    mem_free(activation->heat);
    *activation = (struct activation){0};
}
