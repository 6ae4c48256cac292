/* rule.c - makes one-feature rules and judges them on held-out folds.
 *
 * Both classes weigh one half, whatever their numbers. Pictures are sorted by value once; every fold then reads them in
 * that order, skipping its own. */
#include "data/check/rule.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"

enum { MAX_VALUES = 64, BINS = 32, DRAWS = 1000 };

struct sample {
    double value;
    uint32_t picture, group;
    uint8_t label, fold;
};

static int compare_samples(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->picture < y->picture ? -1 : x->picture > y->picture;
}

const char *rule_name(enum rule_kind kind)
{
    return kind == RULE_TABLE ? "table" : "threshold";
}

const char *folding_name(enum folding folding)
{
    return folding == FOLDING_RANDOM ? "random" : "source";
}

/* ---- the rules --------------------------------------------------------------------------------------------------- */

/* Bins with what they say: the class that is likelier, or 0.5 where both are equally likely. */
struct rule {
    bool exact; /* a bin is a value; others are unknown */
    int count;
    double low[MAX_VALUES];  /* the first value of each bin, ascending */
    double high[MAX_VALUES]; /* the last */
    double says[MAX_VALUES]; /* share of generated ones: 0, 0.5 or 1 */
};

static double vote(const double weight[LABEL_COUNT])
{
    double apart = weight[LABEL_GENERATED] - weight[LABEL_REAL];
    return fabs(apart) < 1e-12 ? 0.5 : apart > 0;
}

/* What each picture of a class weighs in training. */
static void class_weights(const struct sample *samples, size_t count, int fold, double weight[LABEL_COUNT])
{
    size_t total[LABEL_COUNT] = {0};
    for (size_t i = 0; i < count; i++)
        total[samples[i].label] += samples[i].fold != fold;
    for (int label = 0; label < LABEL_COUNT; label++)
        weight[label] = total[label] ? 0.5 / (double)total[label] : 0;
}

static size_t count_values(const struct sample *samples, size_t count, int fold)
{
    size_t values = 0;
    const struct sample *last = NULL;
    for (size_t i = 0; i < count; i++) {
        if (samples[i].fold == fold)
            continue;
        values += !last || last->value != samples[i].value;
        last = &samples[i];
    }
    return values;
}

static void make_table(const struct sample *samples, size_t count, int fold, bool category, struct rule *rule)
{
    double weight[LABEL_COUNT], here[LABEL_COUNT] = {0}, so_far = 0;
    size_t values = count_values(samples, count, fold);
    bool each = values <= MAX_VALUES;
    class_weights(samples, count, fold, weight);
    *rule = (struct rule){.exact = category};
    for (size_t i = 0; i < count; i++) {
        const struct sample *s = &samples[i];
        if (s->fold == fold)
            continue;
        bool begins = rule->count == 0 ||
                      (s->value != rule->high[rule->count - 1] && (each || so_far >= (double)rule->count / BINS));
        if (begins && rule->count < MAX_VALUES) {
            if (rule->count)
                rule->says[rule->count - 1] = vote(here);
            here[0] = here[1] = 0;
            rule->low[rule->count++] = s->value;
        }
        rule->high[rule->count - 1] = s->value;
        here[s->label] += weight[s->label];
        so_far += weight[s->label];
    }
    if (rule->count)
        rule->says[rule->count - 1] = vote(here);
}

/* The cut between two values that divides the classes best. */
static void make_threshold(const struct sample *samples, size_t count, int fold, struct rule *rule)
{
    double weight[LABEL_COUNT], below[LABEL_COUNT] = {0}, best = 0, last = 0;
    bool any = false;
    class_weights(samples, count, fold, weight);
    *rule = (struct rule){.count = 1, .low = {-INFINITY}, .high = {INFINITY}, .says = {0.5}};
    for (size_t i = 0; i < count; i++) {
        const struct sample *s = &samples[i];
        if (s->fold == fold)
            continue;
        double apart = below[LABEL_GENERATED] - below[LABEL_REAL];
        if (any && s->value != last && fabs(apart) > best + 1e-12) {
            best = fabs(apart);
            *rule = (struct rule){.count = 2,
                                  .low = {-INFINITY, s->value},
                                  .high = {last, INFINITY},
                                  .says = {apart > 0, apart < 0}};
        }
        below[s->label] += weight[s->label];
        last = s->value;
        any = true;
    }
}

