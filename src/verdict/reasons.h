/* reasons.h - what a verdict stands on, in numbers and in words; and the limits beyond which a model gives none. */
#ifndef ASSAY_VERDICT_REASONS_H
#define ASSAY_VERDICT_REASONS_H

#include "verdict/verdict.h"

/* Beyond these a model does no better than chance, as far as was measured; they are a model's own (`assay model
 * limits`). */
struct verdict_limits {
    int smallest_side;  /* pixels: of pictures whose shorter side has fewer nothing is said; 0: no limit */
    int lowest_quality; /* of a JPEG, likewise; 0: no limit */
};

enum verdict_limit { VERDICT_UNLIMITED, VERDICT_TOO_SMALL, VERDICT_TOO_COMPRESSED };

/* How far the crops of a picture agree, each by its own probability. */
struct crop_agreement {
    int crops;
    int generated;                /* of them lean to generated: one half or more */
    double lowest, highest, mean; /* of their probabilities */
    double deviation;             /* likewise: the root of the variance, with n */
};

struct verdict_reasons {
    struct crop_agreement agreement;
    int width, height;        /* pixels */
    const char *format;       /* "JPEG"; NULL: not known. Static */
    int jpeg_quality;         /* 1 to 100; 0: no JPEG, or not known */
    bool jpeg_quality_exact;  /* else the nearest */
    enum verdict_limit limit; /* what kept the model from a verdict */
    int limit_value;          /* pixels or quality */
};

/* Which limit a picture is beyond, and its value. */
enum verdict_limit verdict_limit_of(const struct verdict_limits *limits, int width, int height, int jpeg_quality,
                                    int *value);

/* The verdict for a probability where the limit is known: beyond one it is uncertain, unless there is no
 * calibration. */
assay_verdict verdict_within(const struct calibration *calibration, enum verdict_limit limit, double probability);

/* "none", "too small", "too compressed". Static. */
const char *verdict_limit_text(enum verdict_limit limit);

/* One line in plain words, without a newline. */
enum { VERDICT_REASONS_TEXT = 320 };
const char *verdict_reasons_text(const struct verdict_reasons *reasons, char text[VERDICT_REASONS_TEXT]);

json_t *verdict_limits_to_json(const struct verdict_limits *limits); /* the caller's reference; NULL: no memory */
assay_status verdict_limits_from_json(const json_t *object, const char *where, struct verdict_limits *out,
                                      struct assay_error *error);

#endif
