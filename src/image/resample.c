/* resample.c - Pillow's resize. A separable filter runs along the rows, its result is rounded to 8 bits, and it runs
 * along the columns. (That order decides about the rounding. Pillow kept it up to version 12; 13 may swap the passes
 * to save work, which moves values by a level here and there.) Coefficients are computed in double, normalised, and
 * rounded to 22 fractional bits; all sums are integer, so that the result does not depend on their order and equals
 * Pillow's to the bit.
 *
 * Each coefficient k is kept as two 16-bit halves, k = high * 2^14 + low with 0 <= low < 2^14. That lets two taps
 * be multiplied and added by one 16-bit instruction (pmaddwd), which is several times as fast as 32-bit products. */
#include "image/resample.h"

#include <math.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/limits.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "image/rows.h"

enum {
    PRECISION_BITS = 32 - 8 - 2, /* fractional bits of a coefficient; two spare ones for overshoot and sign */
    LOW_BITS = 14,
    LOW_MASK = (1 << LOW_BITS) - 1
};

/* ---- coefficients --------------------------------------------------------------------------------------------- */

/* For one axis: output i is the sum over j < count of coefficient[i][j] * input[first[i] + j]. The count is the same
 * even number for all outputs, taps that are not needed being 0; input past the end is never multiplied by
 * anything but 0. */
struct taps {
    int outputs, count;
    int *first;
    int16_t *pairs; /* [outputs, count / 2, 4]: low, low, high, high of two neighbouring taps */
};

static double box(double x)
{
    return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
}

static double triangle(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* Keys' cubic convolution with a = -0.5. */
static double cubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

static double sinc(double x)
{
    if (x == 0.0)
        return 1.0;
    x *= 3.14159265358979323846;
    return sin(x) / x;
}

static double lanczos3(double x)
{
    return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0;
}

static const struct {
    double (*weight)(double x);
    double support;
} filters[] = {
    [IMAGE_BOX] = {box, 0.5},
    [IMAGE_BILINEAR] = {triangle, 1.0},
    [IMAGE_BICUBIC] = {cubic, 2.0},
    [IMAGE_LANCZOS] = {lanczos3, 3.0},
};

static void taps_free(struct taps *taps)
{
    mem_free(taps->first);
    mem_free(taps->pairs);
    *taps = (struct taps){0};
}

static assay_status taps_make(int inputs, int outputs, enum image_filter filter, struct taps *taps,
                              struct assay_error *error)
{
    double scale = (double)inputs / outputs;
    double widened = scale < 1.0 ? 1.0 : scale; /* shrinking widens the filter, so that no pixel is skipped */
    double support = filters[filter].support * widened, inverse = 1.0 / widened;
    int most = (int)ceil(support) * 2 + 1;

    *taps = (struct taps){.outputs = outputs, .count = most + (most & 1)};
    size_t halves;
    double *weights = mem_alloc((size_t)most, sizeof *weights);
    taps->first = mem_alloc((size_t)outputs, sizeof *taps->first);
    if (size_mul((size_t)outputs, (size_t)taps->count * 2, &halves))
        taps->pairs = mem_alloc(halves, sizeof *taps->pairs);
    if (!weights || !taps->first || !taps->pairs) {
        mem_free(weights);
        taps_free(taps);
        return error_memory(error, "resampling coefficients");
    }
    for (int i = 0; i < outputs; i++) {
        double center = (i + 0.5) * scale, sum = 0.0;
        int first = (int)(center - support + 0.5), end = (int)(center + support + 0.5);
        if (first < 0)
            first = 0;
        if (end > inputs)
            end = inputs;
        for (int j = 0; j < end - first; j++) {
            weights[j] = filters[filter].weight((j + first - center + 0.5) * inverse);
            sum += weights[j];
        }
        taps->first[i] = first;
        int16_t *pairs = taps->pairs + (size_t)i * (size_t)taps->count * 2;
        for (int j = 0; j < end - first; j++) {
            double w = (sum != 0.0 ? weights[j] / sum : weights[j]) * (1 << PRECISION_BITS);
            int32_t k = (int32_t)(w < 0 ? w - 0.5 : w + 0.5);
            int16_t *pair = pairs + (j / 2) * 4 + j % 2;
            pair[0] = (int16_t)(k & LOW_MASK);
            pair[2] = (int16_t)((k - (k & LOW_MASK)) / (1 << LOW_BITS));
        }
    }
    mem_free(weights);
    return ASSAY_OK;
}

/* ---- sums ----------------------------------------------------------------------------------------------------- */

/* The two partial sums put together, rounded to the nearest level and clipped. Either may wrap around where there are
 * many taps; what they add up to fits. */
static inline uint8_t level(uint32_t low, uint32_t high)
{
    int32_t sum = (int32_t)(low + (high << LOW_BITS) + (UINT32_C(1) << (PRECISION_BITS - 1))) >> PRECISION_BITS;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

#if defined(__SSE2__)
/* The same for four sums; the bytes end up in the low half of each 32-bit lane. */
static inline __m128i levels(__m128i low, __m128i high)
{
    __m128i sum = _mm_add_epi32(low, _mm_slli_epi32(high, LOW_BITS));
    return _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(1 << (PRECISION_BITS - 1))), PRECISION_BITS);
}
#endif

