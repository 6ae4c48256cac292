/* trainer_report.c - the last epochs on a set of pictures that chose nothing: papers that train without validation give
 * the mean and the deviation of these (Learning on Less, section 4.4). Figures are those of the papers' scripts: every
 * picture counts the same. */
#include <inttypes.h>
#include <math.h>

#include "eval/metrics_figures.h"
#include "train/trainer_internal.h"
#include "train/validate.h"

static const enum metrics_figure reported[] = {
    FIGURE_ACCURACY, FIGURE_REAL_ACCURACY,     FIGURE_GENERATED_ACCURACY,
    FIGURE_AUROC,    FIGURE_AVERAGE_PRECISION, FIGURE_BEST_LARE,
};
enum { REPORTED = sizeof reported / sizeof reported[0] };

static json_t *figures_json(const struct metrics_figures *figures)
{
    json_t *object =
        json_pack("{s:I}", "pictures", (json_int_t)(figures->count[LABEL_REAL] + figures->count[LABEL_GENERATED]));
    for (int i = 0; object && i < REPORTED; i++) {
        json_t *value =
            json_real(figures->value[reported[i]]); /* NULL where it is not finite: a class cannot be read */
        if (json_object_set_new(object, metrics_figure_info[reported[i]].name, value ? value : json_null()) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

assay_status trainer_report(struct trainer *t, int64_t epoch, json_t **figures, struct assay_error *error)
{
    const struct train_job *job = t->job;
    const struct train_options *o = job->options;
    struct validation v = {0};
    struct metrics_figures found;
    *figures = NULL;
    if (!job->report || epoch <= o->epochs - o->report_last)
        return ASSAY_OK;
    average_swap(t->model.store);
    assay_status status = validation_run(t->scorer, t->pictures[2], job->report, (size_t)o->validation_batch,
                                         job->loader, job->cancel, &v, error);
    average_swap(t->model.store);
    for (size_t i = 0; i < v.count; i++)
        v.samples[i].weight = 1;
    if (!status)
        status = metrics_figures(v.samples, v.count, &found, error);
    if (!status && !(*figures = figures_json(&found)))
        status = error_memory(error, "the report");
    if (!status)
        trainer_tell(t, "report, epoch %" PRId64 ": accuracy %.4f, average precision %.4f, AUROC %.4f on %zu pictures",
                     epoch, found.value[FIGURE_ACCURACY], found.value[FIGURE_AVERAGE_PRECISION],
                     found.value[FIGURE_AUROC], v.count);
    validation_free(&v);
    return status;
}

/* Of one figure over the epochs that report it. Deviation: of a sample, over n - 1; of a single epoch 0. */
static bool mean_of(const struct trainer *t, const char *name, double *mean, double *deviation, json_int_t *epochs)
{
    double sum = 0, squares = 0;
    *epochs = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < json_array_size(t->history); i++) {
            const json_t *report = json_object_get(json_array_get(t->history, i), "report");
            const json_t *value = json_object_get(report, name);
            if (!json_is_real(value))
                continue;
            double x = json_real_value(value);
            if (pass == 0) {
                sum += x;
                ++*epochs;
            } else {
                squares += (x - *mean) * (x - *mean);
            }
        }
        if (*epochs == 0)
            return false;
        *mean = sum / (double)*epochs;
    }
    *deviation = *epochs > 1 ? sqrt(squares / (double)(*epochs - 1)) : 0;
    return true;
}

json_t *trainer_report_summary(const struct trainer *t)
{
    json_int_t epochs = 0;
    json_t *means = json_object(), *deviations = json_object();
    int failed = !means || !deviations;
    for (int i = 0; i < REPORTED && !failed && t->job->report; i++) {
        const char *name = metrics_figure_info[reported[i]].name;
        double mean, deviation;
        json_int_t count;
        if (!mean_of(t, name, &mean, &deviation, &count))
            continue;
        epochs = count > epochs ? count : epochs;
        failed = json_object_set_new(means, name, json_real(mean)) ||
                 json_object_set_new(deviations, name, json_real(deviation));
    }
    json_t *summary = epochs && !failed
                          ? json_pack("{s:I, s:O, s:O}", "epochs", epochs, "mean", means, "deviation", deviations)
                          : NULL;
    json_decref(means);
    json_decref(deviations);
    return summary;
}

void trainer_tell_report(struct trainer *t)
{
    json_t *summary = trainer_report_summary(t), *means = json_object_get(summary, "mean");
    char text[256] = "";
    size_t used = 0;
    for (int i = 0; i < REPORTED && used < sizeof text; i++) {
        const struct metrics_figure_info *info = &metrics_figure_info[reported[i]];
        const json_t *mean = json_object_get(means, info->name);
        const json_t *deviation = json_object_get(json_object_get(summary, "deviation"), info->name);
        if (mean)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %.4f +- %.4f", used ? ", " : "",
                                     info->title, json_real_value(mean), json_real_value(deviation));
    }
    if (used)
        trainer_tell(t, "report, mean and deviation of the last %lld epochs: %s",
                     (long long)json_integer_value(json_object_get(summary, "epochs")), text);
    json_decref(summary);
}
