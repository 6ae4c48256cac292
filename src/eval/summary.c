/* summary.c - from results to tables. */
#include "eval/summary.h"

#include <math.h>

#include "base/memory.h"

/* ---- tables ------------------------------------------------------------------------------------------------------ */

const struct protocol_table *summary_table(const struct summary *s, size_t set, size_t perturbation, size_t model)
{
    const struct runner_job *job = &s->evaluation->job;
    return &s->tables[(set * job->perturbation_count + perturbation) * job->model_count + model];
}

/* One set, under every perturbation, by every model. */
static assay_status make_set(struct summary *s, const struct results *results, size_t set, struct assay_error *error)
{
    const struct evaluation *e = s->evaluation;
    size_t count = e->sets[set].taken.count;
    const struct protocol_options options = {.seed = (uint64_t)e->options.seed,
                                             .replicates = (uint32_t)e->options.intervals,
                                             .bootstrap_seed = (uint64_t)e->options.seed};
    struct prediction *predictions = mem_alloc(count, sizeof *predictions);
    assay_status status = count && !predictions ? error_memory(error, "the predictions of a set") : ASSAY_OK;
    for (size_t p = 0; p < e->job.perturbation_count && !status; p++)
        for (size_t m = 0; m < e->job.model_count && !status; m++) {
            struct assay_error why = {0};
            results_predictions(results, set, p, m, predictions);
            status = protocol_summarise(e->sets[set].protocol, predictions, count, &options, &s->tables[s->table_count],
                                        &why);
            if (status)
                status = error_set(error, status, "%s: %s", e->sets[set].name, why.message);
            else
                s->table_count++;
        }
    mem_free(predictions);
    return status;
}

/* ---- pairs ------------------------------------------------------------------------------------------------------- */

static bool is_right(const struct evaluation *e, const struct dataset_picture *picture, size_t set, size_t model,
                     double logit, assay_verdict verdict)
{
    bool generated = picture->label == LABEL_GENERATED;
    if (e->sets[set].protocol->threshold != PROTOCOL_BY_VERDICT || !e->job.models[model].calibration->present)
        return (logit > 0) == generated;
    return verdict == (generated ? ASSAY_GENERATED : ASSAY_REAL);
}

static struct summary_pair compare(const struct evaluation *e, const struct results *results, size_t set,
                                   size_t perturbation, size_t first, size_t second)
{
    const struct dataset *dataset = &e->sets[set].taken;
    uint64_t cases[2][2] = {{0, 0}, {0, 0}};
    for (size_t i = 0; i < dataset->count; i++) {
        const struct dataset_picture *picture = &dataset->pictures[i];
        if (e->sets[set].protocol->art_apart && dataset->sources[picture->source].art)
            continue;
        double a = results_logit(results, set, i, perturbation, first);
        double b = results_logit(results, set, i, perturbation, second);
        if (!isnan(a) && !isnan(b))
            cases[is_right(e, picture, set, first, a, results_verdict(results, set, i, perturbation, first))]
                 [is_right(e, picture, set, second, b, results_verdict(results, set, i, perturbation, second))]++;
    }
    return (struct summary_pair){set, perturbation, first, second,
                                 metrics_mcnemar_of(cases[1][1], cases[1][0], cases[0][1], cases[0][0])};
}

static void compare_all(struct summary *s, const struct results *results)
{
    const struct evaluation *e = s->evaluation;
    for (size_t set = 0; set < e->set_count; set++)
        for (size_t p = 0; p < e->job.perturbation_count; p++)
            for (size_t a = 0; a < e->job.model_count; a++)
                for (size_t b = a + 1; b < e->job.model_count; b++)
                    s->pairs[s->pair_count++] = compare(e, results, set, p, a, b);
}

assay_status summary_make(const struct evaluation *evaluation, const struct results *results, struct summary *out,
                          struct assay_error *error)
{
    const struct runner_job *job = &evaluation->job;
    size_t runs, tables, pairs, models = job->model_count;
    *out = (struct summary){.evaluation = evaluation};
    if (size_mul(evaluation->set_count, job->perturbation_count, &runs) && size_mul(runs, models, &tables) &&
        size_mul(runs, models * (models - 1) / 2, &pairs)) {
        out->tables = mem_alloc(tables, sizeof *out->tables);
        out->pairs = mem_alloc(pairs, sizeof *out->pairs);
    }
    assay_status status = ASSAY_OK;
    if (!out->tables || (models > 1 && !out->pairs))
        status = error_memory(error, "the tables of a run");
    for (size_t set = 0; set < evaluation->set_count && !status; set++)
        status = make_set(out, results, set, error);
    if (status)
        summary_free(out);
    else
        compare_all(out, results);
    return status;
}

void summary_free(struct summary *s)
{
    for (size_t i = 0; i < s->table_count; i++)
        protocol_table_free(&s->tables[i]);
    mem_free(s->tables);
    mem_free(s->pairs);
    *s = (struct summary){0};
}
