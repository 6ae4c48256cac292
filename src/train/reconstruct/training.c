/* training.c - an autoencoder's training: crops, one graph for a step, Adam along a cosine. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "cpu/cpu.h"
#include "image/geometry.h"
#include "ops/ops.h"
#include "train/optimizer.h"
#include "train/reconstruct/autoencoder.h"
#include "train/reconstruct/loss.h"
#include "train/reconstruct/model.h"
#include "train/schedule.h"

static const struct optimizer_options optimizer = {
    .kind = OPTIMIZER_ADAM, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8, .clip_norm = 1};

/* ---- the step's graph ------------------------------------------------------------------------------------------- */

static bool is_critic(const struct store_entry *entry)
{
    return strncmp(entry->name, CRITIC_PREFIX, strlen(CRITIC_PREFIX)) == 0;
}

/* Parameters in the order of autoencoder, critic: *own is the number of the former. */
static int sorted_params(struct graph *g, node *sorted, int room, int *own)
{
    node *found = NULL;
    int count = graph_trained_params(g, &found), at = 0;
    if (count > room) {
        graph_fail(g, "an autoencoder with too many parameters");
        count = 0;
    }
    for (int critic = 0; critic < 2; critic++) {
        for (int i = 0; i < count; i++)
            if (is_critic(graph_entry(g, found[i])) == (critic == 1))
                sorted[at++] = found[i];
        if (!critic)
            *own = at;
    }
    return count;
}

/* Hinge losses (Lim and Ye, 2017): the critic's own, whose gradient goes no further than the critic, and the
 * autoencoder's, whose gradient leaves the critic as it is; `share` lets it begin late. */
static void adversaries(struct graph *g, struct params p, node x, node made, node share,
                        const struct autoencoder_options *o, node *loss, node *critic_loss)
{
    node real = autoencoder_critic(g, p, x, o), fake = autoencoder_critic(g, p, made, o);
    *critic_loss = op_add(g, op_mean(g, op_relu(g, op_affine(g, real, -1, 1)), REDUCE_ALL, false),
                          op_mean(g, op_relu(g, op_affine(g, fake, 1, 1)), REDUCE_ALL, false));
    node fooled = op_mul(g, op_mean(g, fake, REDUCE_ALL, false), share);
    *loss = op_sub(g, *loss, op_scale(g, fooled, (float)o->adversarial));
}

/* Inputs: crops, scalars of the optimiser, share of the weights of spectrum and adversary. */
static void build_step(struct graph *g, const struct shape *shapes, int input_count, void *context)
{
    enum { MAX_PARAMS = 256 };
    const struct autoencoder_model *m = context;
    const struct autoencoder_options *o = &m->options;
    node params[MAX_PARAMS], gradients[MAX_PARAMS], critic_loss = NODE_NONE;
    int own = 0;
    (void)input_count;
    struct params root = params_root(m->store);
    node x = input(g, "crops", shapes[0], DTYPE_F32);
    node scalars = input(g, "optimizer", shapes[1], DTYPE_F32);
    node share = op_reshape(g, input(g, "share", shapes[2], DTYPE_F32), SHAPE_SCALAR);
    node made = autoencoder(g, root, x, o);
    node loss = reconstruct_loss(g, made, x, share, o);
    tap(g, "square", op_mean(g, op_square(g, op_sub(g, op_clamp(g, made, -1, 1), x)), REDUCE_ALL, false));
    tap(g, "loss", loss);
    if (o->adversarial > 0)
        adversaries(g, root, x, made, share, o, &loss, &critic_loss);
    int count = sorted_params(g, params, MAX_PARAMS, &own);
    graph_gradients(g, loss, params, own, gradients);
    if (count > own)
        graph_gradients(g, critic_loss, params + own, count - own, gradients + own);
    optimizer_update(g, &optimizer, params, gradients, own, scalars, NULL);
    if (count > own)
        optimizer_update(g, &optimizer, params + own, gradients + own, count - own, scalars, NULL);
}

/* ---- crops ------------------------------------------------------------------------------------------------------ */

struct feeder {
    struct pictures *pictures;
    const uint32_t *indices;
    size_t count;
    const struct autoencoder_options *options;
    uint64_t step;
    float *crops;               /* [batch, crop, crop, 3] */
    struct assay_error *errors; /* [batch] */
};

