/* calibration.c - fits a calibration: Platt scaling here, the two thresholds in thresholds.c.
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
#include "verdict/calibration.h"

enum { CALIBRATION_STEPS = 100, CALIBRATION_HALVINGS = 60 };

static assay_status one_class(bool generated, struct assay_error *error)
{
    return error_set(error, ASSAY_ERROR_ARGUMENT, "calibration needs pictures of both classes: there are no %s ones",
                     generated ? "generated" : "real");
}

/* ---- Groups, sources, weights ---------------------------------------------------------------------------------- */

static int by_source(const void *a, const void *b)
{
    const struct calibration_member *p = a, *q = b;
    if (p->group != q->group)
        return p->group < q->group ? -1 : 1;
    if (p->source != q->source)
        return p->source < q->source ? -1 : 1;
    return (p->index > q->index) - (p->index < q->index);
}

bool calibration_has_photographs(const struct calibration_sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!samples[i].generated && !samples[i].art)
            return true;
    return false;
}

enum calibration_group calibration_group_of(const struct calibration_sample *sample, bool has_photographs)
{
    if (sample->generated)
        return CALIBRATION_GENERATED;
    return sample->art && has_photographs ? CALIBRATION_ART : CALIBRATION_REAL;
}

struct calibration_member *calibration_members(const struct calibration_sample *samples, size_t count)
{
    bool has_photographs = calibration_has_photographs(samples, count);
    struct calibration_member *members = mem_alloc(count, sizeof *members);
    for (size_t i = 0; members && i < count; i++)
        members[i] =
            (struct calibration_member){i, samples[i].source, calibration_group_of(&samples[i], has_photographs)};
    if (members && count)
        qsort(members, count, sizeof *members, by_source);
    return members;
}

size_t calibration_source_end(const struct calibration_member *members, size_t count, size_t begin)
{
    size_t end = begin;
    while (end < count && members[end].group == members[begin].group && members[end].source == members[begin].source)
        end++;
    return end;
}

assay_status calibration_weights(struct calibration_sample *samples, size_t count, struct assay_error *error)
{
    size_t sources[CALIBRATION_GROUPS] = {0};
    struct calibration_member *members = calibration_members(samples, count);
    if (!members)
        return error_memory(error, "calibration weights");
    for (size_t begin = 0; begin < count; begin = calibration_source_end(members, count, begin))
        sources[members[begin].group]++;
    for (size_t begin = 0, end; begin < count; begin = end) {
        end = calibration_source_end(members, count, begin);
        for (size_t i = begin; i < end; i++)
            samples[members[i].index].weight = 0.5 / (double)sources[members[i].group] / (double)(end - begin);
    }
    mem_free(members);
    bool real = sources[CALIBRATION_REAL] > 0;
    return real && sources[CALIBRATION_GENERATED] ? ASSAY_OK : one_class(real, error);
}

/* ---- Scale and shift ------------------------------------------------------------------------------------------ */

/* What the likelihood is made of: art apart is not. */
struct fit {
    const struct calibration_sample *samples;
    size_t count;
    bool has_photographs;
    double mean, deviation; /* of the logits */
    double norm[2];         /* real, generated: a weight times it is its share of all, half of which is each class's */
    double target[2];
};

struct likelihood {
    double loss;                  /* minus the log likelihood */
    double da, db, daa, dab, dbb; /* its derivatives by scale and shift */
};

/* A sample of the fit at i or behind it: its index, or the count. */
static size_t next_of(const struct fit *fit, size_t i)
{
    while (i < fit->count && calibration_group_of(&fit->samples[i], fit->has_photographs) == CALIBRATION_ART)
        i++;
    return i;
}

static struct likelihood evaluate(const struct fit *fit, double a, double b)
{
    struct likelihood l = {0};
    for (size_t i = next_of(fit, 0); i < fit->count; i = next_of(fit, i + 1)) {
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
    struct fit fit = {.samples = samples,
                      .count = count,
                      .has_photographs = calibration_has_photographs(samples, count)};
    double sum[2] = {0}, squares[2] = {0}, largest = 0, spread = 0;
    for (size_t i = next_of(&fit, 0); i < count; i = next_of(&fit, i + 1)) {
        sum[samples[i].generated] += samples[i].weight;
        squares[samples[i].generated] += samples[i].weight * samples[i].weight;
        largest = fmax(largest, fabs(samples[i].logit));
    }
    for (int c = 0; c < 2; c++) {
        double effective = sum[c] * sum[c] / squares[c];
        fit.norm[c] = 0.5 / sum[c];
        fit.target[c] = c ? (effective + 1) / (effective + 2) : 1 / (effective + 2);
    }
    for (size_t i = next_of(&fit, 0); i < count; i = next_of(&fit, i + 1))
        fit.mean += samples[i].weight * fit.norm[samples[i].generated] * samples[i].logit;
    for (size_t i = next_of(&fit, 0); i < count; i = next_of(&fit, i + 1)) {
        double x = samples[i].logit - fit.mean;
        spread += samples[i].weight * fit.norm[samples[i].generated] * x * x;
    }
    fit.deviation = sqrt(spread);
    if (fit.deviation <= largest * 1e-12) /* all the same: nothing is told by them */
        fit.deviation = 0;
    return fit;
}

/* ---- Both ------------------------------------------------------------------------------------------------------ */

const struct calibration_options calibration_defaults = {0.05, 0.05, 0.10, 1, 1};

static bool is_share(double value)
{
    return value >= 0 && value < 1;
}

assay_status calibration_fit(const struct calibration_sample *samples, size_t count,
                             const struct calibration_options *options, struct calibration *out,
                             struct assay_error *error)
{
    const struct calibration_options *o = options ? options : &calibration_defaults;
    *out = (struct calibration){0};
    if (!is_share(o->max_false_generated) || !is_share(o->max_false_real) || !is_share(o->max_false_art))
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "calibration: shares of wrong verdicts must be from 0 to below 1");
    if (!(o->max_uncertain >= 0 && o->max_uncertain <= 1))
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "calibration: the share of uncertain verdicts must be from 0 to 1");
    if (!(o->guard >= 0 && o->guard <= 100))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "calibration: the guard must be 0 to 100 standard errors");
    assay_status status = check_samples(samples, count, error);
    if (status)
        return status;
    struct fit fit = prepare(samples, count);
    struct calibration fitted = {.present = true};
    if (fit.deviation > 0)
        maximise(&fit, &fitted.scale, &fitted.shift);
    status = calibration_thresholds(samples, count, o, &fitted, error);
    if (!status)
        *out = fitted;
    return status;
}
