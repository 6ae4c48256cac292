/* container.c - the list of blocks: which reader, and what the readers share. */
#include "provenance/container.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/text.h"
#include "provenance/container_internal.h"

enum { CLEAN_BYTES = 255 };

void container_note_at(struct container *c, uint64_t offset, const char *format, ...)
{
    char text[256];
    va_list arguments;
    if (c->notes.count == CONTAINER_MAX_NOTES) {
        c->notes_left_out++;
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct container_note *note = array_push(&c->notes);
    const char *kept = arena_strdup(&c->arena, text);
    if (!note || !kept) {
        c->starved = true;
        c->notes.count -= note ? 1 : 0;
        return;
    }
    *note = (struct container_note){kept, offset};
}

void *container_alloc(struct container *c, size_t size)
{
    if (size > CONTAINER_MAX_MEMORY || c->arena.total > CONTAINER_MAX_MEMORY - size) {
        container_note_at(c, 0, "the metadata take more than %d MB together: the rest is left out",
                          CONTAINER_MAX_MEMORY >> 20);
        return NULL;
    }
    void *memory = arena_alloc(&c->arena, size ? size : 1, 1);
    c->starved |= !memory;
    return memory;
}

const char *container_clean(struct container *c, const uint8_t *bytes, size_t size)
{
    char text[2 * CLEAN_BYTES + 4];
    size_t used = 0;
    bool latin = false;
    size = size < CLEAN_BYTES ? size : CLEAN_BYTES;
    for (int pass = 0; pass < 2; pass++) {
        used = 0;
        for (size_t i = 0; i < size;) {
            char sequence[5] = {0};
            memcpy(sequence, bytes + i, size - i < 4 ? size - i : 4);
            int length = bytes[i] < 0x80 ? 1 : latin ? 0 : text_utf8_length(sequence);
            if (length == 0 && !latin && size - i >= 4) {
                latin = true; /* no UTF-8: begin again */
                break;
            }
            if (bytes[i] < 0x20 || bytes[i] == 0x7F) {
                text[used++] = '?';
            } else if (length) {
                memcpy(text + used, bytes + i, (size_t)length);
                used += (size_t)length;
            } else {
                text[used++] = (char)(0xC0 | bytes[i] >> 6);
                text[used++] = (char)(0x80 | (bytes[i] & 0x3F));
            }
            i += length ? (size_t)length : 1;
        }
        if (!latin)
            break;
    }
    const char *kept = arena_strndup(&c->arena, text, used);
    c->starved |= !kept;
    return kept ? kept : "";
}

const char *container_name(struct container *c, const char *format, ...)
{
    char text[64];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const char *kept = arena_strdup(&c->arena, text);
    c->starved |= !kept;
    return kept ? kept : "";
}

struct container_block *container_add(struct container *c, enum block_kind kind, const char *name)
{
    if (c->blocks.count == CONTAINER_MAX_BLOCKS) {
        if (!c->full)
            container_note_at(c, 0, "more than %d blocks of metadata: the rest is left out", CONTAINER_MAX_BLOCKS);
        c->full = true;
        return NULL;
    }
    struct container_block *block = array_push(&c->blocks);
    c->starved |= !block;
    if (block)
        *block = (struct container_block){
            .kind = kind, .name = name, .keyword = "", .language = "", .translated = "", .whole = true};
    return block;
}

struct container_range container_range_of(const struct walk *w, const uint8_t *data, size_t size)
{
    return (struct container_range){w->start, w->whole, (uint64_t)(data - w->bytes), size};
}

void container_join(struct container *c, struct container_block *block, const struct container_range *ranges,
                    size_t count)
{
    uint64_t total = 0, most = block->kind == BLOCK_C2PA ? CONTAINER_MAX_C2PA_BYTES : CONTAINER_MAX_BLOCK_BYTES;
    size_t kept = 0;
    while (kept < count && kept < c->ranges_left && total + ranges[kept].data_size <= most)
        total += ranges[kept++].data_size;
    if (count == 1 && c->ranges_left) {
        total = ranges[0].data_size; /* one piece is not copied, so its size does not matter */
        kept = 1;
    }
    if (kept < count) {
        block->whole = false;
        container_note_at(c, ranges[kept].offset, "%s (%s): over the limit of %d MB or %d pieces", block->name,
                          block_kind_text(block->kind), (int)(most >> 20), CONTAINER_MAX_RANGES);
    }
    struct container_range *own = kept ? container_alloc(c, kept * sizeof *own) : NULL;
    uint8_t *copy = own && kept > 1 && total ? container_alloc(c, (size_t)total) : NULL;
    if (!own || (kept > 1 && total && !copy)) {
        block->whole = block->whole && count == 0;
        return;
    }
    memcpy(own, ranges, kept * sizeof *own);
    c->ranges_left -= kept;
    block->ranges = own;
    block->range_count = kept;
    block->size = (size_t)total;
    block->bytes = !total ? NULL : copy ? copy : c->bytes + own[0].data_offset;
    for (size_t i = 0; copy && i < kept; i++) {
        memcpy(copy, c->bytes + own[i].data_offset, (size_t)own[i].data_size);
        copy += own[i].data_size;
    }
}

struct container_block *container_add_piece(struct container *c, enum block_kind kind, const char *name,
                                            struct container_range range)
{
    struct container_block *block = container_add(c, kind, name);
    if (block)
        container_join(c, block, &range, 1);
    return block;
}

struct container_block *container_add_part(struct container *c, enum block_kind kind, const char *name,
                                           const struct container_block *parent, size_t at, size_t size)
{
    struct container_block *block = container_add(c, kind, name);
    struct container_range *own = block ? container_alloc(c, (parent->range_count + 1) * sizeof *own) : NULL;
    if (!own)
        return NULL;
    uint64_t begin = 0;
    for (size_t i = 0; i < parent->range_count && c->ranges_left; i++) {
        const struct container_range *r = &parent->ranges[i];
        uint64_t from = begin > at ? begin : at, end = begin + r->data_size, to = end < at + size ? end : at + size;
        if (from < to) {
            own[block->range_count++] =
                (struct container_range){r->offset, r->size, r->data_offset + from - begin, to - from};
            c->ranges_left--;
        }
        begin = end;
    }
    block->ranges = own;
    block->bytes = size ? parent->bytes + at : NULL;
    block->size = size;
    block->whole = parent->whole;
    return block;
}

#define TOO_MUCH_INFLATED "%s: more than %d MB when inflated: the rest is left out"

void container_inflate(struct container *c, struct container_block *block, const uint8_t *packed, size_t size)
{
    uint64_t offset = block->range_count ? block->ranges[0].offset : 0;
    if (c->inflated_left == 0) {
        container_note_at(c, offset, TOO_MUCH_INFLATED, block->name, CONTAINER_MAX_INFLATED >> 20);
        block->whole = false;
        return;
    }
    struct array out = array_of(1, c->inflated_left);
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)packed, .avail_in = size < UINT32_MAX ? (uInt)size : UINT32_MAX};
    uint8_t part[16384];
    int state = inflateInit(&stream);
    bool fits = true;
    if (state != Z_OK) {
        c->starved = true;
        return;
    }
    while (fits && (state = Z_OK) == Z_OK) {
        stream.next_out = part;
        stream.avail_out = sizeof part;
        state = inflate(&stream, Z_NO_FLUSH);
        size_t made = sizeof part - stream.avail_out;
        fits = array_append(&out, part, made);
        if (state != Z_OK || made == 0)
            break;
    }
    inflateEnd(&stream);
    uint8_t *copy = out.count ? container_alloc(c, out.count) : NULL;
    if (copy)
        memcpy(copy, out.data, out.count);
    block->bytes = copy;
    block->size = copy ? out.count : 0;
    if (!fits && out.count + sizeof part <= c->inflated_left)
        c->starved = true;
    else if (!fits)
        container_note_at(c, offset, TOO_MUCH_INFLATED, block->name, CONTAINER_MAX_INFLATED >> 20);
    else if (state != Z_STREAM_END)
        container_note_at(c, offset, "the packed data of %s are damaged", block->name);
    block->whole = block->whole && fits && state == Z_STREAM_END && (copy || !out.count);
    c->inflated_left -= fits ? out.count : c->inflated_left; /* what did not fit used it up */
    array_free(&out);
}