/* A picture drawn, or the next one that can be read. */
static assay_status borrow(const struct feeder *f, struct random *random, struct picture_loan *loan,
                           struct assay_error *error)
{
    size_t first = (size_t)random_below(random, f->count);
    for (size_t i = 0; i < f->count; i++) {
        assay_status status = pictures_borrow(f->pictures, f->indices[(first + i) % f->count], loan, error);
        if (status || loan->image.pixels)
            return status;
    }
    return error_set(error, ASSAY_ERROR_FORMAT, "none of the %zu pictures can be read", f->count);
}

static assay_status draw_crop(const struct feeder *f, int64_t i, struct assay_error *error)
{
    int side = (int)f->options->crop;
    struct random random = random_open((uint64_t)f->options->seed, f->step, (uint64_t)i);
    struct picture_loan loan = {0};
    struct image crop = {0};
    float *out = f->crops + (size_t)i * (size_t)side * (size_t)side * IMAGE_CHANNELS;
    assay_status status = borrow(f, &random, &loan, error);
    if (!status)
        status = image_crop_random(&loan.image, side, side, &random, &crop, error);
    bool flip = random_below(&random, 2) == 1;
    for (int y = 0; y < side && !status; y++)
        for (int x = 0; x < side; x++)
            for (int c = 0; c < IMAGE_CHANNELS; c++)
                *out++ =
                    (float)crop.pixels[((size_t)y * (size_t)side + (size_t)(flip ? side - 1 - x : x)) * 3 + (size_t)c] /
                        127.5f -
                    1;
    image_free(&crop);
    pictures_return(&loan);
    return status;
}

static void draw_crops(void *context, int64_t begin, int64_t end, int thread)
{
    const struct feeder *f = context;
    (void)thread;
    for (int64_t i = begin; i < end; i++)
        draw_crop(f, i, &f->errors[i]);
}

static assay_status feed(struct feeder *f, uint64_t step, struct assay_error *error)
{
    int64_t batch = f->options->batch;
    f->step = step;
    memset(f->errors, 0, (size_t)batch * sizeof *f->errors);
    parallel_for(batch, 1, draw_crops, f);
    for (int64_t i = 0; i < batch; i++)
        if (f->errors[i].status)
            return error_set(error, f->errors[i].status, "%s", f->errors[i].message);
    return ASSAY_OK;
}

/* ---- the loop --------------------------------------------------------------------------------------------------- */

enum { STEP_INPUTS = 3 };

static void step_inputs(const struct autoencoder_options *o, struct program_input inputs[STEP_INPUTS])
{
    inputs[0] = (struct program_input){"crops", SHAPE(o->batch, o->crop, o->crop, IMAGE_CHANNELS), NULL};
    inputs[1] = (struct program_input){"optimizer", SHAPE(OPTIMIZER_SCALARS), NULL};
    inputs[2] = (struct program_input){"share", SHAPE(1), NULL};
}

/* 0 in the first tenth of the training, 1 from three tenths on: first there must be something to judge. */
static float late_share(uint64_t at, uint64_t total)
{
    double share = ((double)at / (double)total - 0.1) / 0.2;
    return share < 0 ? 0 : share > 1 ? 1 : (float)share;
}

/* One step; *square: mean squared difference of its crops. */
static assay_status step(struct program *program, const struct autoencoder_options *o, const float *crops, uint64_t at,
                         double *square, struct assay_error *error)
{
    const uint64_t total = (uint64_t)o->steps;
    const struct schedule schedule = {.kind = SCHEDULE_COSINE,
                                      .rate = o->learning_rate,
                                      .warmup = total / 50,
                                      .floor = 0.01};
    float scalars[OPTIMIZER_SCALARS], share = late_share(at, total);
    struct program_input inputs[STEP_INPUTS];
    struct run_options options = {.seed = (uint64_t)o->seed, .step = at};
    struct program_run run = {0};
    optimizer_scalars(&optimizer, at, schedule_rate(&schedule, at, total), scalars);
    step_inputs(o, inputs);
    inputs[0].data = crops;
    inputs[1].data = scalars;
    inputs[2].data = &share;
    assay_status status = program_run(program, "step", inputs, STEP_INPUTS, &options, &run, error);
    if (status)
        return status;
    *square = *(const float *)program_read(&run, "square").data;
    float loss = *(const float *)program_read(&run, "loss").data;
    program_release(&run);
    if (!isfinite(loss))
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "the autoencoder's loss is no longer finite at step %" PRIu64 ": lower learning-rate", at + 1);
    return ASSAY_OK;
}

