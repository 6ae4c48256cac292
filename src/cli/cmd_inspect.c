/* cmd_inspect.c - `assay inspect`: everything that pictures' files say of themselves, as a tree or as JSON. No model is
 * opened and no pixel judged. Files are read several at once (base/crew.h), each by one thread that also writes its
 * text; output comes in the order of the input. */
#include <stdlib.h>
#include <string.h>

#include "base/crew.h"
#include "base/file.h"
#include "base/json_text.h"
#include "base/memory.h"
#include "base/option_rows.h"
#include "cli/cli.h"
#include "cli/inputs.h"
#include "provenance/cose.h"
#include "provenance/provenance.h"

enum {
    MAX_PRINTED = 256 << 20,
    JSON_DIGITS = 9,
    INSPECT_WAITING = 64,   /* texts that wait for an earlier one */
    INSPECT_HELD_MIB = 512, /* of files read at once */
};

struct inspect_config {
    bool json;
    const char *trust;
    int64_t threads, max_bytes;
};

static const struct option inspect_options[] = {
    OPTION_ROW_JSON_LINES(offsetof(struct inspect_config, json)),
    {"trust", OPTION_TEXT, offsetof(struct inspect_config, trust), NULL, 0, 0, NULL,
     "file of certificates (PEM) that C2PA signers must lead to; without, trust is not asked"},
    OPTION_ROW_THREADS(offsetof(struct inspect_config, threads), "threads: files read at once"),
    {"max-bytes", OPTION_INT, offsetof(struct inspect_config, max_bytes), "1073741824", 1, 1099511627776.0, NULL,
     "refuse files of more bytes than this"},
    {0}};

static const struct cli_group inspect_groups[] = {{"Options", inspect_options}, {0}};

/* What one run of the command holds. */
struct inspect {
    struct inspect_config config;
    struct inputs inputs;
    struct cose_trust *trust;
    struct crew *crew;
};

/* What becomes of one input. */
struct inspected {
    struct assay_error error; /* where it could not be read */
    struct array text;        /* char: what is to be printed */
    bool lost;                /* there was no memory for that */
};

/* ---- One file, by the workers ------------------------------------------------------------------------------------ */

static assay_status read_one(const struct input *input, const struct inspect *run, struct crew_seat *seat,
                             struct provenance *out, struct assay_error *error)
{
    const struct provenance_options options = {.trust = run->trust};
    uint8_t *bytes = NULL;
    size_t size = 0;
    const char *other;
    assay_status status = input->problem
                              ? error_set(error, ASSAY_ERROR_IO, "%s", input->problem)
                              : file_read(input->path, (uint64_t)run->config.max_bytes, &bytes, &size, error);
    crew_hold(seat, size);
    if (!status && picture_sniff(bytes, size, &other) == PICTURE_OTHER)
        status = error_set(error, ASSAY_ERROR_FORMAT, "%s: %s, not a picture that Assay reads", input->path,
                           size == 0 ? "empty"
                           : other   ? other
                                     : "an unknown format");
    if (!status) {
        struct assay_error why = {0};
        status = provenance_read(bytes, size, &options, out, &why);
        if (status)
            error_set(error, status, "%s: %s", input->path, why.message);
    }
    mem_free(bytes);
    return status;
}

/* All below the file's name. */
static bool write_tree(const struct provenance *p, struct array *text)
{
    const struct finding *f = &p->finding;
    bool none = f->kind == FINDING_NONE;
    return array_printf(text, "  %s%s%s\n  ", finding_kind_text(f->kind), none ? "" : ", ",
                        none ? "" : finding_strength_text(f->strength)) &&
           fact_print_text(f->sentence, strlen(f->sentence), MAX_PRINTED, text) && array_printf(text, "\n") &&
           fact_print(p->facts.root, 2, text) && (!p->facts.full || array_printf(text, "  (and more)\n"));
}

/* `p` may be NULL: then there is a problem. */
static bool write_json(const char *path, const struct provenance *p, const char *problem, struct array *text)
{
    json_t *object = json_object(), *said = p ? provenance_json(p) : json_object();
    bool fits = object && said && json_set_text(object, "file", path) && json_object_update_missing(object, said) == 0;
    if (fits && problem)
        fits = json_object_set_new(object, "error", json_lossy_text(problem)) == 0;
    if (fits && p && p->facts.full)
        fits = json_object_set_new(object, "incomplete", json_true()) == 0;
    char *line = fits ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(JSON_DIGITS)) : NULL;
    fits = line && array_append(text, line, strlen(line)) && array_append(text, "\n", 1);
    free(line);
    json_decref(said);
    json_decref(object);
    return fits;
}

