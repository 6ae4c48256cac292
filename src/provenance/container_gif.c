/* container_gif.c - extensions of a GIF before and between its frames: comments, XMP, ICC, C2PA. */
#include "provenance/container_internal.h"

enum {
    XMP_TRAILER = 257
}; /* bytes by which a reader that knows no XMP finds the end, the last block's 0 not counted */

/* Past the blocks that begin at `at`. Their data as ranges where `ranges` is not NULL. */
static size_t pass_blocks(struct container *c, size_t at, size_t start, struct array *ranges)
{
    while (at < c->size && c->bytes[at]) {
        size_t length = c->bytes[at], rest = c->size - at - 1;
        struct container_range range = {start, 0, at + 1, length < rest ? length : rest};
        if (ranges && !array_append(ranges, &range, 1)) {
            c->starved |= ranges->count < ranges->max_count;
            ranges = NULL; /* more than a comment can be worth: the first ones are kept */
        }
        if (length > rest)
            return c->size + 1;
        at += 1 + length;
    }
    return at + 1;
}

static void read_extension(struct container *c, size_t start, size_t *next)
{
    struct array ranges = array_of(sizeof(struct container_range), 8192);
    int label = c->bytes[start + 1];
    size_t at = start + 2, rest = c->size - at;
    enum block_kind kind = BLOCK_OTHER;
    const char *name = "extension", *identifier = "";
    if (label == 0xFE) {
        kind = BLOCK_COMMENT;
        name = "comment";
    } else if (label == 0xFF && rest >= 12 && c->bytes[at] == 11) {
        identifier = container_clean(c, c->bytes + at + 1, 11);
        kind = walk_begins(c->bytes + at + 1, 11, "XMP DataXMP", 11)   ? BLOCK_XMP
               : walk_begins(c->bytes + at + 1, 11, "ICCRGBG1012", 11) ? BLOCK_ICC
               : walk_begins(c->bytes + at + 1, 8, "C2PA_GIF", 8)      ? BLOCK_C2PA
                                                                       : BLOCK_OTHER;
        name = "application";
        at += 12;
    }
    *next = pass_blocks(c, at, start, &ranges);
    bool cut = *next > c->size;
    size_t end = cut ? c->size : *next;
    if (kind == BLOCK_XMP) { /* not in blocks: the packet, then a trailer in which each byte leads to the end */
        size_t length = end - at > XMP_TRAILER + 1 ? end - at - XMP_TRAILER - 1 : end - at;
        ranges.count = 0;
        array_append(&ranges, &(struct container_range){start, 0, at, length}, 1);
    }
    struct container_range *all = ranges.data;
    for (size_t i = 0; i < ranges.count; i++)
        all[i].size = end - start;
    struct container_block *block =
        label == 0xF9 ? NULL : container_add(c, kind, name); /* 0xF9: how a frame is shown */
    if (block) {
        block->keyword = identifier;
        container_join(c, block, all, ranges.count);
        block->whole = block->whole && !cut;
        if (cut)
            container_note_at(c, start, "an extension is cut off");
    }
    array_free(&ranges);
}

void container_read_gif(struct container *c)
{
    if (c->size < 13)
        return;
    size_t at = 13 + (c->bytes[10] & 0x80 ? 3 * ((size_t)2 << (c->bytes[10] & 7)) : 0);
    while (at < c->size && !c->full) {
        size_t rest = c->size - at;
        if (c->bytes[at] == 0x21 && rest >= 3) {
            read_extension(c, at, &at);
        } else if (c->bytes[at] == 0x2C && rest >= 11) {
            at += 10 + (c->bytes[at + 9] & 0x80 ? 3 * ((size_t)2 << (c->bytes[at + 9] & 7)) : 0);
            at = pass_blocks(c, at + 1, at, NULL);
        } else if (c->bytes[at] == 0x3B) {
            if (++at < c->size)
                container_add_piece(c, BLOCK_TRAILER, "trailer",
                                    (struct container_range){at, c->size - at, at, c->size - at});
            return;
        } else {
            container_note_at(c, at, "the GIF is damaged");
            return;
        }
    }
    container_note_at(c, c->size, "the GIF ends without its end mark");
}
