/* metrics_bootstrap.c - sources drawn with replacement, then pictures within them. */
#include "eval/metrics_bootstrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

/* The pictures of one source of one class: a run of `members`. */
struct cluster {
    size_t begin, count;
    int label, source;
};

struct resampling {
    struct metrics_sample *samples; /* by falling logit; the weights of one replicate */
    double *weight;                 /* as given */
    uint32_t *members;              /* indices into samples, cluster by cluster */
    uint32_t *drawn;                /* how often each of them was, likewise */
    struct cluster *clusters;       /* the real ones first */
    size_t count, cluster_count, class_clusters[2];
    double *values; /* [replicate][value] */
    double *column; /* of one value */
};

/* Sorted by (class, source, place among the samples) through this. */
struct place {
    int label, source;
    uint32_t index;
};

static int by_source(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->label != b->label)
        return a->label < b->label ? -1 : 1;
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* Sorted by falling logit, those that are equal as given, so that a replicate does not depend on the sort. */
struct ranked {
    double logit;
    uint32_t index;
};

static int by_falling_logit(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->logit != b->logit)
        return a->logit < b->logit ? 1 : -1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static assay_status sort_samples(struct resampling *r, const struct metrics_sample *samples, struct assay_error *error)
{
    struct ranked *order = mem_alloc(r->count ? r->count : 1, sizeof *order);
    if (!order)
        return error_memory(error, "bootstrap");
    for (size_t i = 0; i < r->count; i++)
        order[i] = (struct ranked){samples[i].logit, (uint32_t)i};
    qsort(order, r->count, sizeof *order, by_falling_logit);
    for (size_t i = 0; i < r->count; i++) {
        r->samples[i] = samples[order[i].index];
        r->weight[i] = r->samples[i].weight;
    }
    mem_free(order);
    return ASSAY_OK;
}

/* Pictures without weight take no part. */
static assay_status find_clusters(struct resampling *r, struct assay_error *error)
{
    struct place *places = mem_alloc(r->count ? r->count : 1, sizeof *places);
    if (!places)
        return error_memory(error, "bootstrap");
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++)
        if (r->weight[i] > 0)
            places[count++] = (struct place){r->samples[i].generated, r->samples[i].source, (uint32_t)i};
    qsort(places, count, sizeof *places, by_source);
    for (size_t i = 0; i < count; i++) {
        struct cluster *last = r->cluster_count ? &r->clusters[r->cluster_count - 1] : NULL;
        r->members[i] = places[i].index;
        if (last && last->label == places[i].label && last->source == places[i].source) {
            last->count++;
            continue;
        }
        r->clusters[r->cluster_count++] = (struct cluster){i, 1, places[i].label, places[i].source};
        r->class_clusters[places[i].label]++;
    }
    mem_free(places);
    return ASSAY_OK;
}

/* Draws one replicate into the samples' weights. */
static void draw(struct resampling *r, uint64_t seed, uint32_t replicate)
{
    size_t members = 0;
    for (size_t c = 0; c < r->cluster_count; c++)
        members += r->clusters[c].count;
    memset(r->drawn, 0, members * sizeof *r->drawn);
    for (int label = 0; label < 2; label++) {
        const struct cluster *clusters = r->clusters + (label ? r->class_clusters[0] : 0);
        size_t count = r->class_clusters[label];
        struct random which = random_open(seed, replicate, (uint64_t)label);
        for (size_t d = 0; d < count; d++) {
            const struct cluster *c = &clusters[random_below(&which, count)];
            /* A source that is drawn twice gives other pictures the second time. */
            struct random pick = random_open(seed ^ (UINT64_C(0x9E3779B97F4A7C15) * (d + 1)), replicate,
                                             2 + 2 * (uint64_t)c->source + (uint64_t)label);
            for (size_t p = 0; p < c->count; p++)
                r->drawn[c->begin + random_below(&pick, c->count)]++;
        }
    }
    for (size_t m = 0; m < members; m++)
        r->samples[r->members[m]].weight = r->weight[r->members[m]] * r->drawn[m];
}

