/* The whole way from pictures to a model file, in miniature. Every run is a process of its own, so that it can be
 * killed at any moment as a user's would be: killed or interrupted and resumed, it must end in the same file, byte for
 * byte. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "detector/model.h"
#include "train/checkpoint.h"
#include "support/folder.h"
#include "train/settings.h"

enum { SIDE = 40, EPOCHS = 4, STEPS_PER_EPOCH = 8, TEXT = 4096 };

static char folder[TEST_FOLDER];

/* "FOLDER/name", in one of a few buffers. */
static const char *at(const char *name)
{
    static char paths[8][TEST_FOLDER + 64];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* ---- a process of its own --------------------------------------------------------------------------------------- */

/* How a run differs from the usual. */
struct change {
    bool plateau, report; /* early stopping; a report on the last two epochs */
    bool resume, overwrite, no_validation, other_seed, other_data, one_class, full_disk, diverge, every_step;
    bool queues; /* detector sdid-mini, whose queues fill and wrap around */
    bool closed; /* the last layer alone, in closed form */
    int threads; /* 0: one */
    const char *out;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

/* Class 1 has a fine checked pattern on the same kind of smooth ground. */
static void write_picture(const char *path, int label, uint64_t number)
{
    struct random r = random_open(11, number, 0);
    struct image image = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    double base = random_range(&r, 60, 190), slope = random_range(&r, -1.5, 1.5);
    if (image_create(SIDE, SIDE, &image, NULL))
        _exit(90);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int c = 0; c < 3; c++) {
                double value = base + slope * (x + y) + random_range(&r, -2, 2) + (label ? (x ^ y) % 2 * 16 - 8 : 0);
                image.pixels[(y * SIDE + x) * 3 + c] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
            }
    if (image_encode_png(&image, &bytes, &size, NULL) || file_write(path, bytes, size, NULL))
        _exit(91);
    mem_free(bytes);
    image_free(&image);
}

static void make_pictures(void)
{
    static const char *const sets[] = {"train", "val"}, *const classes[] = {"real", "ai"};
    char path[TEST_FOLDER + 64];
    if (image_library_init(NULL))
        _exit(92);
    for (int set = 0; set < 2; set++) {
        mkdir(at(sets[set]), 0777);
        for (int label = 0; label < 2; label++) {
            snprintf(path, sizeof path, "%s/%s/%s", folder, sets[set], classes[label]);
            mkdir(path, 0777);
            for (int i = 0; i < 8; i++) {
                snprintf(path, sizeof path, "%s/%s/%s/source-%d", folder, sets[set], classes[label], i % 2);
                mkdir(path, 0777);
                snprintf(path, sizeof path, "%s/%s/%s/source-%d/%d.png", folder, sets[set], classes[label], i % 2, i);
                write_picture(path, label, (uint64_t)(set * 100 + label * 10 + i));
            }
        }
    }
}

/* Trains; what is told goes to `stream`. Exit status: the assay_status. */
static int train(const struct change *change, FILE *stream)
{
    struct assay_error error = {0};
    struct train_options options;
    struct train_conduct conduct = {.checkpoint_every = change->every_step ? 0 : 1000};
    struct augment augment;
    struct sampler_options sampler;
    struct loader_options loader;
    struct dataset pictures = {0}, validation = {0};
    struct train_result result = {0};
    _Alignas(16) char config[DETECTOR_MAX_CONFIG];
    const struct detector *detector = detector_find(change->queues ? "sdid-mini" : "residual");
    option_defaults(train_option_table, &options);
    option_defaults(augment_option_table, &augment);
    option_defaults(sampler_option_table, &sampler);
    option_defaults(loader_option_table, &loader);
    option_defaults(detector->fields, config);
    static const char *const small[][2] = {{"crop", "32"}, {"crops", "1"}, {"width", "4"}, {"dropout", "0.1"}};
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
        if (option_set(detector->fields, config, small[i][0], small[i][1], NULL, &error))
            goto failed;
    static const char *const queues[][2] = {{"dim", "8"}, {"queue", "30"}, {"neighbours", "40"}};
    for (size_t i = 0; i < sizeof queues / sizeof queues[0] && change->queues; i++)
        if (option_set(detector->fields, config, queues[i][0], queues[i][1], NULL, &error))
            goto failed;
    options.epochs = EPOCHS;
    options.steps_per_epoch = STEPS_PER_EPOCH;
    options.batch = 8;
    options.optimizer = change->diverge ? OPTIMIZER_SGD : OPTIMIZER_ADAMW;
    options.learning_rate = change->diverge ? 1e30 : 0.01;
    options.clip_norm = change->diverge ? 0 : 10;
    options.average_decay = 0.9;
    options.seed = change->other_seed ? 2 : 1;
    if (change->closed) {
        options.optimizer = OPTIMIZER_LEAST_SQUARES;
        options.average_decay = 0;
    }
    if (change->plateau) { /* nothing is ever better by 2, so the rate falls at each second epoch after the first */
        options.schedule = SCHEDULE_STEP;
        options.step_epochs = 3;
        options.plateau = (struct plateau){.patience = 1, .delta = 2, .later_delta = 2, .divisor = 10, .floor = 0.0009};
        options.epochs = 50;
    }
    options.report_last = 2;
    augment.jpeg = 0.2;
    augment.noise = 0.2;
    loader.threads = 2;
    if (change->full_disk) {
        signal(SIGXFSZ, SIG_IGN); /* files stay this small: what a full disk does, without filling one */
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){4096, 4096});
    }
