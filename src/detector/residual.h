/* residual.h - the configuration of the `residual` detector (residual.c), for its tests, and what its files share. */
#ifndef ASSAY_DETECTOR_RESIDUAL_H
#define ASSAY_DETECTOR_RESIDUAL_H

#include "detector/detector.h"

enum residual_input { RESIDUAL_RGB, RESIDUAL_NPR, RESIDUAL_BOTH };

/* What a branch of fixed statistics looks at: nothing (it is off), luma, luma and chroma, or red, green and blue. */
enum residual_colour { RESIDUAL_NONE, RESIDUAL_LUMA, RESIDUAL_YCC, RESIDUAL_COLOURS };
#define RESIDUAL_COLOUR_CHOICES "none|luma|ycc|rgb"

enum residual_moments { RESIDUAL_VARIANCE, RESIDUAL_ABSOLUTE, RESIDUAL_HIGHER };

enum residual_mix { RESIDUAL_MIX_NONE, RESIDUAL_MIX_INPUT, RESIDUAL_MIX_STATISTICS };

/* Whether one head reads all, or the network with its input maps and every branch have heads of their own, each trained
 * to judge alone. The logit is then half the network's, half the mean of the branches'. */
enum residual_fusion { RESIDUAL_JOINT, RESIDUAL_LATE };

enum { RESIDUAL_STAGES = 4 };

struct residual_config {
    int64_t crop, crops; /* side of a window, pixels; windows of a picture at test */
    int crop_choice;     /* enum preprocess_choice */
    int input;           /* enum residual_input */
    int64_t npr_patch;
    bool high_pass;      /* add the fixed high-pass filters */
    int64_t constrained; /* add so many filters that predict a pixel from those around it */
    bool correlations;   /* read out how the full-size maps correlate */
    int moments;         /* enum residual_moments: of the input maps, beside mean and variance */

    /* Branches; each an enum residual_colour. */
    int dct, spectrum, cooccurrence;
    int64_t dct_stride;
    bool spectrum_residual;     /* of the cut second differences; else of the pixels */
    int64_t cooccurrence_range; /* levels -range .. range */
    double cooccurrence_step;   /* of a level, grey levels */

    int64_t width, blocks,
        stages;                 /* channels of the first stage, doubled at each later one; blocks of each, 0: no CNN */
    int fusion;                 /* enum residual_fusion */
    int64_t head_hidden;        /* 0: the head is linear */
    int64_t thumb, thumb_width; /* side of the crop made small for a network of its own, 0: none; its first channels */

    /* In training only. */
    double dropout, label_smoothing;
    int mix;                          /* enum residual_mix */
    double mix_probability, mix_most; /* of a picture's being mixed; the largest share of the other */
    double mask_probability;          /* of a picture's losing a rectangle */
    double mask_min, mask_max;        /* its share of the crop */
};

extern const struct detector detector_residual;

/* ---- Shared by the files residual*.c ---------------------------------------------------------------------------- */

#define RESIDUAL_VARIANCE_EPS 1e-3f

/* An input of (value / 255 - 1/2) / (1/2): one grey level is 2 / 255. */
#define RESIDUAL_MEAN 0.5f
#define RESIDUAL_STD 0.5f
#define RESIDUAL_LEVELS (255.0f * RESIDUAL_STD) /* grey levels of one unit of the input */

enum { RESIDUAL_READINGS = 1 + RESIDUAL_STAGES, RESIDUAL_PARTS = RESIDUAL_READINGS + 5 };

/* Maps that are read out by their means and log-variances, and where `correlated` by their correlations. */
struct residual_reading {
    node maps; /* [B, H, W, C] */
    bool correlated;
};

/* What the heads read, in the order in which it is found; the readings are those of its first parts. */
struct residual_findings {
    struct residual_reading reading[RESIDUAL_READINGS];
    int readings, count, branches;
    node parts[RESIDUAL_PARTS]; /* [B, n] each */
    int branch[RESIDUAL_PARTS]; /* to which branch each belongs, ascending from 0 */
};

/* residual.c */

/* What detectors of fine traces see: up to so many crops of a side of so many pixels, at native scale. */
struct preprocess residual_crops(int64_t crop, int64_t crops);

/* Reads maps out, as a further part. */
void residual_read(struct graph *g, struct residual_findings *f, node maps, bool correlated);

/* Maps [B, S, S, C] through the stem and the stages, each of these read out. Returns the last maps. */
node residual_network(struct graph *g, struct params p, const struct residual_config *c, node x,
                      struct residual_findings *found);

/* residual_inputs.c: the maps that the network begins with, [B, S, S, C]. */
node residual_inputs(struct graph *g, struct params p, const struct residual_config *c, node image);

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

/* residual_thumb.c: features [B, 8 thumb-width] of the image [B, S, S, 3] made small, by a network of their own. */
node residual_thumb(struct graph *g, struct params p, const struct residual_config *c, node image);

/* residual_mixing.c */

/* How much of each picture of a batch is to be the next one's, drawn: [B, 1]. */
node residual_share(struct graph *g, const struct residual_config *c, int64_t batch);

/* Each row of x [B, ...] with that share [B, 1] of the next one; the last with the first. */
node residual_mix(struct graph *g, node x, node share);

/* Images [B, S, S, 3], some with a random rectangle wiped out (lol.h). */
node residual_mask(struct graph *g, const struct residual_config *c, node x);

/* residual_evidence.c */

/* How each place moves the logit [B, 1], taken as linear in `statistics` [B, features], which begin with those of the
 * readings one after another: [B, cells, cells, 1], whose mean is the logit. */
node residual_evidence(struct graph *g, const struct residual_reading *readings, int count, node statistics, node logit,
                       int64_t cells);

#endif
