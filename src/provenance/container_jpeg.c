/* container_jpeg.c - segments of a JPEG, those that belong together put together: JUMBF by box instance and sequence
 * (ISO/IEC 19566-5, D.2), ICC profiles by number, extended XMP by GUID and offset (XMP part 3, 1.1.3.1), long EXIF and
 * Photoshop resources in the order of the file. */
#include <stdio.h>
#include <stdlib.h>

#include "provenance/container_internal.h"

/* One segment, or what of it counts. Pieces of one kind and key are one block. */
struct piece {
    enum block_kind kind;
    uint8_t key[32];  /* GUID, box instance */
    uint64_t order;   /* inside the block */
    uint64_t claimed; /* what the segment says of the whole block: its length, or for ICC the number of segments */
    uint8_t repeated; /* bytes at the front that count in the first piece alone */
    size_t index;     /* in the file */
    int marker;
    bool alone, cut;
    struct container_range range;
};

#define XMP_HEAD "http://ns.adobe.com/xap/1.0/"
#define EXTENDED_HEAD "http://ns.adobe.com/xmp/extension/"
#define BEGINS(w, text) walk_begins((w)->data, (w)->length, text, sizeof(text))

enum { EXTENDED_HEAD_BYTES = sizeof EXTENDED_HEAD + 40, ICC_HEAD_BYTES = 14, JUMBF_HEAD_BYTES = 8 };

static void set(struct piece *piece, const struct walk *w, enum block_kind kind, size_t skip, bool alone)
{
    piece->kind = kind;
    piece->alone = alone;
    piece->range = container_range_of(w, w->data + skip, w->length - skip);
}

/* APP11: "JP", box instance (2 bytes), sequence (4), then the box's length and type, repeated in every segment. */
static void read_jumbf(struct piece *piece, const struct walk *w)
{
    const uint8_t *box = w->data + JUMBF_HEAD_BYTES;
    size_t rest = w->length - JUMBF_HEAD_BYTES;
    piece->repeated = 8;
    piece->claimed = walk_be32(box);
    if (piece->claimed == 1 && rest >= 16) {
        piece->claimed = walk_be64(box + 8);
        piece->repeated = 16;
    }
    memcpy(piece->key, w->data + 2, 2);
    piece->order = walk_be32(w->data + 4);
    set(piece, w, BLOCK_C2PA, JUMBF_HEAD_BYTES, false);
}

static void read_piece(struct piece *piece, const struct walk *w, bool exif_begun)
{
    const uint8_t *tiff = w->data;
    size_t tiff_size = w->length;
    set(piece, w, BLOCK_OTHER, 0, true);
    if (w->marker == 0xFE) {
        piece->kind = BLOCK_COMMENT;
    } else if (w->marker == 0xE1 && BEGINS(w, "Exif\0")) {
        bool begins = container_exif_begin(&tiff, &tiff_size);
        if (begins || exif_begun) /* what does not begin as EXIF goes on with the one before */
            set(piece, w, BLOCK_EXIF, 6, false);
        piece->order = piece->index;
    } else if (w->marker == 0xE1 && BEGINS(w, XMP_HEAD)) {
        set(piece, w, BLOCK_XMP, sizeof XMP_HEAD, true);
    } else if (w->marker == 0xE1 && BEGINS(w, EXTENDED_HEAD) && w->length >= EXTENDED_HEAD_BYTES) {
        memcpy(piece->key, w->data + sizeof EXTENDED_HEAD, 32);
        piece->claimed = walk_be32(w->data + sizeof EXTENDED_HEAD + 32);
        piece->order = walk_be32(w->data + sizeof EXTENDED_HEAD + 36);
        set(piece, w, BLOCK_XMP_EXTENDED, EXTENDED_HEAD_BYTES, false);
    } else if (w->marker == 0xE2 && BEGINS(w, "ICC_PROFILE") && w->length >= ICC_HEAD_BYTES) {
        piece->order = w->data[12];
        piece->claimed = w->data[13];
        set(piece, w, BLOCK_ICC, ICC_HEAD_BYTES, false);
    } else if (w->marker == 0xEB && w->length >= JUMBF_HEAD_BYTES + 8 && memcmp(w->data, "JP", 2) == 0 &&
               memcmp(w->data + JUMBF_HEAD_BYTES + 4, "jumb", 4) == 0) {
        read_jumbf(piece, w);
    } else if (w->marker == 0xED && BEGINS(w, "Photoshop 3.0")) {
        piece->order = piece->index;
        set(piece, w, BLOCK_PHOTOSHOP, sizeof "Photoshop 3.0", false);
    }
}

