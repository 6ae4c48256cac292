/* balance.c - matches the classes cell by cell, as finely as it takes. */
#include "data/check/balance.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "data/check/rule.h"

enum { FIRST_BINS = 4, MAX_BINS = 128, EVERY_VALUE = -1 };

/* ---- who may be chosen ------------------------------------------------------------------------------------------- */

/* Of each group's pictures that are in several splits, those outside the last split. */
static void drop_earlier_splits(const struct scan *scan, const struct duplicate_set *set, bool *eligible)
{
    for (size_t g = 0; g < set->group_count; g++) {
        const uint32_t *members = set->members + set->groups[g].first;
        uint8_t last = 0;
        for (size_t i = 0; i < set->groups[g].count; i++)
            if (scan->pictures[members[i]].split > last)
                last = scan->pictures[members[i]].split;
        for (size_t i = 0; i < set->groups[g].count; i++)
            if ((set->partners[members[i]] & PARTNER_OTHER_SPLIT) && scan->pictures[members[i]].split < last)
                eligible[members[i]] = false;
    }
}

void balance_eligible(const struct scan *scan, const struct duplicates *duplicates, bool *eligible,
                      struct balance_summary *summary)
{
    const struct duplicate_set *equal = &duplicates->equal;
    for (size_t i = 0; i < scan->count; i++)
        eligible[i] = !scan->pictures[i].problem && !(equal->partners[i] & PARTNER_OTHER_CLASS);
    drop_earlier_splits(scan, equal, eligible);
    drop_earlier_splits(scan, &duplicates->near, eligible);
    for (size_t g = 0; g < equal->group_count; g++) {
        const uint32_t *members = equal->members + equal->groups[g].first;
        bool taken = false;
        for (size_t i = 0; i < equal->groups[g].count; i++) {
            bool may = eligible[members[i]];
            eligible[members[i]] = may && !taken;
            taken = taken || may;
        }
    }
    summary->unreadable = scan->unreadable;
    summary->duplicates = 0;
    for (size_t i = 0; i < scan->count; i++)
        summary->duplicates += !eligible[i] && !scan->pictures[i].problem;
}

/* ---- cells ------------------------------------------------------------------------------------------------------- */

/* A picture with the cell that it lies in. */
struct entry {
    int32_t cell[FEATURE_COUNT + 1]; /* bins, and the split */
    uint32_t rank;                   /* the draw */
    uint32_t picture;
    int label;
};

struct valued {
    double value, weight;
    uint32_t entry;
};

static int compare_values(const void *a, const void *b)
{
    const struct valued *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->entry < y->entry ? -1 : x->entry > y->entry;
}

/* Cells, then classes, then the draw. */
static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    for (int i = 0; i <= FEATURE_COUNT; i++)
        if (x->cell[i] != y->cell[i])
            return x->cell[i] < y->cell[i] ? -1 : 1;
    if (x->label != y->label)
        return x->label - y->label;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return x->picture < y->picture ? -1 : x->picture > y->picture;
}

static bool same_cell(const struct entry *a, const struct entry *b)
{
    return memcmp(a->cell, b->cell, sizeof a->cell) == 0;
}

/* Numbers every entry's bin of a feature: bins of equal weight, both classes weighing the same; or each value its own.
 */
static void make_bins(const struct scan *scan, struct entry *entries, size_t count, enum feature feature, int bins,
                      struct valued *values)
{
    size_t have = 0, total[LABEL_COUNT] = {0};
    double before = 0, at = 0;
    int32_t number = 0;
    for (size_t i = 0; i < count; i++) {
        double value;
        entries[i].cell[feature] = -1; /* has no such value: a cell of its own */
        if (!bins || !feature_value(&scan->pictures[entries[i].picture], feature, &value))
            continue;
        values[have++] = (struct valued){value, 0, (uint32_t)i};
        total[entries[i].label]++;
    }
    if (have)
        qsort(values, have, sizeof *values, compare_values);
    for (size_t i = 0; i < have; i++) {
        struct entry *entry = &entries[values[i].entry];
        if (i == 0 || values[i].value != values[i - 1].value) { /* pictures of one value are never divided */
            at = before;
            number += i > 0;
        }
        entry->cell[feature] = bins == EVERY_VALUE ? number : (int32_t)(at * bins);
        before += 0.5 / (double)total[entry->label];
    }
}

/* Keeps as many of one class as of the other in every cell. */
static void match(struct entry *entries, size_t count, bool *chosen, size_t kept[LABEL_COUNT])
{
    kept[0] = kept[1] = 0;
    if (count)
        qsort(entries, count, sizeof *entries, compare_entries);
    for (size_t i = 0, end; i < count; i = end) {
        size_t here[LABEL_COUNT] = {0}, taken[LABEL_COUNT] = {0};
        for (end = i; end < count && same_cell(&entries[end], &entries[i]); end++)
            here[entries[end].label]++;
        size_t fewer = here[0] < here[1] ? here[0] : here[1];
        for (size_t j = i; j < end; j++) {
            int label = entries[j].label;
            chosen[entries[j].picture] = taken[label] < fewer;
            kept[label] += taken[label]++ < fewer;
        }
    }
}

