/* thresholds.c - from which probability on a verdict is given, and what becomes of pictures then. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "verdict/calibration.h"

enum { BINS = 15 };

static const double rounding = 1e-12; /* of sums of weights */

struct ranked {
    double probability, weight;
    size_t source; /* 0 .. sources - 1 of its group */
};

/* The pictures of a group by probability, rising. Weights add up to 1. */
struct group {
    struct ranked *items;
    size_t count;
    double *source_weight;
    size_t sources;
};

static int by_probability(const void *a, const void *b)
{
    const struct ranked *p = a, *q = b;
    return (p->probability > q->probability) - (p->probability < q->probability);
}

static void group_free(struct group *group)
{
    mem_free(group->items);
    mem_free(group->source_weight);
}

/* The members begin .. end - 1, all of one group. */
static assay_status make_group(const struct calibration_sample *samples, const struct calibration_member *members,
                               size_t begin, size_t end, const struct calibration *c, struct group *out,
                               struct assay_error *error)
{
    *out = (struct group){.items = mem_alloc(end - begin, sizeof *out->items),
                          .source_weight = mem_alloc(end - begin, sizeof *out->source_weight)};
    if (begin < end && (!out->items || !out->source_weight))
        return error_memory(error, "calibration thresholds");
    double sum = 0;
    for (size_t i = begin; i < end; i++)
        sum += samples[members[i].index].weight;
    for (size_t i = begin, next; i < end; i = next) {
        next = calibration_source_end(members, end, i);
        double weight = 0;
        for (size_t j = i; j < next; j++) {
            const struct calibration_sample *s = &samples[members[j].index];
            weight += s->weight / sum;
            out->items[out->count++] =
                (struct ranked){calibration_probability(c, s->logit), s->weight / sum, out->sources};
        }
        out->source_weight[out->sources++] = weight;
    }
    if (out->count)
        qsort(out->items, out->count, sizeof *out->items, by_probability);
    return ASSAY_OK;
}

/* ---- one threshold ---------------------------------------------------------------------------------------------- */

/* Which way a threshold looks: verdicts of "ai-generated" lie at it and above, of "real" at it and below. */
enum side { ABOVE, BELOW };

/* The mean over the sources of what share of each lies beyond, and `guard` standard errors of that mean. */
static double guarded_share(const struct group *group, const double *beyond, double guard)
{
    double mean = 0, spread = 0, squares = 0;
    for (size_t s = 0; s < group->sources; s++)
        mean += group->source_weight[s] * beyond[s];
    if (guard <= 0 || group->sources < 2)
        return mean;
    for (size_t s = 0; s < group->sources; s++) {
        double w = group->source_weight[s];
        spread += w * (beyond[s] - mean) * (beyond[s] - mean);
        squares += w * w;
    }
    double sources = (double)group->sources;
    return mean + guard * sqrt(spread * sources / (sources - 1) * squares);
}

/* From the outside in, the last threshold before more than `most` of the group would lie at it or beyond it; one half
 * at most. `beyond` has room for a share of each source. */
static double innermost(const struct group *group, enum side side, double most, double guard, double *beyond)
{
    for (size_t s = 0; s < group->sources; s++)
        beyond[s] = 0;
    for (size_t i = 0; i < group->count;) {
        double p = group->items[side == ABOVE ? group->count - 1 - i : i].probability;
        if (side == ABOVE ? p < 0.5 : p > 0.5)
            break;
        for (; i < group->count; i++) { /* equal ones fall together */
            const struct ranked *r = &group->items[side == ABOVE ? group->count - 1 - i : i];
            if (r->probability != p)
                break;
            beyond[r->source] += r->weight / group->source_weight[r->source];
        }
        if (guarded_share(group, beyond, guard) > most + rounding) { /* these must not */
            if (side == ABOVE)
                return p < 1 ? nextafter(p, 2) : CALIBRATION_NEVER_GENERATED;
            return p > 0 ? nextafter(p, -1) : CALIBRATION_NEVER_REAL;
        }
    }
    return 0.5;
}

/* ---- both ------------------------------------------------------------------------------------------------------- */

static double share_between(const struct group *group, const struct calibration *c)
{
    double share = 0;
    for (size_t i = 0; i < group->count; i++)
        if (group->items[i].probability > c->real_below && group->items[i].probability < c->generated_above)
            share += group->items[i].weight;
    return share;
}

