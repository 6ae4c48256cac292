/* provenance.h - all that a picture's file says of itself, read in one call: its blocks, C2PA, XMP, IPTC, EXIF, ICC,
 * JPEG's tables, generators' own words, and the finding that these come to. No pixel is decoded (but for the first
 * rows of a PNG, see stealth.h; with the facts, coefficients of a JPEG, see metadata_peek), no network is asked.
 *
 *     struct provenance provenance;
 *     if (provenance_read(bytes, size, NULL, &provenance, error)) ...      (out of memory alone)
 *     puts(provenance.finding.sentence);
 *     provenance_free(&provenance);
 *
 * Nothing that a stranger writes into a file is an error here: it is told among the facts, as problems. */
#ifndef ASSAY_PROVENANCE_PROVENANCE_H
#define ASSAY_PROVENANCE_PROVENANCE_H

#include <stdint.h>

#include "image/sniff.h"
#include "provenance/fact.h"
#include "provenance/finding.h"

enum { PROVENANCE_MAX_MEMORY = 256 << 20 /* bytes of facts and texts of one file */ };

struct cose_trust;

struct provenance_options {
    const struct cose_trust *trust; /* whom to trust with signatures; NULL: that is not asked */
    int64_t now;                    /* seconds since 1970; 0: by the clock */
    bool finding_alone;             /* leave the facts out: faster, where only the finding is wanted */
};

struct provenance {
    struct arena arena;
    enum picture_format format;
    struct fact_tree facts; /* an empty tree with finding_alone */
    struct finding finding;
};

/* Reads the bytes of a file, which are not kept. `options` may be NULL. */
assay_status provenance_read(const uint8_t *bytes, size_t size, const struct provenance_options *options,
                             struct provenance *out, struct assay_error *error);

/* {"finding": as finding_json, then the facts}. The caller's reference; NULL: no memory. */
json_t *provenance_json(const struct provenance *provenance);

void provenance_free(struct provenance *provenance); /* a zeroed one is fine */

#endif
