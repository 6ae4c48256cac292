/* SDID against a short rendering of the paper in torch (tools/reference/sdid.py): features, each term of both losses,
 * the total, gradients, queues and ten steps; both encoders, ablations and modalities; sizes of the published
 * networks. */
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
#include "detector/sdid.h"
#include "format/safetensors.h"
#include "graph/program.h"
#include "ops/elementwise.h"
#include "ops/move.h"
#include "parity.h"

enum { SIDE = 16, BATCH = 5, POOL = 9, STEPS = 10, DIM = 6, SLOTS = 7, TERMS = 8, MOST_TRAINED = 128 };
#define RATE 0.002f

static void ok(assay_status status, const struct assay_error *error)
{
    if (status)
        fail_msg("status %d: %s", (int)status, error->message);
}

/* ---- The reference's tiny networks ----------------------------------------------------------------------------- */

static const struct sdid_encoder tiny_vit = {
    .kind = SDID_VIT,
    .vit = {.names = BLOCK_FACEBOOK,
            .activation = BLOCK_GELU,
            .image = SIDE,
            .patch = 4,
            .width = 8,
            .depth = 2,
            .heads = 2,
            .eps = 1e-6f,
            .positions_class = true,
            .class_token = true,
            .layer_scale = true,
            .final_norm = true},
};
static const struct sdid_encoder tiny_resnet = {
    .kind = SDID_RESNET,
    .resnet = {.block = RESNET_BOTTLENECK, .blocks = {1, 1}, .width = 4, .stem = RESNET_STEM_IMAGENET},
};

static struct sdid_config tiny_config(bool own)
{
    struct sdid_config c;
    option_defaults(detector_sdid.fields, &c);
    c.method.dim = DIM;
    c.method.queue = SLOTS;
    c.method.neighbours = 3;
    c.method.whose = own ? SDID_OWN : SDID_TEACHERS;
    c.method.predict = own ? SDID_FROM_RGB : SDID_FROM_BOTH;
    c.lora.rank = 2;
    c.lora.alpha = 3;
    return c;
}

struct fixture {
    struct safetensors file;
    struct store *store;
    struct sdid_config config;
};

static const struct file_tensor *find(const struct fixture *f, const char *name)
{
    const struct file_tensor *tensor = string_map_get(&f->file.tensors, name);
    if (!tensor)
        fail_msg("the fixture has no %s", name);
    return tensor;
}

/* Row `row` of a tensor, whose rows hold `count` values. */
static const float *row_of(const struct fixture *f, const char *name, int64_t row, int64_t count)
{
    const struct file_tensor *tensor = find(f, name);
    assert_true(tensor->count >= (uint64_t)((row + 1) * count) && (int64_t)tensor->count % count == 0);
    return (const float *)tensor->data + row * count;
}

static double norm_of(const float *a, const float *b, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += pow((double)a[i] - (b ? (double)b[i] : 0), 2);
    return sqrt(sum);
}

/* max |a - b| <= tolerance max(1, max |b|) */
static void close_max(const char *what, int step, const float *a, const float *b, int64_t count, double tolerance)
{
    double largest = 1, worst = 0;
    for (int64_t i = 0; i < count; i++) {
        double apart = fabs((double)a[i] - (double)b[i]);
        largest = fmax(largest, fabs((double)b[i]));
        worst = apart >= worst || isnan(apart) ? apart : worst;
    }
    if (!(worst <= tolerance * largest))
        fail_msg("%s of step %d: largest difference %g, allowed %g", what, step, worst, tolerance * largest);
}

static void close_norm(const char *what, const float *a, const float *b, int64_t count, double floor)
{
    double apart = norm_of(a, b, count), size = norm_of(b, NULL, count);
    if (!(apart <= 1e-3 * fmax(size, floor)))
        fail_msg("%s: differs by %g in the 2-norm, its own is %g", what, apart, size);
}

static const char *after(const char *name, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(name, prefix, length) == 0 ? name + length : NULL;
}

