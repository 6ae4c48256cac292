/* test_eval.c - `assay eval` as others see it: what it writes and prints, that it can be killed at any point and goes
 * on to the same bytes, what it refuses, and that nothing that cannot be read is passed over silently. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scratch.h"

static void make_folder(const char *folder, int from, int count, int size)
{
    char path[256];
    mkdir(folder, 0777);
    for (int i = from; i < from + count; i++) {
        snprintf(path, sizeof path, "%s/%02d.png", folder, i);
        scratch_picture(path, size + i % 3, size, (unsigned)i);
    }
}

static int setup(void **state)
{
    (void)state;
    scratch_begin();
    unsetenv("ASSAY_MODEL");
    mkdir("first", 0777);
    mkdir("first/real", 0777);
    mkdir("first/ai", 0777);
    make_folder("first/real/camera", 0, 14, 33);
    make_folder("first/ai/gen-a", 20, 9, 34);
    make_folder("first/ai/gen_b", 40, 8, 40);
    mkdir("second", 0777);
    make_folder("second/real", 0, 6, 36);
    make_folder("second/ai", 50, 7, 36);
    mkdir("half", 0777);
    make_folder("half/real", 0, 3, 32);
    scratch_model("one.safetensors", true);
    scratch_model("two.safetensors", false);
    return 0;
}

static void expect(struct outcome *o, int status, const char *message)
{
    if (o->status != status || !strstr(o->err, message))
        fail_msg("status %d, expected %d and \"%s\":\n%s%s", o->status, status, message, o->out, o->err);
}

#define BOTH                                                                                                           \
    "eval", "--model", "one.safetensors", "--model", "other=two.safetensors", "--data", "first", "--data",             \
        "2nd=second", "--perturb", "blur:1", "--robustness", "noise", "--intervals", "20", "--maps", "1", "--out",     \
        "run"
enum { PICTURES = 14 + 9 + 8 + 6 + 7 };

static const char *const whole_run[] = {BOTH, NULL}, *const resumed_run[] = {BOTH, "--resume", NULL};

/* Everything that a run writes but the log. */
static const char *const files[] = {"run.json",
                                    "predictions.jsonl",
                                    "results.csv",
                                    "table-first.csv",
                                    "table-first.tex",
                                    "table-2nd.csv",
                                    "table-2nd.tex",
                                    "perturbations-first.csv",
                                    "perturbations-first.tex",
                                    "perturbations-2nd.csv",
                                    "perturbations-2nd.tex",
                                    "robustness.csv",
                                    "mcnemar.csv",
                                    "unreadable.csv",
                                    "embeddings-1.safetensors",
                                    "embeddings-4.safetensors",
                                    "report.html"};
enum { FILES = sizeof files / sizeof files[0] };

static char *text_of(const char *folder, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return (char *)scratch_read(path, NULL);
}

/* All files but those whose names `but` has. */
static void same_folders_but(const char *a, const char *b, const char *but)
{
    for (int i = 0; i < FILES; i++) {
        if (strstr(but, files[i]))
            continue;
        char path[2][256];
        size_t size[2];
        snprintf(path[0], sizeof path[0], "%s/%s", a, files[i]);
        snprintf(path[1], sizeof path[1], "%s/%s", b, files[i]);
        uint8_t *x = scratch_read(path[0], &size[0]), *y = scratch_read(path[1], &size[1]);
        if (size[0] != size[1] || memcmp(x, y, size[0]) != 0)
            fail_msg("%s differs", files[i]);
        free(x);
        free(y);
    }
}

static void same_folders(const char *a, const char *b)
{
    same_folders_but(a, b, "");
}

