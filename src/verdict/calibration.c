/* calibration.c - fits a calibration: Platt scaling, then the two thresholds.
 *
 * Platt, "Probabilistic outputs for support vector machines" (1999): probability = sigmoid(scale * logit + shift), by
 * maximum likelihood against smoothed targets (N+ + 1) / (N+ + 2) and 1 / (N- + 2) instead of 1 and 0, section 2.1. The
 * targets are what makes the fit finite where the classes are perfectly separable: any line through two different
 * logits then has a probability that is too sure for its target, so that the likelihood has one maximum; how steep it
 * is follows from the number of samples, not from how far an optimiser happened to get. Weights that differ count as
 * fewer samples: N is Kish's effective size, (sum w)^2 / sum w^2, which is the count where all are the same.
 *
 * The maximum is found as Lin, Lin and Weng do ("A note on Platt's probabilistic outputs", 2007): Newton's method with
 * backtracking, from formulas that neither overflow nor cancel. Logits are standardised first. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "verdict/verdict.h"

enum { CALIBRATION_STEPS = 100, CALIBRATION_HALVINGS = 60 };

static const double rounding = 1e-12; /* of sums of weights */

static assay_status one_class(bool generated, struct assay_error *error)
{
    return error_set(error, ASSAY_ERROR_ARGUMENT, "calibration needs pictures of both classes: there are no %s ones",
                     generated ? "generated" : "real");
}

/* ---- Weights -------------------------------------------------------------------------------------------------- */

/* A sample by class and source, to find those that belong together. */
struct member {
    size_t index;
    int source;
    bool generated;
};

static int by_source(const void *a, const void *b)
{
    const struct member *p = a, *q = b;
    if (p->generated != q->generated)
        return p->generated ? 1 : -1;
    if (p->source != q->source)
        return p->source < q->source ? -1 : 1;
    return (p->index > q->index) - (p->index < q->index);
}

/* The end of the group that begins at `begin`. */
static size_t group_end(const struct member *members, size_t count, size_t begin)
{
    size_t end = begin;
    while (end < count && members[end].generated == members[begin].generated &&
           members[end].source == members[begin].source)
        end++;
    return end;
}

assay_status calibration_weights(struct calibration_sample *samples, const int *source, size_t count,
                                 struct assay_error *error)
{
    size_t sources[2] = {0};
    struct member *members = mem_alloc(count, sizeof *members);
    if (!members)
        return error_memory(error, "calibration weights");
    for (size_t i = 0; i < count; i++)
        members[i] = (struct member){i, source ? source[i] : 0, samples[i].generated};
    qsort(members, count, sizeof *members, by_source);
    for (size_t begin = 0; begin < count; begin = group_end(members, count, begin))
        sources[members[begin].generated]++;
    for (size_t begin = 0, end; begin < count; begin = end) {
        end = group_end(members, count, begin);
        for (size_t i = begin; i < end; i++)
            samples[members[i].index].weight = 0.5 / (double)sources[members[i].generated] / (double)(end - begin);
    }
    mem_free(members);
    return sources[0] && sources[1] ? ASSAY_OK : one_class(sources[0] != 0, error);
}

/* ---- Scale and shift ------------------------------------------------------------------------------------------ */

/* What the likelihood is made of. */
struct fit {
    const struct calibration_sample *samples;
    size_t count;
    double mean, deviation; /* of the logits */
    double norm[2];         /* real, generated: a weight times it is its share of all, half of which is each class's */
    double target[2];
};

struct likelihood {
    double loss;                  /* minus the log likelihood */
    double da, db, daa, dab, dbb; /* its derivatives by scale and shift */
};

static struct likelihood evaluate(const struct fit *fit, double a, double b)
{
    struct likelihood l = {0};
    for (size_t i = 0; i < fit->count; i++) {
        const struct calibration_sample *s = &fit->samples[i];
        double weight = s->weight * fit->norm[s->generated], target = fit->target[s->generated];
        double x = (s->logit - fit->mean) / fit->deviation, f = a * x + b;
        double e = exp(-fabs(f)), p = f >= 0 ? 1 / (1 + e) : e / (1 + e);
        double curve = weight * e / ((1 + e) * (1 + e)); /* p (1 - p) without cancelling */
        /* -t log p - (1 - t) log(1 - p) */
        l.loss += weight * (log1p(e) + (f >= 0 ? (1 - target) * f : -target * f));
        l.da += weight * (p - target) * x;
        l.db += weight * (p - target);
        l.daa += curve * x * x;
        l.dab += curve * x;
        l.dbb += curve;
    }
    return l;
}

static void maximise(const struct fit *fit, double *scale, double *shift)
{
    double a = 0, b = 0;
    struct likelihood now = evaluate(fit, a, b);
    for (int step = 0; step < CALIBRATION_STEPS && fmax(fabs(now.da), fabs(now.db)) > 1e-13; step++) {
        double damping = 1e-12, saa = now.daa + damping, sbb = now.dbb + damping;
        double determinant = saa * sbb - now.dab * now.dab;
        double move_a = -(sbb * now.da - now.dab * now.db) / determinant;
        double move_b = -(saa * now.db - now.dab * now.da) / determinant;
        double slope = now.da * move_a + now.db * move_b, size = 1;
        struct likelihood next = now;
        int halving = 0;
        for (; halving < CALIBRATION_HALVINGS; halving++, size /= 2) {
            next = evaluate(fit, a + size * move_a, b + size * move_b);
            if (next.loss <= now.loss + 1e-4 * size * slope)
                break;
        }
        if (halving == CALIBRATION_HALVINGS) /* no better point within rounding */
            break;
        a += size * move_a;
        b += size * move_b;
        now = next;
    }
    *scale = a / fit->deviation;
    *shift = b - a * fit->mean / fit->deviation;
}

