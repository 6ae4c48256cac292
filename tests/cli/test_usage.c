/* test_usage.c - the command line itself: help, versions, options, exit statuses, lost output. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "scratch.h"

static int setup(void **state)
{
    (void)state;
    scratch_begin();
    scratch_model("model.safetensors", true);
    scratch_picture("a.jpg", 64, 48, 1);
    return 0;
}

/* Runs and expects a usage error whose message has `part`, and nothing on standard output. */
static void expect_usage(const char *const *args, const char *part)
{
    struct outcome o;
    run(&(struct launch){.args = args}, &o);
    if (o.status != 2 || !strstr(o.err, part) || o.out[0])
        fail_msg("status %d, expected \"%s\" in: %s%s", o.status, part, o.err, o.out);
    outcome_free(&o);
}

#define USAGE(part, ...) expect_usage((const char *const[]){__VA_ARGS__, NULL}, part)

static void test_usage_errors(void **state)
{
    (void)state;
    expect_usage((const char *const[]){NULL}, "Usage: assay COMMAND");
    USAGE("no command 'detcet'; see 'assay help'", "detcet");
    USAGE("no command '--frobnicate'", "--frobnicate");
    USAGE("no command 'model'", "model");
    USAGE("no command 'nothing'", "help", "nothing");
    USAGE("no picture named", "detect");
    USAGE("no option --jsn; did you mean \"json\"?", "detect", "--jsn", "a.jpg");
    USAGE("no option --no-model", "detect", "--no-model", "a.jpg");
    USAGE("no option -j: options begin with two hyphens", "detect", "-j", "a.jpg");
    USAGE("--model needs a value", "detect", "a.jpg", "--model");
    USAGE("threads", "detect", "--threads", "many", "a.jpg");
    USAGE("threads", "detect", "--threads=-1", "a.jpg");
    USAGE("max-pixels", "detect", "--max-pixels", "0", "a.jpg");
    USAGE("max-pixels", "detect", "--max-pixels", "99999999999999999999", "a.jpg");
    USAGE("json", "detect", "--json=perhaps", "a.jpg");
    USAGE("--json and --csv exclude each other", "detect", "--json", "--csv", "a.jpg");
    USAGE("one model file at a time", "model", "info", "a", "b");
}

static void test_help(void **state)
{
    (void)state;
    struct outcome o, again;
    RUN(&o, "help");
    assert_int_equal(o.status, 0);
    assert_non_null(strstr(o.out, "detect "));
    assert_non_null(strstr(o.out, "model info "));
    assert_string_equal(o.err, "");
    RUN(&again, "--help");
    assert_int_equal(again.status, 0);
    assert_string_equal(again.out, o.out);
    outcome_free(&again);
    outcome_free(&o);

    RUN(&o, "help", "detect");
    assert_int_equal(o.status, 0);
    static const char *const options[] = {"--model",   "]json",        "]csv",        "]bf16",
                                          "--threads", "--max-pixels", "--max-bytes", "progress"};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        assert_non_null(strstr(o.out, options[i]));
    assert_non_null(strstr(o.out, "Exit status"));
    RUN(&again, "detect", "a.jpg", "--help");
    assert_string_equal(again.out, o.out);
    outcome_free(&again);
    outcome_free(&o);

    RUN(&o, "help", "model");
    assert_int_equal(o.status, 0);
    assert_non_null(strstr(o.out, "Usage: assay model info"));
    outcome_free(&o);
}

