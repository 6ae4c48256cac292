/* plots.c - what plots and tables share: look-ups, words, and how a finished chart is handed on. */
#include "eval/report/plots.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

const struct protocol *report_protocol(const struct report *report, size_t set)
{
    const char *name = report_name(&report->index.sets, set);
    for (size_t i = 0; i < report->input->set_count; i++)
        if (strcmp(report->input->sets[i].name, name) == 0)
            return report->input->sets[i].protocol;
    return NULL;
}

enum metrics_figure report_leading(const struct report *report, size_t set)
{
    return protocol_leading(report_protocol(report, set));
}

const struct protocol_table *report_find_table(const struct report *report, size_t set, size_t model,
                                               size_t perturbation)
{
    const char *set_name = report_name(&report->index.sets, set);
    const char *model_name = report_name(&report->index.models, model);
    const char *chain = report_name(&report->index.perturbations, perturbation);
    for (size_t i = 0; i < report->input->table_count; i++) {
        const struct report_table *t = &report->input->tables[i];
        if (strcmp(t->set, set_name) == 0 && strcmp(t->model, model_name) == 0 && strcmp(t->perturbation, chain) == 0)
            return t->table->count ? t->table : NULL;
    }
    return NULL;
}

const struct protocol_row *report_mean_row(const struct protocol_table *table)
{
    return &table->rows[table->count - 1];
}

const char *report_perturbation_words(const char *perturbation)
{
    return perturbation[0] ? perturbation : "no perturbation";
}

const char *report_words(struct report *report, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *kept = arena_strdup(&report->arena, text);
    report->failed = report->failed || !kept;
    return kept ? kept : "";
}

assay_status report_show(struct svg_chart *chart, const char *kind, const char *caption,
                         const struct report_viewer *viewer, struct assay_error *error)
{
    svg_close(chart);
    markup_printf(chart->out, "%c", 0);
    assay_status status = ASSAY_OK;
    if (chart->out->failed)
        status = error_memory(error, "a plot");
    else
        status = viewer->visit(viewer->context,
                               &(struct report_plot){.kind = kind, .caption = caption, .svg = chart->out->bytes.data},
                               error);
    markup_free(chart->out);
    return status;
}
