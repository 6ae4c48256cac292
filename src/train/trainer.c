/* trainer.c - the training loop, and what precedes its first step. */
#include "train/trainer.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "train/checkpoint.h"
#include "train/settings.h"
#include "train/trainer_internal.h"
#include "train/validate.h"

static bool cancelled(const struct trainer *t)
{
    return t->job->cancel && *t->job->cancel;
}

static char *checkpoint_path_of(struct arena *arena, const char *out)
{
    return arena_printf(arena, "%s.checkpoint", out);
}

/* ---- before the first step -------------------------------------------------------------------------------------- */

/* A file of that name could be created, and is no folder. */
static assay_status check_writable(const char *path, struct assay_error *error)
{
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: is a directory; name a file to write", path);
    struct file_writer writer = {0};
    assay_status status = file_create(path, &writer, error);
    file_discard(&writer);
    return status;
}

static assay_status check_classes(const struct dataset *dataset, const char *what, struct assay_error *error)
{
    for (int label = 0; label < LABEL_COUNT; label++)
        if (dataset->label_count[label] == 0)
            return error_set(error, ASSAY_ERROR_ARGUMENT, "there are no %s pictures to %s", dataset_label_text(label),
                             what);
    return ASSAY_OK;
}

static assay_status check_job(struct trainer *t, struct assay_error *error)
{
    const struct train_job *job = t->job;
    assay_status status = train_options_check(job->options, error);
    if (!status)
        status = augment_check(job->augment, error);
    if (!status)
        status = check_classes(job->train, "train on", error);
    if (!status && job->validation)
        status = check_classes(job->validation, "validate with", error);
    if (!status && job->report)
        status = check_classes(job->report, "report on", error);
    if (!status && job->options->plateau.patience > 0 && !job->validation)
        status = error_set(error, ASSAY_ERROR_ARGUMENT,
                           "option drop-patience: needs validation pictures; without them, --drop-patience 0 and a "
                           "number of --epochs");
    if (!status && job->options->plateau.patience > 0 && job->report)
        status = error_set(error, ASSAY_ERROR_ARGUMENT,
                           "option report-data: which epochs are the last is not known with drop-patience; set "
                           "--drop-patience 0 and a number of --epochs");
    if (status)
        return status;
    if (job->resume && !file_exists(t->checkpoint_path))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: no such checkpoint, so there is nothing to resume%s",
                         t->checkpoint_path, file_exists(job->out) ? "; that training is complete" : "");
    if (!job->resume && !job->overwrite)
        for (int i = 0; i < 2; i++)
            if (file_exists(i == 0 ? t->checkpoint_path : job->out))
                return error_set(error, ASSAY_ERROR_ARGUMENT, "%s exists: %s, or replace it with --overwrite",
                                 i == 0 ? t->checkpoint_path : job->out,
                                 i == 0 ? "go on from it with --resume" : "choose another name");
    status = check_writable(job->out, error);
    return status ? status : check_writable(t->checkpoint_path, error);
}

static void tell_unreadable(void *context, const struct dataset_picture *picture, const struct assay_error *why)
{
    struct trainer *t = context;
    (void)picture;
    if (t->job->stream)
        fprintf(t->job->stream, "warning: left out: %s\n", why->message);
}

/* Three quarters of the memory for decoded pictures go to training. */
static assay_status open_pictures(struct trainer *t, struct assay_error *error)
{
    const struct train_job *job = t->job;
    uint64_t cache = (uint64_t)job->loader->cache_mb << 20, train = job->validation ? cache / 4 * 3 : cache;
    assay_status status = pictures_create(job->train, train, NULL, tell_unreadable, t, &t->pictures[0], error);
    if (!status && job->validation)
        status = pictures_create(job->validation, cache - train, NULL, tell_unreadable, t, &t->pictures[1], error);
    if (!status && job->report)
        status = pictures_create(job->report, 0, NULL, tell_unreadable, t, &t->pictures[2], error);
    if (status)
        return status;
    struct preprocess preprocess = preprocess_training(&t->model.preprocess);
    struct loader_setup setup = {.batch = (size_t)job->options->batch,
                                 .seed = (uint64_t)job->options->seed,
                                 .preprocess = &preprocess,
                                 .augment = job->augment,
                                 .sampler = job->sampler,
                                 .options = job->loader};
    return loader_train(t->pictures[0], &setup, t->step, &t->loader, error);
}

/* ---- the run ---------------------------------------------------------------------------------------------------- */

static assay_status stop(struct trainer *t, struct assay_error *error)
{
    assay_status status = trainer_save_checkpoint(t, error);
    if (status)
        return status;
    return error_set(error, ASSAY_ERROR_CANCELLED,
                     "stopped after step %" PRIu64 " of %" PRIu64 ", saved in %s; to go on, give the same command with "
                     "--resume",
                     t->step, t->total, t->checkpoint_path);
}

