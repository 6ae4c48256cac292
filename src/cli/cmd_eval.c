/* cmd_eval.c - `assay eval`: models and sets of pictures to tables, in a folder from which the run can be taken up
 * again. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/option_rows.h"
#include "base/parallel.h"
#include "cli/cli.h"
#include "cli/find_model.h"
#include "eval/evaluation.h"
#include "eval/run_record.h"
#include "eval/run_report.h"
#include "eval/summary.h"

enum { TEXT_MAX_BYTES = 1 << 28, WIDTH_WITHOUT_TERMINAL = 120, PROBLEMS_SHOWN = 5 };

struct eval_command {
    const char *out;
    bool resume, progress, report, check, plots;
    int64_t threads, memory, embeddings, maps;
};

#define AT(field) offsetof(struct eval_command, field)

static const struct option command_options[] = {
    {"out", OPTION_TEXT, AT(out), NULL, 0, 0, NULL, "the folder to write; made where it is not there"},
    {"resume", OPTION_BOOL, AT(resume), "false", 0, 0, NULL, "go on with the run that OUT holds"},
    {"report", OPTION_BOOL, AT(report), "true", 0, 0, NULL, "write report.html"},
    {"embeddings", OPTION_INT, AT(embeddings), "500", 0, 2000, NULL,
     "pictures of each set in the report's t-SNE; 0: none"},
    {"maps", OPTION_INT, AT(maps), "6", 0, 40, NULL,
     "wrong, least certain and most certain pictures in the report with an activation map; 0: none"},
    {"check", OPTION_BOOL, AT(check), "false", 0, 0, NULL,
     "check the sets as assay data check does, for the report's warnings"},
    {"plots", OPTION_BOOL, AT(plots), "false", 0, 0, NULL, "write the report's plots as SVG files too, in OUT/plots"},
    OPTION_ROW_THREADS(AT(threads), "threads: pictures judged at once"),
    {"memory", OPTION_INT, AT(memory), "512", 1, 1 << 20, NULL,
     "MiB of pictures judged at once, so many that they wait for each other; one alone may be larger"},
    OPTION_ROW_PROGRESS_AND(AT(progress), ", and notes"),
    {0}};

#undef AT

static const struct cli_group groups[] = {{"What is run", evaluation_option_table}, {"Options", command_options}, {0}};

/* What one run of the command holds. */
struct eval {
    struct arena arena;
    struct eval_command command;
    struct evaluation_options options;
    struct evaluation evaluation;
    const char *words; /* the command as typed, but for what does not change the results */
    const char *record_path, *predictions_path, *log_path;
    json_t *record;           /* run.json */
    FILE *stream;             /* for progress and notes, or NULL */
    uint64_t unjudged;        /* pictures */
    struct arena scratch;     /* holds the next two */
    const char *last_problem; /* the picture, and its set, that was counted last */
    const char *last_set;
};

/* ---- options ----------------------------------------------------------------------------------------------------- */

static bool put_quoted(struct array *out, const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./=:+@,";
    if (word[0] && word[strspn(word, plain)] == '\0')
        return array_printf(out, " %s", word);
    bool fits = array_append(out, " '", 2);
    for (; *word && fits; word++)
        fits = *word == '\'' ? array_append(out, "'\\''", 4) : array_append(out, word, 1);
    return fits && array_append(out, "'", 1);
}

/* The command line for the record, without the words that only say how the work is done: the record of a resumed run is
 * that of one in one go. */
static const char *words_of(int argc, char **argv, struct arena *arena)
{
    static const char *const left_out[] = {"--resume", "--no-resume", "--progress", "--no-progress"};
    struct array text = array_of(1, TEXT_MAX_BYTES);
    bool fits = array_printf(&text, "assay eval");
    for (int i = 0; i < argc && fits; i++) {
        bool keep = true;
        for (size_t w = 0; w < sizeof left_out / sizeof left_out[0]; w++)
            keep = keep && strcmp(argv[i], left_out[w]) != 0;
        fits = !keep || put_quoted(&text, argv[i]);
    }
    const char *words = fits ? arena_strdup(arena, text.data) : NULL;
    array_free(&text);
    return words;
}

