/* plot_scores.c - how a model's scores are spread: both classes against each other, and every source by itself. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "data/dataset.h"
#include "eval/curves.h"
#include "eval/report/plots.h"

enum { CLASS_BINS = 40, SOURCE_BINS = 40, SOURCES_SHOWN = 40, REAL_SERIES = 0, GENERATED_SERIES = 1, ART_SERIES = 2 };

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

/* Logits from the 0.5th to the 99.5th per cent, and 0: the few beyond are put in the outermost bins. */
static assay_status score_range(const struct report_samples *samples, double *low, double *high,
                                struct assay_error *error)
{
    double *values = mem_alloc(samples->count + 1, sizeof *values);
    if (!values)
        return error_memory(error, "a histogram");
    for (size_t i = 0; i < samples->count; i++)
        values[i] = samples->items[i].logit;
    qsort(values, samples->count, sizeof *values, by_value);
    size_t cut = samples->count / 200;
    *low = values[cut] < 0 ? values[cut] : 0;
    *high = values[samples->count - 1 - cut] > 0 ? values[samples->count - 1 - cut] : 0;
    if (!(*high - *low > 1e-6)) {
        *low -= 1;
        *high += 1;
    }
    mem_free(values);
    return ASSAY_OK;
}

static const char score_words[] = "score (logit; above 0: called generated)";

static assay_status plot_classes(struct report *report, size_t set, size_t model, const struct report_samples *samples,
                                 double low, double high, const struct report_viewer *viewer, struct assay_error *error)
{
    double share[2][CLASS_BINS], largest = 0;
    size_t count[2];
    for (int label = 0; label < 2; label++) {
        count[label] = histogram_logit(samples->items, samples->count, (struct histogram_filter){label, -1}, low, high,
                                       CLASS_BINS, share[label]);
        for (int b = 0; b < CLASS_BINS; b++)
            largest = share[label][b] > largest ? share[label][b] : largest;
    }
    if (!(largest > 0))
        return ASSAY_OK;
    const char *model_name = report_name(&report->index.models, model);
    const char *set_name = report_name(&report->index.sets, set);
    const struct svg_entry legend[] = {{"generated, upwards", report_words(report, "%zu pictures", count[1]),
                                        GENERATED_SERIES, SVG_SIGN_FILL},
                                       {"real, downwards", report_words(report, "%zu pictures", count[0]), REAL_SERIES,
                                        SVG_SIGN_FILL},
                                       {"probability one half before calibration", NULL, 0, SVG_SIGN_GUIDE}};
    struct markup out = markup_new();
    struct svg_chart chart = {.out = &out,
                              .title = report_words(report, "Scores of %s on %s by class", model_name, set_name),
                              .description =
                                  report_words(report, "%zu real and %zu generated pictures", count[0], count[1]),
                              .width = 300,
                              .height = 240,
                              .x = {.label = score_words, .low = low, .high = high},
                              .y = {.label = "share of the class",
                                    .low = -1.05 * largest,
                                    .high = 1.05 * largest,
                                    .percent = true,
                                    .mirrored = true},
                              .legend = legend,
                              .legend_count = 3,
                              .standalone = viewer->standalone};
    svg_open(&chart);
    svg_histogram(&chart, low, high, share[1], CLASS_BINS, 0, 1, GENERATED_SERIES);
    svg_histogram(&chart, low, high, share[0], CLASS_BINS, 0, -1, REAL_SERIES);
    svg_guide(&chart, 0, -1.05 * largest, 0, 1.05 * largest);
    return report_show(&chart, "scores",
                       report_words(report,
                                    "Scores of %s on %s by class: the less the two overlap, the better. The outermost "
                                    "bars hold what lies beyond.",
                                    model_name, set_name),
                       viewer, error);
}

/* Worst first within each class, generated above real, as they are read. */
static int by_class_and_share(const void *left, const void *right)
{
    const struct report_source *a = *(const struct report_source *const *)left;
    const struct report_source *b = *(const struct report_source *const *)right;
    int class_a = a->label == LABEL_GENERATED ? 0
                  : a->art                    ? 2
                                              : 1,
        class_b = b->label == LABEL_GENERATED ? 0
                  : b->art                    ? 2
                                              : 1;
    if (class_a != class_b)
        return class_a - class_b;
    double x = (double)a->right / (double)a->count, y = (double)b->right / (double)b->count;
    return x < y ? -1 : x > y ? 1 : a < b ? -1 : a > b;
}

