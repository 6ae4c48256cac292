/* decode_held.c - a file is read, its header looked at, and its pixels decoded when there is room for them. */
#include "image/decode_held.h"

#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "image/facts.h"

assay_status image_decode_held(struct crew_seat *seat, const char *path, const struct assay_limits *limits,
                               const struct image_look *look, struct image *out, struct assay_error *error)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    struct picture_facts facts;
    uint8_t *bytes = NULL;
    size_t size = 0;
    *out = (struct image){0};
    assay_status status =
        file_read(path, limits && limits->max_bytes ? limits->max_bytes : LIMIT_PICTURE_BYTES, &bytes, &size, error);
    if (status)
        return status;
    picture_facts_read(bytes, size, &facts);
    uint64_t pixels = (uint64_t)facts.width * facts.height;
    uint64_t most = limits && limits->max_pixels ? limits->max_pixels : LIMIT_PICTURE_PIXELS;
    crew_hold(seat, size + (pixels <= most ? pixels * IMAGE_CHANNELS : 0)); /* what is above will be refused */
    if (look)
        look->look(look->context, bytes, size);
    status = image_decode_memory(bytes, size, name, limits, out, error);
    mem_free(bytes);
    return status;
}
