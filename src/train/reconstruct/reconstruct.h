/* reconstruct.h - reconstructed pairs: an autoencoder is trained on the real pictures of a set, and writes what it
 * makes of them as further generated pictures. Each lies beside its original, so that only the decoder's traces tell
 * them apart, and not what they show. In the folder:
 *
 *     ai/NAME/NUMBER.jpg        reconstructions; NUMBER is the original's place in the set
 *     real/SOURCE/NUMBER.jpg    their originals, if asked for, saved with the same quality and subsampling
 *     NAME.csv                  a list of both that is read as a set: path, label, source, original. Written last
 *     NAME.safetensors          the autoencoder
 *     pairs.json                what all sets in this folder have in common
 *
 * Every file appears whole or not at all. Called again with the same options it goes on where it was: a trained
 * autoencoder is not trained again, a written picture not written again. Several (other decoders, say) may write into
 * one folder under different names. */
#ifndef ASSAY_TRAIN_RECONSTRUCT_H
#define ASSAY_TRAIN_RECONSTRUCT_H

#include "data/dataset.h"
#include "train/reconstruct/options.h"

struct reconstruct_job {
    const struct dataset *dataset;
    struct autoencoder_options network;
    struct pairs_options pairs;
    const char *folder;                    /* exists */
    const char *name;                      /* NULL: "rec-DECODER-FACTOR" */
    const char *begin;                     /* file of an autoencoder to begin training with; NULL: none */
    bool overwrite;                        /* train anew and write anew what is there under this name */
    int64_t cache_mb;                      /* MiB of decoded pictures kept while training */
    FILE *stream;                          /* for progress, NULL: silent */
    void (*complain)(const char *message); /* pictures that cannot be read */
};

struct reconstruct_result {
    char name[64];
    bool trained;            /* else the autoencoder was there */
    double crops_per_second; /* of training */
    double training_psnr;    /* dB, see struct autoencoder_model */
    size_t chosen;           /* pictures of the part */
    size_t written, present, unreadable;
    double psnr; /* dB, mean over those written now, before JPEG */
    double pictures_per_second;
};

assay_status reconstruct_run(const struct reconstruct_job *job, struct reconstruct_result *result,
                             struct assay_error *error);

/* The same seed draws the same pictures, in the order of the set: *chosen (indices, freed with mem_free). */
assay_status reconstruct_choose(const struct dataset *dataset, const struct pairs_options *pairs, uint32_t **chosen,
                                size_t *count, struct assay_error *error);

#endif
