/* inputs.c - collects the files that a command line means. */
#include "cli/inputs.h"

#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "data/walk.h"

static assay_status add(struct inputs *inputs, const char *path, const char *problem, struct assay_error *error)
{
    if (inputs->list.count == inputs->list.max_count)
        return error_set(error, ASSAY_ERROR_LIMIT, "more than %d files; judge them folder by folder",
                         LIMIT_DATASET_FILES);
    char *copy = arena_strdup(&inputs->arena, path);
    char *why = problem ? arena_strdup(&inputs->arena, problem) : NULL;
    struct input *slot = copy && (why || !problem) ? array_push(&inputs->list) : NULL;
    if (!slot)
        return error_memory(error, "the names of the files");
    *slot = (struct input){copy, why};
    return ASSAY_OK;
}

static assay_status on_file(void *context, const struct walk_file *file, struct assay_error *error)
{
    return add(context, file->path, NULL, error);
}

/* What a walk could not read is listed like a file. If there is no memory even for that, the next file tells. */
static void on_problem(void *context, const char *path, const struct assay_error *why)
{
    (void)add(context, path, why->message, NULL);
}

static assay_status add_folder(struct inputs *inputs, const char *path, struct assay_error *error)
{
    size_t before = inputs->list.count;
    struct assay_error why = {0};
    struct walk walk = {on_file, on_problem, inputs};
    assay_status status = walk_pictures(path, &walk, &why);
    if (status == ASSAY_ERROR_MEMORY || status == ASSAY_ERROR_LIMIT)
        return error_set(error, status, "%s", why.message);
    if (status)
        return add(inputs, path, why.message, error);
    if (inputs->list.count == before) {
        error_set(&why, ASSAY_ERROR_ARGUMENT, "%s: no pictures in this folder", path);
        return add(inputs, path, why.message, error);
    }
    return ASSAY_OK;
}

assay_status inputs_collect(struct inputs *inputs, const char *const *words, size_t count, struct assay_error *error)
{
    inputs->list = array_of(sizeof(struct input), LIMIT_DATASET_FILES);
    for (size_t i = 0; i < count; i++) {
        struct stat info;
        bool folder = strcmp(words[i], "-") != 0 && stat(words[i], &info) == 0 && S_ISDIR(info.st_mode);
        assay_status status = folder ? add_folder(inputs, words[i], error) : add(inputs, words[i], NULL, error);
        if (status)
            return status;
    }
    return ASSAY_OK;
}

void inputs_free(struct inputs *inputs)
{
    array_free(&inputs->list);
    arena_free(&inputs->arena);
}
