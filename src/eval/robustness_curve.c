/* robustness_curve.c - predictions are sorted by picture, laid out by chain, and measured together. */
#include "eval/robustness_curve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "eval/metrics_ranking.h"
#include "eval/metrics_threshold.h"

static const enum metrics_figure default_figures[] = {FIGURE_BALANCED_ACCURACY, FIGURE_REAL_ACCURACY,
                                                      FIGURE_GENERATED_ACCURACY, FIGURE_AVERAGE_PRECISION,
                                                      FIGURE_AUROC};

/* ---- which predictions belong to the curve -------------------------------------------------------------------- */

/* Chain 0 is the picture as it is, 1 + i the sweep's point i; -1: neither. */
static int chain_of(const struct robustness_sweep *sweep, const char *text)
{
    if (!text[0])
        return 0;
    for (int i = 0; i < sweep->count; i++)
        if (strcmp(sweep->points[i].chain, text) == 0)
            return i + 1;
    return -1;
}

static bool belongs(const struct prediction *p, const char *model, const char *set)
{
    return !p->art && strcmp(p->model, model) == 0 && strcmp(p->set, set) == 0;
}

/* The first chain without predictions, or -1. */
static int missing_chain(const struct robustness_sweep *sweep, const char *model, const char *set,
                         const struct prediction *predictions, size_t count)
{
    enum { MOST = 64 };
    bool seen[MOST + 1] = {false};
    for (size_t i = 0; i < count; i++) {
        int chain = chain_of(sweep, predictions[i].perturbation);
        if (chain >= 0 && chain <= MOST && belongs(&predictions[i], model, set))
            seen[chain] = true;
    }
    for (int chain = 0; chain <= sweep->count; chain++)
        if (chain > MOST || !seen[chain])
            return chain;
    return -1;
}

bool robustness_covered(const struct robustness_sweep *sweep, const char *model, const char *set,
                        const struct prediction *predictions, size_t count)
{
    return missing_chain(sweep, model, set, predictions, count) < 0;
}

struct entry {
    const struct prediction *prediction;
    int chain;
};

static int by_picture(const struct prediction *a, const struct prediction *b)
{
    if (a->label != b->label)
        return a->label < b->label ? -1 : 1;
    int order = strcmp(a->source, b->source);
    return order ? order : strcmp(a->picture, b->picture);
}

static int by_picture_and_chain(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int order = by_picture(a->prediction, b->prediction);
    return order ? order : (a->chain > b->chain) - (a->chain < b->chain);
}

/* ---- samples -------------------------------------------------------------------------------------------------- */

/* A chain's samples by falling logit, and which picture each is. */
struct ranked {
    struct metrics_sample *samples; /* [pictures] */
    uint32_t *picture;
};

struct curve_data {
    struct robustness_curve *curve;
    struct entry *entries; /* by picture, then chain; after gathering only those of whole pictures */
    size_t entry_count;
    int chains;                    /* 1 + points */
    struct metrics_sample *base;   /* [pictures] as they are, their weights those of the curve */
    struct ranked *ranked;         /* [chains] */
    double *weights;               /* [pictures] of one replicate */
    bool needs_steps, needs_every; /* of the figures */
};

static assay_status collect_entries(struct curve_data *d, const struct prediction *predictions, size_t count,
                                    struct assay_error *error)
{
    const struct robustness_curve *curve = d->curve;
    d->entries = mem_alloc(count ? count : 1, sizeof *d->entries);
    if (!d->entries)
        return error_memory(error, "a robustness curve");
    for (size_t i = 0; i < count; i++) {
        int chain = chain_of(curve->sweep, predictions[i].perturbation);
        if (chain >= 0 && belongs(&predictions[i], curve->model, curve->set))
            d->entries[d->entry_count++] = (struct entry){&predictions[i], chain};
    }
    qsort(d->entries, d->entry_count, sizeof *d->entries, by_picture_and_chain);
    return ASSAY_OK;
}

