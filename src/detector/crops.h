/* crops.h - which windows of a picture are judged and averaged. */
#ifndef ASSAY_DETECTOR_CROPS_H
#define ASSAY_DETECTOR_CROPS_H

#include "detector/preprocess.h"

struct crop_place {
    int left, top; /* pixels */
};

struct crops {
    int count; /* 1 to PREPROCESS_MAX_CROPS */
    struct crop_place at[PREPROCESS_MAX_CROPS];
};

/* The crops of a fitted picture at test, at most p->max_crops. Of an even grid the first is the centre crop; the others
 * come row by row, at least half a crop apart, from edge to edge where more than one lies along a side. Or the richest
 * in texture of such a grid of PREPROCESS_MAX_CROPS, richest first; only then are pixels read. */
void crops_choose(const struct preprocess *p, const struct image *fitted, struct crops *out);

#endif
