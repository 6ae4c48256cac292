/* duplicates.h - the same picture twice: files that are equal byte for byte, and pictures whose perceptual hashes
 * differ in few bits. What matters is between whom: a picture in training and in test makes figures too good, one in
 * both classes is labelled wrongly at least once. */
#ifndef ASSAY_DATA_CHECK_DUPLICATES_H
#define ASSAY_DATA_CHECK_DUPLICATES_H

#include "data/check/scan.h"

/* What a picture has: a partner (an equal file, or a near one that is not equal) somewhere. */
enum {
    PARTNER_ALIKE = 1,       /* of its own class and split */
    PARTNER_OTHER_CLASS = 2, /* of the other class */
    PARTNER_OTHER_SPLIT = 4  /* in another split */
};

struct duplicate_group {
    size_t first, count; /* into members */
};

struct duplicate_set {
    uint8_t *partners;                                /* [scan.count] of PARTNER_ bits */
    size_t pictures, alike, other_class, other_split; /* how many pictures have a partner, and of which kind */
    struct duplicate_group *groups;                   /* pictures that hang together, by the first of each */
    size_t group_count;
    uint32_t *members; /* indices of pictures, ascending within a group */
};

/* Zero-initialise it. */
struct duplicates {
    struct duplicate_set equal, near;
    size_t flat; /* pictures without structure, which were not compared by hash */
    int distance;
};

enum { DUPLICATES_MAX_DISTANCE = 15, DUPLICATES_DISTANCE = 6 };

/* Near: hashes that differ in at most `distance` bits, 0 to DUPLICATES_MAX_DISTANCE. Pictures are found by multi-index
 * hashing (Norouzi, Punjani, Fleet, "Fast search in Hamming space with multi-index hashing", 2012), so the time does
 * not grow with the square of their number. */
assay_status duplicates_find(const struct scan *scan, int distance, struct duplicates *out, struct assay_error *error);
void duplicates_free(struct duplicates *duplicates);

#endif
