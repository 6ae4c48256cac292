/* augment.h - how a picture is varied before a network trains on it. The steps come in this order, each with a
 * probability and a range, drawn uniformly:
 *
 *     flip     left and right exchanged
 *     turn     by 90, 180 or 270 degrees
 *     resize   by a factor (drawn evenly in its logarithm), with a filter drawn from box, bilinear, bicubic, Lanczos
 *     blur     Gaussian, sigma in pixels
 *     noise    Gaussian, sigma in grey levels
 *     jpeg     encoded at a quality and decoded again (4:2:0)
 *     webp     the same, lossy
 *     (fit)    the detector's own resizing and padding: preprocess_fit
 *     crop     the window that the network sees, anywhere in the picture; always done, always last
 *
 * Every step draws its numbers whether it is taken or not, so switching one leaves the others' draws alone. */
#ifndef ASSAY_DATA_AUGMENT_H
#define ASSAY_DATA_AUGMENT_H

#include "base/option.h"
#include "base/random.h"
#include "detector/preprocess.h"
#include "image/image.h"

/* A probability of 0 leaves a step out. The options are called "augment-flip", "augment-turn", "augment-resize",
 * "augment-resize-min", "augment-resize-max", and so on; the defaults only flip. */
struct augment {
    double flip, turn;                     /* probabilities */
    double resize, resize_min, resize_max; /* probability; factor */
    double blur, blur_min, blur_max;       /* probability; sigma, pixels */
    double noise, noise_min, noise_max;    /* probability; sigma, grey levels */
    double jpeg;                           /* probability */
    int64_t jpeg_min, jpeg_max;            /* quality */
    double webp;                           /* probability */
    int64_t webp_min, webp_max;            /* quality */
};

extern const struct option augment_option_table[];

/* Refuses ranges whose minimum lies above their maximum, by the option's name. */
assay_status augment_check(const struct augment *augment, struct assay_error *error);

/* Writes one window of a picture, varied, as f32 [crop, crop, 3], normalised. A pure function of its arguments. */
assay_status augment_write(const struct augment *augment, const struct preprocess *preprocess,
                           const struct image *picture, struct random *random, float *out, struct assay_error *error);

#endif
