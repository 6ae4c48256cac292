/* container_bmff.c - boxes and items of HEIC and AVIF (ISO/IEC 14496-12 and 23008-12): EXIF and XMP are items, whose
 * places another box lists; colour profiles are properties; C2PA has a box of its own at the top. */
#include "provenance/container_internal.h"

enum { MAX_ITEMS = 4096, MAX_EXTENTS = 65536 };

struct item {
    uint32_t id;
    char type[5];
    const uint8_t *content_type; /* of type "mime" */
    size_t content_type_size;
    struct container_range range; /* the box that names it */
    bool placed;
};

struct meta {
    struct container *c;
    struct array items;
    struct walk places, data; /* `iloc` and `idat`; data NULL: there is none */
    size_t boxes;
};

/* C2PA 2.1, appendix A.5: a `uuid` box: 16 bytes that name C2PA, version and flags, the purpose with its NUL, for a
 * manifest an offset of 8 bytes, then JUMBF. */
static void read_uuid(struct container *c, const struct walk *w)
{
    static const uint8_t c2pa[16] = {0xD8, 0xFE, 0xC3, 0xD6, 0x1B, 0x0E, 0x48, 0x3C,
                                     0x92, 0x97, 0x58, 0x28, 0x87, 0x7E, 0xC4, 0x81};
    static const uint8_t xmp[16] = {0xBE, 0x7A, 0xCF, 0xCB, 0x97, 0xA9, 0x42, 0xE8,
                                    0x9C, 0x71, 0x99, 0x94, 0x91, 0xE3, 0xAF, 0xAC};
    enum block_kind kind = BLOCK_OTHER;
    const uint8_t *data = w->data;
    size_t size = w->length;
    const char *purpose = "";
    if (size >= 16 && memcmp(data, xmp, 16) == 0) {
        kind = BLOCK_XMP;
        data += 16;
        size -= 16;
    } else if (size >= 20 && memcmp(data, c2pa, 16) == 0) {
        const uint8_t *nul = memchr(data + 20, 0, size - 20);
        size_t head = nul ? (size_t)(nul + 1 - data) : size;
        purpose = container_clean(c, data + 20, head - 20 - (nul ? 1 : 0));
        bool manifest =
            strcmp(purpose, "manifest") == 0 || strcmp(purpose, "original") == 0 || strcmp(purpose, "update") == 0;
        if (manifest && size - head >= 8) {
            kind = BLOCK_C2PA;
            data += head + 8;
            size -= head + 8;
        } else {
            container_note_at(c, w->start, "a C2PA box holds no manifest");
        }
    }
    struct container_block *block = container_add_piece(c, kind, "uuid", container_range_of(w, data, size));
    if (block)
        block->keyword = purpose;
    if (block && w->state == WALK_CUT)
        block->whole = false;
}

/* `infe`: version and flags, number (2 bytes, 4 from version 3), protection, type, name with its NUL, content type. */
static void read_item(struct meta *m, const struct walk *w)
{
    size_t at = w->length && w->data[0] >= 3 ? 8 : 6;
    if (w->length < at + 6 || w->data[0] < 2)
        return;
    struct item *item = array_push(&m->items);
    if (!item) {
        m->c->starved |= m->items.count < MAX_ITEMS;
        return;
    }
    item->id = at == 8 ? walk_be32(w->data + 4) : walk_be16(w->data + 4);
    memcpy(item->type, w->data + at + 2, 4);
    item->range = container_range_of(w, w->data, w->length);
    const uint8_t *name = w->data + at + 6, *end = w->data + w->length;
    const uint8_t *nul = name < end ? memchr(name, 0, (size_t)(end - name)) : NULL;
    const uint8_t *second = nul && nul + 1 < end ? memchr(nul + 1, 0, (size_t)(end - nul - 1)) : NULL;
    if (nul) {
        item->content_type = nul + 1;
        item->content_type_size = (size_t)((second ? second : end) - nul - 1);
    }
}

