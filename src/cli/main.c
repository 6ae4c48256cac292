/* main.c - the command `assay`: finds the subcommand in its table and runs it. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/version.h"

/* One line a subcommand, in the order of `assay help`. */
const struct command *const cli_commands[] = {
    &command_detect,        &command_explain,
    &command_inspect,       &command_eval,
    &command_model_info,    &command_model_convert,
    &command_model_import,  &command_model_merge,
    &command_model_adapter, &command_model_attach,
    &command_model_join,    &command_model_calibrate,
    &command_model_limits,  &command_pull,
    &command_train,         &command_data_check,
    &command_data_balance,  &command_data_reconstruct,
    &command_help,          NULL,
};

/* Descriptors 0 to 2 may be closed when we start; a file opened later must not take their place and receive what is
 * printed. Standard output becomes one that refuses writing, so that the loss is noticed. */
static bool standard_streams_open(void)
{
    static const int mode[3] = {O_RDONLY, O_RDONLY, O_WRONLY};
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", mode[fd]) != fd)
            return false;
    return true;
}

/* Threads that have nothing to compute must sleep, not spin: they share the processors with those that decode pictures,
 * and with other programs. (300 pictures on two busy cores: 50 s spinning, 4 s sleeping.) libgomp reads this setting
 * when it is loaded, before main, so the program starts itself once more; where that fails it only runs slower. */
static void sleep_while_waiting(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT"))
        return;
    if (setenv("OMP_WAIT_POLICY", "PASSIVE", 1) == 0)
        execv("/proc/self/exe", argv);
}

/* The command whose name is the first word or the first two; *used: how many. */
static const struct command *find_command(int argc, char **argv, int *used)
{
    for (int i = 0; cli_commands[i]; i++) {
        const char *name = cli_commands[i]->name;
        const char *space = strchr(name, ' ');
        size_t first = space ? (size_t)(space - name) : strlen(name);
        if (argc < 1 || strlen(argv[0]) != first || strncmp(argv[0], name, first) != 0)
            continue;
        if (!space) {
            *used = 1;
            return cli_commands[i];
        }
        if (argc >= 2 && strcmp(argv[1], space + 1) == 0) {
            *used = 2;
            return cli_commands[i];
        }
    }
    if (argc >= 1 && strcmp(argv[0], command_generate.name) == 0) {
        *used = 1;
        return &command_generate;
    }
    return NULL;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    sleep_while_waiting(argv);
    if (!standard_streams_open())
        return CLI_FAILED;
    /* A reader that goes away is a write error like any other: work that is under way can be put in order. */
    signal(SIGPIPE, SIG_IGN);

    if (argc < 2) {
        cli_print_overview(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        cli_print_version(stdout);
        return cli_flush() ? CLI_OK : CLI_FAILED;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        cli_print_overview(stdout);
        return cli_flush() ? CLI_OK : CLI_FAILED;
    }
    int used = 0;
    const struct command *command = find_command(argc - 1, argv + 1, &used);
    if (!command) {
        cli_complain("no command '%s'; see 'assay help'", argv[1]);
        return CLI_USAGE;
    }
    if (asks_for_help(argc - 1 - used, argv + 1 + used)) {
        cli_print_help(command, stdout);
        return cli_flush() ? CLI_OK : CLI_FAILED;
    }
    return command->run(argc - 1 - used, argv + 1 + used);
}
