/* sink.c - the calls of a command that tells more about itself, handed on to whoever listens. */
#include <stdarg.h>

#include "cli/cli.h"

enum { TEXT_SIZE = 2048 };

#define FORMAT(text)                                                                                                   \
    char text[TEXT_SIZE];                                                                                              \
    va_list args;                                                                                                      \
    va_start(args, format);                                                                                            \
    vsnprintf(text, sizeof text, format, args);                                                                        \
    va_end(args)

void cli_heading(struct cli_sink *sink, const char *format, ...)
{
    FORMAT(text);
    if (sink->heading)
        sink->heading(sink, text);
}

void cli_options(struct cli_sink *sink, const struct option *table)
{
    if (sink->options)
        sink->options(sink, table);
}

void cli_entry(struct cli_sink *sink, const char *name, const char *format, ...)
{
    FORMAT(text);
    if (sink->entry)
        sink->entry(sink, name, text);
}

void cli_note(struct cli_sink *sink, const char *format, ...)
{
    FORMAT(text);
    if (sink->note)
        sink->note(sink, text);
}

void cli_value(struct cli_sink *sink, const char *option, const char *value)
{
    if (sink->value)
        sink->value(sink, option, value);
}

void cli_unlisted(struct cli_sink *sink, const struct option *table)
{
    if (sink->unlisted)
        sink->unlisted(sink, table);
}
