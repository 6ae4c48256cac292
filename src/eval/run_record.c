/* run_record.c - the record of a run, and what differs between two. */
#include "eval/run_record.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_text.h"
#include "base/memory.h"
#include "base/text.h"
#include "train/settings.h"

enum { RECORD_FORMAT = 1, RECORD_MAX_BYTES = 1 << 26, SHOWN = 96 };

/* ---- making ------------------------------------------------------------------------------------------------------ */

static bool set_optional(json_t *object, const char *key, const char *text)
{
    return text ? json_set_text(object, key, text) : json_object_set_new(object, key, json_null()) == 0;
}

/* A list of objects, one for each item; NULL: no memory. */
static json_t *list_of(const struct evaluation *e, size_t count, json_t *(*item)(const struct evaluation *, size_t))
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++)
        if (json_array_append_new(list, item(e, i)) != 0) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

static json_t *model_settings(const struct evaluation *e, size_t i)
{
    const struct evaluation_model *m = &e->models[i];
    json_t *object = json_object();
    json_set_text(object, "name", m->name);
    json_object_set_new(object, "detector", json_string(m->model.detector->name));
    json_object_set_new(object, "sha256", json_string(m->sha256));
    return object;
}

static json_t *set_settings(const struct evaluation *e, size_t i)
{
    const struct evaluation_set *s = &e->sets[i];
    json_t *object = json_object();
    json_set_text(object, "name", s->name);
    json_object_set_new(object, "digest", json_string(s->all.digest));
    json_object_set_new(object, "layout", s->all.layout ? json_string(s->all.layout) : json_null());
    json_object_set_new(object, "protocol", json_string(s->protocol->name));
    json_object_set_new(object, "real", json_integer((json_int_t)s->taken.label_count[LABEL_REAL]));
    json_object_set_new(object, "generated", json_integer((json_int_t)s->taken.label_count[LABEL_GENERATED]));
    json_object_set_new(object, "left_by_name", json_integer((json_int_t)s->left[PROTOCOL_LEFT_BY_NAME]));
    json_object_set_new(object, "left_by_sampling", json_integer((json_int_t)s->left[PROTOCOL_LEFT_BY_SAMPLING]));
    json_object_set_new(object, "left_without_row", json_integer((json_int_t)s->left[PROTOCOL_LEFT_WITHOUT_ROW]));
    json_object_set_new(object, "skipped", json_integer((json_int_t)s->all.skipped));
    return object;
}

static json_t *chain_text(const struct evaluation *e, size_t i)
{
    return json_string(e->job.perturbations[i]);
}

static json_t *sweep_name(const struct evaluation *e, size_t i)
{
    return json_string(e->sweeps[i]->name);
}

static json_t *model_place(const struct evaluation *e, size_t i)
{
    json_t *object = json_object();
    json_set_text(object, "path", e->models[i].path);
    return object;
}

static json_t *set_place(const struct evaluation *e, size_t i)
{
    json_t *object = json_object();
    json_set_text(object, "path", e->sets[i].path);
    return object;
}

static json_t *settings_object(const struct evaluation *e)
{
    const struct evaluation_options *o = &e->options;
    json_t *object = json_object();
    json_object_set_new(object, "models", list_of(e, e->model_count, model_settings));
    json_object_set_new(object, "sets", list_of(e, e->set_count, set_settings));
    set_optional(object, "split", o->split);
    json_object_set_new(object, "perturbations", list_of(e, e->job.perturbation_count, chain_text));
    json_object_set_new(object, "robustness", list_of(e, e->sweep_count, sweep_name));
    json_object_set_new(object, "seed", json_integer(o->seed));
    json_object_set_new(object, "bf16", json_boolean(o->bf16));
    json_object_set_new(object, "intervals", json_integer(o->intervals));
    return object;
}

/* Whether no member was lost for lack of memory: jansson's setters refuse NULL, and so the keys are counted. */
static bool is_whole(const json_t *record)
{
    const json_t *settings = json_object_get(record, "settings"), *where = json_object_get(record, "where");
    return json_object_size(record) >= 5 && json_object_size(settings) >= 8 && json_object_size(where) == 2;
}