static int rising(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static double percentile(const double *sorted, size_t count, double share)
{
    double at = share * (double)(count - 1);
    size_t below = (size_t)at;
    if (below + 1 >= count)
        return sorted[count - 1];
    return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

struct metrics_interval metrics_interval_of(double *values, size_t count, double level)
{
    for (size_t i = 0; i < count; i++)
        if (isnan(values[i]))
            count = 0;
    if (count == 0)
        return (struct metrics_interval){NAN, NAN};
    qsort(values, count, sizeof *values, rising);
    return (struct metrics_interval){percentile(values, count, (1 - level) / 2),
                                     percentile(values, count, (1 + level) / 2)};
}

assay_status metrics_measure_figures(void *context, const struct metrics_sample *samples, size_t count, double *values,
                                     struct assay_error *error)
{
    (void)context;
    struct metrics_figures figures;
    assay_status status = metrics_figures(samples, count, &figures, error);
    if (!status)
        memcpy(values, figures.value, sizeof figures.value);
    return status;
}

static assay_status check(const struct metrics_sample *samples, size_t count, double level, struct assay_error *error)
{
    if (!(level > 0 && level < 1))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "bootstrap: a level of %g is not between 0 and 1", level);
    if (count > UINT32_MAX)
        return error_set(error, ASSAY_ERROR_LIMIT, "bootstrap: more than 2^32 - 1 pictures");
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(samples[i].logit) || !isfinite(samples[i].weight) || samples[i].weight < 0)
            return error_set(error, ASSAY_ERROR_ARGUMENT, "bootstrap: score or weight %zu is not usable", i);
        if (samples[i].source < 0)
            return error_set(error, ASSAY_ERROR_ARGUMENT, "bootstrap: picture %zu belongs to no source", i);
    }
    return ASSAY_OK;
}

assay_status metrics_bootstrap(const struct metrics_sample *samples, size_t count,
                               const struct metrics_bootstrap_options *options, metrics_measure *measure, void *context,
                               size_t value_count, struct metrics_interval *out, double *replicates_out,
                               struct assay_error *error)
{
    uint32_t replicates = options && options->replicates ? options->replicates : 1000;
    uint64_t seed = options ? options->seed : 0;
    double level = options && options->level != 0 ? options->level : 0.95;
    assay_status status = check(samples, count, level, error);
    if (status)
        return status;
    size_t values = 0, some = count ? count : 1;
    struct resampling r = {.count = count};
    if (!size_mul(replicates, value_count, &values))
        return error_memory(error, "bootstrap");
    r.samples = mem_alloc(some, sizeof *r.samples);
    r.weight = mem_alloc(some, sizeof *r.weight);
    r.members = mem_alloc(some, sizeof *r.members);
    r.drawn = mem_alloc(some, sizeof *r.drawn);
    r.clusters = mem_alloc(some, sizeof *r.clusters);
    r.values = replicates_out ? replicates_out : mem_alloc(values ? values : 1, sizeof *r.values);
    r.column = mem_alloc(replicates, sizeof *r.column);
    if (!r.samples || !r.weight || !r.members || !r.drawn || !r.clusters || !r.values || !r.column) {
        status = error_memory(error, "bootstrap");
        goto done;
    }
    status = sort_samples(&r, samples, error);
    if (!status)
        status = find_clusters(&r, error);
    for (uint32_t b = 0; b < replicates && !status; b++) {
        draw(&r, seed, b);
        status = measure(context, r.samples, count, r.values + b * value_count, error);
    }
    for (size_t v = 0; v < value_count && !status; v++) {
        for (uint32_t b = 0; b < replicates; b++)
            r.column[b] = r.values[b * value_count + v];
        out[v] = metrics_interval_of(r.column, replicates, level);
    }
done:
    if (!replicates_out)
        mem_free(r.values);
    mem_free(r.column);
    mem_free(r.clusters);
    mem_free(r.drawn);
    mem_free(r.members);
    mem_free(r.weight);
    mem_free(r.samples);
    return status;
}
