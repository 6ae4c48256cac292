/* container_tiff.c - tags of a TIFF's (or BigTIFF's) directories that hold other metadata. Its own tags are EXIF's. */
#include "provenance/container_internal.h"

enum { MAX_DIRECTORIES = 64 };

struct tiff {
    const uint8_t *bytes;
    size_t size;
    bool big_endian, big;
};

static uint64_t number(const struct tiff *t, uint64_t at, unsigned width)
{
    return walk_number(t->bytes, t->size, at, width, t->big_endian);
}

static enum block_kind kind_of(uint64_t tag)
{
    switch (tag) {
    case 700: return BLOCK_XMP;
    case 33723: return BLOCK_IPTC;
    case 34377: return BLOCK_PHOTOSHOP;
    case 34675: return BLOCK_ICC;
    case 52545: return BLOCK_C2PA;
    default: return BLOCK_OTHER;
    }
}

static void read_entry(struct container *c, const struct tiff *t, uint64_t at)
{
    static const uint8_t widths[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
    unsigned word = t->big ? 8 : 4;
    uint64_t tag = number(t, at, 2), type = number(t, at + 2, 2), count = number(t, at + 4, word);
    enum block_kind kind = kind_of(tag);
    unsigned width = type < sizeof widths ? widths[type] : 0;
    if (kind == BLOCK_OTHER)
        return;
    uint64_t size = width && count <= UINT64_MAX / width ? count * width : UINT64_MAX;
    uint64_t data = size <= word ? at + 4 + word : number(t, at + 4 + word, word);
    bool whole = size <= t->size && data <= t->size - size;
    if (!whole) {
        container_note_at(c, at, "tag %u lies outside of the file", (unsigned)tag);
        if (data > t->size)
            return;
        size = t->size - data;
    }
    struct container_block *block = container_add_piece(c, kind, container_name(c, "tag %u", (unsigned)tag),
                                                        (struct container_range){data, size, data, size});
    if (!block)
        return;
    block->whole = block->whole && whole;
    if (kind == BLOCK_PHOTOSHOP) {
        struct container_block resources = *block;
        container_read_photoshop(c, &resources);
    }
}

void container_read_tiff(struct container *c)
{
    struct tiff t = {c->bytes, c->size, c->size > 0 && c->bytes[0] == 'M', false};
    t.big = number(&t, 2, 2) == 43;
    unsigned word = t.big ? 8 : 4, entry = t.big ? 20 : 12, head = t.big ? 8 : 2;
    uint64_t at = number(&t, t.big ? 8 : 4, word), seen[MAX_DIRECTORIES];
    container_add_piece(c, BLOCK_EXIF, "TIFF", (struct container_range){0, c->size, 0, c->size});
    for (unsigned directories = 0; at; directories++) {
        bool again = directories == MAX_DIRECTORIES;
        for (unsigned i = 0; i < directories && !again; i++)
            again = seen[i] == at;
        if (again || at > t.size || t.size - at < head) {
            container_note_at(c, at,
                              again ? "the TIFF's directories run in a circle, or there are too many"
                                    : "a directory lies outside of the file");
            return;
        }
        seen[directories] = at;
        uint64_t count = number(&t, at, head), room = (t.size - at - head) / entry;
        if (count > room)
            container_note_at(c, at, "a directory is cut off");
        for (uint64_t i = 0; i < count && i < room && !c->full; i++)
            read_entry(c, &t, at + head + i * entry);
        if (count > room)
            return;
        at = number(&t, at + head + count * entry, word);
    }
}