static assay_status run_steps(struct feeder *f, struct program *program, FILE *stream, struct autoencoder_model *m,
                              double *crops_per_second, struct assay_error *error)
{
    const struct autoencoder_options *o = &m->options;
    const uint64_t total = (uint64_t)o->steps, batch = (uint64_t)o->batch, judged = total / 10 ? total / 10 : 1;
    struct progress progress;
    char note[64];
    double recent = 0, sum = 0;
    assay_status status = ASSAY_OK;
    progress_begin(&progress, stream, "training an autoencoder", 0, total * batch);
    for (uint64_t at = 0; at < total && !status; at++) {
        double square = 0;
        status = feed(f, at, error);
        if (!status)
            status = step(program, o, f->crops, at, &square, error);
        recent = at == 0 ? square : recent * 0.95 + square * 0.05;
        if (at >= total - judged)
            sum += square;
        snprintf(note, sizeof note, "PSNR %.1f dB", autoencoder_psnr(recent));
        progress_update(&progress, (at + 1) * batch, note);
    }
    if (crops_per_second)
        *crops_per_second = progress_rate(&progress);
    progress_end(&progress, status ? NULL : note);
    m->psnr = autoencoder_psnr(sum / (double)judged);
    return status;
}

/* Those of the other autoencoder that have the same name and shape; at least one, or every one. */
static assay_status take_weights(struct store *store, const struct autoencoder_model *begin, bool every,
                                 struct assay_error *error)
{
    size_t taken = 0, count = 0;
    for (size_t i = 0; i < store->entries.count; i++) {
        struct store_entry *to = store->entries.entries[i].value;
        const struct store_entry *from = autoencoder_owns(to) ? store_get(begin->store, to->name) : NULL;
        count += autoencoder_owns(to);
        if (!from || !shape_equal(&from->shape, &to->shape))
            continue;
        memcpy(to->data, from->data, (size_t)shape_count(&to->shape) * sizeof *to->data);
        to->version++;
        taken++;
    }
    if (taken == 0 || (every && taken < count))
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "%zu of the %zu weights of the autoencoder to begin with fit this one: it has other options",
                         taken, count);
    return ASSAY_OK;
}

assay_status autoencoder_train(struct pictures *pictures, const uint32_t *indices, size_t count,
                               const struct autoencoder_options *options, const struct autoencoder_model *begin,
                               FILE *stream, struct autoencoder_model *out, double *crops_per_second,
                               struct assay_error *error)
{
    struct autoencoder_model m = {.options = *options};
    struct program *program = NULL;
    struct program_input inputs[STEP_INPUTS];
    struct plan_options plan = {.backend = cpu_backend(), .precision = (enum precision)options->precision};
    struct feeder f = {.pictures = pictures, .indices = indices, .count = count, .options = options};
    size_t side = (size_t)options->crop, floats;
    assay_status status = ASSAY_OK;
    memcpy(m.data, pictures_dataset(pictures)->digest, sizeof m.data);
    f.errors = mem_alloc((size_t)options->batch, sizeof *f.errors);
    f.crops = size_mul((size_t)options->batch, side * side * IMAGE_CHANNELS, &floats)
                  ? mem_alloc_aligned(floats * sizeof *f.crops)
                  : NULL;
    if (!f.errors || !f.crops)
        status = error_memory(error, "an autoencoder's crops");
    if (!status)
        status = store_create(&m.store, error);
    if (!status)
        status = program_create(m.store, &plan, &program, error);
    if (!status)
        status = program_add(program, "step", true, build_step, &m, error);
    step_inputs(options, inputs);
    if (!status)
        status = program_prepare(program, "step", inputs, STEP_INPUTS, error);
    if (!status)
        status = store_initialise(m.store, (uint64_t)options->seed, error);
    if (!status)
        autoencoder_begin(m.store, options);
    if (!status && begin)
        status = take_weights(m.store, begin, options->steps == 0, error);
    if (!status && begin)
        m.psnr = begin->psnr;
    if (!status && options->steps)
        status = run_steps(&f, program, stream, &m, crops_per_second, error);
    program_free(program);
    mem_free(f.crops);
    mem_free(f.errors);
    if (status)
        autoencoder_free(&m);
    else
        *out = m;
    return status;
}
