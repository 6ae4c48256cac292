/* facts.c - fuzz target: any bytes as a picture's file. No read beyond them, and facts that keep to their ranges. */
#include <stdlib.h>
#include <string.h>

#include "image/facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct picture_facts facts;
    struct jpeg_header header;
    char text[METADATA_TEXT_SIZE];
    picture_facts_read(data, size, &facts);
    if ((facts.metadata & ~(unsigned)METADATA_ALL) || facts.jpeg_quality < 0 || facts.jpeg_quality > 100 ||
        (facts.jpeg_quality_exact && facts.jpeg_quality == 0) ||
        strlen(picture_metadata_text(facts.metadata, text)) < 3)
        abort();
    if ((unsigned)facts.subsampling >= JPEG_SAMPLING_COUNT || (facts.format != PICTURE_JPEG && facts.jpeg_quality))
        abort();
    if (jpeg_header_read(data, size, &header) && (header.components < 1 || header.components > JPEG_MAX_COMPONENTS))
        abort();
    return 0;
}
