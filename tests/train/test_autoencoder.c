/* The autoencoders of `assay data reconstruct`: the loss; every kind learns, is kept in a file, begins with another. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../cli/scratch.h"
#include "base/memory.h"
#include "support/support.h"
#include "train/reconstruct/loss.h"
#include "train/reconstruct/model.h"

/* ---- loss ------------------------------------------------------------------------------------------------------- */

enum { LOSS_SIDE = 32, LOSS_VALUES = 2 * LOSS_SIDE * LOSS_SIDE * 3 };

static double loss_of(const float *made, const float *x, double edges, double spectrum)
{
    struct autoencoder_options o = {.edges = edges, .spectrum = spectrum};
    struct store *store = test_store();
    struct graph *g = test_graph(store, true);
    struct shape shape = SHAPE(2, LOSS_SIDE, LOSS_SIDE, 3);
    node made_node = input(g, "made", shape, DTYPE_F32), x_node = input(g, "x", shape, DTYPE_F32);
    tap(g, "loss", reconstruct_loss(g, made_node, x_node, constant(g, 1, SHAPE_SCALAR), &o));
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    const struct feed feeds[] = {{"made", made}, {"x", x}};
    test_execute(&run, feeds, 2, 0, 0);
    double loss = test_read(&run, "loss")[0];
    test_release(&run);
    store_free(store);
    return loss;
}

static void test_loss(void **state)
{
    (void)state;
    static float x[LOSS_VALUES], made[LOSS_VALUES];
    test_fill(x, LOSS_VALUES, 3, -0.5, 0.5);
    assert_true(loss_of(x, x, 1, 1) == 0);

    /* A shift is seen by all three L1 terms, and by nothing else. */
    for (int i = 0; i < LOSS_VALUES; i++)
        made[i] = x[i] + 0.25f;
    assert_float_equal(loss_of(made, x, 7, 7), 0.25, 1e-4);

    /* A ramp of 0.01 a column: edges are 0.01 along one side, 0 along the other. */
    for (int i = 0; i < LOSS_VALUES; i++)
        made[i] = x[i] + 0.01f * (float)(i / 3 % LOSS_SIDE);
    assert_float_equal(loss_of(made, x, 10, 0) - loss_of(made, x, 0, 0), 10 * 0.01, 1e-4);

    /* Twice the contrast is four times the power, in all bands, far above the summand. */
    for (int i = 0; i < LOSS_VALUES; i++)
        made[i] = 2 * x[i];
    assert_float_equal(loss_of(made, x, 0, 1) - loss_of(made, x, 0, 0), log(4), 1e-2);

    /* Other noise of the same strength has nearly the same spectrum; none at all has not. */
    test_fill(made, LOSS_VALUES, 4, -0.5, 0.5);
    double alike = loss_of(made, x, 0, 1) - loss_of(made, x, 0, 0);
    memset(made, 0, sizeof made);
    double gone = loss_of(made, x, 0, 1) - loss_of(made, x, 0, 0);
    assert_true(alike > 0.1 && gone > 4 * alike);

    /* The same noise in other blocks is missed where it was. */
    for (int i = 0; i < LOSS_VALUES; i++) {
        bool left = i / 3 % LOSS_SIDE < LOSS_SIDE / 2;
        made[i] = left ? 0 : x[i - LOSS_SIDE / 2 * 3];
        x[i] = left ? x[i] : 0;
    }
    assert_true(loss_of(made, x, 0, 1) - loss_of(made, x, 0, 0) > 4 * alike);
}

/* ---- learning --------------------------------------------------------------------------------------------------- */

/* A picture without sharp edges: what an autoencoder learns first. */
static void draw_waves(const char *path, struct image *out)
{
    struct assay_error error = {0};
    uint8_t *bytes = NULL;
    size_t size;
    assert_int_equal(image_create(70, 53, out, &error), ASSAY_OK);
    for (int i = 0; i < out->width * out->height * 3; i++) {
        int x = i / 3 % out->width, y = i / 3 / out->width, c = i % 3;
        out->pixels[i] = (uint8_t)(128 + 100 * sin(x * 0.1 * (c + 1)) * cos(y * 0.17 + c));
    }
    assert_int_equal(image_encode_png(out, &bytes, &size, &error), ASSAY_OK);
    scratch_write(path, bytes, size);
    mem_free(bytes);
}

