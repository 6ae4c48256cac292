/* reasons.c - what a verdict stands on, and limits as JSON. */
#include "verdict/reasons.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"

enum verdict_limit verdict_limit_of(const struct verdict_limits *limits, int width, int height, int jpeg_quality,
                                    int *value)
{
    *value = 0;
    if ((width < height ? width : height) < limits->smallest_side) {
        *value = limits->smallest_side;
        return VERDICT_TOO_SMALL;
    }
    if (jpeg_quality > 0 && jpeg_quality < limits->lowest_quality) {
        *value = limits->lowest_quality;
        return VERDICT_TOO_COMPRESSED;
    }
    return VERDICT_UNLIMITED;
}

assay_verdict verdict_within(const struct calibration *calibration, enum verdict_limit limit, double probability)
{
    assay_verdict verdict = calibration_verdict(calibration, probability);
    return limit == VERDICT_UNLIMITED || verdict == ASSAY_UNCALIBRATED ? verdict : ASSAY_UNCERTAIN;
}

const char *verdict_limit_text(enum verdict_limit limit)
{
    switch (limit) {
    case VERDICT_TOO_SMALL: return "too small";
    case VERDICT_TOO_COMPRESSED: return "too compressed";
    case VERDICT_UNLIMITED: break;
    }
    return "none";
}

static int tell_crops(const struct crop_agreement *a, char *text, size_t size)
{
    int real = a->crops - a->generated;
    if (a->crops == 1)
        return snprintf(text, size, "the only crop leans to %s (%.2f)", a->generated ? "ai-generated" : "real",
                        a->lowest);
    if (!a->generated || !real)
        return snprintf(text, size, "all %d crops lean to %s (%.2f to %.2f)", a->crops,
                        a->generated ? "ai-generated" : "real", a->lowest, a->highest);
    return snprintf(text, size, "%d of %d crops lean to ai-generated, %d to real (%.2f to %.2f)", a->generated,
                    a->crops, real, a->lowest, a->highest);
}

const char *verdict_reasons_text(const struct verdict_reasons *r, char text[VERDICT_REASONS_TEXT])
{
    size_t size = VERDICT_REASONS_TEXT, used = 0; /* all of it fits: numbers are bounded by their type */
    if (r->limit && !r->limit_value)
        used += (size_t)snprintf(text, size, "%s to tell; ", verdict_limit_text(r->limit));
    else if (r->limit == VERDICT_TOO_SMALL)
        used += (size_t)snprintf(text, size,
                                 "too small to tell: below %d pixels this model was not found better than chance; ",
                                 r->limit_value);
    else if (r->limit == VERDICT_TOO_COMPRESSED)
        used += (size_t)snprintf(
            text, size, "too compressed to tell: below JPEG quality %d this model was not found better than chance; ",
            r->limit_value);
    used += (size_t)tell_crops(&r->agreement, text + used, size - used);
    used += (size_t)snprintf(text + used, size - used, "; %d x %d pixels", r->width, r->height);
    if (r->jpeg_quality)
        snprintf(text + used, size - used, ", JPEG quality %s%d", r->jpeg_quality_exact ? "" : "about ",
                 r->jpeg_quality);
    else if (r->format)
        snprintf(text + used, size - used, ", %s", r->format);
    return text;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

#define SIDE "smallest_side"
#define QUALITY "lowest_jpeg_quality"

json_t *verdict_limits_to_json(const struct verdict_limits *limits)
{
    return json_pack("{s:i, s:i}", SIDE, limits->smallest_side, QUALITY, limits->lowest_quality);
}

assay_status verdict_limits_from_json(const json_t *object, const char *where, struct verdict_limits *out,
                                      struct assay_error *error)
{
    static const struct {
        const char *name;
        json_int_t most;
    } fields[] = {{SIDE, LIMIT_PICTURE_SIDE}, {QUALITY, 100}};
    json_int_t values[2] = {0};
    const char *key;
    json_t *value;
    *out = (struct verdict_limits){0};
    if (!json_is_object(object))
        return error_set(error, ASSAY_ERROR_MODEL, "%s: limits: must be an object", where);
    json_object_foreach((json_t *)object, key, value)
    {
        char shown[TEXT_NAME];
        int i = 0;
        while (i < 2 && strcmp(key, fields[i].name) != 0)
            i++;
        if (i == 2)
            return error_set(error, ASSAY_ERROR_MODEL, "%s: limits: unknown field \"%s\"", where,
                             text_printable(key, shown, sizeof shown));
        values[i] = json_integer_value(value);
        if (!json_is_integer(value) || values[i] < 0 || values[i] > fields[i].most)
            return error_set(error, ASSAY_ERROR_MODEL, "%s: limits: %s must be a whole number from 0 to %d", where, key,
                             (int)fields[i].most);
    }
    *out = (struct verdict_limits){(int)values[0], (int)values[1]};
    return ASSAY_OK;
}
