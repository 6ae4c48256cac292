/* manual.c - the manual page assay(1), from the table of subcommands and from their tables of options. */
#include <string.h>

#include "cli/cli.h"

/* ---- roff ------------------------------------------------------------------------------------------------------ */

/* Text as it is: no character of it is a request or an escape, and hyphens stay what can be typed. */
static void print_text(FILE *stream, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (i == 0 && (text[i] == '.' || text[i] == '\''))
            fputs("\\&", stream);
        if (text[i] == '\\')
            fputs("\\e", stream);
        else if (text[i] == '-')
            fputs("\\-", stream);
        else
            fputc(text[i], stream);
    }
}

static void print_line(FILE *stream, const char *text)
{
    print_text(stream, text, strlen(text));
    fputc('\n', stream);
}

/* The heading of a section, between quotes that it may hold itself. */
static void print_heading(FILE *stream, const char *request, const char *text)
{
    fprintf(stream, "%s \"", request);
    for (; *text; text++) {
        if (*text == '"')
            fputs("\\(dq", stream);
        else
            print_text(stream, text, 1);
    }
    fputs("\"\n", stream);
}

/* Paragraphs whose lines end in newlines: empty lines part them, indented ones are shown as they are. */
static void print_paragraphs(FILE *stream, const char *text)
{
    bool literal = false;
    while (*text) {
        size_t length = strcspn(text, "\n");
        bool indented = text[0] == ' ';
        if (literal && !indented)
            fputs(".fi\n.RE\n", stream);
        if (!literal && indented)
            fputs(".RS\n.nf\n", stream);
        if (length == 0 && (literal || text[1]))
            fputs(".PP\n", stream);
        literal = indented;
        size_t skipped = strspn(text, " ");
        if (length > 0) {
            print_text(stream, text + skipped, length - skipped);
            fputc('\n', stream);
        }
        text += length + (text[length] == '\n');
    }
    if (literal)
        fputs(".fi\n.RE\n", stream);
}

/* ---- Options ---------------------------------------------------------------------------------------------------- */

/* "a|b|c": a long list may be broken behind each bar. */
static void print_choices(FILE *stream, const char *choices)
{
    for (const char *at = choices; *at;) {
        size_t length = strcspn(at, "|");
        print_text(stream, at, length);
        at += length;
        if (*at == '|') {
            fputs("|\\:", stream);
            at++;
        }
    }
}

static void print_flag(FILE *stream, const struct option *option)
{
    static const char *const values[] = {
        [OPTION_BOOL] = NULL,   [OPTION_INT] = "N",     [OPTION_FLOAT] = "X",
        [OPTION_TEXT] = "TEXT", [OPTION_CHOICE] = NULL, [OPTION_TEXTS] = "TEXT",
    };
    fputs(".TP\n\\fB", stream);
    print_text(stream, option->type == OPTION_BOOL ? "--[no-]" : "--", option->type == OPTION_BOOL ? 7 : 2);
    print_text(stream, option->name, strlen(option->name));
    fputs("\\fR", stream);
    if (option->type == OPTION_CHOICE) {
        fputs(" \\fI", stream);
        print_choices(stream, option->choices);
        fputs("\\fR", stream);
    } else if (values[option->type]) {
        fprintf(stream, " \\fI%s\\fR%s", values[option->type], option->type == OPTION_TEXTS ? "..." : "");
    }
    fputc('\n', stream);
}

static void print_options(FILE *stream, const struct option *table)
{
    for (const struct option *option = table; option->name; option++) {
        char bounds[OPTION_BOUNDS];
        print_flag(stream, option);
        print_text(stream, option->help, strlen(option->help));
        option_format_bounds(option, bounds, sizeof bounds);
        print_line(stream, bounds);
    }
}

struct manual_sink {
    struct cli_sink sink; /* first: it is what the functions get */
    FILE *stream;
};

static FILE *stream_of(struct cli_sink *sink)
{
    return ((struct manual_sink *)sink)->stream;
}

static void tell_heading(struct cli_sink *sink, const char *text)
{
    print_heading(stream_of(sink), ".SS", text);
}

static void tell_options(struct cli_sink *sink, const struct option *table)
{
    print_options(stream_of(sink), table);
}