#ifdef _OPENMP
    omp_set_num_threads(change->threads ? change->threads : 1);
#endif
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    assay_status status = image_library_init(&error);
    if (!status)
        status = change->one_class
                     ? dataset_from_folders(at("train/real"), NULL, &pictures, &error)
                     : dataset_from_folder(at(change->other_data ? "val" : "train"), NULL, &pictures, &error);
    if (!status)
        status = dataset_from_folder(at("val"), NULL, &validation, &error);
    const struct train_job job = {
        .detector = detector,
        .config = config,
        .train = &pictures,
        .validation = change->no_validation ? NULL : &validation,
        .report = change->report ? &validation : NULL,
        .options = &options,
        .conduct = &conduct,
        .augment = &augment,
        .sampler = &sampler,
        .loader = &loader,
        .out = change->out ? change->out : at("model.safetensors"),
        .resume = change->resume,
        .overwrite = change->overwrite,
        .stream = stream,
        .cancel = &interrupted,
    };
    if (!status)
        status = train_run(&job, &result, &error);
    dataset_free(&pictures);
    dataset_free(&validation);
    if (!status)
        return 0;
failed:
    fprintf(stream, "error: %s\n", error.message);
    fflush(stream);
    return (int)error.status;
}

struct run {
    pid_t pid;
    FILE *from;
    char told[TEXT]; /* everything that it wrote */
    size_t length;
};

/* change NULL: makes the pictures. */
static struct run start(const struct change *change)
{
    struct run run = {0};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    run.pid = fork();
    assert_true(run.pid >= 0);
    if (run.pid == 0) {
        close(ends[0]);
        FILE *stream = fdopen(ends[1], "w");
        if (change)
            exit(train(change, stream));
        make_pictures();
        exit(0);
    }
    close(ends[1]);
    run.from = fdopen(ends[0], "r");
    return run;
}

/* Reads lines until one begins with `text`; false: the run ended before. */
static bool wait_for(struct run *run, const char *text)
{
    char line[1024];
    while (fgets(line, sizeof line, run->from)) {
        size_t length = strlen(line);
        if (run->length + length < TEXT) {
            memcpy(run->told + run->length, line, length + 1);
            run->length += length;
        }
        if (text && strncmp(line, text, strlen(text)) == 0)
            return true;
    }
    return false;
}

