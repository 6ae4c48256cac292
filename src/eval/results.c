/* results.c - a file of predictions as arrays of logits and verdicts. */
#include "eval/results.h"

#include <math.h>

#include "base/memory.h"
#include "eval/runner_file.h"

static size_t index_of(const struct results *r, size_t set, size_t picture, size_t perturbation, size_t model)
{
    return r->first[set] + (picture * r->job->perturbation_count + perturbation) * r->job->model_count + model;
}

static assay_status take(void *context, const struct runner_place *place, const struct predictions_extent *before,
                         const struct prediction *prediction, struct assay_error *error)
{
    struct results *r = context;
    (void)before;
    (void)error;
    size_t index = index_of(r, place->set, place->picture, place->perturbation, place->model);
    r->logits[index] = prediction->readable ? prediction->logit : NAN;
    r->verdicts[index] = prediction->readable ? (uint8_t)prediction->verdict : ASSAY_UNCERTAIN;
    return ASSAY_OK;
}

assay_status results_load(const struct runner_job *job, struct results *out, struct assay_error *error)
{
    struct results r = {.job = job, .first = mem_alloc(job->set_count, sizeof *r.first)};
    struct runner_place end;
    struct predictions_extent extent;
    size_t lines = 0, each, of_set;
    bool fits = r.first && size_mul(job->perturbation_count, job->model_count, &each);
    for (size_t s = 0; s < job->set_count && fits; s++) {
        r.first[s] = lines;
        fits = size_mul(job->sets[s].dataset->count, each, &of_set) && size_add(lines, of_set, &lines);
    }
    r.logits = fits ? mem_alloc(lines, sizeof *r.logits) : NULL;
    r.verdicts = fits ? mem_alloc(lines, sizeof *r.verdicts) : NULL;
    assay_status status = ASSAY_OK;
    if (!fits || (lines && (!r.logits || !r.verdicts)))
        status = error_memory(error, "the results of an evaluation");
    if (!status)
        status = runner_file_scan(job, take, &r, &end, &extent, error);
    if (!status && end.set != job->set_count)
        status = error_set(error, ASSAY_ERROR_FORMAT, "%s: ends before the run does", job->path);
    if (status)
        results_free(&r);
    else
        *out = r;
    return status;
}

void results_free(struct results *results)
{
    mem_free(results->first);
    mem_free(results->logits);
    mem_free(results->verdicts);
    *results = (struct results){0};
}

double results_logit(const struct results *r, size_t set, size_t picture, size_t perturbation, size_t model)
{
    return r->logits[index_of(r, set, picture, perturbation, model)];
}

assay_verdict results_verdict(const struct results *r, size_t set, size_t picture, size_t perturbation, size_t model)
{
    return (assay_verdict)r->verdicts[index_of(r, set, picture, perturbation, model)];
}

void results_predictions(const struct results *r, size_t set, size_t perturbation, size_t model, struct prediction *out)
{
    const struct runner_set *from = &r->job->sets[set];
    const struct runner_model *by = &r->job->models[model];
    for (size_t i = 0; i < from->dataset->count; i++) {
        const struct dataset_picture *picture = &from->dataset->pictures[i];
        const struct dataset_source *source = &from->dataset->sources[picture->source];
        double logit = results_logit(r, set, i, perturbation, model);
        out[i] = (struct prediction){.model = by->name,
                                     .set = from->name,
                                     .perturbation = r->job->perturbations[perturbation],
                                     .picture = picture->name,
                                     .source = source->name,
                                     .label = picture->label,
                                     .art = source->art,
                                     .readable = !isnan(logit)};
        if (isnan(logit)) {
            out[i].problem = "not judged";
            continue;
        }
        out[i].logit = logit;
        out[i].probability = calibration_probability(by->calibration, logit);
        out[i].verdict = results_verdict(r, set, i, perturbation, model);
    }
}

size_t results_unjudged(const struct results *r, size_t set, size_t perturbation, size_t model)
{
    size_t count = 0;
    for (size_t i = 0; i < r->job->sets[set].dataset->count; i++)
        count += isnan(results_logit(r, set, i, perturbation, model)) != 0;
    return count;
}
