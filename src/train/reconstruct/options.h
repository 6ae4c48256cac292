/* options.h - how reconstructions are made: the settings of the autoencoder and of its training, and those of the
 * pictures that it writes. */
#ifndef ASSAY_TRAIN_RECONSTRUCT_OPTIONS_H
#define ASSAY_TRAIN_RECONSTRUCT_OPTIONS_H

#include <stdbool.h>

#include "base/option.h"

/* What makes maps twice as large in the decoder: repeated or interpolated cells with a 3x3 convolution behind (Stable
 * Diffusion's decoders; older ones), a transposed 4x4 convolution (DCGAN), a 3x3 convolution and pixel shuffle
 * (ESPCN). */
enum decoder_kind { DECODER_NEAREST, DECODER_BILINEAR, DECODER_TRANSPOSED, DECODER_SHUFFLE, DECODER_COUNT };
#define DECODER_CHOICES "nearest|bilinear|transposed|shuffle"

/* All of the network and its training: recorded in its file, and the same where a run goes on. */
struct autoencoder_options {
    int decoder;           /* enum decoder_kind */
    int factor;            /* enum, an index: 2, 4, 8, 16 pixels a latent cell, see autoencoder_factor */
    int64_t width, latent; /* channels at full size (twice and four times that below), channels of the latent cells */
    double noise;          /* deviation of normal noise on the latents, which lie in -1 .. 1 */
    int64_t levels;        /* the latents are rounded to so many values; 0: not at all */
    int64_t steps, batch, crop;
    double learning_rate;
    double edges, spectrum, adversarial; /* weights beside the L1 difference, see loss.h */
    int64_t seed;                        /* first weights, crops, noise */
    int precision;                       /* enum precision */
};

extern const struct option autoencoder_option_table[];

/* Pixels along a latent cell, and the doublings that make them. */
int autoencoder_doublings(const struct autoencoder_options *o);
int64_t autoencoder_factor(const struct autoencoder_options *o);

/* The JPEG pass that a reconstruction goes through before the one that is kept: its original went through one, too. */
enum first_pass {
    FIRST_PASS_AUTO,    /* FIRST_PASS_SAME where copies of the originals are written, else FIRST_PASS_SHIFTED */
    FIRST_PASS_NONE,    /* nothing */
    FIRST_PASS_SAME,    /* a JPEG of the original's own quality and subsampling, where that is a JPEG */
    FIRST_PASS_SHIFTED, /* nine times in ten a JPEG of a drawn quality (75 to 95), its grid shifted at random */
};

/* All that decides which pictures are written and how. */
struct pairs_options {
    int64_t count, part, parts;
    int64_t window;
    int64_t quality_low, quality_high;
    int first_pass; /* enum first_pass */
    bool copy_originals, art;
    int64_t draw_seed; /* of parts, qualities, subsampling, shifts */
};

extern const struct option pairs_option_table[];

/* Refuses what single ranges cannot. */
assay_status reconstruct_options_check(const struct autoencoder_options *network, const struct pairs_options *pairs,
                                       struct assay_error *error);

#endif
