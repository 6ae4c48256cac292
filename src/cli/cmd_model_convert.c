/* cmd_model_convert.c - `assay model convert`: any file of weights as one safetensors file. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/cli.h"
#include "format/weights_file.h"

/* Every floating tensor as f32; where it is f32 already, it stays where it lies. */
static assay_status collect(const struct weights_file *file, const char *path, struct arena *arena,
                            struct safetensors_item *items, size_t *count, struct assay_error *error)
{
    *count = 0;
    for (size_t i = 0; i < file->tensors.count; i++) {
        const struct file_tensor *tensor = file->tensors.entries[i].value;
        const float *data = tensor->data;
        if (!file_tensor_is_float(tensor))
            continue;
        if (tensor->dtype != TENSOR_FILE_F32) {
            float *values = arena_alloc(arena, tensor->count ? tensor->count : 1, sizeof *values);
            if (!values)
                return error_memory(error, path);
            file_tensor_read_f32(tensor, values);
            data = values;
        }
        items[(*count)++] = (struct safetensors_item){tensor->name, tensor->rank, tensor->dim, data};
    }
    return ASSAY_OK;
}

/* What was left out, and what should make one wonder: on standard error, a line a tensor. */
static void report(const struct weights_file *file)
{
    for (size_t i = 0; i < file->tensors.count; i++) {
        const struct file_tensor *tensor = file->tensors.entries[i].value;
        uint64_t first, nonfinite = file_tensor_nonfinite(tensor, &first);
        if (!file_tensor_is_float(tensor))
            cli_complain("left out: \"%s\", which holds %s", tensor->name, tensor_file_dtype_name(tensor->dtype));
        else if (nonfinite)
            cli_complain("warning: \"%s\" holds %" PRIu64 " values that are NaN or infinite, the first at %" PRIu64,
                         tensor->name, nonfinite, first);
    }
}

static assay_status convert(const char *from, const char *to, struct assay_error *error)
{
    struct weights_file file = {0};
    struct arena arena = {0};
    struct safetensors_item *items = NULL;
    size_t count = 0;
    assay_status status = weights_file_open(from, &file, error);
    if (status)
        return status;
    items = mem_alloc(file.tensors.count + 1, sizeof *items);
    status = items ? collect(&file, from, &arena, items, &count, error) : error_memory(error, from);
    if (!status && count == 0)
        status = error_set(error, ASSAY_ERROR_FORMAT, "%s: no tensor of it holds floating-point numbers", from);
    if (!status)
        status = safetensors_write(to, items, count, NULL, error);
    if (!status) {
        report(&file);
        cli_print_text(stdout, to);
        printf(": %zu of %zu tensors, from %s\n", count, file.tensors.count, file.kind);
    }
    mem_free(items);
    arena_free(&arena);
    weights_file_close(&file);
    return status;
}

static int convert_run(int argc, char **argv)
{
    struct arena arena = {0};
    struct array words = array_of(sizeof(char *), (size_t)argc + 1);
    struct assay_error error = {0};
    bool usage = true;
    assay_status status = cli_parse(argc, argv, NULL, 0, &arena, &words, &error);
    if (!status && words.count != 2)
        status = error_set(&error, ASSAY_ERROR_ARGUMENT, "two files are needed: the one to read and the one to write");
    if (!status) {
        usage = false;
        status = convert(((const char **)words.data)[0], ((const char **)words.data)[1], &error);
    }
    int result = status ? cli_failure(&error, usage) : cli_flush() ? CLI_OK : CLI_FAILED;
    array_free(&words);
    arena_free(&arena);
    return result;
}

const struct command command_model_convert = {
    "model convert",
    "write any file of weights as safetensors",
    "IN OUT",
    "Reads safetensors (also in several files, by their index) and what PyTorch saves, and writes one safetensors "
    "file\n"
    "of 32-bit floats. Integer buffers are left out and named; so are values that are NaN or infinite.\n",
    NULL,
    NULL,
    convert_run,
};
