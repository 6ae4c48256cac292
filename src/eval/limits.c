/* limits.c - predictions put into bins of size and quality, and each bin against chance. */
#include "eval/limits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/string_map.h"
#include "data/dataset.h"
#include "eval/metrics_ranking.h"
#include "image/perturbation.h"

/* ---- collecting -------------------------------------------------------------------------------------------------- */

struct item {
    struct metrics_sample sample;
    enum limits_axis axis;
    int from; /* lower edge of the bin, or the quality */
};

/* What a chain makes of a picture's shorter side, or at which quality it is. */
struct effect {
    bool side, quality;
    double factor;
    int value;
};

struct collecting {
    struct arena arena;
    struct string_map sources; /* to its number + 1 */
    struct array items;
    struct perturbation chain; /* the last one read, most often the next too */
    struct effect effect;
    bool known;
};

static struct effect effect_of(const struct perturbation *chain)
{
    if (chain->count == 0)
        return (struct effect){.side = true, .factor = 1};
    const struct perturbation_step *step = &chain->steps[0];
    if (chain->count != 1 || step->low != step->high || step->probability != PERTURBATION_UNIT)
        return (struct effect){0};
    double value = (double)step->low / PERTURBATION_UNIT;
    if (strcmp(step->kind->name, "jpeg") == 0)
        return (struct effect){.quality = true, .value = (int)lround(value)};
    if (value < 1 && (strcmp(step->kind->name, "resize") == 0 || strcmp(step->kind->name, "crop") == 0))
        return (struct effect){.side = true, .factor = value};
    return (struct effect){0};
}

/* 1, 16, 24, 32, 48, 64, ... */
static int next_edge(int edge)
{
    if (edge < 16)
        return 16;
    return edge & (edge - 1) ? edge / 3 * 4 : edge / 2 * 3;
}

static int edge_below(int side)
{
    int edge = 1;
    for (int next; (next = next_edge(edge)) <= side;)
        edge = next;
    return edge;
}

static assay_status number_of(struct collecting *c, const struct prediction *p, int *out, struct assay_error *error)
{
    const char *key = arena_printf(&c->arena, "%zu:%s/%s", strlen(p->set), p->set, p->source);
    uintptr_t number = key ? (uintptr_t)string_map_get(&c->sources, key) : 0;
    if (key && !number) {
        number = c->sources.count + 1;
        if (!string_map_add(&c->sources, key, (void *)number))
            key = NULL;
    }
    *out = (int)number - 1;
    return key ? ASSAY_OK : error_memory(error, "the sources of a run");
}

static assay_status collect(void *context, const struct prediction *p, struct assay_error *error)
{
    struct collecting *c = context;
    if (!p->readable || (p->art && p->label == LABEL_REAL))
        return ASSAY_OK;
    assay_status status = ASSAY_OK;
    if (!c->known || strcmp(c->chain.text, p->perturbation) != 0) {
        status = perturbation_parse(p->perturbation, &c->chain, error);
        if (status)
            return status;
        c->effect = effect_of(&c->chain);
        c->known = true;
    }
    if (!c->effect.side && !c->effect.quality)
        return ASSAY_OK;
    int shorter = p->width < p->height ? p->width : p->height;
    int side = (int)lround(shorter * c->effect.factor);
    struct item item = {.sample = {.logit = p->logit, .generated = p->label == LABEL_GENERATED, .probability = 0.5},
                        .axis = c->effect.quality ? LIMITS_QUALITY : LIMITS_SIDE,
                        .from = c->effect.quality ? c->effect.value : edge_below(side < 1 ? 1 : side)};
    status = number_of(c, p, &item.sample.source, error);
    if (!status && !array_append(&c->items, &item, 1))
        status = error_memory(error, "the predictions of a run");
    return status;
}

/* ---- points ------------------------------------------------------------------------------------------------------ */

static int by_point(const void *a, const void *b)
{
    const struct item *p = a, *q = b;
    if (p->axis != q->axis)
        return p->axis < q->axis ? -1 : 1;
    if (p->from != q->from)
        return p->from < q->from ? -1 : 1;
    if (p->sample.generated != q->sample.generated)
        return p->sample.generated ? 1 : -1;
    return (p->sample.source > q->sample.source) - (p->sample.source < q->sample.source);
}

static assay_status measure(void *context, const struct metrics_sample *samples, size_t count, double *values,
                            struct assay_error *error)
{
    struct metrics_steps steps;
    (void)context;
    assay_status status = metrics_steps(samples, count, &steps, error);
    if (status)
        return status;
    values[0] = metrics_auroc(&steps);
    metrics_steps_free(&steps);
    return ASSAY_OK;
}