/* Keeps the entries of the pictures that were judged under every chain, counts the others. */
static assay_status keep_whole_pictures(struct curve_data *d, struct assay_error *error)
{
    size_t kept = 0;
    for (size_t first = 0, next; first < d->entry_count; first = next) {
        bool whole = true;
        for (next = first; next < d->entry_count; next++) {
            const struct prediction *p = d->entries[next].prediction;
            char name[TEXT_NAME];
            if (by_picture(p, d->entries[first].prediction) != 0)
                break;
            if (next > first && d->entries[next].chain == d->entries[next - 1].chain)
                return error_set(error, ASSAY_ERROR_ARGUMENT,
                                 "%s was judged twice under the perturbation \"%s\", so that no curve can be made",
                                 text_printable(p->picture, name, sizeof name), p->perturbation);
            whole = whole && p->readable;
        }
        whole = whole && next - first == (size_t)d->chains;
        if (!whole) {
            d->curve->left_out++;
            continue;
        }
        d->curve->pictures++;
        memmove(d->entries + kept, d->entries + first, (next - first) * sizeof *d->entries);
        kept += next - first;
    }
    d->entry_count = kept;
    return ASSAY_OK;
}

static struct metrics_sample sample_of(const struct prediction *p, double weight, int source)
{
    return (struct metrics_sample){.logit = p->logit,
                                   .weight = weight,
                                   .generated = p->label != 0,
                                   .source = source,
                                   .probability = p->probability,
                                   .verdict = (int)p->verdict};
}

/* The pictures as they are, with their weights; sources are numbered through both classes. */
static void number_sources(struct curve_data *d, bool by_pictures)
{
    struct robustness_curve *curve = d->curve;
    int source = -1;
    for (size_t first = 0, next; first < curve->pictures; first = next) {
        const struct prediction *p = d->entries[first * (size_t)d->chains].prediction;
        source++;
        curve->sources[p->label != 0]++;
        for (next = first; next < curve->pictures; next++) {
            const struct prediction *q = d->entries[next * (size_t)d->chains].prediction;
            if (q->label != p->label || strcmp(q->source, p->source) != 0)
                break;
            d->base[next] = sample_of(q, 1, source);
        }
        for (size_t i = first; i < next && !by_pictures; i++)
            d->base[i].weight = 1.0 / (double)(next - first);
    }
    for (size_t i = 0; i < curve->pictures && !by_pictures; i++)
        d->base[i].weight *= 0.5 / (double)curve->sources[d->base[i].generated];
}

struct order {
    double logit;
    uint32_t picture;
};

static int by_falling_logit(const void *left, const void *right)
{
    const struct order *a = left, *b = right;
    if (a->logit != b->logit)
        return a->logit < b->logit ? 1 : -1;
    return (a->picture > b->picture) - (a->picture < b->picture);
}

static assay_status rank_chains(struct curve_data *d, struct assay_error *error)
{
    size_t pictures = d->curve->pictures;
    struct order *order = mem_alloc(pictures, sizeof *order);
    d->ranked = mem_alloc((size_t)d->chains, sizeof *d->ranked);
    if (!order || !d->ranked)
        goto memory;
    for (int c = 0; c < d->chains; c++) {
        struct ranked *ranked = &d->ranked[c];
        ranked->samples = mem_alloc(pictures, sizeof *ranked->samples);
        ranked->picture = mem_alloc(pictures, sizeof *ranked->picture);
        if (!ranked->samples || !ranked->picture)
            goto memory;
        for (size_t i = 0; i < pictures; i++)
            order[i] = (struct order){d->entries[i * (size_t)d->chains + (size_t)c].prediction->logit, (uint32_t)i};
        qsort(order, pictures, sizeof *order, by_falling_logit);
        for (size_t i = 0; i < pictures; i++) {
            uint32_t picture = order[i].picture;
            ranked->picture[i] = picture;
            ranked->samples[i] = sample_of(d->entries[(size_t)picture * (size_t)d->chains + (size_t)c].prediction, 0,
                                           d->base[picture].source);
        }
    }
    mem_free(order);
    return ASSAY_OK;

memory:
    mem_free(order);
    return error_memory(error, "a robustness curve");
}

/* ---- measuring ------------------------------------------------------------------------------------------------ */

