/* option_json.c - config structs to and from JSON, by their table. */
#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "base/option_value.h"

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
    case OPTION_BOOL: return json_boolean(*option_bool_at(option, config));
    case OPTION_INT: return json_integer(*option_int_at(option, config));
    case OPTION_FLOAT: return json_real(*option_float_at(option, config));
    case OPTION_TEXT:
        return *option_text_at(option, config) ? text_to_json(*option_text_at(option, config)) : json_null();
    case OPTION_CHOICE:
        name = option_choice_name(option->choices, *option_choice_at(option, config), &length);
        return name ? json_stringn(name, length) : NULL;
    case OPTION_TEXTS: return texts_to_json(option_texts_at(option, config));
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
    case JSON_REAL: option_format_float(json_real_value(value), text, size); return text;
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
    *option_texts_at(option, config) = (struct option_texts){0};
    for (size_t i = 0; i < json_array_size(value) && !*status; i++)
        *status = option_add_text(option, config, json_string_value(json_array_get(value, i)), arena, error);
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
        *option_bool_at(option, config) = json_is_true(value);
        return ASSAY_OK;
    case OPTION_INT:
        if (!json_is_integer(value) || !option_in_range(option, (double)json_integer_value(value)))
            break;
        *option_int_at(option, config) = json_integer_value(value);
        return ASSAY_OK;
    case OPTION_FLOAT:
        if (!json_is_number(value) || !option_in_range(option, json_number_value(value)))
            break;
        *option_float_at(option, config) = json_number_value(value);
        return ASSAY_OK;
    case OPTION_TEXT:
        if (json_is_null(value) && !option->default_text) {
            *option_text_at(option, config) = NULL;
            return ASSAY_OK;
        }
        if (!json_is_string(value))
            break;
        return option_set_text(option, config, json_string_value(value), arena, error);
    case OPTION_CHOICE:
        if (!json_is_string(value) || option_choice_find(option->choices, json_string_value(value)) < 0)
            break;
        *option_choice_at(option, config) = option_choice_find(option->choices, json_string_value(value));
        return ASSAY_OK;
    case OPTION_TEXTS:
        if (!texts_from_json(option, config, value, arena, &status, error))
            break;
        return status;
    }
    return option_refuse(option, where, describe_json(value, text, sizeof text), error);
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
                                     : option_refuse_unknown(table, prefix, key, error);
        if (status)
            return status;
    }
    return ASSAY_OK;
}
