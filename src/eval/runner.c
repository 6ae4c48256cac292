/* runner.c - batch by batch: perturb, judge, write. */
#include "eval/runner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "eval/prediction.h"
#include "eval/runner_file.h"
#include "eval/runner_problems.h"

/* What one model says of one picture under one perturbation. */
struct judgement {
    double logit;
    const char *problem; /* NULL: there is a logit */
};

struct runner {
    const struct runner_job *job;
    const struct runner_set *set; /* the one at hand */
    struct runner_file file;
    struct runner_problems problems;
    struct progress progress;
    uint64_t done; /* pictures */

    /* for the batch at hand */
    const struct loader_batch *batch;
    struct arena arena;           /* texts of problems */
    struct judgement *judgements; /* [batch, perturbations, models]; of the readable pictures */
    struct image *perturbed;      /* [batch] */
    struct assay_error *errors;   /* [batch] of the perturbation; status 0: none */
    const struct image **usable;  /* [batch] */
    size_t *usable_index;         /* [batch] */
    double *logits;               /* [batch] */
    struct array text;
};

static struct judgement *judgement_at(struct runner *r, size_t picture, size_t perturbation, size_t model)
{
    return &r->judgements[(picture * r->job->perturbation_count + perturbation) * r->job->model_count + model];
}

/* Whether a failure is told of the picture; if not it ends the run. */
static bool is_about_picture(assay_status status)
{
    return status != ASSAY_ERROR_MEMORY && status != ASSAY_ERROR_INTERNAL && status != ASSAY_ERROR_CANCELLED;
}

/* ---- perturbing -------------------------------------------------------------------------------------------------- */

struct perturbing {
    struct runner *runner;
    const struct perturbation *chain;
};

static void perturb_range(void *context, int64_t begin, int64_t end, int thread)
{
    const struct perturbing *p = context;
    struct runner *r = p->runner;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        const char *name = r->set->dataset->pictures[r->batch->indices[i]].name;
        r->errors[i] = (struct assay_error){0};
        r->errors[i].status =
            perturbation_apply(p->chain, r->job->seed, name, r->batch->pictures[i], &r->perturbed[i], &r->errors[i]);
    }
}

