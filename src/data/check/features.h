/* features.h - what can be said of a picture by one number without looking at it. None of these should tell a set's
 * real pictures from its generated ones. */
#ifndef ASSAY_DATA_CHECK_FEATURES_H
#define ASSAY_DATA_CHECK_FEATURES_H

#include "data/check/scan.h"

enum feature {
    FEATURE_FORMAT,
    FEATURE_WIDTH,
    FEATURE_HEIGHT,
    FEATURE_ASPECT, /* width / height */
    FEATURE_MEGAPIXELS,
    FEATURE_BYTES_PER_PIXEL, /* of the file; depends on what is shown, too */
    FEATURE_JPEG_QUALITY,    /* these three of JPEGs alone */
    FEATURE_SUBSAMPLING,
    FEATURE_PROGRESSIVE,
    FEATURE_METADATA, /* which kinds there are */
    FEATURE_COUNT
};

const char *feature_name(enum feature feature);  /* "jpeg_quality" */
const char *feature_title(enum feature feature); /* "JPEG quality" */

/* Whether values are names rather than sizes: their order means nothing. */
bool feature_is_category(enum feature feature);

/* False where a picture has no such value (unreadable, or no JPEG). */
bool feature_value(const struct scan_picture *picture, enum feature feature, double *value);

/* A category's value as text. */
enum { FEATURE_TEXT = 32 };
const char *feature_value_text(enum feature feature, double value, char text[FEATURE_TEXT]);

#endif
