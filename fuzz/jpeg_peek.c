/* jpeg_peek.c - fuzz target: any bytes as a JPEG whose coefficients are read, in part and whole, and whose brightness
 * is read small; and as a JPEG with a thumbnail that is compared with it. No read beyond the bytes, sizes that fit. */
#include <stdlib.h>

#include "base/memory.h"
#include "image/jpeg_peek.h"
#include "provenance/metadata.h"

enum { FUZZ_PIXELS = 1 << 20, FUZZ_BLOCKS = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sum_row(void *context, const int16_t (*blocks)[JPEG_PEEK_BLOCK], size_t count)
{
    uint64_t *given = context;
    volatile int sum = 0;
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < JPEG_PEEK_BLOCK; k++)
            sum += blocks[i][k];
    *given += count;
}

static void peek(const uint8_t *data, size_t size)
{
    struct jpeg_blocks blocks;
    struct jpeg_grey grey;
    uint64_t given = 0;
    if (jpeg_peek_blocks(data, size, size % 7 ? FUZZ_BLOCKS : 8, sum_row, &given, &blocks) &&
        given != (uint64_t)blocks.columns * blocks.rows)
        abort();
    for (unsigned denominator = 1; denominator <= 8; denominator *= 2) {
        if (!jpeg_peek_grey(data, size, denominator, FUZZ_PIXELS, &grey))
            continue;
        volatile unsigned sum = 0;
        for (size_t i = 0; i < (size_t)grey.width * grey.height; i++)
            sum += grey.pixels[i];
        mem_free(grey.pixels);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct container container;
    struct arena arena = {0};
    struct metadata metadata;
    struct jpeg_header header;
    peek(data, size);
    bool small = jpeg_header_read(data, size, &header) && (uint64_t)header.width * header.height <= FUZZ_PIXELS;
    if (small && container_read(data, size, &container, NULL) == ASSAY_OK) {
        if (metadata_read(&container, &arena, &metadata, NULL) == ASSAY_OK) {
            metadata_peek(&container, &metadata);
            if (metadata.thumbnail.share < 0 || metadata.thumbnail.share > 1 || metadata.history.quality > 100)
                abort();
        }
        container_free(&container);
    }
    arena_free(&arena);
    return 0;
}
