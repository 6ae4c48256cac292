/* activation.h - where a picture speaks for a verdict, by the model's own account: class activation maps, Grad-CAM and
 * attention roll-out, of every crop that is judged, merged to one map of the whole picture. docs/evaluation.md says
 * what such a map is not. */
#ifndef ASSAY_DETECTOR_ACTIVATION_H
#define ASSAY_DETECTOR_ACTIVATION_H

#include "detector/model.h"

enum activation_method {
    ACTIVATION_AUTO, /* the first of those below that the detector has */
    ACTIVATION_CAM,  /* what its head makes of each place (Zhou et al., CVPR 2016); logits, their mean is the logit (of
                        an ensemble, that of the members that can say it) */
    ACTIVATION_ROLLOUT,  /* of attention to the class token (Abnar and Zuidema, ACL 2020); times the even share. It is
                            the same for both sides */
    ACTIVATION_GRAD_CAM, /* last maps weighted by the logit's gradients, summed over places (Selvaraju et al., ICCV
                            2017); with a linear head on their mean that is the CAM without the bias */
    ACTIVATION_METHODS
};

/* What a map shows evidence for. */
enum activation_side {
    ACTIVATION_LEANING, /* "generated" where the probability is at least one half, else "real" */
    ACTIVATION_GENERATED,
    ACTIVATION_REAL
};

enum { ACTIVATION_MAX_SIDE = 1024 };

struct activation_options {
    enum activation_method method;
    enum activation_side side;
};

#define ACTIVATION_UNSEEN (-1.0f)

/* Free it with activation_free; zero-initialise it. */
struct activation {
    /* [height, width], over the whole picture: as many places as pixels, or fewer, in proportion, so that no side has
     * more than ACTIVATION_MAX_SIDE. From 0 to 1, and ACTIVATION_UNSEEN where no crop has looked. */
    int width, height;
    float *heat;
    double low, high; /* the values behind 0 and 1, in the unit of the method. Where they are equal all heat is 0 */
    enum activation_method method;
    bool generated; /* the side: for "generated", or for "real" */
    double logit;   /* of the picture, as model_score */
    double seen;    /* share of the map that some crop has looked at */
    int crops;
};

/* The map of one picture. What speaks for the other side counts as nothing, crop by crop, and overlapping crops are
 * averaged, before the whole is scaled: 0 is no evidence (roll-out: the smallest value), 1 what one place in a hundred
 * exceeds, which is cut there: a few sharp edges would leave the rest dark. NULL options: AUTO and LEANING. A method
 * that the detector does not have is ASSAY_ERROR_MODEL. Several threads may call it at once. */
assay_status model_activation(struct model_scorer *scorer, const struct image *picture,
                              const struct activation_options *options, struct activation *out,
                              struct assay_error *error);

/* The same, asking the watch (NULL: nobody) between crops. */
assay_status model_activation_watched(struct model_scorer *scorer, const struct image *picture,
                                      const struct activation_options *options, const struct watch *watch,
                                      struct activation *out, struct assay_error *error);
void activation_free(struct activation *activation);

/* "cam", "grad-cam", "rollout". */
const char *activation_method_name(enum activation_method method);

#endif