/* Its exit status, or 128 + the signal that ended it. */
static int finish(struct run *run)
{
    int status = 0;
    wait_for(run, NULL);
    fclose(run->from);
    while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void expect(const struct change *change, int status, const char *told)
{
    struct run run = start(change);
    int got = finish(&run);
    if (got != status || (told && !strstr(run.told, told)))
        fail_msg("status %d, expected %d with \"%s\"; told:\n%s", got, status, told ? told : "", run.told);
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

struct bytes {
    uint8_t *data;
    size_t size;
};

static struct bytes read_all(const char *path)
{
    struct bytes bytes = {0};
    struct assay_error error = {0};
    if (file_read(path, 1 << 26, &bytes.data, &bytes.size, &error))
        fail_msg("%s", error.message);
    return bytes;
}

static void assert_same(const struct bytes *a, const char *path)
{
    struct bytes b = read_all(path);
    assert_int_equal(a->size, b.size);
    assert_memory_equal(a->data, b.data, a->size);
    mem_free(b.data);
}

/* Steps done by the state in the checkpoint. */
static long checkpoint_step(void)
{
    struct checkpoint checkpoint;
    struct assay_error error = {0};
    if (checkpoint_open(at("model.safetensors.checkpoint"), &checkpoint, &error))
        fail_msg("%s", error.message);
    long step = (long)json_integer_value(json_object_get(checkpoint.state, "step"));
    checkpoint_close(&checkpoint);
    return step;
}

static void clean(void)
{
    unlink(at("model.safetensors"));
    unlink(at("model.safetensors.checkpoint"));
}

/* The model that every run with the usual settings must end in, from one that nothing disturbed. */
static struct bytes undisturbed;

/* ---- tests ------------------------------------------------------------------------------------------------------ */

static void test_learns(void **state)
{
    (void)state;
    struct model model;
    struct assay_error error = {0};
    clean();
    expect(&(struct change){0}, 0, "epoch 4/4");
    assert_false(file_exists(at("model.safetensors.checkpoint")));
    undisturbed = read_all(at("model.safetensors"));
    if (model_load_memory(undisturbed.data, undisturbed.size, "model", &model, &error))
        fail_msg("%s", error.message);
    const json_t *history = json_object_get(model.training, "history"), *best = json_object_get(model.training, "best");
    assert_int_equal(json_array_size(history), EPOCHS);
    double first = json_real_value(json_object_get(json_array_get(history, 0), "loss"));
    double last = json_real_value(json_object_get(json_array_get(history, EPOCHS - 1), "loss"));
    if (!(last < 0.7 * first))
        fail_msg("the loss went from %g to %g", first, last);
    assert_true(json_real_value(json_object_get(json_object_get(best, "validation"), "average_precision")) > 0.9);
    assert_true(model.calibration.present);
    const json_t *environment = json_object_get(model.training, "environment");
    assert_non_null(json_object_get(environment, "onednn"));
    assert_true(json_integer_value(json_object_get(environment, "threads")) > 0);
    assert_int_equal(strlen(json_string_value(
                         json_object_get(json_object_get(json_object_get(model.training, "data"), "train"), "digest"))),
                     64);
    assert_non_null(strstr(json_string_value(json_object_get(model.training, "note")), "also chose the best epoch"));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(model.training, "options"), "seed")), 1);
    model_free(&model);
}

/* SIGKILL three times, in the middle of epochs, with a checkpoint after every step. */
static void test_killed(void **state)
{
    (void)state;
    struct change change = {.every_step = true};
    long before = 0;
    clean();
    for (int i = 1; i <= 3; i++) {
        char line[32];
        snprintf(line, sizeof line, "epoch %d/", i);
        struct run run = start(&change);
        assert_true(wait_for(&run, line));
        while (checkpoint_step() < i * STEPS_PER_EPOCH + 2) /* epoch i is told of before its checkpoint is written */
            nanosleep(&(struct timespec){0, 200000}, NULL);
        kill(run.pid, SIGKILL);
        assert_int_equal(finish(&run), 128 + SIGKILL);
        long step = checkpoint_step();
        assert_in_range(step, before + 1, EPOCHS * STEPS_PER_EPOCH - 1);
        before = step;
        change.resume = true;
    }
    expect(&change, 0, "epoch 4/4");
    assert_same(&undisturbed, at("model.safetensors"));
}

