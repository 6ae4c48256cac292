/* container.h - which blocks of metadata a picture's file holds, whatever its format: C2PA, XMP, EXIF, ICC, IPTC,
 * texts, comments and others, each as the bytes that its own parser wants (put together where the file cuts them up,
 * inflated where it packs them), and where they lie in the file. Nothing is interpreted here and no pixel is decoded.
 *
 *     struct container container;
 *     if (container_read(bytes, size, &container, error)) ...       (out of memory alone)
 *     for (const struct container_block *b = NULL; (b = container_next(&container, b, BLOCK_C2PA));)
 *         ... b->bytes, b->size ...
 *     container_free(&container);
 *
 * Whatever strangers put into a file is no error: what can be read is listed, what is wrong is noted. */
#ifndef ASSAY_PROVENANCE_CONTAINER_H
#define ASSAY_PROVENANCE_CONTAINER_H

#include "base/arena.h"
#include "base/array.h"
#include "base/error.h"
#include "image/sniff.h"

enum {
    CONTAINER_MAX_BLOCKS = 4096,
    CONTAINER_MAX_RANGES = 16384,        /* over all blocks; an extended XMP or C2PA block takes one for each 64 KB */
    CONTAINER_MAX_NOTES = 64,            /* further ones are counted, not kept */
    CONTAINER_MAX_C2PA_BYTES = 32 << 20, /* of a store of manifests that is put together */
    CONTAINER_MAX_BLOCK_BYTES = 8 << 20, /* of another block that is */
    CONTAINER_MAX_INFLATED = 1 << 20,    /* of all that is inflated of one file */
    CONTAINER_MAX_MEMORY = 48 << 20,     /* of all that is copied and inflated of one file */
    CONTAINER_MAX_BOXES = 4096,          /* BMFF boxes that are looked into */
};

enum block_kind {
    BLOCK_C2PA,         /* JUMBF: one or several whole boxes, as C2PA stores its manifests */
    BLOCK_XMP,          /* one XMP packet, as it is in the file */
    BLOCK_XMP_EXTENDED, /* one whole extended XMP of a JPEG; `keyword` is its GUID (32 hexadecimal digits) */
    BLOCK_EXIF,         /* a TIFF structure: begins with "II" or "MM". Of a TIFF file: the whole file */
    BLOCK_ICC,          /* a whole ICC profile; `keyword`: the name that a PNG gives it, or "" */
    BLOCK_IPTC,         /* IPTC-IIM records: begins with 0x1C */
    BLOCK_PHOTOSHOP,    /* image resources: begins with "8BIM". IPTC, XMP... inside are listed as blocks too */
    BLOCK_TEXT,         /* text with a keyword, of a PNG; `bytes` are the text alone, inflated */
    BLOCK_COMMENT,      /* a comment of a JPEG or GIF */
    BLOCK_OTHER,        /* what else there is, by `name`: an application segment, a chunk, a top-level box, an item */
    BLOCK_TRAILER,      /* bytes after the end of a PNG, WebP or GIF */
    BLOCK_KIND_COUNT
};

/* One piece of a block in the file. The carrier is the whole segment, chunk or box with its marker, length and
 * checksum; the data are the bytes of it that belong to the block. */
struct container_range {
    uint64_t offset, size;           /* the carrier */
    uint64_t data_offset, data_size; /* inside the carrier. Packed data: as packed */
};

enum text_charset {
    CHARSET_UNKNOWN, /* whatever it is: comments */
    CHARSET_LATIN1,  /* as the format has it (tEXt, zTXt); many write UTF-8 there nevertheless */
    CHARSET_UTF8,    /* iTXt */
};

struct container_block {
    enum block_kind kind;
    const char *name; /* what carries it: "APP11", "caBX", "iTXt", "C2PA", "uuid", "item 3", "tag 700", "8BIM 0x0404" */
    const char *keyword;    /* texts: the keyword; other APPn: their identifier; items: their type; "" if there is none.
                               Cleaned: printable, UTF-8 */
    const char *language;   /* iTXt: the language tag, or "" */
    const char *translated; /* iTXt: the keyword in that language, or "" */
    enum text_charset charset; /* texts and comments */
    const uint8_t *bytes;      /* NULL if size is 0. In the file's buffer where the block lies in one piece, otherwise a
                                  copy that the container owns. Not terminated. BLOCK_OTHER, BLOCK_TRAILER: as is */
    size_t size;
    const struct container_range *ranges; /* in the order in which they make up `bytes` */
    size_t range_count;
    bool whole;     /* false: damaged, cut, or over a limit: `bytes` are what could be read, and a note says why */
    uint64_t place; /* inside: for the order */
    unsigned number;
};

struct container_note {
    const char *text; /* a sentence's worth, without a full stop: "the segment APP1 is cut off" */
    uint64_t offset;  /* where in the file */
};

struct container {
    enum picture_format format;
    const uint8_t *bytes; /* the file */
    size_t size;
    struct array
        blocks;         /* struct container_block, in the order of the file (a block of several pieces: of its first) */
    struct array notes; /* struct container_note */
    size_t notes_left_out;
    /* inside */
    struct arena arena;
    size_t ranges_left, inflated_left;
    bool starved; /* there was no memory for something */
    bool full;    /* the limit of blocks was reached */
};

/* Lists what the bytes hold. They are kept by reference: they must live as long as the container. An unknown format has
 * no blocks. ASSAY_ERROR_MEMORY is the only error; the container is then empty. */
assay_status container_read(const uint8_t *bytes, size_t size, struct container *out, struct assay_error *error);

void container_free(struct container *container); /* a zeroed one is fine */

/* The next block of a kind after `after`, or the first for NULL; NULL: there is none. */
const struct container_block *container_next(const struct container *container, const struct container_block *after,
                                             enum block_kind kind);

/* One of Photoshop's image resources, by number: its content inside the bytes of a BLOCK_PHOTOSHOP; NULL: not there. */
const uint8_t *container_photoshop_find(const struct container_block *resources, unsigned number, size_t *size);

/* "C2PA", "XMP", "extended XMP", "EXIF", "ICC", "IPTC", "Photoshop", "text", "comment", "other", "trailer". */
const char *block_kind_text(enum block_kind kind);

#endif