/* ---- Graphs ---------------------------------------------------------------------------------------------------- */

static void build_eval(struct graph *g, const struct shape *shapes, int count, void *context)
{
    struct fixture *f = context;
    (void)count;
    struct detector_io io = detector_io(input(g, "image", shapes[0], DTYPE_F32));
    sdid_network(g, params_root(f->store), &f->config, &tiny_vit, &tiny_resnet, &io);
    tap(g, "logits", io.logit);
}

static void build_step(struct graph *g, const struct shape *shapes, int count, void *context)
{
    struct fixture *f = context;
    struct params p = params_root(f->store);
    struct sdid_terms terms;
    node *trained, gradients[MOST_TRAINED], parts[TERMS];
    (void)count;
    struct detector_io io = detector_io(input(g, "image", shapes[0], DTYPE_F32));
    node labels = input(g, "labels", shapes[1], DTYPE_I32);
    sdid_network(g, p, &f->config, &tiny_vit, &tiny_resnet, &io);
    node total = sdid_loss(g, p, &f->config.method, &io, labels, &terms);
    for (int i = 0; i < TERMS; i++)
        parts[i] = op_reshape(g, i < 4 ? terms.cmcl[i / 2][i % 2] : terms.cmmd[i / 2 - 2][i % 2], SHAPE(1));
    tap(g, "logits", io.logit);
    tap(g, "rgb", io.views[0]);
    tap(g, "partner", io.views[1]);
    tap(g, "terms", op_concat(g, parts, TERMS, 0));
    tap(g, "total", total);
    int trained_count = graph_trained_params(g, &trained);
    assert_in_range(trained_count, 1, MOST_TRAINED);
    graph_gradients(g, total, trained, trained_count, gradients);
    for (int i = 0; i < trained_count && !graph_failed(g); i++) {
        tap(g, graph_entry(g, trained[i])->name, gradients[i]);
        assign(g, trained[i], op_sub(g, trained[i], op_scale(g, gradients[i], RATE)));
    }
}

/* Loads "param.*" into every tensor of the network but queues, which are empty at first. */
static void load(struct fixture *f)
{
    struct assay_error error = {0};
    size_t loaded = 0, queues = 0, params = 0;
    for (size_t i = 0; i < f->store->entries.count; i++) {
        struct store_entry *entry = f->store->entries.entries[i].value;
        char name[PARAMS_PREFIX * 2];
        if (after(entry->name, "queue.")) {
            queues++;
            continue;
        }
        snprintf(name, sizeof name, "param.%s", entry->name);
        const struct file_tensor *t = find(f, name);
        struct shape shape = shape_of(t->dim, t->rank);
        if (!shape_equal(&shape, &entry->shape))
            fail_msg("%s has another shape in the reference", entry->name);
        ok(store_make_writable(entry, &error), &error);
        memcpy(entry->data, t->data, t->bytes);
        entry->version++;
        loaded++;
    }
    for (size_t i = 0; i < f->file.tensors.count; i++)
        params += after(f->file.tensors.entries[i].key, "param.") != NULL;
    assert_int_equal(loaded, params);
    assert_int_equal(queues, 8);
    ok(store_initialise(f->store, 1, &error), &error);
}

static void check_gradients(const struct fixture *f, const struct program_run *run, int step)
{
    char prefix[16];
    double squares = 0;
    int tensors = 0;
    snprintf(prefix, sizeof prefix, "grad%d.", step);
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < f->file.tensors.count; i++) {
            const struct file_tensor *want = f->file.tensors.entries[i].value;
            const char *name = after(f->file.tensors.entries[i].key, prefix);
            if (!name)
                continue;
            if (pass == 0) {
                squares += pow(norm_of(want->data, NULL, (int64_t)want->count), 2);
                tensors++;
                continue;
            }
            struct tensor have = program_read(run, name);
            if (!have.data)
                fail_msg("no gradient of %s", name);
            assert_int_equal(shape_count(&have.shape), want->count);
            close_norm(name, have.data, want->data, (int64_t)want->count, 1e-3 * sqrt(squares / tensors));
        }
    assert_int_equal(tensors, 2 * 4 * 2 + 6 + 27); /* LoRA; projections and head; ResNet */
}

