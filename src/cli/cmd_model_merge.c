/* cmd_model_merge.c - `assay model merge`: a model with LoRA pairs as a plain one. */
#include "cli/cli.h"
#include "detector/adapter.h"

static int merge_run(int argc, char **argv)
{
    struct arena arena = {0};
    struct array words = array_of(sizeof(char *), (size_t)argc + 1);
    struct assay_error error = {0};
    struct model model = {0};
    bool usage = true;
    assay_status status = cli_parse(argc, argv, NULL, 0, &arena, &words, &error);
    const char *const *files = words.data;
    if (!status && words.count != 2)
        status =
            error_set(&error, ASSAY_ERROR_ARGUMENT, "two files are needed: the model to read and the one to write");
    if (!status) {
        usage = false;
        status = model_load(files[0], &model, &error);
    }
    if (!status)
        status = model_save_merged(&model, files[1], &error);
    int result = status ? cli_failure(&error, usage) : cli_flush() ? CLI_OK : CLI_FAILED;
    model_free(&model);
    array_free(&words);
    arena_free(&arena);
    return result;
}

const struct command command_model_merge = {
    "model merge",
    "multiply a model's LoRA pairs into its weights",
    "IN OUT",
    "Writes a model of the same detector without pairs, W + (alpha / rank) B A in place of W, which judges the same "
    "and\n"
    "as fast as one that was never adapted.\n",
    NULL,
    NULL,
    merge_run,
};
