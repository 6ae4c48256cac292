/* scorer.c - pictures to logits: crops are cut, batched through the "eval" graph, and averaged over each picture. */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "cpu/cpu.h"
#include "detector/crops.h"
#include "detector/model_internal.h"

/* Crops of one run, fewer where they are large. Batches are powers of two, so that five compiled graphs serve every
 * count. */
enum { SCORER_BATCH = 16, SCORER_PIXELS = 16 * 256 * 256 };

/* Crops that wait for a run, and whose picture each is. One a call, so that calls do not disturb each other. */
struct crop_batch {
    struct model_scorer *scorer;
    float *crops; /* [capacity, crop, crop, 3] */
    size_t crop_floats;
    int capacity, count;
    const char *graph;
    const struct watch *watch;
    double share; /* of the call, done */
    struct {
        double *logit;                    /* the sums that a crop's values are added to */
        float *embedding;                 /* NULL: not asked for */
        struct crop_agreement *agreement; /* likewise */
        double share;                     /* of the call that is done with this crop */
    } target[SCORER_BATCH];
};

struct detector_io model_forward(struct graph *g, const struct model *model, struct shape image)
{
    struct detector_io io = detector_io(input(g, "image", image, DTYPE_F32));
    model->detector->forward(g, params_root(model->store), model->config, &io);
    tap(g, "logit", io.logit);
    return io;
}

static void build_eval(struct graph *g, const struct shape *input_shapes, int input_count, void *context)
{
    (void)input_count;
    model_forward(g, context, input_shapes[0]);
}

/* A graph of its own, since what is tapped cannot be fused away or overwritten. */
static void build_embed(struct graph *g, const struct shape *input_shapes, int input_count, void *context)
{
    (void)input_count;
    tap(g, "embedding", model_forward(g, context, input_shapes[0]).embedding);
}

