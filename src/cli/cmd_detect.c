/* cmd_detect.c - `assay detect`: judges files, folders of them, and standard input. Several pictures are judged at
 * once, each by one thread (base/crew.h); a single one by all of them. Output comes in the order of the input. */
#include <math.h>
#include <unistd.h>

#include "base/crew.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/option_rows.h"
#include "base/progress.h"
#include "cli/cli.h"
#include "cli/explain.h"
#include "cli/find_model.h"
#include "cli/inputs.h"
#include "cli/report.h"
#include "image/decode_held.h"
#include "provenance/cose.h"
#include "provenance/provenance.h"

enum {
    DETECT_WAITING = 256,                   /* verdicts that wait for an earlier one */
    DETECT_HELD_MIB = 512,                  /* of pictures judged at once */
    DETECT_PROGRESS_WITHOUT_TERMINAL = 1000 /* files from which on a log gets lines about progress */
};

struct detect_config {
    const char *model, *explain, *trust;
    bool json, csv, reasons, bf16, progress, provenance;
    int64_t threads, max_pixels, max_bytes;
};

static const struct option detect_options[] = {
    {"model", OPTION_TEXT, offsetof(struct detect_config, model), NULL, 0, 0, NULL, "model file to judge with"},
    OPTION_ROW_JSON_LINES(offsetof(struct detect_config, json)),
    {"csv", OPTION_BOOL, offsetof(struct detect_config, csv), "false", 0, 0, NULL,
     "print comma-separated values with a heading"},
    {"reasons", OPTION_BOOL, offsetof(struct detect_config, reasons), "false", 0, 0, NULL,
     "a line below each verdict of the table with what it stands on; a single picture has it anyway"},
    OPTION_ROW_BF16(offsetof(struct detect_config, bf16)),
    OPTION_ROW_THREADS(offsetof(struct detect_config, threads), "threads: pictures judged at once"),
    {"max-pixels", OPTION_INT, offsetof(struct detect_config, max_pixels), "100000000", 1, 4294836225.0, NULL,
     "refuse pictures of more pixels than this"},
    {"max-bytes", OPTION_INT, offsetof(struct detect_config, max_bytes), "1073741824", 1, 1099511627776.0, NULL,
     "refuse files of more bytes than this"},
    {"explain", OPTION_TEXT, offsetof(struct detect_config, explain), NULL, 0, 0, NULL,
     "folder to write each picture's activation map into, as 'assay explain' does"},
    {"provenance", OPTION_BOOL, offsetof(struct detect_config, provenance), "true", 0, 0, NULL,
     "show what the file says of itself beside the verdict"},
    {"trust", OPTION_TEXT, offsetof(struct detect_config, trust), NULL, 0, 0, NULL,
     "file of certificates (PEM) that C2PA signers must lead to; without, trust is not asked"},
    OPTION_ROW_PROGRESS(offsetof(struct detect_config, progress)),
    {0}};

static const struct cli_group detect_groups[] = {{"Options", detect_options}, {0}};

/* What one run of the command holds. */
struct detect {
    struct detect_config config;
    struct model model;
    struct model_scorer *scorer;
    struct inputs inputs;
    struct cose_trust *trust;
    struct crew *crew;
    struct report report;
    struct progress progress;
    size_t failures;
};

/* What becomes of one input. */
struct judged {
    struct assay_error error; /* where it could not be judged */
    struct assay_error map;   /* where its activation map could not be made */
    struct model_verdict told;
    struct finding finding; /* where `found` */
    bool found;
};

/* The bar gives way to what is printed on the same terminal. */
static void wipe_bar(struct detect *d)
{
    if (d->progress.stream && d->progress.terminal && d->progress.width > 0) {
        fprintf(stderr, "\r%*s\r", d->progress.width, "");
        d->progress.width = 0;
    }
}

/* ---- judging, by the workers ------------------------------------------------------------------------------------- */

static assay_status write_map(const struct detect *d, const struct input *input, const struct image *image,
                              struct assay_error *error)
{
    struct activation activation = {0};
    struct arena arena = {0};
    uint8_t *png = NULL;
    size_t size;
    const char *path = explain_path(d->config.explain, input->path, &arena);
    assay_status status = path ? ASSAY_OK : error_memory(error, "a file's name");
    if (!status)
        status = model_activation(d->scorer, image, NULL, &activation, error);
    if (!status)
        status = explain_png(image, &activation, &png, &size, error);
    if (!status)
        status = file_write(path, png, size, error);
    mem_free(png);
    activation_free(&activation);
    arena_free(&arena);
    return status;
}

static assay_status judge_image(const struct detect *d, const struct input *input, const struct image *image,
                                struct model_verdict *told, struct assay_error *error)
{
    struct assay_error why = {0};
    struct crop_agreement agreement;
    double logit;
    assay_status status = model_score_agreement(d->scorer, &image, 1, NULL, &logit, &agreement, &why);
    if (!status && !isfinite(logit))
        status = error_set(&why, ASSAY_ERROR_MODEL, "the model gives no finite score; it is damaged");
    if (!status)
        model_judge(&d->model, image, logit, &agreement, told);
    return status ? error_set(error, status, "%s: %s", input->path, why.message) : ASSAY_OK;
}