/* A value between two bins belongs to the nearer one. */
static double rule_says(const struct rule *rule, double value)
{
    int first = 0, last = rule->count;
    while (last - first > 1) {
        int middle = (first + last) / 2;
        if (value < rule->low[middle])
            last = middle;
        else
            first = middle;
    }
    if (rule->count == 0)
        return 0.5;
    if (rule->exact)
        return value == rule->low[first] ? rule->says[first] : 0.5;
    if (value > rule->high[first] && first + 1 < rule->count &&
        value - rule->high[first] > rule->low[first + 1] - value)
        first++;
    return rule->says[first];
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

/* Pictures of one source and class. */
struct tally {
    double right, count;
};

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void bounds_of_pictures(const struct tally total[LABEL_COUNT], struct rule_result *out)
{
    double variance = 0;
    for (int label = 0; label < LABEL_COUNT; label++) {
        double n = total[label].count + 4, p = (total[label].right + 2) / n;
        variance += p * (1 - p) / n / 4;
    }
    out->low = fmax(0, out->accuracy - 1.96 * sqrt(variance));
    out->high = fmin(1, out->accuracy + 1.96 * sqrt(variance));
}

static assay_status bounds_of_sources(struct tally *const tallies[LABEL_COUNT], const size_t count[LABEL_COUNT],
                                      struct rule_result *out, struct assay_error *error)
{
    double *draws = mem_alloc(DRAWS, sizeof *draws);
    if (!draws)
        return error_memory(error, "a bootstrap");
    struct random random = random_open(0, hash_text("bounds"), 0);
    for (int d = 0; d < DRAWS; d++)
        for (int label = 0; label < LABEL_COUNT; label++) {
            struct tally sum = {0};
            for (size_t i = 0; i < count[label]; i++) {
                const struct tally *t = &tallies[label][random_below(&random, count[label])];
                sum.right += t->right;
                sum.count += t->count;
            }
            draws[d] += sum.right / sum.count / 2;
        }
    qsort(draws, DRAWS, sizeof *draws, compare_doubles);
    out->low = draws[DRAWS / 40];
    out->high = draws[DRAWS - 1 - DRAWS / 40];
    mem_free(draws);
    return ASSAY_OK;
}

/* The pictures that have the feature, by value. *count: how many. */
static struct sample *collect(const struct scan *scan, const bool *has, enum feature feature, const uint8_t *fold,
                              size_t *count)
{
    struct sample *samples = mem_alloc(scan->count, sizeof *samples);
    *count = 0;
    for (size_t i = 0; samples && i < scan->count; i++) {
        const struct scan_picture *p = &scan->pictures[i];
        struct sample s = {.picture = (uint32_t)i, .group = p->group, .label = (uint8_t)p->picture->label};
        if (!has[i])
            continue;
        feature_value(p, feature, &s.value);
        s.fold = fold[i];
        samples[(*count)++] = s;
    }
    if (samples && *count)
        qsort(samples, *count, sizeof *samples, compare_samples);
    return samples;
}

static assay_status judge(const struct scan *scan, const struct sample *samples, size_t count, bool category,
                          enum rule_kind kind, enum folding folding, struct rule_result *out, struct assay_error *error)
{
    assay_status status = ASSAY_OK;
    struct tally total[LABEL_COUNT] = {{0}}, *tallies[LABEL_COUNT];
    size_t sources[LABEL_COUNT] = {0};
    struct rule *rule = mem_alloc(1, sizeof *rule);
    for (int label = 0; label < LABEL_COUNT; label++)
        tallies[label] = mem_alloc(scan->group_count, sizeof *tallies[label]);
    if (!rule || !tallies[0] || !tallies[1]) {
        status = error_memory(error, "judging a rule");
        goto done;
    }
    for (int fold = 0; fold < FOLDS; fold++) {
        if (kind == RULE_TABLE)
            make_table(samples, count, fold, category, rule);
        else
            make_threshold(samples, count, fold, rule);
        for (size_t i = 0; i < count; i++) {
            const struct sample *s = &samples[i];
            if (s->fold != fold)
                continue;
            double says = rule_says(rule, s->value), right = s->label == LABEL_GENERATED ? says : 1 - says;
            tallies[s->label][s->group].right += right;
            tallies[s->label][s->group].count++;
            total[s->label].right += right;
            total[s->label].count++;
        }
    }
    out->accuracy = 0;
    for (int label = 0; label < LABEL_COUNT; label++) {
        out->accuracy += total[label].right / total[label].count / 2;
        for (size_t g = 0; g < scan->group_count; g++) /* sources without pictures here are left out */
            if (tallies[label][g].count > 0)
                tallies[label][sources[label]++] = tallies[label][g];
    }
    if (folding == FOLDING_SOURCE)
        status = bounds_of_sources(tallies, sources, out, error);
    else
        bounds_of_pictures(total, out);
done:
    mem_free(tallies[0]);
    mem_free(tallies[1]);
    mem_free(rule);
    return status;
}

static assay_status count_sources(const struct scan *scan, const bool *has, struct feature_result *out,
                                  struct assay_error *error)
{
    uint8_t *seen = mem_alloc(scan->group_count, sizeof *seen);
    if (!seen)
        return error_memory(error, "judging a rule");
    for (size_t i = 0; i < scan->count; i++) {
        const struct scan_picture *p = &scan->pictures[i];
        int label = p->picture->label;
        if (!has[i])
            continue;
        out->pictures[label]++;
        out->sources[label] += !(seen[p->group] >> label & 1);
        seen[p->group] |= (uint8_t)(1 << label);
    }
    mem_free(seen);
    return ASSAY_OK;
}

assay_status rule_judge(const struct scan *scan, const bool *use, enum feature feature, struct feature_result *out,
                        struct assay_error *error)
{
    double value;
    bool *has = mem_alloc(scan->count, sizeof *has);
    uint8_t *fold = mem_alloc(scan->count, sizeof *fold);
    assay_status status = has && fold ? ASSAY_OK : error_memory(error, "judging a rule");
    *out = (struct feature_result){0};
    for (size_t i = 0; !status && i < scan->count; i++)
        has[i] = (!use || use[i]) && feature_value(&scan->pictures[i], feature, &value);
    if (!status)
        status = count_sources(scan, has, out, error);
    for (int folding = 0; folding < FOLDING_COUNT && !status; folding++) {
        const char *why;
        size_t count = 0;
        status = folds_make(scan, has, (enum folding)folding, fold, &why, error);
        struct sample *samples = !status && !why ? collect(scan, has, feature, fold, &count) : NULL;
        if (!status && !why && !samples)
            status = error_memory(error, "judging a rule");
        for (int kind = 0; kind < RULE_COUNT && !status; kind++) {
            struct rule_result *result = &out->rules[kind][folding];
            result->why = kind == RULE_THRESHOLD && feature_is_category(feature) ? "a category has no order" : why;
            if (!result->why)
                status = judge(scan, samples, count, feature_is_category(feature), (enum rule_kind)kind,
                               (enum folding)folding, result, error);
        }
        mem_free(samples);
    }
    mem_free(has);
    mem_free(fold);
    return status;
}

bool rule_best(const struct feature_result *result, enum rule_kind *kind, enum folding *folding)
{
    double best = -1;
    for (int k = 0; k < RULE_COUNT; k++)
        for (int f = 0; f < FOLDING_COUNT; f++)
            if (!result->rules[k][f].why && result->rules[k][f].low > best) {
                best = result->rules[k][f].low;
                *kind = (enum rule_kind)k;
                *folding = (enum folding)f;
            }
    return best >= 0;
}
