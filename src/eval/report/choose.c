/* choose.c - which pictures the report lists: the wrong ones first, then the least and the most certain. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "eval/report/index.h"

static int by_falling_certainty(const void *left, const void *right)
{
    const struct prediction *a = *(const struct prediction *const *)left, *b = *(const struct prediction *const *)right;
    double x = fabs(a->logit), y = fabs(b->logit);
    return x > y ? -1 : x < y ? 1 : a < b ? -1 : a > b; /* equal ones: as they were given */
}

static bool add_choice(struct array *items, const struct prediction *prediction, enum report_choice_kind kind)
{
    struct report_choice *choice = array_push(items);
    if (choice)
        *choice = (struct report_choice){prediction, kind};
    return choice != NULL;
}

/* The choices of one group. */
static assay_status choose_group(struct report_group group, struct array *items, struct assay_error *error)
{
    const struct prediction **sorted = mem_alloc(group.count + 1, sizeof *sorted);
    bool fits = sorted != NULL;
    size_t wrong = 0, right = 0; /* the wrong ones at the front, the right ones behind them */
    for (int pass = 0; pass < 2 && fits; pass++)
        for (size_t i = 0; i < group.count; i++) {
            if (!group.items[i]->readable || report_is_right(group.items[i]) != (pass == 1))
                continue;
            sorted[wrong + right] = group.items[i];
            *(pass ? &right : &wrong) += 1;
        }
    if (fits) {
        qsort(sorted, wrong, sizeof *sorted, by_falling_certainty);
        qsort(sorted + wrong, right, sizeof *sorted, by_falling_certainty);
    }
    for (size_t i = 0; i < wrong && i < REPORT_WRONG_SHOWN && fits; i++)
        fits = add_choice(items, sorted[i], REPORT_WRONG);
    /* where there are few, none is listed twice */
    size_t least = right < REPORT_OTHERS_SHOWN ? right : REPORT_OTHERS_SHOWN;
    size_t most = right - least < REPORT_OTHERS_SHOWN ? right - least : REPORT_OTHERS_SHOWN;
    for (size_t i = 0; i < least && fits; i++)
        fits = add_choice(items, sorted[wrong + right - 1 - i], REPORT_LEAST_CERTAIN);
    for (size_t i = 0; i < most && fits; i++)
        fits = add_choice(items, sorted[wrong + i], REPORT_MOST_CERTAIN);
    mem_free(sorted);
    return fits ? ASSAY_OK : error_memory(error, "the report");
}

assay_status report_choose(const struct prediction *predictions, size_t count, struct report_choices *out,
                           struct assay_error *error)
{
    struct report_index index = {0};
    struct array items = array_of(sizeof(struct report_choice), SIZE_MAX / sizeof(struct report_choice));
    *out = (struct report_choices){0};
    assay_status status = report_index_make(predictions, count, NULL, 0, &index, error);
    for (size_t set = 0; !status && set < report_names_count(&index.sets); set++)
        for (size_t model = 0; !status && model < report_names_count(&index.models); model++)
            status = choose_group(report_group_of(&index, set, model, index.plain[set]), &items, error);
    report_index_free(&index);
    if (status)
        array_free(&items);
    else
        *out = (struct report_choices){items.data, items.count};
    return status;
}

void report_choices_free(struct report_choices *choices)
{
    mem_free(choices->items);
    *choices = (struct report_choices){0};
}
