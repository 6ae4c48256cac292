/* option.c - reads and writes config structs by their table. */
#include "base/option.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum { OPTION_NUMBER = 40, OPTION_HELP_COLUMN = 34 };

static bool *bool_at(const struct option *option, const void *config)
{
    return (bool *)((char *)config + option->offset);
}

static int64_t *int_at(const struct option *option, const void *config)
{
    return (int64_t *)((char *)config + option->offset);
}

static double *float_at(const struct option *option, const void *config)
{
    return (double *)((char *)config + option->offset);
}

static const char **text_at(const struct option *option, const void *config)
{
    return (const char **)((char *)config + option->offset);
}

static int *choice_at(const struct option *option, const void *config)
{
    return (int *)((char *)config + option->offset);
}

static struct option_texts *texts_at(const struct option *option, const void *config)
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

static bool parse_int(const char *text, int64_t *out)
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

static bool parse_float(const char *text, double *out)
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

static bool parse_bool(const char *text, bool *out)
{
    static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no", "off", "0"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *out = strcmp(text, yes[i]) == 0;
            return true;
        }
    return false;
}

/* The shortest decimal that reads back as the same double; whole numbers without an exponent. */
static void format_float(double value, char *text, size_t size)
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

/* The i-th of "a|b|c"; NULL behind the last. */
static const char *choice_name(const char *choices, int index, size_t *length)
{
    for (const char *name = choices;; name += *length + 1) {
        *length = strcspn(name, "|");
        if (index-- == 0)
            return name;
        if (!name[*length])
            return NULL;
    }
}

static int choice_find(const char *choices, const char *text)
{
    size_t length;
    const char *name;
    for (int i = 0; (name = choice_name(choices, i, &length)); i++)
        if (strlen(text) == length && memcmp(name, text, length) == 0)
            return i;
    return -1;
}

static bool has_range(const struct option *option)
{
    return option->min != 0 || option->max != 0;
}

static bool in_range(const struct option *option, double value)
{
    return !has_range(option) || (value >= option->min && value <= option->max);
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
    format_float(option->min, min, sizeof min);
    format_float(option->max, max, sizeof max);
    if (has_range(option))
        snprintf(text, size, "%s from %s to %s", kind, min, max);
    else
        snprintf(text, size, "%s", kind);
}

/* `where`: "PATH: " or "". */
static assay_status refuse(const struct option *option, const char *where, const char *text, struct assay_error *error)
{
    char allowed[256], shown[TEXT_NAME], hint[TEXT_NEAREST] = "";
    format_allowed(option, allowed, sizeof allowed);
    if (option->type == OPTION_CHOICE) {
        struct nearest nearest = nearest_to(text);
        char names[8][32];
        size_t length;
        const char *name;
        for (int i = 0; i < 8 && (name = choice_name(option->choices, i, &length)); i++) {
            snprintf(names[i], sizeof names[i], "%.*s", (int)length, name);
            nearest_offer(&nearest, names[i]);
        }
        nearest_text(&nearest, hint);
    }
    return error_set(error, ASSAY_ERROR_ARGUMENT, "%soption %s: \"%s\" is not %s%s", where, option->name,
                     text_printable(text, shown, sizeof shown), allowed, hint);
}

static assay_status refuse_unknown(const struct option *table, const char *where, const char *name,
                                   struct assay_error *error)
{
    char shown[TEXT_NAME], hint[TEXT_NEAREST];
    struct nearest nearest = nearest_to(name);
    for (const struct option *option = table; option->name; option++)
        nearest_offer(&nearest, option->name);
    return error_set(error, ASSAY_ERROR_ARGUMENT, "%sunknown option \"%s\"%s", where,
                     text_printable(name, shown, sizeof shown), nearest_text(&nearest, hint));
}

static assay_status set_text(const struct option *option, void *config, const char *text, struct arena *arena,
                             struct assay_error *error)
{
    const char *copy = arena ? arena_strdup(arena, text) : text;
    if (!copy)
        return error_memory(error, option->name);
    *text_at(option, config) = copy;
    return ASSAY_OK;
}

static assay_status add_text(const struct option *option, void *config, const char *text, struct arena *arena,
                             struct assay_error *error)
{
    struct option_texts *texts = texts_at(option, config);
    const char **items = arena ? arena_alloc(arena, texts->count + 1, sizeof *items) : NULL;
    const char *copy = items ? arena_strdup(arena, text) : NULL;
    if (!copy)
        return error_memory(error, option->name);
    if (texts->count)
        memcpy(items, texts->items, texts->count * sizeof *items);
    items[texts->count] = copy;
    *texts = (struct option_texts){items, texts->count + 1};
    return ASSAY_OK;
}

