/* trainer_fit.c - training in closed form: batches are only counted up, and the end of an epoch solves for the last
 * layer. Everything below it stays as it began. */
#include <stdio.h>

#include "cpu/cpu.h"
#include "nn/params.h"
#include "train/trainer_internal.h"

static void build_features(struct graph *g, const struct shape *shapes, int input_count, void *context)
{
    struct trainer *t = context;
    (void)input_count;
    struct detector_io io = detector_io(input(g, "image", shapes[0], DTYPE_F32));
    t->job->detector->forward(g, params_root(t->model.store), t->model.config, &io);
    tap(g, "features", io.embedding);
}

static struct program_input image_input(const struct trainer *t, const float *images)
{
    int64_t side = preprocess_training(&t->model.preprocess).crop;
    return (struct program_input){"image", SHAPE(t->job->options->batch, side, side, 3), images};
}

static struct store_entry *head_entry(const struct trainer *t, const char *name)
{
    char full[PARAMS_PREFIX];
    snprintf(full, sizeof full, "%s%s", t->job->detector->head, name);
    return store_get(t->model.store, full);
}

static assay_status no_layer(const struct trainer *t, struct assay_error *error)
{
    return error_set(error, ASSAY_ERROR_ARGUMENT,
                     "option optimizer: least-squares fits one last linear layer, which detector %s does not end in",
                     t->job->detector->name);
}

assay_status trainer_fit_build(struct trainer *t, struct assay_error *error)
{
    if (!t->job->detector->head)
        return no_layer(t, error);
    struct program_input image = image_input(t, NULL);
    assay_status status = program_add(t->program, "features", false, build_features, t, error);
    if (!status)
        status = program_prepare(t->program, "features", &image, 1, error);
    const struct store_entry *weight = head_entry(t, "weight");
    if (!status && !weight) /* with these options its head is more than that */
        status = no_layer(t, error);
    if (!status)
        status = least_squares_create(&t->fit, weight->shape.dim[1], t->job->options->batch, error);
    return status ? status : least_squares_declare(&t->fit, t->model.store, error);
}

assay_status trainer_fit_step(struct trainer *t, struct assay_error *error)
{
    const struct loader_batch *batch = NULL;
    assay_status status = loader_next(t->loader, &batch, error);
    if (status)
        return status;
    struct program_input image = image_input(t, batch->images);
    struct run_options options = {.seed = (uint64_t)t->job->options->seed, .step = t->step};
    struct program_run run = {0};
    status = program_run(t->program, "features", &image, 1, &options, &run, error);
    if (status)
        return status;
    least_squares_add(&t->fit, program_read(&run, "features").data, batch->labels, (int64_t)batch->count);
    program_release(&run);
    t->step++;
    return ASSAY_OK;
}

assay_status trainer_fit_solve(struct trainer *t, struct assay_error *error)
{
    struct store_entry *weight = head_entry(t, "weight"), *bias = head_entry(t, "bias");
    assay_status status = store_make_writable(weight, error);
    if (!status)
        status = store_make_writable(bias, error);
    if (!status)
        status =
            least_squares_solve(&t->fit, t->job->options->weight_decay, weight->data, bias->data, &t->loss_sum, error);
    t->loss_count = 1;
    weight->version++;
    bias->version++;
    return status;
}
