/* loss.h - how far a reconstruction is from its picture. A mean absolute difference alone makes textures smooth,
 * which would be all that a detector learns; so edges weigh more, and spectra are compared as such. */
#ifndef ASSAY_TRAIN_RECONSTRUCT_LOSS_H
#define ASSAY_TRAIN_RECONSTRUCT_LOSS_H

#include "graph/graph.h"
#include "train/reconstruct/options.h"

/* Both [B, H, W, 3] in -1 .. 1, sides multiples of 16. The sum of
 *   - the L1 difference, at full size and of means of 2 x 2 and 4 x 4 pixels (a third each);
 *   - edges: the L1 difference of the differences between neighbours, along both sides, times `edges`;
 *   - spectrum: the L1 difference between the logarithms of the brightness' power in each of the 16 bands (4 x 4
 *     frequencies, without the first) of each block of 16 x 16 pixels, times `spectrum` and the scalar `share`. It asks
 *     for as much texture in the block, wherever it lies. A network that has learnt nothing yet has no power to speak
 *     of, and the logarithm's slope would drown all else: so it begins late. */
node reconstruct_loss(struct graph *g, node made, node x, node share, const struct autoencoder_options *o);

#endif