static assay_status read_options(struct eval *e, int argc, char **argv, struct assay_error *error)
{
    const struct cli_target targets[] = {{evaluation_option_table, &e->options}, {command_options, &e->command}};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        option_defaults(targets[i].options, targets[i].config);
    assay_status status = cli_parse(argc, argv, targets, sizeof targets / sizeof targets[0], &e->arena, NULL, error);
    if (status)
        return status;
    const char *out = e->command.out;
    if (e->options.data.count == 0)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "name the pictures: --data DIR");
    if (!out || !out[0])
        return error_set(error, ASSAY_ERROR_ARGUMENT, "name the folder to write: --out DIR");
    if (strlen(out) > LIMIT_PATH_BYTES)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "option out: the name is too long");
    e->words = words_of(argc, argv, &e->arena);
    e->record_path = arena_printf(&e->arena, "%s/run.json", out);
    e->predictions_path = arena_printf(&e->arena, "%s/predictions.jsonl", out);
    e->log_path = arena_printf(&e->arena, "%s/run.log", out);
    if (!e->words || !e->record_path || !e->predictions_path || !e->log_path)
        return error_memory(error, "the command line");
    return ASSAY_OK;
}

/* The default model where none is named. */
static assay_status choose_models(struct eval *e, struct assay_error *error)
{
    if (e->options.models.count)
        return ASSAY_OK;
    const char *path;
    assay_status status = cli_find_model(NULL, &e->arena, &path, error);
    return status ? status : option_set(evaluation_option_table, &e->options, "model", path, &e->arena, error);
}

/* ---- the folder -------------------------------------------------------------------------------------------------- */

/* Refuses a folder with another run, or with this one unless it is to be resumed; writes the record of a new one. */
static assay_status claim_folder(struct eval *e, struct assay_error *error)
{
    char note[RUN_RECORD_NOTE];
    json_t *then = NULL, *now = NULL;
    if (mkdir(e->command.out, 0777) != 0 && errno != EEXIST)
        return error_errno(error, e->command.out, "make the folder");
    assay_status status = run_record_read(e->record_path, &then, error);
    if (!status && !(now = run_record_of(&e->evaluation, e->words)))
        status = error_memory(error, e->record_path);
    if (!status && then) {
        status = run_record_compare(then, now, e->record_path, note, error);
        if (!status && !e->command.resume)
            status = error_set(error, ASSAY_ERROR_ARGUMENT,
                               "%s: the folder holds this run already, whole or in part: go on with it by --resume, or "
                               "name another with --out",
                               e->command.out);
        if (!status && note[0])
            cli_complain("note: %s", note);
    } else if (!status && file_exists(e->predictions_path)) {
        status = error_set(error, ASSAY_ERROR_ARGUMENT,
                           "%s: is there, but no run.json that says what it is; name another folder with --out",
                           e->predictions_path);
    } else if (!status) {
        status = run_record_write(now, e->record_path, error);
    }
    e->record = json_incref(then ? then : now); /* the first run's words */
    json_decref(then);
    json_decref(now);
    return status;
}

/* When what happened: the only file that depends on the clock. A log that cannot be written stops nothing. */
static void tell_log(const struct eval *e, const char *what, double seconds, uint64_t pictures)
{
    char when[32];
    struct tm parts;
    time_t now = time(NULL);
    FILE *log = fopen(e->log_path, "ae");
    if (!log)
        return;
    if (gmtime_r(&now, &parts) && strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &parts))
        fprintf(log, "%s %s", when, what);
    if (seconds > 0)
        fprintf(log, ": %" PRIu64 " pictures in %.1f s", pictures, seconds);
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        fprintf(log, "; memory at most %ld MiB", usage.ru_maxrss / 1024);
    fputc('\n', log);
    fclose(log);
}

