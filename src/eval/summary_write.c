/* summary_write.c - the tables of a run as files. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "eval/robustness_curve.h"
#include "eval/summary_tables.h"

enum { FILE_MAX_BYTES = 1 << 30 };

static const char *const row_kinds[] = {[PROTOCOL_ROW_GENERATED] = "generated",
                                        [PROTOCOL_ROW_REAL] = "real",
                                        [PROTOCOL_ROW_ART] = "art",
                                        [PROTOCOL_ROW_GROUP] = "group",
                                        [PROTOCOL_ROW_MEAN] = "mean"};

static bool put(struct array *out, const char *text)
{
    return array_append(out, text, strlen(text));
}

/* Fields of a CSV line, each behind a comma but the first. */
static bool put_fields(struct array *out, const char *const *fields, size_t count)
{
    bool fits = true;
    for (size_t i = 0; i < count && fits; i++)
        fits = (i == 0 || put(out, ",")) && table_csv_field(fields[i], out);
    return fits;
}

static bool put_number(struct array *out, double value)
{
    char text[TABLE_NUMBER];
    return put(out, ",") && put(out, table_number(value, text));
}

/* ---- results.csv ------------------------------------------------------------------------------------------------- */

static bool put_results_heading(const struct summary *s, struct array *out)
{
    bool fits = put(out, "model,set,perturbation,protocol,kind,row,group,against,real,generated,real_unreadable,"
                         "generated_unreadable");
    for (int f = 0; f < FIGURE_COUNT && fits; f++) {
        const char *name = metrics_figure_info[f].name;
        fits = array_printf(out, ",%s", name) &&
               (s->evaluation->options.intervals == 0 || array_printf(out, ",%s_low,%s_high", name, name));
    }
    return fits && put(out, "\n");
}

static bool put_results_row(const struct summary *s, size_t set, size_t perturbation, size_t model,
                            const struct protocol_row *row, struct array *out)
{
    const struct evaluation *e = s->evaluation;
    const char *const fields[] = {e->models[model].name,
                                  e->sets[set].name,
                                  e->job.perturbations[perturbation],
                                  e->sets[set].protocol->name,
                                  row_kinds[row->kind],
                                  row->name,
                                  row->group,
                                  row->reals};
    bool fits =
        put_fields(out, fields, sizeof fields / sizeof fields[0]) &&
        array_printf(out, ",%zu,%zu,%zu,%zu", row->judged[0], row->judged[1], row->unreadable[0], row->unreadable[1]);
    for (int f = 0; f < FIGURE_COUNT && fits; f++)
        fits = put_number(out, row->figures.value[f]) &&
               (e->options.intervals == 0 ||
                (put_number(out, row->interval[f].low) && put_number(out, row->interval[f].high)));
    return fits && put(out, "\n");
}

static bool put_results(const struct summary *s, struct array *out)
{
    const struct evaluation *e = s->evaluation;
    bool fits = put_results_heading(s, out);
    for (size_t set = 0; set < e->set_count && fits; set++)
        for (size_t p = 0; p < e->job.perturbation_count && fits; p++)
            for (size_t m = 0; m < e->model_count && fits; m++) {
                const struct protocol_table *table = summary_table(s, set, p, m);
                for (size_t r = 0; r < table->count && fits; r++)
                    fits = put_results_row(s, set, p, m, &table->rows[r], out);
            }
    return fits;
}

/* ---- McNemar ----------------------------------------------------------------------------------------------------- */

static bool put_pairs(const struct summary *s, struct array *out)
{
    const struct evaluation *e = s->evaluation;
    bool fits = put(out, "set,perturbation,first,second,both_right,only_first_right,only_second_right,both_wrong,"
                         "exact_p,chi_squared,chi_squared_p\n");
    for (size_t i = 0; i < s->pair_count && fits; i++) {
        const struct summary_pair *p = &s->pairs[i];
        const char *const fields[] = {e->sets[p->set].name, e->job.perturbations[p->perturbation],
                                      e->models[p->first].name, e->models[p->second].name};
        fits = put_fields(out, fields, 4) &&
               array_printf(out, ",%llu,%llu,%llu,%llu", (unsigned long long)p->test.both_right,
                            (unsigned long long)p->test.only_first, (unsigned long long)p->test.only_second,
                            (unsigned long long)p->test.both_wrong) &&
               put_number(out, p->test.exact_p) && put_number(out, p->test.chi_squared) &&
               put_number(out, p->test.chi_squared_p) && put(out, "\n");
    }
    return fits;
}

