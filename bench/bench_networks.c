/* bench_networks.c - how fast whole networks are: published backbones forward, a detector's training step.
 *
 *     bench_networks                          a table of the usual ones, as CSV (what `make bench` prints)
 *     bench_networks TASK BATCH TYPE          one, run whenever a line comes in on standard input
 *     bench_networks model DETECTOR FILE      writes a model file with random weights, for bench/first.py
 *
 * TASK: a published network ("clip-vit-l-14"), or "train:DETECTOR[,OPTION=VALUE]..." for one step of training (forward,
 * backward, update), or "detect:DETECTOR[,OPTION=VALUE]..." for its forward pass. TYPE: f32 or bf16. "run" is answered
 * with the milliseconds it took, "profile" with tables of the run's time by op, by part of the network and by layer,
 * ended by an empty line; "processor" with the same of processor time, which other work alters less. So
 * bench/compare.py interleaves it with other programs. Weights are random. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/text.h"
#include "cpu/cpu.h"
#include "detector/detector.h"
#include "detector/model.h"
#include "graph/program.h"
#include "tools/published/published.h"
#include "train/options.h"

#define TRAIN "train:"
#define DETECT "detect:"
enum { INPUTS = 3, CONFIG = DETECTOR_MAX_CONFIG };

struct task {
    struct arena arena;
    const struct published *network;
    const struct detector *detector;
    _Alignas(64) char config[CONFIG];
    struct train_options train;
    struct optimizer_options optimizer;
    struct store *store;
    struct program *program;
    struct program_input inputs[INPUTS];
    int input_count;
    float scalars[OPTIMIZER_SCALARS];
    uint64_t step;
};

/* ---- What is run ---------------------------------------------------------------------------------------------- */

static void build_forward(struct graph *g, const struct shape *shapes, int count, void *context)
{
    const struct task *task = context;
    (void)count;
    node x = input(g, "image", shapes[0], DTYPE_F32);
    if (!task->detector) {
        /* What its users read of it: one vector for each picture, which is what the other programs give, too. */
        tap(g, "y", published_forward(g, params_root(task->store), task->network, x, false));
        return;
    }
    struct detector_io io = detector_io(x);
    task->detector->forward(g, params_root(task->store), task->config, &io);
    tap(g, "y", io.logit);
}

static void build_step(struct graph *g, const struct shape *shapes, int count, void *context)
{
    const struct task *task = context;
    struct params root = params_root(task->store);
    struct detector_io io = detector_io(input(g, "image", shapes[0], DTYPE_F32));
    node labels = input(g, "labels", shapes[1], DTYPE_I32), scalars = input(g, "optimizer", shapes[2], DTYPE_F32);
    (void)count;
    task->detector->forward(g, root, task->config, &io);
    node loss = task->detector->loss(g, root, task->config, &io, labels);
    optimizer_step(g, &task->optimizer, loss, scalars);
    tap(g, "loss", loss);
}

static float *random_values(struct arena *arena, int64_t count)
{
    float *data = arena_alloc(arena, (size_t)count, sizeof *data);
    struct random random = random_open(1, 0, 0);
    for (int64_t i = 0; data && i < count; i++)
        data[i] = (float)random_normal(&random);
    return data;
}

static assay_status open_detector(struct task *task, const char *text, struct assay_error *error)
{
    char name[64];
    size_t length = strcspn(text, ",");
    snprintf(name, sizeof name, "%.*s", (int)length, text);
    task->detector = detector_find(name);
    if (!task->detector)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "there is no detector \"%s\"", name);
    option_defaults(task->detector->fields, task->config);
    option_defaults(train_option_table, &task->train);
    assay_status status = ASSAY_OK;
    for (const struct detector_default *d = task->detector->training; d && d->option && !status; d++)
        if (option_find(train_option_table, d->option))
            status = option_set(train_option_table, &task->train, d->option, d->value, &task->arena, error);
    for (text += length; *text == ',' && !status; text += length) {
        char option[128], *value;
        length = strcspn(++text, ",");
        snprintf(option, sizeof option, "%.*s", (int)length, text);
        value = strchr(option, '=');
        if (!value)
            return error_set(error, ASSAY_ERROR_ARGUMENT, "\"%s\" is not OPTION=VALUE", option);
        *value++ = '\0';
        status = option_set(task->detector->fields, task->config, option, value, &task->arena, error);
    }
    return status ? status : train_optimizer(&task->train, &task->arena, &task->optimizer, error);
}

