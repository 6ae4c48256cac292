/* The detector `rich` against an independent PyTorch rendering: features, logit and training of the head. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "cpu/cpu.h"
#include "detector/rich.h"
#include "parity.h"

static const char fixture[] = "detector/fixtures/rich.safetensors";
static const struct rich_config config = {.crop = 24, .crops = 1, .label_smoothing = 0.1};

static void build(struct graph *g, struct params p, const void *c, node image, node labels, node *logits, node *loss)
{
    struct detector_io io = detector_io(image);
    detector_rich.forward(g, p, c, &io);
    *logits = io.logit;
    if (labels.id >= 0)
        *loss = detector_rich.loss(g, p, c, &io, labels);
}

/* The fixture's learning rate is that of tools/reference/rich.py. */
static void test_parity(void **unused)
{
    (void)unused;
    struct parity t;
    parity_open(&t, fixture, build, &config);
    parity_check_eval(&t, NULL, "logits.eval");
    parity_check_training(&t, 1e-5, 10);
    parity_close(&t);
}

static void build_features(struct graph *g, const struct shape *shapes, int count, void *context)
{
    const struct parity *t = context;
    (void)count;
    struct detector_io io = detector_io(input(g, "image", shapes[0], DTYPE_F32));
    detector_rich.forward(g, params_root(t->store), t->config, &io);
    tap(g, "features", io.embedding);
}

/* One count more or less moves a feature of the fixture by more than 1e-3, so all counts agree. */
static void check_features(struct parity *t)
{
    static const double tolerance = 1e-5;
    struct assay_error error = {0};
    struct plan_options options = {.backend = cpu_backend()};
    struct program_input image = {"image", t->image, t->image_data};
    struct program *program;
    struct program_run run = {0};
    int64_t count;
    assert_int_equal(program_create(t->store, &options, &program, &error), ASSAY_OK);
    assert_int_equal(program_add(program, "features", false, build_features, t, &error), ASSAY_OK);
    if (program_run(program, "features", &image, 1, &(struct run_options){0}, &run, &error))
        fail_msg("%s", error.message);
    struct tensor features = program_read(&run, "features");
    float *want = parity_floats(t, "features", &count);
    assert_non_null(features.data);
    assert_int_equal(features.dtype, DTYPE_F32);
    assert_int_equal(features.shape.dim[0], t->image.dim[0]);
    assert_int_equal(shape_count(&features.shape), count);
    for (int64_t i = 0, width = features.shape.dim[1]; i < count; i++) {
        double have = (double)((const float *)features.data)[i];
        if (!(fabs(have - (double)want[i]) <= tolerance))
            fail_msg("picture %d, feature %d: %.9g, expected %.9g", (int)(i / width), (int)(i % width), have,
                     (double)want[i]);
    }
    mem_free(want);
    program_release(&run);
    program_free(program);
}

static void test_features(void **unused)
{
    (void)unused;
    struct parity t;
    parity_open(&t, fixture, build, &config);
    check_features(&t);
    parity_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parity),
        cmocka_unit_test(test_features),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
