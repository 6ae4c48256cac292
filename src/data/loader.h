/* loader.h - threads that decode and vary pictures ahead of whoever consumes them, batch by batch.
 *
 *     struct loader *loader = NULL;
 *     loader_train(pictures, &setup, first_batch, &loader, error)
 *     while (...) {
 *         const struct loader_batch *batch;
 *         loader_next(loader, &batch, error)       batch->images, batch->labels: until the next call
 *     }
 *     loader_free(loader);
 *
 * What a batch holds is a pure function of the dataset, the setup and the batch's number, whatever the number of
 * threads: to resume, open the loader at the batch that comes next. */
#ifndef ASSAY_DATA_LOADER_H
#define ASSAY_DATA_LOADER_H

#include "base/option.h"
#include "data/augment.h"
#include "data/pictures.h"
#include "data/sampler.h"

struct loader_options {
    int64_t threads;    /* "loader-threads": threads that decode; 0: one for each processor */
    int64_t ahead;      /* "loader-ahead": batches prepared ahead */
    int64_t waiting_mb; /* "loader-waiting": MiB of decoded pictures that may wait in a sequence; the batch that comes
                           next is prepared even above it */
    int64_t cache_mb;   /* "loader-cache": MiB of decoded pixels to keep. The caller passes it on to pictures_create, in
                           bytes; the loader does not look at it */
};

extern const struct option loader_option_table[];

struct loader_batch {
    uint64_t number;
    size_t count;
    const uint32_t *indices; /* [count] into dataset->pictures: what was really read */
    const int32_t *labels;   /* [count] LABEL_REAL 0, LABEL_GENERATED 1 */
    const float *images;     /* training: [count, crop, crop, 3], normalised, aligned to 64 bytes; else NULL */
    const struct image *const *pictures; /* evaluation: [count] decoded, whole, as model_score takes them; else NULL */
};

struct loader; /* used by one thread at a time */

/* Training. Everything pointed to is copied, but for the dataset behind `pictures`, which must outlive the loader as
 * `pictures` itself must. */
struct loader_setup {
    size_t batch; /* pictures a batch; even, for classes that are half and half */
    uint64_t seed;
    const struct preprocess *preprocess;
    const struct augment *augment;         /* NULL: defaults */
    const struct sampler_options *sampler; /* NULL: defaults */
    const struct loader_options *options;  /* NULL: defaults */
};

/* An endless sequence of full batches that begins at number `first`. Sample i of batch b is sampler position
 * b * batch + i, varied by random_open(seed, position, picture index). An unreadable picture is replaced by the next
 * readable one of its class in the order of the dataset (after the last comes the first); where a class has none,
 * loader_next gives an error. */
assay_status loader_train(struct pictures *pictures, const struct loader_setup *setup, uint64_t first,
                          struct loader **out, struct assay_error *error);

/* Every picture of the dataset once, in its order: batch b holds those of indices b * batch to (b + 1) * batch - 1 that
 * can be read. Begins at batch `first`; batches without any are left out. `options` may be NULL. */
assay_status loader_sequence(struct pictures *pictures, size_t batch, const struct loader_options *options,
                             uint64_t first, struct loader **out, struct assay_error *error);

/* The next batch in order, waiting for it if need be; NULL at the end of a sequence. It stays valid until the next call
 * or loader_free. Once this has failed it keeps failing. */
assay_status loader_next(struct loader *loader, const struct loader_batch **batch, struct assay_error *error);

/* Stops the threads (each finishes the picture at hand) and frees all. At any time; NULL is fine. */
void loader_free(struct loader *loader);

#endif