static assay_status task_open(struct task *task, const char *text, int64_t batch, bool bf16, struct assay_error *error)
{
    int64_t side = 224;
    assay_status status = ASSAY_OK;
    bool train = strncmp(text, TRAIN, strlen(TRAIN)) == 0, detect = strncmp(text, DETECT, strlen(DETECT)) == 0;
    struct plan_options options = {.backend = cpu_backend(),
                                   .precision = bf16 ? PRECISION_MODE_BF16 : PRECISION_MODE_F32};
    if (train || detect) {
        struct preprocess preprocess;
        if ((status = open_detector(task, text + strlen(train ? TRAIN : DETECT), error)))
            return status;
        task->detector->preprocess(task->config, &preprocess);
        side = train ? preprocess_training(&preprocess).crop : preprocess.crop;
    } else if (!(task->network = published_find(text)) || task->network->family == PUBLISHED_CLIP_TEXT) {
        return error_set(error, ASSAY_ERROR_ARGUMENT, "there is no network \"%s\"", text);
    }
    int32_t *labels = arena_alloc(&task->arena, (size_t)batch, sizeof *labels);
    float *image = random_values(&task->arena, batch * side * side * 3);
    if (!labels || !image)
        return error_memory(error, "inputs");
    for (int64_t i = 0; i < batch; i++)
        labels[i] = (int32_t)(i % 2);
    task->inputs[task->input_count++] = (struct program_input){"image", SHAPE(batch, side, side, 3), image};
    if (train) {
        task->inputs[task->input_count++] = (struct program_input){"labels", SHAPE(batch), labels};
        task->inputs[task->input_count++] =
            (struct program_input){"optimizer", SHAPE(OPTIMIZER_SCALARS), task->scalars};
    }
    if ((status = store_create(&task->store, error)) ||
        (status = program_create(task->store, &options, &task->program, error)) ||
        (status = program_add(task->program, "task", train, train ? build_step : build_forward, task, error)) ||
        (status = program_prepare(task->program, "task", task->inputs, task->input_count, error)))
        return status;
    return store_initialise(task->store, 1, error);
}

static void task_close(struct task *task)
{
    program_free(task->program);
    store_free(task->store);
    arena_free(&task->arena);
}

/* Seconds. */
static assay_status task_run(struct task *task, run_watch *watch, void *context, double *seconds,
                             struct assay_error *error)
{
    struct run_options options = {.seed = 1, .step = task->step, .watch = watch, .watch_context = context};
    struct program_run run = {0};
    if (task->input_count > 1)
        optimizer_scalars(&task->optimizer, task->step, task->train.learning_rate, task->scalars);
    double start = clock_seconds();
    assay_status status = program_run(task->program, "task", task->inputs, task->input_count, &options, &run, error);
    *seconds = clock_seconds() - start;
    program_release(&run);
    task->step++;
    return status;
}

/* ---- Where the time goes -------------------------------------------------------------------------------------- */

struct line {
    char name[96];
    double seconds;
    int runs;
};

struct profile {
    struct array layers, parts, ops; /* of struct line */
    bool processor;
    double since; /* processor time at the end of the kernel before */
};

/* Seconds, of all threads. */
static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void add_line(struct array *lines, const char *name, size_t length, double seconds)
{
    struct line *line = NULL;
    for (size_t i = 0; i < lines->count && !line; i++) {
        struct line *l = (struct line *)lines->data + i;
        if (strncmp(l->name, name, length) == 0 && l->name[length] == '\0')
            line = l;
    }
    if (!line && (line = array_push(lines)))
        snprintf(line->name, sizeof line->name, "%.*s", (int)length, name);
    if (line) {
        line->seconds += seconds;
        line->runs++;
    }
}

static void watch(void *context, const char *name, double seconds)
{
    struct profile *profile = context;
    const char *layer = strstr(name, " in ");
    if (profile->processor) {
        double now = processor_seconds();
        seconds = now - profile->since;
        profile->since = now;
    }
    layer = layer ? layer + strlen(" in ") : "(no layer)";
    add_line(&profile->layers, name, strnlen(name, 95), seconds);
    add_line(&profile->parts, layer, strcspn(layer, "."), seconds);
    add_line(&profile->ops, name, strcspn(name, " "), seconds);
}

static int slower(const void *a, const void *b)
{
    double x = ((const struct line *)a)->seconds, y = ((const struct line *)b)->seconds;
    return (x < y) - (x > y);
}

