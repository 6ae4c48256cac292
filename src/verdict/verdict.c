/* verdict.c - from a logit to a probability to a word, and how a calibration is written down. */
#include "verdict/verdict.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

const char *assay_verdict_text(assay_verdict verdict)
{
    switch (verdict) {
    case ASSAY_REAL: return "real";
    case ASSAY_GENERATED: return "ai-generated";
    case ASSAY_UNCERTAIN: return "uncertain";
    case ASSAY_UNCALIBRATED: return "uncalibrated";
    }
    return "unknown";
}

/* 1 / (1 + exp(-x)) without overflow. */
static double sigmoid(double x)
{
    double e = exp(-fabs(x));
    return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

double calibration_probability(const struct calibration *c, double logit)
{
    return sigmoid(c->present ? c->scale * logit + c->shift : logit);
}

assay_verdict calibration_verdict(const struct calibration *c, double probability)
{
    if (!c->present)
        return ASSAY_UNCALIBRATED;
    if (probability >= c->generated_above)
        return ASSAY_GENERATED;
    return probability <= c->real_below ? ASSAY_REAL : ASSAY_UNCERTAIN; /* NaN is uncertain */
}

/* The fields of the JSON object, in order. */
static const char *const names[] = {"scale", "shift", "real_below", "generated_above"};
enum { CALIBRATION_FIELDS = 4 };

json_t *calibration_to_json(const struct calibration *c)
{
    const double values[CALIBRATION_FIELDS] = {c->scale, c->shift, c->real_below, c->generated_above};
    json_t *object = json_object();
    int failed = json_object_set_new(object, "present", json_boolean(c->present));
    for (int i = 0; c->present && i < CALIBRATION_FIELDS; i++)
        failed |= json_object_set_new(object, names[i], json_real(values[i]));
    if (failed) {
        json_decref(object);
        return NULL;
    }
    return object;
}

assay_status calibration_from_json(const json_t *object, const char *where, struct calibration *out,
                                   struct assay_error *error)
{
    double values[CALIBRATION_FIELDS];
    const json_t *present = json_object_get(object, "present");
    *out = (struct calibration){0};
    if (!json_is_object(object) || !json_is_boolean(present))
        return error_set(error, ASSAY_ERROR_MODEL, "%s: calibration: must be an object that says whether it is present",
                         where);
    if (json_is_false(present))
        return ASSAY_OK;
    for (int i = 0; i < CALIBRATION_FIELDS; i++) {
        const json_t *value = json_object_get(object, names[i]);
        if (!json_is_number(value))
            return error_set(error, ASSAY_ERROR_MODEL, "%s: calibration: %s is not a number", where, names[i]);
        values[i] = json_number_value(value);
    }
    const char *key;
    json_t *unused;
    json_object_foreach((json_t *)object, key, unused)
    {
        bool known = strcmp(key, "present") == 0;
        char shown[TEXT_NAME];
        for (int i = 0; i < CALIBRATION_FIELDS; i++)
            known = known || strcmp(key, names[i]) == 0;
        if (!known)
            return error_set(error, ASSAY_ERROR_MODEL, "%s: calibration: unknown field \"%s\"", where,
                             text_printable(key, shown, sizeof shown));
    }
    if (values[2] < CALIBRATION_NEVER_REAL || values[2] > 0.5 || values[3] < 0.5 ||
        values[3] > CALIBRATION_NEVER_GENERATED || values[2] >= values[3])
        return error_set(error, ASSAY_ERROR_MODEL,
                         "%s: calibration: the thresholds %g and %g do not lie around one half", where, values[2],
                         values[3]);
    *out = (struct calibration){true, values[0], values[1], values[2], values[3]};
    return ASSAY_OK;
}