static void test_run(void **state)
{
    (void)state;
    struct outcome o;
    run(&(struct launch){.args = whole_run}, &o);
    expect(&o, 0, "first: 14 real and 17 generated pictures, layout folders, protocol assay");
    assert_non_null(strstr(o.out, "first, untouched, protocol assay: "));
    assert_non_null(strstr(o.out, "2nd by perturbation, protocol assay"));
    assert_non_null(strstr(o.out, "gen-a  gen_b"));
    assert_non_null(strstr(o.out, "McNemar's exact p"));
    outcome_free(&o);

    char *text = text_of("run", "predictions.jsonl");
    json_t *record = json_load_file("run/run.json", 0, NULL);
    const json_t *settings = json_object_get(record, "settings");
    size_t chains = json_array_size(json_object_get(settings, "perturbations"));
    assert_true(chains > 4);
    assert_int_equal(count_of(text, "\n"), PICTURES * chains * 2);
    assert_int_equal(count_of(text, "\"perturbation\":\"\""), PICTURES * 2);
    const json_t *model = json_array_get(json_object_get(settings, "models"), 1);
    assert_string_equal(json_string_value(json_object_get(model, "name")), "other");
    assert_int_equal(json_string_length(json_object_get(model, "sha256")), 64);
    json_decref(record);
    free(text);

    text = text_of("run", "results.csv");
    assert_non_null(strstr(text, "\none,first,,assay,generated,gen-a,"));
    assert_non_null(strstr(text, "\nother,2nd,blur:1,assay,mean,"));
    free(text);
    text = text_of("run", "table-first.tex");
    assert_non_null(strstr(text, "gen\\_b"));
    free(text);
    text = text_of("run", "unreadable.csv");
    assert_string_equal(text, "set,picture,model,perturbation,problem\n");
    free(text);
    text = text_of("run", "robustness.csv");
    assert_non_null(strstr(text, "noise:"));
    free(text);
    text = text_of("run", "report.html");
    assert_true(count_of(text, "data:image/png;base64,") > 2 * 2); /* maps, at most one of each kind, model and set */
    assert_non_null(strstr(text, "first: not checked"));
    free(text);
    text = text_of("run", "mcnemar.csv");
    assert_int_equal(count_of(text, "\n"), 1 + 2 * chains);
    free(text);
    assert_int_equal(rename("run", "whole"), 0);
}

/* Starts a run, and kills it once its predictions have grown to `bytes` (or it has ended). */
static void run_and_kill(const char *const *args, long bytes)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const char *argv[64] = {scratch_program};
        for (int i = 0; args[i]; i++)
            argv[i + 1] = args[i];
        int null = open("/dev/null", O_RDWR);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    int status;
    for (;;) {
        struct stat info;
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child)
            return;
        if (bytes == 0 ? stat("run", &info) == 0 : stat("run/predictions.jsonl", &info) == 0 && info.st_size >= bytes)
            break;
        nanosleep(&(struct timespec){0, 100000}, NULL);
    }
    kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    assert_true(WIFSIGNALED(status) || WIFEXITED(status));
}

static void remove_run(const char *folder)
{
    char path[256];
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    static const char *const others[] = {"run.log", "embeddings-2.safetensors", "embeddings-3.safetensors"};
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, others[i]);
        unlink(path);
    }
}

/* What a process that was killed while it wrote a file leaves beside it. */
static void remove_parts(const char *folder)
{
    DIR *listing = opendir(folder);
    assert_non_null(listing);
    for (const struct dirent *entry; (entry = readdir(listing));) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (strstr(entry->d_name, ".part."))
            unlink(path);
    }
    closedir(listing);
}

/* Killed again and again, each time a little later, until it is done. */
static void test_killed(void **state)
{
    (void)state;
    struct stat info;
    struct outcome o;
    assert_int_equal(stat("whole/predictions.jsonl", &info), 0);
    run_and_kill(whole_run, 0);
    for (int step = 1; step <= 8; step++)
        run_and_kill(resumed_run, (long)info.st_size * step / 8);
    run(&(struct launch){.args = resumed_run}, &o);
    expect(&o, 0, "");
    outcome_free(&o);
    same_folders("whole", "run");

    /* a line torn in the middle, as a full disk or a lost machine leaves it */
    assert_int_equal(truncate("run/predictions.jsonl", info.st_size / 2 + 7), 0);
    run(&(struct launch){.args = resumed_run}, &o);
    expect(&o, 0, "");
    outcome_free(&o);
    same_folders("whole", "run");
    remove_run("run");
    remove_parts("run");
    assert_int_equal(rmdir("run"), 0); /* nothing else was left behind */
}

