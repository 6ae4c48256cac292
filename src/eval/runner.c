/* runner.c - a picture is a job of a crew: decode, perturb, judge, write its lines; they are appended in order. */
#include "eval/runner.h"

#include <math.h>
#include <string.h>

#include "base/crew.h"
#include "base/memory.h"
#include "base/progress.h"
#include "eval/prediction.h"
#include "eval/runner_file.h"
#include "image/decode_held.h"

enum { WAITING = 256 }; /* pictures whose lines wait for those of an earlier one; at least */

/* What a job gives. */
struct lines {
    struct array text;
    assay_status status; /* of what ends the run */
    struct assay_error error;
};

/* What one model says of one picture under one perturbation. */
struct judgement {
    double logit;
    enum verdict_limit limit; /* of the model's, that the picture is beyond */
    const char *problem;      /* NULL: there is a logit */
};

/* One picture, while a worker is at it. */
struct judging {
    const struct runner_job *job;
    const struct runner_set *set;
    const struct dataset_picture *picture;
    struct image image;
    struct judgement *judgements; /* [perturbations, models] */
    const char *unreadable;       /* why; NULL: it is decoded */
    struct arena arena;           /* texts of problems */
};

/* Whether a failure is told of the picture; if not it ends the run. */
static bool is_about_picture(assay_status status)
{
    return status != ASSAY_ERROR_MEMORY && status != ASSAY_ERROR_INTERNAL && status != ASSAY_ERROR_CANCELLED;
}

static bool is_cancelled(const struct runner_job *job)
{
    return job->cancel && *job->cancel;
}

