/* test_lora.c - adapted layers against peft (tools/reference/lora.py), merging, files. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "cpu/cpu.h"
#include "format/safetensors.h"
#include "graph/program.h"
#include "nn/linear.h"
#include "nn/lora.h"
#include "ops/ops.h"

#define FIXTURES ASSAY_TEST_DIR "/nn/fixtures/"

static const struct lora_config config = {.rank = 3, .alpha = 5, .targets = "fc1,fc2"};

static node perceptron(struct graph *g, struct params p, node x)
{
    node y = op_gelu(g, linear(g, params_scope(p, "fc1"), x, 10));
    y = op_gelu(g, linear_no_bias(g, params_scope(p, "fc2"), y, 7));
    return linear(g, params_scope(p, "head"), y, 2);
}

/* The network frozen, its pairs trained; without a config the plain network. */
struct setting {
    struct store *store;
    const struct lora_config *lora;
};

static void build(struct graph *g, const struct shape *shapes, int count, void *context)
{
    const struct setting *s = context;
    node x = input(g, "x", shapes[0], DTYPE_F32), weights = input(g, "weights", shapes[1], DTYPE_F32), *params;
    struct params p = params_freeze(params_with_lora(params_root(s->store), s->lora));
    node y = perceptron(g, p, x), gradients[8];
    (void)count;
    tap(g, "y", y);
    if (!s->lora)
        return;
    int trained = graph_trained_params(g, &params);
    if (trained != 4)
        graph_fail(g, "%d parameters are trained, not the four of two pairs", trained);
    else
        graph_gradients(g, op_sum(g, op_mul(g, y, weights), REDUCE_ALL, false), params, trained, gradients);
    for (int i = 0; i < trained && !graph_failed(g); i++) {
        char name[128];
        snprintf(name, sizeof name, "grad.%s", graph_entry(g, params[i])->name);
        tap(g, name, gradients[i]);
    }
}

struct fixture {
    struct safetensors file;
    struct store *store;
    struct program *program;
    struct setting adapted, plain;
};

static const float *expected(const struct fixture *f, const char *name)
{
    const struct file_tensor *t = string_map_get(&f->file.tensors, name);
    assert_non_null(t);
    return t->data;
}

static struct program_run run(const struct fixture *f, const char *graph)
{
    static const float weights[] = {0, 1, 2, 3, 4, 5, 6, 7};
    struct assay_error error = {0};
    struct program_run run = {0};
    struct program_input inputs[] = {{"x", SHAPE(4, 6), expected(f, "x")}, {"weights", SHAPE(4, 2), weights}};
    if (program_run(f->program, graph, inputs, 2, NULL, &run, &error))
        fail_msg("%s", error.message);
    return run;
}

static void expect_near(const char *what, const float *have, const float *want, int count, double tolerance)
{
    for (int i = 0; i < count; i++)
        if (!(fabs((double)have[i] - (double)want[i]) <= tolerance * fmax(1, fabs((double)want[i]))))
            fail_msg("%s[%d] is %g, not %g", what, i, (double)have[i], (double)want[i]);
}

static int setup(void **state)
{
    struct assay_error error = {0};
    struct fixture *f = mem_alloc(1, sizeof *f);
    struct plan_options options = {.backend = cpu_backend()};
    *state = f;
    assert_int_equal(safetensors_open(FIXTURES "lora.safetensors", &f->file, &error), ASSAY_OK);
    assert_int_equal(store_create(&f->store, &error), ASSAY_OK);
    f->adapted = (struct setting){f->store, &config};
    f->plain = (struct setting){f->store, NULL};
    assert_int_equal(program_create(f->store, &options, &f->program, &error), ASSAY_OK);
    assert_int_equal(program_add(f->program, "adapted", true, build, &f->adapted, &error), ASSAY_OK);
    assert_int_equal(program_add(f->program, "plain", false, build, &f->plain, &error), ASSAY_OK);
    struct program_input inputs[] = {{"x", SHAPE(4, 6), NULL}, {"weights", SHAPE(4, 2), NULL}};
    if (program_prepare(f->program, "adapted", inputs, 2, &error))
        fail_msg("%s", error.message);
    assert_int_equal(store_initialise(f->store, 1, &error), ASSAY_OK);
    for (size_t i = 0; i < f->store->entries.count; i++) {
        struct store_entry *entry = f->store->entries.entries[i].value;
        char name[128];
        snprintf(name, sizeof name, "param.%s", entry->name);
        if (!strstr(entry->name, "lora_"))
            memcpy(entry->data, expected(f, name), (size_t)shape_count(&entry->shape) * sizeof(float));
    }
    if (lora_load(f->store, &(struct lora_file){0}, FIXTURES "lora_peft.safetensors", &error))
        fail_msg("%s", error.message);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    program_free(f->program);
    store_free(f->store);
    safetensors_close(&f->file);
    mem_free(f);
    return 0;
}

