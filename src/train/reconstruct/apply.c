/* apply.c - an autoencoder applied to a whole picture of any size. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "cpu/cpu.h"
#include "ops/ops.h"
#include "train/reconstruct/autoencoder.h"
#include "train/reconstruct/model.h"

static void build_apply(struct graph *g, const struct shape *shapes, int input_count, void *context)
{
    const struct autoencoder_model *m = context;
    (void)input_count;
    node x = input(g, "picture", shapes[0], DTYPE_F32);
    tap(g, "made", op_clamp(g, autoencoder(g, params_root(m->store), x, &m->options), -1, 1));
}

/* A program holds the memory of every size that it has seen, so there is one for each size, one after another. */
static assay_status prepare(struct autoencoder_model *m, int width, int height, struct assay_error *error)
{
    struct plan_options plan = {.backend = cpu_backend(), .precision = (enum precision)m->options.precision};
    if (m->program && m->width == width && m->height == height)
        return ASSAY_OK;
    program_free(m->program);
    m->program = NULL;
    assay_status status = program_create(m->store, &plan, &m->program, error);
    if (!status)
        status = program_add(m->program, "apply", false, build_apply, m, error);
    if (status) {
        program_free(m->program);
        m->program = NULL;
    }
    m->width = width;
    m->height = height;
    return status;
}

static float *to_floats(const struct image *picture, int width, int height)
{
    size_t count;
    float *out = size_mul((size_t)width * (size_t)height, IMAGE_CHANNELS * sizeof *out, &count)
                     ? mem_alloc_aligned(count)
                     : NULL;
    if (!out)
        return NULL;
    float *at = out;
    for (int y = 0; y < height; y++) {
        const uint8_t *row = picture->pixels + (size_t)(y < picture->height ? y : picture->height - 1) *
                                                   (size_t)picture->width * IMAGE_CHANNELS;
        for (int x = 0; x < width; x++)
            for (int c = 0; c < IMAGE_CHANNELS; c++)
                *at++ = (float)row[(x < picture->width ? x : picture->width - 1) * IMAGE_CHANNELS + c] / 127.5f - 1;
    }
    return out;
}

/* Rounds what was made to 8 bits, and compares it with the picture before that. */
static void from_floats(const float *made, int width, const struct image *picture, struct image *out, double *psnr)
{
    double sum = 0;
    for (int y = 0; y < out->height; y++)
        for (int i = 0; i < out->width * IMAGE_CHANNELS; i++) {
            float value = made[(size_t)y * (size_t)width * IMAGE_CHANNELS + (size_t)i];
            size_t at = (size_t)y * (size_t)out->width * IMAGE_CHANNELS + (size_t)i;
            double d = (double)value - ((double)picture->pixels[at] / 127.5 - 1);
            sum += d * d;
            out->pixels[at] = (uint8_t)lrintf((value + 1) * 127.5f);
        }
    *psnr = autoencoder_psnr(sum / (double)image_bytes(picture));
}

assay_status autoencoder_apply(struct autoencoder_model *m, const struct image *picture, uint64_t key,
                               struct image *out, double *psnr, struct assay_error *error)
{
    int step = (int)autoencoder_factor(&m->options);
    int width = (picture->width + step - 1) / step * step, height = (picture->height + step - 1) / step * step;
    struct program_run run = {0};
    float *floats = NULL;
    *out = (struct image){0};
    assay_status status = prepare(m, width, height, error);
    if (!status && !(floats = to_floats(picture, width, height)))
        status = error_memory(error, "a picture to reconstruct");
    if (!status)
        status = image_create(picture->width, picture->height, out, error);
    if (!status) {
        struct program_input in = {"picture", SHAPE(1, height, width, IMAGE_CHANNELS), floats};
        struct run_options options = {.seed = (uint64_t)m->options.seed, .step = key};
        status = program_run(m->program, "apply", &in, 1, &options, &run, error);
    }
    if (!status)
        from_floats(program_read(&run, "made").data, width, picture, out, psnr);
    program_release(&run);
    mem_free(floats);
    if (status)
        image_free(out);
    return status;
}
