/* container.c - fuzz target: any bytes as a picture's file. Blocks and their pieces lie inside of it, limits hold. */
#include <stdlib.h>
#include <string.h>

#include "provenance/container.h"
#include "provenance/jpeg_traits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct container container;
    struct jpeg_traits traits;
    volatile uint8_t sink = 0;
    if (container_read(data, size, &container, NULL))
        return 0;
    const struct container_block *blocks = container.blocks.data;
    if (container.blocks.count > CONTAINER_MAX_BLOCKS || container.notes.count > CONTAINER_MAX_NOTES)
        abort();
    for (size_t i = 0; i < container.blocks.count; i++) {
        const struct container_block *b = &blocks[i];
        if ((b->size && !b->bytes) || !b->name || !b->keyword || !b->language || !b->translated)
            abort();
        for (size_t k = 0; k < b->size; k += 61)
            sink ^= b->bytes[k];
        if (b->size)
            sink ^= b->bytes[b->size - 1];
        for (size_t k = 0; k < b->range_count; k++) {
            const struct container_range *r = &b->ranges[k];
            if (r->offset > size || r->size > size - r->offset || r->data_offset < r->offset ||
                r->data_size > r->offset + r->size - r->data_offset)
                abort();
        }
    }
    jpeg_traits_read(&container, &traits);
    if (traits.present && traits.tables.writer && !strlen(traits.tables.writer))
        abort();
    container_free(&container);
    return 0;
}