static void test_interrupted(void **state)
{
    (void)state;
    struct change change = {0};
    clean();
    struct run run = start(&change);
    assert_true(wait_for(&run, "epoch 2/"));
    kill(run.pid, SIGINT);
    assert_int_equal(finish(&run), ASSAY_ERROR_CANCELLED);
    assert_non_null(strstr(run.told, "--resume"));
    assert_in_range(checkpoint_step(), 2 * STEPS_PER_EPOCH, EPOCHS * STEPS_PER_EPOCH - 1);

    /* What does not fit the checkpoint is refused, and leaves it alone. */
    struct bytes checkpoint = read_all(at("model.safetensors.checkpoint"));
    expect(&change, ASSAY_ERROR_ARGUMENT, "model.safetensors.checkpoint exists");
    change.resume = change.other_seed = true;
    expect(&change, ASSAY_ERROR_ARGUMENT, "option seed was 1 when the run began and is 2 now");
    change.other_seed = false, change.other_data = true;
    expect(&change, ASSAY_ERROR_ARGUMENT, "the train pictures are not those");
    change.other_data = false;

    /* No space for anything: the model cannot be written, and the checkpoint stays as it was. */
    change.full_disk = true;
    expect(&change, ASSAY_ERROR_IO, "model.safetensors: cannot write");
    assert_same(&checkpoint, at("model.safetensors.checkpoint"));
    assert_false(file_exists(at("model.safetensors")));
    change.full_disk = false;

    expect(&change, 0, "epoch 4/4");
    assert_same(&undisturbed, at("model.safetensors"));
    expect(&change, ASSAY_ERROR_ARGUMENT, "that training is complete");
    change.resume = false;
    expect(&change, ASSAY_ERROR_ARGUMENT, "choose another name");
    mem_free(checkpoint.data);
}

/* The last layer in closed form: it learns, and its sums are part of what a checkpoint holds. */
static void test_closed(void **state)
{
    (void)state;
    struct change change = {.closed = true, .out = at("fitted.safetensors")};
    expect(&change, 0, "epoch 4/4: loss 0.0");
    struct bytes whole = read_all(change.out);
    change.out = at("fitted-cut.safetensors");
    change.every_step = true;
    struct run run = start(&change);
    assert_true(wait_for(&run, "epoch 2/"));
    kill(run.pid, SIGINT);
    assert_int_equal(finish(&run), ASSAY_ERROR_CANCELLED);
    change.resume = true;
    expect(&change, 0, "epoch 4/4");
    assert_same(&whole, change.out);
    expect(&(struct change){.closed = true, .queues = true, .out = at("none.safetensors")}, ASSAY_ERROR_ARGUMENT,
           "least-squares fits one last linear layer, which detector sdid-mini does not end in");
    mem_free(whole.data);
}

