/* augment.c - the steps of augmentation, in order. */
#include "data/augment.h"

#include <math.h>

#include "base/limits.h"
#include "image/geometry.h"
#include "image/perturb.h"
#include "image/resample.h"

#define PROBABILITY(field, name, standard, help)                                                                       \
    {                                                                                                                  \
        name, OPTION_FLOAT, offsetof(struct augment, field), standard, 0, 1, NULL, help                                \
    }
#define AMOUNT(field, name, standard, min, max, help)                                                                  \
    {                                                                                                                  \
        name, OPTION_FLOAT, offsetof(struct augment, field), standard, min, max, NULL, help                            \
    }
#define QUALITY(field, name, standard, help)                                                                           \
    {                                                                                                                  \
        name, OPTION_INT, offsetof(struct augment, field), standard, 1, 100, NULL, help                                \
    }

const struct option augment_option_table[] = {
    PROBABILITY(flip, "augment-flip", "0.5", "probability of exchanging left and right"),
    PROBABILITY(turn, "augment-turn", "0", "probability of a turn by 90, 180 or 270 degrees"),
    PROBABILITY(resize, "augment-resize", "0", "probability of resizing, by a filter drawn at random"),
    AMOUNT(resize_min, "augment-resize-min", "0.75", 0.05, 20, "smallest factor of resizing"),
    AMOUNT(resize_max, "augment-resize-max", "1.25", 0.05, 20, "largest factor of resizing"),
    PROBABILITY(blur, "augment-blur", "0", "probability of a Gaussian blur"),
    AMOUNT(blur_min, "augment-blur-min", "0", 0, 50, "smallest sigma of the blur, pixels"),
    AMOUNT(blur_max, "augment-blur-max", "1.5", 0, 50, "largest sigma of the blur, pixels"),
    PROBABILITY(noise, "augment-noise", "0", "probability of Gaussian noise"),
    AMOUNT(noise_min, "augment-noise-min", "0", 0, 255, "smallest sigma of the noise, grey levels"),
    AMOUNT(noise_max, "augment-noise-max", "5", 0, 255, "largest sigma of the noise, grey levels"),
    PROBABILITY(jpeg, "augment-jpeg", "0", "probability of a JPEG compression"),
    QUALITY(jpeg_min, "augment-jpeg-min", "60", "lowest JPEG quality"),
    QUALITY(jpeg_max, "augment-jpeg-max", "95", "highest JPEG quality"),
    PROBABILITY(webp, "augment-webp", "0", "probability of a WebP compression"),
    QUALITY(webp_min, "augment-webp-min", "50", "lowest WebP quality"),
    QUALITY(webp_max, "augment-webp-max", "95", "highest WebP quality"),
    {0},
};

