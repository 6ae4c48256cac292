/* ensemble.h - the detector `ensemble`: several networks that judge together. model_join.h makes one of trained
 * models. */
#ifndef ASSAY_DETECTOR_ENSEMBLE_H
#define ASSAY_DETECTOR_ENSEMBLE_H

#include "detector/detector.h"

enum { ENSEMBLE_MAX_MEMBERS = 16 };

struct ensemble_config {
    const char *members; /* JSON: an array of objects of the keys below */
    int64_t crops;
    double label_smoothing;
};

#define ENSEMBLE_DETECTOR "detector" /* its name */
#define ENSEMBLE_CONFIG "config"     /* of its options, those that are not the defaults; may be absent */
#define ENSEMBLE_SCALE "scale"       /* the member says scale * logit + shift; absent: 1 */
#define ENSEMBLE_SHIFT "shift"       /* absent: 0 */

struct ensemble_member {
    const struct detector *detector;
    void *config; /* in the arena */
    double scale, shift;
    int across; /* so many of its crops lie side by side in a crop of the ensemble, and as many one below the other */
};

/* The members that a text describes, into members[ENSEMBLE_MAX_MEMBERS]; at least one. The ensemble's crop is the
 * largest of theirs; one that wants smaller crops judges the parts of it, and says the mean of what it says of them.
 * Refused: what is no such text, crops that do not divide the largest, and members that want their pictures prepared
 * differently (but for that, the number of crops, and which). */
assay_status ensemble_read(const char *text, struct arena *arena, struct ensemble_member *members, int *count,
                           struct assay_error *error);

/* The first whose crops are the ensemble's. */
int ensemble_widest(const struct ensemble_member *members, int count);

extern const struct detector detector_ensemble;

#endif
