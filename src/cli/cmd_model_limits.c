/* cmd_model_limits.c - `assay model limits`: below which size and JPEG quality a model gives no verdicts. */
#include "base/option_rows.h"
#include "cli/cli.h"
#include "cli/find_model.h"
#include "eval/limits.h"

struct limits_command {
    const char *out, *run;
    double margin;
    bool json;
    int64_t seed, intervals;
};

#define AT(field) offsetof(struct limits_command, field)

static const struct option limits_options_table[] = {
    {"out", OPTION_TEXT, AT(out), NULL, 0, 0, NULL,
     "the model file to write (MODEL itself is allowed); without it, only told"},
    {"run", OPTION_TEXT, AT(run), NULL, 0, 0, NULL, "folder of a finished 'assay eval' of this model with sweeps"},
    {"margin", OPTION_FLOAT, AT(margin), "0.05", 0, 0.5, NULL,
     "by how much the lower end of the AUROC's 95 % interval must be above one half"},
    {"intervals", OPTION_INT, AT(intervals), "1000", 100, 100000, NULL, "bootstrap replicates"},
    OPTION_ROW_SEED("seed", AT(seed), "0", "of the bootstrap"),
    OPTION_ROW_JSON_OBJECT(AT(json)),
    {0}};

static const struct cli_group groups[] = {{"Options", limits_options_table}, {0}};

static const char *const axis_names[LIMITS_AXES] = {"shorter_side", "jpeg_quality"};

static json_t *point_to_json(const struct limits_point *p)
{
    json_t *object = json_pack("{s:s, s:i, s:i, s:I, s:I}", "axis", axis_names[p->axis], "from", p->from, "to", p->to,
                               "real", (json_int_t)p->pictures[0], "generated", (json_int_t)p->pictures[1]);
    if (!p->judged)
        return object;
    int failed = json_object_set_new(object, "auroc", json_real(p->auroc));
    failed |= json_object_set_new(object, "low", json_real(p->interval.low));
    failed |= json_object_set_new(object, "high", json_real(p->interval.high));
    failed |= json_object_set_new(object, "better", json_boolean(p->better));
    if (failed) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* What is written into the model, and printed by --json. NULL: no memory. */
static json_t *record_of(const struct limits_command *o, const struct run_folder *run, const struct limits_found *found)
{
    json_t *points = json_array();
    for (size_t i = 0; points && i < found->count; i++)
        if (json_array_append_new(points, point_to_json(&found->points[i])) != 0) {
            json_decref(points);
            points = NULL;
        }
    return json_pack("{s:{s:f, s:I, s:I}, s:o, s:o}", "options", "margin", o->margin, "intervals",
                     (json_int_t)o->intervals, "seed", (json_int_t)o->seed, "run", run_folder_settings(run), "points",
                     points);
}

static void print_text(const struct limits_found *found)
{
    printf("%-24s  %6s  %9s  %5s  95 %% interval\n", "", "real", "generated", "AUROC");
    for (size_t i = 0; i < found->count; i++) {
        const struct limits_point *p = &found->points[i];
        char what[40];
        if (p->axis == LIMITS_SIDE)
            snprintf(what, sizeof what, "%d to %d pixels", p->from, p->to);
        else
            snprintf(what, sizeof what, "JPEG quality %d", p->from);
        printf("%-24s  %6zu  %9zu  ", what, p->pictures[0], p->pictures[1]);
        if (p->judged)
            printf("%5.3f  %.3f to %.3f%s\n", p->auroc, p->interval.low, p->interval.high,
                   p->better ? "" : "  no better than chance");
        else
            printf("%5s  too few to judge\n", "");
    }
    if (found->limits.smallest_side)
        printf("smallest side        %d pixels\n", found->limits.smallest_side);
    else
        printf("smallest side        no limit: not measured\n");
    if (found->limits.lowest_quality)
        printf("lowest JPEG quality  %d\n", found->limits.lowest_quality);
    else
        printf("lowest JPEG quality  no limit: not measured\n");
}

static assay_status find(const struct limits_command *o, const char *path, struct assay_error *error)
{
    const struct limits_options options = {o->margin, (uint64_t)o->seed, (uint32_t)o->intervals};
    struct model model = {0};
    struct run_folder run = {0};
    struct limits_found found = {0};
    json_t *record = NULL;
    assay_status status = model_load(path, &model, error);
    if (!status)
        status = run_folder_open(o->run, &model, &run, error);
    if (!status)
        status = limits_find(&run, &options, &found, error);
    if (!status && !(record = record_of(o, &run, &found)))
        status = error_memory(error, "a model's limits");
    if (!status && o->out) {
        status = model_note_verdicts(&model, "limited", json_incref(record), error);
        model.limits = found.limits;
        if (!status)
            status = model_save(&model, o->out, error);
    }
    if (!status && o->json) {
        json_object_set_new(record, "limits", verdict_limits_to_json(&found.limits));
        json_dumpf(record, stdout, JSON_INDENT(2));
        fputc('\n', stdout);
    } else if (!status) {
        print_text(&found);
    }
    json_decref(record);
    limits_found_free(&found);
    run_folder_free(&run);
    model_free(&model);
    return status;
}

static int limits_run(int argc, char **argv)
{
    struct limits_command command;
    struct arena arena = {0};
    struct array words = array_of(sizeof(char *), (size_t)argc + 1);
    struct assay_error error = {0};
    const struct cli_target target = {limits_options_table, &command};
    const char *path;
    bool usage = true;
    option_defaults(limits_options_table, &command);
    assay_status status = cli_parse(argc, argv, &target, 1, &arena, &words, &error);
    if (!status && words.count > 1)
        status = error_set(&error, ASSAY_ERROR_ARGUMENT, "one model file at a time");
    if (!status && !command.run)
        status = error_set(&error, ASSAY_ERROR_ARGUMENT, "name the evaluation to go by: --run DIR");
    if (!status) {
        usage = false;
        status = cli_find_model(words.count ? ((const char **)words.data)[0] : NULL, &arena, &path, &error);
    }
    if (!status)
        status = find(&command, path, &error);
    int result = status ? cli_failure(&error, usage) : cli_flush() ? CLI_OK : CLI_FAILED;
    array_free(&words);
    arena_free(&arena);
    return result;
}

const struct command command_model_limits = {
    "model limits",
    "find the sizes and JPEG qualities at which a model gives no verdicts",
    "--run DIR [--out MODEL] [OPTION]... [MODEL]",
    "Goes by a finished 'assay eval' of the model, under the sweeps 'jpeg', 'resize' and 'crop', and prints for which\n"
    "sizes and qualities it does better than chance. Below the lowest of these, 'assay detect' says 'uncertain': too\n"
    "small, or too compressed to tell. Without MODEL, the model that 'assay detect' would use.\n",
    groups,
    NULL,
    limits_run,
};