json_t *run_record_of(const struct evaluation *e, const char *command)
{
    json_t *record = json_object(), *where = json_object();
    json_object_set_new(record, "format", json_integer(RECORD_FORMAT));
    json_set_text(record, "command", command);
    json_object_set_new(record, "settings", settings_object(e));
    json_object_set_new(where, "models", list_of(e, e->model_count, model_place));
    json_object_set_new(where, "sets", list_of(e, e->set_count, set_place));
    json_object_set_new(record, "where", where);
    json_object_set_new(record, "environment", settings_environment());
    if (is_whole(record))
        return record;
    json_decref(record);
    return NULL;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

assay_status run_record_read(const char *path, json_t **out, struct assay_error *error)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    json_error_t why;
    char shown[TEXT_NAME];
    *out = NULL;
    if (!file_exists(path))
        return ASSAY_OK;
    assay_status status = file_read(path, RECORD_MAX_BYTES, &bytes, &size, error);
    if (status)
        return status;
    json_t *record = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, &why);
    mem_free(bytes);
    if (!json_is_object(record) || json_integer_value(json_object_get(record, "format")) != RECORD_FORMAT ||
        !json_is_object(json_object_get(record, "settings"))) {
        status = error_set(error, ASSAY_ERROR_FORMAT, "%s: not the record of an evaluation%s%s", path,
                           record ? "" : ": ", record ? "" : text_printable(why.text, shown, sizeof shown));
        json_decref(record);
        return status;
    }
    *out = record;
    return ASSAY_OK;
}

assay_status run_record_write(const json_t *record, const char *path, struct assay_error *error)
{
    struct array text = array_of(1, RECORD_MAX_BYTES);
    char *dumped = json_dumps(record, JSON_INDENT(2));
    assay_status status = dumped && array_append(&text, dumped, strlen(dumped)) && array_append(&text, "\n", 1)
                              ? file_write(path, text.data, text.count, error)
                              : error_memory(error, path);
    free(dumped); /* jansson's */
    array_free(&text);
    return status;
}

/* ---- comparing --------------------------------------------------------------------------------------------------- */

/* A value as it may be shown. */
static const char *value_text(const json_t *value, char text[SHOWN])
{
    char *dumped = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    text_printable(dumped ? dumped : "not there", text, SHOWN);
    free(dumped);
    return text;
}

/* Where two values first differ: *a and *b become what differs, `at` is extended by the way there. */
static bool find_difference(const json_t **a, const json_t **b, struct array *at)
{
    const json_t *then = *a, *now = *b, *value;
    if (json_equal(then, now))
        return false;
    if (json_is_array(then) && json_is_array(now) && json_array_size(then) == json_array_size(now)) {
        for (size_t i = 0; i < json_array_size(now); i++) {
            *a = json_array_get(then, i);
            *b = json_array_get(now, i);
            if (json_equal(*a, *b))
                continue;
            const char *name = json_string_value(json_object_get(*b, "name"));
            return name ? array_printf(at, " \"%s\":", name) && find_difference(a, b, at)
                        : array_printf(at, " %zu:", i + 1) && find_difference(a, b, at);
        }
    }
    if (json_is_object(then) && json_is_object(now)) {
        const char *key;
        const json_t *const both[2] = {now, then};
        for (int side = 0; side < 2; side++)
            json_object_foreach((json_t *)both[side], key, value)
            {
                *a = json_object_get(then, key);
                *b = json_object_get(now, key);
                if (!json_equal(*a, *b))
                    return array_printf(at, " %s", key) && find_difference(a, b, at);
            }
    }
    return true;
}

/* "sets "val": digest was X and is Y now", or "". */
static bool describe_difference(const json_t *then, const json_t *now, const char *key, struct array *out)
{
    char was[SHOWN], is[SHOWN];
    const json_t *a = json_object_get(then, key), *b = json_object_get(now, key);
    array_append(out, "", 0);
    if (json_equal(a, b))
        return false;
    find_difference(&a, &b, out);
    array_printf(out, " was %s and is %s now", value_text(a, was), value_text(b, is));
    return true;
}

assay_status run_record_compare(const json_t *then, const json_t *now, const char *path, char note[RUN_RECORD_NOTE],
                                struct assay_error *error)
{
    struct array text = array_of(1, 4096);
    char shown[512];
    assay_status status = ASSAY_OK;
    note[0] = '\0';
    if (describe_difference(then, now, "settings", &text)) {
        text_printable(text.count ? text.data : "", shown, sizeof shown);
        status = error_set(error, ASSAY_ERROR_ARGUMENT, "%s: the folder holds another run:%s; name another with --out",
                           path, shown);
    } else if (describe_difference(then, now, "environment", &text)) {
        text_printable(text.count ? text.data : "", shown, sizeof shown);
        snprintf(note, RUN_RECORD_NOTE, "%.200s: results may differ in their last bits", shown[0] ? shown + 1 : "");
    }
    array_free(&text);
    return status;
}
