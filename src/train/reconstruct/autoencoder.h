/* autoencoder.h - a small convolutional autoencoder whose decoder enlarges maps as a chosen kind of generator does,
 * and the critic that it may be trained against. Its pictures are [B, H, W, 3] in -1 .. 1, sides multiples of the
 * factor. */
#ifndef ASSAY_TRAIN_RECONSTRUCT_AUTOENCODER_H
#define ASSAY_TRAIN_RECONSTRUCT_AUTOENCODER_H

#include "nn/params.h"
#include "train/reconstruct/options.h"

/* x to its reconstruction, with the latents' noise and rounding: parameters "encoder.*" and "decoder.*". */
node autoencoder(struct graph *g, struct params p, node x, const struct autoencoder_options *o);

/* First weights of the layers that enlarge, once the store is initialised. Drawn as torch does it, the 2 x 2 cells
 * that transposed convolution and pixel shuffle make of one differ from the start, and training stays for long with
 * chequered blurs; so shuffled cells begin nearly alike (Aitken et al., "Checkerboard artifact free sub-pixel
 * convolution", 2017), and transposed windows as interpolation, with a share of the former weights. */
void autoencoder_begin(struct store *store, const struct autoencoder_options *o);

/* How real each patch looks, [B, H / 8, W / 8, 1]: "critic.*". */
node autoencoder_critic(struct graph *g, struct params p, node x, const struct autoencoder_options *o);
#define CRITIC_PREFIX "critic."

#endif
