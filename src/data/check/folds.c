/* folds.c - folds by chance and by source. */
#include "data/check/folds.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

/* Each class is shuffled and dealt out. */
static assay_status make_random(const struct scan *scan, const bool *use, uint8_t *fold, struct assay_error *error)
{
    uint32_t *order = mem_alloc(scan->count, sizeof *order);
    if (!order)
        return error_memory(error, "folds");
    for (int label = 0; label < LABEL_COUNT; label++) {
        size_t count = 0;
        for (size_t i = 0; i < scan->count; i++)
            if (use[i] && scan->pictures[i].picture->label == label)
                order[count++] = (uint32_t)i;
        struct random random = random_open(0, hash_text("folds"), (uint64_t)label);
        random_shuffle(&random, order, count);
        for (size_t i = 0; i < count; i++)
            fold[order[i]] = (uint8_t)(i % FOLDS);
    }
    mem_free(order);
    return ASSAY_OK;
}

struct group {
    uint32_t number;
    size_t count[LABEL_COUNT];
};

static int compare_groups(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    size_t many = x->count[0] + x->count[1], others = y->count[0] + y->count[1];
    if (many != others)
        return many > others ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Larger sources first, each to the fold where its classes are rarest. So the second source of a class never joins the
 * first, and what is left without a fold always has both classes. */
static void deal(struct group *groups, size_t count, const size_t total[LABEL_COUNT], int folds, uint8_t *fold_of)
{
    double held[FOLDS][LABEL_COUNT] = {{0}};
    for (size_t g = 0; g < count; g++) {
        int best = 0;
        double least = -1;
        for (int f = 0; f < folds; f++) {
            double cost = 0;
            for (int label = 0; label < LABEL_COUNT; label++)
                cost += (held[f][label] + 1e-6 * (held[f][0] + held[f][1])) * (double)groups[g].count[label] /
                        (double)total[label];
            if (least < 0 || cost < least) {
                least = cost;
                best = f;
            }
        }
        fold_of[groups[g].number] = (uint8_t)best;
        for (int label = 0; label < LABEL_COUNT; label++)
            held[best][label] += (double)groups[g].count[label] / (double)total[label];
    }
}

static assay_status make_by_source(const struct scan *scan, const bool *use, const size_t total[LABEL_COUNT],
                                   uint8_t *fold, const char **why, struct assay_error *error)
{
    struct group *groups = mem_alloc(scan->group_count, sizeof *groups);
    uint8_t *fold_of = mem_alloc(scan->group_count, sizeof *fold_of);
    assay_status status = ASSAY_OK;
    size_t sources[LABEL_COUNT] = {0}, fewest;
    if (!groups || !fold_of) {
        status = error_memory(error, "folds");
        goto done;
    }
    for (size_t i = 0; i < scan->count; i++)
        if (use[i])
            groups[scan->pictures[i].group].count[scan->pictures[i].picture->label]++;
    for (size_t g = 0; g < scan->group_count; g++) {
        groups[g].number = (uint32_t)g;
        for (int label = 0; label < LABEL_COUNT; label++)
            sources[label] += groups[g].count[label] > 0;
    }
    fewest = sources[0] < sources[1] ? sources[0] : sources[1];
    if (fewest < FOLDS_MIN_SOURCES) {
        *why = "fewer than two sources of a class";
        goto done;
    }
    qsort(groups, scan->group_count, sizeof *groups, compare_groups);
    deal(groups, scan->group_count, total, fewest < FOLDS ? (int)fewest : FOLDS, fold_of);
    for (size_t i = 0; i < scan->count; i++)
        if (use[i])
            fold[i] = fold_of[scan->pictures[i].group];
done:
    mem_free(groups);
    mem_free(fold_of);
    return status;
}

assay_status folds_make(const struct scan *scan, const bool *use, enum folding folding, uint8_t *fold, const char **why,
                        struct assay_error *error)
{
    size_t total[LABEL_COUNT] = {0};
    assay_status status = ASSAY_OK;
    *why = NULL;
    memset(fold, FOLD_NONE, scan->count);
    bool *used = mem_alloc(scan->count, sizeof *used);
    if (!used)
        return error_memory(error, "folds");
    for (size_t i = 0; i < scan->count; i++) {
        used[i] = !scan->pictures[i].problem && (!use || use[i]);
        total[scan->pictures[i].picture->label] += used[i];
    }
    if (total[LABEL_REAL] < FOLDS_MIN_PICTURES || total[LABEL_GENERATED] < FOLDS_MIN_PICTURES)
        *why = "fewer than ten pictures of a class";
    else if (folding == FOLDING_SOURCE)
        status = make_by_source(scan, used, total, fold, why, error);
    else
        status = make_random(scan, used, fold, error);
    mem_free(used);
    return status;
}
