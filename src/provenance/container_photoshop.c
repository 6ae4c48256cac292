/* container_photoshop.c - Photoshop's image resources: blocks of "8BIM", a number, a name, a length. */
#include "provenance/container_internal.h"

enum { RESOURCE_IPTC = 0x0404, RESOURCE_ICC = 0x040F, RESOURCE_EXIF = 0x0422, RESOURCE_XMP = 0x0424 };

void container_read_photoshop(struct container *c, const struct container_block *resources)
{
    const uint8_t *bytes = resources->bytes;
    size_t size = resources->size, at = 0;
    while (size - at >= 12 && !c->full) {
        const uint8_t *p = bytes + at;
        size_t name = 1 + (size_t)p[6], head = 6 + name + (name & 1);
        static const char signatures[][5] = {"8BIM", "MeSa", "PHUT", "AgHg", "DCSR"};
        bool known = false;
        for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++)
            known |= memcmp(p, signatures[i], 4) == 0;
        if (!known)
            break;
        unsigned number = walk_be16(p + 4);
        if (size - at < head + 4)
            break;
        size_t length = walk_be32(p + head), rest = size - at - head - 4;
        if (length > rest) {
            container_note_at(c, resources->range_count ? resources->ranges[0].offset : 0,
                              "Photoshop resource 0x%04X is cut off", number);
            length = rest;
        }
        enum block_kind kind = number == RESOURCE_IPTC   ? BLOCK_IPTC
                               : number == RESOURCE_ICC  ? BLOCK_ICC
                               : number == RESOURCE_EXIF ? BLOCK_EXIF
                               : number == RESOURCE_XMP  ? BLOCK_XMP
                                                         : BLOCK_OTHER;
        const uint8_t *content = p + head + 4;
        size_t content_size = length;
        if (kind == BLOCK_EXIF && !container_exif_begin(&content, &content_size))
            kind = BLOCK_OTHER;
        if (length && kind != BLOCK_OTHER)
            container_add_part(c, kind, container_name(c, "8BIM 0x%04X", number), resources, (size_t)(content - bytes),
                               content_size);
        at += head + 4 + length;
        if (length & 1 && at < size)
            at++;
    }
}

const uint8_t *container_photoshop_find(const struct container_block *resources, unsigned number, size_t *size)
{
    size_t at = 0;
    while (resources->size - at >= 12) {
        const uint8_t *p = resources->bytes + at;
        size_t name = 1 + (size_t)p[6], head = 6 + name + (name & 1);
        if (resources->size - at < head + 4)
            return NULL;
        size_t length = walk_be32(p + head), rest = resources->size - at - head - 4;
        if (length > rest)
            return NULL;
        if (walk_be16(p + 4) == number && memcmp(p, "8BIM", 4) == 0) {
            *size = length;
            return p + head + 4;
        }
        at += head + 4 + length + ((length & 1) && length < rest ? 1 : 0);
    }
    return NULL;
}