static void read_properties(struct meta *m, const uint8_t *bytes, size_t size, bool inner)
{
    size_t base = (size_t)(bytes - m->c->bytes);
    struct walk w = {.bytes = m->c->bytes, .size = base + size, .at = base};
    while (m->boxes < CONTAINER_MAX_BOXES && walk_boxes(&w)) {
        m->boxes++;
        if (walk_is(&w, "ipco") && !inner)
            read_properties(m, w.data, w.length, true);
        else if (walk_is(&w, "colr") &&
                 (walk_begins(w.data, w.length, "prof", 4) || walk_begins(w.data, w.length, "rICC", 4)))
            container_add_piece(m->c, BLOCK_ICC, "colr", container_range_of(&w, w.data + 4, w.length - 4));
    }
}

/* ---- where items lie ---- */

struct places {
    const uint8_t *p, *end;
    bool cut;
};

static uint64_t take(struct places *s, unsigned width)
{
    uint64_t value = 0;
    if ((size_t)(s->end - s->p) < width) {
        s->cut = true;
        s->p = s->end;
        return 0;
    }
    for (unsigned i = 0; i < width; i++)
        value = value << 8 | *s->p++;
    return value;
}

static struct item *item_of(struct meta *m, uint32_t id)
{
    struct item *items = m->items.data;
    for (size_t i = 0; i < m->items.count; i++)
        if (items[i].id == id && !items[i].placed)
            return &items[i];
    return NULL;
}

static bool is_metadata(const struct item *item)
{
    return item &&
           (strcmp(item->type, "Exif") == 0 || strcmp(item->type, "mime") == 0 || strcmp(item->type, "uri ") == 0);
}

static void emit(struct meta *m, struct item *item, struct container_range *ranges, size_t count, bool whole)
{
    struct container *c = m->c;
    bool xmp = strcmp(item->type, "mime") == 0 && item->content_type_size == 19 &&
               memcmp(item->content_type, "application/rdf+xml", 19) == 0;
    enum block_kind kind = xmp ? BLOCK_XMP : strcmp(item->type, "Exif") == 0 ? BLOCK_EXIF : BLOCK_OTHER;
    if (kind == BLOCK_EXIF && count &&
        ranges[0].data_size >= 4) { /* first the distance to the TIFF head: "Exif\0\0" or nothing */
        uint64_t skip = 4 + (uint64_t)walk_be32(c->bytes + ranges[0].data_offset);
        if (skip > ranges[0].data_size)
            kind = BLOCK_OTHER;
        else {
            ranges[0].data_offset += skip;
            ranges[0].data_size -= skip;
        }
    }
    struct container_block *block = container_add(c, kind, container_name(c, "item %u", (unsigned)item->id));
    if (!block)
        return;
    container_join(c, block, ranges, count);
    block->whole = block->whole && whole;
    block->keyword = item->content_type_size && !xmp ? container_clean(c, item->content_type, item->content_type_size)
                                                     : container_clean(c, (const uint8_t *)item->type, 4);
    const uint8_t *bytes = block->bytes;
    size_t size = block->size;
    if (kind == BLOCK_EXIF && container_exif_begin(&bytes, &size)) {
        block->bytes = bytes;
        block->size = size;
    } else if (kind == BLOCK_EXIF) {
        block->kind = BLOCK_OTHER;
    }
    if (!whole)
        container_note_at(c, item->range.offset, "item %u lies outside of the file", (unsigned)item->id);
}

/* Reads one entry's extents; those of metadata become a block. */
static void place_item(struct meta *m, struct places *s, const unsigned widths[4], int version)
{
    struct item *item = item_of(m, (uint32_t)take(s, version < 2 ? 2 : 4));
    unsigned method = version ? (unsigned)take(s, 2) & 15 : 0;
    take(s, 2); /* data reference */
    uint64_t base = take(s, widths[2]), count = take(s, 2);
    struct array ranges = array_of(sizeof(struct container_range), MAX_EXTENTS);
    const uint8_t *from = method == 0 ? m->c->bytes : method == 1 ? m->data.data : NULL;
    uint64_t room = method == 0 ? m->c->size : method == 1 && from ? m->data.length : 0, shift = 0;
    bool whole = from != NULL;
    if (method == 1 && from)
        shift = (uint64_t)(from - m->c->bytes);
    for (uint64_t i = 0; i < count && !s->cut; i++) {
        take(s, version ? widths[3] : 0);
        uint64_t offset = take(s, widths[0]), length = take(s, widths[1]);
        if (!is_metadata(item) || s->cut)
            continue;
        bool inside = base <= room && offset <= room - base;
        uint64_t rest = inside ? room - base - offset : 0;
        if (inside && length == 0 && count == 1)
            length = rest; /* as far as it goes */
        whole &= inside && length <= rest;
        length = length < rest ? length : rest;
        struct container_range range = {shift + base + offset, length, shift + base + offset, length};
        if (inside && length && !array_append(&ranges, &range, 1))
            m->c->starved |= ranges.count < MAX_EXTENTS;
    }
    if (is_metadata(item) && !m->c->full) {
        item->placed = true;
        emit(m, item, ranges.data, ranges.count, whole && !s->cut);
    }
    array_free(&ranges);
}

