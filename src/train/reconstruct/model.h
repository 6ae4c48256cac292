/* model.h - an autoencoder with its weights: trained, kept in a file, applied to whole pictures. */
#ifndef ASSAY_TRAIN_RECONSTRUCT_MODEL_H
#define ASSAY_TRAIN_RECONSTRUCT_MODEL_H

#include "data/pictures.h"
#include "graph/program.h"
#include "train/reconstruct/options.h"

/* Zero-initialise it. */
struct autoencoder_model {
    struct autoencoder_options options;
    char data[SHA256_TEXT]; /* digest of the pictures that it was trained on */
    struct store *store;
    double psnr; /* dB, mean over the crops of the last tenth of the training steps */

    struct program *program; /* for pictures of the size below; made when first needed */
    int width, height;
};

/* Trains on crops of the given pictures (indices into their dataset, at least one; each as likely as the other),
 * drawn by the seed. What comes out is a function of pictures, options and threads. Crops smaller than asked are
 * padded with black. `begin`: its weights are the first ones wherever name and shape agree (with 0 steps all must), as
 * they do in the outer layers of autoencoders that differ in their factor alone; NULL: drawn ones. `stream`: for
 * progress, NULL: silent. *crops_per_second may be NULL. */
assay_status autoencoder_train(struct pictures *pictures, const uint32_t *indices, size_t count,
                               const struct autoencoder_options *options, const struct autoencoder_model *begin,
                               FILE *stream, struct autoencoder_model *out, double *crops_per_second,
                               struct assay_error *error);

/* The weights, with options, digest and PSNR as metadata "assay.reconstruct" (JSON). */
assay_status autoencoder_save(const struct autoencoder_model *model, const char *path, struct assay_error *error);
assay_status autoencoder_load(const char *path, struct autoencoder_model *out, struct assay_error *error);

/* An error that names the first option in which the model differs from what is asked for now, or that its pictures were
 * others; `path` is the model's. */
assay_status autoencoder_compare(const struct autoencoder_model *model, const struct autoencoder_options *options,
                                 const char *data, const char *path, struct assay_error *error);

/* A picture's reconstruction, of its own size: what is missing to multiples of the factor is filled up with the
 * border's pixels and cut off again. `key` draws the noise. *psnr: dB over all values, before rounding to 8 bits. */
assay_status autoencoder_apply(struct autoencoder_model *model, const struct image *picture, uint64_t key,
                               struct image *out, double *psnr, struct assay_error *error);

void autoencoder_free(struct autoencoder_model *model); /* a zeroed one is fine; zeroes it */

/* ---- what its parts share --------------------------------------------------------------------------------------- */

/* dB of a mean squared difference of values in -1 .. 1; equal pictures count as 100 dB. */
double autoencoder_psnr(double mean_square);

/* Declares all parameters of encoder and decoder in a store. */
assay_status autoencoder_declare(struct store *store, const struct autoencoder_options *options,
                                 struct assay_error *error);

/* Whether an entry of the store is a parameter of encoder or decoder: no critic, no state of the optimiser. */
bool autoencoder_owns(const struct store_entry *entry);

#endif
