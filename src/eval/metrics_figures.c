/* metrics_figures.c - the table of figures, and all of them at once. */
#include "eval/metrics_figures.h"

#include <math.h>
#include <string.h>

#include "eval/metrics_calibration.h"
#include "eval/metrics_ranking.h"
#include "eval/metrics_threshold.h"

const struct metrics_figure_info metrics_figure_info[FIGURE_COUNT] = {
    [FIGURE_ACCURACY] = {"accuracy", "Acc", "share judged right at probability 1/2, strictly above", .percent = true},
    [FIGURE_REAL_ACCURACY] = {"real_accuracy", "Real acc", "share of the real pictures judged right", .percent = true},
    [FIGURE_GENERATED_ACCURACY] = {"generated_accuracy", "Fake acc", "share of the generated pictures judged right",
                                   .percent = true},
    [FIGURE_BALANCED_ACCURACY] = {"balanced_accuracy", "Balanced acc", "mean of real and generated accuracy",
                                  .percent = true},
    [FIGURE_PRECISION] = {"precision", "Precision", "share of the pictures called generated that are", .percent = true},
    [FIGURE_F1] = {"f1", "F1", "harmonic mean of precision and generated accuracy", .percent = true},
    [FIGURE_AVERAGE_PRECISION] = {"average_precision", "AP", "mean precision over the steps of recall",
                                  .percent = true},
    [FIGURE_AUROC] = {"auroc", "AUROC", "area under the ROC curve", .percent = true},
    [FIGURE_EQUAL_ERROR_RATE] = {"equal_error_rate", "EER", "error where both classes have the same", .percent = true,
                                 .smaller_is_better = true},
    [FIGURE_TPR_AT_1] = {"tpr_at_1_fpr", "TPR@1%", "share of the generated found where at most 1 % of the real are",
                         .percent = true},
    [FIGURE_TPR_AT_5] = {"tpr_at_5_fpr", "TPR@5%", "share of the generated found where at most 5 % of the real are",
                         .percent = true},
    [FIGURE_BEST_UNIVFD] = {"best_accuracy_univfd", "Best acc (UnivFD)",
                            "accuracy at a threshold chosen on these very pictures, as UnivFD does: optimistic",
                            .percent = true, .optimistic = true},
    [FIGURE_BEST_LARE] = {"best_accuracy_lare", "Best acc (LaRE2)",
                          "accuracy at a threshold chosen on these very pictures, as LaRE2 does: optimistic",
                          .percent = true, .optimistic = true},
    [FIGURE_CALIBRATION_ERROR] = {"calibration_error", "ECE",
                                  "mean distance of probability and share of generated, in 15 bins of equal width",
                                  .percent = true, .smaller_is_better = true},
    [FIGURE_BRIER] = {"brier", "Brier", "mean squared distance of probability and truth", .smaller_is_better = true},
    [FIGURE_LOSS] = {"loss", "Loss", "mean binary cross-entropy of the logits, nats", .smaller_is_better = true},
    [FIGURE_VERDICT_ACCURACY] = {"verdict_accuracy", "Verdict acc", "share whose verdict is right; uncertain is not",
                                 .percent = true},
    [FIGURE_VERDICT_UNCERTAIN] = {"verdict_uncertain", "Uncertain", "share whose verdict is uncertain", .percent = true,
                                  .smaller_is_better = true},
    [FIGURE_FALSE_ALARMS] = {"false_alarms", "False alarms", "share of the real whose verdict is ai-generated",
                             .percent = true, .smaller_is_better = true},
    [FIGURE_MISSED] = {"missed", "Missed", "share of the generated whose verdict is real", .percent = true,
                       .smaller_is_better = true},
};

int metrics_figure_find(const char *name)
{
    for (int f = 0; f < FIGURE_COUNT; f++)
        if (strcmp(metrics_figure_info[f].name, name) == 0)
            return f;
    return -1;
}

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : NAN;
}

