/* lists.c - a list as a dataset: looks for the files that its rows name. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/string_map.h"
#include "data/layouts/layout.h"
#include "data/layouts/list.h"

/* ---- recognising ----------------------------------------------------------------------------------------------- */

static bool ends_with(const struct layout_job *job, const char *extension)
{
    size_t length = strlen(job->root), wanted = strlen(extension);
    return job->is_file && length > wanted && strcasecmp(job->root + length - wanted, extension) == 0;
}

bool lists_has_pairs(const struct layout_job *job)
{
    char head[256];
    size_t size = 0, brackets = 0;
    FILE *stream = ends_with(job, ".json") ? fopen(job->root, "rb") : NULL;
    if (stream) {
        size = fread(head, 1, sizeof head, stream);
        fclose(stream);
    }
    for (size_t i = size >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; i < size && brackets < 2; i++) {
        if (head[i] == '[')
            brackets++;
        else if (!isspace((unsigned char)head[i]))
            break;
    }
    return brackets == 2;
}

assay_status csv_fits(struct layout_job *job, bool *fits, struct assay_error *error)
{
    (void)error;
    *fits = ends_with(job, ".csv");
    return ASSAY_OK;
}

assay_status json_fits(struct layout_job *job, bool *fits, struct assay_error *error)
{
    (void)error;
    *fits = ends_with(job, ".json") && !lists_has_pairs(job);
    return ASSAY_OK;
}

assay_status text_fits(struct layout_job *job, bool *fits, struct assay_error *error)
{
    (void)error;
    *fits = ends_with(job, ".txt") || ends_with(job, ".lst");
    return ASSAY_OK;
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

struct list_reading {
    struct layout_job *job;
    const char *folder;     /* of the list, with a slash at its end; "" for the current one */
    const char *stem;       /* of the list's name: the source of rows that name none */
    struct string_map seen; /* names to 1 + label */
    size_t rows, missing;
    char first_missing[512];
};

/* Where a path of the list leads; *name_at is where its name begins, as the dataset bears it. */
static assay_status resolve(const struct list_reading *l, const struct list_row *row, const char *written, char *path,
                            size_t *name_at, struct assay_error *error)
{
    while (strncmp(written, "./", 2) == 0 && written[2])
        written += 2;
    const char *folder = written[0] == '/' ? "" : l->folder;
    int length = snprintf(path, LIMIT_PATH_BYTES, "%s%s", folder, written);
    if (length < 0 || length >= LIMIT_PATH_BYTES)
        return error_set(error, ASSAY_ERROR_LIMIT, "%s: a path of more than %d bytes", row->where,
                         LIMIT_PATH_BYTES - 1);
    *name_at = strlen(folder);
    return ASSAY_OK;
}

/* *again: it is in the list already. */
static assay_status note(struct list_reading *l, const struct list_row *row, const char *name, bool *again,
                         struct assay_error *error)
{
    uintptr_t known = (uintptr_t)string_map_get(&l->seen, name);
    *again = known != 0;
    if (known && known != 1 + (uintptr_t)row->label)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: '%s' is listed as real and as generated", row->where, name);
    if (known)
        return ASSAY_OK;
    const char *key = arena_strdup(&l->job->arena, name);
    return key && string_map_add(&l->seen, key, (void *)(uintptr_t)(1 + row->label))
               ? ASSAY_OK
               : error_memory(error, "the pictures of a list");
}

static assay_status add_row(void *context, const struct list_row *row, struct assay_error *error)
{
    struct list_reading *l = context;
    struct layout_job *job = l->job;
    char path[LIMIT_PATH_BYTES], mask[LIMIT_PATH_BYTES];
    struct stat info;
    bool again = false;
    bool wanted = row->split ? layout_wants(job, row->split) : !job->wanted;
    if (!job->builder)
        return ASSAY_OK;
    if (!wanted) {
        if (!row->split)
            layout_skip(job, 1, row->where, "belongs to no split");
        return ASSAY_OK;
    }
    struct dataset_entry entry = {.label = row->label,
                                  .source = row->source ? row->source : l->stem,
                                  .path = path,
                                  .mask_kind = row->mask_kind,
                                  .mask = mask};
    assay_status status = resolve(l, row, row->path, path, &entry.name_at, error);
    if (!status && row->mask_kind == MASK_FILE)
        status = resolve(l, row, row->mask, mask, &entry.mask_name_at, error);
    if (!status)
        status = note(l, row, path + entry.name_at, &again, error);
    if (status)
        return status;
    if (again) {
        layout_skip(job, 1, row->where, "is listed before");
        return ASSAY_OK;
    }
    if (row->mask_kind == MASK_FILE && (stat(mask, &info) != 0 || !S_ISREG(info.st_mode)))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: there is no mask %s", row->where, mask);
    l->rows++;
    if (stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
        entry.bytes = (uint64_t)info.st_size;
    } else { /* it stays, to be reported with the others that cannot be read */
        if (!l->missing++)
            snprintf(l->first_missing, sizeof l->first_missing, "%.500s", path);
    }
    return dataset_build_put(job->builder, &entry, error);
}

static assay_status read_list(struct layout_job *job, enum list_kind kind, struct assay_error *error)
{
    struct list_reading reading = {.job = job};
    uint8_t *bytes = NULL;
    size_t size = 0;
    const char *slash = strrchr(job->root, '/'), *name = slash ? slash + 1 : job->root, *dot = strrchr(name, '.');
    job->any_class = true; /* a list may say on purpose that all its pictures are generated */
    reading.folder = arena_strndup(&job->arena, job->root, (size_t)(name - job->root));
    reading.stem = arena_strndup(&job->arena, name, dot && dot > name ? (size_t)(dot - name) : strlen(name));
    if (!reading.folder || !reading.stem)
        return error_memory(error, "the pictures of a list");
    assay_status status = file_read(job->root, LIMIT_LIST_BYTES, &bytes, &size, error);
    if (!status)
        status = list_parse(kind, bytes, size, job->root, add_row, &reading, error);
    if (!status && job->builder && reading.rows == 0 && !job->wanted)
        status = error_set(error, ASSAY_ERROR_ARGUMENT, "%s: lists no pictures", job->root);
    else if (!status && reading.rows && reading.missing == reading.rows)
        status = error_set(error, ASSAY_ERROR_ARGUMENT,
                           "%s: none of its %zu pictures is there (the first: %s); paths are relative to the folder "
                           "of the list",
                           job->root, reading.rows, reading.first_missing);
    mem_free(bytes);
    string_map_free(&reading.seen);
    return status;
}

assay_status csv_read(struct layout_job *job, struct assay_error *error)
{
    return read_list(job, LIST_CSV, error);
}

assay_status json_read(struct layout_job *job, struct assay_error *error)
{
    return read_list(job, LIST_JSON, error);
}

assay_status text_read(struct layout_job *job, struct assay_error *error)
{
    return read_list(job, LIST_TEXT, error);
}

assay_status list_pairs_read(struct layout_job *job, struct assay_error *error)
{
    return read_list(job, LIST_JSON, error);
}
