/* prediction.c - one judged picture as a line of JSON, and back. */
#include "eval/prediction.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/limits.h"
#include "base/text.h"
#include "data/dataset.h"

enum { DOUBLE_DIGITS = 17 /* that tell every double from its neighbours */ };

static const assay_verdict verdicts[] = {ASSAY_REAL, ASSAY_GENERATED, ASSAY_UNCERTAIN, ASSAY_UNCALIBRATED};
enum { VERDICTS = sizeof verdicts / sizeof verdicts[0] };

/* The keys of every line, of a judged picture's, and of one that was not; each text may have a KEY_hex beside it. */
static const struct {
    const char *name;
    bool text, judged, unjudged;
} keys[] = {
    {"model", true, true, true},         {"set", true, true, true},       {"perturbation", true, true, true},
    {"picture", true, true, true},       {"source", true, true, true},    {"label", false, true, true},
    {"art", false, true, true},          {"problem", true, false, true},  {"width", false, true, false},
    {"height", false, true, false},      {"bytes", false, true, false},   {"logit", false, true, false},
    {"probability", false, true, false}, {"verdict", false, true, false},
};
enum { KEYS = sizeof keys / sizeof keys[0] };

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static bool is_sound(const struct prediction *p)
{
    if (!p->model || !p->set || !p->perturbation || !p->picture || !p->source || p->label < 0 ||
        p->label >= LABEL_COUNT || p->readable != !p->problem)
        return false;
    return !p->readable ||
           (p->width > 0 && p->width <= LIMIT_PICTURE_SIDE && p->height > 0 && p->height <= LIMIT_PICTURE_SIDE &&
            p->bytes <= INT64_MAX && isfinite(p->logit) && p->probability >= 0 && p->probability <= 1);
}

static bool set_figures(json_t *object, const struct prediction *p)
{
    return json_object_set_new(object, "width", json_integer(p->width)) == 0 &&
           json_object_set_new(object, "height", json_integer(p->height)) == 0 &&
           json_object_set_new(object, "bytes", json_integer((json_int_t)p->bytes)) == 0 &&
           json_object_set_new(object, "logit", json_real(p->logit)) == 0 &&
           json_object_set_new(object, "probability", json_real(p->probability)) == 0 &&
           json_object_set_new(object, "verdict", json_string(assay_verdict_text(p->verdict))) == 0;
}

assay_status prediction_write(const struct prediction *p, struct array *text, struct assay_error *error)
{
    if (!is_sound(p))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: not a prediction that can be written",
                         p->picture ? p->picture : "a picture");
    json_t *object = json_object();
    bool made = object && json_set_text(object, "model", p->model) && json_set_text(object, "set", p->set) &&
                json_set_text(object, "perturbation", p->perturbation) &&
                json_set_text(object, "picture", p->picture) && json_set_text(object, "source", p->source) &&
                json_object_set_new(object, "label", json_string(dataset_label_text(p->label))) == 0 &&
                json_object_set_new(object, "art", json_boolean(p->art)) == 0 &&
                (p->readable ? set_figures(object, p) : json_set_text(object, "problem", p->problem));
    char *line = made ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(DOUBLE_DIGITS)) : NULL;
    size_t before = text->count;
    made = line && array_append(text, line, strlen(line)) && array_append(text, "\n", 1);
    if (!made)
        text->count = before;
    free(line); /* jansson's */
    json_decref(object);
    return made ? ASSAY_OK : error_memory(error, "a prediction");
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* The index into `keys` of "NAME", or of the text NAME for "NAME_hex"; KEYS: neither. */
static int find_key(const char *key)
{
    size_t length = strlen(key);
    for (int i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].name, key) == 0)
            return i;
        size_t bare = strlen(keys[i].name);
        if (keys[i].text && length == bare + 4 && memcmp(key, keys[i].name, bare) == 0 &&
            strcmp(key + bare, "_hex") == 0)
            return i;
    }
    return KEYS;
}

static assay_status check_keys(const json_t *object, bool judged, const char *where, struct assay_error *error)
{
    char shown[TEXT_NAME];
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        int i = find_key(key);
        if (i == KEYS || !(judged ? keys[i].judged : keys[i].unjudged))
            return error_set(error, ASSAY_ERROR_FORMAT, "%s: \"%s\" does not belong there", where,
                             text_printable(key, shown, sizeof shown));
    }
    for (int i = 0; i < KEYS; i++)
        if ((judged ? keys[i].judged : keys[i].unjudged) && !json_object_get(object, keys[i].name))
            return error_set(error, ASSAY_ERROR_FORMAT, "%s: \"%s\" is missing", where, keys[i].name);
    return ASSAY_OK;
}

