/* facts_tags.c - facts of TIFFs (the first directory) and of HEIC and AVIF (the boxes below `meta`). */
#include "image/facts_internal.h"

/* ---- TIFF, and its larger brother BigTIFF ---------------------------------------------------------------------- */

struct tiff {
    const uint8_t *bytes;
    size_t size;
    bool big_endian, big;
};

/* A number of `width` bytes at `at`; 0 where it lies outside. */
static uint64_t number(const struct tiff *t, uint64_t at, unsigned width)
{
    uint64_t value = 0;
    if (at > t->size || t->size - at < width)
        return 0;
    for (unsigned i = 0; i < width; i++)
        value = value << 8 | t->bytes[at + (t->big_endian ? i : width - 1 - i)];
    return value;
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

struct box {
    const uint8_t *type, *content;
    size_t size; /* of the content */
};

/* The box at the beginning of `bytes`; false where there is none. *used: its length. */
static bool next_box(const uint8_t *bytes, size_t size, struct box *out, size_t *used)
{
    if (size < 8)
        return false;
    uint64_t length = facts_be32(bytes);
    size_t head = 8;
    if (length == 1 && size >= 16) {
        length = (uint64_t)facts_be32(bytes + 8) << 32 | facts_be32(bytes + 12);
        head = 16;
    } else if (length == 0) {
        length = size;
    }
    if (length < head || length > size)
        return false;
    *out = (struct box){bytes + 4, bytes + head, (size_t)length - head};
    *used = (size_t)length;
    return true;
}

static bool is(const struct box *box, const char *type)
{
    return memcmp(box->type, type, 4) == 0;
}

/* An entry of the item information: what an item is. */
static void read_item(const struct box *box, struct picture_facts *out)
{
    size_t at = box->size && box->content[0] >= 3 ? 10 : 8; /* version and flags, id (2 or 4 bytes), protection */
    if (box->size < at + 4)
        return;
    if (memcmp(box->content + at, "Exif", 4) == 0)
        out->metadata |= METADATA_EXIF;
    else if (memcmp(box->content + at, "mime", 4) == 0)
        out->metadata |= METADATA_XMP; /* the one kind of attachment that is in use */
}

/* The largest size that is stated is the whole picture's; others are of its tiles and of the small preview. */
static void read_extent(const struct box *box, struct picture_facts *out)
{
    if (box->size < 12)
        return;
    uint32_t width = facts_be32(box->content + 4), height = facts_be32(box->content + 8);
    if ((uint64_t)width * height > (uint64_t)out->width * out->height) {
        out->width = width;
        out->height = height;
    }
}

static void read_boxes(const uint8_t *bytes, size_t size, int depth, struct picture_facts *out)
{
    struct box box;
    size_t used;
    for (; next_box(bytes, size, &box, &used); bytes += used, size -= used) {
        /* where the boxes inside begin: after version and flags, and a count */
        size_t inside = is(&box, "meta")                       ? 4
                        : is(&box, "iprp") || is(&box, "ipco") ? 0
                        : is(&box, "iinf") && box.size         ? (box.content[0] ? 8 : 6)
                                                               : box.size + 1;
        if (is(&box, "infe"))
            read_item(&box, out);
        else if (is(&box, "ispe"))
            read_extent(&box, out);
        else if (is(&box, "colr") &&
                 (facts_begin(box.content, box.size, "prof", 4) || facts_begin(box.content, box.size, "rICC", 4)))
            out->metadata |= METADATA_ICC;
        else if (is(&box, "jumb"))
            out->metadata |= METADATA_C2PA;
        else if (inside <= box.size && depth < BOX_DEPTH)
            read_boxes(box.content + inside, box.size - inside, depth + 1, out);
    }
}

void facts_read_heif(const uint8_t *bytes, size_t size, struct picture_facts *out)
{
    read_boxes(bytes, size, 0, out);
}
