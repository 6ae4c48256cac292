/* api.h - what the opaque handles of include/assay/assay.h hold. */
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
};

#endif
