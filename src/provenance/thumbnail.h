/* thumbnail.h - whether the thumbnail in a JPEG's EXIF shows the picture that it lies in. Cameras write both at once;
 * many programs that alter a picture leave the old thumbnail there. Both are read small and in grey
 * (image/jpeg_peek.h), which takes the entropy decoding of the whole picture: not for the detect path.
 *
 * Compared is brightness on a grid of at most THUMBNAIL_GRID cells a side, after one gain and offset, each cell with
 * the nearest value among its neighbours in the other picture, so that neither sharpening nor a shift of a cell counts;
 * the margin is left out, since some thumbnails have bars, and some were made before the camera straightened the lens.
 * It is a hint. */
#ifndef ASSAY_PROVENANCE_THUMBNAIL_H
#define ASSAY_PROVENANCE_THUMBNAIL_H

#include "provenance/exif.h"

enum { THUMBNAIL_GRID = 40, THUMBNAIL_MAX_FILE = 64 << 20 /* bytes of a picture's file that is compared */ };

enum thumbnail_kind {
    THUMBNAIL_NOT_COMPARED, /* none, no JPEG, unreadable, too flat, another shape, too large */
    THUMBNAIL_SAME,
    THUMBNAIL_DIFFERS, /* in part */
    THUMBNAIL_ANOTHER  /* it shows something else */
};

struct thumbnail_comparison {
    enum thumbnail_kind kind;
    double share;       /* of the cells that differ */
    double correlation; /* of brightness, -1 to 1 */
};

/* `bytes` are a JPEG's, exif its own. */
struct thumbnail_comparison thumbnail_compare(const struct exif *exif, const uint8_t *bytes, size_t size);

/* "as the picture", "differs in part", "another picture"; NULL: not compared. */
const char *thumbnail_text(enum thumbnail_kind kind);

#endif
