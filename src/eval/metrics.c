/* metrics.c - the loss of a logit, and the summary by source. */
#include "eval/metrics.h"

#include <math.h>

#include "eval/metrics_ranking.h"

double metrics_loss(double logit, bool generated)
{
    double signed_logit = generated ? -logit : logit; /* the loss is softplus of this */
    return (signed_logit > 0 ? signed_logit : 0) + log1p(exp(-fabs(signed_logit)));
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