/* The bars of one source, each the same height at its highest, on the line of its name. */
static void draw_source(struct svg_chart *chart, const struct report_samples *samples,
                        const struct report_source *source, double line, double low, double high)
{
    double share[SOURCE_BINS] = {0}, largest = 0;
    size_t number = (size_t)(source - samples->sources);
    for (size_t i = 0; i < samples->count; i++) {
        if ((size_t)samples->items[i].source != number)
            continue;
        double place = (samples->items[i].logit - low) / (high - low) * SOURCE_BINS;
        int bin = place < 0 ? 0 : place >= SOURCE_BINS ? SOURCE_BINS - 1 : (int)place;
        share[bin] += 1.0 / (double)source->count;
        largest = share[bin] > largest ? share[bin] : largest;
    }
    int series = source->label == LABEL_GENERATED ? GENERATED_SERIES : source->art ? ART_SERIES : REAL_SERIES;
    svg_histogram(chart, low, high, share, SOURCE_BINS, line - 0.4, 0.8 / largest, series);
}

static assay_status plot_sources(struct report *report, size_t set, size_t model, const struct report_samples *samples,
                                 double low, double high, const struct report_viewer *viewer, struct assay_error *error)
{
    const struct report_source **sorted = mem_alloc(samples->source_count, sizeof *sorted);
    const char **names = mem_alloc(samples->source_count, sizeof *names);
    if (!sorted || !names) {
        mem_free(sorted);
        mem_free(names);
        return error_memory(error, "a histogram");
    }
    for (size_t s = 0; s < samples->source_count; s++)
        sorted[s] = &samples->sources[s];
    qsort(sorted, samples->source_count, sizeof *sorted, by_class_and_share);
    size_t count = samples->source_count < SOURCES_SHOWN ? samples->source_count : SOURCES_SHOWN;
    for (size_t i = 0; i < count; i++) { /* the first at the top */
        const struct report_source *source = sorted[count - 1 - i];
        names[i] = report_words(report, "%.200s (%s)", source->name,
                                source->label == LABEL_GENERATED ? "ai"
                                : source->art                    ? "art"
                                                                 : "real");
    }
    const char *model_name = report_name(&report->index.models, model);
    const char *set_name = report_name(&report->index.sets, set);
    struct markup out = markup_new();
    struct svg_chart chart = {.out = &out,
                              .title = report_words(report, "Scores of %s on %s by source", model_name, set_name),
                              .description =
                                  "For each source how its scores are spread, and how many were judged right",
                              .height = 26 * (double)count + 6,
                              .x = {.label = score_words, .low = low, .high = high},
                              .y = {.label = "source", .names = names, .name_count = count},
                              .margin = 66,
                              .standalone = viewer->standalone};
    svg_open(&chart);
    for (size_t i = 0; i < count; i++) {
        const struct report_source *source = sorted[count - 1 - i];
        char text[MARKUP_NUMBER];
        draw_source(&chart, samples, source, (double)i, low, high);
        svg_words(&chart, high, (double)i, 84, 4, "end",
                  report_words(report, "%s\xe2\x80\xaf%% of %zu",
                               markup_number_text(100 * (double)source->right / (double)source->count, 0, text),
                               source->count));
    }
    svg_guide(&chart, 0, -0.5, 0, (double)count - 0.5);
    assay_status status = report_show(
        &chart, "sources",
        report_words(report,
                     "Scores of %s on %s by source; to the right how many were judged right. Those of a class that "
                     "fare worst come first.%s",
                     model_name, set_name,
                     count < samples->source_count ? report_words(report, " %zu further sources are left out here.",
                                                                  samples->source_count - count)
                                                   : ""),
        viewer, error);
    mem_free(sorted);
    mem_free(names);
    return status;
}

typedef assay_status plot_model(struct report *report, size_t set, size_t model, const struct report_samples *samples,
                                double low, double high, const struct report_viewer *viewer, struct assay_error *error);

assay_status report_plot_scores(struct report *report, size_t set, const struct report_viewer *viewer,
                                struct assay_error *error)
{
    static plot_model *const plots[] = {plot_classes, plot_sources};
    const struct protocol *protocol = report_protocol(report, set);
    size_t models = report_names_count(&report->index.models);
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < 2 * models && !status; i++) { /* by class: all models; by source: all models */
        size_t model = i % models;
        struct report_group group = report_group_of(&report->index, set, model, report->index.plain[set]);
        struct report_samples samples = {0};
        double low = 0, high = 0;
        status = report_samples_make(group, false, protocol->art_apart, &samples, error);
        if (!status && samples.count) {
            status = score_range(&samples, &low, &high, error);
            if (!status)
                status = plots[i / models](report, set, model, &samples, low, high, viewer, error);
        }
        report_samples_free(&samples);
    }
    return status;
}