static void check_queues(const struct fixture *f, int step)
{
    static const char *const names[] = {"rgb.real", "rgb.generated", "partner.real", "partner.generated"};
    const float *slots = row_of(f, "steps.queues", step, 4 * SLOTS * DIM);
    for (int i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "queue.%s", names[i]);
        close_max(name, step, store_get(f->store, name)->data, slots + i * SLOTS * DIM, SLOTS * DIM, 1e-4);
        snprintf(name, sizeof name, "queue.ring.%s.at", i % 2 ? "generated" : "real");
        assert_true(store_get(f->store, name)->data[0] == row_of(f, "steps.at", step, 4)[i]);
        snprintf(name, sizeof name, "queue.ring.%s.filled", i % 2 ? "generated" : "real");
        assert_true(store_get(f->store, name)->data[0] == row_of(f, "steps.filled", step, 4)[i]);
    }
}

static void check_step(struct fixture *f, struct program *program, int step)
{
    enum { PICTURE = SIDE * SIDE * 3 };
    static float images[BATCH * PICTURE];
    static const struct {
        const char *name;
        int64_t count;
    } taps[] = {{"logits", BATCH}, {"rgb", BATCH * DIM}, {"partner", BATCH * DIM}, {"terms", TERMS}, {"total", 1}};
    struct assay_error error = {0};
    struct program_run run = {0};
    int32_t labels[BATCH];
    for (int i = 0; i < BATCH; i++) {
        labels[i] = (int32_t)row_of(f, "labels", step, BATCH)[i];
        memcpy(images + i * PICTURE, row_of(f, "pool", (int64_t)row_of(f, "pictures", step, BATCH)[i], PICTURE),
               PICTURE * sizeof *images);
    }
    struct program_input inputs[] = {{"image", SHAPE(BATCH, SIDE, SIDE, 3), images}, {"labels", SHAPE(BATCH), labels}};
    if (step == 0) {
        ok(program_prepare(program, "step", inputs, 2, &error), &error);
        load(f);
    }
    ok(program_run(program, "step", inputs, 2, &(struct run_options){.step = (uint64_t)step}, &run, &error), &error);
    for (size_t i = 0; i < sizeof taps / sizeof taps[0]; i++) {
        char name[32];
        struct tensor have = program_read(&run, taps[i].name);
        snprintf(name, sizeof name, "steps.%s", taps[i].name);
        assert_int_equal(shape_count(&have.shape), taps[i].count);
        close_max(name, step, have.data, row_of(f, name, step, taps[i].count), taps[i].count, 1e-4);
    }
    if (step == 0 || step == 3)
        check_gradients(f, &run, step);
    program_release(&run);
    check_queues(f, step);
}

static void check_eval(struct fixture *f, enum precision precision, double tolerance)
{
    struct assay_error error = {0};
    struct plan_options options = {.backend = cpu_backend(), .precision = precision};
    struct program *program;
    struct program_run run = {0};
    struct program_input image = {"image", SHAPE(POOL, SIDE, SIDE, 3), find(f, "pool")->data};
    ok(program_create(f->store, &options, &program, &error), &error);
    ok(program_add(program, "eval", false, build_eval, f, &error), &error);
    ok(program_run(program, "eval", &image, 1, &(struct run_options){0}, &run, &error), &error);
    close_max("logits.eval", 0, program_read(&run, "logits").data, row_of(f, "logits.eval", 0, POOL), POOL, tolerance);
    program_release(&run);
    program_free(program);
}

