/* list_json.c - lists as JSON: an array of objects (ForensicHub), or of [picture, mask] pairs (IMDLBenCo). */
#include "data/layouts/list.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

static assay_status item_error(const struct list_parser *p, size_t index, const char *what)
{
    return error_set(p->error, ASSAY_ERROR_FORMAT, "%s, item %zu: %s", p->name, index + 1, what);
}

/* A value as the text that a CSV list would have; NULL where it can be none. */
static const char *as_text(const json_t *value)
{
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_null(value))
        return "";
    if (json_is_true(value))
        return "1";
    if (json_is_false(value))
        return "0";
    if (json_is_number(value) && (json_number_value(value) == 0 || json_number_value(value) == 1))
        return json_number_value(value) == 0 ? "0" : "1";
    return NULL;
}

static assay_status emit_object(const struct list_parser *p, size_t index, json_t *item)
{
    const char *field[FIELD_COUNT] = {NULL}, *key;
    json_t *value;
    json_object_foreach(item, key, value)
    {
        enum list_field which = list_field_of(key);
        if (which == FIELD_COUNT)
            continue;
        if (field[which])
            return item_error(p, index, "two keys that say the same");
        field[which] = which == FIELD_LABEL || json_is_string(value) || json_is_null(value) ? as_text(value) : NULL;
        if (!field[which])
            return item_error(p, index,
                              which == FIELD_LABEL ? "a label that is neither 0 nor 1, nor a text"
                                                   : "a value that is no text");
    }
    return list_emit(p, "item", index + 1, field);
}

/* [picture, mask], or [picture, "Negative"] for a picture that was not altered. */
static assay_status emit_pair(const struct list_parser *p, size_t index, const json_t *item)
{
    const char *field[FIELD_COUNT] = {NULL}, *path = json_string_value(json_array_get(item, 0)),
               *mask = json_string_value(json_array_get(item, 1));
    if (json_array_size(item) != 2 || !path || !mask || !mask[0])
        return item_error(p, index, "no pair of a picture and its mask (or \"Negative\")");
    field[FIELD_PATH] = path;
    field[FIELD_MASK] = mask;
    field[FIELD_LABEL] = strcasecmp(mask, "Negative") == 0 ? "0" : "1";
    return list_emit(p, "item", index + 1, field);
}

assay_status list_parse_json(const struct list_parser *p, const char *bytes, size_t size)
{
    json_error_t problem;
    size_t mark = size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0, index;
    json_t *list = json_loadb(bytes + mark, size - mark, JSON_REJECT_DUPLICATES, &problem), *item;
    assay_status status = ASSAY_OK;
    if (!list)
        return error_set(p->error, ASSAY_ERROR_FORMAT, "%s, line %d: %s", p->name, problem.line, problem.text);
    if (!json_is_array(list))
        status = error_set(p->error, ASSAY_ERROR_FORMAT, "%s: no array of pictures", p->name);
    json_array_foreach(list, index, item)
    {
        if (json_is_object(item))
            status = emit_object(p, index, item);
        else if (json_is_array(item))
            status = emit_pair(p, index, item);
        else
            status = item_error(p, index, "neither an object with path and label, nor a pair of picture and mask");
        if (status)
            break;
    }
    json_decref(list);
    return status;
}
