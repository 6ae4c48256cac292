/* walk.h - steps through the pieces of which picture files are made: segments of a JPEG, chunks of a PNG or RIFF file,
 * boxes of an ISO media file (HEIC, AVIF, JUMBF). Each step checks that the piece lies inside the bytes. */
#ifndef ASSAY_IMAGE_WALK_H
#define ASSAY_IMAGE_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t walk_be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t walk_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t walk_be64(const uint8_t *p)
{
    return (uint64_t)walk_be32(p) << 32 | walk_be32(p + 4);
}

static inline uint32_t walk_le16(const uint8_t *p)
{
    return (uint32_t)p[1] << 8 | p[0];
}

static inline uint32_t walk_le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* A TIFF's number of `width` bytes (at most 8) at `at`, in either order; 0 where it lies outside. */
static inline uint64_t walk_number(const uint8_t *bytes, size_t size, uint64_t at, unsigned width, bool big_endian)
{
    uint64_t value = 0;
    if (at > size || size - at < width)
        return 0;
    for (unsigned i = 0; i < width; i++)
        value = value << 8 | bytes[at + (big_endian ? i : width - 1 - i)];
    return value;
}

/* Whether bytes begin with a text of that length. */
static inline bool walk_begins(const uint8_t *bytes, size_t size, const char *text, size_t length)
{
    return size >= length && memcmp(bytes, text, length) == 0;
}

/* How a walk ended, or that it has not. */
enum walk_state {
    WALK_ON,
    WALK_END, /* at the format's end mark, or, where it has none, at the last byte */
    WALK_CUT, /* the bytes end where more was due: without an end mark, or inside of the piece whose `type` is set */
    WALK_BAD  /* a length that cannot be */
};

/* Zero-initialise it and set `bytes`, `size` and, behind a signature, `at`: 2 for JPEG, 8 for PNG, 12 for RIFF. */
struct walk {
    const uint8_t *bytes;
    size_t size;
    size_t at; /* where the next piece begins */
    enum walk_state state;
    /* the piece */
    int marker;          /* JPEG: 0xC0 to 0xFE */
    uint8_t type[4];     /* others */
    size_t start;        /* where it begins, its marker or length included */
    size_t whole;        /* its length with marker, length, checksum and padding */
    const uint8_t *data; /* its content; of a piece that is cut: as far as it goes */
    size_t length;
};

/* Steps to the next piece; false at the end, then `state` says why. For WALK_CUT with `whole` not 0 a last piece was
 * begun: its `data` and `length` are what there is of it. */
bool walk_jpeg(struct walk *w); /* segments with a length, until the first scan or the end of the picture */
bool walk_png(struct walk *w);  /* until IEND has been given */
bool walk_riff(struct walk *w);
bool walk_boxes(struct walk *w); /* a box of length 0 reaches to the end */

static inline bool walk_is(const struct walk *w, const char *type)
{
    return memcmp(w->type, type, 4) == 0;
}

#endif
