/* common.c - what readers of layouts share: looking for folders, taking what is in them, saying what is missing. */
#include "data/layouts/layout.h"

#include <assert.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/memory.h"
#include "image/image.h"

struct taken_folder {
    int label;
    const char *path;
};

/* `path` NULL: there was no memory for it. */
static assay_status taken_add(struct layout_job *job, int label, const char *path, struct assay_error *error)
{
    struct taken_folder taken = {label, path};
    if (!job->taken.item_size)
        job->taken = array_of(sizeof taken, LIMIT_DATASET_FILES);
    return path && array_append(&job->taken, &taken, 1) ? ASSAY_OK : error_memory(error, "finding a dataset");
}

static char *vtext(struct layout_job *job, const char *format, va_list arguments)
{
    char text[LIMIT_PATH_BYTES];
    int length = vsnprintf(text, sizeof text, format, arguments);
    return length < 0 || (size_t)length >= sizeof text ? NULL : arena_strdup(&job->arena, text);
}

char *layout_text(struct layout_job *job, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = vtext(job, format, arguments);
    va_end(arguments);
    return text;
}

/* The path of a relative folder; NULL without memory. */
static const char *full(struct layout_job *job, const char *folder)
{
    if (!folder[0])
        return job->root[0] ? job->root : "/";
    return layout_text(job, "%s/%s", job->root, folder);
}

bool layout_has(struct layout_job *job, const char *format, ...)
{
    char path[LIMIT_PATH_BYTES * 2];
    struct stat info;
    va_list arguments;
    int root = snprintf(path, sizeof path, "%s/", job->root);
    if (root < 0 || (size_t)root >= LIMIT_PATH_BYTES)
        return false;
    va_start(arguments, format);
    int length = vsnprintf(path + root, sizeof path - (size_t)root, format, arguments);
    va_end(arguments);
    return length >= 0 && (size_t)length < sizeof path - (size_t)root && stat(path, &info) == 0 &&
           S_ISDIR(info.st_mode);
}

assay_status layout_missing(struct layout_job *job, struct assay_error *error, const char *format, ...)
{
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: not laid out as %s: %s", job->root, job->name, what);
}

void layout_skip(struct layout_job *job, size_t count, const char *name, const char *why)
{
    if (count && !job->skipped)
        snprintf(job->skipped_first, sizeof job->skipped_first, "%.300s: %s", name, why);
    job->skipped += count;
}

bool layout_wants(struct layout_job *job, unsigned split)
{
    job->splits |= split;
    return !job->wanted || job->wanted == split;
}