static void tell_entry(struct cli_sink *sink, const char *name, const char *text)
{
    FILE *stream = stream_of(sink);
    fputs(".TP\n\\fB", stream);
    print_text(stream, name, strlen(name));
    fputs("\\fR\n", stream);
    print_line(stream, text);
}

static void tell_note(struct cli_sink *sink, const char *text)
{
    fputs(".PP\n", stream_of(sink));
    print_line(stream_of(sink), text);
}

/* ---- The page --------------------------------------------------------------------------------------------------- */

static void print_command(FILE *stream, const struct command *command)
{
    struct manual_sink more = {
        .sink = {.heading = tell_heading, .options = tell_options, .entry = tell_entry, .note = tell_note},
        .stream = stream};
    char heading[80];
    int length = snprintf(heading, sizeof heading, "assay %s", command->name);
    for (int i = 0; i < length && i < (int)sizeof heading; i++)
        if (heading[i] >= 'a' && heading[i] <= 'z')
            heading[i] = (char)(heading[i] - 'a' + 'A');
    print_heading(stream, ".SH", heading);
    fputs("\\fBassay ", stream);
    print_text(stream, command->name, strlen(command->name));
    fputs("\\fR ", stream);
    print_line(stream, command->usage);
    fputs(".PP\n", stream);
    fputc(command->summary[0] >= 'a' && command->summary[0] <= 'z' ? command->summary[0] - 'a' + 'A'
                                                                   : command->summary[0],
          stream);
    print_text(stream, command->summary + 1, strlen(command->summary + 1));
    fputs(".\n", stream);
    if (command->details) {
        fputs(".PP\n", stream);
        print_paragraphs(stream, command->details);
    }
    for (int i = 0; command->groups && command->groups[i].title; i++) {
        print_heading(stream, ".SS", command->groups[i].title);
        print_options(stream, command->groups[i].options);
    }
    if (command->more)
        command->more(&more.sink);
}

static const struct {
    const char *name, *text;
} environment[] = {
    {"ASSAY_MODEL", "The model file where --model names none."},
    {"ASSAY_PULL_BASE", "Stands for the servers' names in 'assay pull', such as https://mirror.example."},
    {"XDG_CACHE_HOME", "'assay pull' writes into its folder assay; without it, into ~/.cache/assay."},
    {"NO_COLOR", "Where it is set to anything, tables have no colours; nor where TERM is dumb."},
    {"OMP_NUM_THREADS", "How many threads compute where --threads does not say."},
    {"OMP_WAIT_POLICY",
     "Whether threads that wait spin (ACTIVE) or sleep (PASSIVE). Unless it is set, assay starts itself once more with "
     "PASSIVE."},
};

static const struct {
    const char *status, *text;
} statuses[] = {
    {"0", "Everything was done."},
    {"1", "Something was not; standard error says what."},
    {"2", "The command line was wrong; nothing was done."},
    {"3", "'assay data check' warns."},
};

void cli_write_manual(FILE *stream)
{
    fprintf(stream,
            ".\\\" Written by assay itself, from its tables of options.\n"
            ".TH ASSAY 1 \"\" \"Assay %s\" \"User Commands\"\n"
            ".nh\n.ad l\n"
            ".SH NAME\nassay \\- tell whether a picture was made by an image generator\n.SH SYNOPSIS\n",
            assay_version());
    for (int i = 0; cli_commands[i]; i++) {
        fprintf(stream, "%s\\fBassay %s\\fR ", i ? ".br\n" : "", cli_commands[i]->name);
        print_line(stream, cli_commands[i]->usage);
    }
    fputs(".br\n\\fBassay \\-\\-version\\fR\n.SH DESCRIPTION\n", stream);
    print_paragraphs(stream,
                     "Options are written --name VALUE or --name=VALUE; those that are true or false --name and\n"
                     "--no-name. After --, everything is a file name. Defaults and ranges stand in brackets.\n");
    for (int i = 0; cli_commands[i]; i++)
        print_command(stream, cli_commands[i]);
    fputs(".SH ENVIRONMENT\n", stream);
    for (size_t i = 0; i < sizeof environment / sizeof environment[0]; i++) {
        fprintf(stream, ".TP\n\\fB%s\\fR\n", environment[i].name);
        print_line(stream, environment[i].text);
    }
    fputs(".SH EXIT STATUS\n", stream);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        fprintf(stream, ".TP\n\\fB%s\\fR\n", statuses[i].status);
        print_line(stream, statuses[i].text);
    }
}
