/* SGD, Adam, AdamW, clipping and the moving average, replayed over gradients that torch computed: every tensor after
 * every step against torch's. */
#include "cpu/cpu.h"
#include "fixture.h"
#include "graph/program.h"
#include "train/optimizer.h"
#include "train/options.h"

enum { STEPS = 10, TENSORS = 5 };
static const char *const names[TENSORS] = {"conv1.weight", "bn1.weight", "layer2.0.conv1.weight", "fc.weight",
                                           "fc.bias"};
static const char *const inputs_of[TENSORS] = {"d0", "d1", "d2", "d3", "d4"};

struct replay {
    struct safetensors file;
    struct store *store;
    struct optimizer_options options;
};

static void build(struct graph *g, const struct shape *shapes, int count, void *context)
{
    struct replay *r = context;
    node params[TENSORS], gradients[TENSORS], norm = NODE_NONE;
    assert_int_equal(count, TENSORS + 1);
    for (int i = 0; i < TENSORS; i++) {
        params[i] = param(g, store_declare(r->store, names[i], &shapes[i], STORE_PARAM, (struct store_init){0}));
        gradients[i] = input(g, inputs_of[i], shapes[i], DTYPE_F32);
    }
    node scalars = input(g, "scalars", shapes[TENSORS], DTYPE_F32);
    optimizer_update(g, &r->options, params, gradients, TENSORS, scalars, &norm);
    if (norm.id >= 0)
        tap(g, "norm", norm);
}

static void check_ok(assay_status status, const struct assay_error *error)
{
    if (status)
        fail_msg("%s", error->message);
}

/* Runs ten steps; `expected`: the fixture's run whose weights ours must be, `average`: likewise for the averages. */
static void replay(struct optimizer_options options, double rate, const char *expected, const char *average)
{
    struct replay r = {.options = options};
    struct assay_error error = {0};
    struct program *program = NULL;
    struct program_input inputs[TENSORS + 1];
    struct plan_options plan = {.backend = cpu_backend()};
    fixture_open(&r.file, "optimizers.safetensors");
    check_ok(store_create(&r.store, &error), &error);
    check_ok(program_create(r.store, &plan, &program, &error), &error);
    check_ok(program_add(program, "update", true, build, &r, &error), &error);
    for (int i = 0; i < TENSORS; i++)
        inputs[i] =
            (struct program_input){inputs_of[i], fixture_shape(fixture_find(&r.file, "start.%s", names[i])), NULL};
    float scalars[OPTIMIZER_SCALARS];
    inputs[TENSORS] = (struct program_input){"scalars", SHAPE(OPTIMIZER_SCALARS), scalars};
    check_ok(program_prepare(program, "update", inputs, TENSORS + 1, &error), &error);
    check_ok(store_initialise(r.store, 1, &error), &error);
    for (int i = 0; i < TENSORS; i++) {
        const struct file_tensor *start = fixture_find(&r.file, "start.%s", names[i]);
        memcpy(store_get(r.store, names[i])->data, start->data, start->bytes);
    }
    check_ok(average_begin(r.store, &error), &error);
    const float *norms = fixture_find(&r.file, "norms")->data;
    for (int step = 0; step < STEPS; step++) {
        struct program_run run = {0};
        struct run_options run_options = {0};
        optimizer_scalars(&options, (uint64_t)step, rate, scalars);
        for (int i = 0; i < TENSORS; i++)
            inputs[i].data = fixture_find(&r.file, "gradient.%d.%s", step, names[i])->data;
        check_ok(program_run(program, "update", inputs, TENSORS + 1, &run_options, &run, &error), &error);
        if (options.clip_norm > 0)
            assert_true(fabs(*(const float *)program_read(&run, "norm").data - norms[step]) < 1e-6);
        program_release(&run);
        for (int i = 0; i < 2 * TENSORS; i++) {
            char name[256];
            const char *run_name = i < TENSORS ? expected : average;
            if (!run_name)
                continue;
            snprintf(name, sizeof name, "%s%s", i < TENSORS ? "" : AVERAGE_PREFIX, names[i % TENSORS]);
            const struct file_tensor *b = fixture_find(&r.file, "%s.%d.%s", run_name, step, names[i % TENSORS]);
            double norm, apart = distance(store_get(r.store, name)->data, b->data, b->count, &norm);
            if (!(apart <= 1e-6 * norm))
                fail_msg("%s, step %d, %s: %g apart, norm %g", run_name, step, name, apart, norm);
        }
    }
    program_free(program);
    store_free(r.store);
    safetensors_close(&r.file);
}

static void test_sgd(void **state)
{
    (void)state;
    replay(
        (struct optimizer_options){.kind = OPTIMIZER_SGD, .momentum = 0.9, .weight_decay = 0.01, .decay_vectors = true},
        0.1, "sgd", NULL);
    replay((struct optimizer_options){.kind = OPTIMIZER_SGD}, 0.1, "plain", NULL);
}