static void test_parity(void **state)
{
    struct fixture *f = *state;
    struct program_run values = run(f, "adapted");
    expect_near("y", program_read(&values, "y").data, expected(f, "y"), 8, 1e-5);
    static const char *const names[] = {"fc1.lora_A", "fc1.lora_B", "fc2.lora_A", "fc2.lora_B"};
    for (int i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "grad.%s.weight", names[i]);
        struct tensor t = program_read(&values, name);
        assert_non_null(t.data);
        expect_near(name, t.data, expected(f, name), (int)shape_count(&t.shape), 1e-4);
    }
    program_release(&values);
}

static void test_merge(void **state)
{
    struct fixture *f = *state;
    struct assay_error error = {0};
    struct lora_merged *merged;
    float before[60];
    struct store_entry *weight = store_get(f->store, "fc1.weight");
    memcpy(before, weight->data, sizeof before);
    const float *at = weight->data;
    assert_int_equal(lora_merge(f->store, &config, &merged, &error), ASSAY_OK);
    expect_near("fc1", weight->data, expected(f, "merged.fc1.weight"), 60, 1e-6);
    expect_near("fc2", store_get(f->store, "fc2.weight")->data, expected(f, "merged.fc2.weight"), 70, 1e-6);
    struct program_run values = run(f, "plain");
    expect_near("y", program_read(&values, "y").data, expected(f, "y"), 8, 1e-5);
    program_release(&values);
    lora_unmerge(merged);
    assert_ptr_equal(weight->data, at);
    assert_memory_equal(weight->data, before, sizeof before);
    values = run(f, "adapted"); /* packed copies follow */
    expect_near("y", program_read(&values, "y").data, expected(f, "y"), 8, 1e-5);
    program_release(&values);
}

/* Saved and read back, the same bytes; another backbone, a missing and a misnamed tensor are refused by name. */
static void test_files(void **state)
{
    struct fixture *f = *state;
    struct assay_error error = {0};
    char path[] = "lora-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct store_entry *b = store_get(f->store, "fc1.lora_B.weight");
    const struct lora_file a = {.backbone_sha256 = "aaaa"}, b_file = {.backbone_sha256 = "bbbb"}, any = {0};
    float kept[30];
    memcpy(kept, b->data, sizeof kept);
    assert_int_equal(lora_save(f->store, &config, &a, path, &error), ASSAY_OK);
    memset(b->data, 0, sizeof kept);
    assert_int_equal(lora_load(f->store, &a, path, &error), ASSAY_OK);
    assert_memory_equal(b->data, kept, sizeof kept);
    assert_int_equal(lora_load(f->store, &b_file, path, &error), ASSAY_ERROR_MODEL);
    assert_non_null(strstr(error.message, "bbbb"));

    struct safetensors saved;
    assert_int_equal(safetensors_open(path, &saved, &error), ASSAY_OK);
    assert_non_null(string_map_get(&saved.tensors, "base_model.model.fc2.lora_A.weight"));
    safetensors_close(&saved);

    const int64_t dims[] = {3, 6};
    struct safetensors_item wrong = {"fc1.lora_C.weight", 2, dims, kept}, lone = {"fc1.lora_A.weight", 2, dims, kept};
    assert_int_equal(safetensors_write(path, &wrong, 1, NULL, &error), ASSAY_OK);
    assert_int_equal(lora_load(f->store, &any, path, &error), ASSAY_ERROR_MODEL);
    assert_non_null(strstr(error.message, "fc1.lora_C.weight"));
    assert_int_equal(safetensors_write(path, &lone, 1, NULL, &error), ASSAY_OK);
    assert_int_equal(lora_load(f->store, &any, path, &error), ASSAY_ERROR_MODEL);
    assert_non_null(strstr(error.message, "3 missing: \"fc1.lora_B.weight\""));
    unlink(path);
}