/* 0 where there is no embedding, or where the forward pass fails, which the first run will tell. */
static assay_status find_embedding_width(struct model_scorer *scorer, struct assay_error *error)
{
    int64_t side = scorer->model->preprocess.crop;
    struct graph *g = graph_create(scorer->model->store, (struct graph_options){0});
    if (!g)
        return error_memory(error, "a scorer");
    struct detector_io io = model_forward(g, scorer->model, SHAPE(1, side, side, IMAGE_CHANNELS));
    assay_status status = graph_status(g, error);
    if (!status && io.embedding.id >= 0)
        scorer->embedding_width = (size_t)graph_dim(g, io.embedding, -1);
    graph_free(g);
    return status == ASSAY_ERROR_MEMORY ? status : ASSAY_OK;
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
    if (!status)
        status = program_add(scorer->program, "embed", false, build_embed, model, error);
    for (int i = 0; i < ACTIVATION_METHODS && !status; i++) {
        struct activation_graph *graph = &scorer->explain[i];
        *graph = (struct activation_graph){.model = model, .method = (enum activation_method)i};
        snprintf(graph->name, sizeof graph->name, "explain %d", i);
        status = program_add(scorer->program, graph->name, false, activation_build, graph, error);
    }
    if (!status)
        status = find_embedding_width(scorer, error);
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

size_t model_embedding_width(const struct model_scorer *scorer)
{
    return scorer->embedding_width;
}

/* Adds the embeddings [count, width] of a run to their pictures' sums. */
static assay_status add_embeddings(const struct crop_batch *batch, int first, int count, const struct program_run *run,
                                   struct assay_error *error)
{
    size_t width = batch->scorer->embedding_width;
    struct tensor embedding = program_read(run, "embedding");
    if (!embedding.data || (size_t)shape_count(&embedding.shape) != (size_t)count * width)
        return error_set(error, ASSAY_ERROR_INTERNAL, "detector %s gives no embedding for each crop",
                         batch->scorer->model->detector->name);
    for (int i = 0; i < count; i++)
        for (size_t j = 0; j < width; j++)
            batch->target[first + i].embedding[j] += ((const float *)embedding.data)[(size_t)i * width + j];
    return ASSAY_OK;
}

/* Welford's sums: until the end `deviation` holds the sum of squares about the mean. */
static void add_crop(const struct calibration *calibration, double logit, struct crop_agreement *a)
{
    double p = calibration_probability(calibration, logit);
    double mean = a->mean + (p - a->mean) / (a->crops + 1);
    a->deviation += (p - a->mean) * (p - mean);
    a->mean = mean;
    a->crops++;
    a->generated += p >= 0.5;
    a->lowest = fmin(a->lowest, p);
    a->highest = fmax(a->highest, p);
}

/* Runs `count` crops from `first` on and adds their values to their pictures' sums. */
static assay_status run_crops(struct crop_batch *batch, int first, int count, struct assay_error *error)
{
    struct model_scorer *scorer = batch->scorer;
    int64_t side = scorer->model->preprocess.crop;
    struct program_input image = {"image", SHAPE(count, side, side, IMAGE_CHANNELS),
                                  batch->crops + (size_t)first * batch->crop_floats};
    struct run_options options = {0};
    struct program_run run = {0};
    assay_status status = watch_step(batch->watch, batch->share, "judging pictures", error);
    if (!status)
        status = program_run(scorer->program, batch->graph, &image, 1, &options, &run, error);
    if (status)
        return status;
    batch->share = batch->target[first + count - 1].share;
    struct tensor logit = program_read(&run, "logit"); /* [count, 1] */
    if (!logit.data || shape_count(&logit.shape) != count)
        status = error_set(error, ASSAY_ERROR_INTERNAL, "detector %s gives no logit for each crop",
                           scorer->model->detector->name);
    else
        for (int i = 0; i < count; i++) {
            double value = (double)((const float *)logit.data)[i];
            *batch->target[first + i].logit += value;
            if (batch->target[first + i].agreement)
                add_crop(&scorer->model->calibration, value, batch->target[first + i].agreement);
        }
    if (!status && batch->target[first].embedding)
        status = add_embeddings(batch, first, count, &run, error);
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

/* Adds the values of the index-th of `count` pictures' crops to its sums, as the batches run. */
static assay_status add_picture(struct crop_batch *batch, const struct image *picture, size_t index, size_t count,
                                double *logit, float *embedding, struct crop_agreement *agreement, int *crop_count,
                                struct assay_error *error)
{
    const struct preprocess *p = &batch->scorer->model->preprocess;
    const struct image *fitted = picture;
    struct image own = {0};
    assay_status status = watch_step(batch->watch, batch->share, "judging pictures", error);
    if (!status && !preprocess_fits(p, picture)) {
        status = preprocess_fit(p, picture, &own, error);
        fitted = &own;
    }
    if (status)
        return status;
    struct crops crops;
    crops_choose(p, fitted, &crops);
    *crop_count = crops.count;
    for (int i = 0; i < *crop_count && !status; i++) {
        preprocess_write(p, fitted, crops.at[i].left, crops.at[i].top,
                         batch->crops + (size_t)batch->count * batch->crop_floats);
        batch->target[batch->count].share = ((double)index + (double)(i + 1) / *crop_count) / (double)count;
        batch->target[batch->count].logit = logit;
        batch->target[batch->count].agreement = agreement;
        batch->target[batch->count++].embedding = embedding;
        if (batch->count == batch->capacity)
            status = flush(batch, error);
    }
    image_free(&own);
    return status;
}

static assay_status score(struct model_scorer *scorer, const struct image *const *pictures, size_t count,
                          const struct watch *watch, double *logits, float *embeddings,
                          struct crop_agreement *agreements, struct assay_error *error)
{
    size_t side = (size_t)scorer->model->preprocess.crop, width = embeddings ? scorer->embedding_width : 0;
    struct crop_batch batch = {.scorer = scorer,
                               .crop_floats = side * side * IMAGE_CHANNELS,
                               .capacity = batch_capacity(side),
                               .watch = watch,
                               .graph = width ? "embed" : "eval"};
    int *crop_counts = mem_alloc(count, sizeof *crop_counts);
    batch.crops = mem_alloc_aligned((size_t)batch.capacity * batch.crop_floats * sizeof *batch.crops);
    assay_status status = ASSAY_OK;
    if ((count && !crop_counts) || !batch.crops) {
        status = error_memory(error, "a batch of crops");
        goto done;
    }
    for (size_t i = 0; i < count; i++)
        logits[i] = 0;
    for (size_t i = 0; i < count * width; i++)
        embeddings[i] = 0;
    for (size_t i = 0; agreements && i < count; i++)
        agreements[i] = (struct crop_agreement){.lowest = 1};
    for (size_t i = 0; i < count && !status; i++)
        status = add_picture(&batch, pictures[i], i, count, &logits[i], width ? embeddings + i * width : NULL,
                             agreements ? &agreements[i] : NULL, &crop_counts[i], error);
    if (!status)
        status = flush(&batch, error);
    if (!status)
        status = watch_step(watch, 1, "judging pictures", error);
    for (size_t i = 0; i < count && !status; i++)
        logits[i] /= crop_counts[i];
    for (size_t i = 0; i < count * width && !status; i++)
        embeddings[i] /= (float)crop_counts[i / width];
    for (size_t i = 0; agreements && i < count && !status; i++)
        agreements[i].deviation = sqrt(agreements[i].deviation / agreements[i].crops);
done:
    mem_free(crop_counts);
    mem_free(batch.crops);
    return status;
}

assay_status model_score_embed(struct model_scorer *scorer, const struct image *const *pictures, size_t count,
                               double *logits, float *embeddings, struct assay_error *error)
{
    return score(scorer, pictures, count, NULL, logits, embeddings, NULL, error);
}

assay_status model_score_watched(struct model_scorer *scorer, const struct image *const *pictures, size_t count,
                                 const struct watch *watch, double *logits, struct assay_error *error)
{
    return score(scorer, pictures, count, watch, logits, NULL, NULL, error);
}

assay_status model_score_agreement(struct model_scorer *scorer, const struct image *const *pictures, size_t count,
                                   const struct watch *watch, double *logits, struct crop_agreement *agreements,
                                   struct assay_error *error)
{
    return score(scorer, pictures, count, watch, logits, NULL, agreements, error);
}

assay_status model_score(struct model_scorer *scorer, const struct image *const *pictures, size_t count, double *logits,
                         struct assay_error *error)
{
    return score(scorer, pictures, count, NULL, logits, NULL, NULL, error);
}
