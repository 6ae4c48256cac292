/* summary_text.c - the tables of a run for a terminal. */
#include <math.h>

#include "eval/summary_tables.h"

static assay_status put_table(const struct table *table, size_t width, struct array *out, struct assay_error *error)
{
    return table_text(table, width, out) && array_append(out, "\n", 1) ? ASSAY_OK : error_memory(error, "a table");
}

static assay_status put_set(const struct summary *s, size_t set, size_t width, struct arena *arena, struct array *out,
                            struct assay_error *error)
{
    const struct protocol *protocol = s->evaluation->sets[set].protocol;
    struct table table;
    assay_status status = ASSAY_OK;
    bool alone = s->evaluation->model_count == 1; /* then all figures fit into one table */
    if (alone) {
        status = summary_of_model(s, set, 0, 0, arena, &table, error);
        if (!status)
            status = put_table(&table, width, out, error);
    }
    for (int i = 0; i < PROTOCOL_SHOWN && protocol->shown[i] >= 0 && !alone && !status; i++) {
        status = summary_by_row(s, set, 0, (enum metrics_figure)protocol->shown[i], false, arena, &table, error);
        if (!status)
            status = put_table(&table, width, out, error);
    }
    if (s->evaluation->job.perturbation_count < 2 || status)
        return status;
    status = summary_by_perturbation(s, set, protocol_leading(protocol), arena, &table, error);
    return status ? status : put_table(&table, width, out, error);
}

/* Only without perturbation: all are in mcnemar.csv. */
static bool put_pairs(const struct summary *s, struct array *out)
{
    bool fits = true;
    for (size_t i = 0; i < s->pair_count && fits; i++) {
        const struct summary_pair *p = &s->pairs[i];
        const struct evaluation *e = s->evaluation;
        if (p->perturbation)
            continue;
        fits =
            array_printf(out, "%s, %s: %s alone is right %llu times, %s alone %llu times; McNemar's exact p = %.3g\n",
                         e->sets[p->set].name, summary_perturbation_name(s, 0), e->models[p->first].name,
                         (unsigned long long)p->test.only_first, e->models[p->second].name,
                         (unsigned long long)p->test.only_second, p->test.exact_p);
    }
    return fits;
}

assay_status summary_text(const struct summary *s, size_t width, struct array *out, struct assay_error *error)
{
    struct arena arena = {0};
    assay_status status = ASSAY_OK;
    for (size_t set = 0; set < s->evaluation->set_count && !status; set++)
        status = put_set(s, set, width, &arena, out, error);
    if (!status && !put_pairs(s, out))
        status = error_memory(error, "a table");
    arena_free(&arena);
    return status;
}