static void test_adam(void **state)
{
    (void)state;
    replay((struct optimizer_options){.kind = OPTIMIZER_ADAM,
                                      .beta1 = 0.9,
                                      .beta2 = 0.99,
                                      .epsilon = 1e-6,
                                      .weight_decay = 0.02,
                                      .decay_vectors = true},
           0.01, "adam", NULL);
}

static void test_adamw(void **state)
{
    (void)state;
    replay((struct optimizer_options){.kind = OPTIMIZER_ADAMW,
                                      .beta1 = 0.9,
                                      .beta2 = 0.999,
                                      .epsilon = 1e-8,
                                      .weight_decay = 0.05},
           0.01, "adamw", NULL);
}

static void test_clip(void **state)
{
    (void)state;
    replay((struct optimizer_options){.kind = OPTIMIZER_SGD, .clip_norm = 0.5}, 0.1, "clip", NULL);
    replay((struct optimizer_options){.kind = OPTIMIZER_SGD, .clip_norm = 100}, 0.1, "plain", NULL); /* none so long */
}

static void test_average(void **state)
{
    (void)state;
    replay((struct optimizer_options){.kind = OPTIMIZER_SGD, .average_decay = 0.3}, 0.1, "plain", "average");
}

/* A group's rate is a factor of the learning rate. */
static void test_groups(void **state)
{
    (void)state;
    static const struct optimizer_group all[] = {{"", 4}};
    replay((struct optimizer_options){.kind = OPTIMIZER_ADAMW,
                                      .beta1 = 0.9,
                                      .beta2 = 0.999,
                                      .epsilon = 1e-8,
                                      .weight_decay = 0.05,
                                      .groups = all,
                                      .group_count = 1},
           0.0025, "adamw", NULL);
}

/* Swapping twice changes nothing, once exchanges; packed copies are told. */
static void test_swap(void **state)
{
    (void)state;
    struct store *store = NULL;
    struct shape shape = SHAPE(3);
    struct store_init ones = {STORE_CONSTANT, 1, 0}, zeros = {STORE_CONSTANT, 0, 0};
    assert_int_equal(store_create(&store, NULL), ASSAY_OK);
    struct store_entry *live = store_declare(store, "w", &shape, STORE_PARAM, ones);
    struct store_entry *kept = store_declare(store, AVERAGE_PREFIX "w", &shape, STORE_STATE, zeros);
    assert_int_equal(store_initialise(store, 1, NULL), ASSAY_OK);
    uint64_t version = live->version;
    average_swap(store);
    assert_true(live->data[2] == 0 && kept->data[2] == 1);
    assert_true(live->version > version);
    average_swap(store);
    assert_true(live->data[2] == 1 && kept->data[2] == 0);
    assert_int_equal(average_begin(store, NULL), ASSAY_OK);
    assert_true(kept->data[0] == 1);
    store_free(store);
}

/* What is typed: "PREFIX=FACTOR,...". */
static void test_group_rates(void **state)
{
    (void)state;
    static const char *const wrong[] = {"a", "=2", "a=", "a=x", "a=-1", "a=1,", "a=1,,b=2", "a=nan", "a=1 b=2"};
    struct train_options options;
    struct optimizer_options optimizer;
    struct assay_error error;
    struct arena arena = {0};
    option_defaults(train_option_table, &options);
    assert_int_equal(train_optimizer(&options, &arena, &optimizer, &error), ASSAY_OK);
    assert_int_equal(optimizer.group_count, 0);
    options.group_rates = "partner.=2,head.weight=0,x=0.5e-1";
    assert_int_equal(train_optimizer(&options, &arena, &optimizer, &error), ASSAY_OK);
    assert_int_equal(optimizer.group_count, 3);
    assert_string_equal(optimizer.groups[0].prefix, "partner.");
    assert_string_equal(optimizer.groups[1].prefix, "head.weight");
    assert_string_equal(optimizer.groups[2].prefix, "x");
    assert_true(optimizer.groups[0].rate == 2 && optimizer.groups[1].rate == 0 && optimizer.groups[2].rate == 0.05);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        options.group_rates = wrong[i];
        assert_int_equal(train_optimizer(&options, &arena, &optimizer, &error), ASSAY_ERROR_ARGUMENT);
        assert_non_null(strstr(error.message, "group-rates"));
    }
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sgd),  cmocka_unit_test(test_adam),        cmocka_unit_test(test_adamw),
        cmocka_unit_test(test_clip), cmocka_unit_test(test_average),     cmocka_unit_test(test_groups),
        cmocka_unit_test(test_swap), cmocka_unit_test(test_group_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