/* ---- along the rows ------------------------------------------------------------------------------------------- */

struct horizontal {
    const struct image *from;
    struct image *out;
    const struct taps *taps;
    int top;          /* first input row that is needed */
    int16_t *scratch; /* [threads, scratch_values] */
    size_t scratch_values;
};

/* A row as 16-bit values, the next pixel beside each: r0 r1 g0 g1 b0 b1 0 0 for every x. Pixels past the end are 0. */
static void spread_row(const uint8_t *row, int width, int padded, int16_t *out)
{
    memset(out + (size_t)(width - 1) * 8, 0, (size_t)(padded - width + 1) * 8 * sizeof *out);
    for (int x = 0; x < width; x++) {
        const uint8_t *p = row + (size_t)x * 3;
        int16_t *o = out + (size_t)x * 8;
        o[0] = p[0];
        o[2] = p[1];
        o[4] = p[2];
        o[6] = o[7] = 0;
        if (x + 1 < width) {
            o[1] = p[3];
            o[3] = p[4];
            o[5] = p[5];
        }
    }
}

static void horizontal_rows(void *context, int64_t begin, int64_t end, int thread)
{
    struct horizontal *h = context;
    const struct taps *taps = h->taps;
    int width = h->from->width;
    int16_t *spread = h->scratch + (size_t)thread * h->scratch_values;
    for (int64_t y = begin; y < end; y++) {
        uint8_t *out = h->out->pixels + (size_t)y * (size_t)h->out->width * 3;
        spread_row(h->from->pixels + (size_t)(y + h->top) * (size_t)width * 3, width, width + taps->count, spread);
        for (int x = 0; x < taps->outputs; x++, out += 3) {
            const int16_t *p = spread + (size_t)taps->first[x] * 8;
            const int16_t *k = taps->pairs + (size_t)x * (size_t)taps->count * 2;
#if defined(__SSE2__)
            __m128i low = _mm_setzero_si128(), high = low;
            for (int j = 0; j < taps->count; j += 2, p += 16, k += 4) {
                __m128i pixels = _mm_loadu_si128((const __m128i *)(const void *)p);
                __m128i both = _mm_loadl_epi64((const __m128i *)(const void *)k);
                low = _mm_add_epi32(low, _mm_madd_epi16(pixels, _mm_shuffle_epi32(both, 0x00)));
                high = _mm_add_epi32(high, _mm_madd_epi16(pixels, _mm_shuffle_epi32(both, 0x55)));
            }
            __m128i bytes = levels(low, high);
            bytes = _mm_packus_epi16(_mm_packs_epi32(bytes, bytes), bytes);
            uint32_t rgb = (uint32_t)_mm_cvtsi128_si32(bytes);
            out[0] = (uint8_t)rgb;
            out[1] = (uint8_t)(rgb >> 8);
            out[2] = (uint8_t)(rgb >> 16);
#else
            uint32_t low[3] = {0}, high[3] = {0};
            for (int j = 0; j < taps->count; j += 2, p += 16, k += 4)
                for (int c = 0; c < 3; c++) {
                    low[c] += (uint32_t)(p[2 * c] * k[0] + p[2 * c + 1] * k[1]);
                    high[c] += (uint32_t)(p[2 * c] * k[2] + p[2 * c + 1] * k[3]);
                }
            for (int c = 0; c < 3; c++)
                out[c] = level(low[c], high[c]);
#endif
        }
    }
}

