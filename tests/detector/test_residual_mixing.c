/* What the detector `residual` does in training only: mixing by its formula, labels included; how shares are drawn;
 * masks; and that none of it happens in an evaluation graph. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "detector/residual.h"
#include "graph/program.h"
#include "ops/elementwise.h"

enum { BATCH = 64, SIDE = 32, PIXELS = SIDE * SIDE * 3 };

struct job {
    struct residual_config config;
    struct store *store;
    bool training;
};

static float images[BATCH * PIXELS];
static float logits[BATCH];
static int32_t labels[BATCH];

static void begin(struct job *job, bool training)
{
    *job = (struct job){.training = training};
    option_defaults(detector_residual.fields, &job->config);
    job->config.crop = SIDE;
    job->config.blocks = 0;
    job->config.input = RESIDUAL_RGB;
    job->config.high_pass = false;
    job->config.dropout = 0;
    for (int64_t i = 0; i < BATCH * PIXELS; i++)
        images[i] = 0.5f * (float)sin(0.11 * (double)i) + 0.01f * (float)(i % 17); /* hardly ever zero */
    for (int i = 0; i < BATCH; i++) {
        labels[i] = i % 3 == 0;
        logits[i] = (float)i / 16 - 2;
    }
}

static void build(struct graph *g, const struct shape *shapes, int count, void *context)
{
    const struct job *job = context;
    const struct residual_config *c = &job->config;
    (void)count;
    struct detector_io io = detector_io(input(g, "image", shapes[0], DTYPE_F32));
    node classes = input(g, "labels", shapes[1], DTYPE_I32);
    struct params root = {0};
    tap(g, "share", op_scale(g, residual_share(g, c, BATCH), 1));
    tap(g, "masked", residual_mask(g, c, io.image));
    tap(g, "following", residual_mix(g, io.image, constant(g, 1, SHAPE(BATCH, 1))));
    if (job->training)
        io.mixed = constant(g, 0.25f, SHAPE(BATCH, 1));
    io.logit = constant_data(g, logits, SHAPE(BATCH, 1));
    tap(g, "loss", detector_residual.loss(g, root, c, &io, classes));
}

struct running {
    struct store *store;
    struct program *program;
    struct program_run run;
};

static struct running run(struct job *job, program_build *graph, uint64_t step)
{
    struct running r = {0};
    struct assay_error error = {0};
    struct plan_options options = {.backend = cpu_backend()};
    const struct program_input inputs[] = {{"image", SHAPE(BATCH, SIDE, SIDE, 3), images},
                                           {"labels", SHAPE(BATCH), labels}};
    assert_int_equal(store_create(&r.store, &error), ASSAY_OK);
    job->store = r.store;
    assert_int_equal(program_create(r.store, &options, &r.program, &error), ASSAY_OK);
    assert_int_equal(program_add(r.program, "x", job->training, graph, job, &error), ASSAY_OK);
    assert_int_equal(program_prepare(r.program, "x", inputs, 2, &error), ASSAY_OK);
    assert_int_equal(store_initialise(r.store, 1, &error), ASSAY_OK);
    if (program_run(r.program, "x", inputs, 2, &(struct run_options){.seed = 3, .step = step}, &r.run, &error))
        fail_msg("%s", error.message);
    return r;
}

static void end(struct running *r)
{
    program_release(&r->run);
    program_free(r->program);
    store_free(r->store);
}

static const float *values(const struct running *r, const char *name)
{
    const float *data = program_read(&r->run, name).data;
    assert_non_null(data);
    return data;
}

static void test_shares(void **unused)
{
    (void)unused;
    struct job job;
    begin(&job, true);
    job.config.mix_probability = 0.6;
    job.config.mix_most = 0.4;
    struct running r = run(&job, build, 0), next = run(&job, build, 1);
    const float *share = values(&r, "share");
    int none = 0;
    float most = 0;
    for (int i = 0; i < BATCH; i++) {
        assert_true(share[i] >= 0 && share[i] < 0.4f);
        none += share[i] == 0;
        most = fmaxf(most, share[i]);
    }
    assert_in_range(none, BATCH * 4 / 10 - 16, BATCH * 4 / 10 + 16);
    assert_true(most > 0.3f);
    assert_memory_not_equal(share, values(&next, "share"), BATCH * sizeof *share);
    const float *other = values(&r, "following");
    for (int64_t i = 0; i < BATCH * PIXELS; i++)
        assert_true(fabsf(other[i] - images[(i + PIXELS) % (BATCH * PIXELS)]) < 1e-6f);
    end(&r);
    end(&next);
}

