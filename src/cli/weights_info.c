/* weights_info.c - prints a file of weights as it is. */
#include "cli/weights_info.h"

#include <inttypes.h>
#include <string.h>

#include "backbone/naming.h"
#include "cli/cli.h"

void tensor_print(FILE *stream, const struct file_tensor *tensor)
{
    fprintf(stream, "  %-4s [", tensor_file_dtype_name(tensor->dtype));
    for (int d = 0; d < tensor->rank; d++)
        fprintf(stream, "%s%" PRId64, d ? ", " : "", tensor->dim[d]);
    fputs("]  ", stream);
    cli_print_text(stream, tensor->name);
}

json_t *tensor_to_json(const struct file_tensor *tensor, uint64_t nonfinite)
{
    json_t *shape = json_array();
    for (int d = 0; d < tensor->rank; d++)
        json_array_append_new(shape, json_integer(tensor->dim[d]));
    json_t *object = json_pack("{s:s, s:o}", "dtype", tensor_file_dtype_name(tensor->dtype), "shape", shape);
    if (nonfinite)
        json_object_set_new(object, "nonfinite", json_integer((json_int_t)nonfinite));
    return object;
}

static uint64_t parameters(const struct weights_file *file)
{
    uint64_t total = 0;
    for (size_t i = 0; i < file->tensors.count; i++) {
        const struct file_tensor *tensor = file->tensors.entries[i].value;
        total += file_tensor_is_float(tensor) ? tensor->count : 0;
    }
    return total;
}

static assay_status print_json(const struct weights_file *file, const char *path, struct assay_error *error)
{
    json_t *info = json_object(), *tensors = json_object(), *name = json_string(path);
    json_object_set_new(info, "file", name ? name : json_string("(a name that is not UTF-8)"));
    json_object_set_new(info, "kind", json_string(file->kind));
    json_object_set_new(info, "looks_like", json_string(naming_recognise(file).text));
    json_object_set_new(info, "nested", file->nested[0] ? json_string(file->nested) : json_null());
    json_object_set_new(info, "parameters", json_integer((json_int_t)parameters(file)));
    json_object_set_new(info, "bytes", json_integer((json_int_t)file->bytes));
    for (size_t i = 0; i < file->tensors.count; i++) {
        const struct file_tensor *tensor = file->tensors.entries[i].value;
        json_object_set_new(tensors, tensor->name, tensor_to_json(tensor, file_tensor_nonfinite(tensor, NULL)));
    }
    json_object_set_new(info, "tensors", tensors);
    if (!info)
        return error_memory(error, path);
    json_dumpf(info, stdout, JSON_INDENT(2));
    fputc('\n', stdout);
    json_decref(info);
    return ASSAY_OK;
}

static void print_line(const char *key, const char *value)
{
    printf("%-24s", key);
    cli_print_text(stdout, value);
    fputc('\n', stdout);
}

assay_status weights_info_print(const struct weights_file *file, const char *path, bool json, struct assay_error *error)
{
    if (json)
        return print_json(file, path, error);
    print_line("file", path);
    print_line("kind", file->kind);
    print_line("looks like", naming_recognise(file).text);
    if (file->nested[0])
        print_line("tensors under", file->nested);
    printf("%-24s%" PRIu64 "\n%-24s%" PRIu64 "\ntensors\n", "parameters", parameters(file), "bytes", file->bytes);
    size_t broken = 0;
    for (size_t i = 0; i < file->tensors.count; i++) {
        const struct file_tensor *tensor = file->tensors.entries[i].value;
        uint64_t nonfinite = file_tensor_nonfinite(tensor, NULL);
        tensor_print(stdout, tensor);
        if (nonfinite)
            printf("  (%" PRIu64 " NaN or infinite)", nonfinite);
        fputc('\n', stdout);
        broken += nonfinite > 0;
    }
    if (broken)
        printf("%zu of %zu tensors hold values that are NaN or infinite\n", broken, file->tensors.count);
    return ASSAY_OK;
}
