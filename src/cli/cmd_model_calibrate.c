/* cmd_model_calibrate.c - `assay model calibrate`: probabilities and thresholds of a model, chosen on pictures that are
 * judged for it or on the judgements of a finished evaluation. */
#include <math.h>

#include "base/memory.h"
#include "base/option_rows.h"
#include "cli/cli.h"
#include "cli/find_model.h"
#include "eval/run_folder.h"
#include "train/validate.h"

struct calibrate_command {
    const char *out, *data, *layout, *split, *run;
    struct calibration_options limits;
    bool perturbed, json, bf16, progress;
    int64_t batch, threads;
};

#define AT(field) offsetof(struct calibrate_command, field)

static const struct option calibrate_options[] = {
    {"out", OPTION_TEXT, AT(out), NULL, 0, 0, NULL,
     "the model file to write (MODEL itself is allowed); without it, only told"},
    {"data", OPTION_TEXT, AT(data), NULL, 0, 0, NULL, "pictures to judge and choose on: a folder or a list"},
    OPTION_ROW_LAYOUT(AT(layout), "how DATA is laid out, where it must be said"),
    {"split", OPTION_TEXT, AT(split), NULL, 0, 0, NULL,
     "which part of DATA; without it: val where there is one, else all"},
    {"run", OPTION_TEXT, AT(run), NULL, 0, 0, NULL,
     "instead of data: folder of a finished 'assay eval' of this model, whose judgements are taken"},
    {"perturbed", OPTION_BOOL, AT(perturbed), "false", 0, 0, NULL,
     "with run: take those of perturbed pictures too, not only of pictures as they are"},
    {"max-false-generated", OPTION_FLOAT, AT(limits.max_false_generated), "0.05", 0, 0.999, NULL,
     "share of real pictures that may be called ai-generated"},
    {"max-false-art", OPTION_FLOAT, AT(limits.max_false_art), "0.1", 0, 0.999, NULL,
     "share of art made by people that may be called ai-generated"},
    {"max-false-real", OPTION_FLOAT, AT(limits.max_false_real), "0.05", 0, 0.999, NULL,
     "share of generated pictures that may be called real, unless max-uncertain asks for more"},
    {"max-uncertain", OPTION_FLOAT, AT(limits.max_uncertain), "0.4", 0, 1, NULL,
     "share that may be uncertain; more pictures are called real until it is kept"},
    {"guard", OPTION_FLOAT, AT(limits.guard), "1", 0, 100, NULL,
     "standard errors of the mean over sources that the first three shares must leave room for"},
    OPTION_ROW_JSON_OBJECT(AT(json)),
    {"batch", OPTION_INT, AT(batch), "32", 1, 4096, NULL, "pictures judged at a time"},
    OPTION_ROW_BF16(AT(bf16)),
    OPTION_ROW_THREADS(AT(threads), "threads that compute"),
    {"progress", OPTION_BOOL, AT(progress), "true", 0, 0, NULL, "tell on standard error what was left out"},
    {0}};

static const struct cli_group groups[] = {{"Options", calibrate_options}, {0}};

/* What one run of the command holds. */
struct calibrate {
    struct calibrate_command command;
    struct model model;
    struct run_samples samples;
    json_t *from; /* what the samples are, for the record */
    struct calibration calibration;
    struct calibration_outcome outcome;
};

/* ---- samples ----------------------------------------------------------------------------------------------------- */

static void tell_unreadable(void *context, const struct dataset_picture *picture, const struct assay_error *why)
{
    const struct calibrate *c = context;
    (void)picture;
    if (c->command.progress)
        cli_complain("note: left out: %s", why->message);
}

static assay_status take(struct calibrate *c, const struct validation *v, struct assay_error *error)
{
    c->samples.items = mem_alloc(v->count, sizeof *c->samples.items);
    if (!c->samples.items)
        return error_memory(error, "calibration");
    for (size_t i = 0; i < v->count; i++) {
        const struct metrics_sample *from = &v->samples[i];
        if (!isfinite(from->logit))
            return error_set(error, ASSAY_ERROR_MODEL, "the model gives no finite score; it is damaged");
        c->samples.items[c->samples.count++] = (struct calibration_sample){.logit = from->logit,
                                                                           .generated = from->generated,
                                                                           .source = from->source,
                                                                           .art = v->sources[from->source].left_out};
    }
    return ASSAY_OK;
}

