/* metadata.h - all metadata of a file but C2PA and the generators' own words, read at once. */
#ifndef ASSAY_PROVENANCE_METADATA_H
#define ASSAY_PROVENANCE_METADATA_H

#include "provenance/exif.h"
#include "provenance/icc.h"
#include "provenance/iptc.h"
#include "provenance/jpeg_history.h"
#include "provenance/jpeg_traits.h"
#include "provenance/thumbnail.h"
#include "provenance/xmp.h"

struct metadata {
    struct xmp xmp;
    struct exif exif;
    struct iptc iptc;
    struct icc icc;
    struct jpeg_traits jpeg;
    uint32_t width, height;       /* of the picture as stored; 0: the header does not tell */
    bool thumbnail_shape_differs; /* see exif_thumbnail_shape_differs */
    /* of metadata_peek */
    struct jpeg_history history;
    struct thumbnail_comparison thumbnail;
};

/* Texts live in the arena and point into the container, which must live as long. ASSAY_ERROR_MEMORY is the only
 * error. */
assay_status metadata_read(const struct container *container, struct arena *arena, struct metadata *out,
                           struct assay_error *error);

/* Of a JPEG what takes its coefficients, behind the headers: whether it was compressed before, and whether the
 * thumbnail shows the picture. Milliseconds, or with a thumbnail the entropy decoding of all of it. */
void metadata_peek(const struct container *container, struct metadata *metadata);

/* Groups "xmp", "exif", "iptc", "icc", "jpeg" below `parent`, as far as there is something. */
void metadata_facts(const struct metadata *metadata, struct fact_tree *tree, struct fact *parent);

#endif
