/* option_help.c - a table as the help of a command. */
#include <string.h>

#include "base/option_value.h"

enum { OPTION_HELP_COLUMN = 34 };

static int format_flag(const struct option *option, char *text, size_t size)
{
    static const char *const values[] = {"", " N", " X", " TEXT", "", " TEXT..."};
    if (option->type == OPTION_BOOL)
        return snprintf(text, size, "  --[no-]%s", option->name);
    if (option->type == OPTION_CHOICE)
        return snprintf(text, size, "  --%s %s", option->name, option->choices);
    return snprintf(text, size, "  --%s%s", option->name, values[option->type]);
}

void option_format_bounds(const struct option *option, char *text, size_t size)
{
    char min[OPTION_NUMBER], max[OPTION_NUMBER], range[2 * OPTION_NUMBER + 8] = "";
    const char *given = option->default_text ? option->default_text : "";
    if ((option->type == OPTION_INT || option->type == OPTION_FLOAT) && option_has_range(option)) {
        option_format_float(option->min, min, sizeof min);
        option_format_float(option->max, max, sizeof max);
        snprintf(range, sizeof range, "%s to %s", min, max);
    }
    snprintf(text, size, "%s%s%s%s%s%s", *given || *range ? " (" : "", *given ? "default " : "", given,
             *given && *range ? "; " : "", range, *given || *range ? ")" : "");
}

void option_print_help(const struct option *table, FILE *stream)
{
    char flag[256], bounds[OPTION_BOUNDS];
    int width = 0;
    for (const struct option *option = table; option->name; option++) {
        int length = format_flag(option, flag, sizeof flag);
        if (length > width && length <= OPTION_HELP_COLUMN)
            width = length;
    }
    for (const struct option *option = table; option->name; option++) {
        int length = format_flag(option, flag, sizeof flag);
        if (length > width) /* too wide for the column: help goes on a line of its own */
            fprintf(stream, "%s\n%*s", flag, width, "");
        else
            fprintf(stream, "%-*s", width, flag);
        fprintf(stream, "   %s", option->help);
        option_format_bounds(option, bounds, sizeof bounds);
        fprintf(stream, "%s\n", bounds);
    }
}
