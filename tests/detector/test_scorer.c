/* Scoring: logits averaged over crops, whatever the batches and the threads. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "cpu/cpu.h"
#include "detector/crops.h"
#include "detector/model.h"
#include "detector/residual.h"

enum { PICTURES = 12, THREADS = 4 };

static const int sizes[PICTURES][2] = {{32, 32},  {40, 33}, {64, 64}, {5, 7},   {100, 90},  {1, 1},
                                       {33, 200}, {64, 48}, {20, 80}, {97, 31}, {150, 150}, {32, 64}};

struct scene {
    struct model model;
    struct residual_config config;
    struct image images[PICTURES];
    const struct image *pictures[PICTURES];
};

enum { MAX_CROPS = 9 };

static int set_up(void **scene_out)
{
    struct assay_error error = {0};
    struct scene *s = mem_alloc(1, sizeof *s);
    assert_non_null(s);
    option_defaults(detector_residual.fields, &s->config);
    s->config.crop = 32;
    s->config.crops = 9;
    s->config.width = 4;
    s->model.detector = &detector_residual;
    s->model.config = &s->config;
    detector_residual.preprocess(&s->config, &s->model.preprocess);
    assert_int_equal(store_create(&s->model.store, &error), ASSAY_OK);
    struct graph *g = graph_create(s->model.store, (struct graph_options){0});
    struct detector_io io = detector_io(input(g, "image", SHAPE(1, 32, 32, 3), DTYPE_F32));
    detector_residual.forward(g, params_root(s->model.store), &s->config, &io);
    assert_int_equal(graph_status(g, &error), ASSAY_OK);
    graph_free(g);
    assert_int_equal(store_initialise(s->model.store, 3, &error), ASSAY_OK);

    for (int i = 0; i < PICTURES; i++) {
        struct random random = random_open(11, (uint64_t)i, 0);
        assert_int_equal(image_create(sizes[i][0], sizes[i][1], &s->images[i], &error), ASSAY_OK);
        for (size_t j = 0; j < image_bytes(&s->images[i]); j++)
            s->images[i].pixels[j] = (uint8_t)((j * (size_t)(i + 1) / 3 + random_below(&random, 40)) % 256);
        s->pictures[i] = &s->images[i];
    }
    *scene_out = s;
    return 0;
}

static int tear_down(void **scene)
{
    struct scene *s = *scene;
    for (int i = 0; i < PICTURES; i++)
        image_free(&s->images[i]);
    store_free(s->model.store);
    mem_free(s);
    return 0;
}

static struct model_scorer *new_scorer(struct scene *s, bool bf16)
{
    struct assay_error error = {0};
    struct model_scorer *scorer = NULL;
    if (model_scorer_create(&s->model, bf16, &scorer, &error))
        fail_msg("%s", error.message);
    return scorer;
}

static void score(struct model_scorer *scorer, const struct image *const *pictures, size_t count, double *logits)
{
    struct assay_error error = {0};
    if (model_score(scorer, pictures, count, logits, &error))
        fail_msg("%s", error.message);
}

static void close_to(const double *a, const double *b, int count, double tolerance)
{
    for (int i = 0; i < count; i++)
        if (!(fabs(a[i] - b[i]) <= tolerance * fmax(1, fabs(b[i]))))
            fail_msg("picture %d: %.9g is not %.9g", i, a[i], b[i]);
}

static void build(struct graph *g, const struct shape *shapes, int count, void *context)
{
    struct scene *s = context;
    (void)count;
    struct detector_io io = detector_io(input(g, "x", shapes[0], DTYPE_F32));
    detector_residual.forward(g, params_root(s->model.store), &s->config, &io);
    tap(g, "y", io.logit);
}

static struct crop_agreement agreement_of(const double *probability, int count)
{
    struct crop_agreement a = {.crops = count, .lowest = 1};
    for (int i = 0; i < count; i++) {
        a.generated += probability[i] >= 0.5;
        a.lowest = fmin(a.lowest, probability[i]);
        a.highest = fmax(a.highest, probability[i]);
        a.mean += probability[i] / count;
    }
    for (int i = 0; i < count; i++)
        a.deviation += (probability[i] - a.mean) * (probability[i] - a.mean) / count;
    a.deviation = sqrt(a.deviation);
    return a;
}

/* One crop at a time through a graph of our own, averaged. */
static void score_by_hand(struct scene *s, double *logits, struct crop_agreement *agreements)
{
    struct assay_error error;
    struct program *program;
    const struct preprocess *p = &s->model.preprocess;
    float *crop = mem_alloc(32 * 32 * 3, sizeof *crop);
    struct plan_options options = {.backend = cpu_backend()};
    assert_non_null(crop);
    assert_int_equal(program_create(s->model.store, &options, &program, &error), ASSAY_OK);
    assert_int_equal(program_add(program, "one", false, build, s, &error), ASSAY_OK);
    for (int i = 0; i < PICTURES; i++) {
        struct image fitted;
        assert_int_equal(preprocess_fit(p, &s->images[i], &fitted, &error), ASSAY_OK);
        struct crops crops;
        crops_choose(p, &fitted, &crops);
        double probability[MAX_CROPS];
        logits[i] = 0;
        assert_in_range(crops.count, 1, MAX_CROPS);
        for (int c = 0; c < crops.count; c++) {
            preprocess_write(p, &fitted, crops.at[c].left, crops.at[c].top, crop);
            struct program_input x = {"x", SHAPE(1, 32, 32, 3), crop};
            struct program_run run = {0};
            assert_int_equal(program_run(program, "one", &x, 1, &(struct run_options){0}, &run, &error), ASSAY_OK);
            double logit = (double)*(const float *)program_read(&run, "y").data;
            logits[i] += logit / crops.count;
            probability[c] = calibration_probability(&s->model.calibration, logit);
            program_release(&run);
        }
        agreements[i] = agreement_of(probability, crops.count);
        image_free(&fitted);
    }
    program_free(program);
    mem_free(crop);
}