/* Queues are part of what a checkpoint holds: interrupted at any step, the same file. */
static void test_queues(void **state)
{
    (void)state;
    struct change change = {.queues = true, .out = at("whole.safetensors")};
    expect(&change, 0, "epoch 4/4");
    struct bytes whole = read_all(change.out);
    change.out = at("cut.safetensors");
    change.every_step = true;
    struct run run = start(&change);
    assert_true(wait_for(&run, "epoch 2/"));
    kill(run.pid, SIGINT);
    assert_int_equal(finish(&run), ASSAY_ERROR_CANCELLED);

    struct assay_error error = {0};
    struct safetensors file;
    char path[TEST_FOLDER + 64];
    snprintf(path, sizeof path, "%s.checkpoint", change.out);
    assert_int_equal(safetensors_open(path, &file, &error), ASSAY_OK);
    const struct file_tensor *filled = string_map_get(&file.tensors, "queue.ring.real.filled");
    const struct file_tensor *slots = string_map_get(&file.tensors, "queue.partner.generated");
    assert_true(filled && slots && slots->dim[0] == 30 && slots->dim[1] == 8);
    assert_true(*(const float *)filled->data == 30);
    assert_true(((const float *)slots->data)[29 * 8] != 0);
    safetensors_close(&file);

    change.resume = true;
    expect(&change, 0, "epoch 4/4");
    assert_same(&whole, change.out);
    assert_int_equal(safetensors_open(change.out, &file, &error), ASSAY_OK);
    assert_null(string_map_get(&file.tensors, "queue.partner.generated"));
    safetensors_close(&file);
    mem_free(whole.data);
}

/* Two threads: a resume with one warns, and with two it is the same as no interruption. */
static void test_threads(void **state)
{
    (void)state;
    struct change change = {.threads = 2};
    clean();
    expect(&change, 0, "epoch 4/4");
    struct bytes bytes = read_all(at("model.safetensors"));
    clean();
    struct run run = start(&change);
    assert_true(wait_for(&run, "epoch 3/"));
    kill(run.pid, SIGINT);
    assert_int_equal(finish(&run), ASSAY_ERROR_CANCELLED);
    struct bytes checkpoint = read_all(at("model.safetensors.checkpoint"));
    change.resume = true;
    expect(&change, 0, "epoch 4/4");
    assert_same(&bytes, at("model.safetensors"));
#ifdef _OPENMP
    clean();
    assert_int_equal(file_write(at("model.safetensors.checkpoint"), checkpoint.data, checkpoint.size, NULL), ASSAY_OK);
    change.threads = 1;
    expect(&change, 0, "threads was 2 when the run began and is 1 now");
#endif
    mem_free(checkpoint.data);
    mem_free(bytes.data);
}

static const json_t *history_of(const struct model *model, int epoch, const char *name)
{
    return json_object_get(json_array_get(json_object_get(model->training, "history"), (size_t)epoch), name);
}

/* Early stopping: rates as they must be; interrupted after its drop and resumed, the same file. */
static void test_plateau(void **state)
{
    (void)state;
    struct model model;
    struct change change = {.plateau = true};
    clean();
    expect(&change, 0, "training ends here");
    struct bytes bytes = read_all(at("model.safetensors"));
    assert_int_equal(model_load(at("model.safetensors"), &model, NULL), ASSAY_OK);
    assert_int_equal(json_array_size(json_object_get(model.training, "history")), 4);
    const double rates[] = {0.01, 0.01, 0.001, 0.0001}; /* the last: a tenth by the plateau, a tenth by the schedule */
    for (int i = 0; i < 4; i++)
        assert_true(fabs(json_real_value(history_of(&model, i, "learning_rate")) - rates[i]) < 1e-12);
    model_free(&model);

    clean();
    struct run run = start(&change);
    assert_true(wait_for(&run, "epoch 3/"));
    kill(run.pid, SIGINT);
    assert_int_equal(finish(&run), ASSAY_ERROR_CANCELLED);
    change.resume = true;
    expect(&change, 0, "training ends here");
    assert_same(&bytes, at("model.safetensors"));
    mem_free(bytes.data);

    clean();
    expect(&(struct change){.plateau = true, .no_validation = true}, ASSAY_ERROR_ARGUMENT, "drop-patience: needs");
    expect(&(struct change){.plateau = true, .report = true}, ASSAY_ERROR_ARGUMENT, "which epochs are the last");
}