/* An epoch whose steps are done but which is not in the history yet is ended first: so also after resuming. */
static assay_status train_loop(struct trainer *t, struct assay_error *error)
{
    uint64_t batch = (uint64_t)t->job->options->batch;
    for (;;) {
        if (cancelled(t))
            return stop(t, error);
        assay_status status;
        if (t->step > 0 && t->step / t->steps_per_epoch > json_array_size(t->history)) {
            status = trainer_end_epoch(t, error);
            if (status == ASSAY_ERROR_CANCELLED)
                return stop(t, error);
        } else if (t->step == t->total || t->plateau.stop) {
            return ASSAY_OK;
        } else {
            status = t->fit.features ? trainer_fit_step(t, error) : trainer_step(t, error);
        }
        if (status)
            return status;
        if (t->loss_count)
            snprintf(t->note, sizeof t->note, "epoch %zu/%" PRId64 ", loss %.4f", json_array_size(t->history) + 1,
                     t->job->options->epochs, t->loss_sum / (double)t->loss_count);
        progress_update(&t->progress, t->step * batch, t->note);
        if (clock_seconds() - t->saved >= (double)t->job->conduct->checkpoint_every)
            trainer_save_or_warn(t);
    }
}

/* The best weights, or the last (their average where there is one), become the model file. */
static assay_status finish(struct trainer *t, struct assay_error *error)
{
    struct assay_error unsaved = {0};
    bool saved = !trainer_save_checkpoint(t, &unsaved); /* in case the model cannot be written */
    if (t->best)
        best_restore(t->model.store);
    else
        average_swap(t->model.store);
    assay_status status = trainer_save_model(t, error);
    if (!status)
        unlink(t->checkpoint_path);
    else if (saved || file_exists(t->checkpoint_path))
        trainer_tell(t, "%s holds %s: mend what is wrong and give the same command with --resume", t->checkpoint_path,
                     saved ? "the finished training" : "an earlier state");
    return status;
}

static void report(const struct trainer *t, struct train_result *result)
{
    *result = (struct train_result){.steps = t->step,
                                    .epochs = json_array_size(t->history),
                                    .images_per_second = progress_rate(&t->progress),
                                    .stopped = t->plateau.stop};
    if (t->best) {
        result->best_epoch = json_integer_value(json_object_get(t->best, "epoch"));
        validation_from_json(json_object_get(t->best, "validation"), &result->best);
    }
}

assay_status train_run(const struct train_job *job, struct train_result *result, struct assay_error *error)
{
    struct trainer t = {.job = job};
    uint64_t batch = (uint64_t)job->options->batch;
    assay_status status = ASSAY_OK;
    t.checkpoint_path = checkpoint_path_of(&t.arena, job->out);
    t.settings = settings_of(job);
    t.history = json_array();
    if (!t.checkpoint_path || !t.settings || !t.history) {
        status = error_memory(error, "training");
        goto done;
    }
    t.steps_per_epoch = (uint64_t)job->options->steps_per_epoch;
    if (t.steps_per_epoch == 0)
        t.steps_per_epoch = job->train->count > batch ? job->train->count / batch : 1;
    t.total = t.steps_per_epoch * (uint64_t)job->options->epochs;
    t.schedule = train_schedule(job->options, t.steps_per_epoch);
    status = train_optimizer(job->options, &t.arena, &t.optimizer, error);
    if (!status)
        status = check_job(&t, error);
    if (!status)
        status = trainer_build(&t, error);
    if (!status && job->resume)
        status = trainer_restore(&t, error);
    if (!status)
        status = open_pictures(&t, error);
    if (status)
        goto done;
    if (!job->resume)
        unlink(t.checkpoint_path); /* of the run that is overwritten: never to be resumed by mistake */
    t.saved = clock_seconds();
    progress_begin(&t.progress, job->stream, "training", t.step * batch, t.total * batch);
    status = train_loop(&t, error);
    if (t.progress.terminal)
        progress_end(&t.progress, NULL);
    if (!status)
        status = finish(&t, error);
    if (!status)
        trainer_tell_report(&t);
    report(&t, result);
done:
    loader_free(t.loader);
    pictures_free(t.pictures[0]);
    pictures_free(t.pictures[1]);
    pictures_free(t.pictures[2]);
    model_scorer_free(t.scorer);
    least_squares_free(&t.fit);
    program_free(t.program);
    model_free(&t.model);
    json_decref(t.settings);
    json_decref(t.history);
    json_decref(t.best);
    arena_free(&t.arena);
    return status;
}

assay_status train_recall(const char *out, json_t **settings, struct assay_error *error)
{
    struct arena arena = {0};
    struct checkpoint checkpoint = {0};
    char *path = checkpoint_path_of(&arena, out);
    assay_status status = ASSAY_OK;
    if (!path)
        status = error_memory(error, out);
    else if (!file_exists(path))
        status = error_set(error, ASSAY_ERROR_ARGUMENT, "%s: no such checkpoint, so there is nothing to resume%s", path,
                           file_exists(out) ? "; that training is complete" : "");
    else
        status = checkpoint_open(path, &checkpoint, error);
    if (!status) {
        *settings = json_incref(json_object_get(checkpoint.state, "settings"));
        if (!json_is_object(*settings))
            status = error_set(error, ASSAY_ERROR_FORMAT, "%s: the checkpoint's state is damaged", path);
    }
    checkpoint_close(&checkpoint);
    arena_free(&arena);
    return status;
}
