/* preprocess.h - from a decoded picture to a network's input. Part of the model: stored in its file, applied by this
 * one code path in training, evaluation and use. */
#ifndef ASSAY_DETECTOR_PREPROCESS_H
#define ASSAY_DETECTOR_PREPROCESS_H

#include <jansson.h>
#include <stdbool.h>

#include "image/image.h"
#include "image/resample.h"

enum preprocess_resize { PREPROCESS_NATIVE, PREPROCESS_SHORTER, PREPROCESS_EXACT };
enum preprocess_fit { PREPROCESS_TILE, PREPROCESS_PAD }; /* where a picture is smaller than the crop */
enum preprocess_choice { PREPROCESS_GRID, PREPROCESS_TEXTURED };

struct preprocess {
    int crop;                      /* side of the square that the network sees, pixels */
    int train_crop;                /* the same while it is trained, where that differs; else 0. Not stored */
    enum preprocess_resize resize; /* before cropping: none; the shorter side to `resize_to`; both sides to it */
    int resize_to;
    enum image_filter filter;
    enum preprocess_fit fit;
    int max_crops;                 /* how many are judged at test: crops.h */
    enum preprocess_choice choice; /* which: an even grid over the picture, or the richest in texture */
    float mean[3], std[3];         /* (value / 255 - mean) / std */
};

enum { PREPROCESS_MAX_CROPS = 64, PREPROCESS_MIN_CROP = 8, PREPROCESS_MAX_CROP = 4096 };

/* What training uses: `crop` is train_crop where there is one. */
struct preprocess preprocess_training(const struct preprocess *p);

/* Whether a picture can be cropped as it is, so that preprocess_fit would only copy it. */
bool preprocess_fits(const struct preprocess *p, const struct image *from);

/* Resized and made large enough for a crop: what crops are cut from (also in training). */
assay_status preprocess_fit(const struct preprocess *p, const struct image *from, struct image *out,
                            struct assay_error *error);

/* The window at (left, top) as f32 [crop, crop, 3], normalised. It must lie inside. */
void preprocess_write(const struct preprocess *p, const struct image *fitted, int left, int top, float *out);

json_t *preprocess_to_json(const struct preprocess *p);
assay_status preprocess_from_json(const json_t *object, const char *where, struct preprocess *out,
                                  struct assay_error *error);

#endif
