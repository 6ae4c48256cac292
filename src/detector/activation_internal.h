/* activation_internal.h - what activation.c and activation_merge.c share. */
#ifndef ASSAY_DETECTOR_ACTIVATION_INTERNAL_H
#define ASSAY_DETECTOR_ACTIVATION_INTERNAL_H

#include "detector/activation.h"

/* A map of a whole picture that the maps of its crops are added to. Zero-initialise it. */
struct activation_canvas {
    int width, height;
    float *sum, *count; /* [height, width] */
    int picture[2];     /* width and height, pixels */
    int resized[2];     /* of the picture as the preprocessing resizes it, before it is made large enough for a crop */
    int copies[2];      /* how often it was laid side by side for that */
    int margin[2];      /* or black pixels before it */
    int crop;
};

/* For a picture and what preprocess_fit made of it. */
assay_status canvas_begin(struct activation_canvas *canvas, const struct preprocess *p, const struct image *picture,
                          const struct image *fitted, struct assay_error *error);
void canvas_free(struct activation_canvas *canvas);

/* Adds a crop's map [rows, columns], bilinearly between the centres of its cells. The crop lies at (left, top) of the
 * fitted picture. */
assay_status canvas_add(struct activation_canvas *canvas, int left, int top, const float *cells, int rows, int columns,
                        struct assay_error *error);

/* The mean where crops have looked, ACTIVATION_UNSEEN elsewhere, left in `sum`; its smallest and largest value, and the
 * share that was seen. */
void canvas_finish(struct activation_canvas *canvas, double *low, double *high, double *seen);

/* After that: the value that one place in a hundred of those seen exceeds, to 1/4096 of the range from low to high;
 * high where so few are above low. */
double canvas_strong(const struct activation_canvas *canvas, double low, double high);

#endif
