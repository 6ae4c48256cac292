/* cmd_detect.c - `assay detect`: judges files, folders of them, and standard input. Decoding runs on threads of its own
 * beside the network; output comes in the order of the input. */
#include <math.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/progress.h"
#include "cli/cli.h"
#include "cli/decode_queue.h"
#include "cli/explain.h"
#include "cli/find_model.h"
#include "cli/inputs.h"
#include "cli/report.h"
#include "image/image.h"

enum {
    DETECT_BATCH = 32,      /* pictures judged by one call */
    DETECT_WINDOW = 64,     /* pictures decoded ahead */
    DETECT_AHEAD_MIB = 512, /* of their pixels */
    DETECT_MAX_DECODERS = 16,
    DETECT_PROGRESS_WITHOUT_TERMINAL = 1000 /* files from which on a log gets lines about progress */
};

struct detect_config {
    const char *model, *explain;
    bool json, csv, bf16, progress;
    int64_t threads, max_pixels, max_bytes;
};

static const struct option detect_options[] = {
    {"model", OPTION_TEXT, offsetof(struct detect_config, model), NULL, 0, 0, NULL, "model file to judge with"},
    {"json", OPTION_BOOL, offsetof(struct detect_config, json), "false", 0, 0, NULL, "print one JSON object a line"},
    {"csv", OPTION_BOOL, offsetof(struct detect_config, csv), "false", 0, 0, NULL,
     "print comma-separated values with a heading"},
    {"bf16", OPTION_BOOL, offsetof(struct detect_config, bf16), "false", 0, 0, NULL,
     "compute in bfloat16 where the processor has it"},
    {"threads", OPTION_INT, offsetof(struct detect_config, threads), "0", 0, 1024, NULL,
     "threads that compute, and that decode; 0: one a processor"},
    {"max-pixels", OPTION_INT, offsetof(struct detect_config, max_pixels), "100000000", 1, 4294836225.0, NULL,
     "refuse pictures of more pixels than this"},
    {"max-bytes", OPTION_INT, offsetof(struct detect_config, max_bytes), "1073741824", 1, 1099511627776.0, NULL,
     "refuse files of more bytes than this"},
    {"explain", OPTION_TEXT, offsetof(struct detect_config, explain), NULL, 0, 0, NULL,
     "folder to write each picture's activation map into, as 'assay explain' does"},
    {"progress", OPTION_BOOL, offsetof(struct detect_config, progress), "true", 0, 0, NULL,
     "show on standard error how far the work is"},
    {0}};

static const struct cli_group detect_groups[] = {{"Options", detect_options}, {0}};

/* What one run of the command holds. */
struct detect {
    struct detect_config config;
    struct model model;
    struct model_scorer *scorer;
    struct inputs inputs;
    struct decode_queue *queue;
    struct report report;
    struct progress progress;
    size_t failures;
};

/* The bar gives way to what is printed on the same terminal. */
static void wipe_bar(struct detect *d)
{
    if (d->progress.stream && d->progress.terminal && d->progress.width > 0) {
        fprintf(stderr, "\r%*s\r", d->progress.width, "");
        d->progress.width = 0;
    }
}

static void fail_one(struct detect *d, const struct decoded *decoded)
{
    d->failures++;
    wipe_bar(d);
    cli_complain("%s", decoded->error.message);
    report_failure(&d->report, decoded->input->path, decoded->error.message);
}

/* Writes a judged picture's map. What cannot be written fails the run, not the verdict. */
static void explain_one(struct detect *d, const struct decoded *decoded)
{
    struct activation activation = {0};
    struct assay_error error = {0};
    struct arena arena = {0};
    uint8_t *png = NULL;
    size_t size;
    const char *path = explain_path(d->config.explain, decoded->input->path, &arena);
    assay_status status = path ? ASSAY_OK : error_memory(&error, "a file's name");
    if (!status)
        status = model_activation(d->scorer, &decoded->image, NULL, &activation, &error);
    if (!status)
        status = explain_png(&decoded->image, &activation, &png, &size, &error);
    if (!status)
        status = file_write(path, png, size, &error);
    if (status) {
        d->failures++;
        wipe_bar(d);
        cli_complain("%s: no activation map: %s", decoded->input->path, error.message);
    }
    mem_free(png);
    activation_free(&activation);
    arena_free(&arena);
}

/* Scores the pictures of a batch that were decoded; those that cannot be judged get a status of their own. */
static void score_batch(struct detect *d, struct decoded *batch, size_t count, double *logits)
{
    const struct image *images[DETECT_BATCH];
    double scores[DETECT_BATCH];
    size_t usable = 0;
    for (size_t i = 0; i < count; i++)
        if (!batch[i].status)
            images[usable++] = &batch[i].image;
    struct assay_error error = {0};
    assay_status status = usable ? model_score(d->scorer, images, usable, scores, &error) : ASSAY_OK;
    for (size_t i = 0, at = 0; i < count; i++) {
        if (batch[i].status)
            continue;
        /* where the batch failed, one picture may be to blame (or too large beside the others): each alone */
        if (status && usable > 1)
            batch[i].status = model_score(d->scorer, &images[at], 1, &scores[at], &error);
        else
            batch[i].status = status;
        if (!batch[i].status && !isfinite(scores[at]))
            batch[i].status = error_set(&error, ASSAY_ERROR_MODEL, "the model gives no finite score; it is damaged");
        if (batch[i].status)
            error_set(&batch[i].error, batch[i].status, "%s: %s", batch[i].input->path, error.message);
        logits[i] = batch[i].status ? 0 : scores[at];
        at++;
    }
}

