/* perturb.c - noise, blur, JPEG, WebP, cutting and enlarging. */
#include "image/perturb.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "image/geometry.h"
#include "image/resample.h"
#include "image/rows.h"

static assay_status check_sigma(double sigma, double most, const char *what, struct assay_error *error)
{
    if (!(sigma >= 0 && sigma <= most))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s with sigma %g: must be from 0 to %g", what, sigma, most);
    return ASSAY_OK;
}

/* ---- noise ---------------------------------------------------------------------------------------------------- */

struct noise {
    const uint8_t *from;
    uint8_t *out;
    size_t count;
    float sigma;
    uint64_t key;
};

/* Four values a block: one Philox counter gives two Box-Muller pairs. */
static void noise_blocks(void *context, int64_t begin, int64_t end, int thread)
{
    const struct noise *n = context;
    (void)thread;
    for (int64_t block = begin; block < end; block++) {
        uint32_t words[4];
        float normal[4];
        random_at(n->key, (uint64_t)block, 0, words);
        random_words_normal(words[0], words[1], normal);
        random_words_normal(words[2], words[3], normal + 2);
        for (size_t i = 0; i < 4 && (size_t)block * 4 + i < n->count; i++) {
            float value = (float)n->from[(size_t)block * 4 + i] + n->sigma * normal[i];
            n->out[(size_t)block * 4 + i] = (uint8_t)(value < 0.0f ? 0.0f : value > 255.0f ? 255.0f : value);
        }
    }
}

assay_status image_noise(const struct image *from, double sigma, uint64_t seed, struct image *out,
                         struct assay_error *error)
{
    *out = (struct image){0};
    assay_status status = check_sigma(sigma, 1e6, "noise", error);
    if (status || (status = image_create(from->width, from->height, out, error)))
        return status;
    size_t count = image_bytes(from);
    struct noise n = {from->pixels, out->pixels, count, (float)sigma, seed};
    parallel_for((int64_t)((count + 3) / 4), rows_a_thread(64), noise_blocks, &n);
    return ASSAY_OK;
}

/* ---- blur ----------------------------------------------------------------------------------------------------- */

/* A symmetric filter along both axes. The two references differ in three ways only: the arithmetic of the weights,
 * the border, and what happens between the passes; `fixed` chooses OpenCV's over SciPy's. */
struct blur {
    const struct image *from;
    struct image *out;
    const double *weights; /* SciPy: [radius + 1], the centre first */
    const uint16_t *fixed; /* OpenCV: the same with 8 fractional bits, or NULL */
    int radius;
    uint16_t *middle; /* OpenCV: rows filtered across, 8 fractional bits [height, width, 3] */
    uint8_t *scratch; /* [threads, scratch_bytes] */
    size_t scratch_bytes;
};

/* Border "reflect" (d c b a | a b c d | d c b a), however far outside. */
static int reflect(int64_t i, int count)
{
    int64_t period = 2 * (int64_t)count;
    i %= period;
    if (i < 0)
        i += period;
    return (int)(i < count ? i : period - 1 - i);
}

/* Border "reflect-101" (d c b | a b c d | c b a). */
static int reflect_101(int64_t i, int count)
{
    if (count == 1)
        return 0;
    int64_t period = 2 * (int64_t)count - 2;
    i %= period;
    if (i < 0)
        i += period;
    return (int)(i < count ? i : period - i);
}

/* A row with `radius` pixels of border on both sides. */
static void pad_row(const uint8_t *row, int width, int radius, int (*border)(int64_t, int), uint8_t *out)
{
    for (int i = 0; i < radius; i++) {
        memcpy(out + (size_t)i * 3, row + (size_t)border((int64_t)i - radius, width) * 3, 3);
        memcpy(out + ((size_t)radius + (size_t)width + (size_t)i) * 3,
               row + (size_t)border((int64_t)width + i, width) * 3, 3);
    }
    memcpy(out + (size_t)radius * 3, row, (size_t)width * 3);
}