/* What ten steps changed in a tensor: to a hundredth of the change. */
static void check_change(const struct fixture *f, const char *entry, const float *have, const struct file_tensor *want)
{
    char name[PARAMS_PREFIX * 2];
    double apart = norm_of(have, want->data, (int64_t)want->count);
    snprintf(name, sizeof name, "param.%s", entry);
    double change = norm_of(want->data, find(f, name)->data, (int64_t)want->count);
    if (!(apart <= 1e-2 * change + 1e-5))
        fail_msg("%s: differs by %g in the 2-norm, where steps changed it by %g", entry, apart, change);
}

static void check_parity(const char *path, bool own)
{
    struct assay_error error = {0};
    struct fixture f = {.config = tiny_config(own)};
    struct plan_options options = {.backend = cpu_backend()};
    struct program *program;
    ok(safetensors_open(path, &f.file, &error), &error);
    ok(store_create(&f.store, &error), &error);
    ok(program_create(f.store, &options, &program, &error), &error);
    ok(program_add(program, "step", true, build_step, &f, &error), &error);
    for (int step = 0; step < STEPS; step++)
        check_step(&f, program, step);
    int checked = 0;
    for (size_t i = 0; i < f.file.tensors.count; i++) {
        const struct file_tensor *want = f.file.tensors.entries[i].value;
        const char *name = after(f.file.tensors.entries[i].key, "step10.");
        if (!name)
            continue;
        close_norm(name, store_get(f.store, name)->data, want->data, (int64_t)want->count, 0);
        check_change(&f, name, store_get(f.store, name)->data, want);
        checked++;
    }
    assert_int_equal(checked, 49 + 18); /* trained tensors, running statistics */
    load(&f);
    check_eval(&f, PRECISION_MODE_F32, 1e-4);
    check_eval(&f, PRECISION_MODE_BF16, 3e-2);
    program_free(program);
    store_free(f.store);
    safetensors_close(&f.file);
}

static void test_parity(void **unused)
{
    (void)unused;
    check_parity(ASSAY_TEST_DIR "/detector/fixtures/sdid.safetensors", false);
}

static void test_parity_own_neighbours(void **unused)
{
    (void)unused;
    check_parity(ASSAY_TEST_DIR "/detector/fixtures/sdid_own.safetensors", true);
}

/* ---- sdid-mini ------------------------------------------------------------------------------------------------- */

static struct sdid_mini_config tiny_mini(void)
{
    struct sdid_mini_config c;
    option_defaults(detector_sdid_mini.fields, &c);
    c.crop = 32;
    c.width = 4;
    c.dropout = 0;
    c.method.dim = DIM;
    c.method.queue = SLOTS;
    c.method.neighbours = 3;
    c.method.cmcl_temperature = c.method.teacher_temperature = c.method.student_temperature = 0.5;
    return c;
}

static void build_mini(struct graph *g, struct params p, const void *config, node image, node labels, node *logits,
                       node *loss)
{
    struct detector_io io = detector_io(image);
    detector_sdid_mini.forward(g, p, config, &io);
    *logits = io.logit;
    if (labels.id >= 0)
        *loss = detector_sdid_mini.loss(g, p, config, &io, labels);
}

static void test_mini_parity(void **unused)
{
    (void)unused;
    struct assay_error error = {0};
    struct parity t;
    struct sdid_mini_config config = tiny_mini();
    node logits, loss;
    parity_open(&t, "detector/fixtures/sdid_mini.safetensors", build_mini, &config);
    struct graph *g = graph_create(t.store, (struct graph_options){.training = true}); /* queues, empty at first */
    build_mini(g, params_root(t.store), &config, input(g, "image", t.image, DTYPE_F32),
               input(g, "labels", t.labels, DTYPE_I32), &logits, &loss);
    ok(graph_status(g, &error), &error);
    graph_free(g);
    ok(store_initialise(t.store, 1, &error), &error);
    parity_check_eval(&t, NULL, "logits.eval");
    parity_check_bf16(&t, "logits.eval", 3e-2);
    parity_check_training(&t, (double)RATE, STEPS);
    parity_close(&t);
}

