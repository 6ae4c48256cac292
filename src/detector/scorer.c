/* scorer.c - pictures to logits: crops are cut, batched through the "eval" graph, and averaged over each picture. */
#include "base/memory.h"
#include "cpu/cpu.h"
#include "detector/model.h"

/* Crops of one run, fewer where they are large. Batches are powers of two, so that five compiled graphs serve every
 * count. */
enum { SCORER_BATCH = 16, SCORER_PIXELS = 16 * 256 * 256 };

struct model_scorer {
    struct model *model;
    struct program *program;
};

/* Crops that wait for a run, and whose picture each is. One a call, so that calls do not disturb each other. */
struct crop_batch {
    struct model_scorer *scorer;
    float *crops; /* [capacity, crop, crop, 3] */
    size_t crop_floats;
    int capacity, count;
    double *target[SCORER_BATCH]; /* the sum that a crop's logit is added to */
};

static void build_eval(struct graph *g, const struct shape *input_shapes, int input_count, void *context)
{
    struct model *model = context;
    (void)input_count;
    struct detector_io io = {.image = input(g, "image", input_shapes[0], DTYPE_F32), .mask = NODE_NONE};
    model->detector->forward(g, params_root(model->store), model->config, &io);
    tap(g, "logit", io.logit);
}

static int batch_capacity(size_t side)
{
    int capacity = SCORER_BATCH;
    while (capacity > 1 && (size_t)capacity * side * side > SCORER_PIXELS)
        capacity /= 2;
    return capacity;
}

assay_status model_scorer_create(struct model *model, bool bf16, struct model_scorer **out, struct assay_error *error)
{
    struct plan_options options = {.backend = cpu_backend(),
                                   .precision = bf16 ? PRECISION_MODE_BF16 : PRECISION_MODE_F32};
    struct model_scorer *scorer = mem_alloc(1, sizeof *scorer);
    if (!scorer)
        return error_memory(error, "a scorer");
    scorer->model = model;
    assay_status status = program_create(model->store, &options, &scorer->program, error);
    if (!status)
        status = program_add(scorer->program, "eval", false, build_eval, model, error);
    if (status) {
        model_scorer_free(scorer);
        return status;
    }
    *out = scorer;
    return ASSAY_OK;
}

void model_scorer_free(struct model_scorer *scorer)
{
    if (!scorer)
        return;
    program_free(scorer->program);
    mem_free(scorer);
}

/* Runs `count` crops from `first` on and adds their logits to their pictures' sums. */
static assay_status run_crops(struct crop_batch *batch, int first, int count, struct assay_error *error)
{
    struct model_scorer *scorer = batch->scorer;
    int64_t side = scorer->model->preprocess.crop;
    struct program_input image = {"image", SHAPE(count, side, side, IMAGE_CHANNELS),
                                  batch->crops + (size_t)first * batch->crop_floats};
    struct run_options options = {0};
    struct program_run run = {0};
    assay_status status = program_run(scorer->program, "eval", &image, 1, &options, &run, error);
    if (status)
        return status;
    struct tensor logit = program_read(&run, "logit"); /* [count, 1] */
    if (!logit.data || shape_count(&logit.shape) != count)
        status = error_set(error, ASSAY_ERROR_INTERNAL, "detector %s gives no logit for each crop",
                           scorer->model->detector->name);
    else
        for (int i = 0; i < count; i++)
            *batch->target[first + i] += (double)((const float *)logit.data)[i];
    program_release(&run);
    return status;
}

/* Runs all crops that wait, in the largest batches first. */
static assay_status flush(struct crop_batch *batch, struct assay_error *error)
{
    assay_status status = ASSAY_OK;
    int first = 0;
    for (int size = batch->capacity; size > 0 && !status; size /= 2)
        for (; batch->count - first >= size && !status; first += size)
            status = run_crops(batch, first, size, error);
    batch->count = 0;
    return status;
}

/* Adds the logits of a picture's crops to *sum, as the batches run. */
static assay_status add_picture(struct crop_batch *batch, const struct image *picture, double *sum, int *crop_count,
                                struct assay_error *error)
{
    const struct preprocess *p = &batch->scorer->model->preprocess;
    const struct image *fitted = picture;
    struct image own = {0};
    assay_status status = ASSAY_OK;
    if (!preprocess_fits(p, picture)) {
        status = preprocess_fit(p, picture, &own, error);
        if (status)
            return status;
        fitted = &own;
    }
    *crop_count = preprocess_crop_count(p, fitted);
    for (int i = 0; i < *crop_count && !status; i++) {
        int left, top;
        preprocess_crop_at(p, fitted, i, &left, &top);
        preprocess_write(p, fitted, left, top, batch->crops + (size_t)batch->count * batch->crop_floats);
        batch->target[batch->count++] = sum;
        if (batch->count == batch->capacity)
            status = flush(batch, error);
    }
    image_free(&own);
    return status;
}

assay_status model_score(struct model_scorer *scorer, const struct image *const *pictures, size_t count, double *logits,
                         struct assay_error *error)
{
    size_t side = (size_t)scorer->model->preprocess.crop;
    struct crop_batch batch = {.scorer = scorer,
                               .crop_floats = side * side * IMAGE_CHANNELS,
                               .capacity = batch_capacity(side)};
    int *crop_counts = mem_alloc(count, sizeof *crop_counts);
    batch.crops = mem_alloc_aligned((size_t)batch.capacity * batch.crop_floats * sizeof *batch.crops);
    assay_status status = ASSAY_OK;
    if ((count && !crop_counts) || !batch.crops) {
        status = error_memory(error, "a batch of crops");
        goto done;
    }
    for (size_t i = 0; i < count; i++)
        logits[i] = 0;
    for (size_t i = 0; i < count && !status; i++)
        status = add_picture(&batch, pictures[i], &logits[i], &crop_counts[i], error);
    if (!status)
        status = flush(&batch, error);
    for (size_t i = 0; i < count && !status; i++)
        logits[i] /= crop_counts[i];
done:
    mem_free(crop_counts);
    mem_free(batch.crops);
    return status;
}