static assay_status resize_rows(const struct image *from, int top, int rows, const struct taps *taps, struct image *out,
                                struct assay_error *error)
{
    assay_status status = image_create(taps->outputs, rows, out, error);
    if (status)
        return status;
    struct horizontal h = {from, out, taps, top, NULL, ((size_t)from->width + (size_t)taps->count) * 8};
    size_t values;
    if (!size_mul(h.scratch_values, (size_t)parallel_threads(), &values) ||
        !size_mul(values, sizeof *h.scratch, &values) || !(h.scratch = mem_alloc_aligned(values))) {
        image_free(out);
        return error_memory(error, "resampling");
    }
    parallel_for(rows, rows_a_thread((int64_t)taps->outputs * taps->count * 3), horizontal_rows, &h);
    mem_free(h.scratch);
    return ASSAY_OK;
}

/* ---- along the columns ---------------------------------------------------------------------------------------- */

struct vertical {
    const struct image *from; /* holds the rows from `top` on */
    struct image *out;
    const struct taps *taps;
    int top;
};

static void vertical_rows(void *context, int64_t begin, int64_t end, int thread)
{
    struct vertical *v = context;
    const struct taps *taps = v->taps;
    size_t stride = (size_t)v->from->width * 3;
    (void)thread;
    for (int64_t y = begin; y < end; y++) {
        uint8_t *out = v->out->pixels + (size_t)y * stride;
        const int16_t *pairs = taps->pairs + (size_t)y * (size_t)taps->count * 2;
        int first = taps->first[y] - v->top, last = v->from->height - 1;
        size_t x = 0;
#if defined(__SSE2__)
        const __m128i zero = _mm_setzero_si128();
        for (; x + 16 <= stride; x += 16) {
            __m128i low[4] = {zero, zero, zero, zero}, high[4] = {zero, zero, zero, zero};
            const int16_t *k = pairs;
            for (int j = 0; j < taps->count && first + j <= last; j += 2, k += 4) {
                const uint8_t *a = v->from->pixels + (size_t)(first + j) * stride + x;
                const uint8_t *b = first + j < last ? a + stride : a; /* past the end: its coefficient is 0 */
                __m128i row_a = _mm_loadu_si128((const __m128i *)(const void *)a);
                __m128i row_b = _mm_loadu_si128((const __m128i *)(const void *)b);
                __m128i both = _mm_loadl_epi64((const __m128i *)(const void *)k);
                __m128i k_low = _mm_shuffle_epi32(both, 0x00), k_high = _mm_shuffle_epi32(both, 0x55);
                __m128i left = _mm_unpacklo_epi8(row_a, row_b), right = _mm_unpackhi_epi8(row_a, row_b);
                __m128i mixed[4] = {_mm_unpacklo_epi8(left, zero), _mm_unpackhi_epi8(left, zero),
                                    _mm_unpacklo_epi8(right, zero), _mm_unpackhi_epi8(right, zero)};
                for (int i = 0; i < 4; i++) {
                    low[i] = _mm_add_epi32(low[i], _mm_madd_epi16(mixed[i], k_low));
                    high[i] = _mm_add_epi32(high[i], _mm_madd_epi16(mixed[i], k_high));
                }
            }
            __m128i words_a = _mm_packs_epi32(levels(low[0], high[0]), levels(low[1], high[1]));
            __m128i words_b = _mm_packs_epi32(levels(low[2], high[2]), levels(low[3], high[3]));
            _mm_storeu_si128((__m128i *)(void *)(out + x), _mm_packus_epi16(words_a, words_b));
        }
#endif
        for (; x < stride; x++) {
            uint32_t low = 0, high = 0;
            const int16_t *k = pairs;
            for (int j = 0; j < taps->count && first + j <= last; j += 2, k += 4) {
                const uint8_t *a = v->from->pixels + (size_t)(first + j) * stride + x;
                const uint8_t *b = first + j < last ? a + stride : a;
                low += (uint32_t)(*a * k[0] + *b * k[1]);
                high += (uint32_t)(*a * k[2] + *b * k[3]);
            }
            out[x] = level(low, high);
        }
    }
}

