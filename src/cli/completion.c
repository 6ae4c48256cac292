/* completion.c - gathering what a command offers, for the three shells alike. */
#include "cli/completion.h"

#include <string.h>

enum { MOST = 10000 };

/* ---- Gathering --------------------------------------------------------------------------------------------------- */

struct gathering_sink {
    struct cli_sink sink; /* first: it is what the functions get */
    struct completion *completion;
};

static void add_options(struct cli_sink *sink, const struct option *table)
{
    struct completion *c = ((struct gathering_sink *)sink)->completion;
    for (const struct option *option = table; option->name; option++) {
        const struct option *const *known = c->options.data;
        size_t i = 0;
        while (i < c->options.count && strcmp(known[i]->name, option->name) != 0)
            i++;
        if (i < c->options.count)
            continue;
        const struct option **slot = array_push(&c->options);
        if (slot)
            *slot = option;
        else
            c->lost = true;
    }
}

static void add_value(struct cli_sink *sink, const char *option, const char *value)
{
    struct completion *c = ((struct gathering_sink *)sink)->completion;
    struct completion_value *slot = array_push(&c->values);
    if (slot)
        *slot = (struct completion_value){option, value};
    else
        c->lost = true;
}

struct completion completion_of(const struct command *command)
{
    struct completion c = {.options = array_of(sizeof(const struct option *), MOST),
                           .values = array_of(sizeof(struct completion_value), MOST)};
    struct gathering_sink sink = {
        .sink = {.options = add_options, .value = add_value, .unlisted = add_options},
        .completion = &c,
    };
    for (int i = 0; command->groups && command->groups[i].title; i++)
        add_options(&sink.sink, command->groups[i].options);
    if (command->more)
        command->more(&sink.sink);
    return c;
}

void completion_free(struct completion *completion)
{
    array_free(&completion->options);
    array_free(&completion->values);
}

/* ---- Asking ------------------------------------------------------------------------------------------------------ */

static bool belongs(const struct completion_value *value, const struct option *option)
{
    return option ? value->option && strcmp(value->option, option->name) == 0 : !value->option;
}

static bool has_values(const struct completion *completion, const struct option *option)
{
    const struct completion_value *values = completion->values.data;
    for (size_t i = 0; i < completion->values.count; i++)
        if (belongs(&values[i], option))
            return true;
    return false;
}

bool completion_has_words(const struct completion *completion)
{
    return has_values(completion, NULL);
}

enum completion_kind completion_kind(const struct completion *completion, const struct option *option)
{
    if (option->type == OPTION_CHOICE || has_values(completion, option))
        return COMPLETION_VALUES;
    return option->type == OPTION_TEXT || option->type == OPTION_TEXTS ? COMPLETION_FILE : COMPLETION_NOTHING;
}

void completion_print_values(const struct completion *completion, const struct option *option, FILE *stream)
{
    const struct completion_value *values = completion->values.data;
    const char *separator = "";
    for (const char *c = option && option->type == OPTION_CHOICE ? option->choices : ""; *c; c++) {
        fputc(*c == '|' ? ' ' : *c, stream);
        separator = " ";
    }
    for (size_t i = 0; i < completion->values.count; i++)
        if (belongs(&values[i], option)) {
            fprintf(stream, "%s%s", separator, values[i].value);
            separator = " ";
        }
}

bool completion_family(const struct command *command, char *family)
{
    const char *space = strchr(command->name, ' ');
    size_t length = space ? (size_t)(space - command->name) : 0;
    snprintf(family, COMPLETION_FAMILY, "%.*s", (int)length, command->name);
    for (int i = 0; length && cli_commands[i] != command; i++)
        if (strncmp(cli_commands[i]->name, command->name, length + 1) == 0)
            return false;
    return true;
}

void completion_print_commands(const char *family, FILE *stream)
{
    const char *separator = "";
    for (int i = 0; cli_commands[i]; i++) {
        char own[COMPLETION_FAMILY];
        bool first = completion_family(cli_commands[i], own);
        const char *name = cli_commands[i]->name;
        if (family[0] && strcmp(own, family) != 0)
            continue;
        if (family[0])
            name += strlen(own) + 1;
        else if (own[0] && first)
            name = own;
        else if (own[0])
            continue;
        fprintf(stream, "%s%s", separator, name);
        separator = " ";
    }
}

bool completion_each(completion_print *print, FILE *stream)
{
    bool whole = true;
    for (int i = 0; cli_commands[i]; i++) {
        struct completion c = completion_of(cli_commands[i]);
        print(cli_commands[i], &c, stream);
        whole &= !c.lost;
        completion_free(&c);
    }
    return whole;
}