/* Every command of the overview has help of its own. */
static void test_help_of_every_command(void **state)
{
    (void)state;
    struct outcome all;
    RUN(&all, "help");
    int commands = 0;
    for (char *line = strstr(all.out, "Commands:\n") + strlen("Commands:\n"); strncmp(line, "  ", 2) == 0;
         line = strchr(line, '\n') + 1) {
        char name[32] = {0}, first[32] = {0}, *end = strstr(line + 2, "  ");
        snprintf(name, sizeof name, "%.*s", (int)(end - line - 2), line + 2);
        char *space = strchr(name, ' ');
        snprintf(first, sizeof first, "%.*s", (int)(space ? space - name : (long)strlen(name)), name);
        struct outcome one;
        run(&(struct launch){.args = (const char *const[]){"help", first, space ? space + 1 : NULL, NULL}}, &one);
        assert_int_equal(one.status, 0);
        assert_non_null(strstr(one.out, name));
        outcome_free(&one);
        commands++;
    }
    assert_true(commands >= 3);
    outcome_free(&all);
}

static void test_version(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "--version");
    assert_int_equal(o.status, 0);
    int a, b, c;
    assert_int_equal(sscanf(o.out, "assay %d.%d.%d\n", &a, &b, &c), 3);
    assert_int_equal(sscanf(strstr(o.out, "oneDNN"), "oneDNN %d.%d.%d\n", &a, &b, &c), 3);
    assert_int_equal(sscanf(strstr(o.out, "libvips"), "libvips %d.%d.%d\n", &a, &b, &c), 3);
    outcome_free(&o);
}

/* Output that is lost is an error, whichever command prints. */
static void test_lost_output(void **state)
{
    (void)state;
    static const char *const commands[][6] = {{"help"},
                                              {"--version"},
                                              {"help", "detect"},
                                              {"detect", "--model", "model.safetensors", "a.jpg"},
                                              {"detect", "--json", "--model=model.safetensors", "a.jpg"},
                                              {"model", "info", "model.safetensors"}};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        struct outcome o;
        run(&(struct launch){.args = commands[i], .output = "/dev/full"}, &o);
        assert_int_equal(o.status, 1);
        assert_non_null(strstr(o.err, "standard output: cannot write: No space left on device"));
        outcome_free(&o);
        run(&(struct launch){.args = commands[i], .closed = 1 << 1}, &o);
        assert_int_equal(o.status, 1);
        assert_non_null(strstr(o.err, "standard output: cannot write"));
        outcome_free(&o);
    }
}

/* What was closed at the start is open, and leads nowhere: no file of ours takes its place. */
static void test_closed_descriptors(void **state)
{
    (void)state;
    for (int fd = 0; fd < 3; fd++) {
        struct outcome o;
        char path[16];
        snprintf(path, sizeof path, "/dev/fd/%d", fd);
        const char *const args[] = {"inspect", "--json", path, NULL};
        run(&(struct launch){.args = args, .closed = 1u << fd}, &o);
        assert_int_equal(o.status, 1);
        const char *told = fd == 1 ? o.err : o.out;
        if (!strstr(told, path) || !strstr(told, "empty"))
            fail_msg("descriptor %d: %s%s", fd, o.out, o.err);
        outcome_free(&o);
    }
}

/* A reader that goes away ends the work quietly. */
static void test_reader_gone(void **state)
{
    (void)state;
    struct outcome o;
    char command[512];
    snprintf(command, sizeof command,
             "{ sleep 0.2; exec \"$0\" detect --json --model model.safetensors a.jpg a.jpg a.jpg; } | true; "
             "echo \"${PIPESTATUS[0]}\"");
    run(&(struct launch){.program = "/bin/bash", .args = (const char *const[]){"-c", command, scratch_program, NULL}},
        &o);
    assert_string_equal(o.out, "1\n");
    assert_string_equal(o.err, "");
    outcome_free(&o);
}

int main(int argc, char **argv)
{
    if (!scratch_take_program(argc, argv))
        return 2;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usage_errors),          cmocka_unit_test(test_help),
        cmocka_unit_test(test_help_of_every_command), cmocka_unit_test(test_version),
        cmocka_unit_test(test_lost_output),           cmocka_unit_test(test_reader_gone),
        cmocka_unit_test(test_closed_descriptors),
    };
    return cmocka_run_group_tests_name("cli/usage", tests, setup, scratch_end_group);
}
