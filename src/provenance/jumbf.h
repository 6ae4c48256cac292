/* jumbf.h - JUMBF (ISO 19566-5), the boxes that C2PA's manifests lie in: a tree of superboxes, each with its
 * description and what it holds. Sizes are what the bytes bear out, never what a box claims; depth and number are
 * bounded. */
#ifndef ASSAY_PROVENANCE_JUMBF_H
#define ASSAY_PROVENANCE_JUMBF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum {
    JUMBF_MAX_DEPTH = 16,    /* superboxes within each other */
    JUMBF_MAX_BOXES = 20000, /* boxes of one tree */
    JUMBF_MAX_LABEL = 1024,  /* bytes of a label */
    JUMBF_UUID = 16,
    JUMBF_DIGESTS = 3 /* hash algorithms */
};

#define JUMBF_TYPE(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

struct jumbf_box {
    uint32_t type;          /* JUMBF_TYPE('j','u','m','b'): a superbox */
    const uint8_t *payload; /* without the box's own header; of a superbox with the description */
    size_t size;            /* of it */
    size_t begin;           /* where the box lies in the bytes that were read */
    /* of superboxes alone: */
    const char *label; /* "" where it has none. In the arena */
    uint8_t uuid[JUMBF_UUID];
    struct jumbf_box *first, *last; /* what it holds, the description left out */
    struct jumbf_box *parent, *next;
    /* The digest of the payload, kept by whoever computed it: hostile files name one box a thousand times. */
    const uint8_t *digest[JUMBF_DIGESTS];
};

enum jumbf_outcome {
    JUMBF_OK,
    JUMBF_NONE,     /* does not begin with a superbox */
    JUMBF_DAMAGED,  /* a box that ends after the one it lies in, a description that is cut, a label without an end */
    JUMBF_TOO_MUCH, /* too deep or too many */
    JUMBF_NO_MEMORY
};

/* Reads the superbox that `bytes` begins with. *out is what could be read, also where the outcome is not JUMBF_OK, or
 * NULL. The tree keeps pointing into `bytes`. */
enum jumbf_outcome jumbf_read(const uint8_t *bytes, size_t size, struct arena *arena, struct jumbf_box **out);

/* What is wrong, as a phrase. */
const char *jumbf_outcome_text(enum jumbf_outcome outcome);

/* Is it a superbox of that type, whose UUID begins with these four letters and ends as ISO 19566-5 has it? */
bool jumbf_is(const struct jumbf_box *box, const char type[static 4]);

/* The superbox of that label in a superbox, or NULL. */
struct jumbf_box *jumbf_child(const struct jumbf_box *box, const char *label, size_t length);

/* The first box of that type in a superbox, or NULL. */
const struct jumbf_box *jumbf_content(const struct jumbf_box *box, uint32_t type);

#endif
