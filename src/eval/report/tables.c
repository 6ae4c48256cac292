/* tables.c - figures by model, set, generator and perturbation; McNemar's test; what could not be judged. */
#include "eval/report/tables.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "data/dataset.h"
#include "eval/metrics_mcnemar.h"

enum { PROBLEMS_SHOWN = 200, PAIRS_SHOWN = 45 };

void report_figure(struct markup *out, enum metrics_figure figure, double value)
{
    bool percent = metrics_figure_info[figure].percent;
    markup_number(out, percent ? 100 * value : value, percent ? 1 : 3);
}

int report_columns(const struct protocol *protocol, enum metrics_figure columns[FIGURE_COUNT])
{
    static const enum metrics_figure ours[] = {FIGURE_BALANCED_ACCURACY,
                                               FIGURE_REAL_ACCURACY,
                                               FIGURE_GENERATED_ACCURACY,
                                               FIGURE_AVERAGE_PRECISION,
                                               FIGURE_AUROC,
                                               FIGURE_CALIBRATION_ERROR,
                                               FIGURE_FALSE_ALARMS,
                                               FIGURE_VERDICT_UNCERTAIN};
    bool taken[FIGURE_COUNT] = {false};
    int count = 0;
    for (int i = 0; i < PROTOCOL_SHOWN && protocol->shown[i] >= 0; i++)
        if (!taken[protocol->shown[i]]) {
            columns[count++] = (enum metrics_figure)protocol->shown[i];
            taken[protocol->shown[i]] = true;
        }
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (!taken[ours[i]])
            columns[count++] = ours[i];
    return count;
}

/* ---- Pieces --------------------------------------------------------------------------------------------------- */

/* A table that can be scrolled sideways, also by keys, with a caption. The caller closes it with end_table. */
static void begin_table(struct markup *out, const char *caption)
{
    markup_raw(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"");
    markup_text(out, caption);
    markup_raw(out, "\"><table><caption><span>");
    markup_text(out, caption);
    markup_raw(out, "</span></caption><thead><tr>");
}

static void end_table(struct markup *out)
{
    markup_raw(out, "</tbody></table></div>\n");
}

static void column(struct markup *out, const char *title)
{
    markup_raw(out, "<th scope=\"col\"><bdi>");
    markup_text(out, title);
    markup_raw(out, "</bdi></th>");
}

static void figure_column(struct markup *out, enum metrics_figure figure)
{
    const struct metrics_figure_info *info = &metrics_figure_info[figure];
    markup_raw(out, "<th scope=\"col\"><abbr title=\"");
    markup_text(out, info->help);
    markup_raw(out, "\">");
    markup_text(out, info->title);
    markup_raw(out, "</abbr>");
    markup_raw(out, info->smaller_is_better
                        ? " <span class=\"dir\" title=\"smaller is better\">\xe2\x86\x93</span></th>"
                        : "</th>");
}

static void row_head(struct markup *out, const char *name, const char *after)
{
    markup_raw(out, "<tr><th scope=\"row\"><bdi>");
    markup_text(out, name);
    markup_printf(out, "</bdi>%s</th>", after);
}

static void count_cell(struct markup *out, size_t count)
{
    markup_raw(out, "<td>");
    markup_count(out, count);
    markup_raw(out, "</td>");
}

/* Whether a figure of a row is worth telling: probabilities cannot be checked where there is only one class. */
static bool is_told(const struct protocol_row *row, enum metrics_figure figure)
{
    bool one_class = row->judged[LABEL_REAL] == 0 || row->judged[LABEL_GENERATED] == 0;
    return isfinite(row->figures.value[figure]) && !(one_class && figure == FIGURE_CALIBRATION_ERROR);
}

