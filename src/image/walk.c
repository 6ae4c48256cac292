/* walk.c - one step of each kind of walk. */
#include "image/walk.h"

enum {
    MARKER_TEM = 0x01,
    MARKER_RST0 = 0xD0,
    MARKER_SOI = 0xD8,
    MARKER_EOI = 0xD9,
    MARKER_SOS = 0xDA,
};

static bool stop(struct walk *w, enum walk_state state)
{
    w->state = state;
    w->data = NULL;
    w->length = w->whole = 0;
    return false;
}

/* The piece at w->at: `head` bytes, which are known to be there, `length` of content, `tail` bytes; false where it is
 * cut off. */
static bool take(struct walk *w, size_t head, uint64_t length, size_t tail)
{
    size_t rest = w->size - w->at - head;
    w->start = w->at;
    w->data = w->bytes + w->at + head;
    if (length > rest || tail > rest - length) {
        w->state = WALK_CUT;
        w->length = length < rest ? (size_t)length : rest;
        w->whole = head + rest;
        w->at = w->size;
        return false;
    }
    w->length = (size_t)length;
    w->whole = head + w->length + tail;
    w->at += w->whole;
    return true;
}

bool walk_jpeg(struct walk *w)
{
    if (w->state != WALK_ON)
        return false;
    for (;;) {
        const uint8_t *mark = w->at < w->size ? memchr(w->bytes + w->at, 0xFF, w->size - w->at) : NULL;
        if (!mark || mark + 1 == w->bytes + w->size)
            return stop(w, WALK_CUT);
        w->at = (size_t)(mark - w->bytes);
        w->marker = mark[1];
        if (w->marker == 0xFF || w->marker == 0) { /* fill bytes, or stray ones, before a marker */
            w->at++;
        } else if (w->marker == MARKER_EOI || w->marker == MARKER_SOS) {
            return stop(w, WALK_END);
        } else if (w->marker == MARKER_TEM || (w->marker >= MARKER_RST0 && w->marker <= MARKER_SOI)) {
            w->at += 2; /* these have no length */
        } else {
            break;
        }
    }
    if (w->size - w->at < 4)
        return stop(w, WALK_CUT);
    size_t length = walk_be16(w->bytes + w->at + 2);
    return length < 2 ? stop(w, WALK_BAD) : take(w, 4, length - 2, 0);
}

bool walk_png(struct walk *w)
{
    if (w->state != WALK_ON)
        return false;
    if (w->start && memcmp(w->type, "IEND", 4) == 0)
        return stop(w, WALK_END);
    if (w->size < w->at || w->size - w->at < 8)
        return stop(w, WALK_CUT);
    memcpy(w->type, w->bytes + w->at + 4, 4);
    return take(w, 8, walk_be32(w->bytes + w->at), 4);
}

bool walk_riff(struct walk *w)
{
    if (w->state != WALK_ON)
        return false;
    if (w->at >= w->size)
        return stop(w, WALK_END);
    if (w->size - w->at < 8)
        return stop(w, WALK_CUT);
    memcpy(w->type, w->bytes + w->at, 4);
    uint32_t length = walk_le32(w->bytes + w->at + 4);
    return take(w, 8, length, w->size - w->at - 8 == length ? 0 : length & 1); /* many leave out the last padding */
}

bool walk_boxes(struct walk *w)
{
    if (w->state != WALK_ON)
        return false;
    if (w->at >= w->size)
        return stop(w, WALK_END);
    size_t rest = w->size - w->at, head = 8;
    if (rest < 8)
        return stop(w, WALK_CUT);
    const uint8_t *p = w->bytes + w->at;
    uint64_t length = walk_be32(p);
    memcpy(w->type, p + 4, 4);
    if (length == 1) {
        if (rest < 16)
            return stop(w, WALK_CUT);
        length = walk_be64(p + 8);
        head = 16;
    } else if (length == 0) {
        length = rest;
    }
    return length < head ? stop(w, WALK_BAD) : take(w, head, length - head, 0);
}
