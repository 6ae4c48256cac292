/* container_riff.c - chunks of a WebP file, which is a RIFF file. */
#include "provenance/container_internal.h"

static bool is_pixels(const struct walk *w)
{
    return walk_is(w, "VP8 ") || walk_is(w, "VP8L") || walk_is(w, "ALPH") || walk_is(w, "ANMF");
}

static void read_chunk(struct container *c, const struct walk *w)
{
    const char *name = container_clean(c, w->type, w->type[3] == ' ' ? 3 : 4);
    const uint8_t *data = w->data;
    size_t size = w->length;
    enum block_kind kind = BLOCK_OTHER;
    if (walk_is(w, "EXIF") && container_exif_begin(&data, &size))
        kind = BLOCK_EXIF;
    else if (walk_is(w, "XMP ") || walk_is(w, "XMP\0"))
        kind = BLOCK_XMP;
    else if (walk_is(w, "ICCP"))
        kind = BLOCK_ICC;
    else if (walk_is(w, "C2PA"))
        kind = BLOCK_C2PA;
    struct container_block *block = container_add_piece(c, kind, name, container_range_of(w, data, size));
    if (block)
        block->whole = block->whole && w->state != WALK_CUT;
}

void container_read_webp(struct container *c)
{
    uint64_t claimed = 8 + (uint64_t)walk_le32(c->bytes + 4); /* the signature took 12 bytes */
    size_t size = claimed < c->size && claimed >= 12 ? (size_t)claimed : c->size;
    struct walk w = {.bytes = c->bytes, .size = size, .at = 12};
    bool more;
    while ((more = walk_riff(&w)) || (w.state == WALK_CUT && w.whole)) {
        if (!more)
            container_note_at(c, w.start, "the chunk %s is cut off", container_clean(c, w.type, 4));
        if (!is_pixels(&w))
            read_chunk(c, &w);
        if (!more || c->full)
            break;
    }
    if (claimed > c->size + 1 || claimed < 12)
        container_note_at(c, 4, "the file is not as long as it says: %llu bytes", (unsigned long long)claimed);
    if (size < c->size)
        container_add_piece(c, BLOCK_TRAILER, "trailer",
                            (struct container_range){size, c->size - size, size, c->size - size});
}