static int compare(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    int keys = x->alone || y->alone ? 0 : memcmp(x->key, y->key, sizeof x->key);
    if (keys)
        return keys;
    if (!x->alone && x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

/* How many of the pieces follow each other as they should; says what is wrong with the block. */
static size_t follow(const struct piece *pieces, size_t count, uint64_t total, const char **wrong)
{
    size_t good = 1;
    uint64_t reached = pieces[0].range.data_size;
    enum block_kind kind = pieces[0].kind;
    *wrong = NULL;
    if (kind == BLOCK_XMP_EXTENDED && pieces[0].order != 0) {
        *wrong = "its beginning is missing";
        return 0;
    }
    for (; good < count; good++) {
        uint64_t due = kind == BLOCK_XMP_EXTENDED ? reached : pieces[good - 1].order + 1;
        if ((kind == BLOCK_XMP_EXTENDED || kind == BLOCK_C2PA || kind == BLOCK_ICC) && pieces[good].order != due) {
            *wrong = pieces[good].order < due ? "pieces of it are there twice or overlap" : "pieces of it are missing";
            return good;
        }
        reached += pieces[good].range.data_size;
    }
    if (kind == BLOCK_ICC && (pieces[0].order != 1 || pieces[0].claimed != count))
        *wrong = "pieces of it are missing";
    else if (kind == BLOCK_XMP_EXTENDED && pieces[0].claimed != total)
        *wrong = "its length is not the one that is stated";
    else if (kind == BLOCK_C2PA && pieces[0].claimed && pieces[0].claimed != total)
        *wrong = pieces[0].claimed > total ? "it ends before its stated length" : "it goes on after its stated length";
    return good;
}

static void emit(struct container *c, struct piece *pieces, size_t count, struct container_range *ranges)
{
    const char *wrong;
    uint64_t total = 0;
    bool cut = false;
    for (size_t i = 0; i < count; i++) {
        uint64_t skip = i == 0 ? 0 : pieces[i].repeated; /* no piece is shorter than that */
        pieces[i].range.data_offset += skip;
        pieces[i].range.data_size -= skip;
        total += pieces[i].range.data_size;
        cut |= pieces[i].cut;
    }
    size_t good = follow(pieces, count, total, &wrong);
    int marker = pieces[0].marker;
    const char *name = marker == 0xFE ? "COM" : container_name(c, "APP%d", marker - 0xE0);
    struct container_block *block = container_add(c, pieces[0].kind, name);
    if (!block)
        return;
    if (block->kind == BLOCK_OTHER) {
        const uint8_t *data = c->bytes + pieces[0].range.data_offset;
        size_t length = 0, most = pieces[0].range.data_size < 40 ? (size_t)pieces[0].range.data_size : 40;
        while (length < most && data[length] >= 0x20 && data[length] < 0x7F)
            length++;
        block->keyword = container_clean(c, data, length);
    } else if (block->kind == BLOCK_XMP_EXTENDED) {
        block->keyword = container_clean(c, pieces[0].key, sizeof pieces[0].key);
    }
    for (size_t i = 0; i < good; i++)
        ranges[i] = pieces[i].range;
    container_join(c, block, ranges, good);
    if (wrong)
        container_note_at(c, pieces[0].range.offset, "%s (%s): %s", name, block_kind_text(block->kind), wrong);
    block->whole = block->whole && !wrong && !cut;
    if (block->kind == BLOCK_PHOTOSHOP) {
        struct container_block resources = *block;
        container_read_photoshop(c, &resources);
    }
}

void container_read_jpeg(struct container *c)
{
    struct array pieces = array_of(sizeof(struct piece), CONTAINER_MAX_RANGES);
    struct walk w = {.bytes = c->bytes, .size = c->size, .at = 2};
    bool exif_begun = false, more;
    while ((more = walk_jpeg(&w)) || (w.state == WALK_CUT && w.whole)) {
        if (!more)
            container_note_at(c, w.start, "the segment 0x%02X is cut off", (unsigned)w.marker);
        bool application = (w.marker & 0xF0) == 0xE0;
        if (!application && w.marker != 0xFE) {
            if (!more)
                break;
            continue;
        }
        struct piece *piece = pieces.count < CONTAINER_MAX_RANGES ? array_push(&pieces) : NULL;
        if (!piece) {
            if (pieces.count == CONTAINER_MAX_RANGES)
                container_note_at(c, w.start, "more than %d segments: the rest is left out", CONTAINER_MAX_RANGES);
            else
                c->starved = true;
            break;
        }
        *piece = (struct piece){.index = pieces.count, .marker = w.marker, .cut = !more};
        read_piece(piece, &w, exif_begun);
        exif_begun |= piece->kind == BLOCK_EXIF;
        if (!more)
            break;
    }
    if (w.state == WALK_BAD)
        container_note_at(c, w.at, "a segment has a length of less than 2");
    else if (w.state == WALK_CUT && !w.whole)
        container_note_at(c, w.at < c->size ? w.at : c->size, "the JPEG ends before its first scan");
    struct piece *all = pieces.data;
    struct container_range *ranges = pieces.count ? container_alloc(c, pieces.count * sizeof *ranges) : NULL;
    if (ranges) {
        qsort(all, pieces.count, sizeof *all, compare);
        for (size_t i = 0, count; i < pieces.count; i += count) {
            count = 1;
            while (!all[i].alone && i + count < pieces.count && all[i + count].kind == all[i].kind &&
                   memcmp(all[i].key, all[i + count].key, sizeof all[i].key) == 0)
                count++;
            emit(c, all + i, count, ranges);
        }
    }
    array_free(&pieces);
}
