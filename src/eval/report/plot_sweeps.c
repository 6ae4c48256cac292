/* plot_sweeps.c - robustness: the leading figure of the set's protocol along each sweep, with intervals. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "eval/report/plots.h"

/* A model's figure at the settings of a sweep that were run. */
struct swept {
    double *x, *y, *low, *high; /* one block, owned by x */
    size_t count;
    bool bounded; /* every point has an interval */
};

/* The figure and interval of a model under a perturbation; false: that was not run, or is undefined. */
static bool figure_under(const struct report *report, size_t set, size_t model, const char *chain,
                         enum metrics_figure figure, double *value, double *low, double *high)
{
    size_t perturbation = report_name_find(&report->index.perturbations, chain);
    const struct protocol_table *table =
        perturbation == SIZE_MAX ? NULL : report_find_table(report, set, model, perturbation);
    if (!table)
        return false;
    const struct protocol_row *row = report_mean_row(table);
    *value = row->figures.value[figure];
    *low = row->interval[figure].low;
    *high = row->interval[figure].high;
    return isfinite(*value);
}

static void add_point(struct swept *s, double x, double value, double low, double high)
{
    size_t at = s->count++;
    while (at > 0 && s->x[at - 1] > x) { /* the untouched picture may lie anywhere on the axis */
        s->x[at] = s->x[at - 1];
        s->y[at] = s->y[at - 1];
        s->low[at] = s->low[at - 1];
        s->high[at] = s->high[at - 1];
        at--;
    }
    s->x[at] = x;
    s->y[at] = value;
    s->low[at] = low;
    s->high[at] = high;
    s->bounded = s->bounded && isfinite(low) && isfinite(high);
}

/* x of a setting: as the sweep has it, or its number from the top where settings stand side by side. */
static assay_status sweep_model(const struct report *report, size_t set, size_t model,
                                const struct robustness_sweep *sweep, enum metrics_figure figure, struct swept *out,
                                struct assay_error *error)
{
    size_t room = (size_t)sweep->count + 1;
    *out = (struct swept){.x = mem_alloc(room, 4 * sizeof *out->x), .bounded = true};
    if (!out->x)
        return error_memory(error, "a robustness curve");
    out->y = out->x + room;
    out->low = out->y + room;
    out->high = out->low + room;
    double value, low, high, plain = sweep->axis ? sweep->untouched : sweep->count;
    if (isfinite(plain) && figure_under(report, set, model, "", figure, &value, &low, &high))
        add_point(out, plain, value, low, high);
    for (int i = 0; i < sweep->count; i++)
        if (figure_under(report, set, model, sweep->points[i].chain, figure, &value, &low, &high))
            add_point(out, sweep->axis ? sweep->points[i].x : sweep->count - 1 - i, value, low, high);
    return ASSAY_OK;
}

/* A share is shown from a round value below the lowest up to 100 %; other figures as far as they go. */
static void figure_range(const struct swept *models, size_t count, enum metrics_figure figure, struct svg_axis *axis)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t m = 0; m < count; m++)
        for (size_t i = 0; i < models[m].count; i++) {
            double least = models[m].bounded ? models[m].low[i] : models[m].y[i];
            double most = models[m].bounded ? models[m].high[i] : models[m].y[i];
            low = fmin(low, fmin(least, models[m].y[i]));
            high = fmax(high, fmax(most, models[m].y[i]));
        }
    axis->percent = metrics_figure_info[figure].percent;
    axis->low = axis->percent ? floor(fmin(low, 0.5) * 10) / 10 : low;
    axis->high = axis->percent && !metrics_figure_info[figure].smaller_is_better ? 1 : high;
}

/* Along an axis: bands, lines and marks. */
static void draw_along(struct svg_chart *chart, const struct swept *models, size_t count)
{
    for (size_t m = 0; m < count; m++)
        if (models[m].bounded && models[m].count > 1)
            svg_band(chart, models[m].x, models[m].low, models[m].high, models[m].count, (int)m);
    for (size_t m = 0; m < count; m++) {
        svg_line(chart, models[m].x, models[m].y, models[m].count, (int)m);
        svg_marks(chart, models[m].x, models[m].y, models[m].count, (int)m);
    }
}

/* Side by side: a line for each setting, the models one below the other within it. */
static void draw_settings(struct svg_chart *chart, const struct swept *models, size_t count)
{
    for (size_t m = 0; m < count; m++)
        for (size_t i = 0; i < models[m].count; i++) {
            double line = models[m].x[i] + 0.35 - 0.7 * ((double)m + 0.5) / (double)count;
            svg_whisker_across(chart, line, models[m].low[i], models[m].high[i], (int)m);
            svg_marks(chart, &models[m].y[i], &line, 1, (int)m);
        }
}

