/* cmd_model_attach.c - `assay model attach`: an adapter on its backbone, as a model. */
#include "cli/cli.h"
#include "cli/find_detector.h"
#include "detector/adapter.h"

struct attach_command {
    const char *detector, *out;
};

#define AT(field) offsetof(struct attach_command, field)

static const struct option attach_options[] = {
    {"detector", OPTION_TEXT, AT(detector), NULL, 0, 0, NULL,
     "of an adapter that peft wrote, which does not say; the detector's settings are options then"},
    {"out", OPTION_TEXT, AT(out), NULL, 0, 0, NULL, "the model file to write"},
    {0}};
static const struct cli_group groups[] = {{"Options", attach_options}, {0}};

static int attach_run(int argc, char **argv)
{
    struct attach_command command;
    struct arena arena = {0};
    struct array words = array_of(sizeof(char *), (size_t)argc + 1);
    struct assay_error error = {0};
    struct model model = {0};
    _Alignas(16) char config[DETECTOR_MAX_CONFIG];
    const char *name = cli_peek(argc, argv, "detector");
    const struct detector *detector = NULL;
    bool usage = true;
    option_defaults(attach_options, &command);
    assay_status status = name ? cli_find_detector(name, &detector, &error) : ASSAY_OK;
    if (!status) {
        const struct cli_target targets[] = {{attach_options, &command}, {detector ? detector->fields : NULL, config}};
        if (detector)
            option_defaults(detector->fields, config);
        status = cli_parse(argc, argv, targets, detector ? 2 : 1, &arena, &words, &error);
    }
    const char *const *files = words.data;
    if (!status && (words.count < 2 || !command.out || !command.out[0]))
        status = error_set(&error, ASSAY_ERROR_ARGUMENT,
                           "name the model file to write (--out MODEL), the adapter and its backbone");
    if (!status) {
        usage = false;
        status = model_attach(files[0], detector, config, files + 1, words.count - 1, &model, &error);
    }
    if (!status)
        status = model_save(&model, command.out, &error);
    int result = status ? cli_failure(&error, usage) : cli_flush() ? CLI_OK : CLI_FAILED;
    model_free(&model);
    array_free(&words);
    arena_free(&arena);
    return result;
}

const struct command command_model_attach = {
    "model attach",
    "put an adapter onto its backbone",
    "--out MODEL [OPTION]... ADAPTER BACKBONE [FILE]...",
    "BACKBONE is the checkpoint that the adapter's training began with, whose SHA-256 it names: another is refused. "
    "More\n"
    "files, such as a published head, may follow. Of an adapter that peft wrote, its detector must be named, and\n"
    "lora-rank, lora-alpha and lora-targets must be given as they are in its adapter_config.json.\n",
    groups,
    cli_tell_detectors,
    attach_run,
};
