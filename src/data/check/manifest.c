/* manifest.c - writes lists in CSV (RFC 4180). */
#include "data/check/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

void manifest_write_field(FILE *stream, const char *text)
{
    if (!strpbrk(text, ",\"\r\n") && text[0] != ' ' && (!text[0] || text[strlen(text) - 1] != ' ')) {
        fputs(text, stream);
        return;
    }
    fputc('"', stream);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', stream);
        fputc(*text, stream);
    }
    fputc('"', stream);
}

/* A path that means the same wherever the list lies. */
static assay_status write_absolute(FILE *stream, const char *path, struct assay_error *error)
{
    char *absolute = realpath(path, NULL);
    if (!absolute)
        return error_errno(error, path, "find");
    manifest_write_field(stream, absolute);
    free(absolute);
    return ASSAY_OK;
}

static assay_status write_mask(FILE *stream, const struct dataset_picture *p, struct assay_error *error)
{
    switch (p->mask_kind) {
    case MASK_FILE: return write_absolute(stream, p->mask, error);
    case MASK_ZERO: fputs("Negative", stream); break;
    case MASK_ONE: fputs("Positive", stream); break;
    case MASK_NONE: break;
    }
    return ASSAY_OK;
}

assay_status manifest_write(const char *path, const struct scan *scan, const bool *chosen, char *const *copies,
                            struct assay_error *error)
{
    struct file_writer writer;
    assay_status status = file_create(path, &writer, error);
    if (status)
        return status;
    fputs(copies ? "path,label,source,split,mask,original\n" : "path,label,source,split,mask\n", writer.stream);
    for (size_t i = 0; i < scan->count && !status; i++) {
        const struct scan_picture *p = &scan->pictures[i];
        if (!chosen[i])
            continue;
        if (copies)
            manifest_write_field(writer.stream, copies[i]);
        else
            status = write_absolute(writer.stream, p->picture->path, error);
        fputs(p->picture->label == LABEL_REAL ? ",real," : ",ai,", writer.stream);
        manifest_write_field(writer.stream, p->source->name);
        fprintf(writer.stream, ",%s,", scan->splits[p->split].name);
        if (!status && !copies)
            status = write_mask(writer.stream, p->picture, error);
        if (copies) {
            fputc(',', writer.stream);
            manifest_write_field(writer.stream, p->picture->name);
        }
        fputc('\n', writer.stream);
    }
    if (status) {
        file_discard(&writer);
        return status;
    }
    return file_commit(&writer, error);
}
