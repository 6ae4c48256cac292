/* plot_curves.c - ROC and precision-recall curves of all models, and how far each model's probabilities hold. */
#include <math.h>

#include "base/memory.h"
#include "eval/curves.h"
#include "eval/metrics_calibration.h"
#include "eval/metrics_figures.h"
#include "eval/report/plots.h"

enum { CURVE_POINTS = 600, BOX = 300 };

enum curve_kind { CURVE_ROC, CURVE_PRECISION_RECALL };

/* One model's curve, ready to draw. */
struct drawn {
    double *x, *y;
    size_t count;
    size_t model;
    const char *note;
};

/* Precision belongs to all recalls back to that of the point before: steps, as average precision sums them. */
static void add_points(struct drawn *d, const struct curve *curve, enum curve_kind kind)
{
    for (size_t i = 0; i < curve->count; i++) {
        const struct curve_point *point = &curve->points[i];
        if (kind == CURVE_PRECISION_RECALL && i > 0) {
            d->x[d->count] = curve->points[i - 1].x;
            d->y[d->count++] = point->y;
        }
        d->x[d->count] = point->x;
        d->y[d->count++] = point->y;
    }
}

/* Leaves d->count at 0 where the model judged only one class. */
static assay_status make_curve(struct report *report, size_t set, size_t model, enum curve_kind kind, struct drawn *d,
                               struct assay_error *error)
{
    const struct protocol *protocol = report_protocol(report, set);
    struct report_group group = report_group_of(&report->index, set, model, report->index.plain[set]);
    struct report_samples samples = {0};
    struct metrics_figures figures;
    struct curve curve = {0};
    *d = (struct drawn){.model = model};
    assay_status status = report_samples_make(group, protocol->balanced, protocol->art_apart, &samples, error);
    if (status || !samples.both_classes)
        goto done;
    status = (kind == CURVE_ROC ? curve_roc : curve_precision_recall)(samples.items, samples.count, &curve, error);
    if (!status)
        status = metrics_figures(samples.items, samples.count, &figures, error);
    if (status)
        goto done;
    curve_thin(&curve, CURVE_POINTS);
    d->x = mem_alloc(curve.count, 4 * sizeof *d->x);
    if (!d->x) {
        status = error_memory(error, "a curve");
        goto done;
    }
    d->y = d->x + 2 * curve.count;
    add_points(d, &curve, kind);
    enum metrics_figure figure = kind == CURVE_ROC ? FIGURE_AUROC : FIGURE_AVERAGE_PRECISION;
    char text[MARKUP_NUMBER];
    d->note = report_words(report, "%s %s", metrics_figure_info[figure].title,
                           markup_number_text(figures.value[figure], 3, text));
done:
    curve_free(&curve);
    report_samples_free(&samples);
    return status;
}

static const char *weighing_words(const struct protocol *protocol)
{
    return protocol->balanced ? "Both classes weigh one half, and every source of a class the same."
                              : "Every picture counts the same.";
}

static assay_status show_curves(struct report *report, size_t set, enum curve_kind kind, const struct drawn *drawn,
                                size_t count, struct svg_entry *legend, const struct report_viewer *viewer,
                                struct assay_error *error)
{
    const struct protocol *protocol = report_protocol(report, set);
    const char *set_name = report_name(&report->index.sets, set);
    bool roc = kind == CURVE_ROC;
    for (size_t i = 0; i < count; i++)
        legend[i] = (struct svg_entry){report_name(&report->index.models, drawn[i].model), drawn[i].note,
                                       (int)drawn[i].model, SVG_SIGN_LINE};
    legend[count] = (struct svg_entry){"chance", NULL, 0, SVG_SIGN_GUIDE};
    struct markup out = markup_new();
    struct svg_chart chart = {
        .out = &out,
        .title = report_words(report, "%s on %s", roc ? "ROC curves" : "Precision-recall curves", set_name),
        .description = report_words(report, "%zu models; the first, %s: %s", count, legend[0].name, legend[0].note),
        .width = BOX,
        .height = BOX,
        .x = {.label = roc ? "false positive rate (real called generated)" : "recall (generated found)",
              .low = 0,
              .high = 1,
              .percent = true},
        .y = {.label = roc ? "true positive rate" : "precision", .low = 0, .high = 1, .percent = true},
        .legend = legend,
        .legend_count = count + (roc || protocol->balanced),
        .standalone = viewer->standalone};
    svg_open(&chart);
    if (roc)
        svg_guide(&chart, 0, 0, 1, 1);
    else if (protocol->balanced)
        svg_guide(&chart, 0, 0.5, 1, 0.5);
    for (size_t i = 0; i < count; i++)
        svg_line(&chart, drawn[i].x, drawn[i].y, drawn[i].count, (int)drawn[i].model);
    return report_show(&chart, roc ? "roc" : "precision-recall",
                       report_words(report, "%s on %s, %s. %s",
                                    roc ? "ROC: how many generated pictures are found for how many false alarms"
                                        : "Precision and recall: how many of those called generated are",
                                    set_name,
                                    report_perturbation_words(
                                        report_name(&report->index.perturbations, report->index.plain[set])),
                                    weighing_words(protocol)),
                       viewer, error);
}

