/* prediction_file.c - a file of predictions, line by line or as a whole. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/string_map.h"
#include "eval/prediction.h"

enum { LINE_MAX_BYTES = 1 << 20 }; /* names take at most six bytes of JSON each, and two of hexadecimal */

/* Reads up to and including the next newline, into `line`. At the end of the file what is left, perhaps nothing. */
static assay_status read_line(FILE *stream, const char *path, uint64_t number, struct array *line,
                              struct assay_error *error)
{
    int c = 0;
    line->count = 0;
    while (c != '\n' && (c = getc_unlocked(stream)) != EOF)
        if (!array_append(line, &(char){(char)c}, 1))
            return line->count == line->max_count
                       ? error_set(error, ASSAY_ERROR_FORMAT, "%s, line %" PRIu64 ": longer than %d bytes", path,
                                   number, LINE_MAX_BYTES)
                       : error_memory(error, path);
    return ferror(stream) ? error_errno(error, path, "read") : ASSAY_OK;
}

static assay_status scan_lines(FILE *stream, const char *path, struct array *line, prediction_visit *visit,
                               void *context, struct predictions_extent *extent, struct assay_error *error)
{
    char where[512];
    for (;;) {
        assay_status status = read_line(stream, path, extent->count + 1, line, error);
        if (status)
            return status;
        if (line->count == 0)
            return ASSAY_OK;
        if (((const char *)line->data)[line->count - 1] != '\n') {
            extent->torn = true;
            return ASSAY_OK;
        }
        struct arena arena = {0};
        struct prediction prediction;
        snprintf(where, sizeof where, "%s, line %" PRIu64, path, extent->count + 1);
        status = prediction_read(line->data, line->count - 1, where, &arena, &prediction, error);
        if (!status)
            status = visit(context, &prediction, error);
        arena_free(&arena);
        if (status)
            return status;
        extent->count++;
        extent->bytes += line->count;
    }
}

assay_status predictions_scan(const char *path, prediction_visit *visit, void *context,
                              struct predictions_extent *extent, struct assay_error *error)
{
    struct predictions_extent local;
    extent = extent ? extent : &local;
    *extent = (struct predictions_extent){0};
    FILE *stream = fopen(path, "rbe");
    if (!stream)
        return error_errno(error, path, "open");
    struct array line = array_of(1, LINE_MAX_BYTES);
    assay_status status = scan_lines(stream, path, &line, visit, context, extent, error);
    array_free(&line);
    fclose(stream);
    return status;
}

/* ---- as a whole -------------------------------------------------------------------------------------------------- */

struct collection {
    struct predictions *out;
    struct array items;
    struct string_map names;   /* to themselves */
    prediction_wanted *wanted; /* NULL: all */
    void *context;
};

/* *name becomes the one copy that is kept of it. */
static bool keep_name(struct collection *c, const char **name)
{
    const char *known = string_map_get(&c->names, *name);
    if (!known) {
        known = arena_strdup(&c->out->arena, *name);
        if (!known || !string_map_add(&c->names, known, (void *)known))
            return false;
    }
    *name = known;
    return true;
}

static assay_status collect(void *context, const struct prediction *prediction, struct assay_error *error)
{
    struct collection *c = context;
    struct prediction p = *prediction;
    if (c->wanted && !c->wanted(c->context, prediction))
        return ASSAY_OK;
    bool kept = keep_name(c, &p.model) && keep_name(c, &p.set) && keep_name(c, &p.perturbation) &&
                keep_name(c, &p.picture) && keep_name(c, &p.source) && (!p.problem || keep_name(c, &p.problem)) &&
                array_append(&c->items, &p, 1);
    return kept ? ASSAY_OK : error_memory(error, "predictions");
}

assay_status predictions_load_where(const char *path, prediction_wanted *wanted, void *context, struct predictions *out,
                                    struct assay_error *error)
{
    *out = (struct predictions){0};
    struct collection c = {.out = out,
                           .items = array_of(sizeof(struct prediction), SIZE_MAX / sizeof(struct prediction)),
                           .wanted = wanted,
                           .context = context};
    assay_status status = predictions_scan(path, collect, &c, &out->extent, error);
    string_map_free(&c.names);
    out->items = c.items.data;
    out->count = c.items.count;
    if (status)
        predictions_free(out);
    return status;
}

assay_status predictions_load(const char *path, struct predictions *out, struct assay_error *error)
{
    return predictions_load_where(path, NULL, NULL, out, error);
}

void predictions_free(struct predictions *predictions)
{
    mem_free(predictions->items);
    arena_free(&predictions->arena);
    *predictions = (struct predictions){0};
}
