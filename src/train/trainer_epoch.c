/* trainer_epoch.c - the end of an epoch: validation, the best weights, the history. */
#include <inttypes.h>

#include "train/checkpoint.h"
#include "train/trainer_internal.h"
#include "train/validate.h"

/* Higher is better. */
static double best_value(const struct metrics_summary *summary, int best_by)
{
    switch ((enum train_best_by)best_by) {
    case BEST_BY_BALANCED_ACCURACY: return summary->balanced_accuracy;
    case BEST_BY_AUROC: return summary->auroc;
    case BEST_BY_LOSS: return -summary->loss;
    case BEST_BY_AVERAGE_PRECISION: break;
    }
    return summary->average_precision;
}

static json_t *best_of(const struct validation *v, int64_t epoch, double value, const struct calibration *calibration)
{
    return json_pack("{s:I, s:f, s:o, s:o, s:o}", "epoch", (json_int_t)epoch, "value", value, "validation",
                     validation_to_json(v), "sources", validation_sources_to_json(v), "calibration",
                     calibration_to_json(calibration));
}

/* Judges the weights (their average, where there is one) and keeps them if they are the best so far. */
static assay_status validate(struct trainer *t, int64_t epoch, json_t **figures, bool *better,
                             struct assay_error *error)
{
    const struct train_job *job = t->job;
    struct validation v = {0};
    struct calibration calibration = {0};
    average_swap(t->model.store);
    assay_status status = validation_run(t->scorer, t->pictures[1], job->validation,
                                         (size_t)job->options->validation_batch, job->loader, job->cancel, &v, error);
    if (status)
        goto done;
    double value = best_value(&v.summary, job->options->best_by);
    *better = !t->best || value > json_real_value(json_object_get(t->best, "value"));
    if (*better) {
        status = validation_calibrate(&v, &calibration, error);
        if (status)
            goto done;
        json_t *best = best_of(&v, epoch, value, &calibration);
        if (!best) {
            status = error_memory(error, "validation");
            goto done;
        }
        json_decref(t->best);
        t->best = best;
        t->model.calibration = calibration;
        best_keep(t->model.store);
    }
    *figures = validation_to_json(&v);
    if (!*figures)
        status = error_memory(error, "validation");
done:
    average_swap(t->model.store);
    validation_free(&v);
    return status;
}

static void tell_epoch(struct trainer *t, int64_t epoch, double loss, const json_t *figures, bool better)
{
    if (!figures) {
        trainer_tell(t, "epoch %" PRId64 "/%" PRId64 ": loss %.4f", epoch, t->job->options->epochs, loss);
        return;
    }
    struct metrics_summary s;
    validation_from_json(figures, &s);
    trainer_tell(t,
                 "epoch %" PRId64 "/%" PRId64
                 ": loss %.4f; validation: balanced accuracy %.4f, average precision %.4f, "
                 "AUROC %.4f, loss %.4f%s",
                 epoch, t->job->options->epochs, loss, s.balanced_accuracy, s.average_precision, s.auroc, s.loss,
                 better ? " (best so far)" : "");
}

double trainer_rate(const struct trainer *t, uint64_t step)
{
    return plateau_rate(&t->job->options->plateau, &t->plateau, schedule_rate(&t->schedule, step, t->total));
}

/* One epoch's figures; NULL: it did not validate. */
static void see_plateau(struct trainer *t, const json_t *figures)
{
    const struct train_options *o = t->job->options;
    struct metrics_summary summary;
    if (!figures)
        return;
    validation_from_json(figures, &summary);
    plateau_see(&o->plateau, &t->plateau, o->learning_rate, best_value(&summary, o->best_by));
}

void trainer_replay_plateau(struct trainer *t)
{
    t->plateau = (struct plateau_state){0};
    for (size_t i = 0; i < json_array_size(t->history); i++)
        see_plateau(t, json_object_get(json_array_get(t->history, i), "validation"));
}

assay_status trainer_end_epoch(struct trainer *t, struct assay_error *error)
{
    const struct train_job *job = t->job;
    const struct train_options *o = job->options;
    int64_t epoch = (int64_t)json_array_size(t->history) + 1;
    if (t->fit.features) {
        assay_status status = trainer_fit_solve(t, error);
        if (status)
            return status;
    }
    double loss = t->loss_count ? t->loss_sum / (double)t->loss_count : 0;
    json_t *figures = NULL;
    bool better = false;
    json_t *report = NULL;
    if (job->validation && (epoch % o->validate_every == 0 || epoch == o->epochs)) {
        assay_status status = validate(t, epoch, &figures, &better, error);
        if (status)
            return status;
    }
    assay_status status = trainer_report(t, epoch, &report, error);
    if (status) {
        json_decref(figures);
        return status;
    }
    json_t *record = json_pack("{s:I, s:f, s:f, s:O*, s:o*}", "epoch", (json_int_t)epoch, "learning_rate",
                               trainer_rate(t, t->step - 1), "loss", loss, "validation", figures, "report", report);
    if (!record || json_array_append_new(t->history, record) != 0) {
        json_decref(figures);
        return error_memory(error, "the history of epochs");
    }
    int64_t drops = t->plateau.drops;
    see_plateau(t, figures);
    t->loss_sum = 0;
    t->loss_count = 0;
    tell_epoch(t, epoch, loss, figures, better);
    json_decref(figures);
    if (t->plateau.stop)
        trainer_tell(t, "no better for %" PRId64 " validations: training ends here", o->plateau.patience);
    else if (t->plateau.drops > drops)
        trainer_tell(t, "no better for %" PRId64 " validations: the learning rate falls to %g", o->plateau.patience,
                     trainer_rate(t, t->step));
    if (better)
        trainer_save_or_warn(t); /* the best weights are in it */
    return ASSAY_OK;
}