/* The last two epochs, their mean and deviation; also without validation. */
static void test_report(void **state)
{
    (void)state;
    struct model model;
    clean();
    expect(&(struct change){.report = true, .no_validation = true}, 0,
           "report, mean and deviation of the last 2 epochs: Acc");
    struct bytes bytes = read_all(at("model.safetensors"));
    assert_int_equal(model_load(at("model.safetensors"), &model, NULL), ASSAY_OK);
    double values[2], mean, deviation;
    static const char *const names[] = {"accuracy", "average_precision", "auroc", "generated_accuracy"};
    const json_t *report = json_object_get(model.training, "report");
    assert_int_equal(json_integer_value(json_object_get(report, "epochs")), 2);
    for (int i = 0; i < EPOCHS; i++)
        assert_true((history_of(&model, i, "report") != NULL) == (i >= EPOCHS - 2));
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        for (int i = 0; i < 2; i++)
            values[i] = json_real_value(json_object_get(history_of(&model, EPOCHS - 2 + i, "report"), names[n]));
        mean = json_real_value(json_object_get(json_object_get(report, "mean"), names[n]));
        deviation = json_real_value(json_object_get(json_object_get(report, "deviation"), names[n]));
        assert_true(fabs(mean - (values[0] + values[1]) / 2) < 1e-12);
        assert_true(fabs(deviation - fabs(values[0] - values[1]) / sqrt(2)) < 1e-12);
    }
    assert_int_equal(json_integer_value(json_object_get(history_of(&model, EPOCHS - 1, "report"), "pictures")), 16);
    assert_non_null(json_object_get(json_object_get(model.training, "data"), "report"));
    model_free(&model);

    clean();
    struct change change = {.report = true, .no_validation = true};
    struct run run = start(&change);
    assert_true(wait_for(&run, "report, epoch 3"));
    kill(run.pid, SIGINT);
    assert_int_equal(finish(&run), ASSAY_ERROR_CANCELLED);
    change.resume = true;
    change.report = false;
    expect(&change, ASSAY_ERROR_ARGUMENT, "the report pictures are not those");
    change.report = true;
    expect(&change, 0, "report, mean");
    assert_same(&bytes, at("model.safetensors"));
    mem_free(bytes.data);
}

static void test_without_validation(void **state)
{
    (void)state;
    struct model model;
    clean();
    expect(&(struct change){.no_validation = true}, 0, "epoch 4/4");
    assert_int_equal(model_load(at("model.safetensors"), &model, NULL), ASSAY_OK);
    assert_false(model.calibration.present);
    model_free(&model);
}

static void test_refused(void **state)
{
    (void)state;
    clean();
    expect(&(struct change){.one_class = true}, ASSAY_ERROR_ARGUMENT, "no ai-generated pictures to train on");
    expect(&(struct change){.resume = true}, ASSAY_ERROR_ARGUMENT, "nothing to resume");
    expect(&(struct change){.out = "/nowhere/model.safetensors"}, ASSAY_ERROR_IO, "/nowhere/model.safetensors");
    expect(&(struct change){.out = "/proc/model.safetensors"}, ASSAY_ERROR_IO, "/proc/model.safetensors");
    expect(&(struct change){.out = at("train"), .overwrite = true}, ASSAY_ERROR_ARGUMENT, "is a directory");
    assert_int_equal(safetensors_write(at("model.safetensors.checkpoint"), NULL, 0, NULL, NULL), ASSAY_OK);
    expect(&(struct change){.resume = true}, ASSAY_ERROR_FORMAT, "not a checkpoint of a training run");
    clean();
    expect(&(struct change){.diverge = true}, ASSAY_ERROR_ARGUMENT, "lower learning-rate");
    assert_false(file_exists(at("model.safetensors")));
    clean();
}

static int make_folder(void **state)
{
    (void)state;
    test_folder_make(folder);
    struct run run = start(NULL);
    return finish(&run);
}

static int remove_folder(void **state)
{
    (void)state;
    mem_free(undisturbed.data);
    test_folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learns),  cmocka_unit_test(test_killed), cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_closed),  cmocka_unit_test(test_queues), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_plateau), cmocka_unit_test(test_report), cmocka_unit_test(test_without_validation),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