/* With no arena a text is kept by reference. */
static assay_status set_field(const struct option *option, void *config, const char *text, struct arena *arena,
                              struct assay_error *error)
{
    bool truth;
    int64_t whole;
    double number;
    int choice;
    switch (option->type) {
    case OPTION_BOOL:
        if (!parse_bool(text, &truth))
            break;
        *bool_at(option, config) = truth;
        return ASSAY_OK;
    case OPTION_INT:
        if (!parse_int(text, &whole) || !in_range(option, (double)whole))
            break;
        *int_at(option, config) = whole;
        return ASSAY_OK;
    case OPTION_FLOAT:
        if (!parse_float(text, &number) || !in_range(option, number))
            break;
        *float_at(option, config) = number;
        return ASSAY_OK;
    case OPTION_TEXT: return set_text(option, config, text, arena, error);
    case OPTION_CHOICE:
        choice = choice_find(option->choices, text);
        if (choice < 0)
            break;
        *choice_at(option, config) = choice;
        return ASSAY_OK;
    case OPTION_TEXTS: return add_text(option, config, text, arena, error);
    }
    return refuse(option, "", text, error);
}

void option_defaults(const struct option *table, void *config)
{
    for (const struct option *option = table; option->name; option++) {
        if (option->default_text)
            set_field(option, config, option->default_text, NULL, NULL);
        else if (option->type == OPTION_TEXT)
            *text_at(option, config) = NULL;
        else if (option->type == OPTION_TEXTS)
            *texts_at(option, config) = (struct option_texts){0};
    }
}

assay_status option_set(const struct option *table, void *config, const char *name, const char *text,
                        struct arena *arena, struct assay_error *error)
{
    const struct option *option = option_find(table, name);
    return option ? set_field(option, config, text, arena, error) : refuse_unknown(table, "", name, error);
}

const struct option *option_find(const struct option *table, const char *name)
{
    for (const struct option *option = table; option->name; option++)
        if (strcmp(option->name, name) == 0)
            return option;
    return NULL;
}

/* JSON holds UTF-8 only; of any other text (a path, say) the foreign bytes become '?'. */
static json_t *text_to_json(const char *text)
{
    json_t *value = json_string(text);
    if (value)
        return value;
    char *ascii = mem_strdup(text);
    if (!ascii)
        return NULL;
    for (char *c = ascii; *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    value = json_string(ascii);
    mem_free(ascii);
    return value;
}

static json_t *texts_to_json(const struct option_texts *texts)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < texts->count; i++)
        if (json_array_append_new(list, text_to_json(texts->items[i])) != 0) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

static json_t *field_to_json(const struct option *option, const void *config)
{
    size_t length;
    const char *name;
    switch (option->type) {
    case OPTION_BOOL: return json_boolean(*bool_at(option, config));
    case OPTION_INT: return json_integer(*int_at(option, config));
    case OPTION_FLOAT: return json_real(*float_at(option, config));
    case OPTION_TEXT: return *text_at(option, config) ? text_to_json(*text_at(option, config)) : json_null();
    case OPTION_CHOICE:
        name = choice_name(option->choices, *choice_at(option, config), &length);
        return name ? json_stringn(name, length) : NULL;
    case OPTION_TEXTS: return texts_to_json(texts_at(option, config));
    }
    return NULL;
}

json_t *option_to_json(const struct option *table, const void *config)
{
    json_t *object = json_object();
    for (const struct option *option = table; object && option->name; option++)
        if (json_object_set_new(object, option->name, field_to_json(option, config)) != 0) {
            json_decref(object);
            object = NULL;
        }
    return object;
}

/* A value as it is shown in a message. */
static const char *describe_json(const json_t *value, char *text, size_t size)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return json_string_value(value);
    case JSON_INTEGER: snprintf(text, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value)); return text;
    case JSON_REAL: format_float(json_real_value(value), text, size); return text;
    case JSON_TRUE: return "true";
    case JSON_FALSE: return "false";
    case JSON_NULL: return "null";
    }
    return "?";
}

/* The texts of a JSON array instead of those that there are. False: it holds something else. */
static bool texts_from_json(const struct option *option, void *config, const json_t *value, struct arena *arena,
                            assay_status *status, struct assay_error *error)
{
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!json_is_string(json_array_get(value, i)))
            return false;
    if (!json_is_array(value))
        return false;
    *texts_at(option, config) = (struct option_texts){0};
    for (size_t i = 0; i < json_array_size(value) && !*status; i++)
        *status = add_text(option, config, json_string_value(json_array_get(value, i)), arena, error);
    return true;
}