static void test_average(void **scene)
{
    double expected[PICTURES], together[PICTURES], alone[PICTURES];
    struct model_scorer *scorer = new_scorer(*scene, false);
    struct crop_agreement agreements[PICTURES], told[PICTURES];
    struct assay_error error = {0};
    /* such that the crops of a picture lie on both sides */
    score(scorer, &((struct scene *)*scene)->pictures[0], 1, alone);
    ((struct scene *)*scene)->model.calibration =
        (struct calibration){.present = true, .scale = 20, .shift = -20 * alone[0]};
    score_by_hand(*scene, expected, agreements);
    score(scorer, ((struct scene *)*scene)->pictures, PICTURES, together);
    for (int i = 0; i < PICTURES; i++)
        score(scorer, &((struct scene *)*scene)->pictures[i], 1, &alone[i]);
    close_to(together, expected, PICTURES, 1e-4);
    close_to(alone, expected, PICTURES, 1e-4);

    /* how far the crops agree */
    bool split = false;
    if (model_score_agreement(scorer, ((struct scene *)*scene)->pictures, PICTURES, NULL, alone, told, &error))
        fail_msg("%s", error.message);
    close_to(alone, expected, PICTURES, 1e-4);
    for (int i = 0; i < PICTURES; i++) {
        const struct crop_agreement *a = &told[i], *b = &agreements[i];
        const double as[] = {a->crops, a->generated, a->lowest, a->highest, a->mean, a->deviation};
        const double bs[] = {b->crops, b->generated, b->lowest, b->highest, b->mean, b->deviation};
        close_to(as, bs, 6, 1e-3);
        split = split || (a->generated > 0 && a->generated < a->crops);
    }
    assert_true(split);
    bool differ = false; /* the pictures are not all one to the network */
    for (int i = 1; i < PICTURES; i++)
        differ = differ || fabs(expected[i] - expected[0]) > 1e-3;
    assert_true(differ);
    score(scorer, NULL, 0, NULL);
    model_scorer_free(scorer);
}

