/* trainer_save.c - checkpoints and the model file. */
#include <stdarg.h>

#include "train/checkpoint.h"
#include "train/settings.h"
#include "train/trainer_internal.h"

assay_status trainer_save_checkpoint(struct trainer *t, struct assay_error *error)
{
    json_t *state =
        json_pack("{s:I, s:f, s:I, s:O, s:O*, s:O}", "step", (json_int_t)t->step, "loss_sum", t->loss_sum, "loss_count",
                  (json_int_t)t->loss_count, "history", t->history, "best", t->best, "settings", t->settings);
    if (!state)
        return error_memory(error, t->checkpoint_path);
    assay_status status = t->fit.features ? least_squares_keep(&t->fit, t->model.store, error) : ASSAY_OK;
    if (!status)
        status = checkpoint_save(t->checkpoint_path, t->model.store, state, error);
    json_decref(state);
    t->saved = clock_seconds();
    return status;
}

/* What the model file says about its training. It holds nothing that a resumed run would know differently. */
static json_t *training_summary(const struct trainer *t)
{
    json_t *summary = json_copy(t->settings);
    json_t *extra = json_pack("{s:I, s:I, s:O, s:O*, s:o*}", "steps", (json_int_t)t->step, "epochs",
                              (json_int_t)json_array_size(t->history), "history", t->history, "best", t->best, "report",
                              trainer_report_summary(t));
    const char *weights = t->optimizer.average_decay > 0 ? "moving average" : "as trained";
    int failed = !summary || !extra || json_object_update(summary, extra) ||
                 json_object_set_new(summary, "weights", json_string(weights));
    if (!failed && t->best)
        failed = json_object_set_new(summary, "note",
                                     json_string("calibrated on the validation pictures, which also "
                                                 "chose the best epoch: their figures flatter"));
    json_decref(extra);
    if (failed) {
        json_decref(summary);
        return NULL;
    }
    return summary;
}

/* Writes the model as it stands in the store. */
assay_status trainer_save_model(struct trainer *t, struct assay_error *error)
{
    json_decref(t->model.training);
    t->model.training = training_summary(t);
    if (!t->model.training)
        return error_memory(error, t->job->out);
    return model_save(&t->model, t->job->out, error);
}

/* Where a save that is not the last fails, training goes on: nothing is lost yet, and there may be space again
 * later. */
void trainer_save_or_warn(struct trainer *t)
{
    struct assay_error error = {0};
    if (trainer_save_checkpoint(t, &error))
        trainer_tell(t, "warning: no checkpoint was saved, training goes on: %s", error.message);
}

void trainer_tell(struct trainer *t, const char *format, ...)
{
    FILE *stream = t->job->stream;
    if (!stream)
        return;
    if (t->progress.terminal)
        progress_end(&t->progress, NULL); /* wipes the bar; the next update draws it anew */
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stream, format, arguments);
    va_end(arguments);
    fputc('\n', stream);
    fflush(stream);
}

assay_status trainer_restore(struct trainer *t, struct assay_error *error)
{
    struct checkpoint checkpoint = {0};
    const char *path = t->checkpoint_path;
    assay_status status = checkpoint_open(path, &checkpoint, error);
    if (status)
        return status;
    const json_t *state = checkpoint.state, *best = json_object_get(state, "best");
    const json_t *history = json_object_get(state, "history"), *step = json_object_get(state, "step");
    const json_t *settings = json_object_get(state, "settings");
    if (!json_is_array(history) || !json_is_integer(step) || !json_is_object(settings) ||
        json_integer_value(step) < 0 || (uint64_t)json_integer_value(step) > t->total) {
        if (!json_is_object(settings) || !(status = settings_compare(settings, t->settings, path, NULL, error)))
            status = error_set(error, ASSAY_ERROR_FORMAT, "%s: the checkpoint's state is damaged", path);
        goto done;
    }
    status = settings_compare(settings, t->settings, path, t->job->stream, error);
    if (!status)
        status = checkpoint_restore(&checkpoint, path, t->model.store, error);
    if (!status && best)
        status = calibration_from_json(json_object_get(best, "calibration"), path, &t->model.calibration, error);
    if (status)
        goto done;
    if (t->fit.features)
        least_squares_restore(&t->fit, t->model.store);
    const json_t *began = json_object_get(settings, "began_with");
    if (began && json_object_set(t->settings, "began_with", (json_t *)began) != 0) {
        status = error_memory(error, path);
        goto done;
    }
    t->step = (uint64_t)json_integer_value(step);
    t->loss_sum = json_number_value(json_object_get(state, "loss_sum"));
    t->loss_count = (uint64_t)json_integer_value(json_object_get(state, "loss_count"));
    json_decref(t->history);
    t->history = json_incref((json_t *)history);
    t->best = json_incref((json_t *)best);
    trainer_replay_plateau(t);
done:
    checkpoint_close(&checkpoint);
    return status;
}
