/* test_generated.c - the manual page and the completion scripts: they are what the command writes now, they know every
 * option that `assay help` shows, and the shells that are there can use them.
 *
 *     test_generated ASSAY MANUAL BASH-SCRIPT ZSH-SCRIPT FISH-SCRIPT BASH ZSH FISH GROFF
 *
 * Of the last three, "-" stands for one that is not there: what needs it is skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scratch.h"

enum { MANUAL, BASH, ZSH, FISH, KINDS, GROFF = MANUAL };

static const char *const kinds[KINDS] = {"manual", "bash", "zsh", "fish"};
static char *built[KINDS];      /* what the build wrote */
static char *script[KINDS];     /* where, absolute */
static const char *tool[KINDS]; /* the program that reads it, or NULL */

static void test_current(void **state)
{
    (void)state;
    struct outcome o;
    for (int i = 0; i < KINDS; i++) {
        RUN(&o, "generate", kinds[i]);
        assert_int_equal(o.status, 0);
        assert_string_equal(o.err, "");
        assert_true(strlen(o.out) > 1000);
        if (strcmp(o.out, built[i]) != 0)
            fail_msg("%s: the build has another", kinds[i]);
        outcome_free(&o);
    }
    RUN(&o, "generate", "powershell");
    assert_int_equal(o.status, 2);
    outcome_free(&o);
    RUN(&o, "help");
    assert_null(strstr(o.out, "generate"));
    outcome_free(&o);
    run(&(struct launch){.args = (const char *const[]){"generate", "manual", NULL}, .output = "/dev/full"}, &o);
    assert_int_equal(o.status, 1);
    outcome_free(&o);
}

/* ---- every command and option ----------------------------------------------------------------------------------- */

/* Every command that `assay help` lists, and its help; asked for once. */
enum { MAX_COMMANDS = 64 };

static struct {
    char name[64];
    char *help;
} commands[MAX_COMMANDS];
static int command_count;

static void ask_commands(void)
{
    struct outcome overview, help;
    RUN(&overview, "help");
    for (char *line = strstr(overview.out, "\n  "); line; line = strstr(line + 1, "\n  ")) {
        char first[64], *name = commands[command_count].name;
        const char *end = strstr(line + 3, "  ");
        snprintf(name, sizeof commands[0].name, "%.*s", (int)(end - line - 3), line + 3);
        size_t length = strcspn(name, " ");
        snprintf(first, sizeof first, "%.*s", (int)length, name);
        RUN(&help, "help", first, name[length] ? name + length + 1 : NULL);
        assert_int_equal(help.status, 0);
        commands[command_count++].help = help.out;
        free(help.err);
        assert_true(command_count < MAX_COMMANDS);
    }
    assert_true(command_count > 10);
    outcome_free(&overview);
}

static void each_command(void (*check)(const char *name, const char *help))
{
    if (command_count == 0)
        ask_commands();
    for (int i = 0; i < command_count; i++)
        check(commands[i].name, commands[i].help);
}

/* Calls `check` with the name of every option in a help text: lines that begin with two blanks and two hyphens. */
static void each_option(const char *name, const char *help, void (*check)(const char *command, const char *option))
{
    for (const char *line = strstr(help, "\n  --"); line; line = strstr(line + 1, "\n  --")) {
        const char *begin = line + 5;
        char option[64];
        if (strncmp(begin, "[no-]", 5) == 0)
            begin += 5;
        snprintf(option, sizeof option, "%.*s", (int)strcspn(begin, " \n"), begin);
        check(name, option);
    }
}

static int teardown(void **state)
{
    (void)state;
    scratch_end();
    for (int i = 0; i < KINDS; i++) {
        free(built[i]);
        free(script[i]);
    }
    for (int i = 0; i < command_count; i++)
        free(commands[i].help);
    return 0;
}

/* The manual without its escapes of hyphens. */
static char *manual;

static void option_in_manual(const char *command, const char *option)
{
    char plain[100], negative[100];
    snprintf(plain, sizeof plain, "\n\\fB--%s\\fR", option);
    snprintf(negative, sizeof negative, "\n\\fB--[no-]%s\\fR", option);
    if (!strstr(manual, plain) && !strstr(manual, negative))
        fail_msg("the manual lacks --%s of %s", option, command);
}

static void command_in_manual(const char *name, const char *help)
{
    char line[100];
    snprintf(line, sizeof line, "\n\\fBassay %.63s\\fR ", name);
    assert_int_equal(count_of(manual, line) >= 1, 1);
    each_option(name, help, option_in_manual);
}

