/* cmd_generate.c - `assay generate`: the manual page and the shells' completion, from the tables that options are
 * parsed by. The build runs it; `assay help` does not list it. */
#include <string.h>

#include "cli/cli.h"
#include "cli/completion.h"

static bool write_manual(FILE *stream)
{
    cli_write_manual(stream);
    return true;
}

static const struct {
    const char *name;
    bool (*write)(FILE *stream);
} kinds[] = {
    {"manual", write_manual},
    {"bash", completion_write_bash},
    {"zsh", completion_write_zsh},
    {"fish", completion_write_fish},
};

static int generate_run(int argc, char **argv)
{
    for (size_t i = 0; argc == 1 && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(argv[0], kinds[i].name) != 0)
            continue;
        if (!kinds[i].write(stdout)) {
            cli_complain("out of memory for the completion");
            return CLI_FAILED;
        }
        return cli_flush() ? CLI_OK : CLI_FAILED;
    }
    cli_complain("generate takes one word: manual, bash, zsh or fish");
    return CLI_USAGE;
}

const struct command command_generate = {
    "generate",
    "write the manual page or a shell's completion to standard output",
    "manual|bash|zsh|fish",
    NULL,
    NULL,
    NULL,
    generate_run,
};