/* scipy.ndimage.correlate1d on a symmetric filter: the centre first, then pairs from the outside in. The order
 * matters, because the sum is truncated and often lies within one rounding error of a whole number. */
static void correlate_down(void *context, int64_t begin, int64_t end, int thread)
{
    const struct blur *b = context;
    size_t count = (size_t)b->from->width * 3;
    double *sum = (double *)(void *)(b->scratch + (size_t)thread * b->scratch_bytes);
    for (int64_t y = begin; y < end; y++) {
        const uint8_t *row = b->from->pixels + (size_t)y * count;
        for (size_t x = 0; x < count; x++)
            sum[x] = row[x] * b->weights[0];
        for (int j = b->radius; j >= 1; j--) {
            const uint8_t *above = b->from->pixels + (size_t)reflect(y - j, b->from->height) * count;
            const uint8_t *below = b->from->pixels + (size_t)reflect(y + j, b->from->height) * count;
            double weight = b->weights[j];
            for (size_t x = 0; x < count; x++)
                sum[x] += (above[x] + below[x]) * weight;
        }
        for (size_t x = 0; x < count; x++)
            b->out->pixels[(size_t)y * count + x] = (uint8_t)(int)sum[x];
    }
}

/* The same along the rows, in place. */
static void correlate_across(void *context, int64_t begin, int64_t end, int thread)
{
    const struct blur *b = context;
    size_t count = (size_t)b->out->width * 3;
    double *sum = (double *)(void *)(b->scratch + (size_t)thread * b->scratch_bytes);
    uint8_t *padded = (uint8_t *)(sum + count);
    for (int64_t y = begin; y < end; y++) {
        uint8_t *row = b->out->pixels + (size_t)y * count;
        pad_row(row, b->out->width, b->radius, reflect, padded);
        for (size_t x = 0; x < count; x++)
            sum[x] = row[x] * b->weights[0];
        for (int j = b->radius; j >= 1; j--) {
            const uint8_t *left = padded + (size_t)(b->radius - j) * 3, *right = padded + (size_t)(b->radius + j) * 3;
            double weight = b->weights[j];
            for (size_t x = 0; x < count; x++)
                sum[x] += (left[x] + right[x]) * weight;
        }
        for (size_t x = 0; x < count; x++)
            row[x] = (uint8_t)(int)sum[x];
    }
}

/* numpy's sum of an array: eight partial sums up to 128 numbers, halves above. */
static double pairwise_sum(const double *a, size_t n)
{
    if (n < 8) {
        double sum = 0.0;
        for (size_t i = 0; i < n; i++)
            sum += a[i];
        return sum;
    }
    if (n <= 128) {
        double r[8];
        size_t i;
        memcpy(r, a, sizeof r);
        for (i = 8; i + 8 <= n; i += 8)
            for (size_t k = 0; k < 8; k++)
                r[k] += a[i + k];
        double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
        for (; i < n; i++)
            sum += a[i];
        return sum;
    }
    size_t half = n / 2;
    half -= half % 8;
    return pairwise_sum(a, half) + pairwise_sum(a + half, n - half);
}

static assay_status blur_scratch(struct blur *b, size_t bytes, struct assay_error *error)
{
    size_t all;
    b->scratch_bytes = (bytes + 63) & ~(size_t)63;
    if (!size_mul(b->scratch_bytes, (size_t)parallel_threads(), &all) || !(b->scratch = mem_alloc_aligned(all)))
        return error_memory(error, "blurring");
    return ASSAY_OK;
}