/* The head's linear layer on a picture's mean embedding is its mean logit; and nothing else changes. */
static void test_embedding(void **scene)
{
    struct scene *s = *scene;
    struct assay_error error = {0};
    double plain[PICTURES], logits[PICTURES], from_embedding[PICTURES];
    struct model_scorer *scorer = new_scorer(s, false);
    struct store_entry *weight = store_get(s->model.store, "head.linear.weight");
    struct store_entry *bias = store_get(s->model.store, "head.linear.bias");
    size_t width = model_embedding_width(scorer);
    assert_non_null(weight);
    assert_int_equal(weight->shape.dim[1], (int64_t)width);
    float *embeddings = mem_alloc(PICTURES * width, sizeof *embeddings);
    assert_non_null(embeddings);
    for (size_t i = 0; i < PICTURES * width; i++)
        embeddings[i] = NAN;
    score(scorer, s->pictures, PICTURES, plain);
    if (model_score_embed(scorer, s->pictures, PICTURES, logits, embeddings, &error))
        fail_msg("%s", error.message);
    for (int i = 0; i < PICTURES; i++) {
        from_embedding[i] = (double)*(const float *)bias->data;
        for (size_t j = 0; j < width; j++)
            from_embedding[i] += (double)embeddings[(size_t)i * width + j] * (double)((const float *)weight->data)[j];
    }
    close_to(logits, plain, PICTURES, 1e-6);
    close_to(from_embedding, plain, PICTURES, 1e-4);
    mem_free(embeddings);
    model_scorer_free(scorer);
}

static void test_bf16(void **scene)
{
    double f32[PICTURES], bf16[PICTURES];
    struct model_scorer *exact = new_scorer(*scene, false), *fast = new_scorer(*scene, true);
    score(exact, ((struct scene *)*scene)->pictures, PICTURES, f32);
    score(fast, ((struct scene *)*scene)->pictures, PICTURES, bf16);
    close_to(bf16, f32, PICTURES, 0.05);
    model_scorer_free(exact);
    model_scorer_free(fast);
}

struct worker {
    struct scene *scene;
    struct model_scorer *scorer;
    double logits[PICTURES];
    assay_status status;
};

static void *work(void *argument)
{
    struct worker *w = argument;
    struct assay_error error;
    for (int round = 0; round < 3 && !w->status; round++)
        w->status = model_score(w->scorer, w->scene->pictures, PICTURES, w->logits, &error);
    return NULL;
}

static void test_threads(void **scene)
{
    double expected[PICTURES];
    struct model_scorer *scorer = new_scorer(*scene, false);
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) { /* the first runs compile, all at once */
        workers[i] = (struct worker){.scene = *scene, .scorer = scorer};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    score(scorer, ((struct scene *)*scene)->pictures, PICTURES, expected);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(workers[i].status, ASSAY_OK);
        close_to(workers[i].logits, expected, PICTURES, 1e-6);
    }
    model_scorer_free(scorer);
}

/* What the forward pass refuses is told with its reason. */
static void test_failure(void **scene)
{
    struct scene *s = *scene;
    struct assay_error error = {0};
    double logit;
    struct model_scorer *scorer = new_scorer(s, false);
    s->config.width = 5; /* no longer what the weights are */
    assert_int_equal(model_score(scorer, s->pictures, 1, &logit, &error), ASSAY_ERROR_MODEL);
    assert_non_null(strstr(error.message, "stem.conv.weight"));
    s->config.width = 4;
    model_scorer_free(scorer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_average), cmocka_unit_test(test_embedding), cmocka_unit_test(test_bf16),
        cmocka_unit_test(test_threads), cmocka_unit_test(test_failure),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