/* Queries and values of a packed layer, keys left alone: as if three layers lay side by side; merging agrees. */
static void build_packed(struct graph *g, const struct shape *shapes, int count, void *context)
{
    const struct setting *s = context;
    static const char *const parts[] = {"q", "k", "v", NULL};
    (void)count;
    node x = input(g, "x", shapes[0], DTYPE_F32);
    struct params p = params_scope(params_with_lora(params_root(s->store), s->lora), "attn");
    node weight = params_get(g, &p, "in_proj_weight", SHAPE(12, 4), init_uniform(1));
    node y = op_matmul(g, x, weight, false, true);
    tap(g, "y", lora_adapt(g, p, "in_proj", parts, x, y));
}

static void test_packed(void **state)
{
    (void)state;
    struct lora_config lora = {.rank = 2, .alpha = 3, .init = LORA_INIT_XAVIER, .targets = "q,v"};
    struct assay_error error = {0};
    struct store *store;
    struct program *program;
    struct lora_merged *merged;
    struct plan_options options = {.backend = cpu_backend()};
    assert_int_equal(store_create(&store, &error), ASSAY_OK);
    struct setting adapted = {store, &lora}, plain = {store, NULL};
    assert_int_equal(program_create(store, &options, &program, &error), ASSAY_OK);
    assert_int_equal(program_add(program, "adapted", false, build_packed, &adapted, &error), ASSAY_OK);
    assert_int_equal(program_add(program, "plain", false, build_packed, &plain, &error), ASSAY_OK);
    const float x[] = {1, 2, 3, 4, -1, 0.5f, 2, -3};
    struct program_input in = {"x", SHAPE(2, 4), x};
    struct program_run run = {0};
    assert_int_equal(program_prepare(program, "adapted", &in, 1, &error), ASSAY_OK);
    assert_int_equal(store_initialise(store, 5, &error), ASSAY_OK);
    assert_non_null(store_get(store, "attn.in_proj.q.lora_A.weight"));
    assert_null(store_get(store, "attn.in_proj.k.lora_A.weight"));
    float want[24], base[24];
    assert_int_equal(program_run(program, "adapted", &in, 1, NULL, &run, &error), ASSAY_OK);
    memcpy(want, program_read(&run, "y").data, sizeof want);
    program_release(&run);
    assert_int_equal(program_run(program, "plain", &in, 1, NULL, &run, &error), ASSAY_OK);
    memcpy(base, program_read(&run, "y").data, sizeof base);
    program_release(&run);
    for (int i = 0; i < 24; i++) {
        bool key = i % 12 / 4 == 1;
        assert_true(key == (fabsf(want[i] - base[i]) < 1e-6f));
    }
    assert_int_equal(lora_merge(store, &lora, &merged, &error), ASSAY_OK);
    assert_int_equal(program_run(program, "plain", &in, 1, NULL, &run, &error), ASSAY_OK);
    expect_near("merged", program_read(&run, "y").data, want, 24, 1e-5);
    program_release(&run);
    lora_unmerge(merged);
    program_free(program);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_parity, setup, teardown),
        cmocka_unit_test_setup_teardown(test_merge, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files, setup, teardown),
        cmocka_unit_test(test_packed),
    };
    return cmocka_run_group_tests_name("nn/lora", tests, NULL, NULL);
}
