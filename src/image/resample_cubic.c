/* resample_cubic.c - OpenCV's cubic resize, which papers that perturb pictures with OpenCV use. It differs from
 * Pillow's in the kernel (a = -0.75) and in that it never widens when it shrinks. */
#include <math.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "image/resample.h"
#include "image/rows.h"

enum { TAPS = 4, COEFFICIENT_BITS = 11 };

/* One output position along an axis: four neighbours, of which those outside are the edge. */
struct tap {
    int index[TAPS];
    int weight[TAPS]; /* 11 fractional bits */
};

struct cubic {
    const struct image *from;
    struct image *out;
    const struct tap *across, *down;
    int32_t *scratch; /* [threads, TAPS, out.width, 3]: rows resized across, 11 fractional bits */
};

/* Keys' kernel with a = -0.75 at distances 1 + t, t, 1 - t, 2 - t, in single precision, as OpenCV computes it. */
static void kernel_weights(float t, int weight[TAPS])
{
    const float a = -0.75f;
    float u = 1.0f - t, far = t + 1.0f, w[TAPS];
    w[0] = ((a * far - 5.0f * a) * far + 8.0f * a) * far - 4.0f * a;
    w[1] = ((a + 2.0f) * t - (a + 3.0f)) * t * t + 1.0f;
    w[2] = ((a + 2.0f) * u - (a + 3.0f)) * u * u + 1.0f;
    w[3] = 1.0f - w[0] - w[1] - w[2];
    for (int k = 0; k < TAPS; k++)
        weight[k] = (int)lrintf(w[k] * (float)(1 << COEFFICIENT_BITS));
}

static struct tap *make_taps(int from, int to)
{
    struct tap *taps = mem_alloc((size_t)to, sizeof *taps);
    double scale = (double)from / to;
    for (int i = 0; taps && i < to; i++) {
        float place = (float)((i + 0.5) * scale - 0.5);
        int base = (int)floorf(place);
        kernel_weights(place - (float)base, taps[i].weight);
        for (int k = 0; k < TAPS; k++) {
            int index = base - 1 + k;
            taps[i].index[k] = index < 0 ? 0 : index >= from ? from - 1 : index;
        }
    }
    return taps;
}

static void resize_row(const struct cubic *c, int y, int32_t *out)
{
    const uint8_t *row = c->from->pixels + (size_t)y * (size_t)c->from->width * IMAGE_CHANNELS;
    for (int x = 0; x < c->out->width; x++) {
        const struct tap *tap = &c->across[x];
        for (int channel = 0; channel < IMAGE_CHANNELS; channel++) {
            int32_t sum = 0;
            for (int k = 0; k < TAPS; k++)
                sum += row[tap->index[k] * IMAGE_CHANNELS + channel] * tap->weight[k];
            *out++ = sum;
        }
    }
}

/* Rows of the result. Those that are resized across lie in TAPS slots by their number: the neighbours of one row of the
 * result follow one another, so that no two of them want the same slot. */
static void resize_rows(void *context, int64_t begin, int64_t end, int thread)
{
    const struct cubic *c = context;
    const int shift = 2 * COEFFICIENT_BITS;
    size_t count = (size_t)c->out->width * IMAGE_CHANNELS;
    int32_t *slots = c->scratch + (size_t)thread * TAPS * count;
    int held[TAPS] = {-1, -1, -1, -1};
    for (int64_t y = begin; y < end; y++) {
        const struct tap *tap = &c->down[y];
        const int32_t *rows[TAPS];
        uint8_t *out = c->out->pixels + (size_t)y * count;
        for (int k = 0; k < TAPS; k++) {
            int index = tap->index[k], slot = index % TAPS;
            if (held[slot] != index)
                resize_row(c, index, slots + (size_t)slot * count);
            held[slot] = index;
            rows[k] = slots + (size_t)slot * count;
        }
        for (size_t x = 0; x < count; x++) {
            int64_t sum = INT64_C(1) << (shift - 1);
            for (int k = 0; k < TAPS; k++)
                sum += (int64_t)rows[k][x] * tap->weight[k];
            sum = sum < 0 ? 0 : sum >> shift;
            out[x] = (uint8_t)(sum > 255 ? 255 : sum);
        }
    }
}

assay_status image_resize_cubic(const struct image *from, int width, int height, struct image *out,
                                struct assay_error *error)
{
    struct tap *across = NULL, *down = NULL;
    struct cubic cubic = {.from = from, .out = out};
    size_t bytes;

    assay_status status = image_create(width, height, out, error);
    if (status)
        return status;
    across = make_taps(from->width, width);
    down = make_taps(from->height, height);
    if (!size_mul((size_t)parallel_threads() * TAPS * IMAGE_CHANNELS * sizeof *cubic.scratch, (size_t)width, &bytes) ||
        !across || !down || !(cubic.scratch = mem_alloc_aligned(bytes))) {
        status = error_memory(error, "resizing a picture");
        goto done;
    }
    cubic.across = across;
    cubic.down = down;
    parallel_for(height, rows_a_thread((int64_t)width * IMAGE_CHANNELS * TAPS * 2), resize_rows, &cubic);

done:
    mem_free(across);
    mem_free(down);
    mem_free(cubic.scratch);
    if (status)
        image_free(out);
    return status;
}
