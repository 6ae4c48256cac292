/* model_verdicts.c - the record of what was done to a model after training, so that what was measured with one file can
 * be told to hold for another. */
#include <string.h>

#include "detector/model_internal.h"

#define BEFORE "before" /* SHA-256 of the files that give the same scores */

void model_judge(const struct model *model, const struct image *picture, double logit,
                 const struct crop_agreement *agreement, struct model_verdict *out)
{
    *out = (struct model_verdict){.probability = calibration_probability(&model->calibration, logit),
                                  .reasons = {.width = picture->width,
                                              .height = picture->height,
                                              .format = picture->format,
                                              .jpeg_quality = picture->jpeg_quality,
                                              .jpeg_quality_exact = picture->jpeg_quality_exact}};
    if (agreement)
        out->reasons.agreement = *agreement;
    out->reasons.limit = verdict_limit_of(&model->limits, picture->width, picture->height, picture->jpeg_quality,
                                          &out->reasons.limit_value);
    out->verdict = verdict_within(&model->calibration, out->reasons.limit, out->probability);
}

void model_sha256(const struct model *model, char text[SHA256_TEXT])
{
    struct sha256 hash;
    uint8_t digest[SHA256_BYTES];
    sha256_init(&hash);
    sha256_update(&hash, model->file.map.bytes, model->file.map.size);
    sha256_final(&hash, digest);
    sha256_text(digest, text);
}

static bool holds(const json_t *list, const char *sha256)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text && strcmp(text, sha256) == 0)
            return true;
    }
    return false;
}

bool model_scores_as(const struct model *model, const char *sha256)
{
    char own[SHA256_TEXT];
    model_sha256(model, own);
    return strcmp(own, sha256) == 0 || holds(json_object_get(model->verdicts, BEFORE), sha256);
}

assay_status model_note_verdicts(struct model *model, const char *key, json_t *value, struct assay_error *error)
{
    json_t *before = json_object_get(model->verdicts, BEFORE);
    json_t *verdicts = model->verdicts ? json_copy(model->verdicts) : json_object();
    json_t *list = json_is_array(before) ? json_copy(before) : json_array();
    char own[SHA256_TEXT];
    model_sha256(model, own);
    bool failed = !holds(list, own) && json_array_append_new(list, json_string(own)) != 0;
    failed |= json_object_set_new(verdicts, key, value) != 0;
    failed |= json_object_set_new(verdicts, BEFORE, list) != 0;
    if (failed) {
        json_decref(verdicts);
        return error_memory(error, "a model's record");
    }
    json_decref(model->verdicts);
    model->verdicts = verdicts;
    return ASSAY_OK;
}

void model_forget_scores(struct model *model)
{
    if (!model->verdicts)
        return;
    json_t *verdicts = json_copy(model->verdicts); /* the object may be another model's too */
    json_object_del(verdicts, BEFORE);
    json_decref(model->verdicts);
    model->verdicts = verdicts;
}
