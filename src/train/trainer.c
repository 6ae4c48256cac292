/* trainer.c - the training loop. All its state is in the store and in the few fields below, and both go into every
 * checkpoint: what comes next follows from them alone. */
#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/progress.h"
#include "cpu/cpu.h"
#include "detector/model.h"
#include "train/checkpoint.h"
#include "train/settings.h"
#include "train/validate.h"

enum { STEP_INPUTS = 3 };

struct trainer {
    const struct train_job *job;
    struct arena arena;
    char *checkpoint_path;
    struct optimizer_options optimizer;
    struct schedule schedule;
    struct model model;
    struct program *program;
    struct model_scorer *scorer;              /* NULL without validation */
    struct pictures *pictures[2];             /* train, validation */
    struct loader *loader;
    json_t *settings;
    uint64_t steps_per_epoch, total;

    /* State. */
    uint64_t step;     /* done so far */
    double loss_sum;   /* over the steps of the present epoch */
    uint64_t loss_count;
    json_t *history;   /* an object for each finished epoch */
    json_t *best;      /* "epoch", "value", "validation", "sources", "calibration"; NULL: none yet */

    struct progress progress;
    char note[96];
    double saved; /* when the last checkpoint was written or due */
};

static bool cancelled(const struct trainer *t)
{
    return t->job->cancel && *t->job->cancel;
}

static char *checkpoint_path_of(struct arena *arena, const char *out)
{
    return arena_printf(arena, "%s.checkpoint", out);
}

/* ---- one step --------------------------------------------------------------------------------------------------- */

/* Inputs: image, labels, scalars of the optimiser. */
static void build_step(struct graph *g, const struct shape *shapes, int input_count, void *context)
{
    struct trainer *t = context;
    const struct detector *detector = t->job->detector;
    (void)input_count;
    struct params root = params_root(t->model.store);
    struct detector_io io = {
        .image = input(g, "image", shapes[0], DTYPE_F32), .logit = NODE_NONE, .mask = NODE_NONE};
    node labels = input(g, "labels", shapes[1], DTYPE_I32);
    node scalars = input(g, "optimizer", shapes[2], DTYPE_F32);
    detector->forward(g, root, t->model.config, &io);
    node loss = detector->loss(g, root, t->model.config, &io, labels);
    node *params = NULL;
    int count = graph_trained_params(g, &params);
    node *gradients = mem_alloc((size_t)count + 1, sizeof *gradients);
    if (!gradients) {
        graph_fail(g, "no memory for the gradients");
        return;
    }
    graph_gradients(g, loss, params, count, gradients);
    optimizer_update(g, &t->optimizer, params, gradients, count, scalars, NULL);
    mem_free(gradients);
    tap(g, "loss", loss);
}

static void step_inputs(const struct trainer *t, struct program_input inputs[STEP_INPUTS])
{
    int64_t batch = t->job->options->batch, side = t->model.preprocess.crop;
    inputs[0] = (struct program_input){"image", SHAPE(batch, side, side, 3), NULL};
    inputs[1] = (struct program_input){"labels", SHAPE(batch), NULL};
    inputs[2] = (struct program_input){"optimizer", SHAPE(OPTIMIZER_SCALARS), NULL};
}

static assay_status run_step(struct trainer *t, struct assay_error *error)
{
    const struct train_options *o = t->job->options;
    const struct loader_batch *batch = NULL;
    assay_status status = loader_next(t->loader, &batch, error);
    if (status)
        return status;
    float scalars[OPTIMIZER_SCALARS];
    optimizer_scalars(&t->optimizer, t->step, schedule_rate(&t->schedule, t->step, t->total), scalars);
    struct program_input inputs[STEP_INPUTS];
    step_inputs(t, inputs);
    inputs[0].data = batch->images;
    inputs[1].data = batch->labels;
    inputs[2].data = scalars;
    struct run_options options = {.seed = (uint64_t)o->seed, .step = t->step};
    struct program_run run = {0};
    status = program_run(t->program, "step", inputs, STEP_INPUTS, &options, &run, error);
    if (status)
        return status;
    float loss = *(const float *)program_read(&run, "loss").data;
    program_release(&run);
    if (!isfinite(loss))
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "the loss is no longer finite at step %" PRIu64 ": lower learning-rate, or set clip-norm; %s "
                         "holds the last state that was saved, if any", t->step + 1, t->checkpoint_path);
    t->step++;
    t->loss_sum += loss;
    t->loss_count++;
    return ASSAY_OK;
}

/* ---- saving ------------------------------------------------------------------------------------------------------- */