bool container_exif_begin(const uint8_t **bytes, size_t *size)
{
    if (walk_begins(*bytes, *size, "Exif\0", 6)) {
        *bytes += 6;
        *size -= 6;
    }
    return walk_begins(*bytes, *size, "II", 2) || walk_begins(*bytes, *size, "MM", 2);
}

static int by_place(const void *a, const void *b)
{
    const struct container_block *x = a, *y = b;
    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

assay_status container_read(const uint8_t *bytes, size_t size, struct container *out, struct assay_error *error)
{
    const char *other;
    *out = (struct container){.format = picture_sniff(bytes, size, &other),
                              .bytes = bytes,
                              .size = size,
                              .blocks = array_of(sizeof(struct container_block), CONTAINER_MAX_BLOCKS),
                              .notes = array_of(sizeof(struct container_note), CONTAINER_MAX_NOTES),
                              .ranges_left = CONTAINER_MAX_RANGES,
                              .inflated_left = CONTAINER_MAX_INFLATED};
    switch (out->format) {
    case PICTURE_JPEG: container_read_jpeg(out); break;
    case PICTURE_PNG: container_read_png(out); break;
    case PICTURE_WEBP: container_read_webp(out); break;
    case PICTURE_TIFF: container_read_tiff(out); break;
    case PICTURE_GIF: container_read_gif(out); break;
    case PICTURE_HEIF: container_read_bmff(out); break;
    case PICTURE_OTHER: break;
    }
    if (out->starved) {
        container_free(out);
        return error_memory(error, "a picture's metadata");
    }
    struct container_block *blocks = out->blocks.data;
    for (size_t i = 0; i < out->blocks.count; i++) {
        blocks[i].number = (unsigned)i;
        blocks[i].place = blocks[i].range_count ? blocks[i].ranges[0].offset : UINT64_MAX;
    }
    if (out->blocks.count)
        qsort(blocks, out->blocks.count, sizeof *blocks, by_place);
    return ASSAY_OK;
}

void container_free(struct container *container)
{
    arena_free(&container->arena);
    array_free(&container->blocks);
    array_free(&container->notes);
    *container = (struct container){.format = PICTURE_OTHER};
}

const struct container_block *container_next(const struct container *container, const struct container_block *after,
                                             enum block_kind kind)
{
    const struct container_block *blocks = container->blocks.data;
    for (size_t i = after ? (size_t)(after - blocks) + 1 : 0; i < container->blocks.count; i++)
        if (blocks[i].kind == kind)
            return &blocks[i];
    return NULL;
}

const char *block_kind_text(enum block_kind kind)
{
    static const char *const texts[BLOCK_KIND_COUNT] = {
        [BLOCK_C2PA] = "C2PA",   [BLOCK_XMP] = "XMP",         [BLOCK_XMP_EXTENDED] = "extended XMP",
        [BLOCK_EXIF] = "EXIF",   [BLOCK_ICC] = "ICC",         [BLOCK_IPTC] = "IPTC",
        [BLOCK_TEXT] = "text",   [BLOCK_COMMENT] = "comment", [BLOCK_PHOTOSHOP] = "Photoshop",
        [BLOCK_OTHER] = "other", [BLOCK_TRAILER] = "trailer",
    };
    return (unsigned)kind < BLOCK_KIND_COUNT ? texts[kind] : "other";
}