/* ---- how finely -------------------------------------------------------------------------------------------------- */

/* False where it cannot be finer. */
static bool refine(enum feature feature, int *bins)
{
    if (*bins == EVERY_VALUE)
        return false;
    if (feature_is_category(feature) || *bins >= MAX_BINS)
        *bins = EVERY_VALUE;
    else
        *bins = *bins ? *bins * 2 : FIRST_BINS;
    return true;
}

struct balancing {
    const struct scan *scan;
    struct entry *entries;
    struct valued *values;
    size_t count;
    bool *chosen;
    struct balance_summary *summary;
};

/* Looks at what is chosen, and refines what still tells. *refined: something was; *leak: the worst that is left. */
static assay_status look(struct balancing *b, bool *refined, enum feature *leak, double *worst,
                         struct assay_error *error)
{
    *refined = false;
    *worst = 0;
    for (int f = 0; f < FEATURE_COUNT; f++) {
        struct feature_result result;
        enum rule_kind kind;
        enum folding folding;
        assay_status status = rule_judge(b->scan, b->chosen, (enum feature)f, &result, error);
        if (status)
            return status;
        if (!rule_best(&result, &kind, &folding) || result.rules[kind][folding].low <= BALANCE_ENOUGH)
            continue;
        if (result.rules[kind][folding].low > *worst) {
            *worst = result.rules[kind][folding].low;
            *leak = (enum feature)f;
        }
        *refined = refine((enum feature)f, &b->summary->bins[f]) || *refined;
    }
    return ASSAY_OK;
}

static assay_status rematch(struct balancing *b, struct assay_error *error)
{
    for (int f = 0; f < FEATURE_COUNT; f++)
        make_bins(b->scan, b->entries, b->count, (enum feature)f, b->summary->bins[f], b->values);
    match(b->entries, b->count, b->chosen, b->summary->kept);
    if (b->summary->kept[LABEL_REAL] >= FOLDS_MIN_PICTURES)
        return ASSAY_OK;
    char matched[256] = "";
    size_t used = 0;
    for (int f = 0; f < FEATURE_COUNT; f++)
        if (b->summary->bins[f] && used < sizeof matched)
            used += (size_t)snprintf(matched + used, sizeof matched - used, "%s%s", used ? ", " : "",
                                     feature_title((enum feature)f));
    return error_set(
        error, ASSAY_ERROR_ARGUMENT,
        "the classes have too little in common: matching %s leaves %zu pictures of each; re-encoded copies "
        "(--reencode) can keep more",
        matched, b->summary->kept[LABEL_REAL]);
}

static assay_status refine_until_balanced(struct balancing *b, struct assay_error *error)
{
    for (;;) {
        bool refined = false;
        enum feature leak = FEATURE_FORMAT;
        double worst = 0;
        assay_status status = look(b, &refined, &leak, &worst, error);
        if (status)
            return status;
        if (!refined && worst > RULE_LEAK)
            return error_set(error, ASSAY_ERROR_ARGUMENT,
                             "the %s still tells the classes apart (lower bound %.3f) when matched value by value: the "
                             "sources of the two classes differ too much",
                             feature_title(leak), worst);
        if (!refined)
            return ASSAY_OK;
        if ((status = rematch(b, error)))
            return status;
    }
}

assay_status balance_choose(const struct scan *scan, const bool *eligible, uint64_t seed, bool *chosen,
                            struct balance_summary *summary, struct assay_error *error)
{
    struct balancing b = {.scan = scan, .chosen = chosen, .summary = summary};
    assay_status status = ASSAY_OK;
    memset(summary->bins, 0, sizeof summary->bins);
    summary->kept[0] = summary->kept[1] = 0;
    b.entries = mem_alloc(scan->count, sizeof *b.entries);
    b.values = mem_alloc(scan->count, sizeof *b.values);
    if (!b.entries || !b.values) {
        status = error_memory(error, "balancing a data set");
        goto done;
    }
    for (size_t i = 0; i < scan->count; i++) {
        const struct scan_picture *p = &scan->pictures[i];
        chosen[i] = eligible[i] && !p->problem;
        if (!chosen[i])
            continue;
        struct random random = random_open(seed, hash_text(p->picture->name), (uint64_t)p->picture->label);
        struct entry *entry = &b.entries[b.count++];
        *entry = (struct entry){.rank = random_u32(&random), .picture = (uint32_t)i, .label = p->picture->label};
        entry->cell[FEATURE_COUNT] = p->split;
        summary->kept[entry->label]++;
    }
    if (summary->kept[LABEL_REAL] < FOLDS_MIN_PICTURES || summary->kept[LABEL_GENERATED] < FOLDS_MIN_PICTURES)
        status = error_set(error, ASSAY_ERROR_ARGUMENT,
                           "%zu real and %zu generated pictures can be used: at least %d of each are needed",
                           summary->kept[LABEL_REAL], summary->kept[LABEL_GENERATED], FOLDS_MIN_PICTURES);
    else
        status = refine_until_balanced(&b, error);
    summary->unmatched = b.count - summary->kept[0] - summary->kept[1];
done:
    mem_free(b.entries);
    mem_free(b.values);
    return status;
}