static assay_status save_checkpoint(struct trainer *t, struct assay_error *error)
{
    json_t *state = json_pack("{s:I, s:f, s:I, s:O, s:O*, s:O}", "step", (json_int_t)t->step, "loss_sum", t->loss_sum,
                              "loss_count", (json_int_t)t->loss_count, "history", t->history, "best", t->best,
                              "settings", t->settings);
    if (!state)
        return error_memory(error, t->checkpoint_path);
    assay_status status = checkpoint_save(t->checkpoint_path, t->model.store, state, error);
    json_decref(state);
    t->saved = clock_seconds();
    return status;
}

/* What the model file says about its training. It holds nothing that a resumed run would know differently. */
static json_t *training_summary(const struct trainer *t)
{
    json_t *summary = json_copy(t->settings);
    json_t *extra = json_pack("{s:I, s:I, s:O, s:O*}", "steps", (json_int_t)t->step, "epochs",
                              (json_int_t)json_array_size(t->history), "history", t->history, "best", t->best);
    const char *weights = t->optimizer.average_decay > 0 ? "moving average" : "as trained";
    int failed = !summary || !extra || json_object_update(summary, extra) ||
                 json_object_set_new(summary, "weights", json_string(weights));
    if (!failed && t->best)
        failed = json_object_set_new(summary, "note", json_string("calibrated on the validation pictures, which also "
                                                                  "chose the best epoch: their figures flatter"));
    json_decref(extra);
    if (failed) {
        json_decref(summary);
        return NULL;
    }
    return summary;
}

/* Writes the model as it stands in the store. */
static assay_status save_model(struct trainer *t, struct assay_error *error)
{
    json_decref(t->model.training);
    t->model.training = training_summary(t);
    if (!t->model.training)
        return error_memory(error, t->job->out);
    return model_save(&t->model, t->job->out, error);
}

/* ---- the end of an epoch ------------------------------------------------------------------------------------------ */

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
static assay_status validate(struct trainer *t, int64_t epoch, json_t **figures, bool *better, struct assay_error *error)
{
    const struct train_job *job = t->job;
    struct validation v = {0};
    struct calibration calibration = {0};
    average_swap(t->model.store);
    assay_status status = validation_run(t->scorer, t->pictures[1], job->validation, (size_t)job->options->validation_batch,
                                         job->loader, job->cancel, &v, error);
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
    FILE *stream = t->job->stream;
    if (!stream)
        return;
    if (t->progress.terminal)
        progress_end(&t->progress, NULL);
    fprintf(stream, "epoch %" PRId64 "/%" PRId64 ": loss %.4f", epoch, t->job->options->epochs, loss);
    if (figures) {
        struct metrics_summary s;
        validation_from_json(figures, &s);
        fprintf(stream, "; validation: balanced accuracy %.4f, average precision %.4f, AUROC %.4f, loss %.4f%s",
                s.balanced_accuracy, s.average_precision, s.auroc, s.loss, better ? " (best so far)" : "");
    }
    fputc('\n', stream);
    fflush(stream);
}

/* Where a save that is not the last fails, training goes on: nothing is lost yet, and there may be space again later. */
static void save_or_warn(struct trainer *t)
{
    struct assay_error error = {0};
    if (save_checkpoint(t, &error) && t->job->stream) {
        if (t->progress.terminal)
            progress_end(&t->progress, NULL);
        fprintf(t->job->stream, "warning: no checkpoint was saved, training goes on: %s\n", error.message);
        fflush(t->job->stream);
    }
}