/* Judges everything; false where standard output takes no more. */
static bool judge_all(struct detect *d)
{
    struct decoded batch[DETECT_BATCH];
    double logits[DETECT_BATCH];
    uint64_t done = 0;
    size_t count;
    bool writing = true;
    while (writing && (count = decode_queue_take(d->queue, batch, DETECT_BATCH)) > 0) {
        score_batch(d, batch, count, logits);
        if (isatty(STDOUT_FILENO))
            wipe_bar(d);
        for (size_t i = 0; i < count; i++) {
            if (batch[i].status) {
                fail_one(d, &batch[i]);
            } else {
                double probability = calibration_probability(&d->model.calibration, logits[i]);
                report_verdict(&d->report, batch[i].input->path,
                               calibration_verdict(&d->model.calibration, probability), probability);
                if (d->config.explain)
                    explain_one(d, &batch[i]);
            }
            decode_queue_release(d->queue, &batch[i]);
        }
        writing = cli_flush();
        done += count;
        progress_update(&d->progress, done, NULL);
    }
    return writing;
}

/* The words of the command line and the options, checked together. */
static assay_status read_arguments(struct detect *d, int argc, char **argv, struct arena *arena, struct array *words,
                                   struct assay_error *error)
{
    const struct cli_target target = {detect_options, &d->config};
    option_defaults(detect_options, &d->config);
    assay_status status = cli_parse(argc, argv, &target, 1, arena, words, error);
    if (status)
        return status;
    if (d->config.json && d->config.csv)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "--json and --csv exclude each other");
    if (words->count == 0)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "no picture named; 'assay help detect' says how");
    return ASSAY_OK;
}

/* Opens the model and starts decoding. */
static assay_status prepare(struct detect *d, struct arena *arena, const struct array *words, struct assay_error *error)
{
    const char *path;
    assay_status status = image_library_init(error);
    if (!status && d->config.explain)
        status = explain_folder(d->config.explain, error);
    if (!status)
        status = cli_find_model(d->config.model, arena, &path, error);
    if (!status)
        status = model_load(path, &d->model, error);
    if (!status)
        status = model_scorer_create(&d->model, d->config.bf16, &d->scorer, error);
    if (!status)
        status = inputs_collect(&d->inputs, words->data, words->count, error);
    if (status)
        return status;

    int threads = cli_use_threads(d->config.threads);
    if ((size_t)threads > d->inputs.list.count)
        threads = (int)d->inputs.list.count;
    const struct decode_options options = {
        .limits = {(uint64_t)d->config.max_pixels, (uint64_t)d->config.max_bytes},
        .threads = threads < DETECT_MAX_DECODERS ? threads : DETECT_MAX_DECODERS,
        .window = DETECT_WINDOW,
        .max_bytes = (size_t)DETECT_AHEAD_MIB << 20,
    };
    return decode_queue_create(d->inputs.list.data, d->inputs.list.count, &options, &d->queue, error);
}

static void begin_output(struct detect *d)
{
    enum report_format format = d->config.json ? REPORT_JSON : d->config.csv ? REPORT_CSV : REPORT_TABLE;
    size_t count = d->inputs.list.count;
    bool show = d->config.progress && (isatty(STDERR_FILENO) ? count > 1 : count >= DETECT_PROGRESS_WITHOUT_TERMINAL);
    report_begin(&d->report, format, d->model.detector->name);
    if (!d->model.calibration.present)
        cli_complain("note: this model is not calibrated: it gives no verdicts, and its probabilities are rough");
    progress_begin(&d->progress, show ? stderr : NULL, "judging", 0, count);
}

static int detect_run(int argc, char **argv)
{
    struct detect d = {0};
    struct arena arena = {0};
    struct array words = array_of(sizeof(char *), (size_t)argc + 1);
    struct assay_error error = {0};
    int result = CLI_FAILED;

    if (read_arguments(&d, argc, argv, &arena, &words, &error)) {
        result = cli_failure(&error, true);
        goto done;
    }
    if (prepare(&d, &arena, &words, &error)) {
        result = cli_failure(&error, false);
        goto done;
    }
    begin_output(&d);
    bool written = judge_all(&d);
    progress_end(&d.progress, NULL);
    if (d.report.lost)
        cli_complain("out of memory for lines of the output: some are missing");
    result = written && !d.report.lost && d.failures == 0 ? CLI_OK : CLI_FAILED;

done:
    decode_queue_free(d.queue);
    inputs_free(&d.inputs);
    model_scorer_free(d.scorer);
    model_free(&d.model);
    array_free(&words);
    arena_free(&arena);
    return result;
}

const struct command command_detect = {
    "detect",
    "judge pictures: real or made by an image generator",
    "[OPTION]... FILE|DIR|-...",
    "A folder stands for the pictures in it and in the folders below it (.jpg .jpeg .png .webp .tif .tiff .gif .heic\n"
    ".heif .avif); '-' is standard input. Verdicts are 'real', 'ai-generated' and 'uncertain', each with the "
    "probability\n"
    "that the picture was generated. What cannot be read is reported on standard error, and the rest is judged.\n\n"
    "Without --model, the file named by the environment variable ASSAY_MODEL is used, or else the model that comes\n"
    "with Assay.\n\n"
    "Exit status: 0 all were judged, 1 something was not, 2 the command line was wrong.\n",
    detect_groups,
    NULL,
    detect_run,
};