static assay_status show_sweep(struct report *report, size_t set, const struct robustness_sweep *sweep,
                               enum metrics_figure figure, const struct swept *models, size_t count,
                               const struct report_viewer *viewer, struct assay_error *error)
{
    const struct metrics_figure_info *info = &metrics_figure_info[figure];
    const char *set_name = report_name(&report->index.sets, set);
    size_t name_count = (size_t)sweep->count + 1, used = 0;
    struct svg_entry *legend = mem_alloc(count + 1, sizeof *legend);
    const char **names = mem_alloc(name_count, sizeof *names);
    if (!legend || !names) {
        mem_free(legend);
        mem_free(names);
        return error_memory(error, "a robustness curve");
    }
    bool bounded = true;
    double low = INFINITY, high = -INFINITY;
    for (size_t m = 0; m < count; m++) {
        if (!models[m].count)
            continue;
        legend[used++] = (struct svg_entry){report_name(&report->index.models, m), NULL, (int)m,
                                            sweep->axis ? SVG_SIGN_BOTH : SVG_SIGN_MARK};
        bounded = bounded && models[m].bounded;
        low = fmin(low, models[m].x[0]);
        high = fmax(high, models[m].x[models[m].count - 1]);
    }
    for (int i = 0; i < sweep->count && !sweep->axis; i++)
        names[sweep->count - 1 - i] = sweep->points[i].label;
    names[name_count - 1] = "untouched";
    struct svg_axis values = {.label = info->title};
    figure_range(models, count, figure, &values);
    bool untouched = sweep->axis && isfinite(sweep->untouched) && sweep->untouched >= low && sweep->untouched <= high &&
                     report_name_find(&report->index.perturbations, "") != SIZE_MAX;
    double room = 0.02 * (high - low);
    struct svg_axis settings = {.label = sweep->axis, .low = low - room, .high = high + room};
    struct markup out = markup_new();
    struct svg_chart chart = {.out = &out,
                              .title = report_words(report, "%s: %s on %s", sweep->title, info->title, set_name),
                              .description = report_words(report, "%s of %zu models under %d settings", info->help,
                                                          used, sweep->count),
                              .width = sweep->axis ? 300 : 0,
                              .height = sweep->axis ? 220 : (double)name_count * (18 + 9 * (double)used),
                              .x = settings,
                              .y = values,
                              .legend = legend,
                              .legend_count = used,
                              .standalone = viewer->standalone};
    if (!sweep->axis) {
        chart.x = values;
        chart.y = (struct svg_axis){.names = names, .name_count = name_count};
    }
    svg_open(&chart);
    if (untouched) {
        svg_guide(&chart, sweep->untouched, values.low, sweep->untouched, values.high);
        bool left = sweep->untouched < (low + high) / 2;
        svg_words(&chart, sweep->untouched, values.low, left ? 4 : -4, -6, left ? "start" : "end", "untouched");
    }
    (sweep->axis ? draw_along : draw_settings)(&chart, models, count);
    assay_status status = report_show(&chart, sweep->name,
                                      report_words(report, "%s on %s: %s%s.%s Settings: %s.", sweep->title, set_name,
                                                   info->help, info->optimistic ? " (optimistic)" : "",
                                                   bounded ? (sweep->axis ? " Bands: 95 % intervals by source."
                                                                          : " Bars: 95 % intervals by source.")
                                                           : "",
                                                   sweep->source),
                                      viewer, error);
    mem_free(legend);
    mem_free(names);
    return status;
}

assay_status report_plot_sweeps(struct report *report, size_t set, const struct report_viewer *viewer,
                                struct assay_error *error)
{
    size_t count = report_names_count(&report->index.models);
    enum metrics_figure figure = report_leading(report, set);
    struct swept *models = mem_alloc(count, sizeof *models);
    if (!models)
        return error_memory(error, "robustness curves");
    assay_status status = ASSAY_OK;
    for (size_t s = 0; s < report->input->sweep_count && !status; s++) {
        const struct robustness_sweep *sweep = report->input->sweeps[s];
        size_t most = 0;
        for (size_t m = 0; m < count && !status; m++) {
            status = sweep_model(report, set, m, sweep, figure, &models[m], error);
            most = models[m].count > most ? models[m].count : most;
        }
        if (!status && most > 1) /* a single setting is in the table */
            status = show_sweep(report, set, sweep, figure, models, count, viewer, error);
        for (size_t m = 0; m < count; m++) {
            mem_free(models[m].x);
            models[m] = (struct swept){0};
        }
    }
    mem_free(models);
    return status;
}
