/* reencode.h - copies of pictures that all went the same way: one size, JPEG, qualities and subsampling drawn from one
 * distribution whatever the class. What the files say of themselves is then the same for both; what the pixels say of
 * earlier compression and scaling remains. */
#ifndef ASSAY_DATA_CHECK_REENCODE_H
#define ASSAY_DATA_CHECK_REENCODE_H

#include "data/check/scan.h"

enum reencode_fit {
    REENCODE_SCALE, /* the shorter side becomes `size` (Pillow's bicubic filter), then the middle is cut out */
    REENCODE_CROP   /* the middle is cut out, unscaled */
};

struct reencode_options {
    int64_t size;                      /* of both sides; 0: reencode_common_size */
    int fit;                           /* enum reencode_fit */
    int64_t quality_low, quality_high; /* drawn uniformly, both included */
    uint64_t seed;
};

/* The largest multiple of 8 that the shorter sides of 95 % of each class's eligible pictures reach; at least 8. */
assay_status reencode_common_size(const struct scan *scan, const bool *eligible, int64_t *size,
                                  struct assay_error *error);

/* Writes a copy of every eligible picture below `folder`, which exists: [SPLIT/]real|ai/SOURCE/NUMBER.jpg. `made` gets
 * the facts of the copies in the place of the originals' (same order; of others, `problem` is set), and copies[i] their
 * names (mem_free them). Pictures smaller than the size get a problem too: none is enlarged. The draw depends on the
 * picture's name and the seed alone. `made` borrows the originals' datasets; end it with reencode_free. */
assay_status reencode_pictures(const struct scan *scan, const bool *eligible, const struct reencode_options *options,
                               const char *folder, FILE *stream, struct scan *made, char ***copies,
                               struct assay_error *error);
void reencode_free(struct scan *made, char **copies);

#endif