/* Raises real_below, picture by picture, until no more than `most` are uncertain. What lies at one half stays so. */
static void bound_uncertain(const struct group *real, const struct group *generated, double most, struct calibration *c)
{
    double uncertain = (share_between(real, c) + share_between(generated, c)) / 2;
    size_t at[2] = {0};
    const struct group *const groups[2] = {real, generated};
    double last = fmax(c->real_below, nextafter(0.5, 0));
    while (uncertain > most + rounding) {
        double next = INFINITY;
        for (int g = 0; g < 2; g++) {
            while (at[g] < groups[g]->count && groups[g]->items[at[g]].probability <= c->real_below)
                at[g]++;
            if (at[g] < groups[g]->count)
                next = fmin(next, groups[g]->items[at[g]].probability);
        }
        if (next > last) {
            c->real_below = last;
            return;
        }
        c->real_below = next;
        for (int g = 0; g < 2; g++)
            for (; at[g] < groups[g]->count && groups[g]->items[at[g]].probability <= next; at[g]++)
                uncertain -= groups[g]->items[at[g]].weight / 2;
    }
}

assay_status calibration_thresholds(const struct calibration_sample *samples, size_t count,
                                    const struct calibration_options *o, struct calibration *c,
                                    struct assay_error *error)
{
    struct group groups[CALIBRATION_GROUPS] = {{0}};
    const struct group *real = &groups[CALIBRATION_REAL], *generated = &groups[CALIBRATION_GENERATED];
    struct calibration_member *members = calibration_members(samples, count);
    double *beyond = mem_alloc(count, sizeof *beyond);
    assay_status status = members && beyond ? ASSAY_OK : error_memory(error, "calibration thresholds");
    for (size_t begin = 0, end; begin < count && !status; begin = end) {
        for (end = begin; end < count && members[end].group == members[begin].group;)
            end++;
        status = make_group(samples, members, begin, end, c, &groups[members[begin].group], error);
    }
    if (!status) {
        c->generated_above = fmax(innermost(real, ABOVE, o->max_false_generated, o->guard, beyond),
                                  innermost(&groups[CALIBRATION_ART], ABOVE, o->max_false_art, o->guard, beyond));
        c->real_below = innermost(generated, BELOW, o->max_false_real, o->guard, beyond);
        if (c->real_below >= c->generated_above) /* both at one half */
            c->real_below = nextafter(0.5, 0);
        bound_uncertain(real, generated, o->max_uncertain, c);
    }
    for (int g = 0; g < CALIBRATION_GROUPS; g++)
        group_free(&groups[g]);
    mem_free(beyond);
    mem_free(members);
    return status;
}

/* ---- what becomes of pictures ----------------------------------------------------------------------------------- */

struct bin {
    double weight, probability, generated;
};

/* The bins of eval/metrics_calibration.h: (low, high], and the first holds 0 too. */
static void put_in_bin(struct bin bins[BINS], double probability, bool generated, double weight)
{
    int b = (int)ceil(probability * BINS) - 1;
    struct bin *bin = &bins[b < 0 ? 0 : b];
    bin->weight += weight;
    bin->probability += weight * probability;
    bin->generated += generated ? weight : 0;
}

assay_status calibration_judge(const struct calibration *calibration, const struct calibration_sample *samples,
                               size_t count, struct calibration_outcome *out, struct assay_error *error)
{
    struct bin bins[BINS] = {{0}};
    struct calibration_member *members = calibration_members(samples, count);
    *out = (struct calibration_outcome){0};
    if (!members)
        return error_memory(error, "what becomes of the pictures");
    for (size_t begin = 0; begin < count; begin = calibration_source_end(members, count, begin))
        out->groups[members[begin].group].sources++;
    for (size_t begin = 0, end; begin < count; begin = end) {
        end = calibration_source_end(members, count, begin);
        struct calibration_shares *shares = &out->groups[members[begin].group];
        double weight = 1 / (double)shares->sources / (double)(end - begin);
        shares->pictures += end - begin;
        for (size_t i = begin; i < end; i++) {
            const struct calibration_sample *s = &samples[members[i].index];
            double probability = calibration_probability(calibration, s->logit);
            switch (calibration_verdict(calibration, probability)) {
            case ASSAY_REAL: shares->real += weight; break;
            case ASSAY_GENERATED: shares->generated += weight; break;
            case ASSAY_UNCERTAIN:
            case ASSAY_UNCALIBRATED: shares->uncertain += weight; break;
            }
            if (members[i].group != CALIBRATION_ART)
                put_in_bin(bins, probability, s->generated, weight / 2);
        }
    }
    mem_free(members);
    const struct calibration_shares *real = &out->groups[CALIBRATION_REAL],
                                    *generated = &out->groups[CALIBRATION_GENERATED];
    for (int b = 0; b < BINS; b++)
        out->error += fabs(bins[b].probability - bins[b].generated);
    if (real->sources && generated->sources) {
        out->uncertain = (real->uncertain + generated->uncertain) / 2;
    } else {
        out->uncertain = real->sources ? real->uncertain : generated->uncertain;
        out->error = NAN;
    }
    return ASSAY_OK;
}
