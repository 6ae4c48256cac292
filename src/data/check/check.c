/* check.c - runs the checks and says what deserves a warning. */
#include "data/check/check.h"

#include <stdlib.h>

#include "base/memory.h"

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static assay_status find_spread(const struct scan *scan, enum feature feature, int label, struct check_spread *out,
                                struct assay_error *error)
{
    double *values = mem_alloc(scan->count, sizeof *values);
    size_t n = 0;
    if (!values)
        return error_memory(error, "the spread of a feature");
    for (size_t i = 0; i < scan->count; i++)
        if (scan->pictures[i].picture->label == label && feature_value(&scan->pictures[i], feature, &values[n]))
            n++;
    if (n) {
        qsort(values, n, sizeof *values, compare_doubles);
        *out = (struct check_spread){
            n, values[0], values[(n - 1) / 20], values[(n - 1) / 2], values[n - 1 - (n - 1) / 20], values[n - 1]};
    }
    mem_free(values);
    return ASSAY_OK;
}

size_t check_category_count(const struct scan *scan, enum feature feature, double value, int label)
{
    size_t count = 0;
    double have;
    for (size_t i = 0; i < scan->count; i++)
        count += scan->pictures[i].picture->label == label && feature_value(&scan->pictures[i], feature, &have) &&
                 have == value;
    return count;
}

bool check_feature_leaks(const struct feature_result *result)
{
    enum rule_kind kind;
    enum folding folding;
    return rule_best(result, &kind, &folding) && result->rules[kind][folding].low > RULE_LEAK;
}

static struct check_warning *warn(struct check *check, const char *code)
{
    struct check_warning *warning = array_push(&check->warnings);
    if (warning)
        warning->code = code;
    return warning;
}

static bool warn_of_leaks(struct check *check)
{
    for (int f = 0; f < FEATURE_COUNT; f++) {
        const struct feature_result *result = &check->features[f];
        enum rule_kind kind;
        enum folding folding;
        if (!check_feature_leaks(result))
            continue;
        rule_best(result, &kind, &folding);
        const struct rule_result *rule = &result->rules[kind][folding];
        struct check_warning *warning = warn(check, "leak");
        if (!warning)
            return false;
        snprintf(warning->text, sizeof warning->text,
                 "the %s alone tells real from generated with a balanced accuracy of %.3f (95 %%: %.3f to %.3f) on "
                 "held-out pictures of %s%s",
                 feature_title((enum feature)f), rule->accuracy, rule->low, rule->high,
                 folding == FOLDING_SOURCE ? "sources that it was not learnt from" : "the same sources",
                 f == FEATURE_BYTES_PER_PIXEL ? " (which also depends on what the pictures show)" : "");
    }
    return true;
}

static bool warn_of_partners(struct check *check, const char *code, size_t count, const char *what)
{
    struct check_warning *warning = count ? warn(check, code) : NULL;
    if (warning)
        snprintf(warning->text, sizeof warning->text, "pictures %s: %zu", what, count);
    return !count || warning;
}

static bool make_warnings(struct check *check)
{
    const struct duplicates *d = &check->duplicates;
    return warn_of_leaks(check) &&
           warn_of_partners(check, "equal-other-class", d->equal.other_class,
                            "that lie in both classes, byte for byte the same (one of the labels is wrong)") &&
           warn_of_partners(check, "equal-other-split", d->equal.other_split,
                            "that lie in more than one split, byte for byte the same") &&
           warn_of_partners(check, "near-other-split", d->near.other_split,
                            "that have a near-duplicate in another split") &&
           warn_of_partners(check, "unreadable", check->scan->unreadable, "that cannot be read");
}

assay_status check_run(const struct scan *scan, int distance, struct check *out, struct assay_error *error)
{
    *out = (struct check){.scan = scan, .warnings = array_of(sizeof(struct check_warning), FEATURE_COUNT + 8)};
    assay_status status = duplicates_find(scan, distance, &out->duplicates, error);
    for (int f = 0; f < FEATURE_COUNT && !status; f++) {
        status = rule_judge(scan, NULL, (enum feature)f, &out->features[f], error);
        for (int label = 0; label < LABEL_COUNT && !status && !feature_is_category((enum feature)f); label++)
            status = find_spread(scan, (enum feature)f, label, &out->spread[f][label], error);
    }
    if (!status && !make_warnings(out))
        status = error_memory(error, "the warnings of a check");
    if (status)
        check_free(out);
    return status;
}

void check_free(struct check *check)
{
    duplicates_free(&check->duplicates);
    array_free(&check->warnings);
    *check = (struct check){0};
}
