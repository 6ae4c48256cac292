/* folders.c - names for folders, and making them. */
#include "data/folders.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/limits.h"

void folders_of_source(const char *source, char *out, size_t size)
{
    static const char *const reserved[] = {"real",  "ai",  "nature", "0_real", "1_fake",
                                           "train", "val", "test",   "fake",   "masks"};
    size_t used = 0;
    for (; *source && used + 10 < size; source++) {
        bool plain = (*source >= '0' && *source <= '9') || (*source >= 'a' && *source <= 'z') ||
                     (*source >= 'A' && *source <= 'Z') || *source == '_' || *source == '-' || (*source == '.' && used);
        out[used++] = plain ? *source : '-';
    }
    out[used] = '\0';
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (strcmp(out, reserved[i]) == 0)
            snprintf(out + used, size - used, "-pictures");
}

assay_status folders_make_above(const char *root, const char *name, struct assay_error *error)
{
    struct array path = array_of(1, LIMIT_PATH_BYTES);
    assay_status status = ASSAY_OK;
    if (!array_printf(&path, "%s/%s", root, name))
        status = error_set(error, ASSAY_ERROR_LIMIT, "%.200s...: a path that is too long", root);
    char *text = path.data;
    for (char *slash = status ? NULL : strchr(text + strlen(root) + 1, '/'); slash && !status;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(text, 0777) && errno != EEXIST)
            status = error_errno(error, text, "create");
        *slash = '/';
    }
    array_free(&path);
    return status;
}