/* The items of one point, sorted by class and source; weighs them and counts. */
static void weigh(const struct item *items, size_t count, struct metrics_sample *samples, struct limits_point *point)
{
    for (int pass = 0; pass < 2; pass++)
        for (size_t begin = 0, end; begin < count; begin = end) {
            bool generated = items[begin].sample.generated;
            for (end = begin; end < count && items[end].sample.generated == generated &&
                              items[end].sample.source == items[begin].sample.source;)
                end++;
            if (pass == 0) {
                point->sources[generated]++;
                point->pictures[generated] += end - begin;
                continue;
            }
            for (size_t i = begin; i < end; i++) {
                samples[i] = items[i].sample;
                samples[i].weight = 0.5 / (double)point->sources[generated] / (double)(end - begin);
            }
        }
}

static assay_status judge_point(const struct item *items, size_t count, const struct limits_options *o,
                                struct limits_point *point, struct assay_error *error)
{
    struct metrics_bootstrap_options options = {.seed = o->seed, .replicates = o->replicates};
    struct metrics_sample *samples = mem_alloc(count, sizeof *samples);
    assay_status status = ASSAY_OK;
    if (!samples)
        return error_memory(error, "a model's limits");
    *point = (struct limits_point){.axis = items[0].axis, .from = items[0].from, .to = items[0].from};
    if (point->axis == LIMITS_SIDE)
        point->to = next_edge(point->from) - 1;
    weigh(items, count, samples, point);
    point->judged = true;
    for (int c = 0; c < 2; c++)
        point->judged =
            point->judged && point->pictures[c] >= LIMITS_MIN_PICTURES && point->sources[c] >= LIMITS_MIN_SOURCES;
    if (point->judged)
        status = measure(NULL, samples, count, &point->auroc, error);
    if (point->judged && !status)
        status = metrics_bootstrap(samples, count, &options, measure, NULL, 1, &point->interval, NULL, error);
    point->better = point->judged && point->interval.low > 0.5 + o->margin;
    mem_free(samples);
    return status;
}

/* The lowest point of each axis that is better than chance. */
static assay_status choose(const struct run_folder *run, struct limits_found *found, struct assay_error *error)
{
    static const char *const names[LIMITS_AXES] = {"size", "JPEG quality"};
    int lowest[LIMITS_AXES] = {0};
    bool judged[LIMITS_AXES] = {false};
    for (size_t i = found->count; i-- > 0;) {
        const struct limits_point *p = &found->points[i];
        judged[p->axis] |= p->judged;
        if (p->better)
            lowest[p->axis] = p->from;
    }
    if (!judged[LIMITS_SIDE] && !judged[LIMITS_QUALITY])
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "%s: nothing to find limits by: for a size or JPEG quality at least %d real and %d generated "
                         "pictures of %d sources each are needed",
                         run->predictions, LIMITS_MIN_PICTURES, LIMITS_MIN_PICTURES, LIMITS_MIN_SOURCES);
    for (int a = 0; a < LIMITS_AXES; a++)
        if (judged[a] && !lowest[a])
            return error_set(error, ASSAY_ERROR_ARGUMENT,
                             "%s: at no %s is the model better than chance: it has no use to be limited",
                             run->predictions, names[a]);
    found->limits = (struct verdict_limits){lowest[LIMITS_SIDE], lowest[LIMITS_QUALITY]};
    return ASSAY_OK;
}

assay_status limits_find(const struct run_folder *run, const struct limits_options *options, struct limits_found *out,
                         struct assay_error *error)
{
    struct collecting c = {.items = array_of(sizeof(struct item), SIZE_MAX / sizeof(struct item))};
    struct array points = array_of(sizeof(struct limits_point), LIMIT_PICTURE_SIDE);
    struct limits_found found = {0};
    *out = (struct limits_found){0};
    assay_status status = run_folder_scan(run, collect, &c, error);
    const struct item *items = c.items.data;
    if (!status && c.items.count)
        qsort(c.items.data, c.items.count, sizeof *items, by_point);
    for (size_t begin = 0, end; begin < c.items.count && !status; begin = end) {
        for (end = begin;
             end < c.items.count && items[end].axis == items[begin].axis && items[end].from == items[begin].from;)
            end++;
        struct limits_point *point = array_push(&points);
        status = point ? judge_point(items + begin, end - begin, options, point, error)
                       : error_memory(error, "a model's limits");
    }
    found.points = points.data;
    found.count = points.count;
    if (!status)
        status = choose(run, &found, error);
    if (status)
        limits_found_free(&found);
    else
        *out = found;
    array_free(&c.items);
    string_map_free(&c.sources);
    arena_free(&c.arena);
    return status;
}

void limits_found_free(struct limits_found *found)
{
    mem_free(found->points);
    *found = (struct limits_found){0};
}
