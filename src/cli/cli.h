/* cli.h - the command `assay`: its table of subcommands, the parsing of their options, and what they share.
 *
 * A subcommand is one file cmd_NAME.c that defines a `const struct command`, plus one line in the table of main.c and
 * one in meson.build. Its options are tables (base/option.h), from which parsing, `assay help NAME` and the manual
 * come:
 *
 *     struct detect_config { bool json; int64_t threads; };
 *     static const struct option detect_options[] = { ... , {0}};
 *     static const struct cli_group detect_groups[] = {{"Options", detect_options}, {0}};
 *     const struct command command_detect = {"detect", "judge pictures", "[FILE|DIR|-]...", NULL, detect_groups, NULL,
 *                                            detect_run};
 *
 * `run` gets the words after the subcommand's name (argv[0] is the first of them), calls cli_parse and works. It
 * returns the exit status. Before it returns, messages have gone to standard error through cli_complain. */
#ifndef ASSAY_CLI_CLI_H
#define ASSAY_CLI_CLI_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/error.h"
#include "base/option.h"

/* Exit statuses. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

/* A titled table of options. A list of them ends with an entry whose title is NULL. */
struct cli_group {
    const char *title; /* "Options" */
    const struct option *options;
};

/* Where a command tells what its static tables of options cannot hold (the settings of every detector, layouts,
 * protocols): help on a terminal, the manual page, shell completion. A NULL function leaves that kind out. */
struct cli_sink {
    void (*heading)(struct cli_sink *sink, const char *text); /* what follows stands under it */
    void (*options)(struct cli_sink *sink, const struct option *table);
    void (*entry)(struct cli_sink *sink, const char *name, const char *text); /* a name, and what it means */
    void (*note)(struct cli_sink *sink, const char *text);
    void (*value)(struct cli_sink *sink, const char *option, const char *value);
    void (*unlisted)(struct cli_sink *sink, const struct option *table);
};

struct command {
    const char *name;    /* one or two words: "detect", "model info" */
    const char *summary; /* one line for `assay help`, without a full stop */
    const char *usage;   /* what follows the name: "[OPTION]... FILE" */
    const char *details; /* paragraphs for `assay help NAME`, each line ended by a newline; or NULL */
    const struct cli_group *groups;
    void (*more)(struct cli_sink *sink); /* NULL: there is nothing more to tell */
    int (*run)(int argc, char **argv);
};

/* The table of main.c, NULL-terminated: what help, manual and completion list. */
extern const struct command *const cli_commands[];

/* ---- parse.c: options and words ------------------------------------------------------------------------------- */

/* One table and the struct that it fills. */
struct cli_target {
    const struct option *options;
    void *config;
};

/* Sets the options found in argv in the first target whose table has them, and appends everything else to `words`
 * (array of const char *, may be NULL: a word is then an error). Forms: --name VALUE, --name=VALUE, --flag, --no-flag;
 * after "--" everything is a word, and so is "-". Defaults are not set here: call option_defaults first. Text is
 * copied into the arena. An unknown option is an error that names the nearest known ones of all targets. */
assay_status cli_parse(int argc, char **argv, const struct cli_target *targets, int target_count, struct arena *arena,
                       struct array *words, struct assay_error *error);

/* The value of --name in argv without parsing the rest, or NULL: for an option that decides which tables there are. */
const char *cli_peek(int argc, char **argv, const char *name);

/* ---- help.c --------------------------------------------------------------------------------------------------- */

void cli_print_overview(FILE *stream);                            /* every subcommand, one a line */
void cli_print_help(const struct command *command, FILE *stream); /* one subcommand */
extern const struct command command_help, command_detect, command_model_adapter, command_model_attach,
    command_model_convert, command_model_import, command_model_merge, command_model_info, command_pull, command_train;
extern const struct command command_data_balance, command_data_check, command_data_reconstruct, command_eval,
    command_explain, command_inspect, command_model_calibrate, command_model_join, command_model_limits;
extern const struct command command_generate; /* known, but listed nowhere: for the build */

/* ---- sink.c: what commands call in `more`, of any sink ---------------------------------------------------------- */

void cli_heading(struct cli_sink *sink, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cli_options(struct cli_sink *sink, const struct option *table);
void cli_entry(struct cli_sink *sink, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
void cli_note(struct cli_sink *sink, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Something that --option takes, or (NULL) that the command takes as a word: for completion. */
void cli_value(struct cli_sink *sink, const char *option, const char *value);

/* Options that the command takes and its help does not repeat: for completion. */
void cli_unlisted(struct cli_sink *sink, const struct option *table);

void cli_layouts(struct cli_sink *sink); /* every layout of datasets, for --layout, with what it expects */

/* ---- manual.c -------------------------------------------------------------------------------------------------- */

/* The manual page assay(1), from the tables, as roff with the man macros. A lost write shows in ferror(stream). */
void cli_write_manual(FILE *stream);

/* ---- output.c: what reaches a person or the next program -------------------------------------------------------- */

/* "assay: MESSAGE" on standard error, one line whatever bytes the message has. */
void cli_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for an error; returns CLI_USAGE where `usage`, else CLI_FAILED, so that `return cli_failure(...)` reads
 * well. */
int cli_failure(const struct assay_error *error, bool usage);

/* Text for a terminal: control characters and bytes that are not UTF-8 are written as \xNN. */
void cli_print_text(FILE *stream, const char *text);

/* Flushes standard output: false (and a message, unless the reader has merely gone away) where anything written to it
 * was lost. Every subcommand that prints ends with it. */
bool cli_flush(void);

/* ---- interrupt.c ----------------------------------------------------------------------------------------------- */

/* From now on the first SIGINT or SIGTERM asks to stop and save what there is, the second ends the process. */
void cli_catch_signals(void);
extern volatile sig_atomic_t cli_interrupted; /* a signal handler can be told nothing else */

/* ---- threads.c ------------------------------------------------------------------------------------------------- */

/* The calling thread's loops use that many threads from now on (0: leave it as it is, one a processor unless
 * OMP_NUM_THREADS says otherwise). Returns how many. */
int cli_use_threads(int64_t threads);

#endif
