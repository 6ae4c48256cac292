/* summary_tables.c - rows of protocols to columns of tables. */
#include "eval/summary_tables.h"

#include <math.h>
#include <string.h>

const char *summary_perturbation_name(const struct summary *s, size_t perturbation)
{
    const char *text = s->evaluation->job.perturbations[perturbation];
    return text[0] ? text : "untouched";
}

/* What a table has columns of; groups repeat what rows say. */
static bool is_column(const struct protocol_row *row)
{
    return row->kind != PROTOCOL_ROW_GROUP;
}

static struct table table_of(const struct summary *s, enum metrics_figure figure, const char **rows)
{
    const struct metrics_figure_info *info = &metrics_figure_info[figure];
    for (size_t m = 0; m < s->evaluation->model_count; m++)
        rows[m] = s->evaluation->models[m].name;
    return (struct table){.corner = "method",
                          .rows = rows,
                          .row_count = s->evaluation->model_count,
                          .percent = info->percent,
                          .smaller_is_better = info->smaller_is_better};
}

static const char *title_of(const struct metrics_figure_info *info)
{
    return info->title;
}

static const char *unit_of(const struct metrics_figure_info *info)
{
    return info->percent ? ", %" : "";
}

static const char *warning_of(const struct metrics_figure_info *info)
{
    return info->optimistic ? " (optimistic: the threshold was chosen on these pictures)" : "";
}

/* The row of that kind and name: what a model lacks (none does, unless no picture of a row could be judged) is NULL. */
static const struct protocol_row *find_row(const struct protocol_table *table, const struct protocol_row *like)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].kind == like->kind && strcmp(table->rows[i].name, like->name) == 0)
            return &table->rows[i];
    return NULL;
}

/* Whether a row has the figure by any model; a mean always counts. */
static bool has_value(const struct summary *s, size_t set, size_t perturbation, enum metrics_figure figure,
                      const struct protocol_row *like)
{
    bool found = like->kind == PROTOCOL_ROW_MEAN;
    for (size_t m = 0; m < s->evaluation->model_count && !found; m++) {
        const struct protocol_row *row = find_row(summary_table(s, set, perturbation, m), like);
        found = row && !isnan(row->figures.value[figure]);
    }
    return found;
}

assay_status summary_by_row(const struct summary *s, size_t set, size_t perturbation, enum metrics_figure figure,
                            bool full, struct arena *arena, struct table *out, struct assay_error *error)
{
    const struct evaluation *e = s->evaluation;
    const struct metrics_figure_info *info = &metrics_figure_info[figure];
    const struct protocol_table *first = summary_table(s, set, perturbation, 0);
    const char **rows = arena_alloc(arena, e->model_count, sizeof *rows);
    const char **columns = arena_alloc(arena, first->count + 1, sizeof *columns);
    double *values = arena_alloc(arena, (first->count + 1) * e->model_count, sizeof *values);
    char *title = arena_printf(arena, "%s, %s, protocol %s: %s%s%s", e->sets[set].name,
                               summary_perturbation_name(s, perturbation), e->sets[set].protocol->name, title_of(info),
                               unit_of(info), warning_of(info));
    if (!rows || !columns || !values || !title)
        return error_memory(error, "a table");
    struct table table = table_of(s, figure, rows);
    const struct protocol_row **taken = arena_alloc(arena, first->count + 1, sizeof *taken);
    if (!taken)
        return error_memory(error, "a table");
    for (size_t i = 0; i < first->count; i++)
        if (is_column(&first->rows[i]) && (full || has_value(s, set, perturbation, figure, &first->rows[i]))) {
            taken[table.column_count] = &first->rows[i];
            columns[table.column_count++] = first->rows[i].name;
            table.last_apart = first->rows[i].kind == PROTOCOL_ROW_MEAN;
        }
    for (size_t m = 0; m < e->model_count; m++)
        for (size_t c = 0; c < table.column_count; c++) {
            const struct protocol_row *row = find_row(summary_table(s, set, perturbation, m), taken[c]);
            values[m * table.column_count + c] = row ? row->figures.value[figure] : NAN;
        }
    table.title = title;
    table.columns = columns;
    table.values = values;
    *out = table;
    return ASSAY_OK;
}