static assay_status field_from_json(const struct option *option, void *config, const json_t *value, const char *where,
                                    struct arena *arena, struct assay_error *error)
{
    char text[OPTION_NUMBER];
    assay_status status = ASSAY_OK;
    switch (option->type) {
    case OPTION_BOOL:
        if (!json_is_boolean(value))
            break;
        *bool_at(option, config) = json_is_true(value);
        return ASSAY_OK;
    case OPTION_INT:
        if (!json_is_integer(value) || !in_range(option, (double)json_integer_value(value)))
            break;
        *int_at(option, config) = json_integer_value(value);
        return ASSAY_OK;
    case OPTION_FLOAT:
        if (!json_is_number(value) || !in_range(option, json_number_value(value)))
            break;
        *float_at(option, config) = json_number_value(value);
        return ASSAY_OK;
    case OPTION_TEXT:
        if (json_is_null(value) && !option->default_text) {
            *text_at(option, config) = NULL;
            return ASSAY_OK;
        }
        if (!json_is_string(value))
            break;
        return set_text(option, config, json_string_value(value), arena, error);
    case OPTION_CHOICE:
        if (!json_is_string(value) || choice_find(option->choices, json_string_value(value)) < 0)
            break;
        *choice_at(option, config) = choice_find(option->choices, json_string_value(value));
        return ASSAY_OK;
    case OPTION_TEXTS:
        if (!texts_from_json(option, config, value, arena, &status, error))
            break;
        return status;
    }
    return refuse(option, where, describe_json(value, text, sizeof text), error);
}

assay_status option_from_json(const struct option *table, void *config, const json_t *object, const char *where,
                              struct arena *arena, struct assay_error *error)
{
    char prefix[512];
    snprintf(prefix, sizeof prefix, "%s: ", where);
    if (!json_is_object(object))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%soptions must be a JSON object", prefix);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        const struct option *option = option_find(table, key);
        assay_status status = option ? field_from_json(option, config, value, prefix, arena, error)
                                     : refuse_unknown(table, prefix, key, error);
        if (status)
            return status;
    }
    return ASSAY_OK;
}

assay_status option_check(const struct option *table, size_t config_size, struct assay_error *error)
{
    static const struct {
        size_t size, alignment;
    } kinds[] = {
        [OPTION_BOOL] = {sizeof(bool), _Alignof(bool)},
        [OPTION_INT] = {sizeof(int64_t), _Alignof(int64_t)},
        [OPTION_FLOAT] = {sizeof(double), _Alignof(double)},
        [OPTION_TEXT] = {sizeof(char *), _Alignof(char *)},
        [OPTION_CHOICE] = {sizeof(int), _Alignof(int)},
        [OPTION_TEXTS] = {sizeof(struct option_texts), _Alignof(struct option_texts)},
    };
    assay_status status = ASSAY_OK;
    void *config = mem_alloc(1, config_size);
    if (!config)
        return error_memory(error, "checking options");
    for (const struct option *option = table; !status && option->name; option++) {
        size_t size = kinds[option->type].size;
        if (option_find(table, option->name) != option)
            status = error_set(error, ASSAY_ERROR_INTERNAL, "option %s: is there twice", option->name);
        else if (option->offset % kinds[option->type].alignment || size > config_size ||
                 option->offset > config_size - size)
            status = error_set(error, ASSAY_ERROR_INTERNAL, "option %s: lies outside its struct", option->name);
        else if (!option->help || (option->type == OPTION_CHOICE && !option->choices))
            status = error_set(error, ASSAY_ERROR_INTERNAL, "option %s: has no help or no choices", option->name);
        else if (option->type == OPTION_TEXTS ? option->default_text != NULL
                                              : !option->default_text && option->type != OPTION_TEXT)
            status = error_set(error, ASSAY_ERROR_INTERNAL, "option %s: has no default, or one that it cannot have",
                               option->name);
        else if (option->default_text)
            status = set_field(option, config, option->default_text, NULL, error);
    }
    mem_free(config);
    return status;
}

void option_format(const struct option *option, const void *config, char *text, size_t size)
{
    size_t length;
    const char *name;
    switch (option->type) {
    case OPTION_BOOL: snprintf(text, size, "%s", *bool_at(option, config) ? "true" : "false"); break;
    case OPTION_INT: snprintf(text, size, "%" PRId64, *int_at(option, config)); break;
    case OPTION_FLOAT: format_float(*float_at(option, config), text, size); break;
    case OPTION_TEXT: snprintf(text, size, "%s", *text_at(option, config) ? *text_at(option, config) : ""); break;
    case OPTION_CHOICE:
        name = choice_name(option->choices, *choice_at(option, config), &length);
        snprintf(text, size, "%.*s", name ? (int)length : 0, name ? name : "");
        break;
    case OPTION_TEXTS:
        if (size)
            text[0] = '\0';
        for (size_t i = 0, used = 0; i < texts_at(option, config)->count && used < size; i++)
            used +=
                (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", texts_at(option, config)->items[i]);
        break;
    }
}

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
    if ((option->type == OPTION_INT || option->type == OPTION_FLOAT) && has_range(option)) {
        format_float(option->min, min, sizeof min);
        format_float(option->max, max, sizeof max);
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
