/* options.c - the tables of reconstruction's options. */
#include "train/reconstruct/options.h"
#include "base/option_rows.h"

#include <inttypes.h>

#define NETWORK(field) offsetof(struct autoencoder_options, field)
#define PAIRS(field) offsetof(struct pairs_options, field)

const struct option autoencoder_option_table[] = {
    {"decoder", OPTION_CHOICE, NETWORK(decoder), "nearest", 0, 0, DECODER_CHOICES,
     "what makes maps larger in the decoder, with a convolution each"},
    {"factor", OPTION_CHOICE, NETWORK(factor), "8", 0, 0, "2|4|8|16", "pixels along one latent cell"},
    {"width", OPTION_INT, NETWORK(width), "16", 1, 1024, NULL,
     "channels at full size; four times as many further down"},
    {"latent", OPTION_INT, NETWORK(latent), "0", 0, 1024, NULL,
     "channels of a latent cell; 0: 3/4 factor^2, a quarter of its pixels' values"},
    {"latent-noise", OPTION_FLOAT, NETWORK(noise), "0", 0, 10, NULL,
     "deviation of normal noise on the latents, which lie between -1 and 1"},
    {"latent-levels", OPTION_INT, NETWORK(levels), "0", 0, 65536, NULL,
     "latents are rounded to so many values (2 or more); 0: they are not"},
    {"steps", OPTION_INT, NETWORK(steps), "1500", 0, 1e9, NULL,
     "training steps; 0: none, the weights of --begin are taken as they are"},
    {"batch", OPTION_INT, NETWORK(batch), "8", 1, 4096, NULL, "crops a step"},
    {"crop", OPTION_INT, NETWORK(crop), "64", 32, 2048, NULL,
     "side of the crops, pixels; a multiple of 16 and the factor"},
    {"learning-rate", OPTION_FLOAT, NETWORK(learning_rate), "0.002", 0, 1000, NULL,
     "highest rate of Adam; it falls to zero along a cosine"},
    {"edge-weight", OPTION_FLOAT, NETWORK(edges), "0.5", 0, 1000, NULL,
     "loss: weight of the difference between neighbours' differences"},
    {"spectrum-weight", OPTION_FLOAT, NETWORK(spectrum), "0.03", 0, 1000, NULL,
     "loss: weight of the difference between log power spectra, so that textures keep their strength"},
    {"adversarial-weight", OPTION_FLOAT, NETWORK(adversarial), "0", 0, 1000, NULL,
     "loss: weight of a small network that learns to tell reconstructions; 0: none"},
    OPTION_ROW_SEED("seed", NETWORK(seed), "1", "of first weights, crops and noise"),
    OPTION_ROW_PRECISION(NETWORK(precision)),
    {0}};

const struct option pairs_option_table[] = {
    {"count", OPTION_INT, PAIRS(count), "0", 0, 1e9, NULL, "at most so many pictures, drawn at random; 0: all"},
    {"part", OPTION_INT, PAIRS(part), "1", 1, 1e6, NULL, "of the parts, the one whose pictures are written"},
    {"parts", OPTION_INT, PAIRS(parts), "1", 1, 1e6, NULL,
     "deal the pictures out to so many parts at random: another part for every decoder gives each picture once"},
    {"art", OPTION_BOOL, PAIRS(art), "true", 0, 0, NULL, "take sources named art-* too"},
    {"window", OPTION_INT, PAIRS(window), "512", 32, 4096, NULL,
     "of pictures with longer sides the middle is taken, so many pixels"},
    {"quality-low", OPTION_INT, PAIRS(quality_low), "88", 1, 100, NULL, "lowest JPEG quality"},
    {"quality-high", OPTION_INT, PAIRS(quality_high), "96", 1, 100, NULL, "highest JPEG quality"},
    {"first-pass", OPTION_CHOICE, PAIRS(first_pass), "auto", 0, 0, "auto|none|same|shifted",
     "an earlier JPEG pass of reconstructions: same, as their originals'; shifted, of a grid and quality drawn at "
     "random; "
     "auto: same beside copies of the originals, else shifted"},
    {"copy-originals", OPTION_BOOL, PAIRS(copy_originals), "true", 0, 0, NULL,
     "write the originals too, saved as their reconstructions are"},
    OPTION_ROW_SEED(
        "draw-seed", PAIRS(draw_seed), "0",
        "draws parts, pictures, qualities, subsampling; the same for all decoders that write into one folder"),
    {0}};

int autoencoder_doublings(const struct autoencoder_options *o)
{
    return o->factor + 1;
}

int64_t autoencoder_factor(const struct autoencoder_options *o)
{
    return INT64_C(1) << autoencoder_doublings(o);
}

assay_status reconstruct_options_check(const struct autoencoder_options *network, const struct pairs_options *pairs,
                                       struct assay_error *error)
{
    if (network->crop % 16)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "option crop: %" PRId64 " is no multiple of 16", network->crop);
    if (network->levels == 1)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "option latent-levels: one value says nothing; 0 or 2 and more");
    if (pairs->part > pairs->parts)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "option part: there are %" PRId64 " parts, so no part %" PRId64,
                         pairs->parts, pairs->part);
    if (pairs->quality_low > pairs->quality_high)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "--quality-low %" PRId64 " is above --quality-high %" PRId64,
                         pairs->quality_low, pairs->quality_high);
    return ASSAY_OK;
}