assay_status report_plot_curves(struct report *report, size_t set, const struct report_viewer *viewer,
                                struct assay_error *error)
{
    size_t models = report_names_count(&report->index.models);
    struct drawn *drawn = mem_alloc(models, sizeof *drawn);
    struct svg_entry *legend = mem_alloc(models + 1, sizeof *legend);
    assay_status status = drawn && legend ? ASSAY_OK : error_memory(error, "curves");
    for (int kind = CURVE_ROC; kind <= CURVE_PRECISION_RECALL && !status; kind++) {
        size_t count = 0;
        for (size_t model = 0; model < models && !status; model++) {
            status = make_curve(report, set, model, (enum curve_kind)kind, &drawn[count], error);
            if (!status && drawn[count].count)
                count++;
        }
        if (!status && count)
            status = show_curves(report, set, (enum curve_kind)kind, drawn, count, legend, viewer, error);
        for (size_t i = 0; i < count; i++)
            mem_free(drawn[i].x);
    }
    mem_free(drawn);
    mem_free(legend);
    return status;
}

/* ---- Reliability ---------------------------------------------------------------------------------------------- */

/* Wilson's 95 % interval of a share among as many equal pictures as weights of that spread stand for. */
static void wilson(double share, double count, double *low, double *high)
{
    const double z = 1.959963984540054;
    double centre = (share + z * z / (2 * count)) / (1 + z * z / count);
    double half = z * sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count);
    *low = centre - half;
    *high = centre + half;
}

/* How many equal pictures the weighted ones of a bin are worth: (sum w)^2 / sum w^2. */
static double bin_worth(const struct report_samples *samples, const struct metrics_bin *bin, bool first)
{
    double squares = 0;
    for (size_t i = 0; i < samples->count; i++) {
        double p = samples->items[i].probability;
        if ((p > bin->low || (first && p >= bin->low)) && p <= bin->high)
            squares += samples->items[i].weight * samples->items[i].weight;
    }
    return squares > 0 ? bin->weight * bin->weight / squares : 0;
}

static void draw_bins(struct svg_chart *chart, const struct report_samples *samples, const struct metrics_bin *bins)
{
    double total = 0, largest = 0, x[CALIBRATION_BINS], y[CALIBRATION_BINS];
    size_t count = 0;
    for (int b = 0; b < CALIBRATION_BINS; b++) {
        total += bins[b].weight;
        largest = bins[b].weight > largest ? bins[b].weight : largest;
    }
    for (int b = 0; b < CALIBRATION_BINS && total > 0; b++) /* how many pictures: the highest a quarter of the box */
        svg_bar(chart, bins[b].low + 0.004, bins[b].high - 0.004, 0, 0.25 * bins[b].weight / largest, 5);
    svg_guide(chart, 0, 0, 1, 1);
    for (int b = 0; b < CALIBRATION_BINS; b++) {
        double worth = bin_worth(samples, &bins[b], b == 0), low, high;
        if (!(worth > 0) || !(bins[b].weight > 0))
            continue;
        wilson(bins[b].generated_share, worth, &low, &high);
        svg_whisker(chart, bins[b].probability, low, high, 0);
        x[count] = bins[b].probability;
        y[count++] = bins[b].generated_share;
    }
    svg_marks(chart, x, y, count, 0);
}

static assay_status plot_reliability(struct report *report, size_t set, size_t model,
                                     const struct report_viewer *viewer, struct assay_error *error)
{
    const struct protocol *protocol = report_protocol(report, set);
    struct report_group group = report_group_of(&report->index, set, model, report->index.plain[set]);
    struct report_samples samples = {0};
    struct metrics_bin bins[CALIBRATION_BINS];
    assay_status status = report_samples_make(group, protocol->balanced, protocol->art_apart, &samples, error);
    if (!status && samples.both_classes)
        status = metrics_bins(samples.items, samples.count, CALIBRATION_BINS, bins, error);
    if (status || !samples.both_classes) {
        report_samples_free(&samples);
        return status;
    }
    bool calibrated = true;
    for (size_t i = 0; i < group.count; i++)
        if (group.items[i]->readable && group.items[i]->verdict == ASSAY_UNCALIBRATED)
            calibrated = false;
    char text[MARKUP_NUMBER];
    const char *model_name = report_name(&report->index.models, model);
    const char *set_name = report_name(&report->index.sets, set);
    const char *ece = markup_number_text(100 * metrics_calibration_error(bins, CALIBRATION_BINS), 1, text);
    const struct svg_entry legend[] = {{model_name, NULL, 0, SVG_SIGN_MARK},
                                       {"as it should be", NULL, 0, SVG_SIGN_GUIDE},
                                       {"how many pictures (no scale)", NULL, 5, SVG_SIGN_FILL}};
    struct markup out = markup_new();
    struct svg_chart chart = {.out = &out,
                              .title = report_words(report, "Reliability of %s on %s", model_name, set_name),
                              .description = report_words(report, "Expected calibration error %s per cent", ece),
                              .width = BOX,
                              .height = BOX,
                              .x = {.label = "probability told", .low = 0, .high = 1, .percent = true},
                              .y = {.label = "share that is generated", .low = 0, .high = 1, .percent = true},
                              .legend = legend,
                              .legend_count = 3,
                              .standalone = viewer->standalone};
    svg_open(&chart);
    draw_bins(&chart, &samples, bins);
    status =
        report_show(&chart, "reliability",
                    report_words(report,
                                 "Reliability of %s on %s: among pictures that were given a probability, how many "
                                 "are generated, with 95 %% intervals. Calibration error (ECE, %d bins) %s %%. %s%s",
                                 model_name, set_name, CALIBRATION_BINS, ece, weighing_words(protocol),
                                 calibrated ? ""
                                            : " The model is not calibrated: its probability is the plain sigmoid "
                                              "of the score."),
                    viewer, error);
    report_samples_free(&samples);
    return status;
}

assay_status report_plot_reliability(struct report *report, size_t set, const struct report_viewer *viewer,
                                     struct assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (size_t model = 0; model < report_names_count(&report->index.models) && !status; model++)
        status = plot_reliability(report, set, model, viewer, error);
    return status;
}
