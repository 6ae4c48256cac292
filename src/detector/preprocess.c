/* preprocess.c - fitting a picture to the crop and writing normalised floats. Which crops are judged is in crops.c, the
 * JSON form in preprocess_json.c. */
#include "detector/preprocess.h"

#include "image/geometry.h"

static int int_max(int a, int b)
{
    return a > b ? a : b;
}

static assay_status resize(const struct preprocess *p, const struct image *from, struct image *out,
                           struct assay_error *error)
{
    if (p->resize == PREPROCESS_SHORTER)
        return image_resize_shorter(from, p->resize_to, p->filter, out, error);
    return image_resize(from, p->resize_to, p->resize_to, p->filter, out, error);
}

/* Both sides made at least the crop's. */
static assay_status enlarge(const struct preprocess *p, const struct image *from, struct image *out,
                            struct assay_error *error)
{
    if (p->fit == PREPROCESS_TILE)
        return image_tile(from, p->crop, p->crop, out, error);
    return image_crop_center(from, int_max(from->width, p->crop), int_max(from->height, p->crop), out, error);
}

struct preprocess preprocess_training(const struct preprocess *p)
{
    struct preprocess training = *p;
    if (p->train_crop > 0)
        training.crop = p->train_crop;
    return training;
}

bool preprocess_fits(const struct preprocess *p, const struct image *from)
{
    return p->resize == PREPROCESS_NATIVE && from->width >= p->crop && from->height >= p->crop;
}

assay_status preprocess_fit(const struct preprocess *p, const struct image *from, struct image *out,
                            struct assay_error *error)
{
    if (preprocess_fits(p, from))
        return image_copy(from, out, error);
    if (p->resize == PREPROCESS_NATIVE)
        return enlarge(p, from, out, error);

    struct image resized = {0};
    assay_status status = resize(p, from, &resized, error);
    if (status)
        return status;
    if (resized.width >= p->crop && resized.height >= p->crop) {
        *out = resized;
        return ASSAY_OK;
    }
    status = enlarge(p, &resized, out, error);
    image_free(&resized);
    return status;
}

/* ---- Pixels ---------------------------------------------------------------------------------------------------- */

void preprocess_write(const struct preprocess *p, const struct image *fitted, int left, int top, float *out)
{
    float table[IMAGE_CHANNELS][256]; /* every value that a channel can take; torchvision's arithmetic, in its order */
    for (int c = 0; c < IMAGE_CHANNELS; c++)
        for (int v = 0; v < 256; v++)
            table[c][v] = ((float)v / 255.0f - p->mean[c]) / p->std[c];

    size_t row_bytes = (size_t)fitted->width * IMAGE_CHANNELS;
    for (int y = 0; y < p->crop; y++) {
        const uint8_t *from = fitted->pixels + (size_t)(top + y) * row_bytes + (size_t)left * IMAGE_CHANNELS;
        for (int x = 0; x < p->crop; x++, from += IMAGE_CHANNELS, out += IMAGE_CHANNELS)
            for (int c = 0; c < IMAGE_CHANNELS; c++)
                out[c] = table[c][from[c]];
    }
}