/* A cell, not yet closed, with a figure and its interval; the best of its column is marked by weight and sign. */
static void open_figure_cell(struct markup *out, const struct protocol_row *row, enum metrics_figure figure, bool best)
{
    if (!row || !is_told(row, figure)) {
        markup_raw(out, "<td><span class=\"none\">-</span>");
        return;
    }
    markup_raw(out, best ? "<td class=\"best\">" : "<td>");
    report_figure(out, figure, row->figures.value[figure]);
    if (best)
        markup_raw(out, "<span title=\"best\">*</span>");
    const struct metrics_interval *interval = &row->interval[figure];
    if (isfinite(interval->low) && isfinite(interval->high)) {
        markup_raw(out, "<span class=\"interval\">");
        report_figure(out, figure, interval->low);
        markup_raw(out, "\xe2\x80\x93");
        report_figure(out, figure, interval->high);
        markup_raw(out, "</span>");
    }
}

static void figure_cell(struct markup *out, const struct protocol_row *row, enum metrics_figure figure, bool best)
{
    open_figure_cell(out, row, figure, best);
    markup_raw(out, "</td>");
}

/* The mean row of a model, or NULL. */
static const struct protocol_row *mean_of(const struct report *report, size_t set, size_t model, size_t perturbation)
{
    const struct protocol_table *table = report_find_table(report, set, model, perturbation);
    return table ? report_mean_row(table) : NULL;
}

/* The best value among models; NaN where there are none, or one model only: then nothing is best. */
static double best_of(const struct report *report, size_t set, size_t perturbation, enum metrics_figure figure)
{
    double best = NAN;
    size_t models = report_names_count(&report->index.models);
    for (size_t m = 0; m < models && models > 1; m++) {
        const struct protocol_row *row = mean_of(report, set, m, perturbation);
        double value = row ? row->figures.value[figure] : NAN;
        if (isfinite(value) && !(metrics_figure_info[figure].smaller_is_better ? best <= value : best >= value))
            best = value;
    }
    return best;
}

static const char *plain_words(const struct report *report, size_t set)
{
    return report_perturbation_words(report_name(&report->index.perturbations, report->index.plain[set]));
}

/* ---- Figures -------------------------------------------------------------------------------------------------- */

void report_table_matrix(struct report *report, struct markup *out)
{
    size_t sets = report_names_count(&report->index.sets);
    begin_table(out, "Every model on every set: the figure that leads each set's protocol");
    column(out, "model");
    for (size_t set = 0; set < sets; set++) {
        markup_raw(out, "<th scope=\"col\"><bdi>");
        markup_text(out, report_name(&report->index.sets, set));
        markup_raw(out, "</bdi><span class=\"interval\">");
        markup_text(out, metrics_figure_info[report_leading(report, set)].title);
        markup_raw(out, "</span></th>");
    }
    markup_raw(out, "</tr></thead><tbody>");
    for (size_t model = 0; model < report_names_count(&report->index.models); model++) {
        row_head(out, report_name(&report->index.models, model), "");
        for (size_t set = 0; set < sets; set++) {
            enum metrics_figure figure = report_leading(report, set);
            const struct protocol_row *row = mean_of(report, set, model, report->index.plain[set]);
            figure_cell(out, row, figure,
                        row && row->figures.value[figure] == best_of(report, set, report->index.plain[set], figure));
        }
        markup_raw(out, "</tr>");
    }
    end_table(out);
}

void report_table_set(struct report *report, struct markup *out, size_t set)
{
    enum metrics_figure columns[FIGURE_COUNT];
    int count = report_columns(report_protocol(report, set), columns);
    begin_table(out, report_words(report, "%s, %s: mean of each model", report_name(&report->index.sets, set),
                                  plain_words(report, set)));
    column(out, "model");
    column(out, "real");
    column(out, "generated");
    for (int c = 0; c < count; c++)
        figure_column(out, columns[c]);
    markup_raw(out, "</tr></thead><tbody>");
    for (size_t model = 0; model < report_names_count(&report->index.models); model++) {
        const struct protocol_row *row = mean_of(report, set, model, report->index.plain[set]);
        if (!row)
            continue;
        row_head(out, report_name(&report->index.models, model), "");
        count_cell(out, row->judged[LABEL_REAL]);
        count_cell(out, row->judged[LABEL_GENERATED]);
        for (int c = 0; c < count; c++)
            figure_cell(out, row, columns[c],
                        row->figures.value[columns[c]] == best_of(report, set, report->index.plain[set], columns[c]));
        markup_raw(out, "</tr>");
    }
    end_table(out);
}

