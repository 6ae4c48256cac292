/* find_model.c - looks for the default model. */
#include "cli/find_model.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"

#define DEFAULT_MODEL "default.safetensors"

/* The folder of the running program, without a slash at its end; NULL where the system does not say. */
static const char *program_folder(struct arena *arena)
{
    char path[LIMIT_PATH_BYTES];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    if (length <= 0 || (size_t)length >= sizeof path)
        return NULL;
    while (length > 0 && path[length - 1] != '/')
        length--;
    return arena_strndup(arena, path, length > 1 ? (size_t)length - 1 : 0);
}

assay_status cli_find_model(const char *named, struct arena *arena, const char **path, struct assay_error *error)
{
    const char *from_environment = getenv("ASSAY_MODEL");
    if (!named && from_environment && from_environment[0])
        named = from_environment;
    if (named) {
        *path = named;
        return ASSAY_OK;
    }
    const char *folder = program_folder(arena);
    const char *installed = folder ? arena_printf(arena, "%s/../share/assay/models/" DEFAULT_MODEL, folder) : NULL;
    if (installed && file_exists(installed)) {
        *path = installed;
        return ASSAY_OK;
    }
    size_t length = strlen(ASSAY_BUILD_FOLDER);
    if (folder && strncmp(folder, ASSAY_BUILD_FOLDER, length) == 0 &&
        (folder[length] == '\0' || folder[length] == '/') &&
        file_exists(ASSAY_SOURCE_FOLDER "/models/" DEFAULT_MODEL)) {
        *path = ASSAY_SOURCE_FOLDER "/models/" DEFAULT_MODEL;
        return ASSAY_OK;
    }
    return error_set(error, ASSAY_ERROR_IO,
                     "no model: there is no %s; name one with --model FILE or in the environment variable ASSAY_MODEL",
                     installed ? installed : DEFAULT_MODEL);
}