assay_status augment_check(const struct augment *a, struct assay_error *error)
{
    const struct {
        const char *name;
        double min, max;
    } ranges[] = {{"augment-resize", a->resize_min, a->resize_max},
                  {"augment-blur", a->blur_min, a->blur_max},
                  {"augment-noise", a->noise_min, a->noise_max},
                  {"augment-jpeg", (double)a->jpeg_min, (double)a->jpeg_max},
                  {"augment-webp", (double)a->webp_min, (double)a->webp_max}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (!(ranges[i].min <= ranges[i].max))
            return error_set(error, ASSAY_ERROR_ARGUMENT, "%s-min (%g) lies above %s-max (%g)", ranges[i].name,
                             ranges[i].min, ranges[i].name, ranges[i].max);
    return ASSAY_OK;
}

/* All that chance decides about one window but where it lies, which depends on the size that results. */
struct draws {
    bool flip, turn, resize, blur, noise, jpeg, webp;
    int turns;
    double factor, blur_sigma, noise_sigma;
    enum image_filter filter;
    uint64_t noise_seed;
    int quality, webp_quality;
    double left, top; /* 0 to 1 */
};

static int quality(int64_t min, int64_t max, struct random *random)
{
    return (int)min + (int)random_below(random, (uint64_t)(max - min) + 1);
}

static struct draws draw(const struct augment *a, struct random *random)
{
    struct draws d = {0};
    d.flip = random_uniform(random) < a->flip;
    d.turn = random_uniform(random) < a->turn;
    d.turns = 1 + (int)random_below(random, 3);
    d.resize = random_uniform(random) < a->resize;
    /* even in the logarithm: half as large is as likely as twice as large */
    d.factor = exp(random_range(random, log(a->resize_min), log(a->resize_max)));
    d.filter = (enum image_filter)random_below(random, IMAGE_LANCZOS + 1);
    d.blur = random_uniform(random) < a->blur;
    d.blur_sigma = random_range(random, a->blur_min, a->blur_max);
    d.noise = random_uniform(random) < a->noise;
    d.noise_sigma = random_range(random, a->noise_min, a->noise_max);
    d.noise_seed = (uint64_t)random_u32(random) << 32;
    d.noise_seed |= random_u32(random);
    d.jpeg = random_uniform(random) < a->jpeg;
    d.quality = quality(a->jpeg_min, a->jpeg_max, random);
    d.left = random_uniform(random);
    d.top = random_uniform(random);
    d.webp = random_uniform(random) < a->webp;
    d.webp_quality = quality(a->webp_min, a->webp_max, random);
    return d;
}

static int scaled(int side, double factor)
{
    double size = floor(side * factor + 0.5);
    return size < 1 ? 1 : size > LIMIT_PICTURE_SIDE ? LIMIT_PICTURE_SIDE : (int)size;
}

/* The picture so far: at first the caller's, then our own. */
struct stage {
    struct image image;
    bool owned;
};

static void advance(struct stage *stage, struct image *next)
{
    if (stage->owned)
        image_free(&stage->image);
    *stage = (struct stage){*next, true};
    *next = (struct image){0};
}

assay_status augment_write(const struct augment *augment, const struct preprocess *preprocess,
                           const struct image *picture, struct random *random, float *out, struct assay_error *error)
{
    struct draws d = draw(augment, random);
    struct stage stage = {*picture, false};
    struct image next = {0};
    assay_status status = ASSAY_OK;
    if (d.flip) {
        if ((status = image_flip_horizontal(&stage.image, &next, error)))
            goto done;
        advance(&stage, &next);
    }
    if (d.turn) {
        if ((status = image_turn(&stage.image, d.turns, &next, error)))
            goto done;
        advance(&stage, &next);
    }
    if (d.resize) {
        if ((status = image_resize(&stage.image, scaled(stage.image.width, d.factor),
                                   scaled(stage.image.height, d.factor), d.filter, &next, error)))
            goto done;
        advance(&stage, &next);
    }
    if (d.blur) {
        if ((status = image_blur(&stage.image, d.blur_sigma, &next, error)))
            goto done;
        advance(&stage, &next);
    }
    if (d.noise) {
        if ((status = image_noise(&stage.image, d.noise_sigma, d.noise_seed, &next, error)))
            goto done;
        advance(&stage, &next);
    }
    if (d.jpeg) {
        if ((status = image_jpeg(&stage.image, d.quality, &next, error)))
            goto done;
        advance(&stage, &next);
    }
    if (d.webp) {
        if ((status = image_webp(&stage.image, d.webp_quality, &next, error)))
            goto done;
        advance(&stage, &next);
    }
    if (!preprocess_fits(preprocess, &stage.image)) {
        if ((status = preprocess_fit(preprocess, &stage.image, &next, error)))
            goto done;
        advance(&stage, &next);
    }
    preprocess_write(preprocess, &stage.image, (int)(d.left * (stage.image.width - preprocess->crop + 1)),
                     (int)(d.top * (stage.image.height - preprocess->crop + 1)), out);
done:
    if (stage.owned)
        image_free(&stage.image);
    return status;
}
