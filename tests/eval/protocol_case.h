/* protocol_case.h - small datasets and predictions for the tests of protocols, written down picture by picture. */
#ifndef ASSAY_TESTS_EVAL_PROTOCOL_CASE_H
#define ASSAY_TESTS_EVAL_PROTOCOL_CASE_H

#include "near.h"

#include <stdio.h>
#include <string.h>

#include "eval/protocol.h"

enum { CASE_MOST = 6000, CASE_SOURCES = 40, CASE_NAME = 64 };

/* Pictures in the order in which they were added, judged by one model. */
struct protocol_case {
    size_t count, source_count;
    struct dataset_picture pictures[CASE_MOST];
    struct prediction predictions[CASE_MOST];
    struct dataset_source sources[CASE_SOURCES];
    char names[CASE_MOST][CASE_NAME];
};

/* A picture of a source of a class, and its logit. Returns its index. */
static inline size_t case_add(struct protocol_case *c, int label, const char *source, const char *file, double logit)
{
    size_t s = 0;
    while (s < c->source_count && (c->sources[s].label != label || strcmp(c->sources[s].name, source) != 0))
        s++;
    assert_true(s < CASE_SOURCES && c->count < CASE_MOST);
    bool art = strncmp(source, "art-", 4) == 0;
    if (s == c->source_count)
        c->sources[c->source_count++] = (struct dataset_source){.name = source, .label = label, .art = art};
    size_t i = c->count++;
    snprintf(c->names[i], CASE_NAME, "%s/%s", source, file);
    c->pictures[i] =
        (struct dataset_picture){.path = c->names[i], .name = c->names[i], .source = (uint32_t)s, .label = label};
    c->predictions[i] = (struct prediction){.model = "m",
                                            .set = "s",
                                            .perturbation = "",
                                            .picture = c->names[i],
                                            .source = source,
                                            .label = label,
                                            .art = art,
                                            .readable = true,
                                            .logit = logit,
                                            .probability = 1 / (1 + exp(-logit)),
                                            .verdict = logit > 1    ? ASSAY_GENERATED
                                                       : logit < -1 ? ASSAY_REAL
                                                                    : ASSAY_UNCERTAIN};
    c->sources[s].count++;
    return i;
}

/* `count` pictures SOURCE/0000.png ..., whose logits are `logit` and alternately `step` more. */
static inline void case_fill(struct protocol_case *c, int label, const char *source, size_t count, double logit,
                             double step)
{
    for (size_t i = 0; i < count; i++) {
        char file[16];
        snprintf(file, sizeof file, "%04zu.png", i);
        case_add(c, label, source, file, logit + (i % 2 ? step : 0));
    }
}

static inline struct dataset case_dataset(struct protocol_case *c)
{
    return (struct dataset){.pictures = c->pictures,
                            .count = c->count,
                            .sources = c->sources,
                            .source_count = c->source_count};
}

static inline struct protocol_table case_table(const struct protocol_case *c, const char *protocol,
                                               const struct protocol_options *options)
{
    struct protocol_table table;
    struct assay_error error = {0};
    assert_non_null(protocol_find(protocol));
    if (protocol_summarise(protocol_find(protocol), c->predictions, c->count, options, &table, &error))
        fail_msg("%s: %s", protocol, error.message);
    return table;
}

static inline const struct protocol_row *case_row(const struct protocol_table *table, enum protocol_row_kind kind,
                                                  const char *name)
{
    for (size_t r = 0; r < table->count; r++)
        if (table->rows[r].kind == kind && strcmp(table->rows[r].name, name) == 0)
            return &table->rows[r];
    fail_msg("there is no row %s", name);
    return NULL;
}

/* A figure of a row must have a value. */
static inline void case_is(const struct protocol_table *table, enum protocol_row_kind kind, const char *name,
                           enum metrics_figure figure, double value)
{
    near_to(metrics_figure_info[figure].name, name, case_row(table, kind, name)->figures.value[figure], value);
}

#endif