static const char *row_kind_words(const struct protocol_row *row)
{
    switch (row->kind) {
    case PROTOCOL_ROW_REAL: return " <span class=\"kind\">real</span>";
    case PROTOCOL_ROW_ART: return " <span class=\"kind\">art, real</span>";
    case PROTOCOL_ROW_GROUP: return " <span class=\"kind\">mean of the group</span>";
    case PROTOCOL_ROW_GENERATED:
    case PROTOCOL_ROW_MEAN: break;
    }
    return "";
}

/* The row of that kind and name in another model's table, or NULL. */
static const struct protocol_row *same_row(const struct protocol_table *table, const struct protocol_row *row)
{
    for (size_t i = 0; table && i < table->count; i++)
        if (table->rows[i].kind == row->kind && strcmp(table->rows[i].name, row->name) == 0)
            return &table->rows[i];
    return NULL;
}

/* Puts figures that rows other than the mean have before those that only the mean has. */
static void told_first(const struct protocol_table *table, enum metrics_figure *columns, int count)
{
    enum metrics_figure sorted[FIGURE_COUNT];
    int used = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int c = 0; c < count; c++) {
            bool told = false;
            for (size_t i = 0; i < table->count && !told; i++)
                told = table->rows[i].kind != PROTOCOL_ROW_MEAN && is_told(&table->rows[i], columns[c]);
            if (told == (pass == 0))
                sorted[used++] = columns[c];
        }
    memcpy(columns, sorted, (size_t)count * sizeof *columns);
}

/* One model: rows by figures. */
static void table_of_model(struct report *report, struct markup *out, size_t set, size_t model,
                           const struct protocol_table *table)
{
    enum metrics_figure columns[FIGURE_COUNT];
    int count = report_columns(report_protocol(report, set), columns);
    told_first(table, columns, count);
    begin_table(out,
                report_words(report, "%s on %s, %s, by row of the protocol", report_name(&report->index.models, model),
                             report_name(&report->index.sets, set), plain_words(report, set)));
    column(out, "row");
    column(out, "real");
    column(out, "generated");
    for (int c = 0; c < count; c++)
        figure_column(out, columns[c]);
    markup_raw(out, "</tr></thead><tbody>");
    for (size_t i = 0; i < table->count; i++) {
        const struct protocol_row *row = &table->rows[i];
        row_head(out, row->name, row_kind_words(row));
        count_cell(out, row->judged[LABEL_REAL]);
        count_cell(out, row->judged[LABEL_GENERATED]);
        for (int c = 0; c < count; c++)
            figure_cell(out, row, columns[c], false);
        markup_raw(out, "</tr>");
    }
    end_table(out);
}

