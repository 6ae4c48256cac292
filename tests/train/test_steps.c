/* Ten steps of SGD on a tiny residual network, against torch: the loss, every parameter and every running statistic
 * after every step, and each gradient of the first. */
#include "backbone/resnet.h"
#include "cpu/cpu.h"
#include "fixture.h"
#include "graph/program.h"
#include "ops/ops.h"
#include "train/optimizer.h"

enum { STEPS = 10 };

struct tiny {
    struct safetensors file;
    struct store *store;
};

static void build(struct graph *g, const struct shape *shapes, int count, void *context)
{
    struct tiny *t = context;
    const struct resnet_config config = {
        .block = RESNET_BASIC, .blocks = {1, 1}, .width = 4, .stem = RESNET_STEM_SMALL, .classes = 2};
    const struct optimizer_options sgd = {
        .kind = OPTIMIZER_SGD, .momentum = 0.9, .nesterov = true, .weight_decay = 0.01, .decay_vectors = true};
    (void)count;
    node image = input(g, "image", shapes[0], DTYPE_F32), labels = input(g, "labels", shapes[1], DTYPE_I32);
    node scalars = input(g, "scalars", shapes[2], DTYPE_F32);
    node loss = op_cross_entropy(g, resnet(g, params_root(t->store), &config, image), labels, 0.1f);
    node *params = NULL, gradients[64];
    int trained = graph_trained_params(g, &params);
    assert_in_range(trained, 1, 64);
    graph_gradients(g, loss, params, trained, gradients);
    for (int i = 0; i < trained; i++)
        tap(g, graph_entry(g, params[i])->name, gradients[i]);
    optimizer_update(g, &sgd, params, gradients, trained, scalars, NULL);
    tap(g, "loss", loss);
}

static void check_ok(assay_status status, const struct assay_error *error)
{
    if (status)
        fail_msg("%s", error->message);
}

static bool from_torch(const struct store_entry *entry)
{
    return strncmp(entry->name, "optimizer.", 10) != 0;
}

/* The design's rule 3: a part in a thousand of its own norm, or where that is small, of the typical one. */
static void check_gradients(const struct tiny *t, const struct program_run *run)
{
    double squares = 0;
    int count = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < t->store->entries.count; i++) {
            const struct store_entry *entry = t->store->entries.entries[i].value;
            if (entry->kind != STORE_PARAM)
                continue;
            const struct file_tensor *b = fixture_find(&t->file, "gradient.%s", entry->name);
            double norm, apart = distance(program_read(run, entry->name).data, b->data, b->count, &norm);
            if (pass == 0) {
                squares += norm * norm;
                count++;
            } else if (!(apart <= 1e-3 * fmax(norm, 1e-3 * sqrt(squares / count)))) {
                fail_msg("gradient of %s: %g apart, norm %g", entry->name, apart, norm);
            }
        }
}

static void test_steps(void **state)
{
    (void)state;
    struct tiny t = {0};
    struct assay_error error = {0};
    struct program *program = NULL;
    struct plan_options plan = {.backend = cpu_backend()};
    fixture_open(&t.file, "steps.safetensors");
    const struct file_tensor *images = fixture_find(&t.file, "images"), *labels = fixture_find(&t.file, "labels");
    const float *losses = fixture_find(&t.file, "losses")->data;
    const int64_t batch = images->dim[1];
    const size_t floats = images->count / STEPS;
    int32_t batch_labels[16];
    float scalars[OPTIMIZER_SCALARS] = {0.05f};
    struct program_input inputs[] = {{"image", shape_of(images->dim + 1, 4), NULL},
                                     {"labels", SHAPE(batch), batch_labels},
                                     {"scalars", SHAPE(OPTIMIZER_SCALARS), scalars}};
    check_ok(store_create(&t.store, &error), &error);
    check_ok(program_create(t.store, &plan, &program, &error), &error);
    check_ok(program_add(program, "step", true, build, &t, &error), &error);
    check_ok(program_prepare(program, "step", inputs, 3, &error), &error);
    check_ok(store_initialise(t.store, 1, &error), &error);
    for (size_t i = 0; i < t.store->entries.count; i++) {
        struct store_entry *entry = t.store->entries.entries[i].value;
        if (!from_torch(entry))
            continue;
        const struct file_tensor *start = fixture_find(&t.file, "0.%s", entry->name);
        struct shape shape = fixture_shape(start);
        assert_true(shape_equal(&shape, &entry->shape));
        memcpy(entry->data, start->data, start->bytes);
    }
    for (int step = 0; step < STEPS; step++) {
        struct program_run run = {0};
        struct run_options options = {.step = (uint64_t)step};
        inputs[0].data = (const float *)images->data + (size_t)step * floats;
        for (int i = 0; i < batch; i++)
            batch_labels[i] = (int32_t)((const float *)labels->data)[step * batch + i];
        check_ok(program_run(program, "step", inputs, 3, &options, &run, &error), &error);
        float loss = *(const float *)program_read(&run, "loss").data;
        if (!(fabs(loss - losses[step]) <= 1e-4))
            fail_msg("step %d: loss %.7g, torch's is %.7g", step, (double)loss, (double)losses[step]);
        if (step == 0)
            check_gradients(&t, &run);
        program_release(&run);
        for (size_t i = 0; i < t.store->entries.count; i++) {
            const struct store_entry *entry = t.store->entries.entries[i].value;
            if (!from_torch(entry))
                continue;
            const struct file_tensor *b = fixture_find(&t.file, "%d.%s", step + 1, entry->name);
            double norm, apart = distance(entry->data, b->data, b->count, &norm);
            if (!(apart <= 1e-3 * norm))
                fail_msg("step %d, %s: %g apart, norm %g", step, entry->name, apart, norm);
        }
    }
    program_free(program);
    store_free(t.store);
    safetensors_close(&t.file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_steps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
