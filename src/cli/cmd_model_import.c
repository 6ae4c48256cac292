/* cmd_model_import.c - `assay model import`: a detector's published files as a model file. */
#include "cli/cli.h"
#include "cli/find_detector.h"
#include "detector/published.h"

struct import_command {
    const char *detector, *out;
};

#define AT(field) offsetof(struct import_command, field)

static const struct option import_options[] = {{"detector", OPTION_TEXT, AT(detector), NULL, 0, 0, NULL,
                                                "which detector the files are for"},
                                               {"out", OPTION_TEXT, AT(out), NULL, 0, 0, NULL,
                                                "the model file to write"},
                                               {0}};
static const struct cli_group groups[] = {{"Options", import_options}, {0}};

/* A model with random weights, the files' in their place, each noted; then saved. */
static assay_status import_files(const struct detector *detector, const void *config, const char *const *files,
                                 size_t count, const char *out, struct assay_error *error)
{
    struct model model = {0};
    json_t *list = json_array();
    assay_status status = list ? model_create(detector, config, 1, &model, error) : error_memory(error, out);
    for (size_t i = 0; i < count && !status; i++) {
        const char *kind;
        json_t *from = NULL;
        status = model_load_published(&model, files[i], &kind, error);
        if (!status)
            status = model_describe_published(files[i], kind, &from, error);
        if (!status && json_array_append_new(list, from) != 0)
            status = error_memory(error, files[i]);
    }
    if (!status && !(model.training = json_pack("{s:O}", "imported", list)))
        status = error_memory(error, out);
    if (!status)
        status = model_save(&model, out, error);
    for (size_t i = 0; i < json_array_size(list) && !status; i++) {
        cli_print_text(stdout, files[i]);
        printf(": %s, SHA-256 %s\n", json_string_value(json_object_get(json_array_get(list, i), "kind")),
               json_string_value(json_object_get(json_array_get(list, i), "sha256")));
    }
    json_decref(list);
    model_free(&model);
    return status;
}

static int import_run(int argc, char **argv)
{
    struct import_command command;
    struct arena arena = {0};
    struct array words = array_of(sizeof(char *), (size_t)argc + 1);
    struct assay_error error = {0};
    _Alignas(16) char config[DETECTOR_MAX_CONFIG];
    const char *name = cli_peek(argc, argv, "detector");
    const struct detector *detector;
    bool usage = true;
    option_defaults(import_options, &command);
    assay_status status = name ? cli_find_detector(name, &detector, &error)
                               : error_set(&error, ASSAY_ERROR_ARGUMENT, "name the detector, with --detector");
    if (!status) {
        const struct cli_target targets[] = {{import_options, &command}, {detector->fields, config}};
        option_defaults(detector->fields, config);
        status = cli_parse(argc, argv, targets, 2, &arena, &words, &error);
    }
    if (!status && (!words.count || !command.out || !command.out[0]))
        status =
            error_set(&error, ASSAY_ERROR_ARGUMENT, "name the model file to write (--out MODEL) and the files to read");
    if (!status) {
        usage = false;
        status = import_files(detector, config, words.data, words.count, command.out, &error);
    }
    int result = status ? cli_failure(&error, usage) : cli_flush() ? CLI_OK : CLI_FAILED;
    array_free(&words);
    arena_free(&arena);
    return result;
}

const struct command command_model_import = {
    "model import",
    "write a detector's published files as a model",
    "--detector NAME --out MODEL [OPTION]... FILE...",
    "Reads checkpoints as their authors publish them (assay pull fetches some): of the detector, of its backbone by\n"
    "whatever names, of its head alone; or a model of the same detector. What no file holds is random: give all "
    "parts.\n"
    "Settings of the detector are options too; 'assay help train' lists them. Such a model is not calibrated: its\n"
    "probabilities are a plain sigmoid, and it gives no verdicts.\n"
    "\n"
    "    assay model import --detector univfd --out univfd.safetensors ViT-L-14.pt fc_weights.pth\n",
    groups,
    cli_tell_detectors,
    import_run,
};
