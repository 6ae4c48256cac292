/* cmd_train.c - `assay train`: folders of pictures to a model file. */
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "base/limits.h"
#include "base/option_rows.h"
#include "base/progress.h"
#include "cli/cli.h"
#include "cli/find_detector.h"
#include "train/settings.h"
#include "train/trainer.h"

struct train_command {
    const char *detector, *data, *val, *layout, *val_layout, *real, *ai, *report_data, *out;
    struct option_texts weights;
    double hold_out;
    bool resume, overwrite, progress;
};

#define AT(field) offsetof(struct train_command, field)

static const struct option command_options[] = {
    {"detector", OPTION_TEXT, AT(detector), "residual", 0, 0, NULL, "which detector to train"},
    {"data", OPTION_TEXT, AT(data), NULL, 0, 0, NULL, "folder with real and generated pictures, or a list of them"},
    {"val", OPTION_TEXT, AT(val), NULL, 0, 0, NULL, "the same for validation; without it: DATA's own, or see hold-out"},
    OPTION_ROW_LAYOUT(AT(layout), "how DATA is laid out (see below), where it must be said"),
    {"val-layout", OPTION_TEXT, AT(val_layout), NULL, 0, 0, NULL, "how VAL is laid out; as DATA unless told"},
    {"report-data", OPTION_TEXT, AT(report_data), NULL, 0, 0, NULL,
     "pictures that the last epochs judge, see report-last; they choose nothing"},
    {"real", OPTION_TEXT, AT(real), NULL, 0, 0, NULL, "folder of real pictures, with ai instead of data"},
    {"ai", OPTION_TEXT, AT(ai), NULL, 0, 0, NULL, "folder of generated pictures, with real instead of data"},
    {"weights", OPTION_TEXTS, AT(weights), NULL, 0, 0, NULL,
     "begin with these: a published checkpoint of the detector or of its backbone, or a model of the same detector; "
     "may "
     "be given again, for a second backbone"},
    {"out", OPTION_TEXT, AT(out), NULL, 0, 0, NULL, "the model file to write"},
    {"hold-out", OPTION_FLOAT, AT(hold_out), "0.1", 0, 0.9, NULL,
     "share of the pictures to validate with where there are no others; 0: none"},
    {"resume", OPTION_BOOL, AT(resume), "false", 0, 0, NULL, "go on from OUT.checkpoint, with its options"},
    {"overwrite", OPTION_BOOL, AT(overwrite), "false", 0, 0, NULL, "replace OUT and OUT.checkpoint"},
    OPTION_ROW_PROGRESS_AND(AT(progress), ", what each epoch gave, and warnings"),
    {0}};

/* Everything that options set. */
struct train_setup {
    struct arena arena;
    struct train_command command;
    struct train_options options;
    struct train_conduct conduct;
    struct augment augment;
    struct sampler_options sampler;
    struct loader_options loader;
    const struct detector *detector;
    _Alignas(16) char config[DETECTOR_MAX_CONFIG];
    struct dataset train, validation, report;
    bool has_validation, held_out;
};

static bool has_flag(int argc, char **argv, const char *flag)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], flag) == 0)
            return true;
    return false;
}

static assay_status choose_detector(struct train_setup *s, const char *name, struct assay_error *error)
{
    assay_status status = cli_find_detector(name, &s->detector, error);
    if (status)
        return status;
    option_defaults(s->detector->fields, s->config);
    return settings_defaults(s->detector, &s->options, &s->augment, error);
}

/* The options that the interrupted run had, before those on the command line. */
static assay_status recall(struct train_setup *s, const char *out, struct assay_error *error)
{
    json_t *settings = NULL;
    if (!out)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "resume: name the model file with --out");
    assay_status status = train_recall(out, &settings, error);
    if (status)
        return status;
    const char *detector = json_string_value(json_object_get(settings, "detector"));
    status = choose_detector(s, detector ? detector : "", error);
    const struct {
        const char *part;
        const struct option *table;
        void *config;
    } parts[] = {
        {"config", s->detector ? s->detector->fields : NULL, s->config},
        {"options", train_option_table, &s->options},
        {"augmentation", augment_option_table, &s->augment},
        {"sampler", sampler_option_table, &s->sampler},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && !status; i++)
        status = option_from_json(parts[i].table, parts[i].config, json_object_get(settings, parts[i].part), out,
                                  &s->arena, error);
    const json_t *data = json_object_get(settings, "data");
    if (json_is_null(json_object_get(data, "validation")) || json_is_true(json_object_get(data, "held_out")))
        s->command.hold_out = json_number_value(json_object_get(data, "hold_out"));
    if (!status && !(s->command.detector = arena_strdup(&s->arena, s->detector->name)))
        status = error_memory(error, "options");
    json_decref(settings);
    return status;
}