/* What the looking at a file's bytes needs. */
struct looking {
    const struct detect *detect;
    struct judged *judged;
};

/* What the file says of itself. Where that fails (there is no memory), nothing is said; the verdict stands. */
static void look_at_file(void *context, const uint8_t *bytes, size_t size)
{
    const struct looking *looking = context;
    const struct provenance_options options = {.trust = looking->detect->trust, .finding_alone = true};
    struct provenance provenance;
    if (provenance_read(bytes, size, &options, &provenance, NULL))
        return;
    if (provenance.format != PICTURE_OTHER) {          /* what is no picture says nothing */
        looking->judged->finding = provenance.finding; /* its texts are its own */
        looking->judged->found = true;
        provenance.finding = (struct finding){0};
    }
    provenance_free(&provenance);
}

static void drop_judged(void *context, void *result)
{
    (void)context;
    finding_free(&((struct judged *)result)->finding);
}

static void judge_one(void *context, struct crew_seat *seat, uint64_t job, void *result)
{
    const struct detect *d = context;
    const struct input *input = (const struct input *)d->inputs.list.data + job;
    const struct assay_limits limits = {(uint64_t)d->config.max_pixels, (uint64_t)d->config.max_bytes};
    struct judged *judged = result;
    struct looking looking = {d, judged};
    const struct image_look look = {look_at_file, &looking};
    struct assay_error *error = &judged->error;
    struct image image = {0};
    if (input->problem)
        error->status = error_set(error, ASSAY_ERROR_IO, "%s", input->problem);
    else
        error->status =
            image_decode_held(seat, input->path, &limits, d->config.provenance ? &look : NULL, &image, error);
    if (!error->status)
        error->status = judge_image(d, input, &image, &judged->told, error);
    if (!error->status && d->config.explain)
        judged->map.status = write_map(d, input, &image, &judged->map);
    image_free(&image);
}

/* ---- telling ----------------------------------------------------------------------------------------------------- */

static void tell_one(struct detect *d, const struct input *input, const struct judged *judged)
{
    if (judged->error.status) {
        d->failures++;
        wipe_bar(d);
        cli_complain("%s", judged->error.message);
        report_failure(&d->report, input->path, judged->error.message, judged->found ? &judged->finding : NULL);
        return;
    }
    report_verdict(&d->report, input->path, &judged->told, judged->found ? &judged->finding : NULL);
    if (judged->map.status) { /* fails the run, not the verdict */
        d->failures++;
        wipe_bar(d);
        cli_complain("%s: no activation map: %s", input->path, judged->map.message);
    }
}

/* Judges everything; false where standard output takes no more. */
static bool judge_all(struct detect *d)
{
    const struct input *inputs = d->inputs.list.data;
    struct judged *judged;
    uint64_t job;
    bool writing = true;
    while (writing && (judged = crew_next(d->crew, &job))) {
        if (isatty(STDOUT_FILENO))
            wipe_bar(d);
        tell_one(d, &inputs[job], judged);
        finding_free(&judged->finding);
        writing = cli_flush();
        progress_update(&d->progress, job + 1, NULL);
    }
    return writing;
}

/* ---- beginning and end ------------------------------------------------------------------------------------------- */

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

/* Opens the model and starts the workers. */
static assay_status prepare(struct detect *d, struct arena *arena, const struct array *words, struct assay_error *error)
{
    const char *path;
    assay_status status = image_library_init(error);
    if (!status && d->config.explain)
        status = explain_folder(d->config.explain, error);
    if (!status && d->config.provenance)
        status = cose_trust_read(d->config.trust, &d->trust, error);
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

    /* as many workers as there are pictures for, and all threads among them */
    int threads = cli_use_threads(d->config.threads);
    int workers = (size_t)threads > d->inputs.list.count ? (int)d->inputs.list.count : threads;
    const struct crew_options options = {.end = d->inputs.list.count,
                                         .workers = workers,
                                         .threads = threads / workers,
                                         .window = DETECT_WAITING + 4 * (size_t)workers,
                                         .result_bytes = sizeof(struct judged),
                                         .max_held = (uint64_t)DETECT_HELD_MIB << 20,
                                         .work = judge_one,
                                         .drop = drop_judged,
                                         .context = d};
    return crew_create(&options, &d->crew, error);
}

static void begin_output(struct detect *d)
{
    enum report_format format = d->config.json ? REPORT_JSON : d->config.csv ? REPORT_CSV : REPORT_TABLE;
    size_t count = d->inputs.list.count;
    bool show = d->config.progress && (isatty(STDERR_FILENO) ? count > 1 : count >= DETECT_PROGRESS_WITHOUT_TERMINAL);
    report_begin(&d->report, format, d->model.detector->name, d->config.provenance);
    d->report.reasons = d->config.reasons || count == 1;
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
    crew_free(d.crew);
    cose_trust_free(d.trust);
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
