/* decode_held.h - decoding within a job of a crew (base/crew.h), whose large pictures wait for each other. */
#ifndef ASSAY_IMAGE_DECODE_HELD_H
#define ASSAY_IMAGE_DECODE_HELD_H

#include "base/crew.h"
#include "image/image.h"

/* Looks at a file's bytes before they are decoded. They are gone afterwards. */
struct image_look {
    void (*look)(void *context, const uint8_t *bytes, size_t size);
    void *context;
};

/* As image_decode_file. The file's bytes and the pixels that its header states are held by the job. `look` may be
 * NULL. */
assay_status image_decode_held(struct crew_seat *seat, const char *path, const struct assay_limits *limits,
                               const struct image_look *look, struct image *out, struct assay_error *error);

#endif