static void test_manual(void **state)
{
    (void)state;
    manual = strdup(built[MANUAL]);
    assert_non_null(manual);
    char *to = manual;
    for (const char *from = manual; *from; from++)
        if (strncmp(from, "\\-", 2) != 0)
            *to++ = *from;
    *to = '\0';
    each_command(command_in_manual);
    free(manual);
    if (!tool[GROFF])
        skip();
    struct outcome o;
    run(&(struct launch){.program = tool[GROFF],
                         .args = (const char *const[]){"-man", "-Tutf8", "-ww", "-z", script[MANUAL], NULL}},
        &o);
    assert_int_equal(o.status, 0);
    assert_string_equal(o.err, "");
    outcome_free(&o);
}

/* ---- bash -------------------------------------------------------------------------------------------------------- */

/* What bash offers, one a line, where the last of these words is being typed. */
static char *bash_offers(const char *const *words)
{
    static const char driver[] =
        "source \"$1\"; shift; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMPREPLY=()\n"
        "_assay || true; echo; [ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\\n' \"${COMPREPLY[@]}\"\n";
    const char *args[16] = {"--norc", "--noprofile", "-uc", driver, "bash", script[BASH], "assay"};
    struct outcome o;
    for (int i = 0; words[i]; i++)
        args[7 + i] = words[i];
    run(&(struct launch){.program = tool[BASH], .args = args}, &o);
    assert_int_equal(o.status, 0);
    assert_string_equal(o.err, "");
    char *offers = o.out;
    free(o.err);
    return offers;
}

static bool offers(const char *lines, const char *one)
{
    char line[200];
    snprintf(line, sizeof line, "\n%s\n", one);
    return strstr(lines, line) != NULL;
}

#define BASH_OFFERS(...) bash_offers((const char *const[]){__VA_ARGS__, NULL})

static const char *offered; /* to the command that is looked at */
static char *first_words;   /* offered before there is a command */

static void option_offered(const char *command, const char *option)
{
    char plain[100], negative[100];
    snprintf(plain, sizeof plain, "--%s", option);
    snprintf(negative, sizeof negative, "--no-%s", option);
    if (!offers(offered, plain) && !offers(offered, negative))
        fail_msg("assay %s: --%s is not offered", command, option);
}

static void command_in_bash(const char *name, const char *help)
{
    char first[64];
    size_t length = strcspn(name, " ");
    snprintf(first, sizeof first, "%.*s", (int)length, name);
    assert_true(offers(first_words, first));
    char *lines = name[length] ? BASH_OFFERS(first, name + length + 1, "--") : BASH_OFFERS(first, "--");
    offered = lines;
    assert_true(offers(lines, "--help"));
    each_option(name, help, option_offered);
    free(lines);
}

static void test_bash(void **state)
{
    (void)state;
    char *lines;
    scratch_write("here.jpg", "x", 1);
    scratch_write("two words.jpg", "x", 1);
    first_words = BASH_OFFERS("");
    each_command(command_in_bash);
    free(first_words);

    lines = BASH_OFFERS("d");
    assert_string_equal(lines, "\ndetect\ndata\n");
    free(lines);
    lines = BASH_OFFERS("model", "");
    assert_true(offers(lines, "info") && offers(lines, "convert") && !offers(lines, "detect"));
    free(lines);
    lines = BASH_OFFERS("explain", "--side", "");
    assert_string_equal(lines, "\nleaning\ngenerated\nreal\n");
    free(lines);
    lines = BASH_OFFERS("explain", "--side", "=", "g");
    assert_string_equal(lines, "\ngenerated\n");
    free(lines);
    lines = BASH_OFFERS("explain", "--side", "=");
    assert_string_equal(lines, "\nleaning\ngenerated\nreal\n");
    free(lines);
    lines = BASH_OFFERS("train", "--detector", "");
    assert_true(offers(lines, "residual") && offers(lines, "lol"));
    free(lines);
    lines = BASH_OFFERS("data", "check", "--layout", "gen");
    assert_string_equal(lines, "\ngenimage\n");
    free(lines);
    lines = BASH_OFFERS("model", "import", "--lora-r");
    assert_string_equal(lines, "\n--lora-rank\n");
    free(lines);
    lines = BASH_OFFERS("pull", "univ");
    assert_string_equal(lines, "\nunivfd-head\n");
    free(lines);
    lines = BASH_OFFERS("detect", "--threads", ""); /* a number: nothing to offer */
    assert_string_equal(lines, "\n");
    free(lines);
    lines = BASH_OFFERS("detect", "--prog"); /* on already: what turns it off */
    assert_string_equal(lines, "\n");
    free(lines);
    lines = BASH_OFFERS("detect", "--no-pr");
    assert_true(offers(lines, "--no-progress") && offers(lines, "--no-provenance") && !offers(lines, "--progress"));
    free(lines);
    lines = BASH_OFFERS("detect", "--model", "her");
    assert_string_equal(lines, "\nhere.jpg\n");
    free(lines);
    lines = BASH_OFFERS("detect", "--json", "two");
    assert_string_equal(lines, "\ntwo words.jpg\n");
    free(lines);
    lines = BASH_OFFERS("detect", "--", "he");
    assert_string_equal(lines, "\nhere.jpg\n");
    free(lines);
    lines = BASH_OFFERS("nonsense", "--");
    assert_string_equal(lines, "\n");
    free(lines);
}

