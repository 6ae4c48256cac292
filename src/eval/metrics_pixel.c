/* metrics_pixel.c - masks: F1, IoU and accuracy at a threshold; average precision and AUROC over the pixels. */
#include "eval/metrics_pixel.h"

#include <math.h>

#include "base/memory.h"
#include "eval/metrics_ranking.h"

static assay_status ranked(const float *predicted, const uint8_t *mask, const uint8_t *region, size_t count,
                           size_t counted, struct metrics_pixels *out, struct assay_error *error)
{
    struct metrics_sample *samples = mem_alloc(counted, sizeof *samples);
    if (!samples)
        return error_memory(error, "pixels of a mask");
    for (size_t i = 0, n = 0; i < count; i++)
        if (!region || region[i])
            samples[n++] = (struct metrics_sample){.logit = predicted[i], .weight = 1, .generated = mask[i] != 0};
    struct metrics_steps steps = {0};
    assay_status status = metrics_steps(samples, counted, &steps, error);
    if (!status) {
        out->average_precision = metrics_average_precision(&steps);
        out->auroc = metrics_auroc(&steps);
    }
    metrics_steps_free(&steps);
    mem_free(samples);
    return status;
}

assay_status metrics_pixels(const float *predicted, const uint8_t *mask, const uint8_t *region, size_t count,
                            float threshold, struct metrics_pixels *out, struct assay_error *error)
{
    double cases[2][2] = {{0, 0}, {0, 0}}; /* [altered][called altered] */
    size_t counted = 0;
    *out = (struct metrics_pixels){NAN, NAN, NAN, NAN, NAN};
    for (size_t i = 0; i < count; i++) {
        if (region && !region[i])
            continue;
        if (!isfinite(predicted[i]))
            return error_set(error, ASSAY_ERROR_ARGUMENT, "mask: prediction of pixel %zu is not a number", i);
        cases[mask[i] != 0][predicted[i] > threshold]++;
        counted++;
    }
    if (counted == 0)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "mask: none of its %zu pixels counts", count);
    const double tiny = 1e-8, tp = cases[1][1], fp = cases[0][1], fn = cases[1][0];
    double precision = tp / (tp + fp + tiny), recall = tp / (tp + fn + tiny);
    out->f1 = 2 * precision * recall / (precision + recall + tiny);
    out->iou = tp / (tp + fp + fn + tiny);
    out->accuracy = (tp + cases[0][0]) / (double)counted;
    if (tp + fn == 0 || fp + cases[0][0] == 0)
        return ASSAY_OK; /* one class alone cannot be ranked */
    return ranked(predicted, mask, region, count, counted, out, error);
}

void metrics_pixels_add(struct metrics_pixel_totals *totals, const struct metrics_pixels *picture)
{
    totals->count++;
    totals->sum.f1 += picture->f1;
    totals->sum.iou += picture->iou;
    totals->sum.accuracy += picture->accuracy;
    if (isnan(picture->average_precision))
        return;
    totals->ranked++;
    totals->sum.average_precision += picture->average_precision;
    totals->sum.auroc += picture->auroc;
}

struct metrics_pixels metrics_pixels_mean(const struct metrics_pixel_totals *totals)
{
    double count = totals->count ? (double)totals->count : NAN,
           ranked_count = totals->ranked ? (double)totals->ranked : NAN;
    return (struct metrics_pixels){totals->sum.f1 / count, totals->sum.iou / count, totals->sum.accuracy / count,
                                   totals->sum.average_precision / ranked_count, totals->sum.auroc / ranked_count};
}