static assay_status check_samples(const struct calibration_sample *samples, size_t count, struct assay_error *error)
{
    bool seen[2] = {0};
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(samples[i].logit) || fabs(samples[i].logit) > 1e100)
            return error_set(error, ASSAY_ERROR_ARGUMENT, "calibration: the logit of sample %zu is not finite", i);
        if (!isfinite(samples[i].weight) || samples[i].weight <= 0)
            return error_set(error, ASSAY_ERROR_ARGUMENT, "calibration: the weight of sample %zu is not above 0", i);
        seen[samples[i].generated] = true;
    }
    if (!seen[0] || !seen[1])
        return one_class(seen[0], error);
    return ASSAY_OK;
}

/* Class balance, targets, mean and deviation. */
static struct fit prepare(const struct calibration_sample *samples, size_t count)
{
    struct fit fit = {.samples = samples, .count = count};
    double sum[2] = {0}, squares[2] = {0}, largest = 0, spread = 0;
    for (size_t i = 0; i < count; i++) {
        sum[samples[i].generated] += samples[i].weight;
        squares[samples[i].generated] += samples[i].weight * samples[i].weight;
        largest = fmax(largest, fabs(samples[i].logit));
    }
    for (int c = 0; c < 2; c++) {
        double effective = sum[c] * sum[c] / squares[c];
        fit.norm[c] = 0.5 / sum[c];
        fit.target[c] = c ? (effective + 1) / (effective + 2) : 1 / (effective + 2);
    }
    for (size_t i = 0; i < count; i++)
        fit.mean += samples[i].weight * fit.norm[samples[i].generated] * samples[i].logit;
    for (size_t i = 0; i < count; i++) {
        double x = samples[i].logit - fit.mean;
        spread += samples[i].weight * fit.norm[samples[i].generated] * x * x;
    }
    fit.deviation = sqrt(spread);
    if (fit.deviation <= largest * 1e-12) /* all the same: nothing is told by them */
        fit.deviation = 0;
    return fit;
}

/* ---- Thresholds ----------------------------------------------------------------------------------------------- */

struct ranked {
    double probability, weight; /* of one picture, the class's weights adding up to 1 */
};

static int by_probability(const void *a, const void *b)
{
    const struct ranked *p = a, *q = b;
    return (p->probability > q->probability) - (p->probability < q->probability);
}

/* How far in from one end (descending: from 1, else from 0) a threshold may come so that the pictures of a class that
 * lie at it or beyond it weigh at most `most`: the probability of the first that must not, or one half. */
static double innermost(const struct ranked *ranked, size_t count, double most, bool descending)
{
    double share = 0;
    for (size_t i = 0; i < count; i++) {
        const struct ranked *r = &ranked[descending ? count - 1 - i : i];
        if (descending ? r->probability < 0.5 : r->probability > 0.5)
            break;
        share += r->weight;
        if (share > most + rounding)
            return r->probability;
    }
    return -1;
}

static assay_status find_thresholds(const struct fit *fit, const struct calibration_options *options,
                                    struct calibration *out, struct assay_error *error)
{
    struct ranked *ranked = mem_alloc(fit->count, sizeof *ranked);
    if (!ranked)
        return error_memory(error, "calibration thresholds");
    double stop[2]; /* real, generated */
    for (int c = 0; c < 2; c++) {
        size_t count = 0;
        for (size_t i = 0; i < fit->count; i++)
            if (fit->samples[i].generated == (c == 1))
                ranked[count++] = (struct ranked){calibration_probability(out, fit->samples[i].logit),
                                                  fit->samples[i].weight * fit->norm[c] * 2};
        qsort(ranked, count, sizeof *ranked, by_probability);
        stop[c] = innermost(ranked, count, c ? options->max_false_real : options->max_false_generated, c == 0);
    }
    mem_free(ranked);
    out->generated_above = stop[0] < 0 ? 0.5 : stop[0] < 1 ? nextafter(stop[0], 2) : CALIBRATION_NEVER_GENERATED;
    out->real_below = stop[1] < 0 ? 0.5 : stop[1] > 0 ? nextafter(stop[1], -1) : CALIBRATION_NEVER_REAL;
    if (out->real_below >= out->generated_above) /* both at one half */
        out->real_below = nextafter(0.5, 0);
    return ASSAY_OK;
}

assay_status calibration_fit(const struct calibration_sample *samples, size_t count,
                             const struct calibration_options *options, struct calibration *out,
                             struct assay_error *error)
{
    static const struct calibration_options defaults = {0.05, 0.05};
    const struct calibration_options *o = options ? options : &defaults;
    *out = (struct calibration){0};
    if (!(o->max_false_generated >= 0 && o->max_false_generated < 1 && o->max_false_real >= 0 && o->max_false_real < 1))
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "calibration: shares of wrong verdicts must be from 0 to below 1");
    assay_status status = check_samples(samples, count, error);
    if (status)
        return status;
    struct fit fit = prepare(samples, count);
    struct calibration fitted = {.present = true};
    if (fit.deviation > 0)
        maximise(&fit, &fitted.scale, &fitted.shift);
    status = find_thresholds(&fit, o, &fitted, error);
    if (!status)
        *out = fitted;
    return status;
}