/* ---- telling ----------------------------------------------------------------------------------------------------- */

static void tell_sets(const struct eval *e)
{
    for (size_t i = 0; e->stream && i < e->evaluation.set_count; i++) {
        const struct evaluation_set *s = &e->evaluation.sets[i];
        cli_print_text(e->stream, s->name);
        fprintf(e->stream, ": %zu real and %zu generated pictures, layout %s, protocol %s\n",
                s->taken.label_count[LABEL_REAL], s->taken.label_count[LABEL_GENERATED],
                s->all.layout ? s->all.layout : "folders", s->protocol->name);
        if (s->all.skipped)
            cli_complain("note: %s: %zu files were left out; the first: %s", s->name, s->all.skipped,
                         s->all.skipped_first ? s->all.skipped_first : "?");
        if (s->taken.count < s->all.count)
            cli_complain("note: %s: protocol %s leaves out %zu pictures by their names, %zu that it does not draw, and "
                         "%zu that stand against nothing",
                         s->name, s->protocol->name, s->left[PROTOCOL_LEFT_BY_NAME], s->left[PROTOCOL_LEFT_BY_SAMPLING],
                         s->left[PROTOCOL_LEFT_WITHOUT_ROW]);
    }
}

/* The lines of a picture follow each other: the first that tells a problem counts it. */
static assay_status tell_unreadable(void *context, const struct prediction *p, struct assay_error *error)
{
    struct eval *e = context;
    const char *last = e->last_problem;
    if (p->readable || (last && strcmp(last, p->picture) == 0 && strcmp(e->last_set, p->set) == 0))
        return ASSAY_OK;
    arena_free(&e->scratch);
    e->last_problem = arena_strdup(&e->scratch, p->picture);
    e->last_set = arena_strdup(&e->scratch, p->set);
    if (!e->last_problem || !e->last_set)
        return error_memory(error, "what could not be judged");
    if (e->unjudged++ < PROBLEMS_SHOWN)
        cli_complain("%s: %s: %s%s%s", p->set, p->picture, p->perturbation, p->perturbation[0] ? ": " : "", p->problem);
    return ASSAY_OK;
}

static size_t terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return WIDTH_WITHOUT_TERMINAL;
}

/* ---- the run ----------------------------------------------------------------------------------------------------- */

static assay_status summarise(struct eval *e, struct assay_error *error)
{
    struct results results = {0};
    struct summary summary = {0};
    struct array text = array_of(1, TEXT_MAX_BYTES);
    assay_status status = results_load(&e->evaluation.job, &results, error);
    if (!status)
        status = summary_make(&e->evaluation, &results, &summary, error);
    if (!status)
        status = summary_write(&summary, &results, e->predictions_path, e->command.out, error);
    const struct run_report_options report = {e->command.embeddings, e->command.maps, e->command.check, e->stream,
                                              e->command.plots};
    if (!status && e->command.report)
        status = run_report_write(&summary, e->predictions_path, e->record, e->command.out, &report, error);
    if (!status)
        status = summary_text(&summary, terminal_width(), &text, error);
    if (!status)
        fwrite(text.data, 1, text.count, stdout);
    array_free(&text);
    summary_free(&summary);
    results_free(&results);
    return status;
}

static assay_status evaluate(struct eval *e, struct assay_error *error)
{
    struct runner_job *job = &e->evaluation.job;
    struct runner_result result;
    job->path = e->predictions_path;
    job->resume = true; /* claim_folder has seen to it that the file is this run's, or not there */
    job->workers = parallel_threads();
    job->max_held = (uint64_t)e->command.memory << 20;
    job->stream = e->stream;
    job->cancel = &cli_interrupted;
    tell_log(e, "begun", 0, 0);
    assay_status status = runner_run(job, &result, error);
    tell_log(e, status ? "stopped" : "judged", result.seconds, result.pictures - result.resumed);
    if (status == ASSAY_ERROR_CANCELLED)
        return error_set(error, status, "stopped; the same command with --resume goes on from here");
    if (!status)
        status = summarise(e, error);
    if (!status)
        tell_log(e, "done", 0, 0);
    if (!status)
        status = predictions_scan(e->predictions_path, tell_unreadable, e, NULL, error);
    if (!status && e->unjudged)
        cli_complain("%" PRIu64 " of the pictures could not be judged; %s/unreadable.csv lists them", e->unjudged,
                     e->command.out);
    return status;
}

