/* preprocess_json.c - preprocessing as it is stored in a model file, every value checked when it is read. */
#include "detector/preprocess.h"

#include <math.h>
#include <string.h>

#include "base/limits.h"

static const char *const resize_names[] = {"native", "shorter", "exact", NULL};
static const char *const fit_names[] = {"tile", "pad", NULL};
static const char *const choice_names[] = {"grid", "textured", NULL};
static const char *const filter_names[] = {"box", "bilinear", "bicubic", "lanczos", NULL};

static json_t *three_to_json(const float values[3])
{
    return json_pack("[f, f, f]", (double)values[0], (double)values[1], (double)values[2]);
}

json_t *preprocess_to_json(const struct preprocess *p)
{
    return json_pack("{s:i, s:s, s:i, s:s, s:s, s:i, s:s, s:o, s:o}", "crop", p->crop, "resize",
                     resize_names[p->resize], "resize_to", p->resize_to, "filter", filter_names[p->filter], "fit",
                     fit_names[p->fit], "max_crops", p->max_crops, "choice", choice_names[p->choice], "mean",
                     three_to_json(p->mean), "std", three_to_json(p->std));
}

/* What every reader needs; the first failure ends the reading. */
struct reader {
    const json_t *object;
    const char *where;
    struct assay_error *error;
    assay_status status;
};

static void read_int(struct reader *r, const char *key, int min, int max, int *out)
{
    if (r->status)
        return;
    const json_t *value = json_object_get(r->object, key);
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < min || number > max)
        r->status =
            error_set(r->error, ASSAY_ERROR_MODEL, "%s: preprocessing's \"%s\" must be a whole number from %d to %d",
                      r->where, key, min, max);
    else
        *out = (int)number;
}

static int read_choice(struct reader *r, const char *key, const char *const *names)
{
    if (r->status)
        return 0;
    const char *text = json_string_value(json_object_get(r->object, key));
    for (int i = 0; text && names[i]; i++)
        if (strcmp(text, names[i]) == 0)
            return i;
    r->status = error_set(r->error, ASSAY_ERROR_MODEL, "%s: preprocessing's \"%s\" is %s%s%s, which is not known here",
                          r->where, key, text ? "\"" : "missing", text ? text : "", text ? "\"" : " or no text");
    return 0;
}

static void read_three(struct reader *r, const char *key, double min, double max, float out[3])
{
    if (r->status)
        return;
    const json_t *list = json_object_get(r->object, key);
    bool good = json_is_array(list) && json_array_size(list) == 3;
    for (size_t i = 0; good && i < 3; i++) {
        const json_t *value = json_array_get(list, i);
        double number = json_number_value(value);
        good = json_is_number(value) && number >= min && number <= max;
        out[i] = (float)number;
    }
    if (!good)
        r->status =
            error_set(r->error, ASSAY_ERROR_MODEL, "%s: preprocessing's \"%s\" must be three numbers from %g to %g",
                      r->where, key, min, max);
}

static void refuse_unknown_keys(struct reader *r)
{
    static const char *const known[] = {"crop",      "resize", "resize_to", "filter", "fit",
                                        "max_crops", "choice", "mean",      "std",    NULL};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)r->object, key, value)
    {
        bool found = false;
        for (int i = 0; known[i]; i++)
            found = found || strcmp(key, known[i]) == 0;
        if (!found && !r->status)
            r->status = error_set(r->error, ASSAY_ERROR_MODEL,
                                  "%s: preprocessing has \"%.60s\", which is not known here", r->where, key);
    }
}

assay_status preprocess_from_json(const json_t *object, const char *where, struct preprocess *out,
                                  struct assay_error *error)
{
    struct reader r = {.object = object, .where = where, .error = error};
    struct preprocess p = {0};
    if (!json_is_object(object))
        return error_set(error, ASSAY_ERROR_MODEL, "%s: the preprocessing must be a JSON object", where);
    refuse_unknown_keys(&r);
    read_int(&r, "crop", PREPROCESS_MIN_CROP, PREPROCESS_MAX_CROP, &p.crop);
    p.resize = (enum preprocess_resize)read_choice(&r, "resize", resize_names);
    read_int(&r, "resize_to", p.resize == PREPROCESS_NATIVE ? 0 : 1, LIMIT_PICTURE_SIDE, &p.resize_to);
    p.filter = (enum image_filter)read_choice(&r, "filter", filter_names);
    p.fit = (enum preprocess_fit)read_choice(&r, "fit", fit_names);
    read_int(&r, "max_crops", 1, PREPROCESS_MAX_CROPS, &p.max_crops);
    if (json_object_get(object, "choice")) /* models from before there was a choice have a grid */
        p.choice = (enum preprocess_choice)read_choice(&r, "choice", choice_names);
    read_three(&r, "mean", -10, 10, p.mean);
    read_three(&r, "std", 1e-3, 1e3, p.std);
    if (!r.status)
        *out = p;
    return r.status;
}
