/* cmd_explain.c - `assay explain`: one picture, and beside it where it speaks for the verdict. */
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/option_rows.h"
#include "cli/cli.h"
#include "cli/explain.h"
#include "cli/find_model.h"

struct explain_config {
    const char *model, *out;
    int side, method;
    bool force;
    int64_t threads, max_pixels, max_bytes;
};

/* The choices are in the order of their enumerations. */
static const struct option explain_options[] = {
    {"model", OPTION_TEXT, offsetof(struct explain_config, model), NULL, 0, 0, NULL, "model file to judge with"},
    {"out", OPTION_TEXT, offsetof(struct explain_config, out), NULL, 0, 0, NULL,
     "PNG file to write, '-': standard output; without it FILE.explain.png"},
    {"force", OPTION_BOOL, offsetof(struct explain_config, force), "false", 0, 0, NULL,
     "overwrite a file that is there already"},
    {"side", OPTION_CHOICE, offsetof(struct explain_config, side), "leaning", 0, 0, "leaning|generated|real",
     "what the map shows evidence for; leaning: what the probability leans to"},
    {"method", OPTION_CHOICE, offsetof(struct explain_config, method), "auto", 0, 0, "auto|cam|rollout|grad-cam",
     "how the map is made; auto: the best that the detector has"},
    OPTION_ROW_THREADS(offsetof(struct explain_config, threads), "threads that compute"),
    {"max-pixels", OPTION_INT, offsetof(struct explain_config, max_pixels), "100000000", 1, 4294836225.0, NULL,
     "refuse pictures of more pixels than this"},
    {"max-bytes", OPTION_INT, offsetof(struct explain_config, max_bytes), "1073741824", 1, 1099511627776.0, NULL,
     "refuse files of more bytes than this"},
    {0}};

static const struct cli_group explain_groups[] = {{"Options", explain_options}, {0}};

_Static_assert(ACTIVATION_AUTO == 0 && ACTIVATION_CAM == 1 && ACTIVATION_ROLLOUT == 2 && ACTIVATION_GRAD_CAM == 3 &&
                   ACTIVATION_LEANING == 0 && ACTIVATION_GENERATED == 1 && ACTIVATION_REAL == 2,
               "choices are indices");

/* What one run of the command holds. */
struct explain {
    struct explain_config config;
    const char *file, *out; /* out: a path, or "-" */
    struct model model;
    struct model_scorer *scorer;
    struct image picture;
    struct activation activation;
};

static assay_status read_arguments(struct explain *e, int argc, char **argv, struct arena *arena, struct array *words,
                                   struct assay_error *error)
{
    const struct cli_target target = {explain_options, &e->config};
    option_defaults(explain_options, &e->config);
    assay_status status = cli_parse(argc, argv, &target, 1, arena, words, error);
    if (status)
        return status;
    if (words->count != 1)
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "explain takes one picture, not %zu; 'assay help explain' says how", words->count);
    e->file = ((const char **)words->data)[0];
    e->out = e->config.out;
    if (!e->out && strcmp(e->file, "-") == 0)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "a picture from standard input has no name: --out says where to");
    if (!e->out) {
        size_t size = strlen(e->file) + sizeof ".explain.png";
        char *path = arena_alloc(arena, size, 1);
        if (!path)
            return error_memory(error, "a file's name");
        snprintf(path, size, "%s.explain.png", e->file);
        e->out = path;
    }
    return ASSAY_OK;
}

/* Everything up to the map itself. */
static assay_status look(struct explain *e, struct arena *arena, struct assay_error *error)
{
    const struct assay_limits limits = {(uint64_t)e->config.max_pixels, (uint64_t)e->config.max_bytes};
    const struct activation_options options = {(enum activation_method)e->config.method,
                                               (enum activation_side)e->config.side};
    const char *path;
    cli_use_threads(e->config.threads);
    /* before all the work; it is looked at again when the file is written */
    if (!e->config.force && strcmp(e->out, "-") != 0 && file_exists(e->out))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: is there already; --force overwrites it", e->out);
    assay_status status = image_decode_file(e->file, &limits, &e->picture, error);
    if (!status)
        status = cli_find_model(e->config.model, arena, &path, error);
    if (!status)
        status = model_load(path, &e->model, error);
    if (!status)
        status = model_scorer_create(&e->model, false, &e->scorer, error);
    if (!status)
        status = model_activation(e->scorer, &e->picture, &options, &e->activation, error);
    return status;
}

