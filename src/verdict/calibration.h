/* calibration.h - fits a calibration to scored pictures: what a score is worth, and from where on a verdict is
 * given. */
#ifndef ASSAY_VERDICT_CALIBRATION_H
#define ASSAY_VERDICT_CALIBRATION_H

#include <stdint.h>

#include "verdict/verdict.h"

/* A scored picture for fitting. */
struct calibration_sample {
    double logit;
    bool generated;
    double weight; /* > 0; see calibration_weights */
    int source;    /* any id; the same id in another group is another source */
    bool art;      /* real, made by people, but no photograph: a group of its own, unless all real pictures are art */
};

/* What may go wrong, as shares of the pictures of a group, every source of it weighing the same. */
struct calibration_options {
    double max_false_generated; /* of the real ones, called ai-generated */
    double max_false_real;      /* of the generated ones, called real, unless max_uncertain asks for more */
    double max_false_art;       /* of the art, called ai-generated */
    double max_uncertain;       /* mean of the share of the real and of the generated ones; 1: any */
    double guard; /* the first three are kept to by the mean over the sources plus so many standard errors of it */
};

extern const struct calibration_options calibration_defaults; /* 0.05, 0.05, 0.10, 1, 1 */

/* Weighs samples so that both classes, and art as a third group, count one half each, and within them every source the
 * same. Fails where a class is absent. */
assay_status calibration_weights(struct calibration_sample *samples, size_t count, struct assay_error *error);

/* Fits scale and shift by weighted maximum likelihood with Platt's smoothed targets, each class counting one half
 * whatever its weights add up to, art apart left out; then the thresholds.
 *
 * generated_above is the smallest >= 1/2 such that the weighted share of real pictures at or above it is at most
 * max_false_generated, and of art at most max_false_art; real_below the largest <= 1/2 such that the share of generated
 * pictures at or below it is at most max_false_real. Where more than max_uncertain then lie between the two, real_below
 * rises, to just below one half at most, until no more do.
 *
 * Shares are means over the sources of a group; where it has two or more, `guard` standard errors of that mean (by how
 * much the sources differ) are added to it, since other sources are met in use.
 *
 * NULL options: defaults. Perfectly separable classes have a finite fit, as steep as the number of samples warrants.
 * Where all logits are the same, every probability is one half and (unless the options allow any error) every verdict
 * uncertain. Fails where a class is absent, a logit is not finite or a weight not above 0. */
assay_status calibration_fit(const struct calibration_sample *samples, size_t count,
                             const struct calibration_options *options, struct calibration *out,
                             struct assay_error *error);

/* ---- What becomes of pictures under a calibration -------------------------------------------------------------- */

enum calibration_group { CALIBRATION_REAL, CALIBRATION_GENERATED, CALIBRATION_ART, CALIBRATION_GROUPS };

/* Shares of a group, every source the same. */
struct calibration_shares {
    size_t pictures, sources; /* 0: all else is 0 */
    double real, uncertain, generated;
};

struct calibration_outcome {
    struct calibration_shares groups[CALIBRATION_GROUPS];
    double uncertain; /* mean of real and generated */
    double error;     /* expected calibration error of real and generated, both weighing one half, in 15 bins */
};

/* Weights are those of calibration_weights, whatever the samples' are. One class may be absent: `uncertain` is then the
 * other's, and `error` NaN. */
assay_status calibration_judge(const struct calibration *calibration, const struct calibration_sample *samples,
                               size_t count, struct calibration_outcome *out, struct assay_error *error);

/* ---- What calibration.c and thresholds.c share ----------------------------------------------------------------- */

/* A sample by group and source, to find those that belong together. */
struct calibration_member {
    size_t index;
    int source;
    enum calibration_group group;
};

bool calibration_has_photographs(const struct calibration_sample *samples, size_t count);
enum calibration_group calibration_group_of(const struct calibration_sample *sample, bool has_photographs);

/* All samples, sorted by group, source and index; NULL: no memory. Freed with mem_free. */
struct calibration_member *calibration_members(const struct calibration_sample *samples, size_t count);

/* The end of the source that begins at `begin`. */
size_t calibration_source_end(const struct calibration_member *members, size_t count, size_t begin);

/* Sets the thresholds of a calibration whose scale and shift are there. */
assay_status calibration_thresholds(const struct calibration_sample *samples, size_t count,
                                    const struct calibration_options *options, struct calibration *calibration,
                                    struct assay_error *error);

#endif
