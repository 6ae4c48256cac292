/* pictures.h - the decoded pictures of a dataset. As many as fit into a stated number of bytes are kept, so that later
 * epochs need not decode them again. What cannot be read is told once and remembered. Threads share it. */
#ifndef ASSAY_DATA_PICTURES_H
#define ASSAY_DATA_PICTURES_H

#include <stdbool.h>

#include "data/dataset.h"
#include "image/image.h"

/* Told once for every picture that cannot be read, by the thread that found out; never by two at once. */
typedef void pictures_problem(void *context, const struct dataset_picture *picture, const struct assay_error *why);

struct pictures;

/* Keeps at most `cache_bytes` of pixels (0: none); pictures are kept as they come, none is dropped again. `limits` and
 * `problem` may be NULL. The dataset must outlive it. */
assay_status pictures_create(const struct dataset *dataset, uint64_t cache_bytes, const struct assay_limits *limits,
                             pictures_problem *problem, void *context, struct pictures **out,
                             struct assay_error *error);
void pictures_free(struct pictures *pictures); /* NULL is fine */

/* What they are the pictures of. */
const struct dataset *pictures_dataset(const struct pictures *pictures);

/* A picture on loan. Its pixels are not to be changed. */
struct picture_loan {
    struct image image;
    bool kept; /* owned by the cache */
};

/* Decodes picture `index`, or takes it from the cache. A picture that cannot be read leaves loan->image.pixels NULL;
 * that is no error (the problem has been told). Errors: no memory. Give the loan back with pictures_return. */
assay_status pictures_borrow(struct pictures *pictures, size_t index, struct picture_loan *loan,
                             struct assay_error *error);
void pictures_return(struct picture_loan *loan); /* a zeroed one is fine; zeroes it */

size_t pictures_unreadable(struct pictures *pictures); /* found so far */

#endif