static int eval_run(int argc, char **argv)
{
    struct eval e = {0};
    struct assay_error error = {0};
    int result = CLI_FAILED;
    assay_status status = assay_init(&error);
    if (!status)
        status = read_options(&e, argc, argv, &error);
    if (status) {
        result = cli_failure(&error, status == ASSAY_ERROR_ARGUMENT);
        goto done;
    }
    e.stream = e.command.progress ? stderr : NULL;
    cli_use_threads(e.command.threads);
    status = choose_models(&e, &error);
    if (!status)
        status = evaluation_open(&e.options, &e.evaluation, &error);
    if (!status)
        status = claim_folder(&e, &error);
    if (!status) {
        tell_sets(&e);
        cli_catch_signals();
        status = evaluate(&e, &error);
    }
    if (status)
        result = cli_failure(&error, false);
    else
        result = cli_flush() && e.unjudged == 0 ? CLI_OK : CLI_FAILED;
done:
    evaluation_free(&e.evaluation);
    json_decref(e.record);
    arena_free(&e.scratch);
    arena_free(&e.arena);
    return result;
}

static void tell_choices(struct cli_sink *sink)
{
    size_t count;
    const struct protocol *protocols = protocol_list(&count);
    cli_heading(sink, "Layouts (docs/datasets.md)");
    for (size_t i = 0; dataset_layout_at(i); i++) {
        cli_entry(sink, dataset_layout_at(i)->name, "%s", dataset_layout_at(i)->title);
        cli_value(sink, "layout", dataset_layout_at(i)->name);
    }
    cli_heading(sink, "Protocols (docs/evaluation.md)");
    for (size_t i = 0; i < count; i++) {
        cli_entry(sink, protocols[i].name, "%s", protocols[i].title);
        cli_value(sink, "protocol", protocols[i].name);
    }
    cli_heading(sink, "Perturbations, of which a chain is made as in resize:0.5+jpeg:70");
    for (const struct perturbation_kind *kind = perturbation_kinds(); kind->name; kind++) {
        char range[64], name[160];
        snprintf(name, sizeof name, "%s:%s", kind->name, perturbation_range(kind, range, sizeof range));
        cli_entry(sink, name, "%s; %s", kind->value, kind->help);
    }
    cli_heading(sink, "Sweeps for --robustness");
    for (const struct robustness_sweep *sweep = robustness_sweeps(); sweep->name; sweep++) {
        cli_entry(sink, sweep->name, "%s, %d settings", sweep->title, sweep->count);
        cli_value(sink, "robustness", sweep->name);
    }
    cli_value(sink, "robustness", "all");
}

static const char details[] =
    "Judges every picture of every set by every model, as it is and under every perturbation, and writes into OUT:\n"
    "run.json (what was run), predictions.jsonl (a line a judgement), results.csv (all figures with 95 % intervals),\n"
    "tables as CSV and LaTeX, McNemar's tests between models, and what could not be read. Prints the tables.\n"
    "\n"
    "A run that was interrupted, in whatever way, goes on with --resume, to the same files as without the\n"
    "interruption. A folder that holds another run is refused.\n"
    "\n"
    "Without --model the default model is used, as by 'assay detect'.\n"
    "\n"
    "Exit status: 0 all were judged, 1 something was not, 2 the command line was wrong.\n";

const struct command command_eval = {"eval",
                                     "evaluate models on sets of pictures",
                                     "[--model [NAME=]FILE]... --data [NAME=]DIR... --out DIR [OPTION]...",
                                     details,
                                     groups,
                                     tell_choices,
                                     eval_run};