/* ---- zsh and fish ------------------------------------------------------------------------------------------------ */

/* The part of the zsh script for the command that is looked at. */
static const char *section_begin, *section_end;

static void option_in_zsh(const char *command, const char *option)
{
    char plain[100], negative[100];
    snprintf(plain, sizeof plain, "'--%s:", option);
    snprintf(negative, sizeof negative, "'--no-%s:", option);
    const char *at = strstr(section_begin, plain);
    if (!at || at > section_end)
        at = strstr(section_begin, negative);
    if (!at || at > section_end)
        fail_msg("zsh, assay %s: --%s is not offered", command, option);
}

static void command_in_zsh(const char *name, const char *help)
{
    char label[100];
    snprintf(label, sizeof label, "\n    '%.63s')\n", name);
    section_begin = strstr(built[ZSH], label);
    assert_non_null(section_begin);
    section_end = strstr(section_begin, "\n        ;;\n");
    assert_non_null(section_end);
    each_option(name, help, option_in_zsh);
}

static void test_zsh(void **state)
{
    (void)state;
    each_command(command_in_zsh);
    if (!tool[ZSH])
        skip();
    struct outcome o;
    run(&(struct launch){.program = tool[ZSH], .args = (const char *const[]){"-f", "-n", script[ZSH], NULL}}, &o);
    assert_int_equal(o.status, 0);
    assert_string_equal(o.err, "");
    outcome_free(&o);
}

static void option_in_fish(const char *command, const char *option)
{
    char plain[200], negative[200];
    snprintf(plain, sizeof plain, "-n '__assay_is \"%s\"' -l %s ", command, option);
    snprintf(negative, sizeof negative, "-n '__assay_is \"%s\"' -l no-%s ", command, option);
    if (!strstr(built[FISH], plain) && !strstr(built[FISH], negative))
        fail_msg("fish, assay %s: --%s is not offered", command, option);
}

static void command_in_fish(const char *name, const char *help)
{
    each_option(name, help, option_in_fish);
}

/* What fish offers for a line, each with a tab and its description. */
static char *fish_offers(const char *line)
{
    struct outcome o;
    run(&(struct launch){.program = tool[FISH],
                         .args = (const char *const[]){"--no-config", "-c", "source $argv[1]; complete -C $argv[2]",
                                                       script[FISH], line, NULL},
                         .env = (const char *const[]){"HOME=.", NULL}},
        &o);
    assert_int_equal(o.status, 0);
    assert_string_equal(o.err, "");
    char *lines = o.out;
    free(o.err);
    return lines;
}

static void test_fish(void **state)
{
    (void)state;
    each_command(command_in_fish);
    if (!tool[FISH])
        skip();
    char *lines = fish_offers("assay mo");
    assert_non_null(strstr(lines, "model\t"));
    free(lines);
    lines = fish_offers("assay model i");
    assert_true(strstr(lines, "info\t") && strstr(lines, "import\t") && !strstr(lines, "detect\t"));
    free(lines);
    lines = fish_offers("assay explain --side=g");
    assert_non_null(strstr(lines, "--side=generated"));
    free(lines);
    lines = fish_offers("assay explain --me");
    assert_non_null(strstr(lines, "--method\t"));
    free(lines);
    lines = fish_offers("assay pull uni");
    assert_non_null(strstr(lines, "univfd-head"));
    free(lines);
    scratch_write("fish.jpg", "x", 1);
    lines = fish_offers("assay detect --json fis");
    assert_non_null(strstr(lines, "fish.jpg"));
    free(lines);
    lines = fish_offers("assay pull fis"); /* names, no files */
    assert_null(strstr(lines, "fish.jpg"));
    free(lines);
}

int main(int argc, char **argv)
{
    if (argc != 10)
        return 2;
    scratch_program = scratch_find_program(argv[1]);
    for (int i = 0; i < KINDS; i++) {
        size_t size;
        script[i] = realpath(argv[2 + i], NULL);
        built[i] = script[i] ? (char *)scratch_read(script[i], &size) : NULL;
        if (!built[i])
            return 2;
    }
    tool[BASH] = argv[6];
    tool[ZSH] = strcmp(argv[7], "-") == 0 ? NULL : argv[7];
    tool[FISH] = strcmp(argv[8], "-") == 0 ? NULL : argv[8];
    tool[GROFF] = strcmp(argv[9], "-") == 0 ? NULL : argv[9];
    scratch_begin();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_current), cmocka_unit_test(test_manual), cmocka_unit_test(test_bash),
        cmocka_unit_test(test_zsh),     cmocka_unit_test(test_fish),
    };
    return cmocka_run_group_tests_name("cli/generated", tests, NULL, teardown);
}