static assay_status refuse(const char *where, const char *key, const char *expected, struct assay_error *error)
{
    return error_set(error, ASSAY_ERROR_FORMAT, "%s: \"%s\" is not %s", where, key, expected);
}

static bool get_whole(const json_t *object, const char *key, int64_t least, int64_t most, int64_t *out)
{
    const json_t *value = json_object_get(object, key);
    *out = json_is_integer(value) ? json_integer_value(value) : 0;
    return json_is_integer(value) && *out >= least && *out <= most;
}

static bool get_number(const json_t *object, const char *key, double *out)
{
    const json_t *value = json_object_get(object, key);
    *out = json_number_value(value);
    return json_is_number(value) && isfinite(*out);
}

/* A text of `count` known ones. */
static bool get_choice(const json_t *object, const char *key, const char *(*name)(int), int count, int *out)
{
    const char *text = json_string_value(json_object_get(object, key));
    for (*out = 0; text && *out < count; (*out)++)
        if (strcmp(text, name(*out)) == 0)
            return true;
    return false;
}

static const char *verdict_name(int index)
{
    return assay_verdict_text(verdicts[index]);
}

static assay_status read_figures(const json_t *object, const char *where, struct prediction *p,
                                 struct assay_error *error)
{
    int64_t width, height, bytes;
    int verdict;
    if (!get_whole(object, "width", 1, LIMIT_PICTURE_SIDE, &width))
        return refuse(where, "width", "a number of pixels", error);
    if (!get_whole(object, "height", 1, LIMIT_PICTURE_SIDE, &height))
        return refuse(where, "height", "a number of pixels", error);
    if (!get_whole(object, "bytes", 0, INT64_MAX, &bytes))
        return refuse(where, "bytes", "a number of bytes", error);
    if (!get_number(object, "logit", &p->logit))
        return refuse(where, "logit", "a number", error);
    if (!get_number(object, "probability", &p->probability) || p->probability < 0 || p->probability > 1)
        return refuse(where, "probability", "a number from 0 to 1", error);
    if (!get_choice(object, "verdict", verdict_name, VERDICTS, &verdict))
        return refuse(where, "verdict", "a verdict", error);
    p->width = (int)width;
    p->height = (int)height;
    p->bytes = (uint64_t)bytes;
    p->verdict = verdicts[verdict];
    return ASSAY_OK;
}

static assay_status read_object(const json_t *object, const char *where, struct arena *arena, struct prediction *p,
                                struct assay_error *error)
{
    p->readable = json_object_get(object, "problem") == NULL;
    const struct {
        const char *key;
        const char **at;
    } texts[] = {{"model", &p->model},     {"set", &p->set},       {"perturbation", &p->perturbation},
                 {"picture", &p->picture}, {"source", &p->source}, {"problem", &p->problem}};
    assay_status status = check_keys(object, p->readable, where, error);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] - p->readable && !status; i++)
        status = json_get_text(object, texts[i].key, where, arena, texts[i].at, error);
    if (status)
        return status;
    if (!get_choice(object, "label", dataset_label_text, LABEL_COUNT, &p->label))
        return refuse(where, "label", "real or ai-generated", error);
    if (!json_is_boolean(json_object_get(object, "art")))
        return refuse(where, "art", "true or false", error);
    p->art = json_is_true(json_object_get(object, "art"));
    return p->readable ? read_figures(object, where, p, error) : ASSAY_OK;
}

assay_status prediction_read(const char *line, size_t length, const char *where, struct arena *arena,
                             struct prediction *out, struct assay_error *error)
{
    *out = (struct prediction){0};
    json_error_t why;
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(object)) {
        char shown[TEXT_NAME];
        assay_status status =
            error_set(error, ASSAY_ERROR_FORMAT, "%s: not a JSON object%s%s", where, object ? "" : ": ",
                      object ? "" : text_printable(why.text, shown, sizeof shown));
        json_decref(object);
        return status;
    }
    assay_status status = read_object(object, where, arena, out, error);
    json_decref(object);
    return status;
}