assay_status summary_of_model(const struct summary *s, size_t set, size_t perturbation, size_t model,
                              struct arena *arena, struct table *out, struct assay_error *error)
{
    const struct evaluation *e = s->evaluation;
    const struct protocol *protocol = e->sets[set].protocol;
    const struct protocol_table *from = summary_table(s, set, perturbation, model);
    const char **rows = arena_alloc(arena, from->count + 1, sizeof *rows);
    const char **columns = arena_alloc(arena, PROTOCOL_SHOWN, sizeof *columns);
    bool *percent = arena_alloc(arena, PROTOCOL_SHOWN, sizeof *percent);
    double *values = arena_alloc(arena, (from->count + 1) * PROTOCOL_SHOWN, sizeof *values);
    char *title = arena_printf(arena, "%s by %s, %s, protocol %s", e->sets[set].name, e->models[model].name,
                               summary_perturbation_name(s, perturbation), protocol->name);
    if (!rows || !columns || !percent || !values || !title)
        return error_memory(error, "a table");
    struct table table = {.title = title, .corner = "generator", .rows = rows, .columns = columns, .values = values};
    table.column_percent = percent;
    for (int i = 0; i < PROTOCOL_SHOWN && protocol->shown[i] >= 0; i++) {
        const struct metrics_figure_info *info = &metrics_figure_info[protocol->shown[i]];
        columns[i] =
            arena_printf(arena, "%s%s%s", info->title, info->percent ? " %" : "", info->optimistic ? " (!)" : "");
        percent[i] = info->percent;
        if (!columns[i])
            return error_memory(error, "a table");
        table.column_count++;
        if (info->optimistic) /* says what the mark means */
            table.title = arena_printf(arena, "%s; (!) optimistic: the threshold was chosen on these pictures", title);
        if (!table.title)
            return error_memory(error, "a table");
    }
    for (size_t r = 0; r < from->count; r++) {
        rows[table.row_count] = from->rows[r].name;
        for (size_t c = 0; c < table.column_count; c++)
            values[table.row_count * table.column_count + c] = from->rows[r].figures.value[protocol->shown[c]];
        table.row_count++;
    }
    *out = table;
    return ASSAY_OK;
}

assay_status summary_by_perturbation(const struct summary *s, size_t set, enum metrics_figure figure,
                                     struct arena *arena, struct table *out, struct assay_error *error)
{
    const struct evaluation *e = s->evaluation;
    const struct metrics_figure_info *info = &metrics_figure_info[figure];
    size_t count = e->job.perturbation_count;
    const char **rows = arena_alloc(arena, e->model_count, sizeof *rows);
    const char **columns = arena_alloc(arena, count, sizeof *columns);
    double *values = arena_alloc(arena, count * e->model_count, sizeof *values);
    char *title =
        arena_printf(arena, "%s by perturbation, protocol %s, %s: %s%s%s", e->sets[set].name,
                     e->sets[set].protocol->name, e->sets[set].protocol->mean == PROTOCOL_MEAN_NONE ? "all" : "mean",
                     title_of(info), unit_of(info), warning_of(info));
    if (!rows || !columns || !values || !title)
        return error_memory(error, "a table");
    struct table table = table_of(s, figure, rows);
    for (size_t p = 0; p < count; p++) {
        columns[p] = summary_perturbation_name(s, p);
        for (size_t m = 0; m < e->model_count; m++) {
            const struct protocol_table *from = summary_table(s, set, p, m);
            values[m * count + p] = from->count ? from->rows[from->count - 1].figures.value[figure] : NAN;
        }
    }
    table.title = title;
    table.columns = columns;
    table.column_count = count;
    table.values = values;
    *out = table;
    return ASSAY_OK;
}
