/* `assay train` as a person uses it: folders found, options refused, interrupted by Ctrl-C and resumed, and its model
 * judging pictures. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <jansson.h>

#include "../cli/scratch.h"

/* What every run shares, so that it takes seconds. */
#define SMALL                                                                                                          \
    "--crop", "32", "--crops", "1", "--width", "4", "--batch", "4", "--steps-per-epoch", "6", "--epochs", "3",         \
        "--threads", "1", "--loader-threads", "2", "--augment-jpeg", "0.3"

static void make_class(const char *root, const char *name, unsigned seed)
{
    char path[256];
    mkdir(root, 0777);
    snprintf(path, sizeof path, "%s/%s", root, name);
    mkdir(path, 0777);
    for (unsigned i = 0; i < 6; i++) {
        snprintf(path, sizeof path, "%s/%s/%u.jpg", root, name, i);
        scratch_picture(path, 40 + (int)(seed % 7), 36, seed * 100 + i);
    }
}

static int setup(void **state)
{
    (void)state;
    scratch_begin();
    mkdir("data", 0777);
    make_class("data/train", "real", 1);
    make_class("data/train", "ai", 2);
    make_class("data/val", "real", 3);
    make_class("data/val", "ai", 4);
    make_class("plain", "0_real", 5);
    make_class("plain", "1_fake", 6);
    make_class("half", "real", 7);
    return 0;
}

static void expect(const struct outcome *o, int status, const char *message)
{
    if (o->status != status || !strstr(o->err, message))
        fail_msg("status %d, expected %d and \"%s\":\n%s%s", o->status, status, message, o->out, o->err);
}

static void test_trains(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "train", "--data", "data", "--out", "model.safetensors", SMALL);
    expect(&o, 0, "validation: 6 real and 6 generated pictures of 2 sources");
    assert_non_null(strstr(o.out, "model.safetensors: 18 steps"));
    assert_int_equal(access("model.safetensors.checkpoint", F_OK), -1);
    outcome_free(&o);

    RUN(&o, "detect", "--json", "--model", "model.safetensors", "data/val/ai/0.jpg");
    assert_int_equal(o.status, 0);
    json_t *line = json_loads(o.out, 0, NULL);
    const char *verdict = json_string_value(json_object_get(line, "verdict"));
    assert_non_null(verdict);
    assert_string_not_equal(verdict, "uncalibrated");
    json_decref(line);
    outcome_free(&o);

    RUN(&o, "model", "info", "--json", "model.safetensors");
    json_t *info = json_loads(o.out, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(info, "training"), "steps")), 18);
    json_decref(info);
    outcome_free(&o);

    RUN(&o, "train", "--data", "data", "--out", "model.safetensors", SMALL);
    expect(&o, 1, "model.safetensors exists");
    outcome_free(&o);
}

/* A folder that two benchmarks would read, and a list. */
static void test_layouts(void **state)
{
    (void)state;
    struct outcome o;
    mkdir("bench", 0777);
    make_class("bench/ADM", "0_real", 8);
    make_class("bench/ADM", "1_fake", 9);
    RUN(&o, "train", "--data", "bench", "--out", "layout.safetensors", SMALL);
    expect(&o, 1, "say which with --layout NAME");
    outcome_free(&o);
    RUN(&o, "train", "--data", "bench", "--layout", "genimag", "--out", "layout.safetensors", SMALL);
    expect(&o, 1, "there is no layout 'genimag'; did you mean \"genimage\"");
    outcome_free(&o);
    RUN(&o, "train", "--real", "bench/ADM/0_real", "--ai", "bench/ADM/1_fake", "--layout", "genimage", "--out",
        "layout.safetensors", SMALL);
    expect(&o, 2, "option layout: is for --data");
    outcome_free(&o);
    FILE *list = fopen("bench/list.csv", "w");
    assert_non_null(list);
    fputs("path,label\nADM/0_real/0.jpg,0\nADM/0_real/1.jpg,real\nADM/1_fake/0.jpg,1\nADM/1_fake/0.jpg,1\n", list);
    fclose(list);
    RUN(&o, "train", "--data", "bench", "--layout", "genimage", "--val", "bench/list.csv", "--val-layout", "auto",
        "--out", "layout.safetensors", SMALL);
    expect(&o, 0, "validation: 2 real and 1 generated pictures of 2 sources");
    assert_non_null(strstr(o.err, "1 pictures left out, the first: bench/list.csv, line 5: is listed before"));
    outcome_free(&o);
    list = fopen("bench/fakes.csv", "w");
    assert_non_null(list);
    fputs("path,label\nADM/1_fake/0.jpg,1\n", list);
    fclose(list);
    RUN(&o, "train", "--data", "bench/fakes.csv", "--hold-out", "0", "--out", "fakes.safetensors", SMALL);
    expect(&o, 1, "real");
    outcome_free(&o);
}

/* Ctrl-C in the second epoch; then the same command with --resume, without the options that are recorded. */
/* A detector whose training sees smaller windows than it judges, and that has defaults of its own: they are recorded,
 * and a flag goes before them. */