static void read_places(struct meta *m)
{
    const struct walk *w = &m->places;
    if (!w->data || w->length < 6)
        return;
    struct places s = {w->data + 4, w->data + w->length, false};
    int version = w->data[0];
    unsigned first = (unsigned)take(&s, 1), second = (unsigned)take(&s, 1);
    unsigned widths[4] = {first >> 4, first & 15, second >> 4, second & 15}; /* offset, length, base, index */
    for (int i = 0; i < 4; i++)
        s.cut |= widths[i] > 8;
    uint64_t count = s.cut || version > 2 ? 0 : take(&s, version < 2 ? 2 : 4);
    for (uint64_t i = 0; i < count && !s.cut && !m->c->full; i++)
        place_item(m, &s, widths, version);
    if (s.cut)
        container_note_at(m->c, w->start, "the list of where items lie (iloc) is damaged");
}

static void read_meta(struct container *c, const struct walk *box)
{
    struct meta m = {.c = c, .items = array_of(sizeof(struct item), MAX_ITEMS)};
    if (box->length < 4)
        return;
    size_t base = (size_t)(box->data - c->bytes);
    struct walk w = {.bytes = c->bytes, .size = base + box->length, .at = base + 4};
    while (m.boxes++ < CONTAINER_MAX_BOXES && walk_boxes(&w)) {
        if (walk_is(&w, "iinf") && w.length >= 6) {
            size_t first = (size_t)(w.data - c->bytes) + (w.data[0] ? 8 : 6);
            struct walk entry = {.bytes = c->bytes, .size = (size_t)(w.data - c->bytes) + w.length, .at = first};
            while (m.boxes++ < CONTAINER_MAX_BOXES && walk_boxes(&entry))
                if (walk_is(&entry, "infe"))
                    read_item(&m, &entry);
        } else if (walk_is(&w, "iloc")) {
            m.places = w;
        } else if (walk_is(&w, "idat")) {
            m.data = w;
        } else if (walk_is(&w, "iprp")) {
            read_properties(&m, w.data, w.length, false);
        }
    }
    if (w.state == WALK_BAD || w.state == WALK_CUT)
        container_note_at(c, w.at, "the box meta is damaged");
    if (m.boxes >= CONTAINER_MAX_BOXES)
        container_note_at(c, box->start, "more than %d boxes: the rest is left out", CONTAINER_MAX_BOXES);
    read_places(&m);
    array_free(&m.items);
}

void container_read_bmff(struct container *c)
{
    struct walk w = {.bytes = c->bytes, .size = c->size};
    size_t boxes = 0;
    bool more;
    while ((more = walk_boxes(&w)) || (w.state == WALK_CUT && w.whole)) {
        if (boxes++ == CONTAINER_MAX_BOXES) {
            container_note_at(c, w.start, "more than %d boxes: the rest is left out", CONTAINER_MAX_BOXES);
            break;
        }
        if (!more)
            container_note_at(c, w.start, "the box %s is cut off", container_clean(c, w.type, 4));
        if (walk_is(&w, "uuid")) {
            read_uuid(c, &w);
        } else {
            struct container_block *block = container_add_piece(c, BLOCK_OTHER, container_clean(c, w.type, 4),
                                                                container_range_of(&w, w.data, w.length));
            if (block)
                block->whole = more;
            if (walk_is(&w, "meta"))
                read_meta(c, &w);
            else if (walk_is(&w, "jumb"))
                container_add_piece(c, BLOCK_C2PA, "jumb", container_range_of(&w, w.bytes + w.start, w.whole));
        }
        if (!more || c->full)
            break;
    }
    if (w.state == WALK_BAD)
        container_note_at(c, w.at, "a box has a length that cannot be");
}