static assay_status write_map(const struct explain *e, struct assay_error *error)
{
    uint8_t *bytes = NULL;
    size_t size;
    assay_status status = explain_png(&e->picture, &e->activation, &bytes, &size, error);
    if (status)
        return status;
    if (strcmp(e->out, "-") == 0)
        fwrite(bytes, 1, size, stdout); /* cli_flush tells what was lost */
    else if (e->config.force)
        status = file_write(e->out, bytes, size, error);
    else
        status = explain_write_new(e->out, bytes, size, error);
    mem_free(bytes);
    return status;
}

/* The verdict, and how to read the map: on standard error where standard output has the picture. */
static void tell(const struct explain *e)
{
    const struct activation *a = &e->activation;
    FILE *stream = strcmp(e->out, "-") == 0 ? stderr : stdout;
    struct model_verdict told;
    model_judge(&e->model, &e->picture, a->logit, NULL, &told);
    cli_print_text(stream, e->file);
    fprintf(stream, ": %s, probability %.3f that it was generated%s%s\n", assay_verdict_text(told.verdict),
            told.probability, told.reasons.limit ? ": " : "",
            told.reasons.limit ? verdict_limit_text(told.reasons.limit) : "");
    cli_print_text(stream, e->out);
    if (a->method == ACTIVATION_ROLLOUT)
        fprintf(stream, ": attention roll-out, dark %.3g to light %.3g times the even share", a->low, a->high);
    else if (a->high > 0)
        fprintf(stream, ": evidence for \"%s\" by %s, dark 0 to light %.3g logits", a->generated ? "generated" : "real",
                activation_method_name(a->method), a->high);
    else
        fprintf(stream, ": no place speaks for \"%s\" by %s", a->generated ? "generated" : "real",
                activation_method_name(a->method));
    fprintf(stream, "; %.0f %% of the picture seen in %d %s\n", 100 * a->seen, a->crops,
            a->crops == 1 ? "crop" : "crops");
}

static int explain_run(int argc, char **argv)
{
    struct explain e = {0};
    struct arena arena = {0};
    struct array words = array_of(sizeof(char *), (size_t)argc + 1);
    struct assay_error error = {0};
    int result = CLI_FAILED;
    if (read_arguments(&e, argc, argv, &arena, &words, &error)) {
        result = cli_failure(&error, true);
        goto done;
    }
    if (look(&e, &arena, &error) || write_map(&e, &error)) {
        result = cli_failure(&error, false);
        goto done;
    }
    tell(&e);
    result = cli_flush() ? CLI_OK : CLI_FAILED;
done:
    activation_free(&e.activation);
    image_free(&e.picture);
    model_scorer_free(e.scorer);
    model_free(&e.model);
    array_free(&words);
    arena_free(&arena);
    return result;
}

const struct command command_explain = {
    "explain",
    "show where a picture speaks for its verdict",
    "[OPTION]... FILE|-",
    "Writes a PNG: the picture, and beside it in grey with colours over it: from dark violet where nothing speaks for "
    "the\n"
    "side that the model leans to (or --side) to pale yellow where most does; hatched where the model has not looked.\n"
    "The name is FILE.explain.png unless --out gives another; a file that is there is kept unless --force is given.\n\n"
    "Such a map says what moved the model, not what is wrong with the picture: it is no mask of what was altered. See\n"
    "docs/evaluation.md.\n\n"
    "Exit status: 0 the map was written, 1 it was not, 2 the command line was wrong.\n",
    explain_groups,
    NULL,
    explain_run,
};
