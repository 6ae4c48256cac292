/* facts_internal.h - facts.c's readers for the formats that facts_tags.c walks, and how bytes become numbers. */
#ifndef ASSAY_IMAGE_FACTS_INTERNAL_H
#define ASSAY_IMAGE_FACTS_INTERNAL_H

#include <string.h>

#include "image/facts.h"

void facts_read_tiff(const uint8_t *bytes, size_t size, struct picture_facts *out);
void facts_read_heif(const uint8_t *bytes, size_t size, struct picture_facts *out);

static inline uint32_t facts_be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t facts_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint32_t facts_le16(const uint8_t *p)
{
    return (uint32_t)p[1] << 8 | p[0];
}

static inline uint32_t facts_le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static inline bool facts_begin(const uint8_t *bytes, size_t size, const char *text, size_t length)
{
    return size >= length && memcmp(bytes, text, length) == 0;
}

#endif