/* ---- The detectors --------------------------------------------------------------------------------------------- */

struct built {
    struct store *store;
    struct graph *g;
    struct detector_io io;
    assay_status status;
    struct assay_error error;
    node loss;
};

static struct built build(const struct detector *detector, const void *config, int64_t crop, bool training)
{
    struct built b = {.loss = NODE_NONE};
    ok(store_create(&b.store, &b.error), &b.error);
    b.g = graph_create(b.store, (struct graph_options){.training = training});
    b.io = detector_io(input(b.g, "image", SHAPE(2, crop, crop, 3), DTYPE_F32));
    detector->forward(b.g, params_root(b.store), config, &b.io);
    if (training)
        b.loss = detector->loss(b.g, params_root(b.store), config, &b.io, input(b.g, "labels", SHAPE(2), DTYPE_I32));
    b.status = graph_status(b.g, &b.error);
    return b;
}

static void discard(struct built *b)
{
    graph_free(b->g);
    store_free(b->store);
}

static bool has(const struct built *b, const char *prefix)
{
    for (size_t i = 0; i < b->store->entries.count; i++)
        if (after(b->store->entries.entries[i].key, prefix))
            return true;
    return false;
}

static void test_sizes(void **unused)
{
    (void)unused;
    enum { VIT = 304368640, RESNET = 44549160 - 2049000, LORA = 24 * 4 * 2 * 8 * 1024 };
    enum { HEAD = 1024 * 512 + 512 + 2048 * 512 + 512 + 2 * 1024 + 2 };
    struct sdid_config config;
    option_defaults(detector_sdid.fields, &config);
    struct built b = build(&detector_sdid, &config, 224, false);
    ok(b.status, &b.error);
    assert_int_equal(store_param_count(b.store), VIT + RESNET + LORA + HEAD);
    assert_false(has(&b, "queue."));
    assert_non_null(store_get(b.store, "rgb.blocks.23.attn.qkv.v.lora_B.weight"));
    assert_non_null(store_get(b.store, "rgb.blocks.0.attn.proj.lora_A.weight"));
    assert_non_null(store_get(b.store, "partner.layer3.22.conv3.weight"));
    assert_true(store_get(b.store, "rgb.cls_token")->frozen);
    assert_false(store_get(b.store, "partner.conv1.weight")->frozen);
    node *trained;
    assert_int_equal(graph_trained_params(b.g, &trained), 24 * 4 * 2 + 104 * 3 + 6);
    discard(&b);

    struct sdid_mini_config mini;
    option_defaults(detector_sdid_mini.fields, &mini);
    b = build(&detector_sdid_mini, &mini, 128, false);
    ok(b.status, &b.error);
    assert_in_range(store_param_count(b.store), 100000, 4000000);
    discard(&b);
}

