/* run_report.c - puts the report of a run together. */
#include "eval/run_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "eval/run_report_parts.h"

enum { MOST = 1 << 24 };

/* What the report looks at one by one: the pictures under the first perturbation, which is none where they were judged
 * as they are, and what could not be judged. */
static bool is_shown(void *context, const struct prediction *p)
{
    return !p->readable || strcmp(p->perturbation, context) == 0;
}

static assay_status collect_tables(struct run_report *r, struct assay_error *error)
{
    const struct evaluation *e = r->summary->evaluation;
    bool fits = true;
    for (size_t s = 0; s < e->set_count && fits; s++) {
        fits = array_append(&r->sets, &(struct report_set){e->sets[s].name, e->sets[s].protocol}, 1);
        for (size_t p = 0; p < e->job.perturbation_count && fits; p++)
            for (size_t m = 0; m < e->model_count && fits; m++)
                fits = array_append(&r->tables,
                                    &(struct report_table){e->models[m].name, e->sets[s].name, e->job.perturbations[p],
                                                           summary_table(r->summary, s, p, m)},
                                    1);
    }
    return fits ? ASSAY_OK : error_memory(error, "the report");
}

static assay_status write_plots(const struct report_input *input, const char *folder, struct assay_error *error)
{
    struct array path = array_of(1, LIMIT_PATH_BYTES + 16);
    assay_status status = ASSAY_OK;
    if (!array_printf(&path, "%s/plots", folder))
        status = error_memory(error, "the plots");
    else if (mkdir(path.data, 0777) != 0 && errno != EEXIST)
        status = error_errno(error, path.data, "make the folder");
    else
        status = report_write_plots(input, path.data, error);
    array_free(&path);
    return status;
}

static assay_status write_page(const struct run_report *r, const json_t *record, struct assay_error *error)
{
    const struct evaluation *e = r->summary->evaluation;
    struct arena arena = {0};
    char *run_json = json_dumps(record, JSON_INDENT(2));
    const char *path = arena_printf(&arena, "%s/report.html", r->folder);
    uint64_t pictures = 0;
    for (size_t s = 0; s < e->set_count; s++)
        pictures += e->sets[s].taken.count;
    const struct report_input input = {
        .predictions = r->predictions.items,
        .prediction_count = r->predictions.count,
        .judgement_count = (size_t)pictures * e->job.perturbation_count * e->model_count,
        .sets = r->sets.data,
        .set_count = r->sets.count,
        .tables = r->tables.data,
        .table_count = r->tables.count,
        .sweeps = e->sweeps,
        .sweep_count = e->sweep_count,
        .embeddings = r->embeddings.data,
        .embeddings_count = r->embeddings.count,
        .maps = r->maps.data,
        .map_count = r->maps.count,
        .warnings = r->warnings.data,
        .warning_count = r->warnings.count,
        .command = json_string_value(json_object_get(record, "command")),
        .run_json = run_json,
    };
    assay_status status = run_json && path ? report_write(&input, path, error) : error_memory(error, "the report");
    if (!status && r->options->plots)
        status = write_plots(&input, r->folder, error);
    free(run_json); /* jansson's */
    arena_free(&arena);
    return status;
}

assay_status run_report_write(const struct summary *summary, const char *predictions, const json_t *record,
                              const char *folder, const struct run_report_options *options, struct assay_error *error)
{
    struct run_report r = {.summary = summary,
                           .options = options,
                           .folder = folder,
                           .sets = array_of(sizeof(struct report_set), MOST),
                           .tables = array_of(sizeof(struct report_table), MOST),
                           .embeddings = array_of(sizeof(struct report_embeddings), MOST),
                           .maps = array_of(sizeof(struct report_map), MOST),
                           .warnings = array_of(sizeof(char *), MOST)};
    const char *first = summary->evaluation->job.perturbations[0];
    assay_status status = predictions_load_where(predictions, is_shown, (void *)first, &r.predictions, error);
    if (!status)
        status = collect_tables(&r, error);
    if (!status)
        status = run_report_check(&r, error);
    if (!status)
        status = run_report_embed(&r, error);
    if (!status)
        status = run_report_map(&r, error);
    if (!status)
        status = write_page(&r, record, error);
    predictions_free(&r.predictions);
    array_free(&r.sets);
    array_free(&r.tables);
    array_free(&r.embeddings);
    array_free(&r.maps);
    array_free(&r.warnings);
    arena_free(&r.arena);
    return status;
}
