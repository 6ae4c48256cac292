/* option_value.c - one value of a table: its place in the config, text to value and back, what is allowed, and how a
 * value or a name that is not is refused. */
#include "base/option_value.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

bool *option_bool_at(const struct option *option, const void *config)
{
    return (bool *)((char *)config + option->offset);
}

int64_t *option_int_at(const struct option *option, const void *config)
{
    return (int64_t *)((char *)config + option->offset);
}

double *option_float_at(const struct option *option, const void *config)
{
    return (double *)((char *)config + option->offset);
}

const char **option_text_at(const struct option *option, const void *config)
{
    return (const char **)((char *)config + option->offset);
}

int *option_choice_at(const struct option *option, const void *config)
{
    return (int *)((char *)config + option->offset);
}

struct option_texts *option_texts_at(const struct option *option, const void *config)
{
    return (struct option_texts *)((char *)config + option->offset);
}

/* Numbers are read and written the same whatever the program's locale is. */
static locale_t numbers_begin(locale_t *c_locale)
{
    *c_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    return *c_locale ? uselocale(*c_locale) : (locale_t)0;
}

static void numbers_end(locale_t c_locale, locale_t before)
{
    if (c_locale) {
        uselocale(before);
        freelocale(c_locale);
    }
}

bool option_parse_int(const char *text, int64_t *out)
{
    if (!text[0] || strspn(text, "+-0123456789") != strlen(text))
        return false;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || *end)
        return false;
    *out = value;
    return true;
}

bool option_parse_float(const char *text, double *out)
{
    if (!text[0] || strspn(text, "+-.0123456789eE") != strlen(text)) /* neither hexadecimal nor infinite */
        return false;
    char *end;
    locale_t c_locale, before = numbers_begin(&c_locale);
    double value = strtod(text, &end);
    numbers_end(c_locale, before);
    if (*end || !isfinite(value))
        return false;
    *out = value;
    return true;
}

bool option_parse_bool(const char *text, bool *out)
{
    static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no", "off", "0"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *out = strcmp(text, yes[i]) == 0;
            return true;
        }
    return false;
}

void option_format_float(double value, char *text, size_t size)
{
    if (fabs(value) < 1e9 && value == floor(value)) {
        snprintf(text, size, "%.0f", value);
        return;
    }
    locale_t c_locale, before = numbers_begin(&c_locale);
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, size, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    numbers_end(c_locale, before);
}

const char *option_choice_name(const char *choices, int index, size_t *length)
{
    for (const char *name = choices;; name += *length + 1) {
        *length = strcspn(name, "|");
        if (index-- == 0)
            return name;
        if (!name[*length])
            return NULL;
    }
}

int option_choice_find(const char *choices, const char *text)
{
    size_t length;
    const char *name;
    for (int i = 0; (name = option_choice_name(choices, i, &length)); i++)
        if (strlen(text) == length && memcmp(name, text, length) == 0)
            return i;
    return -1;
}

bool option_has_range(const struct option *option)
{
    return option->min != 0 || option->max != 0;
}

bool option_in_range(const struct option *option, double value)
{
    return !option_has_range(option) || (value >= option->min && value <= option->max);
}

/* What an option takes: "a whole number from 1 to 100". */
static void format_allowed(const struct option *option, char *text, size_t size)
{
    char min[OPTION_NUMBER], max[OPTION_NUMBER];
    switch (option->type) {
    case OPTION_BOOL: snprintf(text, size, "true or false"); return;
    case OPTION_TEXT: snprintf(text, size, "a text"); return;
    case OPTION_TEXTS: snprintf(text, size, "a list of texts"); return;
    case OPTION_CHOICE: snprintf(text, size, "one of %s", option->choices); return;
    case OPTION_INT:
    case OPTION_FLOAT: break;
    }
    const char *kind = option->type == OPTION_INT ? "a whole number" : "a number";
    option_format_float(option->min, min, sizeof min);
    option_format_float(option->max, max, sizeof max);
    if (option_has_range(option))
        snprintf(text, size, "%s from %s to %s", kind, min, max);
    else
        snprintf(text, size, "%s", kind);
}

assay_status option_refuse(const struct option *option, const char *where, const char *text, struct assay_error *error)
{
    char allowed[256], shown[TEXT_NAME], hint[TEXT_NEAREST] = "";
    format_allowed(option, allowed, sizeof allowed);
    if (option->type == OPTION_CHOICE) {
        struct nearest nearest = nearest_to(text);
        char names[8][32];
        size_t length;
        const char *name;
        for (int i = 0; i < 8 && (name = option_choice_name(option->choices, i, &length)); i++) {
            snprintf(names[i], sizeof names[i], "%.*s", (int)length, name);
            nearest_offer(&nearest, names[i]);
        }
        nearest_text(&nearest, hint);
    }
    return error_set(error, ASSAY_ERROR_ARGUMENT, "%soption %s: \"%s\" is not %s%s", where, option->name,
                     text_printable(text, shown, sizeof shown), allowed, hint);
}

assay_status option_refuse_unknown(const struct option *table, const char *where, const char *name,
                                   struct assay_error *error)
{
    char shown[TEXT_NAME], hint[TEXT_NEAREST];
    struct nearest nearest = nearest_to(name);
    for (const struct option *option = table; option->name; option++)
        nearest_offer(&nearest, option->name);
    return error_set(error, ASSAY_ERROR_ARGUMENT, "%sunknown option \"%s\"%s", where,
                     text_printable(name, shown, sizeof shown), nearest_text(&nearest, hint));
}

void option_format(const struct option *option, const void *config, char *text, size_t size)
{
    size_t length;
    const char *name;
    switch (option->type) {
    case OPTION_BOOL: snprintf(text, size, "%s", *option_bool_at(option, config) ? "true" : "false"); break;
    case OPTION_INT: snprintf(text, size, "%" PRId64, *option_int_at(option, config)); break;
    case OPTION_FLOAT: option_format_float(*option_float_at(option, config), text, size); break;
    case OPTION_TEXT:
        snprintf(text, size, "%s", *option_text_at(option, config) ? *option_text_at(option, config) : "");
        break;
    case OPTION_CHOICE:
        name = option_choice_name(option->choices, *option_choice_at(option, config), &length);
        snprintf(text, size, "%.*s", name ? (int)length : 0, name ? name : "");
        break;
    case OPTION_TEXTS:
        if (size)
            text[0] = '\0';
        for (size_t i = 0, used = 0; i < option_texts_at(option, config)->count && used < size; i++)
            used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
                                     option_texts_at(option, config)->items[i]);
        break;
    }
}
