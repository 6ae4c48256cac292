/* cmd_model_info.c - `assay model info`: what a model file says about itself, and its tensors. */
#include <stdlib.h>
#include <string.h>

#include "base/option_rows.h"
#include "cli/weights_info.h"
#include "cli/cli.h"
#include "cli/find_model.h"
#include "detector/model.h"

struct info_config {
    bool json;
};

static const struct option info_options[] = {OPTION_ROW_JSON_OBJECT(offsetof(struct info_config, json)), {0}};

static const struct cli_group info_groups[] = {{"Options", info_options}, {0}};

static json_t *tensors_to_json(const struct safetensors *file)
{
    json_t *all = json_object();
    for (size_t i = 0; i < file->tensors.count; i++)
        json_object_set_new(all, file->tensors.entries[i].key, tensor_to_json(file->tensors.entries[i].value, 0));
    return all;
}

/* Everything there is to say, as one object: the text form is printed from it too. NULL: no memory. */
static json_t *info_to_json(const struct model *model, const char *path)
{
    const struct detector *detector = model->detector;
    json_t *info = json_object();
    json_t *file = json_string(path);
    json_object_set_new(info, "file", file ? file : json_string("(a name that is not UTF-8)"));
    json_object_set_new(info, "detector", json_string(detector->name));
    json_object_set_new(info, "title", json_string(detector->title));
    json_object_set_new(info, "paper", json_string(detector->paper));
    json_object_set_new(info, "parameters", json_integer((json_int_t)store_param_count(model->store)));
    json_object_set_new(info, "bytes", json_integer((json_int_t)model->file.map.size));
    json_object_set_new(info, "config", option_to_json(detector->fields, model->config));
    json_object_set_new(info, "preprocess", preprocess_to_json(&model->preprocess));
    json_object_set_new(info, "calibration",
                        model->calibration.present ? calibration_to_json(&model->calibration) : json_null());
    json_object_set_new(info, "limits", verdict_limits_to_json(&model->limits));
    json_object_set_new(info, "training", model->training ? json_incref(model->training) : json_null());
    json_object_set_new(info, "verdicts", model->verdicts ? json_incref(model->verdicts) : json_null());
    json_object_set_new(info, "tensors", tensors_to_json(&model->file));
    return info;
}

/* A value to the end of the line: text as it is, anything else as JSON. */
static void print_scalar(const json_t *value)
{
    if (json_is_string(value)) {
        cli_print_text(stdout, json_string_value(value));
    } else {
        char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9)) : NULL;
        cli_print_text(stdout, !text ? "?" : strcmp(text, "null") == 0 ? "none" : text);
        free(text);
    }
    fputc('\n', stdout);
}

enum { VALUE_COLUMN = 24 };

static bool is_nested(const json_t *value)
{
    return (json_is_object(value) && json_object_size(value) > 0) ||
           (json_is_array(value) && json_is_object(json_array_get(value, 0)));
}

/* Where the values of an object's keys begin: behind the longest. */
static int value_column(const json_t *object, int indent)
{
    const char *name;
    json_t *item;
    int column = VALUE_COLUMN;
    json_object_foreach((json_t *)object, name, item)
    {
        int end = indent + (int)strlen(name) + 1;
        column = !is_nested(item) && end > column ? end : column;
    }
    return column;
}

/* One line "  key   value"; objects a line a key, and lists of objects a line an item, indented further. */
static void print_value(const char *key, const json_t *value, int indent, int column)
{
    printf("%*s", indent, "");
    cli_print_text(stdout, key);
    int width = (int)strlen(key);
    if (json_is_object(value) && json_object_size(value) > 0) {
        const char *name;
        json_t *item;
        int inside = value_column(value, indent + 2);
        fputc('\n', stdout);
        json_object_foreach((json_t *)value, name, item) print_value(name, item, indent + 2, inside);
    } else if (is_nested(value)) {
        size_t i;
        json_t *item;
        fputc('\n', stdout);
        json_array_foreach((json_t *)value, i, item)
        {
            printf("%*s", indent + 2, "");
            print_scalar(item);
        }
    } else {
        printf("%*s", width < column - indent ? column - indent - width : 1, "");
        print_scalar(value);
    }
}

static void print_tensors(const struct safetensors *file)
{
    fputs("tensors\n", stdout);
    for (size_t i = 0; i < file->tensors.count; i++) {
        tensor_print(stdout, file->tensors.entries[i].value);
        fputc('\n', stdout);
    }
}

/* Weights as their authors published them: printed, and *done. A model of Assay's own is left to model_load. */
static assay_status print_foreign(const char *path, bool json, bool *done, struct assay_error *error)
{
    struct weights_file file;
    assay_status status = weights_file_open(path, &file, error);
    if (status)
        return status;
    *done = !weights_file_metadata(&file, "assay.format");
    if (*done)
        status = weights_info_print(&file, path, json, error);
    weights_file_close(&file);
    return status;
}

static int info_run(int argc, char **argv)
{
    struct info_config config;
    struct arena arena = {0};
    struct array words = array_of(sizeof(char *), (size_t)argc + 1);
    struct assay_error error = {0};
    struct model model = {0};
    json_t *info = NULL;
    const struct cli_target target = {info_options, &config};
    int result;

    option_defaults(info_options, &config);
    assay_status status = cli_parse(argc, argv, &target, 1, &arena, &words, &error);
    if (!status && words.count > 1)
        status = error_set(&error, ASSAY_ERROR_ARGUMENT, "one model file at a time");
    if (status) {
        result = cli_failure(&error, true);
        goto done;
    }
    const char *path;
    status = cli_find_model(words.count ? ((const char **)words.data)[0] : NULL, &arena, &path, &error);
    bool printed = false;
    if (!status)
        status = print_foreign(path, config.json, &printed, &error);
    if (!status && !printed)
        status = model_load(path, &model, &error);
    if (!status && !printed && !(info = info_to_json(&model, path)))
        status = error_memory(&error, path);
    if (status) {
        result = cli_failure(&error, false);
        goto done;
    }
    if (printed) {
        /* nothing more to say */
    } else if (config.json) {
        json_dumpf(info, stdout, JSON_INDENT(2));
        fputc('\n', stdout);
    } else {
        const char *key;
        json_t *value;
        json_object_foreach(info, key, value) if (strcmp(key, "tensors") != 0) print_value(key, value, 0, VALUE_COLUMN);
        print_tensors(&model.file);
    }
    result = cli_flush() ? CLI_OK : CLI_FAILED;

done:
    json_decref(info);
    model_free(&model);
    array_free(&words);
    arena_free(&arena);
    return result;
}

const struct command command_model_info = {
    "model info",
    "show what a model file says about itself",
    "[OPTION]... [FILE]",
    "Prints the detector, its settings, preprocessing, calibration, the summary of its training, and its tensors. "
    "Without\n"
    "FILE, the model that 'assay detect' would use. Of other files of weights (safetensors, also in several files by\n"
    "their index, and what PyTorch saves), the kind and the tensors.\n",
    info_groups,
    NULL,
    info_run,
};