static void print_lines(struct array *lines, size_t most)
{
    qsort(lines->data, lines->count, sizeof(struct line), slower);
    for (size_t i = 0; i < lines->count && i < most; i++) {
        const struct line *l = (struct line *)lines->data + i;
        printf("%10.3f ms %5d x %s\n", l->seconds * 1e3, l->runs, l->name);
    }
}

static assay_status profile_run(struct task *task, bool processor, struct assay_error *error)
{
    struct profile profile = {array_of(sizeof(struct line), 100000), array_of(sizeof(struct line), 10000),
                              array_of(sizeof(struct line), 1000), processor, processor_seconds()};
    double seconds;
    assay_status status = task_run(task, watch, &profile, &seconds, error);
    print_lines(&profile.ops, 100);
    puts("--");
    print_lines(&profile.parts, 100);
    puts("--");
    print_lines(&profile.layers, 400);
    puts("");
    array_free(&profile.layers);
    array_free(&profile.parts);
    array_free(&profile.ops);
    return status;
}

/* ---- The program ---------------------------------------------------------------------------------------------- */

static int fail(const struct assay_error *error)
{
    fprintf(stderr, "bench_networks: %s\n", error->message);
    return EXIT_FAILURE;
}

static int serve(const char *name, int64_t batch, bool bf16)
{
    struct task task = {0};
    struct assay_error error = {0};
    char line[64];
    double seconds;
    assay_status status = task_open(&task, name, batch, bf16, &error);
    if (!status)
        status = task_run(&task, NULL, NULL, &seconds, &error); /* packs weights, touches memory */
    if (!status)
        puts("ready");
    fflush(stdout);
    while (!status && fgets(line, sizeof line, stdin)) {
        bool processor = strcmp(line, "processor\n") == 0;
        if (processor || strcmp(line, "profile\n") == 0)
            status = profile_run(&task, processor, &error);
        else if (!(status = task_run(&task, NULL, NULL, &seconds, &error)))
            printf("%.4f\n", seconds * 1e3);
        fflush(stdout);
    }
    task_close(&task);
    return status ? fail(&error) : EXIT_SUCCESS;
}

static int table(void)
{
    static const struct {
        const char *task;
        int64_t batch;
    } rows[] = {{"resnet-50", 1},       {"resnet-50", 8},     {"clip-rn50", 1},        {"clip-rn50", 8},
                {"clip-vit-l-14", 1},   {"clip-vit-l-14", 8}, {"dinov2-vit-l-14", 1},  {"dinov2-vit-l-14", 8},
                {"train:residual", 32}, {"train:lol", 4},     {"train:sdid-mini", 32}, {"train:sdid", 4},
                {"detect:sdid", 1},     {"detect:sdid", 8}};
    enum { RUNS = 5 };
    puts("task,batch,type,best ms,pictures/s");
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        bool bf16 = i % 2 == 1;
        struct task task = {0};
        struct assay_error error = {0};
        double best = 0.0, seconds;
        assay_status status = task_open(&task, rows[i / 2].task, rows[i / 2].batch, bf16, &error);
        for (int run = 0; run <= RUNS && !status; run++) {
            status = task_run(&task, NULL, NULL, &seconds, &error);
            best = run > 0 && (best == 0.0 || seconds < best) ? seconds : best;
        }
        task_close(&task);
        if (status)
            return fail(&error);
        printf("%s,%lld,%s,%.2f,%.2f\n", rows[i / 2].task, (long long)rows[i / 2].batch, bf16 ? "bf16" : "f32",
               best * 1e3, (double)rows[i / 2].batch / best);
        fflush(stdout);
    }
    return EXIT_SUCCESS;
}

static int write_model(const char *name, const char *path)
{
    struct task task = {0};
    struct model model = {0};
    struct assay_error error = {0};
    assay_status status = open_detector(&task, name, &error);
    if (!status)
        status = model_create(task.detector, task.config, 1, &model, &error);
    if (!status)
        status = model_save(&model, path, &error);
    model_free(&model);
    task_close(&task);
    return status ? fail(&error) : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc == 1)
        return table();
    if (argc == 4 && strcmp(argv[1], "model") == 0)
        return write_model(argv[2], argv[3]);
    char *end = NULL;
    long batch = argc == 4 ? strtol(argv[2], &end, 10) : 0;
    bool bf16 = argc == 4 && strcmp(argv[3], "bf16") == 0;
    if (batch < 1 || *end || (!bf16 && strcmp(argv[3], "f32") != 0)) {
        fputs("usage: bench_networks [TASK BATCH f32|bf16 | model DETECTOR FILE]\n", stderr);
        return 2;
    }
    return serve(argv[1], batch, bf16);
}
