/* icc.c - header and texts of an ICC profile. */
#include "provenance/icc.h"

#include <stdio.h>
#include <string.h>

#include "image/walk.h"
#include "provenance/charset.h"

enum { HEADER_BYTES = 128, MAX_TAGS = 256 };

static void signature(const uint8_t *bytes, char out[5])
{
    size_t length = 4;
    while (length && (bytes[length - 1] == ' ' || bytes[length - 1] == 0))
        length--;
    for (size_t i = 0; i < length; i++)
        out[i] = bytes[i] >= 0x20 && bytes[i] < 0x7F ? (char)bytes[i] : '?';
    out[length] = '\0';
}

static bool keep(char *text, const char **out)
{
    size_t length = text ? strlen(text) : 0;
    while (length && (text[length - 1] == ' ' || text[length - 1] == '\n'))
        text[--length] = '\0';
    *out = length ? text : NULL;
    return text != NULL;
}

/* `desc` (version 2), `text`, or `mluc` (version 4: of several languages English, or the first). False: no memory. */
static bool read_text(const uint8_t *tag, size_t size, struct arena *arena, const char **out)
{
    *out = NULL;
    if (size >= 12 && memcmp(tag, "desc", 4) == 0) {
        size_t length = walk_be32(tag + 8);
        length = length < size - 12 ? length : size - 12;
        length = length < ICC_MAX_TEXT ? length : ICC_MAX_TEXT;
        const uint8_t *nul = length ? memchr(tag + 12, 0, length) : NULL;
        return keep(charset_text(arena, tag + 12, nul ? (size_t)(nul - tag - 12) : length), out);
    }
    if (size >= 8 && memcmp(tag, "text", 4) == 0) {
        size_t length = size - 8 < ICC_MAX_TEXT ? size - 8 : ICC_MAX_TEXT;
        const uint8_t *nul = length ? memchr(tag + 8, 0, length) : NULL;
        return keep(charset_text(arena, tag + 8, nul ? (size_t)(nul - tag - 8) : length), out);
    }
    if (size < 16 || memcmp(tag, "mluc", 4) != 0)
        return true;
    size_t count = walk_be32(tag + 8), width = walk_be32(tag + 12), chosen = SIZE_MAX;
    if (width < 12)
        return true;
    for (size_t i = 0; i < count && i < MAX_TAGS && (size - 16) / width > i; i++)
        if (chosen == SIZE_MAX ||
            (memcmp(tag + 16 + i * width, "en", 2) == 0 && memcmp(tag + 16 + chosen * width, "en", 2) != 0))
            chosen = i;
    if (chosen == SIZE_MAX)
        return true;
    const uint8_t *entry = tag + 16 + chosen * width;
    size_t length = walk_be32(entry + 4), at = walk_be32(entry + 8);
    if (at > size || length > size - at)
        return true;
    return keep(charset_utf16(arena, tag + at, length < ICC_MAX_TEXT ? length : ICC_MAX_TEXT, true), out);
}

assay_status icc_read_block(const uint8_t *bytes, size_t size, struct arena *arena, struct icc *out,
                            struct assay_error *error)
{
    bool memory = true;
    *out = (struct icc){.present = true};
    if (size < HEADER_BYTES + 4 || memcmp(bytes + 36, "acsp", 4) != 0) {
        out->problem = "it does not begin as an ICC profile does";
        return ASSAY_OK;
    }
    if (walk_be32(bytes) > size)
        out->problem = "the profile is shorter than it says";
    out->version_major = bytes[8];
    out->version_minor = bytes[9] >> 4;
    signature(bytes + 4, out->program);
    signature(bytes + 12, out->device_class);
    signature(bytes + 16, out->space);
    signature(bytes + 20, out->connection);
    signature(bytes + 40, out->platform);
    signature(bytes + 48, out->manufacturer);
    signature(bytes + 52, out->model);
    signature(bytes + 80, out->creator);
    const uint8_t *d = bytes + 24;
    snprintf(out->date, sizeof out->date, "%04u:%02u:%02u %02u:%02u:%02u", walk_be16(d) % 10000, walk_be16(d + 2) % 100,
             walk_be16(d + 4) % 100, walk_be16(d + 6) % 100, walk_be16(d + 8) % 100, walk_be16(d + 10) % 100);
    size_t count = walk_be32(bytes + HEADER_BYTES), room = (size - HEADER_BYTES - 4) / 12;
    for (size_t i = 0; i < count && i < room && i < MAX_TAGS && memory; i++) {
        const uint8_t *entry = bytes + HEADER_BYTES + 4 + 12 * i;
        size_t at = walk_be32(entry + 4), length = walk_be32(entry + 8);
        bool description = memcmp(entry, "desc", 4) == 0, copyright = memcmp(entry, "cprt", 4) == 0;
        if (!description && !copyright)
            continue;
        if (at > size || length > size - at)
            out->problem = out->problem ? out->problem : "a tag lies outside of the profile";
        else
            memory = read_text(bytes + at, length, arena, description ? &out->description : &out->copyright);
    }
    return memory ? ASSAY_OK : error_memory(error, "a picture's colour profile");
}

assay_status icc_read(const struct container *container, struct arena *arena, struct icc *out,
                      struct assay_error *error)
{
    const struct container_block *block = container_next(container, NULL, BLOCK_ICC);
    *out = (struct icc){0};
    return block ? icc_read_block(block->bytes, block->size, arena, out, error) : ASSAY_OK;
}

void icc_facts(const struct icc *icc, struct fact_tree *tree, struct fact *parent)
{
    if (!icc->present)
        return;
    struct fact *group = fact_group(tree, parent, "icc");
    if (icc->description)
        fact_text(tree, group, "description", icc->description);
    if (icc->version_major) {
        const struct {
            const char *name, *text;
        } shown[] = {{"device_class", icc->device_class},
                     {"color_space", icc->space},
                     {"connection_space", icc->connection},
                     {"program", icc->program},
                     {"platform", icc->platform},
                     {"manufacturer", icc->manufacturer},
                     {"model", icc->model},
                     {"creator", icc->creator},
                     {"date", icc->date}};
        fact_printf(tree, group, "version", "%d.%d", icc->version_major, icc->version_minor);
        for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
            if (shown[i].text[0])
                fact_text(tree, group, shown[i].name, shown[i].text);
    }
    if (icc->copyright)
        fact_text(tree, group, "copyright", icc->copyright);
    if (icc->problem)
        fact_problem(tree, group, "%s", icc->problem);
}
