/* runner_problems.c - a queue that is filled nearly in order and emptied in order. */
#include "eval/runner_problems.h"

#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"

struct problem {
    size_t picture;
    char *why;
};

void runner_problems_begin(struct runner_problems *p)
{
    *p = (struct runner_problems){.items = array_of(sizeof(struct problem), LIMIT_DATASET_FILES)};
    pthread_mutex_init(&p->mutex, NULL);
}

void runner_problems_end(struct runner_problems *p)
{
    struct problem *items = p->items.data;
    for (size_t i = p->taken; i < p->items.count; i++)
        mem_free(items[i].why);
    array_free(&p->items);
    pthread_mutex_destroy(&p->mutex);
}

void runner_problems_add(struct runner_problems *p, size_t picture, const char *why)
{
    struct problem problem = {picture, mem_strdup(why)};
    pthread_mutex_lock(&p->mutex);
    if (problem.why && array_append(&p->items, &problem, 1)) {
        struct problem *items = p->items.data;
        size_t at = p->items.count - 1; /* threads are at most a few batches out of step */
        for (; at > p->taken && items[at - 1].picture > picture; at--)
            items[at] = items[at - 1];
        items[at] = problem;
    } else {
        mem_free(problem.why);
        p->lost = true;
    }
    pthread_mutex_unlock(&p->mutex);
}

char *runner_problems_take(struct runner_problems *p, size_t picture)
{
    char *why = NULL;
    pthread_mutex_lock(&p->mutex);
    struct problem *items = p->items.data;
    if (p->taken < p->items.count && items[p->taken].picture == picture) {
        why = items[p->taken++].why;
        if (p->taken > p->items.count / 2) { /* what is used up is dropped */
            p->items.count -= p->taken;
            memmove(items, items + p->taken, p->items.count * sizeof *items);
            p->taken = 0;
        }
    }
    pthread_mutex_unlock(&p->mutex);
    return why;
}
