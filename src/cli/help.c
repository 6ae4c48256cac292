/* help.c - `assay help`, written from the table of subcommands and from their tables of options. */
#include <string.h>

#include "cli/cli.h"

void cli_print_overview(FILE *stream)
{
    fputs("Usage: assay COMMAND [OPTION]... [FILE]...\n"
          "Tells whether a picture was made by an image generator.\n\nCommands:\n",
          stream);
    for (int i = 0; cli_commands[i]; i++)
        fprintf(stream, "  %-13s  %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    fputs("\n'assay help COMMAND' says more about one; 'assay --version' prints the versions in use.\n", stream);
}

/* ---- More than the tables, as text ---------------------------------------------------------------------------- */

struct help_sink {
    struct cli_sink sink; /* first: it is what the functions get */
    FILE *stream;
};

static FILE *stream_of(struct cli_sink *sink)
{
    return ((struct help_sink *)sink)->stream;
}

static void print_heading(struct cli_sink *sink, const char *text)
{
    fprintf(stream_of(sink), "\n%s:\n", text);
}

static void print_options(struct cli_sink *sink, const struct option *table)
{
    option_print_help(table, stream_of(sink));
}

static void print_entry(struct cli_sink *sink, const char *name, const char *text)
{
    fprintf(stream_of(sink), "  %-20s %s\n", name, text);
}

static void print_note(struct cli_sink *sink, const char *text)
{
    fprintf(stream_of(sink), "  %s\n", text);
}

void cli_print_help(const struct command *command, FILE *stream)
{
    fprintf(stream, "Usage: assay %s %s\n%c%s.\n", command->name, command->usage,
            command->summary[0] >= 'a' && command->summary[0] <= 'z' ? command->summary[0] - 'a' + 'A'
                                                                     : command->summary[0],
            command->summary + 1);
    if (command->details)
        fprintf(stream, "\n%s", command->details);
    for (int i = 0; command->groups && command->groups[i].title; i++) {
        fprintf(stream, "\n%s:\n", command->groups[i].title);
        option_print_help(command->groups[i].options, stream);
    }
    struct help_sink more = {
        .sink = {.heading = print_heading, .options = print_options, .entry = print_entry, .note = print_note},
        .stream = stream};
    if (command->more)
        command->more(&more.sink);
}

/* Words after `help` name a command of one or two words. */
static int help_run(int argc, char **argv)
{
    if (argc == 0) {
        cli_print_overview(stdout);
        return cli_flush() ? CLI_OK : CLI_FAILED;
    }
    char name[64];
    snprintf(name, sizeof name, "%s%s%s", argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
    bool found = false;
    size_t length = strlen(name);
    for (int i = 0; argc <= 2 && cli_commands[i]; i++) {
        /* the command itself, or every command of a family: `assay help model` */
        const char *known = cli_commands[i]->name;
        if (strncmp(known, name, length) != 0 || (known[length] != '\0' && known[length] != ' '))
            continue;
        if (found)
            fputc('\n', stdout);
        cli_print_help(cli_commands[i], stdout);
        found = true;
    }
    if (!found) {
        cli_complain("no command '%s'; 'assay help' lists them", name);
        return CLI_USAGE;
    }
    return cli_flush() ? CLI_OK : CLI_FAILED;
}

const struct command command_help = {"help",      "say what a command does and which options it has",
                                     "[COMMAND]", NULL,
                                     NULL,        NULL,
                                     help_run};