static void test_defaults_of_detector(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "train", "--detector", "npr", "--size", "64", "--train-crop", "32", "--data", "data", "--out",
        "npr.safetensors", "--steps-per-epoch", "2", "--epochs", "1", "--threads", "1", "--batch", "4");
    expect(&o, 0, "");
    assert_non_null(strstr(o.out, "npr.safetensors: 2 steps"));
    outcome_free(&o);
    RUN(&o, "model", "info", "--json", "npr.safetensors");
    assert_int_equal(o.status, 0);
    json_t *info = json_loads(o.out, 0, NULL);
    json_t *options = json_object_get(json_object_get(info, "training"), "options");
    assert_true(json_number_value(json_object_get(options, "learning-rate")) == 2e-4);
    assert_string_equal(json_string_value(json_object_get(options, "optimizer")), "adam");
    assert_int_equal(json_integer_value(json_object_get(options, "batch")), 4);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(info, "preprocess"), "crop")), 64);
    json_decref(info);
    outcome_free(&o);
    RUN(&o, "detect", "--model", "npr.safetensors", "data/val/ai/0.jpg");
    assert_int_equal(o.status, 0);
    outcome_free(&o);
}

static void test_interrupted(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "train", "--data", "plain", "--hold-out", "0.34", "--out", "whole.safetensors", "--ema-decay", "0.9",
        SMALL);
    expect(&o, 0, "epoch 3/3");
    outcome_free(&o);

    int ends[2], status = 0;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl(scratch_program, "assay", "train", "--data", "plain", "--hold-out", "0.34", "--out", "cut.safetensors",
              "--ema-decay", "0.9", SMALL, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *told = fdopen(ends[0], "r");
    char line[1024];
    bool sent = false, explained = false;
    while (fgets(line, sizeof line, told)) {
        if (!sent && strncmp(line, "epoch 1/", 8) == 0)
            sent = kill(child, SIGINT) == 0;
        explained |= strstr(line, "--resume") != NULL;
    }
    fclose(told);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    assert_true(sent && explained);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_int_equal(access("cut.safetensors.checkpoint", F_OK), 0);
    assert_int_equal(access("cut.safetensors", F_OK), -1);

    RUN(&o, "train", "--data", "plain", "--out", "cut.safetensors", "--resume", "--learning-rate", "0.5");
    expect(&o, 1, "option learning-rate was 0.001 when the run began and is 0.5 now");
    outcome_free(&o);
    RUN(&o, "train", "--data", "plain", "--out", "cut.safetensors", "--resume", "--threads", "1");
    expect(&o, 0, "epoch 3/3");
    outcome_free(&o);
    size_t size[2];
    uint8_t *bytes[2] = {scratch_read("whole.safetensors", &size[0]), scratch_read("cut.safetensors", &size[1])};
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(bytes[0], bytes[1], size[0]);
    free(bytes[0]);
    free(bytes[1]);
}

static void test_held_out(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "train", "--data", "plain", "--out", "held.safetensors", "--hold-out", "0.34", SMALL);
    expect(&o, 0, "validation (held out, of the same sources): 2 real and 2 generated pictures");
    outcome_free(&o);
    RUN(&o, "train", "--real", "plain/0_real", "--ai", "plain/1_fake", "--out", "all.safetensors", "--hold-out", "0",
        "--no-progress", SMALL);
    expect(&o, 0, "");
    assert_string_equal(o.err, "");
    assert_non_null(strstr(o.out, "not calibrated"));
    outcome_free(&o);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *message;
        const char *args[10];
    } cases[] = {
        {2, "--out", {"train", "--data", "data"}},
        {2, "name the pictures", {"train", "--out", "x.safetensors"}},
        {2, "name the pictures", {"train", "--out", "x.safetensors", "--real", "data/train/real"}},
        {2, "give either --data", {"train", "--out", "x.safetensors", "--data", "data", "--ai", "data"}},
        {2, "there is no \"nothing\"", {"train", "--data", "data", "--out", "x.safetensors", "--detector", "nothing"}},
        {2, "learning-rate", {"train", "--data", "data", "--out", "x.safetensors", "--learning-rat", "1"}},
        {2, "one of sgd|adam|adamw", {"train", "--data", "data", "--out", "x.safetensors", "--optimizer", "adamm"}},
        {2, "batch: 3 is odd", {"train", "--data", "data", "--out", "x.safetensors", "--batch", "3"}},
        {2, "nothing to resume", {"train", "--data", "data", "--out", "x.safetensors", "--resume"}},
        {2, "name the model file", {"train", "--data", "data", "--resume"}},
        {1, "augment-jpeg-min", {"train", "--data", "data", "--out", "x.safetensors", "--augment-jpeg-min", "99"}},
        {1, "missing", {"train", "--data", "missing", "--out", "x.safetensors"}},
        {1, "half", {"train", "--data", "half", "--out", "x.safetensors"}},
        {1, "nowhere/x.safetensors", {"train", "--data", "data", "--out", "nowhere/x.safetensors"}},
        {1,
         "are the training pictures",
         {"train", "--data", "data/train", "--val", "data/train", "--out", "x.safetensors"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct outcome o;
        run(&(struct launch){.args = cases[i].args}, &o);
        expect(&o, cases[i].status, cases[i].message);
        assert_string_equal(o.out, "");
        assert_int_equal(access("x.safetensors", F_OK), -1);
        outcome_free(&o);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 1;
    scratch_program = scratch_find_program(argv[1]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_trains),
                                       cmocka_unit_test(test_layouts),
                                       cmocka_unit_test(test_defaults_of_detector),
                                       cmocka_unit_test(test_interrupted),
                                       cmocka_unit_test(test_held_out),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, setup, scratch_end_group);
}
