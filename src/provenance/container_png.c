/* container_png.c - chunks of a PNG (ISO/IEC 15948, and extensions registered since): C2PA, EXIF, colour profile,
 * texts; and the "Raw profile type" texts in which ImageMagick keeps other formats' metadata, as hexadecimal digits. */
#include <zlib.h>

#include "provenance/container_internal.h"

/* Where the NUL of a text is, searched from `at`; `size` if there is none. */
static size_t text_end(const uint8_t *data, size_t size, size_t at)
{
    const uint8_t *nul = at < size ? memchr(data + at, 0, size - at) : NULL;
    return nul ? (size_t)(nul - data) : size;
}

static int digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* "\nexif\n      42\n4578...": a name, the number of bytes, their digits in lines. Becomes a block of another kind. */
static void read_raw_profile(struct container *c, struct container_block *block)
{
    static const struct {
        const char *type;
        enum block_kind kind;
    } types[] = {{"exif", BLOCK_EXIF}, {"APP1", BLOCK_EXIF}, {"xmp", BLOCK_XMP},       {"icc", BLOCK_ICC},
                 {"icm", BLOCK_ICC},   {"iptc", BLOCK_IPTC}, {"8bim", BLOCK_PHOTOSHOP}};
    const char *type = block->keyword + sizeof "Raw profile type " - 1;
    size_t which = 0, at = 0, made = 0;
    while (which < sizeof types / sizeof types[0] && strcmp(types[which].type, type) != 0)
        which++;
    for (int lines = 0; lines < 3 && at < block->size; at++) /* before the first line, its end, and the number's */
        lines += block->bytes[at] == '\n';
    uint8_t *out = which < sizeof types / sizeof types[0] ? container_alloc(c, block->size / 2 + 1) : NULL;
    if (!out)
        return;
    for (int high = -1; at < block->size; at++) {
        int value = digit(block->bytes[at]);
        if (value >= 0 && high < 0) {
            high = value;
        } else if (value >= 0) {
            out[made++] = (uint8_t)(high << 4 | value);
            high = -1;
        }
    }
    const uint8_t *bytes = out;
    enum block_kind kind = types[which].kind;
    if (kind == BLOCK_EXIF && walk_begins(out, made, "http://ns.adobe.com/xap/1.0/", 29)) {
        kind = BLOCK_XMP;
        bytes += 29;
        made -= 29;
    } else if (kind == BLOCK_EXIF && !container_exif_begin(&bytes, &made)) {
        return;
    } else if (kind == BLOCK_IPTC && walk_begins(out, made, "8BIM", 4)) {
        kind = BLOCK_PHOTOSHOP;
    }
    block->kind = kind;
    block->bytes = bytes;
    block->size = made;
    block->charset = CHARSET_UNKNOWN;
    if (kind == BLOCK_PHOTOSHOP) {
        struct container_block resources = *block;
        container_read_photoshop(c, &resources);
    }
}

static void read_text(struct container *c, const struct walk *w, const char *name)
{
    bool international = w->type[0] == 'i', packed = w->type[0] == 'z';
    size_t keyword = text_end(w->data, w->length, 0), at = keyword + 1;
    struct container_block *block = container_add_piece(c, BLOCK_TEXT, name, container_range_of(w, w->data, 0));
    if (!block)
        return;
    block->keyword = container_clean(c, w->data, keyword);
    block->charset = international ? CHARSET_UTF8 : CHARSET_LATIN1;
    if (international && at + 2 <= w->length) {
        packed = w->data[at] == 1;
        size_t language = at + 2, translated = text_end(w->data, w->length, language) + 1;
        block->language = container_clean(c, w->data + language, translated - 1 - language);
        at = text_end(w->data, w->length, translated) + 1;
        if (translated < w->length)
            block->translated = container_clean(c, w->data + translated, at - 1 - translated);
    } else if (packed) {
        at++; /* the method, of which there is one */
    }
    if (at > w->length) {
        block->whole = keyword + 1 == w->length && w->type[0] == 't';
        if (!block->whole)
            container_note_at(c, w->start, "the text chunk \"%s\" has no text", block->keyword);
        return;
    }
    struct container_range *range = (struct container_range *)(uintptr_t)block->ranges; /* our own, still empty */
    if (range) {
        range->data_offset = (uint64_t)(w->data - w->bytes) + at;
        range->data_size = w->length - at;
    }
    block->bytes = w->length > at ? w->data + at : NULL;
    block->size = w->length - at;
    if (packed)
        container_inflate(c, block, w->data + at, w->length - at);
    if (strcmp(block->keyword, "XML:com.adobe.xmp") == 0)
        block->kind = BLOCK_XMP;
    else if (strncmp(block->keyword, "Raw profile type ", 17) == 0)
        read_raw_profile(c, block);
}

static void read_profile(struct container *c, const struct walk *w)
{
    size_t name = text_end(w->data, w->length, 0), at = name + 2; /* NUL, method */
    size_t packed = at < w->length ? w->length - at : 0;
    struct container_block *block =
        container_add_piece(c, BLOCK_ICC, "iCCP", container_range_of(w, w->data + w->length - packed, packed));
    if (!block)
        return;
    block->keyword = container_clean(c, w->data, name);
    container_inflate(c, block, w->data + w->length - packed, packed);
}

static bool is_pixels(const struct walk *w)
{
    return walk_is(w, "IDAT") || walk_is(w, "IHDR") || walk_is(w, "IEND") || walk_is(w, "PLTE") || walk_is(w, "fdAT") ||
           walk_is(w, "fcTL");
}

static void read_chunk(struct container *c, const struct walk *w)
{
    const char *name = container_clean(c, w->type, 4);
    const uint8_t *data = w->data;
    size_t size = w->length;
    if (walk_is(w, "tEXt") || walk_is(w, "zTXt") || walk_is(w, "iTXt"))
        read_text(c, w, name);
    else if (walk_is(w, "iCCP"))
        read_profile(c, w);
    else if (walk_is(w, "eXIf") && container_exif_begin(&data, &size))
        container_add_piece(c, BLOCK_EXIF, name, container_range_of(w, data, size));
    else
        container_add_piece(c, walk_is(w, "caBX") ? BLOCK_C2PA : BLOCK_OTHER, name, container_range_of(w, data, size));
}

void container_read_png(struct container *c)
{
    struct walk w = {.bytes = c->bytes, .size = c->size, .at = 8};
    bool more;
    while ((more = walk_png(&w)) || (w.state == WALK_CUT && w.whole)) {
        if (!is_pixels(&w)) {
            size_t before = c->blocks.count;
            bool sound =
                more && crc32(crc32(0, NULL, 0), w.data - 4, (uInt)(w.length + 4)) == walk_be32(w.data + w.length);
            read_chunk(c, &w);
            if (!sound)
                container_note_at(c, w.start,
                                  more ? "the checksum of the chunk %s is wrong" : "the chunk %s is cut off",
                                  container_clean(c, w.type, 4));
            for (size_t i = before; i < c->blocks.count && !sound; i++)
                ((struct container_block *)c->blocks.data)[i].whole = false;
        } else if (!more) {
            container_note_at(c, w.start, "the picture's data are cut off");
        }
        if (!more || c->full)
            break;
    }
    if (w.state == WALK_CUT && !w.whole)
        container_note_at(c, c->size, "the PNG ends without its end mark");
    if (w.state == WALK_END && w.at < c->size)
        container_add_piece(c, BLOCK_TRAILER, "trailer",
                            (struct container_range){w.at, c->size - w.at, w.at, c->size - w.at});
}