/* Every kind of decoder, and every extra, gets better, and is the same after a file. */
static void test_learns(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct dataset data = {0};
    struct pictures *pictures = NULL;
    const uint32_t first = 0;
    static const int factors[DECODER_COUNT] = {2, 1, 1, 0}; /* 8, 4, 4, 2 pixels a cell */
    struct image picture = {0};
    assert_int_equal(mkdir("waves", 0777), 0);
    draw_waves("waves/0.png", &picture);
    assert_int_equal(dataset_from_folders("waves", NULL, &data, &error), ASSAY_OK);
    assert_int_equal(pictures_create(&data, 1 << 24, NULL, NULL, NULL, &pictures, &error), ASSAY_OK);
    for (int kind = 0; kind < DECODER_COUNT; kind++) {
        struct autoencoder_options o;
        struct autoencoder_model short_one = {0}, model = {0}, again = {0};
        struct image made = {0}, same = {0};
        double psnr = 0, psnr_again = 0;
        option_defaults(autoencoder_option_table, &o);
        o.decoder = kind;
        o.factor = factors[kind];
        o.width = 8;
        o.latent = 8;
        o.crop = 32;
        o.batch = 4;
        o.learning_rate = 0.004;
        o.noise = kind == 1 ? 0.05 : 0;
        o.levels = kind == 0 ? 16 : 0;
        o.adversarial = kind == 3 ? 0.01 : 0;
        o.steps = 1;
        assert_int_equal(autoencoder_train(pictures, &first, 1, &o, NULL, NULL, &short_one, NULL, &error), ASSAY_OK);
        o.steps = 200;
        if (autoencoder_train(pictures, &first, 1, &o, NULL, NULL, &model, NULL, &error))
            fail_msg("%s", error.message);
        if (model.psnr < short_one.psnr + 2.5)
            fail_msg("decoder %d: PSNR %.1f dB after 200 steps, %.1f after one", kind, model.psnr, short_one.psnr);

        assert_int_equal(autoencoder_save(&model, "model.safetensors", &error), ASSAY_OK);
        assert_int_equal(autoencoder_load("model.safetensors", &again, &error), ASSAY_OK);
        assert_int_equal(autoencoder_compare(&again, &o, data.digest, "model", &error), ASSAY_OK);
        assert_int_equal(autoencoder_apply(&model, &picture, 5, &made, &psnr, &error), ASSAY_OK);
        assert_int_equal(autoencoder_apply(&again, &picture, 5, &same, &psnr_again, &error), ASSAY_OK);
        assert_int_equal(made.width, picture.width);
        assert_int_equal(made.height, picture.height);
        assert_memory_equal(made.pixels, same.pixels, image_bytes(&made));
        assert_true(psnr == psnr_again && fabs(psnr - model.psnr) < 6);
        image_free(&same);

        /* Noise, where there is any, is another for another picture. */
        assert_int_equal(autoencoder_apply(&again, &picture, 6, &same, &psnr_again, &error), ASSAY_OK);
        assert_int_equal(memcmp(made.pixels, same.pixels, image_bytes(&made)) != 0, o.noise > 0);
        image_free(&made);
        image_free(&same);
        o.latent = 9;
        assert_int_equal(autoencoder_compare(&again, &o, data.digest, "model", &error), ASSAY_ERROR_ARGUMENT);
        assert_non_null(strstr(error.message, "trained with latent 8, not 9"));
        autoencoder_free(&short_one);
        autoencoder_free(&model);
        autoencoder_free(&again);
    }
    image_free(&picture);
    pictures_free(pictures);
    dataset_free(&data);
}

static bool same_weights(const struct autoencoder_model *a, const struct autoencoder_model *b, const char *name)
{
    const struct store_entry *x = store_get(a->store, name), *y = store_get(b->store, name);
    assert_true(x && y && shape_equal(&x->shape, &y->shape));
    return memcmp(x->data, y->data, (size_t)shape_count(&x->shape) * sizeof *x->data) == 0;
}

/* First weights: cells that a layer makes of one are alike; the outer layers of another factor's autoencoder fit. */
static void test_begins(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct dataset data = {0};
    struct pictures *pictures = NULL;
    const uint32_t first = 0;
    struct autoencoder_options o;
    struct autoencoder_model small = {0}, large = {0}, same = {0};
    struct image picture = {0};
    assert_int_equal(mkdir("begins", 0777), 0);
    draw_waves("begins/0.png", &picture);
    assert_int_equal(dataset_from_folders("begins", NULL, &data, &error), ASSAY_OK);
    assert_int_equal(pictures_create(&data, 1 << 24, NULL, NULL, NULL, &pictures, &error), ASSAY_OK);
    option_defaults(autoencoder_option_table, &o);
    o.width = 4;
    o.crop = 32;
    o.batch = 2;
    o.decoder = DECODER_SHUFFLE;
    o.learning_rate = 1e-6;
    o.steps = 1;
    o.factor = 1;
    assert_int_equal(autoencoder_train(pictures, &first, 1, &o, NULL, NULL, &small, NULL, &error), ASSAY_OK);
    const struct store_entry *up = store_get(small.store, "decoder.up.1.weight");
    double apart = 0, sum = 0;
    for (int64_t filter = shape_count(&up->shape) / up->shape.dim[0], i = 0; i < filter; i++) {
        apart += fabs(up->data[filter + i] - up->data[i]);
        sum += fabs(up->data[4 * filter + i] - up->data[i]);
    }
    assert_true(apart > 0 && apart < sum / 2);

    o.factor = 2;
    assert_int_equal(autoencoder_train(pictures, &first, 1, &o, &small, NULL, &large, NULL, &error), ASSAY_OK);
    struct store_entry *out = store_get(large.store, "decoder.out.weight");
    const struct store_entry *from = store_get(small.store, "decoder.out.weight");
    for (int64_t i = 0; i < shape_count(&out->shape); i++)
        assert_float_equal(out->data[i], from->data[i], 1e-5);
    autoencoder_free(&large);

    /* Without steps, all weights are those that were given, or it is an error. */
    o.steps = 0;
    assert_int_equal(autoencoder_train(pictures, &first, 1, &o, &small, NULL, &large, NULL, &error),
                     ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "it has other options"));
    o.factor = 1;
    assert_int_equal(autoencoder_train(pictures, &first, 1, &o, &small, NULL, &same, NULL, &error), ASSAY_OK);
    assert_true(same_weights(&small, &same, "decoder.out.weight"));
    assert_true(same_weights(&small, &same, "encoder.direct.weight"));
    assert_true(same.psnr == small.psnr);
    o.steps = 1;
    o.width = 3;
    assert_int_equal(autoencoder_train(pictures, &first, 1, &o, &small, NULL, &large, NULL, &error), ASSAY_OK);
    autoencoder_free(&large);
    autoencoder_free(&same);
    autoencoder_free(&small);
    image_free(&picture);
    pictures_free(pictures);
    dataset_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_learns),
        cmocka_unit_test(test_begins),
    };
    return cmocka_run_group_tests(tests, scratch_begin_group, scratch_end_group);
}