/* Judges every picture of a set. */
static assay_status judge(struct calibrate *c, struct assay_error *error)
{
    const struct calibrate_command *o = &c->command;
    struct dataset dataset = {0};
    struct pictures *pictures = NULL;
    struct model_scorer *scorer = NULL;
    struct validation v = {0};
    struct loader_options loader;
    unsigned splits = 0;
    const char *split = o->split;
    option_defaults(loader_option_table, &loader);
    assay_status status = split ? ASSAY_OK : dataset_open_splits(o->data, o->layout, &splits, error);
    if (!status && !split && splits & SPLIT_VAL)
        split = "val";
    if (!status)
        status = dataset_open(o->data, o->layout, split, &dataset, error);
    if (!status)
        status = model_scorer_create(&c->model, o->bf16, &scorer, error);
    if (!status)
        status = pictures_create(&dataset, 0, NULL, tell_unreadable, c, &pictures, error);
    if (!status)
        status = validation_run(scorer, pictures, &dataset, (size_t)o->batch, &loader, NULL, &v, error);
    if (!status)
        status = take(c, &v, error);
    if (!status) {
        c->samples.unjudged = pictures_unreadable(pictures);
        c->from = json_pack("{s:s, s:s?, s:s?}", "digest", dataset.digest, "layout", dataset.layout, "split", split);
        if (!c->from)
            status = error_memory(error, "calibration");
    }
    validation_free(&v);
    pictures_free(pictures);
    model_scorer_free(scorer);
    dataset_free(&dataset);
    return status;
}

static assay_status take_run(struct calibrate *c, struct assay_error *error)
{
    struct run_folder run;
    assay_status status = run_folder_open(c->command.run, &c->model, &run, error);
    if (status)
        return status;
    status = run_folder_samples(&run, c->command.perturbed, &c->samples, error);
    if (!status) {
        json_t *settings = run_folder_settings(&run);
        c->from = json_pack("{s:o*, s:b}", "run", settings, "perturbed", c->command.perturbed);
        if (!settings || !c->from)
            status = error_memory(error, "calibration");
    }
    run_folder_free(&run);
    return status;
}

/* ---- what is told ------------------------------------------------------------------------------------------------ */

static const char *const group_names[CALIBRATION_GROUPS] = {"real", "ai-generated", "art"};

static json_t *shares_to_json(const struct calibration_shares *s)
{
    return json_pack("{s:I, s:I, s:f, s:f, s:f}", "pictures", (json_int_t)s->pictures, "sources",
                     (json_int_t)s->sources, "real", s->real, "uncertain", s->uncertain, "ai-generated", s->generated);
}

/* What is written into the model, and printed by --json. NULL: no memory. */
static json_t *record_of(const struct calibrate *c)
{
    const struct calibration_options *o = &c->command.limits;
    json_t *groups_json = json_object();
    for (int g = 0; g < CALIBRATION_GROUPS; g++)
        json_object_set_new(groups_json, group_names[g], shares_to_json(&c->outcome.groups[g]));
    return json_pack("{s:{s:f, s:f, s:f, s:f, s:f}, s:O, s:I, s:o, s:f, s:f}", "options", "max_false_generated",
                     o->max_false_generated, "max_false_art", o->max_false_art, "max_false_real", o->max_false_real,
                     "max_uncertain", o->max_uncertain, "guard", o->guard, "from", c->from, "left_out",
                     (json_int_t)c->samples.unjudged, "verdicts", groups_json, "uncertain", c->outcome.uncertain,
                     "calibration_error", c->outcome.error);
}

static void print_group(const struct calibrate *c, enum calibration_group g, const char *bound, double most,
                        double share)
{
    const struct calibration_shares *s = &c->outcome.groups[g];
    if (s->sources == 0)
        return;
    printf("%-12s  %8zu  %7zu  %6.3f  %9.3f  %12.3f  %s at most %g%s\n", group_names[g], s->pictures, s->sources,
           s->real, s->uncertain, s->generated, bound, most, share <= most + 1e-9 ? "" : ": not kept");
}