static void verdict_figures(const struct metrics_sample *samples, size_t count, double *value)
{
    double weight[2][4] = {{0}}; /* [what it is][what was said] */
    for (size_t i = 0; i < count; i++)
        if (samples[i].verdict >= ASSAY_REAL && samples[i].verdict <= ASSAY_UNCALIBRATED)
            weight[samples[i].generated][samples[i].verdict] += samples[i].weight;
    if (weight[0][ASSAY_UNCALIBRATED] + weight[1][ASSAY_UNCALIBRATED] > 0)
        return;
    double total[2];
    for (int label = 0; label < 2; label++)
        total[label] = weight[label][ASSAY_REAL] + weight[label][ASSAY_GENERATED] + weight[label][ASSAY_UNCERTAIN];
    double all = total[0] + total[1];
    value[FIGURE_VERDICT_ACCURACY] = share(weight[0][ASSAY_REAL] + weight[1][ASSAY_GENERATED], all);
    value[FIGURE_VERDICT_UNCERTAIN] = share(weight[0][ASSAY_UNCERTAIN] + weight[1][ASSAY_UNCERTAIN], all);
    value[FIGURE_FALSE_ALARMS] = share(weight[0][ASSAY_GENERATED], total[0]);
    value[FIGURE_MISSED] = share(weight[1][ASSAY_REAL], total[1]);
}

assay_status metrics_figures(const struct metrics_sample *samples, size_t count, struct metrics_figures *out,
                             struct assay_error *error)
{
    *out = (struct metrics_figures){0};
    double *value = out->value;
    for (int f = 0; f < FIGURE_COUNT; f++)
        value[f] = NAN;
    struct metrics_steps steps;
    struct metrics_bin bins[CALIBRATION_BINS];
    assay_status status = metrics_steps(samples, count, &steps, error);
    if (status)
        return status;
    status = metrics_bins(samples, count, CALIBRATION_BINS, bins, error);
    if (status)
        goto done;
    for (size_t i = 0; i < count; i++)
        out->count[samples[i].generated] += samples[i].weight > 0;

    struct metrics_confusion c = metrics_confusion(samples, count, 0);
    value[FIGURE_ACCURACY] = metrics_accuracy(&c);
    value[FIGURE_REAL_ACCURACY] = metrics_real_accuracy(&c);
    value[FIGURE_GENERATED_ACCURACY] = metrics_generated_accuracy(&c);
    value[FIGURE_BALANCED_ACCURACY] = 0.5 * (value[FIGURE_REAL_ACCURACY] + value[FIGURE_GENERATED_ACCURACY]);
    bool both = steps.total[0] > 0 && steps.total[1] > 0;
    value[FIGURE_PRECISION] = both ? metrics_precision(&c) : NAN;
    value[FIGURE_F1] = both ? metrics_f1(&c) : NAN;

    value[FIGURE_AVERAGE_PRECISION] = metrics_average_precision(&steps);
    value[FIGURE_AUROC] = metrics_auroc(&steps);
    value[FIGURE_EQUAL_ERROR_RATE] = metrics_equal_error_rate(&steps, NULL);
    value[FIGURE_TPR_AT_1] = metrics_tpr_at_fpr(&steps, 0.01);
    value[FIGURE_TPR_AT_5] = metrics_tpr_at_fpr(&steps, 0.05);
    value[FIGURE_BEST_UNIVFD] = metrics_best_univfd(samples, count, &steps).accuracy;
    value[FIGURE_BEST_LARE] = metrics_best_lare(&steps).accuracy;

    value[FIGURE_CALIBRATION_ERROR] = metrics_calibration_error(bins, CALIBRATION_BINS);
    value[FIGURE_BRIER] = metrics_brier(samples, count);
    value[FIGURE_LOSS] = metrics_mean_loss(samples, count);
    verdict_figures(samples, count, value);
done:
    metrics_steps_free(&steps);
    return status;
}