/* What each ablation keeps in its model, and what training adds. */
static void test_ablations(void **unused)
{
    (void)unused;
    static const struct {
        int branches, predict;
        double cmcl, cmmd;
        bool rgb, partner, training_partner, queues;
        int64_t head;
    } cases[] = {
        {SDID_RGB, SDID_FROM_BOTH, 0.1, 0.1, true, false, false, false, 8},
        {SDID_PARTNER, SDID_FROM_BOTH, 0.1, 0.1, false, true, true, false, 8},
        {SDID_BOTH, SDID_FROM_BOTH, 0, 0, true, true, true, false, 16},
        {SDID_BOTH, SDID_FROM_BOTH, 0.1, 0, true, true, true, true, 16},
        {SDID_BOTH, SDID_FROM_BOTH, 0, 0.1, true, true, true, true, 16},
        {SDID_BOTH, SDID_FROM_BOTH, 0.1, 0.1, true, true, true, true, 16},
        {SDID_BOTH, SDID_FROM_RGB, 0.1, 0.1, true, false, true, true, 8},
        {SDID_BOTH, SDID_FROM_RGB, 0, 0, true, false, false, false, 8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int modality = SDID_NPR; modality <= SDID_AUGMENTED; modality++) {
            struct sdid_mini_config c;
            option_defaults(detector_sdid_mini.fields, &c);
            c.crop = 32;
            c.width = 4;
            c.method.dim = 8;
            c.method.queue = 16;
            c.method.branches = cases[i].branches;
            c.method.predict = cases[i].predict;
            c.method.modality = modality;
            c.method.cmcl = cases[i].cmcl;
            c.method.cmmd = cases[i].cmmd;
            struct built b = build(&detector_sdid_mini, &c, c.crop, false);
            ok(b.status, &b.error);
            assert_int_equal(has(&b, "rgb."), cases[i].rgb);
            assert_int_equal(has(&b, "partner."), cases[i].partner);
            assert_false(has(&b, "queue."));
            assert_int_equal(store_get(b.store, "head.weight")->shape.dim[1], cases[i].head);
            discard(&b);
            b = build(&detector_sdid_mini, &c, c.crop, true);
            ok(b.status, &b.error);
            assert_int_equal(has(&b, "partner."), cases[i].training_partner);
            assert_int_equal(has(&b, "queue."), cases[i].queues);
            discard(&b);
        }
}

/* Each encoder of the list can be built, and on either side. */
static void test_encoders(void **unused)
{
    (void)unused;
    struct sdid_config config;
    struct sdid_encoder encoder;
    int count = 0;
    option_defaults(detector_sdid.fields, &config);
    config.lora.rank = 0;
    for (; sdid_encoder_at(count, 224, &encoder); count++) {
        config.rgb = count;
        config.partner = count;
        config.method.branches = count % 3;
        struct built b = build(&detector_sdid, &config, 224, false);
        if (b.status)
            fail_msg("encoder %d: %s", count, b.error.message);
        struct detector_published published[DETECTOR_MAX_PUBLISHED] = {0};
        detector_sdid.published(&config, published);
        assert_int_equal(published[0].model, encoder.published);
        assert_int_equal(published[1].prefix != NULL, config.method.branches == SDID_BOTH);
        discard(&b);
    }
    int choices = 1;
    for (const char *at = SDID_ENCODERS; *at; at++)
        choices += *at == '|';
    assert_int_equal(count, choices);

    config.crop = 100;
    config.rgb = 0;
    struct built b = build(&detector_sdid, &config, 100, false);
    assert_int_equal(b.status, ASSAY_ERROR_MODEL);
    assert_non_null(strstr(b.error.message, "100 is no multiple of 14"));
    discard(&b);
}

/* ---- What the partner sees ------------------------------------------------------------------------------------- */

struct seen {
    struct sdid_method method;
    float scale;
};

static void build_modality(struct graph *g, const struct shape *shapes, int count, void *context)
{
    const struct seen *s = context;
    (void)count;
    tap(g, "seen", sdid_modality(g, &s->method, input(g, "image", shapes[0], DTYPE_F32), s->scale));
}

enum { EDGE = 8, VALUES = 4 * EDGE * EDGE * 3 };

static void see(int modality, float scale, bool training, uint64_t step, const float *image, float *out)
{
    struct assay_error error = {0};
    struct seen seen = {{.modality = modality, .npr_patch = 2}, scale};
    struct plan_options options = {.backend = cpu_backend()};
    struct store *store;
    struct program *program;
    struct program_run run = {0};
    struct program_input feed = {"image", SHAPE(4, EDGE, EDGE, 3), image};
    ok(store_create(&store, &error), &error);
    ok(program_create(store, &options, &program, &error), &error);
    ok(program_add(program, "seen", training, build_modality, &seen, &error), &error);
    ok(program_run(program, "seen", &feed, 1, &(struct run_options){.seed = 3, .step = step}, &run, &error), &error);
    memcpy(out, program_read(&run, "seen").data, VALUES * sizeof *out);
    program_release(&run);
    program_free(program);
    store_free(store);
}

/* The paper: pixels minus the top-left pixel of their 2 x 2 patch. The NPR repository: 2/3 of the same of the
 * normalised picture. The mean cancels, so these are equal but for 2/3 of the deviation. */
static void test_npr_of_normalised(void **unused)
{
    (void)unused;
    static const float mean[] = {0.485f, 0.456f, 0.406f}, std[] = {0.229f, 0.224f, 0.225f};
    float pixels[VALUES], normalised[VALUES], paper[VALUES], repository[VALUES];
    for (int i = 0; i < VALUES; i++) {
        pixels[i] = (float)((i * 37 + i / 3 * 11) % 256) / 255;
        normalised[i] = (pixels[i] - mean[i % 3]) / std[i % 3];
    }
    see(SDID_NPR, 1, false, 0, pixels, paper);
    see(SDID_NPR, 2.0f / 3, false, 0, normalised, repository);
    for (int i = 0; i < VALUES; i++) {
        int column = i / 3 % EDGE, row = i / 3 / EDGE % EDGE, corner = i - (column % 2 + row % 2 * EDGE) * 3;
        assert_true(fabsf(paper[i] - (pixels[i] - pixels[corner])) < 1e-6f);
        assert_true(fabsf(repository[i] - paper[i] * 2 / 3 / std[i % 3]) < 2e-6f);
    }
}

static void test_high_frequency(void **unused)
{
    (void)unused;
    static const float kernel[] = {1, 2, 1};
    float image[VALUES], have[VALUES];
    for (int i = 0; i < VALUES; i++)
        image[i] = sinf((float)(i * i % 91));
    see(SDID_HIGH_FREQUENCY, 1, true, 0, image, have);
    for (int i = 0; i < VALUES; i++) {
        int c = i % 3, x = i / 3 % EDGE, y = i / 3 / EDGE % EDGE, b = i / 3 / EDGE / EDGE;
        double blurred = 0;
        for (int dy = -1; dy <= 1; dy++)
            for (int dx = -1; dx <= 1; dx++) {
                int row = y + dy < 0 ? 0 : y + dy >= EDGE ? EDGE - 1 : y + dy;
                int column = x + dx < 0 ? 0 : x + dx >= EDGE ? EDGE - 1 : x + dx;
                blurred += (double)(kernel[dy + 1] * kernel[dx + 1]) / 16 *
                           (double)image[((b * EDGE + row) * EDGE + column) * 3 + c];
            }
        assert_true(fabs((double)have[i] - ((double)image[i] - blurred)) < 1e-5);
    }
}

/* Training varies each picture, otherwise at each step and the same way again; judging does not. */
static void test_augmented(void **unused)
{
    (void)unused;
    float image[VALUES], judged[VALUES], first[VALUES], again[VALUES], other[VALUES];
    for (int i = 0; i < VALUES; i++)
        image[i] = sinf((float)(i % (VALUES / 4)));
    see(SDID_AUGMENTED, 1, false, 0, image, judged);
    see(SDID_AUGMENTED, 1, true, 0, image, first);
    see(SDID_AUGMENTED, 1, true, 0, image, again);
    see(SDID_AUGMENTED, 1, true, 1, image, other);
    assert_memory_equal(judged, image, sizeof image);
    assert_memory_equal(first, again, sizeof first);
    for (int i = 0; i < 4; i++) {
        assert_memory_not_equal(first + i * VALUES / 4, image, sizeof image / 4);
        assert_memory_not_equal(first + i * VALUES / 4, other + i * VALUES / 4, sizeof image / 4);
        assert_memory_not_equal(first + i * VALUES / 4, first + (i + 1) % 4 * VALUES / 4, sizeof image / 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parity),
        cmocka_unit_test(test_parity_own_neighbours),
        cmocka_unit_test(test_mini_parity),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_ablations),
        cmocka_unit_test(test_encoders),
        cmocka_unit_test(test_npr_of_normalised),
        cmocka_unit_test(test_high_frequency),
        cmocka_unit_test(test_augmented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