/* Figures of one chain. Those of all figures take many times as long as accuracies, and a curve is measured a thousand
 * times, so that only what is asked for is computed. */
static assay_status measure_chain(const struct curve_data *d, const struct metrics_sample *samples, double *values,
                                  struct assay_error *error)
{
    const struct robustness_curve *curve = d->curve;
    struct metrics_confusion confusion = metrics_confusion(samples, curve->pictures, 0);
    struct metrics_steps steps = {0};
    struct metrics_figures every;
    assay_status status = ASSAY_OK;
    if (d->needs_every)
        status = metrics_figures(samples, curve->pictures, &every, error);
    else if (d->needs_steps)
        status = metrics_steps(samples, curve->pictures, &steps, error);
    for (int f = 0; f < curve->figure_count && !status; f++)
        switch (d->needs_every ? FIGURE_COUNT : curve->figures[f]) {
        case FIGURE_ACCURACY: values[f] = metrics_accuracy(&confusion); break;
        case FIGURE_REAL_ACCURACY: values[f] = metrics_real_accuracy(&confusion); break;
        case FIGURE_GENERATED_ACCURACY: values[f] = metrics_generated_accuracy(&confusion); break;
        case FIGURE_BALANCED_ACCURACY:
            values[f] = 0.5 * (metrics_real_accuracy(&confusion) + metrics_generated_accuracy(&confusion));
            break;
        case FIGURE_AVERAGE_PRECISION: values[f] = metrics_average_precision(&steps); break;
        case FIGURE_AUROC: values[f] = metrics_auroc(&steps); break;
        default: values[f] = every.value[curve->figures[f]]; break;
        }
    metrics_steps_free(&steps);
    return status;
}

/* Every chain's figures, then what each point loses: [chains + points, figures]. The bootstrap hands the samples of the
 * pictures as they are back in its own order, with new weights; `verdict` holds which picture each is. */
static assay_status measure(void *context, const struct metrics_sample *samples, size_t count, double *values,
                            struct assay_error *error)
{
    const struct curve_data *d = context;
    const struct robustness_curve *curve = d->curve;
    int figures = curve->figure_count;
    for (size_t i = 0; i < count; i++)
        d->weights[samples[i].verdict] = samples[i].weight;
    for (int c = 0; c < d->chains; c++) {
        const struct ranked *ranked = &d->ranked[c];
        for (size_t i = 0; i < count; i++)
            ranked->samples[i].weight = d->weights[ranked->picture[i]];
        assay_status status = measure_chain(d, ranked->samples, values + c * figures, error);
        if (status)
            return status;
    }
    double *lost = values + d->chains * figures;
    for (int c = 1; c < d->chains; c++)
        for (int f = 0; f < figures; f++) {
            double less = values[f] - values[c * figures + f];
            *lost++ = metrics_figure_info[curve->figures[f]].smaller_is_better ? -less : less;
        }
    return ASSAY_OK;
}

static assay_status measure_curve(struct curve_data *d, const struct metrics_bootstrap_options *bootstrap,
                                  struct assay_error *error)
{
    struct robustness_curve *curve = d->curve;
    size_t figures = (size_t)curve->figure_count, points = (size_t)d->chains - 1, count = figures * (1 + 2 * points);
    double *values = arena_alloc(&curve->arena, count, sizeof *values);
    struct metrics_interval *intervals = arena_alloc(&curve->arena, count, sizeof *intervals);
    curve->untouched = arena_alloc(&curve->arena, figures, sizeof *curve->untouched);
    curve->values = arena_alloc(&curve->arena, figures * points, sizeof *curve->values);
    if (!values || !intervals || !curve->untouched || !curve->values)
        return error_memory(error, "a robustness curve");
    for (size_t i = 0; i < curve->pictures; i++)
        d->base[i].verdict = (int)i;
    assay_status status = measure(d, d->base, curve->pictures, values, error);
    if (!status)
        status = metrics_bootstrap(d->base, curve->pictures, bootstrap, measure, d, count, intervals, NULL, error);
    if (status)
        return status;
    for (size_t f = 0; f < figures; f++)
        curve->untouched[f] = (struct robustness_value){.value = values[f], .interval = intervals[f]};
    for (size_t i = 0; i < figures * points; i++)
        curve->values[i] = (struct robustness_value){.value = values[figures + i],
                                                     .interval = intervals[figures + i],
                                                     .lost = values[figures * (1 + points) + i],
                                                     .lost_interval = intervals[figures * (1 + points) + i]};
    return ASSAY_OK;
}