/* What is said of pictures does not depend on how many are judged at once; the record and the report, which has the
 * record at its end, tell the number. */
static void test_threads(void **state)
{
    (void)state;
    static const char *const threads[] = {BOTH, "--threads", "3", NULL};
    struct outcome o;
    run(&(struct launch){.args = threads}, &o);
    expect(&o, 0, "");
    outcome_free(&o);
    same_folders_but("whole", "run", "run.json report.html");
    remove_run("run");
    assert_int_equal(rmdir("run"), 0);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *message;
        const char *args[12];
    } cases[] = {
        {2, "--data", {"eval", "--out", "x"}},
        {2, "--out", {"eval", "--data", "first"}},
        {2, "unexpected argument", {"eval", "first"}},
        {1, "two sets are called first", {"eval", "--data", "first", "--data", "./first/", "--out", "x"}},
        {1,
         "two models are called m",
         {"eval", "--model", "m=one.safetensors", "--model", "m=two.safetensors", "--data", "first", "--out", "x"}},
        {1, "names no file", {"eval", "--data", "a=", "--out", "x"}},
        {1, "missing.safetensors", {"eval", "--model", "missing.safetensors", "--data", "first", "--out", "x"}},
        {1, "missing", {"eval", "--data", "missing", "--out", "x"}},
        {1, "half", {"eval", "--data", "half", "--out", "x"}}, /* a class is not there */
        {1, "univfd", {"eval", "--data", "first", "--protocol", "univfdd", "--out", "x"}},
        {1, "jpeg:0", {"eval", "--data", "first", "--perturb", "jpeg:0", "--out", "x"}},
        {1, "nothing", {"eval", "--data", "first", "--robustness", "nothing", "--out", "x"}},
        {1, "nowhere", {"eval", "--data", "first", "--layout", "nowhere", "--out", "x"}},
        {1, "no/where", {"eval", "--data", "first", "--out", "no/where"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct outcome o;
        static const char *const env[] = {"ASSAY_MODEL=one.safetensors", NULL};
        run(&(struct launch){.args = cases[i].args, .env = env}, &o);
        expect(&o, cases[i].status, cases[i].message);
        assert_string_equal(o.out, "");
        assert_int_equal(access("x", F_OK), -1); /* nothing was made */
        outcome_free(&o);
    }
}

#define PLAIN "eval", "--model", "one.safetensors", "--data", "second", "--intervals", "0", "--out", "plain"

/* A folder belongs to one run. */
static void test_folder(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, PLAIN);
    expect(&o, 0, "");
    outcome_free(&o);
    RUN(&o, PLAIN);
    expect(&o, 1, "plain: the folder holds this run already");
    outcome_free(&o);
    RUN(&o, PLAIN, "--resume", "--perturb", "jpeg:50");
    expect(&o, 1,
           "plain/run.json: the folder holds another run: perturbations was [\"\"] and is [\"\",\"jpeg:50\"] now");
    outcome_free(&o);
    RUN(&o, PLAIN, "--resume", "--seed", "4");
    expect(&o, 1, "another run: seed was 0 and is 4 now");
    outcome_free(&o);
    assert_int_equal(rename("one.safetensors", "kept.safetensors"), 0);
    assert_int_equal(symlink("two.safetensors", "one.safetensors"), 0);
    RUN(&o, PLAIN, "--resume");
    expect(&o, 1, "another run: models \"one\": sha256 was ");
    outcome_free(&o);
    assert_int_equal(rename("kept.safetensors", "one.safetensors"), 0);
    scratch_picture("second/ai/new.png", 32, 32, 5);
    RUN(&o, PLAIN, "--resume");
    expect(&o, 1, "another run: sets \"second\": digest was ");
    outcome_free(&o);
    unlink("second/ai/new.png");

    char *before = text_of("plain", "results.csv"), *after;
    RUN(&o, "eval", "--model", "./one.safetensors", "--data", "../second/../second/.", "--resume", "--intervals", "0",
        "--out", "plain");
    expect(&o, 1, "second");
    outcome_free(&o);
    RUN(&o, "eval", "--model", "./one.safetensors", "--data", "./second", "--resume", "--intervals", "0", "--out",
        "plain");
    expect(&o, 0, ""); /* the same by other paths, and done already */
    outcome_free(&o);
    after = text_of("plain", "results.csv");
    assert_string_equal(before, after);
    free(before);
    free(after);

    unlink("plain/run.json");
    RUN(&o, PLAIN, "--resume");
    expect(&o, 1, "plain/predictions.jsonl: is there, but no run.json");
    outcome_free(&o);
    scratch_write("plain/run.json", "{}", 2);
    RUN(&o, PLAIN, "--resume");
    expect(&o, 1, "plain/run.json: not the record of an evaluation");
    outcome_free(&o);
}