/* Mean of softplus(x) - x t, t the smoothed mixture of two labels. */
static void test_labels(void **unused)
{
    (void)unused;
    for (int training = 0; training < 2; training++) {
        struct job job;
        begin(&job, training);
        double expected = 0, share = training ? 0.25 : 0, smoothing = job.config.label_smoothing;
        for (int i = 0; i < BATCH; i++) {
            double t = (1 - share) * labels[i] + share * labels[(i + 1) % BATCH];
            double x = (double)logits[i];
            expected += (log1p(exp(x)) - x * (t * (1 - smoothing) + smoothing / 2)) / BATCH;
        }
        struct running r = run(&job, build, 0);
        assert_true(fabs(values(&r, "loss")[0] - expected) < 1e-5);
        end(&r);
    }
}

static void test_masks(void **unused)
{
    (void)unused;
    struct job job;
    begin(&job, true);
    job.config.mask_probability = 0.5;
    job.config.mask_min = 0.2;
    job.config.mask_max = 0.4;
    struct running r = run(&job, build, 0);
    const float *masked = values(&r, "masked");
    int whole = 0;
    for (int b = 0; b < BATCH; b++) {
        int wiped = 0;
        for (int i = 0; i < PIXELS; i++) {
            float is = masked[b * PIXELS + i], was = images[b * PIXELS + i];
            assert_true(is == was || is == 0);
            wiped += is == 0;
        }
        whole += wiped == 0;
        if (wiped > 0)
            assert_true(wiped > 0.14 * PIXELS && wiped < 0.46 * PIXELS); /* sides are whole pixels */
    }
    assert_in_range(whole, BATCH / 2 - 16, BATCH / 2 + 16);
    end(&r);
}

/* The whole detector: taps its logits, and "mixed" where it says that it mixed. */
static void forward(struct graph *g, const struct shape *shapes, int count, void *context)
{
    const struct job *job = context;
    struct detector_io io = detector_io(input(g, "image", shapes[0], DTYPE_F32));
    (void)count;
    input(g, "labels", shapes[1], DTYPE_I32);
    detector_residual.forward(g, params_root(job->store), &job->config, &io);
    tap(g, "logit", io.logit);
    if (io.mixed.id >= 0)
        tap(g, "mixed", op_scale(g, io.mixed, 1));
}

/* Evaluation is the same with every option of training; training is not. */
static void test_whole(void **unused)
{
    (void)unused;
    enum { PLAIN, INPUT, STATISTICS, MASK, VARIANTS };
    for (int training = 0; training < 2; training++) {
        float plain[BATCH];
        for (int variant = 0; variant < VARIANTS; variant++) {
            struct job job;
            begin(&job, training);
            job.config.mix = variant == INPUT        ? RESIDUAL_MIX_INPUT
                             : variant == STATISTICS ? RESIDUAL_MIX_STATISTICS
                                                     : RESIDUAL_MIX_NONE;
            job.config.mask_probability = variant == MASK;
            struct running r = run(&job, forward, 0);
            const float *found = values(&r, "logit");
            bool mixes = training && (variant == INPUT || variant == STATISTICS);
            assert_true((program_read(&r.run, "mixed").data != NULL) == mixes);
            if (variant == PLAIN)
                memcpy(plain, found, sizeof plain);
            else if (training)
                assert_memory_not_equal(plain, found, sizeof plain);
            else
                assert_memory_equal(plain, found, sizeof plain);
            end(&r);
        }
    }
}

static void wrong_ratios(struct graph *g, struct residual_config *c)
{
    c->mask_min = 0.5;
    c->mask_max = 0.4;
    residual_mask(g, c, input(g, "image", SHAPE(2, SIDE, SIDE, 3), DTYPE_F32));
}

static void wrong_thumb(struct graph *g, struct residual_config *c)
{
    c->thumb = SIDE + 1;
    residual_thumb(g, (struct params){0}, c, input(g, "image", SHAPE(2, SIDE, SIDE, 3), DTYPE_F32));
}

static void expect_failure(void (*wrong)(struct graph *g, struct residual_config *c), const char *text)
{
    struct assay_error error = {0};
    struct job job;
    struct store *store;
    begin(&job, true);
    assert_int_equal(store_create(&store, &error), ASSAY_OK);
    struct graph *g = graph_create(store, (struct graph_options){.training = true});
    wrong(g, &job.config);
    assert_int_not_equal(graph_status(g, &error), ASSAY_OK);
    assert_non_null(strstr(error.message, text));
    graph_free(g);
    store_free(store);
}

static void test_errors(void **unused)
{
    (void)unused;
    expect_failure(wrong_ratios, "options mask-ratio: the smallest lies above the largest");
    expect_failure(wrong_thumb, "option thumb: 33 pixels are more than the crop's 32");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares), cmocka_unit_test(test_labels), cmocka_unit_test(test_masks),
        cmocka_unit_test(test_whole),  cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
