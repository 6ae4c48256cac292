/* interrupt.c - Ctrl-C and termination of commands whose work can be resumed. */
#include "cli/cli.h"

volatile sig_atomic_t cli_interrupted;

static void on_signal(int number)
{
    (void)number;
    cli_interrupted = 1;
}

void cli_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}
