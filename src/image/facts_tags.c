/* facts_tags.c - facts of TIFFs (the first directory) and of HEIC and AVIF (the boxes below `meta`). */
#include "image/facts_internal.h"

/* ---- TIFF, and its larger brother BigTIFF ---------------------------------------------------------------------- */

struct tiff {
    const uint8_t *bytes;
    size_t size;
    bool big_endian, big;
};

static uint64_t number(const struct tiff *t, uint64_t at, unsigned width)
{
    return walk_number(t->bytes, t->size, at, width, t->big_endian);
}

void facts_read_tiff(const uint8_t *bytes, size_t size, struct picture_facts *out)
{
    struct tiff t = {bytes, size, size > 0 && bytes[0] == 'M', false};
    t.big = number(&t, 2, 2) == 43;
    unsigned word = t.big ? 8 : 4, entry_size = t.big ? 20 : 12;
    uint64_t at = number(&t, t.big ? 8 : 4, word), count = number(&t, at, t.big ? 8 : 2);
    at += t.big ? 8 : 2;
    for (uint64_t i = 0; i < count && at < size && size - at >= entry_size; i++, at += entry_size) {
        uint64_t tag = number(&t, at, 2), kind = number(&t, at + 2, 2);
        uint64_t value = number(&t, at + 4 + word, kind == 3 ? 2 : 4); /* 3: 16 bits */
        switch (tag) {
        case 256: out->width = (uint32_t)value; break;
        case 257: out->height = (uint32_t)value; break;
        case 270: /* description */
        case 33723: /* IPTC */ out->metadata |= METADATA_TEXT; break;
        case 700: out->metadata |= METADATA_XMP; break;
        case 34665: out->metadata |= METADATA_EXIF; break;
        case 34675: out->metadata |= METADATA_ICC; break;
        default: break;
        }
    }
}

/* ---- HEIC and AVIF ---------------------------------------------------------------------------------------------- */

enum { BOX_DEPTH = 6 };

/* An entry of the item information: what an item is. */
static void read_item(const struct walk *box, struct picture_facts *out)
{
    size_t at = box->length && box->data[0] >= 3 ? 10 : 8; /* version and flags, id (2 or 4 bytes), protection */
    if (box->length < at + 4)
        return;
    if (memcmp(box->data + at, "Exif", 4) == 0)
        out->metadata |= METADATA_EXIF;
    else if (memcmp(box->data + at, "mime", 4) == 0)
        out->metadata |= METADATA_XMP; /* the one kind of attachment that is in use */
}

/* The largest size that is stated is the whole picture's; others are of its tiles and of the small preview. */
static void read_extent(const struct walk *box, struct picture_facts *out)
{
    if (box->length < 12)
        return;
    uint32_t width = walk_be32(box->data + 4), height = walk_be32(box->data + 8);
    if ((uint64_t)width * height > (uint64_t)out->width * out->height) {
        out->width = width;
        out->height = height;
    }
}

static void read_boxes(const uint8_t *bytes, size_t size, int depth, struct picture_facts *out)
{
    struct walk box = {.bytes = bytes, .size = size};
    while (walk_boxes(&box)) {
        /* where the boxes inside begin: after version and flags, and a count */
        size_t inside = walk_is(&box, "meta")                            ? 4
                        : walk_is(&box, "iprp") || walk_is(&box, "ipco") ? 0
                        : walk_is(&box, "iinf") && box.length            ? (box.data[0] ? 8 : 6)
                                                                         : box.length + 1;
        if (walk_is(&box, "infe"))
            read_item(&box, out);
        else if (walk_is(&box, "ispe"))
            read_extent(&box, out);
        else if (walk_is(&box, "colr") &&
                 (walk_begins(box.data, box.length, "prof", 4) || walk_begins(box.data, box.length, "rICC", 4)))
            out->metadata |= METADATA_ICC;
        else if (walk_is(&box, "jumb"))
            out->metadata |= METADATA_C2PA;
        else if (inside <= box.length && depth < BOX_DEPTH)
            read_boxes(box.data + inside, box.length - inside, depth + 1, out);
    }
}

void facts_read_heif(const uint8_t *bytes, size_t size, struct picture_facts *out)
{
    read_boxes(bytes, size, 0, out);
}