static assay_status end_epoch(struct trainer *t, struct assay_error *error)
{
    const struct train_options *o = t->job->options;
    int64_t epoch = (int64_t)json_array_size(t->history) + 1;
    double loss = t->loss_count ? t->loss_sum / (double)t->loss_count : 0;
    json_t *figures = NULL;
    bool better = false;
    if (t->scorer && (epoch % o->validate_every == 0 || epoch == o->epochs)) {
        assay_status status = validate(t, epoch, &figures, &better, error);
        if (status)
            return status;
    }
    json_t *record = json_pack("{s:I, s:f, s:f, s:O*}", "epoch", (json_int_t)epoch, "learning_rate",
                               schedule_rate(&t->schedule, t->step - 1, t->total), "loss", loss, "validation", figures);
    if (!record || json_array_append_new(t->history, record) != 0) {
        json_decref(figures);
        return error_memory(error, "the history of epochs");
    }
    t->loss_sum = 0;
    t->loss_count = 0;
    tell_epoch(t, epoch, loss, figures, better);
    json_decref(figures);
    if (better)
        save_or_warn(t); /* the best weights are in it */
    return ASSAY_OK;
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
            return error_set(error, ASSAY_ERROR_ARGUMENT, "there are no %s pictures to %s",
                             dataset_label_text(label), what);
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

static assay_status build_network(struct trainer *t, struct assay_error *error)
{
    const struct train_job *job = t->job;
    assay_status status = model_create(job->detector, job->config, (uint64_t)job->options->seed, &t->model, error);
    if (status)
        return status;
    struct store *store = t->model.store;
    size_t model_entries = store->entries.count; /* what the step adds below is training's own */
    struct plan_options plan = {.backend = cpu_backend(), .precision = (enum precision)job->options->precision};
    struct program_input inputs[STEP_INPUTS];
    step_inputs(t, inputs);
    status = program_create(store, &plan, &t->program, error);
    if (!status)
        status = program_add(t->program, "step", true, build_step, t, error);
    if (!status)
        status = program_prepare(t->program, "step", inputs, STEP_INPUTS, error);
    if (!status && job->validation) {
        status = model_scorer_create(&t->model, false, &t->scorer, error);
        if (!status)
            status = best_declare(store, model_entries, error);
    }
    if (!status)
        status = store_initialise(store, (uint64_t)job->options->seed, error);
    return status ? status : average_begin(store, error);
}

/* Everything that save_checkpoint wrote. */
static assay_status restore(struct trainer *t, struct assay_error *error)
{
    struct checkpoint checkpoint = {0};
    const char *path = t->checkpoint_path;
    assay_status status = checkpoint_open(path, &checkpoint, error);
    if (status)
        return status;
    const json_t *state = checkpoint.state, *best = json_object_get(state, "best");
    const json_t *history = json_object_get(state, "history"), *step = json_object_get(state, "step");
    const json_t *settings = json_object_get(state, "settings");
    if (!json_is_array(history) || !json_is_integer(step) || !json_is_object(settings) || json_integer_value(step) < 0 ||
        (uint64_t)json_integer_value(step) > t->total) {
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
    t->step = (uint64_t)json_integer_value(step);
    t->loss_sum = json_number_value(json_object_get(state, "loss_sum"));
    t->loss_count = (uint64_t)json_integer_value(json_object_get(state, "loss_count"));
    json_decref(t->history);
    t->history = json_incref((json_t *)history);
    t->best = json_incref((json_t *)best);
done:
    checkpoint_close(&checkpoint);
    return status;
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
    if (status)
        return status;
    struct loader_setup setup = {.batch = (size_t)job->options->batch,
                                 .seed = (uint64_t)job->options->seed,
                                 .preprocess = &t->model.preprocess,
                                 .augment = job->augment,
                                 .sampler = job->sampler,
                                 .options = job->loader};
    return loader_train(t->pictures[0], &setup, t->step, &t->loader, error);
}

/* ---- the run ------------------------------------------------------------------------------------------------------ */

static assay_status stop(struct trainer *t, struct assay_error *error)
{
    assay_status status = save_checkpoint(t, error);
    if (status)
        return status;
    return error_set(error, ASSAY_ERROR_CANCELLED,
                     "stopped after step %" PRIu64 " of %" PRIu64 ", saved in %s; to go on, give the same command with "
                     "--resume", t->step, t->total, t->checkpoint_path);
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
            status = end_epoch(t, error);
            if (status == ASSAY_ERROR_CANCELLED)
                return stop(t, error);
        } else if (t->step == t->total) {
            return ASSAY_OK;
        } else {
            status = run_step(t, error);
        }
        if (status)
            return status;
        snprintf(t->note, sizeof t->note, "epoch %zu/%" PRId64 ", loss %.4f", json_array_size(t->history) + 1,
                 t->job->options->epochs, t->loss_count ? t->loss_sum / (double)t->loss_count : 0);
        progress_update(&t->progress, t->step * batch, t->note);
        if (clock_seconds() - t->saved >= (double)t->job->conduct->checkpoint_every)
            save_or_warn(t);
    }
}

/* The best weights, or the last (their average where there is one), become the model file. */
static assay_status finish(struct trainer *t, struct assay_error *error)
{
    if (t->best)
        best_restore(t->model.store);
    else
        average_swap(t->model.store);
    assay_status status = save_model(t, error);
    if (!status)
        unlink(t->checkpoint_path);
    return status;
}

static void report(const struct trainer *t, struct train_result *result)
{
    *result = (struct train_result){.steps = t->step,
                                    .epochs = json_array_size(t->history),
                                    .images_per_second = progress_rate(&t->progress)};
    if (t->best) {
        result->best_epoch = json_integer_value(json_object_get(t->best, "epoch"));
        validation_from_json(json_object_get(t->best, "validation"), &result->best);
    }
}

assay_status train_run(const struct train_job *job, struct train_result *result, struct assay_error *error)
{
    struct trainer t = {.job = job, .optimizer = train_optimizer(job->options), .schedule = train_schedule(job->options)};
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
    status = check_job(&t, error);
    if (!status)
        status = build_network(&t, error);
    if (!status && job->resume)
        status = restore(&t, error);
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
    report(&t, result);
done:
    loader_free(t.loader);
    pictures_free(t.pictures[0]);
    pictures_free(t.pictures[1]);
    model_scorer_free(t.scorer);
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
