/* map.c - activation maps as the public header has them. */
#include "api/api.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "detector/activation.h"
#include "image/heatmap.h"

_Static_assert((int)ASSAY_MAP_AUTO == ACTIVATION_AUTO && (int)ASSAY_MAP_CAM == ACTIVATION_CAM &&
                   (int)ASSAY_MAP_ROLLOUT == ACTIVATION_ROLLOUT && (int)ASSAY_MAP_GRAD_CAM == ACTIVATION_GRAD_CAM &&
                   (int)ASSAY_SIDE_LEANING == ACTIVATION_LEANING && (int)ASSAY_SIDE_GENERATED == ACTIVATION_GENERATED &&
                   (int)ASSAY_SIDE_REAL == ACTIVATION_REAL,
               "the public enumerations are the detector's");

/* What a caller sees, and where its numbers lie. */
struct map {
    struct assay_map open; /* first: the caller has a pointer to it */
    struct activation activation;
};

static assay_status check_options(const struct assay_map_options *options, struct activation_options *out,
                                  struct assay_error *error)
{
    *out = (struct activation_options){ACTIVATION_AUTO, ACTIVATION_LEANING};
    if (!options)
        return ASSAY_OK;
    if ((int)options->method < 0 || (int)options->method >= ACTIVATION_METHODS)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "assay_explain: there is no method %d", (int)options->method);
    if ((int)options->side < 0 || (int)options->side > ACTIVATION_REAL)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "assay_explain: there is no side %d", (int)options->side);
    *out = (struct activation_options){(enum activation_method)options->method, (enum activation_side)options->side};
    return ASSAY_OK;
}

assay_status assay_explain(struct assay_model *model, const struct assay_picture *picture,
                           const struct assay_map_options *options, struct assay_job *job, struct assay_map **out,
                           struct assay_error *error)
{
    const struct watch watch = {job, ASSAY_STAGE_EXPLAIN, 0, 1};
    struct activation_options how;
    if (!model || !picture || !out)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "assay_explain: model, picture and out must not be NULL");
    assay_status status = check_options(options, &how, error);
    if (status)
        return status;
    struct map *map = mem_alloc(1, sizeof *map);
    if (!map)
        return error_memory(error, "a map");
    struct activation *a = &map->activation;
    int threads = parallel_use_threads(model->threads);
    status = model_activation_watched(model->scorer, &picture->image, &how, &watch, a, error);
    parallel_use_threads(threads);
    if (!status)
        status = api_judge(model, &picture->image, a->logit, "the picture", &map->open.result, error);
    if (status) {
        assay_map_free(&map->open);
        return status;
    }
    map->open.width = a->width;
    map->open.height = a->height;
    map->open.heat = a->heat;
    map->open.low = a->low;
    map->open.high = a->high;
    map->open.method = (assay_map_method)a->method;
    map->open.side = a->generated ? ASSAY_SIDE_GENERATED : ASSAY_SIDE_REAL;
    map->open.seen = a->seen;
    map->open.crops = a->crops;
    *out = &map->open;
    return ASSAY_OK;
}

assay_status assay_map_draw(const struct assay_map *map, const struct assay_picture *picture,
                            struct assay_picture **out, struct assay_error *error)
{
    if (!map || !picture || !out)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "assay_map_draw: map, picture and out must not be NULL");
    struct assay_picture *drawn = mem_alloc(1, sizeof *drawn);
    if (!drawn)
        return error_memory(error, "a picture");
    assay_status status = heatmap_draw(&picture->image, map->heat, map->width, map->height, &drawn->image, error);
    if (status) {
        assay_picture_free(drawn);
        return status;
    }
    *out = drawn;
    return ASSAY_OK;
}

void assay_map_free(struct assay_map *map)
{
    struct map *whole = (struct map *)map;
    if (whole)
        activation_free(&whole->activation);
    mem_free(whole);
}