/* Damaged files, odd names, a loop of links: judged or told, never passed over; the default model from the
 * environment. */
static void test_unreadable(void **state)
{
    (void)state;
    struct outcome o;
    static const char *const env[] = {"ASSAY_MODEL=one.safetensors", NULL};
    static const char *const args[] = {"eval", "--data",  "odd",   "--perturb", "blur:1", "--intervals",
                                       "10",   "--check", "--out", "odd-run",   NULL};
    mkdir("odd", 0777);
    make_folder("odd/real", 0, 4, 32);
    make_folder("odd/ai", 10, 4, 32);
    scratch_write("odd/ai/two.dots.png", "text, no picture", 16);
    scratch_write("odd/real/empty,\"\n\xFF.png", "", 0);
    scratch_picture("odd/real/\xFE.png", 32, 32, 77);
    assert_int_equal(symlink(".", "odd/real/loop"), 0);
    assert_int_equal(symlink("self.png", "odd/real/self.png"), 0);
    run(&(struct launch){.args = args, .env = env}, &o);
    expect(&o, 1, "2 of the pictures could not be judged; odd-run/unreadable.csv lists them");
    assert_non_null(strstr(o.err, "ai/two.dots.png: "));
    outcome_free(&o);
    char *text = text_of("odd-run", "unreadable.csv");
    assert_int_equal(count_of(text, "two.dots.png"), 2); /* once for each perturbation */
    assert_int_equal(count_of(text, "odd,\"real/empty,\"\"\n\xFF.png\",one,"), 2);
    free(text);
    text = text_of("odd-run", "predictions.jsonl");
    assert_int_equal(count_of(text, "\n"), (5 + 1 + 5) * 2);
    assert_int_equal(count_of(text, "\"problem\""), 4);
    assert_int_equal(count_of(text, "\"picture_hex\":\"7265616c2ffe2e706e67\""), 2);
    free(text);
    text = text_of("odd-run", "results.csv");
    assert_non_null(strstr(text, ",5,4,1,1,")); /* judged and unreadable, real and generated */
    free(text);
}

/* All pictures of a class are damaged: counted, told, and tables without what they do not define. */
static void test_class_unreadable(void **state)
{
    (void)state;
    struct outcome o;
    mkdir("dead", 0777);
    make_folder("dead/real", 0, 3, 32);
    mkdir("dead/ai", 0777);
    scratch_write("dead/ai/a.png", "x", 1);
    scratch_write("dead/ai/b.png", "y", 1);
    RUN(&o, "eval", "--model", "one.safetensors", "--data", "dead", "--out", "dead-run", "--intervals", "10");
    expect(&o, 1, "2 of the pictures could not be judged");
    outcome_free(&o);
    char *text = text_of("dead-run", "unreadable.csv");
    assert_int_equal(count_of(text, "\n"), 3);
    free(text);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 1;
    scratch_program = scratch_find_program(argv[1]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_run),
                                       cmocka_unit_test(test_killed),
                                       cmocka_unit_test(test_threads),
                                       cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_folder),
                                       cmocka_unit_test(test_unreadable),
                                       cmocka_unit_test(test_class_unreadable)};
    return cmocka_run_group_tests(tests, setup, scratch_end_group);
}
