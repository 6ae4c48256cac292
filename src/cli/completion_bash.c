/* completion_bash.c - completion for bash, which needs nothing but bash itself. */
#include "cli/completion.h"

/* What --option=VALUE and --option VALUE offer, one branch of a `case`. */
static void print_options(const struct completion *c, FILE *stream)
{
    const struct option *const *options = c->options.data;
    for (size_t i = 0; i < c->options.count; i++) {
        if (options[i]->type == OPTION_BOOL)
            continue;
        fprintf(stream, "        --%s)", options[i]->name);
        switch (completion_kind(c, options[i])) {
        case COMPLETION_NOTHING: fputs(" return ;;\n", stream); break;
        case COMPLETION_FILE: fputs(" _assay_files \"$current\"; return ;;\n", stream); break;
        case COMPLETION_VALUES:
            fputs(" _assay_words \"$current\" '", stream);
            completion_print_values(c, options[i], stream);
            fputs("'; return ;;\n", stream);
            break;
        }
    }
}

static void print_command(const struct command *command, const struct completion *c, FILE *stream)
{
    const struct option *const *options = c->options.data;
    fprintf(stream, "    '%s')\n        case $previous in\n", command->name);
    print_options(c, stream);
    fputs("        esac\n        options='", stream);
    for (size_t i = 0; i < c->options.count; i++)
        fprintf(stream, "--%s%s ", completion_no(options[i]), options[i]->name);
    fputs("--help'\n", stream);
    if (command == &command_help) {
        fputs("        words='", stream);
        completion_print_commands("", stream);
        fputs("'\n", stream);
    } else if (completion_has_words(c)) {
        fputs("        words='", stream);
        completion_print_values(c, NULL, stream);
        fputs("'\n", stream);
    }
    fputs("        ;;\n", stream);
}

static const char begin[] = "# Completion of assay for bash. Written by assay itself, from its tables of options.\n"
                            "\n"
                            "_assay_words() { # CURRENT WORDS\n"
                            "    mapfile -t COMPREPLY < <(compgen -W \"$2\" -- \"$1\")\n"
                            "}\n"
                            "\n"
                            "_assay_files() { # CURRENT\n"
                            "    compopt -o filenames 2>/dev/null\n"
                            "    mapfile -t COMPREPLY < <(compgen -f -- \"$1\")\n"
                            "}\n"
                            "\n"
                            "_assay() {\n"
                            "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} "
                            "command='' words='' options='' i\n"
                            "    COMPREPLY=()\n"
                            "    # bash parts --name=VALUE into three words\n"
                            "    if [ \"$current\" = = ]; then\n"
                            "        current=\n"
                            "    elif [ \"$previous\" = = ] && [ \"$COMP_CWORD\" -ge 2 ]; then\n"
                            "        previous=${COMP_WORDS[COMP_CWORD - 2]}\n"
                            "    fi\n"
                            "    [ \"$COMP_CWORD\" -gt 1 ] && command=${COMP_WORDS[1]}\n"
                            "    case $command in\n"
                            "    '')\n"
                            "        _assay_words \"$current\" '";

bool completion_write_bash(FILE *stream)
{
    fputs(begin, stream);
    completion_print_commands("", stream);
    fputs(" --help --version'\n        return\n        ;;\n", stream);
    for (int i = 0; cli_commands[i]; i++) {
        char family[COMPLETION_FAMILY];
        if (!completion_family(cli_commands[i], family) || !family[0])
            continue;
        fprintf(stream, "    %s)\n        if [ \"$COMP_CWORD\" -eq 2 ]; then\n            _assay_words \"$current\" '",
                family);
        completion_print_commands(family, stream);
        fputs("'\n            return\n        fi\n        command+=\" ${COMP_WORDS[2]}\"\n        ;;\n", stream);
    }
    fputs("    esac\n"
          "    for ((i = 2; i < COMP_CWORD; i++)); do\n"
          "        if [ \"${COMP_WORDS[i]}\" = -- ]; then\n"
          "            _assay_files \"$current\"\n"
          "            return\n"
          "        fi\n"
          "    done\n"
          "    case $command in\n",
          stream);
    bool whole = completion_each(print_command, stream);
    fputs("    esac\n"
          "    if [ \"${current:0:1}\" = - ]; then\n"
          "        _assay_words \"$current\" \"$options\"\n"
          "    elif [ -n \"$words\" ]; then\n"
          "        _assay_words \"$current\" \"$words\"\n"
          "    else\n"
          "        _assay_files \"$current\"\n"
          "    fi\n"
          "}\n"
          "\n"
          "complete -F _assay assay\n",
          stream);
    return whole;
}
