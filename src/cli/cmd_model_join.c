/* cmd_model_join.c - `assay model join`: several models as one that judges by all of them. */
#include "base/memory.h"
#include "cli/cli.h"
#include "detector/model_join.h"

struct join_command {
    const char *out;
};

static const struct option join_options[] = {{"out", OPTION_TEXT, offsetof(struct join_command, out), NULL, 0, 0, NULL,
                                              "the model file to write"},
                                             {0}};
static const struct cli_group groups[] = {{"Options", join_options}, {0}};

/* Loads the files, joins them, and saves the outcome. */
static assay_status join(const char *const *files, size_t count, const char *out, struct assay_error *error)
{
    struct model *members = mem_alloc(count, sizeof *members), joined = {0};
    const struct model **list = mem_alloc(count, sizeof *list);
    assay_status status = members && list ? ASSAY_OK : error_memory(error, "an ensemble");
    for (size_t i = 0; i < count && !status; i++) {
        list[i] = &members[i];
        status = model_load(files[i], &members[i], error);
    }
    if (!status)
        status = model_join(list, (int)count, &joined, error);
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
    if (!status) {
        usage = false;
        status = join(words.data, words.count, command.out, &error);
    }
    int result = status ? cli_failure(&error, usage) : cli_flush() ? CLI_OK : CLI_FAILED;
    array_free(&words);
    arena_free(&arena);
    return result;
}

const struct command command_model_join = {
    "model join",
    "make several models one that judges by all of them",
    "--out OUT MODEL...",
    "Writes a model of the detector ensemble: its logit is the mean of the members' calibrated logits. All members "
    "must\n"
    "want their pictures prepared alike. The crops are those of the member with the largest; one with smaller crops\n"
    "judges parts of them side by side, and its logit is the mean over the parts. The new model is not calibrated: "
    "use\n"
    "'assay model calibrate' on it.\n",
    groups,
    NULL,
    join_run,
};