static assay_status cancelled(struct assay_error *error)
{
    return error_set(error, ASSAY_ERROR_CANCELLED, "stopped before the end");
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

/* Notes what is wrong with a picture, unless the failure is of another kind. */
static assay_status note_problem(struct judging *j, const struct assay_error *why, const char **out,
                                 struct assay_error *error)
{
    if (!is_about_picture(why->status))
        return error_set(error, why->status, "%s", why->message);
    *out = arena_strdup(&j->arena, why->message);
    return *out ? ASSAY_OK : error_memory(error, "what is wrong with a picture");
}

static assay_status judge(struct judging *j, const struct image *image, const struct runner_model *model,
                          struct judgement *out, struct assay_error *error)
{
    struct assay_error why = {0};
    why.status = model_score(model->scorer, &image, 1, &out->logit, &why);
    if (!why.status && !isfinite(out->logit))
        why.status = error_set(&why, ASSAY_ERROR_MODEL, "the model gives no finite score");
    int value;
    if (model->limits)
        out->limit = verdict_limit_of(model->limits, image->width, image->height, image->jpeg_quality, &value);
    return why.status ? note_problem(j, &why, &out->problem, error) : ASSAY_OK;
}

static assay_status judge_perturbed(struct judging *j, size_t perturbation, struct assay_error *error)
{
    const struct perturbation *chain = &j->set->chains[perturbation];
    size_t models = j->job->model_count;
    struct judgement *judgements = j->judgements + perturbation * models;
    struct image perturbed = {0};
    struct assay_error why = {0};
    assay_status status = ASSAY_OK;
    if (chain->count > 0)
        why.status = perturbation_apply(chain, j->job->seed, j->picture->name, &j->image, &perturbed, &why);
    for (size_t m = 0; m < models && !status; m++) {
        if (is_cancelled(j->job))
            status = cancelled(error);
        else if (why.status)
            status = note_problem(j, &why, &judgements[m].problem, error);
        else
            status = judge(j, chain->count > 0 ? &perturbed : &j->image, &j->job->models[m], &judgements[m], error);
    }
    image_free(&perturbed);
    return status;
}

/* The path that begins the message is left out: lines have the picture's name, and are the same wherever the set
 * lies. */
static void leave_out_path(const char *path, struct assay_error *why)
{
    size_t length = strlen(path);
    if (strncmp(why->message, path, length) == 0 && strncmp(why->message + length, ": ", 2) == 0)
        memmove(why->message, why->message + length + 2, strlen(why->message + length + 2) + 1);
}

static assay_status judge_picture(struct judging *j, struct crew_seat *seat, struct assay_error *error)
{
    struct assay_error why = {0};
    assay_status status = ASSAY_OK;
    why.status = image_decode_held(seat, j->picture->path, NULL, NULL, &j->image, &why);
    if (why.status) {
        leave_out_path(j->picture->path, &why);
        return note_problem(j, &why, &j->unreadable, error);
    }
    for (size_t p = 0; p < j->job->perturbation_count && !status; p++)
        status = judge_perturbed(j, p, error);
    return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* The lines of a picture: its judgements, or why it could not be read. */
static assay_status write_lines(const struct judging *j, struct array *text, struct assay_error *error)
{
    const struct runner_job *job = j->job;
    const struct dataset_source *source = &j->set->dataset->sources[j->picture->source];
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < job->perturbation_count * job->model_count && !status; i++) {
        const struct runner_model *model = &job->models[i % job->model_count];
        struct prediction p = {.model = model->name,
                               .set = j->set->name,
                               .perturbation = job->perturbations[i / job->model_count],
                               .picture = j->picture->name,
                               .source = source->name,
                               .label = j->picture->label,
                               .art = source->art,
                               .problem = j->unreadable ? j->unreadable : j->judgements[i].problem};
        p.readable = !p.problem;
        if (p.readable) {
            p.width = j->image.width;
            p.height = j->image.height;
            p.bytes = j->picture->bytes;
            p.logit = j->judgements[i].logit;
            p.probability = calibration_probability(model->calibration, p.logit);
            p.verdict = verdict_within(model->calibration, j->judgements[i].limit, p.probability);
        }
        status = prediction_write(&p, text, error);
    }
    return status;
}

/* ---- the crew's ends --------------------------------------------------------------------------------------------- */

/* Picture `number` of all sets. */
static void find_picture(struct judging *j, uint64_t number)
{
    for (j->set = j->job->sets; number >= j->set->dataset->count; j->set++)
        number -= j->set->dataset->count;
    j->picture = &j->set->dataset->pictures[number];
}

static void do_picture(void *context, struct crew_seat *seat, uint64_t number, void *result)
{
    const struct runner_job *job = context;
    struct judging j = {.job = job};
    struct lines *lines = result;
    struct assay_error *error = &lines->error;
    size_t each;
    lines->text = array_of(1, SIZE_MAX / 2);
    find_picture(&j, number);
    if (size_mul(job->perturbation_count, job->model_count, &each))
        j.judgements = mem_alloc(each, sizeof *j.judgements);
    lines->status = j.judgements ? ASSAY_OK : error_memory(error, "an evaluation");
    if (!lines->status)
        lines->status = judge_picture(&j, seat, error);
    if (!lines->status)
        lines->status = write_lines(&j, &lines->text, error);
    image_free(&j.image);
    mem_free(j.judgements);
    arena_free(&j.arena);
}

static void drop_lines(void *context, void *result)
{
    (void)context;
    array_free(&((struct lines *)result)->text);
}

/* Appends what the crew gives, from picture `done` on. */
static assay_status take_lines(const struct runner_job *job, struct crew *crew, struct runner_file *file,
                               struct progress *progress, struct assay_error *error)
{
    struct lines *lines;
    uint64_t number;
    assay_status status = is_cancelled(job) ? cancelled(error) : ASSAY_OK;
    while (!status && (lines = crew_next(crew, &number))) {
        status = lines->status ? error_set(error, lines->status, "%s", lines->error.message)
                               : runner_file_append(file, &lines->text, error);
        drop_lines(NULL, lines);
        if (!status)
            progress_update(progress, number + 1, NULL);
        if (!status && is_cancelled(job))
            status = cancelled(error);
    }
    return status;
}

assay_status runner_run(const struct runner_job *job, struct runner_result *out, struct assay_error *error)
{
    struct runner_file file = {.fd = -1};
    uint64_t done = 0;
    struct progress progress = {0};
    struct crew *crew = NULL;
    double began = clock_seconds();
    *out = (struct runner_result){0};
    for (size_t s = 0; s < job->set_count; s++)
        out->pictures += job->sets[s].dataset->count;
    assay_status status = runner_file_open(job, &file, &done, error);
    if (!status) {
        int workers = job->workers > 0 ? job->workers : 1;
        const struct crew_options options = {.first = done,
                                             .end = out->pictures,
                                             .workers = workers,
                                             .threads = 1,
                                             .window = WAITING + 4 * (size_t)workers,
                                             .result_bytes = sizeof(struct lines),
                                             .max_held = job->max_held ? job->max_held : RUNNER_MAX_HELD,
                                             .work = do_picture,
                                             .drop = drop_lines,
                                             .context = (void *)job};
        out->resumed = done;
        progress_begin(&progress, done < out->pictures ? job->stream : NULL, "evaluating", done, out->pictures);
        status = crew_create(&options, &crew, error);
        if (!status)
            status = take_lines(job, crew, &file, &progress, error);
        crew_free(crew);
        progress_end(&progress, NULL);
        if (status)
            runner_file_close(&file, NULL); /* what was judged is kept, and the first error is the one to tell */
        else
            status = runner_file_close(&file, error);
    }
    out->seconds = clock_seconds() - began;
    return status;
}