void report_table_rows(struct report *report, struct markup *out, size_t set)
{
    size_t models = report_names_count(&report->index.models), plain = report->index.plain[set];
    enum metrics_figure figure = report_leading(report, set);
    const struct protocol_table *first = NULL;
    for (size_t m = 0; m < models && !first; m++)
        first = report_find_table(report, set, m, plain);
    if (first && models > 1) {
        begin_table(out,
                    report_words(report,
                                 "%s, %s: %s of each model by row of the protocol; of rows with a single class the "
                                 "share judged right",
                                 report_name(&report->index.sets, set), plain_words(report, set),
                                 metrics_figure_info[figure].title));
        column(out, "row");
        for (size_t m = 0; m < models; m++)
            column(out, report_name(&report->index.models, m));
        markup_raw(out, "</tr></thead><tbody>");
        for (size_t i = 0; i < first->count; i++) {
            row_head(out, first->rows[i].name, row_kind_words(&first->rows[i]));
            for (size_t m = 0; m < models; m++) {
                const struct protocol_row *row = same_row(report_find_table(report, set, m, plain), &first->rows[i]);
                figure_cell(out, row, row && !is_told(row, figure) ? FIGURE_ACCURACY : figure, false);
            }
            markup_raw(out, "</tr>");
        }
        end_table(out);
    }
    for (size_t m = 0; m < models; m++) {
        const struct protocol_table *table = report_find_table(report, set, m, plain);
        if (table)
            table_of_model(report, out, set, m, table);
    }
}

size_t report_perturbed(const struct report *report, size_t set)
{
    size_t count = 0, models = report_names_count(&report->index.models);
    for (size_t p = 0; p < report_names_count(&report->index.perturbations); p++) {
        bool any = false;
        for (size_t m = 0; m < models; m++)
            any = any || report_group_of(&report->index, set, m, p).count || report_find_table(report, set, m, p);
        count += any;
    }
    return count;
}

void report_table_perturbations(struct report *report, struct markup *out, size_t set)
{
    size_t models = report_names_count(&report->index.models);
    enum metrics_figure figure = report_leading(report, set);
    begin_table(out, report_words(report, "%s: %s of each model under every perturbation, and the change",
                                  report_name(&report->index.sets, set), metrics_figure_info[figure].title));
    column(out, "perturbation");
    for (size_t m = 0; m < models; m++)
        column(out, report_name(&report->index.models, m));
    markup_raw(out, "</tr></thead><tbody>");
    for (size_t p = 0; p < report_names_count(&report->index.perturbations); p++) {
        bool any = false;
        for (size_t m = 0; m < models; m++)
            any = any || report_find_table(report, set, m, p);
        if (!any)
            continue;
        row_head(out, report_perturbation_words(report_name(&report->index.perturbations, p)), "");
        for (size_t m = 0; m < models; m++) {
            const struct protocol_row *row = mean_of(report, set, m, p);
            const struct protocol_row *plain = mean_of(report, set, m, report->index.plain[set]);
            open_figure_cell(out, row, figure, false);
            double change = row && plain && p != report->index.plain[set]
                                ? row->figures.value[figure] - plain->figures.value[figure]
                                : NAN;
            if (isfinite(change)) {
                markup_raw(out, change > 0 ? "<span class=\"change\">+" : "<span class=\"change\">");
                report_figure(out, figure, change);
                markup_raw(out, "</span>");
            }
            markup_raw(out, "</td>");
        }
        markup_raw(out, "</tr>");
    }
    end_table(out);
}

/* ---- McNemar -------------------------------------------------------------------------------------------------- */

/* By the rule of protocol_compare. */
static bool is_right(const struct protocol *protocol, const struct prediction *p)
{
    if (protocol->threshold == PROTOCOL_BY_VERDICT && p->verdict != ASSAY_UNCALIBRATED)
        return p->verdict == (p->label == LABEL_GENERATED ? ASSAY_GENERATED : ASSAY_REAL);
    return report_is_right(p);
}

/* Pictures that both models judged: two lists sorted by name. */
static struct metrics_mcnemar compare(const struct protocol *protocol, struct report_group first,
                                      struct report_group second)
{
    uint64_t counts[2][2] = {{0, 0}, {0, 0}};
    for (size_t i = 0, j = 0; i < first.count && j < second.count;) {
        const struct prediction *a = first.items[i], *b = second.items[j];
        int order = strcmp(a->picture, b->picture);
        i += order <= 0;
        j += order >= 0;
        if (order == 0 && a->readable && b->readable && !(protocol->art_apart && a->art))
            counts[is_right(protocol, a)][is_right(protocol, b)]++;
    }
    return metrics_mcnemar_of(counts[1][1], counts[1][0], counts[0][1], counts[0][0]);
}