static void free_perturbed(struct runner *r)
{
    for (size_t i = 0; i < r->batch->count; i++)
        image_free(&r->perturbed[i]);
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

static assay_status note_problem(struct runner *r, struct judgement *judgement, const char *why,
                                 struct assay_error *error)
{
    judgement->problem = arena_strdup(&r->arena, why);
    return judgement->problem ? ASSAY_OK : error_memory(error, "what is wrong with a picture");
}

/* The `count` usable pictures of a batch by one model. Where they cannot be judged together, one by one: one of them may
 * be to blame. */
static assay_status judge(struct runner *r, size_t perturbation, size_t model, size_t count, struct assay_error *error)
{
    const struct runner_model *m = &r->job->models[model];
    struct assay_error why = {0};
    assay_status status = count ? model_score(m->scorer, r->usable, count, r->logits, &why) : ASSAY_OK;
    bool together = !status;
    for (size_t i = 0; i < count; i++) {
        struct judgement *judgement = judgement_at(r, r->usable_index[i], perturbation, model);
        if (!together)
            status = model_score(m->scorer, &r->usable[i], 1, &r->logits[i], &why);
        if (!status && !isfinite(r->logits[i]))
            status = error_set(&why, ASSAY_ERROR_MODEL, "the model gives no finite score");
        if (status && !is_about_picture(status))
            return error_set(error, status, "%s", why.message);
        judgement->logit = r->logits[i];
        if (status && (status = note_problem(r, judgement, why.message, error)))
            return status;
    }
    return ASSAY_OK;
}

static assay_status judge_perturbed(struct runner *r, size_t perturbation, struct assay_error *error)
{
    const struct runner_job *job = r->job;
    struct perturbing perturbing = {r, &r->set->chains[perturbation]};
    bool changes = perturbing.chain->count > 0;
    assay_status status = ASSAY_OK;
    size_t usable = 0;
    if (changes)
        parallel_for((int64_t)r->batch->count, 1, perturb_range, &perturbing);
    for (size_t i = 0; i < r->batch->count && !status; i++) {
        const struct assay_error *why = &r->errors[i];
        if (!changes || !why->status) {
            r->usable[usable] = changes ? &r->perturbed[i] : r->batch->pictures[i];
            r->usable_index[usable++] = i;
        } else if (!is_about_picture(why->status)) {
            status = error_set(error, why->status, "%s", why->message);
        } else {
            for (size_t m = 0; m < job->model_count && !status; m++)
                status = note_problem(r, judgement_at(r, i, perturbation, m), why->message, error);
        }
    }
    for (size_t m = 0; m < job->model_count && !status; m++)
        status = judge(r, perturbation, m, usable, error);
    if (changes)
        free_perturbed(r);
    return status;
}

static assay_status judge_batch(struct runner *r, struct assay_error *error)
{
    size_t each = r->job->perturbation_count * r->job->model_count;
    memset(r->judgements, 0, r->batch->count * each * sizeof *r->judgements);
    assay_status status = ASSAY_OK;
    for (size_t p = 0; p < r->job->perturbation_count && !status; p++)
        status = judge_perturbed(r, p, error);
    return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* The lines of a picture: its judgements, or why it could not be read. */
static assay_status write_picture(struct runner *r, size_t index, const struct image *image,
                                  const struct judgement *judgements, const char *unreadable, struct assay_error *error)
{
    const struct runner_job *job = r->job;
    const struct dataset_picture *picture = &r->set->dataset->pictures[index];
    const struct dataset_source *source = &r->set->dataset->sources[picture->source];
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < job->perturbation_count * job->model_count && !status; i++) {
        const struct runner_model *model = &job->models[i % job->model_count];
        struct prediction p = {.model = model->name,
                               .set = r->set->name,
                               .perturbation = job->perturbations[i / job->model_count],
                               .picture = picture->name,
                               .source = source->name,
                               .label = picture->label,
                               .art = source->art,
                               .problem = judgements ? judgements[i].problem : unreadable};
        p.readable = !p.problem;
        if (p.readable) {
            p.width = image->width;
            p.height = image->height;
            p.bytes = picture->bytes;
            p.logit = judgements[i].logit;
            p.probability = calibration_probability(model->calibration, p.logit);
            p.verdict = calibration_verdict(model->calibration, p.probability);
        }
        status = prediction_write(&p, &r->text, error);
    }
    return status;
}

/* The lines of batch `number`. `readable`: r->batch is that one; else none of its pictures could be read. */
static assay_status write_batch(struct runner *r, uint64_t number, bool readable, struct assay_error *error)
{
    size_t first = (size_t)number * r->job->batch, end = first + r->job->batch, at = 0;
    if (end > r->set->dataset->count)
        end = r->set->dataset->count;
    assay_status status = ASSAY_OK;
    r->text.count = 0;
    for (size_t index = first; index < end && !status; index++) {
        if (readable && at < r->batch->count && r->batch->indices[at] == index) {
            status = write_picture(r, index, r->batch->pictures[at], judgement_at(r, at, 0, 0), NULL, error);
            at++;
        } else {
            char *why = runner_problems_take(&r->problems, index);
            status = why ? write_picture(r, index, NULL, NULL, why, error)
                         : error_memory(error, "what is wrong with a picture");
            mem_free(why);
        }
    }
    if (!status)
        status = runner_file_append(&r->file, &r->text, error);
    r->done += end - first;
    progress_update(&r->progress, r->done, NULL);
    return status;
}

/* ---- sets -------------------------------------------------------------------------------------------------------- */

/* The path that begins the message is left out: lines have the picture's name, and are the same wherever the set lies. */
static void tell_problem(void *context, const struct dataset_picture *picture, const struct assay_error *why)
{
    struct runner *r = context;
    const char *message = why->message;
    size_t length = strlen(picture->path);
    if (strncmp(message, picture->path, length) == 0 && strncmp(message + length, ": ", 2) == 0)
        message += length + 2;
    runner_problems_add(&r->problems, (size_t)(picture - r->set->dataset->pictures), message);
}

static assay_status run_batches(struct runner *r, struct loader *loader, uint64_t number, struct assay_error *error)
{
    uint64_t batches = (r->set->dataset->count + r->job->batch - 1) / r->job->batch;
    assay_status status = ASSAY_OK;
    while (!status && number < batches) {
        if (r->job->cancel && *r->job->cancel)
            return error_set(error, ASSAY_ERROR_CANCELLED, "stopped before the end");
        status = loader_next(loader, &r->batch, error);
        /* the loader leaves out batches that have no readable picture */
        for (uint64_t until = r->batch ? r->batch->number : batches; !status && number < until; number++)
            status = write_batch(r, number, false, error);
        if (status || !r->batch)
            continue;
        status = judge_batch(r, error);
        if (!status)
            status = write_batch(r, number++, true, error);
        arena_free(&r->arena);
    }
    return status;
}

static assay_status run_set(struct runner *r, const struct runner_set *set, uint64_t first, struct assay_error *error)
{
    struct pictures *pictures = NULL;
    struct loader *loader = NULL;
    r->set = set;
    runner_problems_begin(&r->problems);
    assay_status status = pictures_create(set->dataset, 0, NULL, tell_problem, r, &pictures, error);
    if (!status)
        status = loader_sequence(pictures, r->job->batch, r->job->loader, first, &loader, error);
    if (!status)
        status = run_batches(r, loader, first, error);
    loader_free(loader); /* its threads may still tell problems */
    runner_problems_end(&r->problems);
    pictures_free(pictures);
    return status;
}

/* ---- beginning and end --------------------------------------------------------------------------------------------- */

static assay_status make_room(struct runner *r, struct assay_error *error)
{
    size_t batch = r->job->batch, each, all;
    if (size_mul(r->job->perturbation_count, r->job->model_count, &each) && size_mul(each, batch, &all))
        r->judgements = mem_alloc(all, sizeof *r->judgements);
    r->perturbed = mem_alloc(batch, sizeof *r->perturbed);
    r->errors = mem_alloc(batch, sizeof *r->errors);
    r->usable = mem_alloc(batch, sizeof *r->usable);
    r->usable_index = mem_alloc(batch, sizeof *r->usable_index);
    r->logits = mem_alloc(batch, sizeof *r->logits);
    r->text = array_of(1, SIZE_MAX / 2);
    if (!r->judgements || !r->perturbed || !r->errors || !r->usable || !r->usable_index || !r->logits)
        return error_memory(error, "an evaluation");
    return ASSAY_OK;
}

static void free_room(struct runner *r)
{
    mem_free(r->judgements);
    mem_free(r->perturbed);
    mem_free(r->errors);
    mem_free(r->usable);
    mem_free(r->usable_index);
    mem_free(r->logits);
    array_free(&r->text);
    arena_free(&r->arena);
}

assay_status runner_run(const struct runner_job *job, struct runner_result *out, struct assay_error *error)
{
    struct runner r = {.job = job, .file = {.fd = -1}};
    struct runner_start start;
    double began = clock_seconds();
    *out = (struct runner_result){0};
    for (size_t s = 0; s < job->set_count; s++)
        out->pictures += job->sets[s].dataset->count;
    assay_status status = make_room(&r, error);
    if (!status)
        status = runner_file_open(job, &r.file, &start, error);
    if (status)
        goto done;
    r.done = out->resumed = start.pictures;
    progress_begin(&r.progress, start.set < job->set_count ? job->stream : NULL, "evaluating", r.done, out->pictures);
    for (size_t s = start.set; s < job->set_count && !status; s++)
        if (job->sets[s].dataset->count)
            status = run_set(&r, &job->sets[s], s == start.set ? start.batch : 0, error);
    progress_end(&r.progress, NULL);
    if (status)
        runner_file_close(&r.file, NULL); /* what was judged is kept, and the first error is the one to tell */
    else
        status = runner_file_close(&r.file, error);
done:
    out->seconds = clock_seconds() - began;
    free_room(&r);
    return status;
}
