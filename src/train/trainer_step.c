/* trainer_step.c - the network with its loss, gradients and update as one graph, and one run of it. */
#include <inttypes.h>
#include <math.h>

#include "cpu/cpu.h"
#include "detector/published.h"
#include "train/checkpoint.h"
#include "train/trainer_internal.h"

/* Inputs: image, labels, scalars of the optimiser. */
static void build_step(struct graph *g, const struct shape *shapes, int input_count, void *context)
{
    struct trainer *t = context;
    const struct detector *detector = t->job->detector;
    (void)input_count;
    struct params root = params_root(t->model.store);
    struct detector_io io = detector_io(input(g, "image", shapes[0], DTYPE_F32));
    node labels = input(g, "labels", shapes[1], DTYPE_I32);
    node scalars = input(g, "optimizer", shapes[2], DTYPE_F32);
    detector->forward(g, root, t->model.config, &io);
    node loss = detector->loss(g, root, t->model.config, &io, labels);
    optimizer_step(g, &t->optimizer, loss, scalars);
    tap(g, "loss", loss);
}

static void step_inputs(const struct trainer *t, struct program_input inputs[STEP_INPUTS])
{
    int64_t batch = t->job->options->batch, side = preprocess_training(&t->model.preprocess).crop;
    inputs[0] = (struct program_input){"image", SHAPE(batch, side, side, 3), NULL};
    inputs[1] = (struct program_input){"labels", SHAPE(batch), NULL};
    inputs[2] = (struct program_input){"optimizer", SHAPE(OPTIMIZER_SCALARS), NULL};
}

assay_status trainer_step(struct trainer *t, struct assay_error *error)
{
    const struct train_options *o = t->job->options;
    const struct loader_batch *batch = NULL;
    assay_status status = loader_next(t->loader, &batch, error);
    if (status)
        return status;
    float scalars[OPTIMIZER_SCALARS];
    optimizer_scalars(&t->optimizer, t->step, trainer_rate(t, t->step), scalars);
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
                         "holds the last state that was saved, if any",
                         t->step + 1, t->checkpoint_path);
    t->step++;
    t->loss_sum += loss;
    t->loss_count++;
    return ASSAY_OK;
}

static bool has_frozen(const struct store *store)
{
    for (size_t i = 0; i < store->entries.count; i++)
        if (((const struct store_entry *)store->entries.entries[i].value)->frozen)
            return true;
    return false;
}

/* The first weights, where they come from files; noted among the settings: one as an object, several as a list. */
static assay_status begin_with(struct trainer *t, struct assay_error *error)
{
    const struct train_job *job = t->job;
    assay_status status = ASSAY_OK;
    if (job->weights_count == 0) {
        if (has_frozen(t->model.store))
            trainer_tell(t, "warning: part of the network is frozen, and random: name a checkpoint with --weights");
        return ASSAY_OK;
    }
    json_t *list = json_array();
    if (!list)
        return error_memory(error, "the first weights");
    for (size_t i = 0; i < job->weights_count && !status; i++) {
        const char *path = job->weights[i], *kind;
        json_t *from = NULL;
        status = model_load_published(&t->model, path, &kind, error);
        if (!status)
            status = model_describe_published(path, kind, &from, error);
        if (!status && json_array_append_new(list, from) != 0)
            status = error_memory(error, path);
        if (!status)
            trainer_tell(t, "begins with %s (%s)", path, kind);
    }
    if (!status &&
        json_object_set(t->settings, "began_with", job->weights_count == 1 ? json_array_get(list, 0) : list) != 0)
        status = error_memory(error, "the first weights");
    json_decref(list);
    return status;
}

static assay_status build_gradient_step(struct trainer *t, struct assay_error *error)
{
    struct program_input inputs[STEP_INPUTS];
    step_inputs(t, inputs);
    assay_status status = program_add(t->program, "step", true, build_step, t, error);
    return status ? status : program_prepare(t->program, "step", inputs, STEP_INPUTS, error);
}

assay_status trainer_build(struct trainer *t, struct assay_error *error)
{
    const struct train_job *job = t->job;
    assay_status status = model_create(job->detector, job->config, (uint64_t)job->options->seed, &t->model, error);
    if (status)
        return status;
    struct store *store = t->model.store;
    size_t model_entries = store->entries.count; /* what the step adds below is training's own */
    struct plan_options plan = {.backend = cpu_backend(), .precision = (enum precision)job->options->precision};
    status = program_create(store, &plan, &t->program, error);
    if (!status && job->options->optimizer == OPTIMIZER_LEAST_SQUARES)
        status = trainer_fit_build(t, error);
    else if (!status)
        status = build_gradient_step(t, error);
    if (!status && (job->validation || job->report))
        status = model_scorer_create(&t->model, false, &t->scorer, error);
    if (!status && job->validation)
        status = best_declare(store, model_entries, error);
    if (!status)
        status = store_initialise(store, (uint64_t)job->options->seed, error);
    if (!status && !job->resume)
        status = begin_with(t, error);
    return status ? status : average_begin(store, error);
}