static void print_text(const struct calibrate *c)
{
    const struct calibration *k = &c->calibration;
    const struct calibration_options *o = &c->command.limits;
    const struct calibration_shares *groups_of = c->outcome.groups;
    printf("probability   1 / (1 + exp(-(%.6g x logit %c %.6g)))\n", k->scale, k->shift < 0 ? '-' : '+',
           fabs(k->shift));
    if (k->real_below < 0)
        printf("real          never\n");
    else
        printf("real          at %.6g and below\n", k->real_below);
    if (k->generated_above > 1)
        printf("ai-generated  never\n");
    else
        printf("ai-generated  at %.6g and above\n", k->generated_above);
    printf("\n%-12s  pictures  sources    real  uncertain  ai-generated\n", "");
    print_group(c, CALIBRATION_REAL, "ai-generated", o->max_false_generated, groups_of[CALIBRATION_REAL].generated);
    print_group(c, CALIBRATION_ART, "ai-generated", o->max_false_art, groups_of[CALIBRATION_ART].generated);
    print_group(c, CALIBRATION_GENERATED, "real", o->max_false_real, groups_of[CALIBRATION_GENERATED].real);
    printf("uncertain          %.3f of real and ai-generated, at most %g%s\n", c->outcome.uncertain, o->max_uncertain,
           c->outcome.uncertain <= o->max_uncertain + 1e-9 ? "" : ": not kept");
    printf("calibration error  %.3f\n", c->outcome.error);
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

static assay_status read_arguments(struct calibrate *c, int argc, char **argv, struct arena *arena, struct array *words,
                                   struct assay_error *error)
{
    const struct cli_target target = {calibrate_options, &c->command};
    option_defaults(calibrate_options, &c->command);
    assay_status status = cli_parse(argc, argv, &target, 1, arena, words, error);
    if (status)
        return status;
    const struct calibrate_command *o = &c->command;
    if (words->count > 1)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "one model file at a time");
    if (!o->data == !o->run)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "name what to choose on: either --data DIR or --run DIR");
    if (o->run && (o->layout || o->split))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "--layout and --split are for --data");
    if (o->data && o->perturbed)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "--perturbed is for --run");
    return ASSAY_OK;
}

static assay_status fit(struct calibrate *c, struct assay_error *error)
{
    assay_status status = calibration_weights(c->samples.items, c->samples.count, error);
    if (!status)
        status = calibration_fit(c->samples.items, c->samples.count, &c->command.limits, &c->calibration, error);
    if (!status)
        status = calibration_judge(&c->calibration, c->samples.items, c->samples.count, &c->outcome, error);
    return status;
}

/* The record goes into the model and, printed, to the caller. */
static assay_status save(struct calibrate *c, json_t *record, struct assay_error *error)
{
    assay_status status = model_note_verdicts(&c->model, "calibrated", json_incref(record), error);
    if (status)
        return status;
    c->model.calibration = c->calibration;
    return model_save(&c->model, c->command.out, error);
}

static assay_status calibrate(struct calibrate *c, const char *path, struct assay_error *error)
{
    json_t *record = NULL;
    assay_status status = assay_init(error);
    if (!status)
        status = model_load(path, &c->model, error);
    if (!status)
        status = c->command.run ? take_run(c, error) : judge(c, error);
    if (!status && c->samples.unjudged && c->command.progress)
        cli_complain("note: %zu pictures could not be judged and are left out", c->samples.unjudged);
    if (!status)
        status = fit(c, error);
    if (!status && !(record = record_of(c)))
        status = error_memory(error, "calibration");
    if (!status && c->command.out)
        status = save(c, record, error);
    if (!status && c->command.json) {
        json_object_set_new(record, "calibration", calibration_to_json(&c->calibration));
        json_dumpf(record, stdout, JSON_INDENT(2));
        fputc('\n', stdout);
    } else if (!status) {
        print_text(c);
    }
    json_decref(record);
    return status;
}

static int calibrate_run(int argc, char **argv)
{
    struct calibrate c = {0};
    struct arena arena = {0};
    struct array words = array_of(sizeof(char *), (size_t)argc + 1);
    struct assay_error error = {0};
    const char *path;
    bool usage = true;
    assay_status status = read_arguments(&c, argc, argv, &arena, &words, &error);
    if (!status) {
        usage = false;
        cli_use_threads(c.command.threads);
        status = cli_find_model(words.count ? ((const char **)words.data)[0] : NULL, &arena, &path, &error);
    }
    if (!status)
        status = calibrate(&c, path, &error);
    int result = status ? cli_failure(&error, usage) : cli_flush() ? CLI_OK : CLI_FAILED;
    json_decref(c.from);
    run_samples_free(&c.samples);
    model_free(&c.model);
    array_free(&words);
    arena_free(&arena);
    return result;
}

const struct command command_model_calibrate = {
    "model calibrate",
    "choose a model's probabilities and thresholds anew",
    "--data DIR|--run DIR [--out MODEL] [OPTION]... [MODEL]",
    "Fits what a score is worth to pictures whose class is known, and chooses from which probability on a verdict is\n"
    "given, so that no more go wrong than is asked for; prints what becomes of these pictures. Shares are means over\n"
    "the sources of a class; sources named art-* are a group of their own. Without MODEL, the model that\n"
    "'assay detect' would use.\n",
    groups,
    cli_layouts,
    calibrate_run,
};
