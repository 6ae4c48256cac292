/* completion_fish.c - completion for fish. */
#include <string.h>

#include "cli/completion.h"

/* Text between single quotes. */
static void print_quoted(const char *text, FILE *stream)
{
    fputc('\'', stream);
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            fputc('\\', stream);
        fputc(*text, stream);
    }
    fputc('\'', stream);
}

/* A line for this command alone. */
static void print_start(const struct command *command, FILE *stream)
{
    fprintf(stream, "complete -c assay -n '__assay_is \"%s\"'", command->name);
}

static void print_command(const struct command *command, const struct completion *c, FILE *stream)
{
    const struct option *const *options = c->options.data;
    for (size_t i = 0; i < c->options.count; i++) {
        print_start(command, stream);
        fprintf(stream, " -l %s%s", completion_no(options[i]), options[i]->name);
        if (options[i]->type != OPTION_BOOL) {
            switch (completion_kind(c, options[i])) {
            case COMPLETION_NOTHING: fputs(" -x", stream); break;
            case COMPLETION_FILE: fputs(" -r -F", stream); break;
            case COMPLETION_VALUES:
                fputs(" -x -a '", stream);
                completion_print_values(c, options[i], stream);
                fputc('\'', stream);
                break;
            }
        }
        fputs(" -d ", stream);
        print_quoted(options[i]->help, stream);
        fputc('\n', stream);
    }
    print_start(command, stream);
    fputs(" -l help -d 'say what the command does'\n", stream);
    print_start(command, stream);
    if (command == &command_help || completion_has_words(c)) {
        fputs(" -a '", stream);
        if (command == &command_help)
            completion_print_commands("", stream);
        else
            completion_print_values(c, NULL, stream);
        fputs("'\n", stream);
    } else {
        fputs(" -F\n", stream);
    }
}

bool completion_write_fish(FILE *stream)
{
    fputs("# Completion of assay for fish. Written by assay itself, from its tables of options.\n"
          "\n"
          "# Whether the words before the cursor begin with this command, and (\"\", or a family) nothing follows it "
          "yet.\n"
          "function __assay_is\n"
          "    set -l words (commandline -opc)\n"
          "    set -e words[1]\n"
          "    set -l wanted (string split -n ' ' -- $argv[1])\n"
          "    set -l count (count $wanted)\n"
          "    if contains -- --exactly $argv\n"
          "        test (count $words) -eq $count; or return 1\n"
          "    end\n"
          "    test (count $words) -ge $count; or return 1\n"
          "    test $count -eq 0; or test \"$words[1..$count]\" = \"$wanted\"\n"
          "end\n"
          "\n"
          "complete -c assay -f\n"
          "complete -c assay -n '__assay_is \"\" --exactly' -l help -d 'list the commands'\n"
          "complete -c assay -n '__assay_is \"\" --exactly' -l version -d 'print the versions in use'\n",
          stream);
    for (int i = 0; cli_commands[i]; i++) {
        char family[COMPLETION_FAMILY];
        bool first = completion_family(cli_commands[i], family);
        const char *name = cli_commands[i]->name;
        if (first && family[0]) {
            fprintf(stream, "complete -c assay -n '__assay_is \"\" --exactly' -a %s -d 'commands ", family);
            completion_print_commands(family, stream);
            fputs("'\n", stream);
        }
        if (family[0])
            name = strchr(name, ' ') + 1;
        fprintf(stream, "complete -c assay -n '__assay_is \"%s\" --exactly' -a %s -d ", family, name);
        print_quoted(cli_commands[i]->summary, stream);
        fputc('\n', stream);
    }
    bool whole = completion_each(print_command, stream);
    return whole;
}
