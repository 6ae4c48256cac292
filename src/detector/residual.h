/* residual.h - the configuration of the `residual` detector (residual.c), for its tests, and what its files share. */
#ifndef ASSAY_DETECTOR_RESIDUAL_H
#define ASSAY_DETECTOR_RESIDUAL_H

#include "detector/detector.h"

enum residual_input { RESIDUAL_RGB, RESIDUAL_NPR, RESIDUAL_BOTH };

/* What a branch of fixed statistics looks at: nothing (it is off), luma, luma and chroma, or red, green and blue. */
enum residual_colour { RESIDUAL_NONE, RESIDUAL_LUMA, RESIDUAL_YCC, RESIDUAL_COLOURS };
#define RESIDUAL_COLOUR_CHOICES "none|luma|ycc|rgb"

enum residual_moments { RESIDUAL_VARIANCE, RESIDUAL_ABSOLUTE, RESIDUAL_HIGHER };

enum { RESIDUAL_STAGES = 4 };

struct residual_config {
    int64_t crop, crops; /* side of a window, pixels; windows of a picture at test */
    int input;           /* enum residual_input */
    int64_t npr_patch;
    bool high_pass;    /* add the fixed high-pass filters */
    bool correlations; /* read out how the full-size maps correlate */
    int moments;       /* enum residual_moments: of the input maps, beside mean and variance */

    /* Branches; each an enum residual_colour. */
    int dct, spectrum, cooccurrence;
    int64_t dct_stride;
    bool spectrum_residual;     /* of the cut second differences; else of the pixels */
    int64_t cooccurrence_range; /* levels -range .. range */
    double cooccurrence_step;   /* of a level, grey levels */

    int64_t width, blocks,
        stages;          /* channels of the first stage, doubled at each later one; blocks of each, 0: no CNN */
    int64_t head_hidden; /* 0: the head is linear */
    double dropout, label_smoothing;
};

extern const struct detector detector_residual;

/* ---- Shared by the files residual*.c ---------------------------------------------------------------------------- */

#define RESIDUAL_VARIANCE_EPS 1e-3f

/* An input of (value / 255 - 1/2) / (1/2): one grey level is 2 / 255. */
#define RESIDUAL_MEAN 0.5f
#define RESIDUAL_STD 0.5f
#define RESIDUAL_LEVELS (255.0f * RESIDUAL_STD) /* grey levels of one unit of the input */

enum { RESIDUAL_READINGS = 1 + RESIDUAL_STAGES, RESIDUAL_PARTS = RESIDUAL_READINGS + 4 };

/* Maps that are read out by their means and log-variances, and where `correlated` by their correlations. */
struct residual_reading {
    node maps; /* [B, H, W, C] */
    bool correlated;
};

/* residual_inputs.c: the maps that the network begins with, [B, S, S, C]. */
node residual_inputs(struct graph *g, const struct residual_config *c, node image);

/* residual_statistics.c */

/* Maps [B, H, W, C] as [B, H W, C] without their means, which come as [B, 1, C]. */
node residual_center(struct graph *g, node x, node *mean);

/* A reading's means and log-variances, [B, 2 C], and where `correlated` its correlations, [B, C C] more. */
node residual_statistics(struct graph *g, const struct residual_reading *reading);

/* How the values of maps [B, H, W, C] spread besides: the logarithm of their mean absolute deviation [B, C], and with
 * RESIDUAL_HIGHER the third moment of the standardised values and the logarithm of the fourth, [B, 3 C]. */
node residual_moments(struct graph *g, node x, enum residual_moments kind);

/* residual_planes.c */

/* The image [B, S, S, 3] as planes [B, P, S, S], in grey levels around zero, each of mean 0. */
node residual_planes(struct graph *g, node image, enum residual_colour colour);

/* A constant matrix [rows, columns] from its entries. */
typedef double residual_entry(int64_t row, int64_t column, const void *context);
node residual_matrix(struct graph *g, int64_t rows, int64_t columns, residual_entry *entry, const void *context);

/* left x right^T on the last two axes, in f32: [..., H, W] to [..., rows of left, rows of right]. */
node residual_sides(struct graph *g, node left, node x, node right);

/* The branches, each from planes [B, P, S, S] to features [B, P n]; residual_dct.c, residual_spectrum.c and
 * residual_cooccurrence.c say what they are. */
node residual_dct(struct graph *g, node planes, int64_t stride);
node residual_spectrum(struct graph *g, node planes, bool residual);
node residual_cooccurrence(struct graph *g, node planes, int64_t range, float step);

/* residual_evidence.c */

/* How each place moves the logit [B, 1], taken as linear in `statistics` [B, features], which begin with those of the
 * readings one after another: [B, cells, cells, 1], whose mean is the logit. */
node residual_evidence(struct graph *g, const struct residual_reading *readings, int count, node statistics, node logit,
                       int64_t cells);

#endif