static assay_status read_options(struct train_setup *s, int argc, char **argv, struct assay_error *error)
{
    option_defaults(command_options, &s->command);
    option_defaults(train_conduct_table, &s->conduct);
    option_defaults(sampler_option_table, &s->sampler);
    option_defaults(loader_option_table, &s->loader);
    const char *name = cli_peek(argc, argv, "detector");
    assay_status status = has_flag(argc, argv, "--resume") ? recall(s, cli_peek(argc, argv, "out"), error)
                                                           : choose_detector(s, name ? name : "residual", error);
    if (status)
        return status;
    const struct cli_target targets[] = {
        {command_options, &s->command},      {train_option_table, &s->options},   {train_conduct_table, &s->conduct},
        {augment_option_table, &s->augment}, {sampler_option_table, &s->sampler}, {loader_option_table, &s->loader},
        {s->detector->fields, s->config},
    };
    status = cli_parse(argc, argv, targets, sizeof targets / sizeof targets[0], &s->arena, NULL, error);
    if (status)
        return status;
    const struct train_command *c = &s->command;
    if (strcmp(c->detector, s->detector->name) != 0)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "resume: the run trains detector %s, not %s", s->detector->name,
                         c->detector);
    if (c->resume && c->weights.count)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "resume: the run has its weights; leave out --weights");
    if (!c->out || !c->out[0])
        return error_set(error, ASSAY_ERROR_ARGUMENT, "name the model file to write: --out model.safetensors");
    if (strlen(c->out) > LIMIT_PATH_BYTES)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "option out: the name is too long");
    if (c->data && (c->real || c->ai))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "give either --data, or --real and --ai");
    if (!c->data && !(c->real && c->ai))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "name the pictures: --data DIR, or --real DIR --ai DIR");
    if (!c->data && c->layout)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "option layout: is for --data; --real and --ai have none");
    if (!c->val && c->val_layout)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "option val-layout: is for --val");
    return train_options_check(&s->options, error);
}

static void tell_skipped(const struct train_setup *s, const struct dataset *d)
{
    if (d->skipped && s->command.progress)
        cli_complain("%zu pictures left out, the first: %s", d->skipped, d->skipped_first);
}

/* A folder of pictures for the report: its test pictures, else its validation pictures, else all. */
static assay_status find_report(struct train_setup *s, struct assay_error *error)
{
    const char *path = s->command.report_data;
    unsigned splits = 0;
    assay_status status = dataset_open_splits(path, NULL, &splits, error);
    if (status)
        return status;
    const char *split = splits & SPLIT_TEST ? "test" : splits & SPLIT_VAL ? "val" : NULL;
    status = dataset_open(path, NULL, split, &s->report, error);
    tell_skipped(s, &s->report);
    return status;
}

/* Training pictures, and validation pictures from --val, from DATA's own val/, or held out. */
static assay_status find_pictures(struct train_setup *s, struct assay_error *error)
{
    const struct train_command *c = &s->command;
    const char *val_layout = c->val_layout ? c->val_layout : c->layout;
    unsigned splits = 0, val_splits = 0;
    assay_status status = c->data ? dataset_open_splits(c->data, c->layout, &splits, error) : ASSAY_OK;
    if (!status)
        status = c->data ? dataset_open(c->data, c->layout, splits & SPLIT_TRAIN ? "train" : NULL, &s->train, error)
                         : dataset_from_folders(c->real, c->ai, &s->train, error);
    if (status)
        return status;
    tell_skipped(s, &s->train);
    if (c->val) {
        status = dataset_open_splits(c->val, val_layout, &val_splits, error);
        if (!status)
            status = dataset_open(c->val, val_layout, val_splits & SPLIT_VAL ? "val" : NULL, &s->validation, error);
        s->has_validation = true;
    } else if ((splits & SPLIT_TRAIN) && (splits & SPLIT_VAL)) {
        status = dataset_open(c->data, c->layout, "val", &s->validation, error);
        s->has_validation = true;
    } else if (c->hold_out > 0) {
        struct dataset all = s->train;
        s->train = (struct dataset){0};
        status = dataset_hold_out(&all, c->hold_out, (uint64_t)s->options.seed, &s->train, &s->validation, error);
        dataset_free(&all);
        s->has_validation = s->held_out = true;
    }
    tell_skipped(s, &s->validation);
    if (!status && c->report_data)
        status = find_report(s, error);
    if (!status && s->has_validation && strcmp(s->train.digest, s->validation.digest) == 0)
        status =
            error_set(error, ASSAY_ERROR_ARGUMENT,
                      "the validation pictures are the training pictures; what is learnt from them cannot be judged "
                      "by them");
    return status;
}

