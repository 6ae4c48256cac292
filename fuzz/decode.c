/* decode.c - any bytes as a picture. Whatever decodes must have a size within the limits, and pixels that can be
 * read; whatever does not must say why in one line. */
#include <stdlib.h>
#include <string.h>

#include "image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct assay_limits limits = {.max_pixels = 1 << 18, .max_bytes = 1 << 20};
    struct assay_error error = {0};
    struct image image;

    if (image_decode_memory(data, size, "input", &limits, &image, &error)) {
        if (image.pixels || error.status == ASSAY_OK || error.message[0] == '\0' || strchr(error.message, '\n'))
            abort();
        return 0;
    }
    if (image.width < 1 || image.height < 1 || (uint64_t)image.width * (uint64_t)image.height > limits.max_pixels)
        abort();
    volatile uint8_t last; /* every byte is read, for the sanitiser to see */
    for (size_t i = 0; i < image_bytes(&image); i++)
        last = image.pixels[i];
    (void)last;
    image_free(&image);
    return 0;
}