/* ---- what was not judged ----------------------------------------------------------------------------------------- */

static assay_status put_unreadable(void *context, const struct prediction *p, struct assay_error *error)
{
    struct array *out = context;
    if (p->readable)
        return ASSAY_OK;
    const char *const fields[] = {p->set, p->picture, p->model, p->perturbation, p->problem};
    return put_fields(out, fields, 5) && put(out, "\n") ? ASSAY_OK : error_memory(error, "unreadable.csv");
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static assay_status write_file(const char *folder, const char *name, const struct array *text, bool fits,
                               struct arena *arena, struct assay_error *error)
{
    char *path = arena_printf(arena, "%s/%s", folder, name);
    return fits && path ? file_write(path, text->data, text->count, error) : error_memory(error, name);
}

/* PREFIX-SET.EXTENSION, the set's name with a '_' for what is not plain; its number where another's would be the
 * same. */
static const char *file_name(const struct summary *s, const char *prefix, size_t set, const char *extension,
                             struct arena *arena)
{
    const struct evaluation *e = s->evaluation;
    char *plain = arena_strdup(arena, e->sets[set].name);
    bool changed = false;
    for (char *c = plain; c && *c; c++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.", *c)) {
            *c = '_';
            changed = true;
        }
    if (!plain)
        return NULL;
    /* two names that differ only in case are one file on some systems, but the sets' folders would be too */
    return changed ? arena_printf(arena, "%s-%zu-%.100s.%s", prefix, set + 1, plain, extension)
                   : arena_printf(arena, "%s-%.100s.%s", prefix, plain, extension);
}

/* The tables of one set, one below the other. */
static assay_status put_tables(const struct summary *s, size_t set, struct arena *arena, struct array *csv,
                               struct array *latex, struct assay_error *error)
{
    static const char *const prefixes[] = {"figure", "perturbation"};
    const struct protocol *protocol = s->evaluation->sets[set].protocol;
    bool fits = true;
    for (int i = 0; i < PROTOCOL_SHOWN && protocol->shown[i] >= 0; i++)
        for (size_t p = 0; p < s->evaluation->job.perturbation_count && fits; p++) {
            struct table full, table;
            enum metrics_figure figure = (enum metrics_figure)protocol->shown[i];
            assay_status status = summary_by_row(s, set, p, figure, true, arena, &full, error);
            if (!status)
                status = summary_by_row(s, set, p, figure, false, arena, &table, error);
            if (status)
                return status;
            const char *const values[] = {metrics_figure_info[figure].name, s->evaluation->job.perturbations[p]};
            fits = table_csv(&full, prefixes, values, 2, csv->count == 0, csv) && table_latex(&table, latex);
        }
    return fits ? ASSAY_OK : error_memory(error, "a table");
}

static assay_status put_perturbations(const struct summary *s, size_t set, struct arena *arena, struct array *csv,
                                      struct array *latex, struct assay_error *error)
{
    static const char *const prefixes[] = {"figure"};
    const struct protocol *protocol = s->evaluation->sets[set].protocol;
    bool fits = true;
    for (int i = 0; i < PROTOCOL_SHOWN && protocol->shown[i] >= 0 && fits; i++) {
        struct table table;
        enum metrics_figure figure = (enum metrics_figure)protocol->shown[i];
        assay_status status = summary_by_perturbation(s, set, figure, arena, &table, error);
        if (status)
            return status;
        fits = table_csv(&table, prefixes, &metrics_figure_info[figure].name, 1, csv->count == 0, csv) &&
               table_latex(&table, latex);
    }
    return fits ? ASSAY_OK : error_memory(error, "a table");
}

static assay_status write_set(const struct summary *s, size_t set, bool by_perturbation, const char *folder,
                              struct arena *arena, struct assay_error *error)
{
    const char *prefix = by_perturbation ? "perturbations" : "table";
    const char *csv_name = file_name(s, prefix, set, "csv", arena),
               *latex_name = file_name(s, prefix, set, "tex", arena);
    struct array csv = array_of(1, FILE_MAX_BYTES), latex = array_of(1, FILE_MAX_BYTES);
    assay_status status = ASSAY_OK;
    if (!csv_name || !latex_name)
        status = error_memory(error, "a table");
    if (!status)
        status = by_perturbation ? put_perturbations(s, set, arena, &csv, &latex, error)
                                 : put_tables(s, set, arena, &csv, &latex, error);
    if (!status)
        status = write_file(folder, csv_name, &csv, true, arena, error);
    if (!status)
        status = write_file(folder, latex_name, &latex, true, arena, error);
    array_free(&csv);
    array_free(&latex);
    return status;
}

/* ---- curves ------------------------------------------------------------------------------------------------------ */

/* The number of a perturbation that is `text`, or the count of all. */
static size_t find_perturbation(const struct runner_job *job, const char *text)
{
    size_t p = 0;
    while (p < job->perturbation_count && strcmp(job->perturbations[p], text) != 0)
        p++;
    return p;
}

/* The curve of one model on one set; nothing where the pictures as they are were not judged. */
static assay_status put_curve(const struct evaluation *e, const struct results *results, size_t sweep_index, size_t set,
                              size_t model, struct array *out, struct assay_error *error)
{
    const struct robustness_sweep *sweep = e->sweeps[sweep_index];
    /* where no intervals are asked for, curves have theirs by the default number of replicates */
    const struct robustness_options options = {
        .bootstrap = {.seed = (uint64_t)e->options.seed, .replicates = (uint32_t)e->options.intervals}};
    size_t pictures = e->sets[set].taken.count, count = 0, all;
    struct robustness_curve curve = {0};
    struct prediction *predictions = NULL;
    if (size_mul(pictures, (size_t)sweep->count + 1, &all))
        predictions = mem_alloc(all, sizeof *predictions);
    if (!predictions)
        return error_memory(error, "the predictions of a sweep");
    for (int point = -1; point < sweep->count; point++) {
        const char *chain = point < 0 ? "" : sweep->points[point].chain;
        size_t p = find_perturbation(&e->job, chain);
        bool again = point >= 0 && !chain[0]; /* a point that is the picture as it is has its predictions already */
        if (p == e->job.perturbation_count || again)
            continue;
        results_predictions(results, set, p, model, predictions + count);
        count += pictures;
    }
    assay_status status = ASSAY_OK;
    const char *model_name = e->models[model].name, *set_name = e->sets[set].name;
    if (robustness_covered(sweep, model_name, set_name, predictions, count))
        status = robustness_curve_make(sweep, model_name, set_name, predictions, count, &options, &curve, error);
    if (!status && curve.values)
        status = robustness_csv(&curve, out, error);
    robustness_curve_free(&curve);
    mem_free(predictions);
    return status;
}

static assay_status put_curves(const struct evaluation *e, const struct results *results, struct array *out,
                               struct assay_error *error)
{
    assay_status status = robustness_csv_head(out, error);
    for (size_t i = 0; i < e->sweep_count && !status; i++)
        for (size_t set = 0; set < e->set_count && !status; set++)
            for (size_t m = 0; m < e->model_count && !status; m++)
                status = put_curve(e, results, i, set, m, out, error);
    return status;
}

assay_status summary_write(const struct summary *s, const struct results *results, const char *predictions,
                           const char *folder, struct assay_error *error)
{
    const struct evaluation *e = s->evaluation;
    struct arena arena = {0};
    struct array text = array_of(1, FILE_MAX_BYTES);
    assay_status status = write_file(folder, "results.csv", &text, put_results(s, &text), &arena, error);
    for (size_t set = 0; set < e->set_count && !status; set++) {
        status = write_set(s, set, false, folder, &arena, error);
        if (!status && e->job.perturbation_count > 1)
            status = write_set(s, set, true, folder, &arena, error);
    }
    if (!status && e->sweep_count) {
        text.count = 0;
        status = put_curves(e, results, &text, error);
        if (!status)
            status = write_file(folder, "robustness.csv", &text, true, &arena, error);
    }
    if (!status && s->pair_count) {
        text.count = 0;
        status = write_file(folder, "mcnemar.csv", &text, put_pairs(s, &text), &arena, error);
    }
    if (!status) {
        text.count = 0;
        if (!put(&text, "set,picture,model,perturbation,problem\n"))
            status = error_memory(error, "unreadable.csv");
        else
            status = predictions_scan(predictions, put_unreadable, &text, NULL, error);
    }
    if (!status)
        status = write_file(folder, "unreadable.csv", &text, true, &arena, error);
    array_free(&text);
    arena_free(&arena);
    return status;
}
