/* completion.h - what shell completion knows of a command, and its forms for three shells. */
#ifndef ASSAY_CLI_COMPLETION_H
#define ASSAY_CLI_COMPLETION_H

#include "cli/cli.h"

/* What a command offers, gathered from its tables and from its `more`. */
struct completion {
    struct array options; /* const struct option *, each name once */
    struct array values;  /* struct completion_value, each once */
    bool lost;            /* there was no memory for all */
};

struct completion_value {
    const char *option, *value; /* option NULL: a word of the command line */
};

/* What an option's value is. */
enum completion_kind {
    COMPLETION_NOTHING, /* a number, or nothing: true or false */
    COMPLETION_VALUES,  /* one of a few: the values are offered */
    COMPLETION_FILE     /* text: perhaps a file */
};

/* Free it with completion_free. */
struct completion completion_of(const struct command *command);
void completion_free(struct completion *completion);

enum completion_kind completion_kind(const struct completion *completion, const struct option *option);

/* An option's values, or (NULL) the words that a command takes, with blanks between them, quoted for no shell: they are
 * words of letters, digits, dots and hyphens. */
void completion_print_values(const struct completion *completion, const struct option *option, FILE *stream);
bool completion_has_words(const struct completion *completion);

/* The flag to offer for an option that is true or false: what its default is not. */
static inline const char *completion_no(const struct option *option)
{
    return option->type == OPTION_BOOL && option->default_text[0] == 't' ? "no-" : "";
}

/* The first words of all commands, or the second ones of a family ("model"), with blanks between them. */
void completion_print_commands(const char *family, FILE *stream);

enum { COMPLETION_FAMILY = 64 }; /* bytes for a family's name */

/* The family of a command of two words: "model" of "model info", "" of "detect". Returns whether it is the first of its
 * family in the table (of "": always). */
bool completion_family(const struct command *command, char *family);

/* Prints each command with what it offers. False where there was no memory for all. */
typedef void completion_print(const struct command *command, const struct completion *completion, FILE *stream);
bool completion_each(completion_print *print, FILE *stream);

/* The scripts. False where there was no memory for all. */
bool completion_write_bash(FILE *stream);
bool completion_write_zsh(FILE *stream);
bool completion_write_fish(FILE *stream);

#endif
