/* metrics_calibration.c - bins of probability, calibration error, Brier's score. */
#include "eval/metrics_calibration.h"

#include <math.h>

/* (k/n, (k+1)/n], by the edges that numpy's linspace has: a probability on an edge belongs below it. */
static size_t bin_of(double probability, size_t bins)
{
    double step = 1.0 / (double)bins;
    size_t bin = (size_t)(probability * (double)bins);
    if (bin >= bins)
        bin = bins - 1;
    while (bin > 0 && !((double)bin * step < probability))
        bin--;
    while (bin + 1 < bins && (double)(bin + 1) * step < probability)
        bin++;
    return bin;
}

assay_status metrics_bins(const struct metrics_sample *samples, size_t count, size_t bins, struct metrics_bin *out,
                          struct assay_error *error)
{
    if (bins == 0)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "metrics: a reliability diagram needs at least one bin");
    for (size_t b = 0; b < bins; b++)
        out[b] = (struct metrics_bin){.low = (double)b / (double)bins, .high = (double)(b + 1) / (double)bins};
    for (size_t i = 0; i < count; i++) {
        if (samples[i].weight == 0)
            continue;
        if (!(samples[i].probability >= 0 && samples[i].probability <= 1))
            return error_set(error, ASSAY_ERROR_ARGUMENT, "metrics: probability %zu is not in 0..1", i);
        struct metrics_bin *bin = &out[bin_of(samples[i].probability, bins)];
        bin->weight += samples[i].weight;
        bin->probability += samples[i].weight * samples[i].probability;
        bin->generated_share += samples[i].generated ? samples[i].weight : 0;
    }
    for (size_t b = 0; b < bins; b++) {
        out[b].probability = out[b].weight > 0 ? out[b].probability / out[b].weight : NAN;
        out[b].generated_share = out[b].weight > 0 ? out[b].generated_share / out[b].weight : NAN;
    }
    return ASSAY_OK;
}

double metrics_calibration_error(const struct metrics_bin *bins, size_t count)
{
    double total = 0, sum = 0;
    for (size_t b = 0; b < count; b++) {
        if (!(bins[b].weight > 0))
            continue;
        total += bins[b].weight;
        sum += bins[b].weight * fabs(bins[b].probability - bins[b].generated_share);
    }
    return total > 0 ? sum / total : NAN;
}

double metrics_brier(const struct metrics_sample *samples, size_t count)
{
    double total = 0, sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (samples[i].weight == 0)
            continue;
        double off = samples[i].probability - (samples[i].generated ? 1 : 0);
        total += samples[i].weight;
        sum += samples[i].weight * off * off;
    }
    return total > 0 ? sum / total : NAN;
}

double metrics_mean_loss(const struct metrics_sample *samples, size_t count)
{
    double total = 0, sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (samples[i].weight == 0)
            continue;
        total += samples[i].weight;
        sum += samples[i].weight * metrics_loss(samples[i].logit, samples[i].generated);
    }
    return total > 0 ? sum / total : NAN;
}
