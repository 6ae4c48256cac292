/* metrics.c - accuracy by source, average precision, AUROC. */
#include "eval/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

double metrics_loss(double logit, bool generated)
{
    double signed_logit = generated ? -logit : logit; /* the loss is softplus of this */
    return (signed_logit > 0 ? signed_logit : 0) + log1p(exp(-fabs(signed_logit)));
}

static int by_falling_logit(const void *left, const void *right)
{
    double a = ((const struct metrics_sample *)left)->logit, b = ((const struct metrics_sample *)right)->logit;
    return a < b ? 1 : a > b ? -1 : 0;
}

assay_status metrics_rank(const struct metrics_sample *samples, size_t count, double *average_precision, double *auroc,
                          struct assay_error *error)
{
    double total[2] = {0, 0}; /* weight of real, of generated */
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(samples[i].logit))
            return error_set(error, ASSAY_ERROR_ARGUMENT, "metrics: score %zu is not finite", i);
        total[samples[i].generated] += samples[i].weight;
    }
    if (!(total[0] > 0) || !(total[1] > 0))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "metrics: no %s pictures among %zu",
                         total[0] > 0 ? "generated" : "real", count);
    struct metrics_sample *sorted = mem_alloc(count, sizeof *sorted);
    if (!sorted)
        return error_memory(error, "metrics");
    memcpy(sorted, samples, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_falling_logit);

    double seen[2] = {0, 0}, precision_sum = 0, area = 0;
    for (size_t begin = 0, end; begin < count; begin = end) {
        double group[2] = {0, 0}; /* equal scores share one threshold */
        for (end = begin; end < count && sorted[end].logit == sorted[begin].logit; end++)
            group[sorted[end].generated] += sorted[end].weight;
        area += group[0] * (seen[1] + 0.5 * group[1]);
        seen[0] += group[0];
        seen[1] += group[1];
        if (group[1] > 0)
            precision_sum += group[1] * (seen[1] / (seen[0] + seen[1]));
    }
    mem_free(sorted);
    *average_precision = precision_sum / total[1];
    *auroc = area / (total[0] * total[1]);
    return ASSAY_OK;
}

assay_status metrics_summarise(struct metrics_sample *samples, size_t count, struct metrics_source *sources,
                               size_t source_count, struct metrics_summary *out, struct assay_error *error)
{
    *out = (struct metrics_summary){0};
    for (size_t s = 0; s < source_count; s++) {
        sources[s].count = 0;
        sources[s].accuracy = sources[s].loss = 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (samples[i].source < 0 || (size_t)samples[i].source >= source_count)
            return error_set(error, ASSAY_ERROR_INTERNAL, "metrics: picture %zu belongs to no source", i);
        struct metrics_source *source = &sources[samples[i].source];
        if (source->generated != samples[i].generated)
            return error_set(error, ASSAY_ERROR_INTERNAL, "metrics: source %s holds both classes", source->name);
        source->count++;
        source->accuracy += (samples[i].logit > 0) == samples[i].generated;
        source->loss += metrics_loss(samples[i].logit, samples[i].generated);
    }

    size_t class_sources[2] = {0, 0};
    double class_accuracy[2] = {0, 0}, class_loss[2] = {0, 0}, right = 0;
    for (size_t s = 0; s < source_count; s++) {
        struct metrics_source *source = &sources[s];
        if (source->count == 0)
            continue;
        if (!source->left_out) {
            out->count += source->count;
            right += source->accuracy;
        }
        source->accuracy /= (double)source->count;
        source->loss /= (double)source->count;
        if (source->left_out)
            continue;
        class_sources[source->generated]++;
        class_accuracy[source->generated] += source->accuracy;
        class_loss[source->generated] += source->loss;
    }
    for (size_t i = 0; i < count; i++) {
        const struct metrics_source *source = &sources[samples[i].source];
        samples[i].weight =
            source->left_out ? 0 : 0.5 / ((double)class_sources[source->generated] * (double)source->count);
    }
    assay_status status = metrics_rank(samples, count, &out->average_precision, &out->auroc, error);
    if (status)
        return status;
    out->real_accuracy = class_accuracy[0] / (double)class_sources[0];
    out->generated_accuracy = class_accuracy[1] / (double)class_sources[1];
    out->balanced_accuracy = 0.5 * (out->real_accuracy + out->generated_accuracy);
    out->accuracy = right / (double)out->count;
    out->loss = 0.5 * (class_loss[0] / (double)class_sources[0] + class_loss[1] / (double)class_sources[1]);
    return ASSAY_OK;
}