static void p_cell(struct markup *out, double p)
{
    markup_raw(out, "<td>");
    if (p < 0.001)
        markup_raw(out, "&lt;\xe2\x80\xaf"
                        "0.001");
    else
        markup_number(out, p, 3);
    markup_raw(out, "</td>");
}

void report_table_mcnemar(struct report *report, struct markup *out, size_t set)
{
    size_t models = report_names_count(&report->index.models), plain = report->index.plain[set], shown = 0;
    if (models < 2)
        return;
    begin_table(out, report_words(report, "McNemar's test on %s, %s: pictures that just one of two models judged right",
                                  report_name(&report->index.sets, set), plain_words(report, set)));
    static const char *const heads[] = {"first",      "second",    "both right",      "only first",   "only second",
                                        "both wrong", "p (exact)", "p (chi-squared)", "who is better"};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (i == 1)
            markup_raw(out, "<th scope=\"col\" class=\"text\">second</th>");
        else
            column(out, heads[i]);
    markup_raw(out, "</tr></thead><tbody>");
    for (size_t a = 0; a < models; a++)
        for (size_t b = a + 1; b < models && shown < PAIRS_SHOWN; b++, shown++) {
            struct metrics_mcnemar test =
                compare(report_protocol(report, set), report_group_of(&report->index, set, a, plain),
                        report_group_of(&report->index, set, b, plain));
            row_head(out, report_name(&report->index.models, a), "");
            markup_raw(out, "<th scope=\"row\"><bdi>");
            markup_text(out, report_name(&report->index.models, b));
            markup_raw(out, "</bdi></th>");
            count_cell(out, (size_t)test.both_right);
            count_cell(out, (size_t)test.only_first);
            count_cell(out, (size_t)test.only_second);
            count_cell(out, (size_t)test.both_wrong);
            p_cell(out, test.exact_p);
            p_cell(out, test.chi_squared_p);
            markup_printf(out, "<td>%s</td></tr>",
                          test.exact_p >= 0.05                 ? "no telling"
                          : test.only_first > test.only_second ? "first"
                                                               : "second");
        }
    end_table(out);
}

/* ---- Problems ------------------------------------------------------------------------------------------------- */

size_t report_count_problems(const struct report *report)
{
    size_t count = 0;
    for (size_t i = 0; i < report->input->prediction_count; i++)
        count += !report->input->predictions[i].readable;
    return count;
}

void report_table_problems(struct report *report, struct markup *out)
{
    const struct report_input *input = report->input;
    size_t shown = 0, total = report_count_problems(report);
    if (total == 0)
        return;
    begin_table(out, total > PROBLEMS_SHOWN
                         ? report_words(report, "The first %d of %zu judgements that could not be made", PROBLEMS_SHOWN,
                                        total)
                         : "Judgements that could not be made");
    static const char *const heads[] = {"picture", "set", "class", "model", "perturbation", "why"};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        markup_printf(out, "<th scope=\"col\" class=\"text\">%s</th>", heads[i]);
    markup_raw(out, "</tr></thead><tbody>");
    for (size_t i = 0; i < input->prediction_count && shown < PROBLEMS_SHOWN; i++) {
        const struct prediction *p = &input->predictions[i];
        if (p->readable)
            continue;
        row_head(out, p->picture, "");
        const char *const cells[] = {p->set, dataset_label_text(p->label), p->model,
                                     report_perturbation_words(p->perturbation), p->problem ? p->problem : "unknown"};
        for (size_t c = 0; c < sizeof cells / sizeof *cells; c++) {
            markup_raw(out, "<td class=\"text\"><bdi>");
            markup_text(out, cells[c]);
            markup_raw(out, "</bdi></td>");
        }
        markup_raw(out, "</tr>");
        shown++;
    }
    end_table(out);
}
