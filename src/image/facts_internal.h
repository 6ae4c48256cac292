/* facts_internal.h - facts.c's readers for the formats that facts_tags.c walks. */
#ifndef ASSAY_IMAGE_FACTS_INTERNAL_H
#define ASSAY_IMAGE_FACTS_INTERNAL_H

#include "image/facts.h"
#include "image/walk.h"

void facts_read_tiff(const uint8_t *bytes, size_t size, struct picture_facts *out);
void facts_read_heif(const uint8_t *bytes, size_t size, struct picture_facts *out);

#endif