assay_status image_blur(const struct image *from, double sigma, struct image *out, struct assay_error *error)
{
    *out = (struct image){0};
    assay_status status = check_sigma(sigma, 1000, "blur", error);
    if (status)
        return status;
    if (sigma <= 1e-15)
        return image_copy(from, out, error);
    int radius = (int)(4.0 * sigma + 0.5);
    size_t count = (size_t)radius * 2 + 1;
    double *weights = mem_alloc(count, sizeof *weights);
    struct blur b = {.from = from, .out = out, .weights = weights, .radius = radius};
    if (!weights)
        return error_memory(error, "a blur kernel");
    if ((status = image_create(from->width, from->height, out, error)) ||
        (status = blur_scratch(&b, (size_t)from->width * 3 * 9 + (size_t)radius * 6, error)))
        goto done;
    int64_t grain = rows_a_thread((int64_t)from->width * 3 * (radius + 1));
    double scale = -0.5 / (sigma * sigma);
    for (int i = -radius; i <= radius; i++)
        weights[i + radius] = exp(scale * ((double)i * i));
    double sum = pairwise_sum(weights, count);
    for (int i = 0; i <= radius; i++)
        weights[i] = weights[i + radius] / sum; /* the centre first */
    parallel_for(from->height, grain, correlate_down, &b);
    parallel_for(from->height, grain, correlate_across, &b);

done:
    mem_free(weights);
    mem_free(b.scratch);
    if (status)
        image_free(out);
    return status;
}

/* ---- blur by a kernel of a given size ------------------------------------------------------------------------- */

/* OpenCV's 8-bit path: both passes with weights of 8 fractional bits, 16 bits between them, rounded once. */
static void fixed_across(void *context, int64_t begin, int64_t end, int thread)
{
    const struct blur *b = context;
    size_t count = (size_t)b->from->width * 3;
    uint8_t *padded = b->scratch + (size_t)thread * b->scratch_bytes;
    for (int64_t y = begin; y < end; y++) {
        const uint8_t *row = b->from->pixels + (size_t)y * count;
        uint16_t *sum = b->middle + (size_t)y * count;
        pad_row(row, b->from->width, b->radius, reflect_101, padded);
        for (size_t x = 0; x < count; x++)
            sum[x] = (uint16_t)(row[x] * b->fixed[0]);
        for (int j = 1; j <= b->radius; j++) {
            const uint8_t *left = padded + (size_t)(b->radius - j) * 3, *right = padded + (size_t)(b->radius + j) * 3;
            for (size_t x = 0; x < count; x++)
                sum[x] = (uint16_t)(sum[x] + (left[x] + right[x]) * b->fixed[j]);
        }
    }
}

static void fixed_down(void *context, int64_t begin, int64_t end, int thread)
{
    const struct blur *b = context;
    size_t count = (size_t)b->from->width * 3;
    uint32_t *sum = (uint32_t *)(void *)(b->scratch + (size_t)thread * b->scratch_bytes);
    for (int64_t y = begin; y < end; y++) {
        const uint16_t *row = b->middle + (size_t)y * count;
        for (size_t x = 0; x < count; x++)
            sum[x] = (uint32_t)row[x] * b->fixed[0];
        for (int j = 1; j <= b->radius; j++) {
            const uint16_t *above = b->middle + (size_t)reflect_101(y - j, b->from->height) * count;
            const uint16_t *below = b->middle + (size_t)reflect_101(y + j, b->from->height) * count;
            uint32_t weight = b->fixed[j];
            for (size_t x = 0; x < count; x++)
                sum[x] += ((uint32_t)above[x] + below[x]) * weight;
        }
        for (size_t x = 0; x < count; x++)
            b->out->pixels[(size_t)y * count + x] = (uint8_t)((sum[x] + (1 << 15)) >> 16);
    }
}

assay_status image_blur_kernel(const struct image *from, int kernel, double sigma, struct image *out,
                               struct assay_error *error)
{
    enum { MOST = 255 };
    double weights[MOST / 2 + 1], sum = 1.0, owed = 0.0;
    uint16_t fixed[MOST / 2 + 1];
    int radius = kernel / 2, used = 0;
    assay_status status;

