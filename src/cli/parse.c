/* parse.c - options and words of a command line, by the tables of base/option.h. */
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"

static const struct option *find(const struct cli_target *targets, int count, const char *name, void **config)
{
    for (int i = 0; i < count; i++) {
        const struct option *option = option_find(targets[i].options, name);
        if (option) {
            *config = targets[i].config;
            return option;
        }
    }
    return NULL;
}

/* "no option --thread; did you mean "threads"?" */
static assay_status unknown_option(const struct cli_target *targets, int count, const char *name,
                                   struct assay_error *error)
{
    char near_text[TEXT_NEAREST];
    struct nearest nearest = nearest_to(name);
    for (int t = 0; t < count; t++)
        for (const struct option *option = targets[t].options; option->name; option++)
            nearest_offer(&nearest, option->name);
    nearest_text(&nearest, near_text);
    return error_set(error, ASSAY_ERROR_ARGUMENT, "no option --%.100s%s", name,
                     near_text[0] ? near_text : "; see --help");
}

/* Handles argv[*at], which begins with "--"; moves *at past a value that it takes. */
static assay_status parse_option(int argc, char **argv, int *at, const struct cli_target *targets, int count,
                                 struct arena *arena, struct assay_error *error)
{
    const char *text = argv[*at] + 2;
    const char *equals = strchr(text, '=');
    char *name = arena_strndup(arena, text, equals ? (size_t)(equals - text) : strlen(text));
    if (!name)
        return error_memory(error, "the command line");
    const char *value = equals ? equals + 1 : NULL;
    void *config;
    const struct option *option = find(targets, count, name, &config);
    if (!option && strncmp(name, "no-", 3) == 0 && !value) {
        option = find(targets, count, name + 3, &config);
        if (option && option->type == OPTION_BOOL)
            value = "false";
        else
            option = NULL;
    }
    if (!option)
        return unknown_option(targets, count, name, error);
    if (!value && option->type == OPTION_BOOL)
        value = "true";
    if (!value) {
        if (*at + 1 >= argc)
            return error_set(error, ASSAY_ERROR_ARGUMENT, "--%s needs a value; see --help", option->name);
        value = argv[++*at];
    }
    const struct option one[2] = {*option};
    return option_set(one, config, option->name, value, arena, error);
}

assay_status cli_parse(int argc, char **argv, const struct cli_target *targets, int target_count, struct arena *arena,
                       struct array *words, struct assay_error *error)
{
    bool only_words = false;
    for (int i = 0; i < argc; i++) {
        if (!only_words && strcmp(argv[i], "--") == 0) {
            only_words = true;
        } else if (!only_words && argv[i][0] == '-' && argv[i][1] != '\0') {
            if (argv[i][1] != '-')
                return error_set(error, ASSAY_ERROR_ARGUMENT,
                                 "no option %.100s: options begin with two hyphens (a file of that name: ./%.100s)",
                                 argv[i], argv[i]);
            assay_status status = parse_option(argc, argv, &i, targets, target_count, arena, error);
            if (status)
                return status;
        } else if (!words) {
            return error_set(error, ASSAY_ERROR_ARGUMENT, "unexpected argument '%.200s'; see --help", argv[i]);
        } else {
            const char **slot = array_push(words);
            if (!slot)
                return error_memory(error, "the command line");
            *slot = argv[i];
        }
    }
    return ASSAY_OK;
}

const char *cli_peek(int argc, char **argv, const char *name)
{
    size_t length = strlen(name);
    const char *value = NULL;
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strncmp(argv[i], "--", 2) != 0 || strncmp(argv[i] + 2, name, length) != 0)
            continue;
        if (argv[i][2 + length] == '=')
            value = argv[i] + 3 + length;
        else if (argv[i][2 + length] == '\0' && i + 1 < argc)
            value = argv[++i];
    }
    return value;
}
