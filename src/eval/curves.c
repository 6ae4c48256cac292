/* curves.c - ROC and precision-recall points, thinned for drawing; histograms. */
#include "eval/curves.h"

#include <math.h>

#include "base/memory.h"

static assay_status steps_of_both(const struct metrics_sample *samples, size_t count, const char *what,
                                  struct metrics_steps *out, struct assay_error *error)
{
    assay_status status = metrics_steps(samples, count, out, error);
    if (status || (out->total[0] > 0 && out->total[1] > 0))
        return status;
    status = error_set(error, ASSAY_ERROR_ARGUMENT, "%s: no %s pictures among %zu", what,
                       out->total[0] > 0 ? "generated" : "real", count);
    metrics_steps_free(out);
    return status;
}

assay_status curve_roc(const struct metrics_sample *samples, size_t count, struct curve *out, struct assay_error *error)
{
    *out = (struct curve){0};
    struct metrics_steps steps;
    assay_status status = steps_of_both(samples, count, "ROC curve", &steps, error);
    if (status)
        return status;
    out->points = mem_alloc(steps.count + 1, sizeof *out->points);
    if (!out->points) {
        status = error_memory(error, "ROC curve");
        goto done;
    }
    out->points[out->count++] = (struct curve_point){0, 0, INFINITY};
    for (size_t i = 0; i < steps.count; i++) {
        const struct metrics_step *step = &steps.items[i], *next = step + 1;
        if (i > 0 && i + 1 < steps.count) { /* as long and as steep as the step after it: on a straight line */
            const struct metrics_step *previous = step - 1;
            if (next->seen[0] - step->seen[0] == step->seen[0] - previous->seen[0] &&
                next->seen[1] - step->seen[1] == step->seen[1] - previous->seen[1])
                continue;
        }
        out->points[out->count++] =
            (struct curve_point){step->seen[0] / steps.total[0], step->seen[1] / steps.total[1], step->logit};
    }
done:
    metrics_steps_free(&steps);
    return status;
}

assay_status curve_precision_recall(const struct metrics_sample *samples, size_t count, struct curve *out,
                                    struct assay_error *error)
{
    *out = (struct curve){0};
    struct metrics_steps steps;
    assay_status status = steps_of_both(samples, count, "precision-recall curve", &steps, error);
    if (status)
        return status;
    out->points = mem_alloc(steps.count + 1, sizeof *out->points);
    if (!out->points) {
        status = error_memory(error, "precision-recall curve");
        goto done;
    }
    out->points[out->count++] = (struct curve_point){0, 1, INFINITY};
    for (size_t i = 0; i < steps.count; i++) {
        const double *seen = steps.items[i].seen;
        out->points[out->count++] =
            (struct curve_point){seen[1] / steps.total[1], seen[1] / (seen[0] + seen[1]), steps.items[i].logit};
    }
done:
    metrics_steps_free(&steps);
    return status;
}

void curve_thin(struct curve *curve, size_t most)
{
    if (most < 2 || curve->count <= most)
        return;
    double length = 0;
    for (size_t i = 1; i < curve->count; i++)
        length += hypot(curve->points[i].x - curve->points[i - 1].x, curve->points[i].y - curve->points[i - 1].y);
    size_t kept = 1;
    double gone = 0; /* along the curve; a point is kept when the next of most - 1 equal lengths is reached */
    for (size_t i = 1; i + 1 < curve->count && kept + 1 < most; i++) {
        gone += hypot(curve->points[i].x - curve->points[i - 1].x, curve->points[i].y - curve->points[i - 1].y);
        if (gone >= length * (double)kept / (double)(most - 1))
            curve->points[kept++] = curve->points[i];
    }
    curve->points[kept++] = curve->points[curve->count - 1];
    curve->count = kept;
}

void curve_free(struct curve *curve)
{
    mem_free(curve->points);
    *curve = (struct curve){0};
}

/* Of the logits between low and high; of the probabilities if these are equal. */
static size_t histogram(const struct metrics_sample *samples, size_t count, struct histogram_filter filter, double low,
                        double high, size_t bins, double *share)
{
    bool of_logits = low < high;
    double total = 0;
    size_t passed = 0;
    for (size_t b = 0; b < bins; b++)
        share[b] = 0;
    for (size_t i = 0; i < count && bins > 0; i++) {
        if (samples[i].weight == 0 || (filter.label >= 0 && samples[i].generated != (filter.label == 1)) ||
            (filter.source >= 0 && samples[i].source != filter.source))
            continue;
        double at = of_logits ? (samples[i].logit - low) / (high - low) : samples[i].probability;
        at = at > 0 ? at * (double)bins : 0;
        share[at >= (double)bins ? bins - 1 : (size_t)at] += samples[i].weight;
        total += samples[i].weight;
        passed++;
    }
    for (size_t b = 0; b < bins && total > 0; b++)
        share[b] /= total;
    return passed;
}

size_t histogram_probability(const struct metrics_sample *samples, size_t count, struct histogram_filter filter,
                             size_t bins, double *share)
{
    return histogram(samples, count, filter, 0, 0, bins, share);
}

size_t histogram_logit(const struct metrics_sample *samples, size_t count, struct histogram_filter filter, double low,
                       double high, size_t bins, double *share)
{
    return histogram(samples, count, filter, low, high, bins, share);
}
