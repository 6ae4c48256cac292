/* container_internal.h - how the readers of the formats list what they find; container.c alone looks behind these. */
#ifndef ASSAY_PROVENANCE_CONTAINER_INTERNAL_H
#define ASSAY_PROVENANCE_CONTAINER_INTERNAL_H

#include "image/walk.h"
#include "provenance/container.h"

void container_read_jpeg(struct container *c);
void container_read_png(struct container *c);
void container_read_webp(struct container *c);
void container_read_gif(struct container *c);
void container_read_tiff(struct container *c);
void container_read_bmff(struct container *c);

void container_note_at(struct container *c, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Memory that lives as long as the container, zeroed. NULL where a limit is reached, which is noted, or there is
 * none. */
void *container_alloc(struct container *c, size_t size);

/* Text from the file as it may be shown: control bytes become '?', Latin-1 becomes UTF-8 where the bytes are none; at
 * most 255 bytes of it. "" where there is no memory. */
const char *container_clean(struct container *c, const uint8_t *bytes, size_t size);
const char *container_name(struct container *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A new block that is whole, without bytes. `name` is kept by reference. NULL at a limit, which is noted. */
struct container_block *container_add(struct container *c, enum block_kind kind, const char *name);

/* The piece of the file where a walk stands, or a part of it. */
struct container_range container_range_of(const struct walk *w, const uint8_t *data, size_t size);

/* A block that lies in one piece. */
struct container_block *container_add_piece(struct container *c, enum block_kind kind, const char *name,
                                            struct container_range range);

/* Fills a block with pieces: by reference where it is one, otherwise as a copy; up to the limits. */
void container_join(struct container *c, struct container_block *block, const struct container_range *ranges,
                    size_t count);

/* zlib data inflated up to the limit; the block gets what comes out, and is not whole where the data are damaged. */
void container_inflate(struct container *c, struct container_block *block, const uint8_t *packed, size_t size);

/* Lists what lies in a block of image resources: IPTC, XMP, EXIF, ICC. */
void container_read_photoshop(struct container *c, const struct container_block *resources);

/* The part of a block as a block of its own. `parent` may move: pass a copy. */
struct container_block *container_add_part(struct container *c, enum block_kind kind, const char *name,
                                           const struct container_block *parent, size_t at, size_t size);

/* EXIF: without "Exif\0\0" if it begins with that. True if it then begins as a TIFF does. */
bool container_exif_begin(const uint8_t **bytes, size_t *size);

#endif