/* `from` holds the rows from `top` on of what the taps were made for. */
static assay_status resize_columns(const struct image *from, int top, const struct taps *taps, struct image *out,
                                   struct assay_error *error)
{
    struct vertical v = {from, out, taps, top};
    assay_status status = image_create(from->width, taps->outputs, out, error);
    if (!status)
        parallel_for(taps->outputs, rows_a_thread((int64_t)from->width * taps->count * 3), vertical_rows, &v);
    return status;
}

/* ---- both ----------------------------------------------------------------------------------------------------- */

static assay_status resize_both(const struct image *from, int width, int height, enum image_filter filter,
                                struct image *out, struct assay_error *error)
{
    struct taps across = {0}, down = {0};
    struct image narrowed = {0};
    assay_status status;
    if ((status = taps_make(from->width, width, filter, &across, error)) ||
        (status = taps_make(from->height, height, filter, &down, error)))
        goto done;
    int top = down.first[0], end = down.first[height - 1] + down.count; /* the rows that the second pass reads */
    if (end > from->height)
        end = from->height;
    if (width == from->width)
        status = resize_columns(from, 0, &down, out, error);
    else if (height == from->height)
        status = resize_rows(from, 0, height, &across, out, error);
    else if (!(status = resize_rows(from, top, end - top, &across, &narrowed, error)))
        status = resize_columns(&narrowed, top, &down, out, error);

done:
    taps_free(&across);
    taps_free(&down);
    image_free(&narrowed);
    return status;
}

assay_status image_resize(const struct image *from, int width, int height, enum image_filter filter, struct image *out,
                          struct assay_error *error)
{
    *out = (struct image){0};
    if ((unsigned)filter > IMAGE_LANCZOS)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "unknown resampling filter %d", (int)filter);
    if (width < 1 || height < 1 || width > LIMIT_PICTURE_SIDE || height > LIMIT_PICTURE_SIDE)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "cannot resize to %d x %d pixels: sides must be from 1 to %d",
                         width, height, LIMIT_PICTURE_SIDE);
    if (width == from->width && height == from->height)
        return image_copy(from, out, error);
    if (from->height > 100 * from->width && height < from->height && width != from->width) {
        /* Pillow's exception: very tall pictures are shortened first. */
        struct image shortened;
        assay_status status = resize_both(from, from->width, height, filter, &shortened, error);
        if (!status)
            status = resize_both(&shortened, width, height, filter, out, error);
        image_free(&shortened);
        return status;
    }
    return resize_both(from, width, height, filter, out, error);
}

assay_status image_resize_shorter(const struct image *from, int side, enum image_filter filter, struct image *out,
                                  struct assay_error *error)
{
    int64_t shorter = from->width < from->height ? from->width : from->height;
    int64_t longer = from->width < from->height ? from->height : from->width;
    *out = (struct image){0};
    if (side < 1)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "cannot resize the shorter side to %d pixels: at least 1", side);
    int64_t grown = side * longer / shorter;
    if (grown > INT32_MAX)
        grown = INT32_MAX; /* refused by image_create */
    if (from->width < from->height)
        return image_resize(from, side, (int)grown, filter, out, error);
    return image_resize(from, (int)grown, side, filter, out, error);
}