static void tell_pictures(FILE *stream, const char *what, const struct dataset *d)
{
    fprintf(stream, "%s: %zu real and %zu generated pictures of %zu sources\n", what, d->label_count[LABEL_REAL],
            d->label_count[LABEL_GENERATED], d->source_count);
}

static int train_command_run(int argc, char **argv)
{
    struct train_setup s = {0};
    struct assay_error error = {0};
    struct train_result result = {0};
    int exit_status;
    assay_status status = assay_init(&error);
    if (!status)
        status = read_options(&s, argc, argv, &error);
    if (status) {
        exit_status = cli_failure(&error, status == ASSAY_ERROR_ARGUMENT);
        goto done;
    }
    cli_use_threads(s.conduct.threads);
    FILE *stream = s.command.progress ? stderr : NULL;
    status = find_pictures(&s, &error);
    if (status) {
        exit_status = cli_failure(&error, false);
        goto done;
    }
    if (stream) {
        tell_pictures(stream, "training", &s.train);
        if (s.has_validation)
            tell_pictures(stream, s.held_out ? "validation (held out, of the same sources)" : "validation",
                          &s.validation);
    }
    if (stream && s.command.report_data)
        tell_pictures(stream, "report", &s.report);
    cli_catch_signals();
    const struct train_job job = {
        .detector = s.detector,
        .config = s.config,
        .train = &s.train,
        .validation = s.has_validation ? &s.validation : NULL,
        .report = s.command.report_data ? &s.report : NULL,
        .hold_out = s.held_out ? s.command.hold_out : 0,
        .options = &s.options,
        .conduct = &s.conduct,
        .augment = &s.augment,
        .sampler = &s.sampler,
        .loader = &s.loader,
        .weights = s.command.weights.items,
        .weights_count = s.command.weights.count,
        .out = s.command.out,
        .resume = s.command.resume,
        .overwrite = s.command.overwrite,
        .stream = stream,
        .cancel = &cli_interrupted,
    };
    status = train_run(&job, &result, &error);
    if (status) {
        exit_status = cli_failure(&error, false);
        goto done;
    }
    cli_print_text(stdout, s.command.out);
    printf(": %" PRIu64 " steps, %.*f images/s", result.steps, progress_digits(result.images_per_second),
           result.images_per_second);
    if (result.best_epoch)
        printf("; epoch %" PRId64 " kept: balanced accuracy %.4f, average precision %.4f, AUROC %.4f on the validation "
               "pictures",
               result.best_epoch, result.best.balanced_accuracy, result.best.average_precision, result.best.auroc);
    else
        printf("; no validation pictures, so it is not calibrated");
    if (result.stopped)
        printf("; it ended after %" PRIu64 " epochs, where the learning rate could fall no further", result.epochs);
    putchar('\n');
    exit_status = cli_flush() ? CLI_OK : CLI_FAILED;
done:
    dataset_free(&s.train);
    dataset_free(&s.validation);
    dataset_free(&s.report);
    arena_free(&s.arena);
    return exit_status;
}

static void tell_detectors(struct cli_sink *sink)
{
    cli_layouts(sink);
    for (size_t i = 0; dataset_layout_at(i); i++)
        cli_value(sink, "val-layout", dataset_layout_at(i)->name);
    for (const struct detector *const *d = detector_all(); *d; d++) {
        cli_heading(sink, "Detector %s (%s)", (*d)->name, (*d)->title);
        cli_options(sink, (*d)->fields);
        cli_value(sink, "detector", (*d)->name);
        char text[1024];
        size_t used = 0;
        for (const struct detector_default *t = (*d)->training; t && t->option && used < sizeof text; t++)
            used += (size_t)snprintf(text + used, sizeof text - used, " --%s %s", t->option, t->value);
        if (used)
            cli_note(sink, "Unless told otherwise it is trained with%s", text);
    }
}

static const struct cli_group groups[] = {{"Options", command_options},
                                          {"Training", train_option_table},
                                          {"Conduct", train_conduct_table},
                                          {"Variation of the pictures", augment_option_table},
                                          {"Order of the pictures", sampler_option_table},
                                          {"Reading of the pictures", loader_option_table},
                                          {0}};

static const char details[] =
    "DIR holds real/ and ai/ (or 0_real/ and 1_fake/, or nature/ and ai/), with one folder per source where there\n"
    "are several; or it is a public benchmark, or a list. train/ and val/ in it are found. Every batch is half real "
    "and half generated; source-power\n"
    "says how often each source comes up.\n"
    "\n"
    "While it runs, OUT.checkpoint is written now and then, and when it is interrupted (Ctrl-C); --resume goes on\n"
    "from there, to the same result as without the interruption.\n";

const struct command command_train = {"train",
                                      "train a detector on folders of pictures",
                                      "--data DIR [--val DIR] --out MODEL [OPTION]...",
                                      details,
                                      groups,
                                      tell_detectors,
                                      train_command_run};