static void inspect_one(void *context, struct crew_seat *seat, uint64_t job, void *result)
{
    const struct inspect *run = context;
    const struct input *input = (const struct input *)run->inputs.list.data + job;
    struct inspected *inspected = result;
    struct provenance p = {0};
    inspected->text = array_of(1, MAX_PRINTED);
    assay_status status = read_one(input, run, seat, &p, &inspected->error);
    if (run->config.json)
        inspected->lost =
            !write_json(input->path, status ? NULL : &p, status ? inspected->error.message : NULL, &inspected->text);
    else if (!status)
        inspected->lost = !write_tree(&p, &inspected->text);
    if (!status)
        provenance_free(&p);
}

static void drop_inspected(void *context, void *result)
{
    (void)context;
    array_free(&((struct inspected *)result)->text);
}

/* ---- All of them ------------------------------------------------------------------------------------------------- */

/* False: something could not be read or shown. */
static bool show_one(const struct inspect *run, const char *path, const struct inspected *inspected, bool first)
{
    const struct array *text = &inspected->text;
    bool failed = inspected->error.status != ASSAY_OK;
    if (failed)
        cli_complain("%s", inspected->error.message);
    if (inspected->lost) {
        cli_complain("%s: out of memory to show it", path);
        return false;
    }
    if (!run->config.json && !failed) {
        fputs(first ? "" : "\n", stdout);
        cli_print_text(stdout, path);
        fputc('\n', stdout);
    }
    if (text->count)
        fwrite(text->data, 1, text->count, stdout);
    return !failed;
}

/* False: as above, or standard output takes no more. */
static bool show_all(struct inspect *run)
{
    const struct input *inputs = run->inputs.list.data;
    struct inspected *inspected;
    uint64_t job;
    bool well = true, writing = true;
    while (writing && (inspected = crew_next(run->crew, &job))) {
        well = show_one(run, inputs[job].path, inspected, job == 0) && well;
        array_free(&inspected->text);
        writing = cli_flush();
    }
    return well && writing;
}

/* Finds the inputs and starts the workers. */
static assay_status prepare(struct inspect *run, const struct array *words, struct assay_error *error)
{
    assay_status status = cose_trust_read(run->config.trust, &run->trust, error);
    if (!status)
        status = inputs_collect(&run->inputs, words->data, words->count, error);
    if (status)
        return status;
    int workers = cli_use_threads(run->config.threads);
    const struct crew_options options = {.end = run->inputs.list.count,
                                         .workers = workers,
                                         .threads = 1,
                                         .window = INSPECT_WAITING + 4 * (size_t)workers,
                                         .result_bytes = sizeof(struct inspected),
                                         .max_held = (uint64_t)INSPECT_HELD_MIB << 20,
                                         .work = inspect_one,
                                         .drop = drop_inspected,
                                         .context = run};
    return crew_create(&options, &run->crew, error);
}

static int inspect_run(int argc, char **argv)
{
    struct inspect run = {0};
    const struct cli_target target = {inspect_options, &run.config};
    struct arena arena = {0};
    struct array words = array_of(sizeof(char *), (size_t)argc + 1);
    struct assay_error error = {0};
    int result = CLI_FAILED;

    option_defaults(inspect_options, &run.config);
    assay_status status = cli_parse(argc, argv, &target, 1, &arena, &words, &error);
    if (!status && words.count == 0)
        status = error_set(&error, ASSAY_ERROR_ARGUMENT, "no picture named; 'assay help inspect' says how");
    if (status) {
        result = cli_failure(&error, true);
        goto done;
    }
    if (prepare(&run, &words, &error))
        result = cli_failure(&error, false);
    else
        result = show_all(&run) ? CLI_OK : CLI_FAILED;

done:
    crew_free(run.crew);
    cose_trust_free(run.trust);
    inputs_free(&run.inputs);
    array_free(&words);
    arena_free(&arena);
    return result;
}

const struct command command_inspect = {
    "inspect",
    "show what pictures' files say of themselves",
    "[OPTION]... FILE|DIR|-...",
    "Prints the finding (declared generated, edited or captured, a camera's metadata, or none; what it rests on, and\n"
    "whether that is signed), then everything found: C2PA, XMP, IPTC, EXIF, ICC, the settings that generators leave, "
    "and\n"
    "the blocks of the file. No pixels are judged. Metadata can be stripped or forged: see docs/provenance.md.\n\n"
    "Signatures are checked without a network. Whom to trust, only you can say: --trust names a file of "
    "certificates.\n\n"
    "Exit status: 0 all were shown, 1 something could not be read, 2 the command line was wrong.\n",
    inspect_groups,
    NULL,
    inspect_run,
};
