/* metrics_threshold.c - confusion at a threshold, and thresholds chosen on the test set. */
#include "eval/metrics_threshold.h"

#include <math.h>

struct metrics_confusion metrics_confusion(const struct metrics_sample *samples, size_t count, double threshold)
{
    struct metrics_confusion c = {0};
    for (size_t i = 0; i < count; i++) {
        bool said = samples[i].logit > threshold;
        double *cell = said                   ? samples[i].generated ? &c.true_generated : &c.false_generated
                       : samples[i].generated ? &c.false_real
                                              : &c.true_real;
        *cell += samples[i].weight;
    }
    return c;
}

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : NAN;
}

double metrics_accuracy(const struct metrics_confusion *c)
{
    double right = c->true_generated + c->true_real;
    return share(right, right + c->false_generated + c->false_real);
}

double metrics_real_accuracy(const struct metrics_confusion *c)
{
    return share(c->true_real, c->true_real + c->false_generated);
}

double metrics_generated_accuracy(const struct metrics_confusion *c)
{
    return share(c->true_generated, c->true_generated + c->false_real);
}

double metrics_precision(const struct metrics_confusion *c)
{
    double said = c->true_generated + c->false_generated;
    if (said > 0)
        return c->true_generated / said;
    return c->false_real > 0 ? 0 : NAN;
}

double metrics_f1(const struct metrics_confusion *c)
{
    if (!(c->true_generated + c->false_real > 0))
        return NAN; /* there was nothing to find */
    return 2 * c->true_generated / (2 * c->true_generated + c->false_generated + c->false_real);
}

/* The accuracies of "generated if above", when the weights above are known. */
static struct metrics_best best_of(const struct metrics_steps *steps, double threshold, double real_above,
                                   double generated_above)
{
    const double *total = steps->total;
    return (struct metrics_best){threshold, (total[0] - real_above + generated_above) / (total[0] + total[1]),
                                 (total[0] - real_above) / total[0], generated_above / total[1]};
}

static struct metrics_best best_of_none(void)
{
    return (struct metrics_best){NAN, NAN, NAN, NAN};
}

/* The last sample of a class, in the order given, whose logit is among the best; NULL: none. */
static const struct metrics_sample *last_best(const struct metrics_sample *samples, size_t count, bool generated,
                                              const struct metrics_steps *steps, double best)
{
    for (size_t i = count; i-- > 0;) {
        if (samples[i].generated != generated || samples[i].weight == 0)
            continue;
        size_t low = 0, high = steps->count; /* steps fall: the first that is not above this logit */
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (steps->items[middle].logit > samples[i].logit)
                low = middle + 1;
            else
                high = middle;
        }
        if (steps->items[low].seen[1] - steps->items[low].seen[0] == best)
            return &samples[i];
    }
    return NULL;
}

struct metrics_best metrics_best_univfd(const struct metrics_sample *samples, size_t count,
                                        const struct metrics_steps *steps)
{
    if (!(steps->total[0] > 0) || !(steps->total[1] > 0))
        return best_of_none();
    double best = -INFINITY; /* of generated less real at or above: what accuracy rises with */
    size_t best_step = 0, best_count = 0, highest_real = steps->count, lowest_generated = 0;
    for (size_t i = 0; i < steps->count; i++) {
        const double *seen = steps->items[i].seen;
        if (highest_real == steps->count && seen[0] > 0)
            highest_real = i;
        if (seen[1] > (i ? steps->items[i - 1].seen[1] : 0))
            lowest_generated = i;
        if (seen[1] - seen[0] > best)
            best_count = 0;
        if (seen[1] - seen[0] >= best) {
            best = seen[1] - seen[0];
            best_step = i;
            best_count++;
        }
    }
    double threshold = steps->items[best_step].logit;
    if (highest_real >= lowest_generated) { /* steps fall: no real picture scores above any generated one */
        double real = steps->items[highest_real].logit, generated = steps->items[lowest_generated].logit;
        threshold = real + (generated - real) / 2;
    } else if (best_count > 1) {
        const struct metrics_sample *last = last_best(samples, count, true, steps, best);
        if (!last)
            last = last_best(samples, count, false, steps, best);
        threshold = last->logit;
    }
    double above[2] = {0, 0};
    for (size_t i = 0; i < steps->count && steps->items[i].logit > threshold; i++) {
        above[0] = steps->items[i].seen[0];
        above[1] = steps->items[i].seen[1];
    }
    return best_of(steps, threshold, above[0], above[1]);
}

struct metrics_best metrics_best_lare(const struct metrics_steps *steps)
{
    if (!(steps->total[0] > 0) || !(steps->total[1] > 0))
        return best_of_none();
    /* What lies above step i is what step i - 1 has seen. The lowest score that is best: the last step. */
    size_t best = 0;
    double best_gain = -INFINITY;
    for (size_t i = 0; i < steps->count; i++) {
        double gain = i ? steps->items[i - 1].seen[1] - steps->items[i - 1].seen[0] : 0;
        if (gain >= best_gain) {
            best = i;
            best_gain = gain;
        }
    }
    const double none[2] = {0, 0}, *above = best ? steps->items[best - 1].seen : none;
    return best_of(steps, steps->items[best].logit, above[0], above[1]);
}