    *out = (struct image){0};
    if (kernel < 1 || kernel > MOST || kernel % 2 == 0)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "a blur kernel of %d pixels: must be odd, from 1 to %d", kernel,
                         (int)MOST);
    if (!(sigma > 0 && sigma <= 1000))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "a blur kernel with sigma %g: must be above 0, at most 1000",
                         sigma);

    weights[0] = 1.0;
    for (int j = 1; j <= radius; j++) {
        weights[j] = exp(-0.5 * j * j / (sigma * sigma));
        sum += 2 * weights[j];
    }
    for (int j = radius; j >= 1; j--) { /* what rounding takes from one weight the next one gets */
        double wanted = weights[j] / sum * 256 + owed;
        fixed[j] = (uint16_t)lrint(wanted);
        owed = wanted - fixed[j];
        used += 2 * fixed[j];
    }
    fixed[0] = (uint16_t)(256 - used);

    struct blur b = {.from = from, .out = out, .fixed = fixed, .radius = radius};
    if ((status = image_create(from->width, from->height, out, error)))
        return status;
    int64_t grain = rows_a_thread((int64_t)from->width * 3 * (radius + 1));
    size_t bytes;
    if (!size_mul(image_bytes(from), sizeof *b.middle, &bytes) || !(b.middle = mem_alloc_aligned(bytes)))
        status = error_memory(error, "blurring");
    if (status || (status = blur_scratch(&b, (size_t)from->width * 3 * 4 + (size_t)radius * 6, error)))
        goto done;
    parallel_for(from->height, grain, fixed_across, &b);
    parallel_for(from->height, grain, fixed_down, &b);

done:
    mem_free(b.middle);
    mem_free(b.scratch);
    if (status)
        image_free(out);
    return status;
}

/* ---- JPEG and WebP -------------------------------------------------------------------------------------------- */

static assay_status decode_own(const uint8_t *bytes, size_t size, const char *what, struct image *out,
                               struct assay_error *error)
{
    const struct assay_limits whatever_it_is = {UINT64_MAX, UINT64_MAX};
    return image_decode_memory(bytes, size, what, &whatever_it_is, out, error);
}

assay_status image_jpeg(const struct image *from, int quality, struct image *out, struct assay_error *error)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    *out = (struct image){0};
    assay_status status = image_encode_jpeg(from, quality, IMAGE_420, &bytes, &size, error);
    if (!status)
        status = decode_own(bytes, size, "a picture encoded as JPEG", out, error);
    mem_free(bytes);
    return status;
}

/* RGB and BGR, in place. */
static void swap_red_and_blue(struct image *image)
{
    for (size_t i = 0; i < image_bytes(image); i += IMAGE_CHANNELS) {
        uint8_t red = image->pixels[i];
        image->pixels[i] = image->pixels[i + 2];
        image->pixels[i + 2] = red;
    }
}

assay_status image_jpeg_bgr(const struct image *from, int quality, struct image *out, struct assay_error *error)
{
    struct image swapped = {0};
    *out = (struct image){0};
    assay_status status = image_copy(from, &swapped, error);
    if (status)
        return status;
    swap_red_and_blue(&swapped);
    status = image_jpeg(&swapped, quality, out, error);
    image_free(&swapped);
    if (!status)
        swap_red_and_blue(out);
    return status;
}

assay_status image_webp(const struct image *from, int quality, struct image *out, struct assay_error *error)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    *out = (struct image){0};
    assay_status status = image_encode_webp(from, quality, &bytes, &size, error);
    if (!status)
        status = decode_own(bytes, size, "a picture encoded as WebP", out, error);
    mem_free(bytes);
    return status;
}

/* ---- cut and enlarged again ----------------------------------------------------------------------------------- */

assay_status image_zoom(const struct image *from, double share, int transposed, struct image *out,
                        struct assay_error *error)
{
    struct image inner = {0};
    *out = (struct image){0};
    if (!(share >= 0 && share < 1))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "a crop by %g: must be from 0 to below 1", share);
    int left = (int)(from->width * share * 0.5), top = (int)(from->height * share * 0.5);
    assay_status status = image_crop(from, left, top, from->width - 2 * left, from->height - 2 * top, &inner, error);
    if (!status)
        status = image_resize_cubic(&inner, transposed ? from->height : from->width,
                                    transposed ? from->width : from->height, out, error);
    image_free(&inner);
    return status;
}
