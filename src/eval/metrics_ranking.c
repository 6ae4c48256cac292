/* metrics_ranking.c - one pass over falling scores, and what is read off it. */
#include "eval/metrics_ranking.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static int by_falling_logit(const void *left, const void *right)
{
    double a = ((const struct metrics_sample *)left)->logit, b = ((const struct metrics_sample *)right)->logit;
    return a < b ? 1 : a > b ? -1 : 0;
}

assay_status metrics_steps(const struct metrics_sample *samples, size_t count, struct metrics_steps *out,
                           struct assay_error *error)
{
    *out = (struct metrics_steps){0};
    bool sorted = true;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(samples[i].logit))
            return error_set(error, ASSAY_ERROR_ARGUMENT, "metrics: score %zu is not finite", i);
        if (!(samples[i].weight >= 0) || !isfinite(samples[i].weight))
            return error_set(error, ASSAY_ERROR_ARGUMENT, "metrics: weight %zu is not a number from 0 up", i);
        sorted &= i == 0 || samples[i - 1].logit >= samples[i].logit;
    }
    assay_status status = ASSAY_OK;
    struct metrics_sample *copy = NULL;
    out->items = mem_alloc(count ? count : 1, sizeof *out->items);
    if (!sorted)
        copy = mem_alloc(count, sizeof *copy);
    if (!out->items || (!sorted && !copy)) {
        status = error_memory(error, "metrics");
        goto done;
    }
    if (copy) {
        memcpy(copy, samples, count * sizeof *copy);
        qsort(copy, count, sizeof *copy, by_falling_logit);
        samples = copy;
    }
    for (size_t i = 0; i < count; i++) {
        if (samples[i].weight == 0)
            continue;
        out->total[samples[i].generated] += samples[i].weight;
        bool tied = out->count > 0 && out->items[out->count - 1].logit == samples[i].logit;
        struct metrics_step *step = &out->items[tied ? out->count - 1 : out->count++];
        *step = (struct metrics_step){samples[i].logit, {out->total[0], out->total[1]}};
    }
done:
    mem_free(copy);
    if (status)
        metrics_steps_free(out);
    return status;
}

void metrics_steps_free(struct metrics_steps *steps)
{
    mem_free(steps->items);
    *steps = (struct metrics_steps){0};
}

static bool has_both(const struct metrics_steps *steps)
{
    return steps->total[0] > 0 && steps->total[1] > 0;
}

/* Weight that step i adds of a class. */
static double added(const struct metrics_steps *steps, size_t i, int label)
{
    return steps->items[i].seen[label] - (i ? steps->items[i - 1].seen[label] : 0);
}

double metrics_average_precision(const struct metrics_steps *steps)
{
    if (!has_both(steps))
        return NAN;
    double sum = 0;
    for (size_t i = 0; i < steps->count; i++) {
        const double *seen = steps->items[i].seen;
        double gain = added(steps, i, 1);
        if (gain > 0)
            sum += gain * (seen[1] / (seen[0] + seen[1]));
    }
    return sum / steps->total[1];
}

double metrics_auroc(const struct metrics_steps *steps)
{
    if (!has_both(steps))
        return NAN;
    double area = 0;
    for (size_t i = 0; i < steps->count; i++)
        area += added(steps, i, 0) * (steps->items[i].seen[1] - 0.5 * added(steps, i, 1));
    return area / (steps->total[0] * steps->total[1]);
}

double metrics_equal_error_rate(const struct metrics_steps *steps, double *threshold)
{
    if (threshold)
        *threshold = NAN;
    if (!has_both(steps))
        return NAN;
    /* False positives less false negatives rises with every step, from -1 to 1. */
    double previous = -1, previous_rate = 0, previous_logit = INFINITY;
    for (size_t i = 0; i < steps->count; i++) {
        const struct metrics_step *step = &steps->items[i];
        double rate = step->seen[0] / steps->total[0], difference = rate + step->seen[1] / steps->total[1] - 1;
        if (difference >= 0 || i + 1 == steps->count) {
            double part = difference > previous ? -previous / (difference - previous) : 1;
            part = part < 0 ? 0 : part > 1 ? 1 : part;
            if (threshold)
                *threshold = part == 1 || isinf(previous_logit)
                                 ? (part == 1 ? step->logit : INFINITY)
                                 : previous_logit + part * (step->logit - previous_logit);
            return previous_rate + part * (rate - previous_rate);
        }
        previous = difference;
        previous_rate = rate;
        previous_logit = step->logit;
    }
    return NAN;
}

double metrics_tpr_at_fpr(const struct metrics_steps *steps, double rate)
{
    if (!has_both(steps))
        return NAN;
    double best = 0, most = rate * steps->total[0] * (1 + 1e-12); /* sums of weights are rounded */
    for (size_t i = 0; i < steps->count && steps->items[i].seen[0] <= most; i++)
        best = steps->items[i].seen[1] / steps->total[1];
    return best;
}

assay_status metrics_rank(const struct metrics_sample *samples, size_t count, double *average_precision, double *auroc,
                          struct assay_error *error)
{
    struct metrics_steps steps;
    assay_status status = metrics_steps(samples, count, &steps, error);
    if (status)
        return status;
    if (!has_both(&steps)) {
        status = error_set(error, ASSAY_ERROR_ARGUMENT, "metrics: no %s pictures among %zu",
                           steps.total[0] > 0 ? "generated" : "real", count);
    } else {
        *average_precision = metrics_average_precision(&steps);
        *auroc = metrics_auroc(&steps);
    }
    metrics_steps_free(&steps);
    return status;
}
