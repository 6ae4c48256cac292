/* cmd_inspect.c - `assay inspect`: everything that pictures' files say of themselves, as a tree or as JSON. No model is
 * opened and no pixel judged. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_text.h"
#include "base/memory.h"
#include "base/option_rows.h"
#include "cli/cli.h"
#include "cli/inputs.h"
#include "provenance/cose.h"
#include "provenance/provenance.h"

enum { MAX_PRINTED = 256 << 20, JSON_DIGITS = 9 };

struct inspect_config {
    bool json;
    const char *trust;
    int64_t max_bytes;
};

static const struct option inspect_options[] = {
    OPTION_ROW_JSON_LINES(offsetof(struct inspect_config, json)),
    {"trust", OPTION_TEXT, offsetof(struct inspect_config, trust), NULL, 0, 0, NULL,
     "file of certificates (PEM) that C2PA signers must lead to; without, trust is not asked"},
    {"max-bytes", OPTION_INT, offsetof(struct inspect_config, max_bytes), "1073741824", 1, 1099511627776.0, NULL,
     "refuse files of more bytes than this"},
    {0}};

static const struct cli_group inspect_groups[] = {{"Options", inspect_options}, {0}};

/* ---- One file ---------------------------------------------------------------------------------------------------- */

static assay_status read_one(const struct input *input, const struct inspect_config *config,
                             const struct cose_trust *trust, struct provenance *out, struct assay_error *error)
{
    const struct provenance_options options = {.trust = trust};
    uint8_t *bytes = NULL;
    size_t size = 0;
    const char *other;
    assay_status status = input->problem ? error_set(error, ASSAY_ERROR_IO, "%s", input->problem)
                                         : file_read(input->path, (uint64_t)config->max_bytes, &bytes, &size, error);
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

static bool print_tree(const char *path, const struct provenance *p)
{
    struct array text = array_of(1, MAX_PRINTED);
    const struct finding *f = &p->finding;
    cli_print_text(stdout, path);
    printf("\n  %s%s%s\n  ", finding_kind_text(f->kind), f->kind == FINDING_NONE ? "" : ", ",
           f->kind == FINDING_NONE ? "" : finding_strength_text(f->strength));
    cli_print_text(stdout, f->sentence);
    fputc('\n', stdout);
    bool fits = fact_print(p->facts.root, 2, &text) && (!p->facts.full || array_printf(&text, "  (and more)\n"));
    if (fits && text.count)
        fwrite(text.data, 1, text.count, stdout);
    array_free(&text);
    return fits;
}

/* Takes the object's reference. */
static bool print_line(json_t *object)
{
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(JSON_DIGITS)) : NULL;
    if (text)
        puts(text);
    bool printed = text != NULL;
    free(text);
    json_decref(object);
    return printed;
}

static bool print_json(const char *path, const struct provenance *p, const char *problem)
{
    json_t *object = json_object(), *said = p ? provenance_json(p) : json_object();
    bool fits = object && said && json_set_text(object, "file", path) && json_object_update_missing(object, said) == 0;
    if (fits && problem)
        fits = json_object_set_new(object, "error", json_lossy_text(problem)) == 0;
    if (fits && p && p->facts.full)
        fits = json_object_set_new(object, "incomplete", json_true()) == 0;
    json_decref(said);
    if (fits)
        return print_line(object);
    json_decref(object);
    return false;
}

/* ---- All of them ------------------------------------------------------------------------------------------------- */

/* False: something could not be read or shown. *writing: standard output takes more. */
static bool inspect_one(const struct input *input, const struct inspect_config *config, const struct cose_trust *trust,
                        bool first, bool *writing)
{
    struct provenance p = {0};
    struct assay_error error = {0};
    bool shown;
    if (read_one(input, config, trust, &p, &error)) {
        cli_complain("%s", error.message);
        if (config->json && !print_json(input->path, NULL, error.message))
            cli_complain("out of memory for a line of the output: it is missing");
        *writing = cli_flush();
        return false;
    }
    if (config->json) {
        shown = print_json(input->path, &p, NULL);
    } else {
        if (!first)
            fputc('\n', stdout);
        shown = print_tree(input->path, &p);
    }
    provenance_free(&p);
    if (!shown)
        cli_complain("%s: out of memory to show it", input->path);
    *writing = cli_flush();
    return shown;
}

static int inspect_run(int argc, char **argv)
{
    struct inspect_config config = {0};
    const struct cli_target target = {inspect_options, &config};
    struct inputs inputs = {0};
    struct arena arena = {0};
    struct array words = array_of(sizeof(char *), (size_t)argc + 1);
    struct cose_trust *trust = NULL;
    struct assay_error error = {0};
    int result = CLI_FAILED;

    option_defaults(inspect_options, &config);
    assay_status status = cli_parse(argc, argv, &target, 1, &arena, &words, &error);
    if (!status && words.count == 0)
        status = error_set(&error, ASSAY_ERROR_ARGUMENT, "no picture named; 'assay help inspect' says how");
    if (status) {
        result = cli_failure(&error, true);
        goto done;
    }
    if (cose_trust_read(config.trust, &trust, &error) || inputs_collect(&inputs, words.data, words.count, &error)) {
        result = cli_failure(&error, false);
        goto done;
    }
    bool well = true, writing = true;
    const struct input *list = inputs.list.data;
    for (size_t i = 0; i < inputs.list.count && writing; i++)
        well = inspect_one(&list[i], &config, trust, i == 0, &writing) && well;
    result = well && writing ? CLI_OK : CLI_FAILED;

done:
    cose_trust_free(trust);
    inputs_free(&inputs);
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
