/* api.h - what the opaque handles of include/assay/assay.h hold, and what the calls that use a model share. */
#ifndef ASSAY_API_API_H
#define ASSAY_API_API_H

#include "detector/model.h"
#include "image/image.h"

struct assay_picture {
    struct image image;
};

struct assay_model {
    struct model model;
    struct model_scorer *scorer;
    int threads; /* that compute in each call: what was compiled for some must not run on more */
};

/* The verdict for a logit. MODEL where it is not finite; the message names `what`. */
assay_status api_judge(const struct assay_model *model, const struct image *image, double logit, const char *what,
                       struct assay_result *result, struct assay_error *error);

#endif
