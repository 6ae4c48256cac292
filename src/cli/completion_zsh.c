/* completion_zsh.c - completion for zsh's compsys. */
#include <string.h>

#include "cli/completion.h"

/* Text between single quotes, in a specification of _describe: a colon would end the name. */
static void print_quoted(const char *text, FILE *stream)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", stream);
        else if (*text == ':')
            fputs("\\:", stream);
        else
            fputc(*text, stream);
    }
}

static void print_command(const struct command *command, const struct completion *c, FILE *stream)
{
    const struct option *const *options = c->options.data;
    fprintf(stream, "    '%s')\n        case $previous in\n", command->name);
    for (size_t i = 0; i < c->options.count; i++) {
        if (options[i]->type == OPTION_BOOL)
            continue;
        fprintf(stream, "        --%s)", options[i]->name);
        switch (completion_kind(c, options[i])) {
        case COMPLETION_NOTHING: fputs(" return 1 ;;\n", stream); break;
        case COMPLETION_FILE: fputs(" _files; return ;;\n", stream); break;
        case COMPLETION_VALUES:
            fputs(" compadd -- ", stream);
            completion_print_values(c, options[i], stream);
            fputs("; return ;;\n", stream);
            break;
        }
    }
    fputs("        esac\n        options=(\n", stream);
    for (size_t i = 0; i < c->options.count; i++) {
        fprintf(stream, "            '--%s%s:", completion_no(options[i]), options[i]->name);
        print_quoted(options[i]->help, stream);
        fputs("'\n", stream);
    }
    fputs("            '--help:say what the command does'\n        )\n", stream);
    if (command == &command_help || completion_has_words(c)) {
        fputs("        values=(", stream);
        if (command == &command_help)
            completion_print_commands("", stream);
        else
            completion_print_values(c, NULL, stream);
        fputs(")\n", stream);
    }
    fputs("        ;;\n", stream);
}

/* NAME:SUMMARY of all commands, or of a family. */
static void print_commands(const char *family, FILE *stream)
{
    for (int i = 0; cli_commands[i]; i++) {
        char own[COMPLETION_FAMILY];
        bool first = completion_family(cli_commands[i], own);
        const char *name = cli_commands[i]->name;
        size_t skipped = family[0] ? strlen(family) + 1 : 0;
        if (family[0] ? strcmp(own, family) != 0 : !first)
            continue;
        fprintf(stream, "            '%s:", !family[0] && own[0] ? own : name + skipped);
        if (!family[0] && own[0]) {
            fputs("commands ", stream);
            completion_print_commands(own, stream);
        } else {
            print_quoted(cli_commands[i]->summary, stream);
        }
        fputs("'\n", stream);
    }
}

bool completion_write_zsh(FILE *stream)
{
    fputs("#compdef assay\n"
          "# Completion of assay for zsh. Written by assay itself, from its tables of options.\n"
          "\n"
          "_assay() {\n"
          "    local command='' previous=$words[CURRENT-1]\n"
          "    local -a options values\n"
          "    if (( CURRENT == 2 )); then\n"
          "        values=(\n",
          stream);
    print_commands("", stream);
    fputs("            '--help:list the commands'\n            '--version:print the versions in use'\n"
          "        )\n        _describe command values\n        return\n    fi\n"
          "    command=$words[2]\n    case $command in\n",
          stream);
    for (int i = 0; cli_commands[i]; i++) {
        char family[COMPLETION_FAMILY];
        if (!completion_family(cli_commands[i], family) || !family[0])
            continue;
        fprintf(stream, "    %s)\n        if (( CURRENT == 3 )); then\n        values=(\n", family);
        print_commands(family, stream);
        fputs("        )\n        _describe command values\n        return\n        fi\n"
              "        command+=\" $words[3]\"\n        ;;\n",
              stream);
    }
    fputs("    esac\n"
          "    if (( ${words[(I)--]} > 1 && ${words[(I)--]} < CURRENT )); then\n"
          "        _files\n"
          "        return\n"
          "    fi\n"
          "    if [[ $words[CURRENT] == --*=* ]]; then\n"
          "        previous=${words[CURRENT]%%=*}\n"
          "        compset -P '*='\n"
          "    fi\n"
          "    case $command in\n",
          stream);
    bool whole = completion_each(print_command, stream);
    fputs("    esac\n"
          "    if [[ $words[CURRENT] == -* ]]; then\n"
          "        _describe -o option options\n"
          "    elif (( $#values )); then\n"
          "        compadd -- $values\n"
          "    else\n"
          "        _files\n"
          "    fi\n"
          "}\n"
          "\n"
          "_assay \"$@\"\n",
          stream);
    return whole;
}