bool layout_known(const char *const *names, const char *name)
{
    for (; *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

assay_status layout_list(struct layout_job *job, const char *folder, struct folder *out, struct assay_error *error)
{
    const char *path = full(job, folder);
    *out = (struct folder){0};
    assay_status status = path ? folder_read(path, out, error) : error_memory(error, "finding a dataset");
    if (status || !job->builder)
        return status;
    for (size_t i = 0; i < out->count; i++)
        if (!out->entries[i].is_folder && image_has_known_extension(out->entries[i].name))
            layout_skip(job, 1, out->entries[i].name, "lies in none of the layout's folders");
    return ASSAY_OK;
}

struct layout_bases layout_bases(struct layout_job *job, const char *below)
{
    static const char *const splits[] = {"train", "val", "test"};
    struct layout_bases bases = {0};
    for (int i = 0; i < 3; i++)
        if (layout_has(job, "%s%s%s", below, below[0] ? "/" : "", splits[i])) {
            snprintf(bases.folder[bases.count], sizeof bases.folder[0], "%s%s%s", below, below[0] ? "/" : "",
                     splits[i]);
            bases.split[bases.count++] = 1U << i;
        }
    if (bases.count == 0)
        snprintf(bases.folder[bases.count++], sizeof bases.folder[0], "%s", below);
    return bases;
}

/* ---- taking pictures ------------------------------------------------------------------------------------------- */

struct collect {
    struct layout_job *job;
    const struct layout_take *take;
    size_t name_at, within_length, count, last_length;
    char last[LIMIT_PATH_BYTES]; /* the folder of the last picture */
    char home[LIMIT_PATH_BYTES]; /* where the folder that is taken really is */
    char real[LIMIT_PATH_BYTES];
};

static_assert(PATH_MAX <= LIMIT_PATH_BYTES, "realpath writes up to PATH_MAX bytes");

/* A link inside may lead elsewhere, even to the other class (a loop upwards for one): where it leads counts too. */
static assay_status note_folder(struct collect *c, const char *path, size_t length, struct assay_error *error)
{
    if (length == c->last_length && memcmp(c->last, path, length) == 0)
        return ASSAY_OK;
    memcpy(c->last, path, length);
    c->last[length] = '\0';
    c->last_length = length;
    size_t home = strlen(c->home);
    if (!realpath(length ? c->last : "/", c->real))
        return error_errno(error, c->last, "open the folder");
    if (strncmp(c->real, c->home, home) == 0 && (c->real[home] == '/' || c->real[home] == '\0'))
        return ASSAY_OK;
    return taken_add(c->job, c->take->label, arena_strdup(&c->job->arena, c->real), error);
}

/* Whether one of the folders in a relative name is this. */
static bool lies_within(const char *name, const char *folder, size_t length)
{
    for (const char *slash; (slash = strchr(name, '/')); name = slash + 1)
        if ((size_t)(slash - name) == length && memcmp(name, folder, length) == 0)
            return true;
    return false;
}

static assay_status collect_file(void *context, const struct walk_file *file, struct assay_error *error)
{
    struct collect *c = context;
    if (c->take->within && !lies_within(file->name, c->take->within, c->within_length)) {
        layout_skip(c->job, 1, file->path, "lies outside the folders of its class");
        return ASSAY_OK;
    }
    c->count++;
    assay_status status = note_folder(c, file->path, (size_t)(strrchr(file->path, '/') - file->path), error);
    if (status)
        return status;
    const struct dataset_entry entry = {.label = c->take->label,
                                        .source = c->take->source,
                                        .path = file->path,
                                        .name_at = c->name_at,
                                        .bytes = file->bytes,
                                        .mask_kind = c->take->mask_kind};
    return dataset_build_put(c->job->builder, &entry, error);
}

assay_status layout_take(struct layout_job *job, const struct layout_take *take, struct assay_error *error)
{
    if (!job->builder)
        return ASSAY_OK;
    const char *path = take->folder && take->source ? full(job, take->folder) : NULL;
    struct collect *c = mem_alloc(1, sizeof *c);
    if (!path || !c) {
        mem_free(c);
        return error_memory(error, "finding a dataset");
    }
    c->job = job;
    c->take = take;
    c->name_at = strlen(job->root) + 1;
    c->within_length = take->within ? strlen(take->within) : 0;
    struct walk walk = {collect_file, NULL, c};
    assay_status status = taken_add(job, take->label, path, error);
    if (!status && !realpath(path, c->home))
        status = error_errno(error, path, "open the folder");
    if (!status)
        status = walk_pictures(path, &walk, error);
    if (!status && c->count == 0)
        status =
            error_set(error, ASSAY_ERROR_ARGUMENT,
                      "%s: no pictures for the class '%s'%s%s (.jpg, .png, .webp, .tif, .gif, .heic, .avif)", path,
                      dataset_label_text(take->label), take->within ? " below " : "", take->within ? take->within : "");
    mem_free(c);
    return status;
}

assay_status layout_taken(struct layout_job *job, int label, const char *folder, struct assay_error *error)
{
    return taken_add(job, label, full(job, folder), error);
}

assay_status layout_check_apart(struct layout_job *job, struct assay_error *error)
{
    const struct taken_folder *taken = job->taken.data;
    for (size_t i = 0; i < job->taken.count; i++)
        for (size_t j = 0; j < job->taken.count; j++)
            if (taken[i].label == LABEL_REAL && taken[j].label == LABEL_GENERATED) {
                assay_status status = discover_apart(taken[i].path, taken[j].path, error);
                if (status)
                    return status;
            }
    return ASSAY_OK;
}
