/* model_internal.h - what model.c, model_load.c, scorer.c and activation.c share. */
#ifndef ASSAY_DETECTOR_MODEL_INTERNAL_H
#define ASSAY_DETECTOR_MODEL_INTERNAL_H

#include "detector/activation.h"
#include "detector/model.h"

#define MODEL_KEY_FORMAT "assay.format"
#define MODEL_KEY_DETECTOR "assay.detector"
#define MODEL_KEY_CONFIG "assay.config"
#define MODEL_KEY_PREPROCESS "assay.preprocess"
#define MODEL_KEY_CALIBRATION "assay.calibration"
#define MODEL_KEY_TRAINING "assay.training"
#define MODEL_KEY_LIMITS "assay.limits"
#define MODEL_KEY_VERDICTS "assay.verdicts"

enum { MODEL_MAX_JSON = 1 << 20 }; /* bytes of one JSON text in the metadata */

/* Declares the tensors of the forward pass in a store, by building its graph once. */
assay_status model_declare(const struct detector *detector, const void *config, int crop, struct store *store,
                           struct assay_error *error);

/* A graph that explains: one a method. */
struct activation_graph {
    const struct model *model;
    enum activation_method method;
    char name[16]; /* in the program */
};

void activation_build(struct graph *g, const struct shape *input_shapes, int input_count, void *context);

struct model_scorer {
    struct model *model;
    struct program *program;
    size_t embedding_width;
    struct activation_graph explain[ACTIVATION_METHODS];
};

/* Builds the forward pass on input "image" and taps the logit. */
struct detector_io model_forward(struct graph *g, const struct model *model, struct shape image);

/* The metadata of a model file, into an object: all that describes the model but "assay.format". */
assay_status model_make_metadata(const struct model *model, const char *path, json_t *metadata,
                                 struct assay_error *error);

/* Reads those back from model->file: detector, config, preprocessing, calibration, training. */
assay_status model_read_metadata(struct model *model, const char *path, struct assay_error *error);

/* Whether all are finite; else *where is the first that is not. `data` may be unaligned. */
bool model_finite(const float *data, uint64_t count, uint64_t *where);

#endif