/* ---- the curve ------------------------------------------------------------------------------------------------ */

static assay_status choose_figures(struct curve_data *d, const struct robustness_options *options,
                                   struct assay_error *error)
{
    struct robustness_curve *curve = d->curve;
    const enum metrics_figure *figures = options->figures ? options->figures : default_figures;
    curve->figure_count =
        options->figures ? options->figure_count : (int)(sizeof default_figures / sizeof default_figures[0]);
    if (curve->figure_count < 1 || curve->figure_count > ROBUSTNESS_MAX_FIGURES)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "a robustness curve of %d figures: must be from 1 to %d",
                         curve->figure_count, (int)ROBUSTNESS_MAX_FIGURES);
    for (int f = 0; f < curve->figure_count; f++) {
        curve->figures[f] = figures[f];
        switch (figures[f]) {
        case FIGURE_ACCURACY:
        case FIGURE_REAL_ACCURACY:
        case FIGURE_GENERATED_ACCURACY:
        case FIGURE_BALANCED_ACCURACY: break;
        case FIGURE_AVERAGE_PRECISION:
        case FIGURE_AUROC: d->needs_steps = true; break;
        default: d->needs_every = true; break;
        }
    }
    return ASSAY_OK;
}

assay_status robustness_curve_make(const struct robustness_sweep *sweep, const char *model, const char *set,
                                   const struct prediction *predictions, size_t count,
                                   const struct robustness_options *options, struct robustness_curve *out,
                                   struct assay_error *error)
{
    static const struct robustness_options zeroes;
    char model_name[TEXT_NAME], set_name[TEXT_NAME];
    struct curve_data d = {.curve = out, .chains = sweep->count + 1};
    assay_status status;

    *out = (struct robustness_curve){.sweep = sweep, .model = model, .set = set};
    options = options ? options : &zeroes;
    text_printable(model, model_name, sizeof model_name);
    text_printable(set, set_name, sizeof set_name);
    int missing = missing_chain(sweep, model, set, predictions, count);
    if (missing >= 0)
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "sweep \"%s\": there are no predictions of %s on %s under the perturbation \"%s\"",
                         sweep->name, model_name, set_name, missing ? sweep->points[missing - 1].chain : "none");
    if ((status = choose_figures(&d, options, error)) || (status = collect_entries(&d, predictions, count, error)) ||
        (status = keep_whole_pictures(&d, error)))
        goto done;
    if (out->pictures == 0 || out->pictures > INT32_MAX) {
        status = error_set(error, ASSAY_ERROR_ARGUMENT,
                           "sweep \"%s\": of the pictures of %s, %zu were judged by %s under all its perturbations",
                           sweep->name, set_name, out->pictures, model_name);
        goto done;
    }
    out->model = arena_strdup(&out->arena, model);
    out->set = arena_strdup(&out->arena, set);
    d.base = mem_alloc(out->pictures, sizeof *d.base);
    d.weights = mem_alloc(out->pictures, sizeof *d.weights);
    if (!out->model || !out->set || !d.base || !d.weights) {
        status = error_memory(error, "a robustness curve");
        goto done;
    }
    number_sources(&d, options->by_picture);
    status = rank_chains(&d, error);
    if (!status)
        status = measure_curve(&d, &options->bootstrap, error);

done:
    for (int c = 0; d.ranked && c < d.chains; c++) {
        mem_free(d.ranked[c].samples);
        mem_free(d.ranked[c].picture);
    }
    mem_free(d.ranked);
    mem_free(d.entries);
    mem_free(d.base);
    mem_free(d.weights);
    if (status)
        robustness_curve_free(out);
    return status;
}

void robustness_curve_free(struct robustness_curve *curve)
{
    arena_free(&curve->arena);
    *curve = (struct robustness_curve){0};
}
