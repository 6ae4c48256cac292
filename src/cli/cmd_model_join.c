/* cmd_model_join.c - `assay model join`: several models as one that judges by all of them. */
#include <string.h>

#include "base/memory.h"
#include "cli/cli.h"
#include "detector/model_join.h"

struct join_command {
    const char *out, *weights;
};

static const struct option join_options[] = {
    {"out", OPTION_TEXT, offsetof(struct join_command, out), NULL, 0, 0, NULL, "the model file to write"},
    {"weights", OPTION_TEXT, offsetof(struct join_command, weights), NULL, 0, 0, NULL,
     "how much each model counts, in their order: 1,1,2; default: all alike"},
    {0},
};
static const struct option one_weight[] = {{"weights", OPTION_FLOAT, 0, "1", 1e-6, 1e6, NULL, ""}, {0}};
static const struct cli_group groups[] = {{"Options", join_options}, {0}};

/* Numbers with commas between them, one for each model, into the arena. NULL stays NULL: all alike. */
static assay_status read_weights(const char *text, size_t count, struct arena *arena, double **out,
                                 struct assay_error *error)
{
    char *copy;
    size_t said = 1;
    *out = NULL;
    if (!text)
        return ASSAY_OK;
    for (const char *at = text; *at; at++)
        said += *at == ',';
    if (said != count)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "option weights: %zu numbers for %zu models", said, count);
    *out = arena_alloc(arena, count, sizeof **out);
    copy = arena_strdup(arena, text);
    if (!*out || !copy)
        return error_memory(error, "option weights");
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < count && !status; i++) {
        char *end = copy + strcspn(copy, ",");
        bool last = *end == '\0';
        *end = '\0';
        status = option_set(one_weight, &(*out)[i], "weights", copy, arena, error);
        copy = last ? end : end + 1;
    }
    return status;
}

/* Loads the files, joins them, and saves the outcome. */
static assay_status join(const char *const *files, size_t count, const double *weights, const char *out,
                         struct assay_error *error)
{
    struct model *members = mem_alloc(count, sizeof *members), joined = {0};
    const struct model **list = mem_alloc(count, sizeof *list);
    assay_status status = members && list ? ASSAY_OK : error_memory(error, "an ensemble");
    for (size_t i = 0; i < count && !status; i++) {
        list[i] = &members[i];
        status = model_load(files[i], &members[i], error);
    }
    if (!status)
        status = model_join(list, (int)count, weights, &joined, error);
    if (!status)
        status = model_save(&joined, out, error);
    model_free(&joined);
    for (size_t i = 0; members && i < count; i++)
        model_free(&members[i]);
    mem_free(list);
    mem_free(members);
    return status;
}

static int join_run(int argc, char **argv)
{
    struct join_command command;
    const struct cli_target target = {join_options, &command};
    struct arena arena = {0};
    struct array words = array_of(sizeof(char *), (size_t)argc + 1);
    struct assay_error error = {0};
    bool usage = true;
    option_defaults(join_options, &command);
    assay_status status = cli_parse(argc, argv, &target, 1, &arena, &words, &error);
    if (!status && (!words.count || !command.out || !command.out[0]))
        status = error_set(&error, ASSAY_ERROR_ARGUMENT,
                           "name the model file to write (--out MODEL) and the models to join");
    double *weights = NULL;
    if (!status)
        status = read_weights(command.weights, words.count, &arena, &weights, &error);
    if (!status) {
        usage = false;
        status = join(words.data, words.count, weights, command.out, &error);
    }
    int result = status ? cli_failure(&error, usage) : cli_flush() ? CLI_OK : CLI_FAILED;
    array_free(&words);
    arena_free(&arena);
    return result;
}

const struct command command_model_join = {
    "model join",
    "make several models one that judges by all of them",
    "--out OUT [--weights W,W...] MODEL...",
    "Writes a model of the detector ensemble: its logit is the mean of the members' calibrated logits, weighted where\n"
    "--weights is given. All members must want their pictures prepared alike. The crops are those of the member with\n"
    "the largest; one with smaller crops judges parts of them side by side, and its logit is the mean over the parts.\n"
    "The new model is not calibrated: use 'assay model calibrate' on it.\n",
    groups,
    NULL,
    join_run,
};
