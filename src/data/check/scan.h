/* scan.h - every picture of a data set read once: the facts of its file, a digest, a perceptual hash. What the checks
 * and the balancing work on. */
#ifndef ASSAY_DATA_CHECK_SCAN_H
#define ASSAY_DATA_CHECK_SCAN_H

#include <stdio.h>

#include "data/dataset.h"
#include "image/facts.h"
#include "image/phash.h"

enum { SCAN_SPLITS = 3 };

struct scan_picture {
    const struct dataset_picture *picture;
    const struct dataset_source *source;
    uint8_t split;     /* index into scan.splits */
    uint32_t group;    /* a number for the source's name, the same in both classes and all splits */
    char *problem;     /* why it cannot be read, or NULL; then nothing below holds */
    int width, height; /* upright */
    uint64_t bytes;    /* of the file */
    struct picture_facts facts;
    uint8_t digest[SHA256_BYTES]; /* of the file */
    struct phash hash;
};

struct scan_split {
    const char *name; /* "train", "val", "test", or "" where there are no splits */
    struct dataset dataset;
};

/* Zero-initialise it; scan_free takes a zeroed one too. */
struct scan {
    struct scan_split splits[SCAN_SPLITS];
    size_t split_count;
    struct scan_picture *pictures; /* split by split, in the order of their datasets */
    size_t count;
    size_t group_count;
    size_t unreadable;
};

/* Finds the pictures of a folder or list, of all splits that it has (see dataset_open), or of two folders. Nothing is
 * read yet. One class alone is an error: there is nothing to compare. */
assay_status scan_open(const char *root, const char *layout, struct scan *out, struct assay_error *error);
assay_status scan_open_folders(const char *real, const char *generated, struct scan *out, struct assay_error *error);

/* Reads and decodes every picture, on all threads; the result does not depend on how many. Pictures that cannot be read
 * are counted. Progress goes to `stream` (NULL: silent). */
assay_status scan_read(struct scan *scan, FILE *stream, struct assay_error *error);

/* The same for pictures that are given by their bytes: fills in what lies below `problem`. Errors: no memory. */
assay_status scan_picture_read(struct scan_picture *picture, const uint8_t *bytes, size_t size, const char *name,
                               struct assay_error *error);

void scan_free(struct scan *scan);

#endif
