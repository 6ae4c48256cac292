/* cmd_model_adapter.c - `assay model adapter`: what LoRA training added, alone. */
#include "cli/cli.h"
#include "detector/adapter.h"

struct adapter_command {
    int names;
};

static const struct option adapter_options[] = {
    {"names", OPTION_CHOICE, offsetof(struct adapter_command, names), "assay", 0, 0, "assay|hugging-face",
     "whose names the layers bear: ours, or those of Hugging Face's CLIP or DINOv2"},
    {0}};
static const struct cli_group groups[] = {{"Options", adapter_options}, {0}};

static int adapter_run(int argc, char **argv)
{
    struct adapter_command command;
    struct arena arena = {0};
    struct array words = array_of(sizeof(char *), (size_t)argc + 1);
    struct assay_error error = {0};
    struct model model = {0};
    const struct cli_target target = {adapter_options, &command};
    bool usage = true;
    option_defaults(adapter_options, &command);
    assay_status status = cli_parse(argc, argv, &target, 1, &arena, &words, &error);
    const char *const *files = words.data;
    if (!status && words.count != 2)
        status =
            error_set(&error, ASSAY_ERROR_ARGUMENT, "two files are needed: the model to read and the adapter to write");
    if (!status) {
        usage = false;
        status = model_load(files[0], &model, &error);
    }
    if (!status)
        status = model_save_adapter(&model, command.names == 1, files[1], &error);
    int result = status ? cli_failure(&error, usage) : cli_flush() ? CLI_OK : CLI_FAILED;
    model_free(&model);
    array_free(&words);
    arena_free(&arena);
    return result;
}

const struct command command_model_adapter = {
    "model adapter",
    "write what LoRA added to a model, alone",
    "[OPTION]... IN OUT",
    "A file of a few megabytes by peft's names: the pairs and the head, with the model's settings and calibration, and "
    "the\n"
    "SHA-256 of the checkpoint that its training began with. 'assay model attach' makes a model of it again.\n",
    groups,
    NULL,
    adapter_run,
};
