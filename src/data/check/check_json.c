/* check_json.c - all that a check found, as JSON. */
#include <stdlib.h>
#include <string.h>

#include "data/check/check.h"

/* Any bytes as a JSON string: those that are not UTF-8 become U+FFFD, and an object says them in hexadecimal. */
static void set_name(json_t *object, const char *key, const char *text)
{
    json_t *value = json_string(text);
    if (value) {
        json_object_set_new(object, key, value);
        return;
    }
    struct array shown = array_of(1, SIZE_MAX), hex = array_of(1, SIZE_MAX);
    char hex_key[64];
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        array_printf(&hex, "%02x", *c);
        array_printf(&shown, *c < 0x80 ? "%c" : "\xEF\xBF\xBD", *c);
    }
    snprintf(hex_key, sizeof hex_key, "%s_hex", key);
    json_object_set_new(object, key, json_string(shown.data ? shown.data : ""));
    json_object_set_new(object, hex_key, json_string(hex.data ? hex.data : ""));
    array_free(&shown);
    array_free(&hex);
}

static json_t *count_of(size_t count)
{
    return json_integer((json_int_t)count);
}

static json_t *rules_to_json(const struct feature_result *result)
{
    json_t *rules = json_array();
    for (int kind = 0; kind < RULE_COUNT; kind++)
        for (int folding = 0; folding < FOLDING_COUNT; folding++) {
            const struct rule_result *rule = &result->rules[kind][folding];
            json_t *one = json_object();
            json_object_set_new(one, "rule", json_string(rule_name((enum rule_kind)kind)));
            json_object_set_new(one, "folds", json_string(folding_name((enum folding)folding)));
            if (rule->why) {
                json_object_set_new(one, "not_judged", json_string(rule->why));
            } else {
                json_object_set_new(one, "balanced_accuracy", json_real(rule->accuracy));
                json_object_set_new(one, "low", json_real(rule->low));
                json_object_set_new(one, "high", json_real(rule->high));
            }
            json_array_append_new(rules, one);
        }
    return rules;
}

static json_t *values_to_json(const struct check *check, enum feature feature, int label)
{
    json_t *values = json_object();
    if (feature_is_category(feature)) {
        for (int value = 0; value <= CHECK_CATEGORY_MOST; value++) {
            char text[FEATURE_TEXT];
            size_t count = check_category_count(check->scan, feature, value, label);
            if (count)
                json_object_set_new(values, feature_value_text(feature, value, text), count_of(count));
        }
        return values;
    }
    const struct check_spread *s = &check->spread[feature][label];
    if (s->count) {
        json_object_set_new(values, "least", json_real(s->least));
        json_object_set_new(values, "p5", json_real(s->low));
        json_object_set_new(values, "median", json_real(s->median));
        json_object_set_new(values, "p95", json_real(s->high));
        json_object_set_new(values, "most", json_real(s->most));
    }
    return values;
}

static json_t *features_to_json(const struct check *check)
{
    json_t *features = json_object();
    for (int f = 0; f < FEATURE_COUNT; f++) {
        const struct feature_result *result = &check->features[f];
        json_t *one = json_object();
        for (int label = 0; label < LABEL_COUNT; label++) {
            json_t *side = json_object();
            json_object_set_new(side, "pictures", count_of(result->pictures[label]));
            json_object_set_new(side, "sources", count_of(result->sources[label]));
            json_object_set_new(side, "values", values_to_json(check, (enum feature)f, label));
            json_object_set_new(one, dataset_label_text(label), side);
        }
        json_object_set_new(one, "rules", rules_to_json(result));
        json_object_set_new(one, "leaks", json_boolean(check_feature_leaks(result)));
        json_object_set_new(features, feature_name((enum feature)f), one);
    }
    return features;
}

static json_t *set_to_json(const struct duplicate_set *set)
{
    json_t *object = json_object(), *groups = json_array();
    json_object_set_new(object, "pictures", count_of(set->pictures));
    json_object_set_new(object, "other_class", count_of(set->other_class));
    json_object_set_new(object, "other_split", count_of(set->other_split));
    json_object_set_new(object, "alike", count_of(set->alike));
    for (size_t g = 0; g < set->group_count; g++) {
        json_t *group = json_array();
        for (size_t i = 0; i < set->groups[g].count; i++)
            json_array_append_new(group, count_of(set->members[set->groups[g].first + i]));
        json_array_append_new(groups, group);
    }
    json_object_set_new(object, "groups", groups);
    return object;
}

static json_t *splits_to_json(const struct scan *scan)
{
    json_t *splits = json_array();
    for (size_t s = 0; s < scan->split_count; s++) {
        const struct dataset *d = &scan->splits[s].dataset;
        json_t *one = json_object();
        json_object_set_new(one, "split", json_string(scan->splits[s].name));
        json_object_set_new(one, "digest", json_string(d->digest));
        json_object_set_new(one, "real", count_of(d->label_count[LABEL_REAL]));
        json_object_set_new(one, "ai-generated", count_of(d->label_count[LABEL_GENERATED]));
        json_object_set_new(one, "skipped", count_of(d->skipped));
        json_array_append_new(splits, one);
    }
    return splits;
}

static json_t *report_to_json(const struct check *check)
{
    const struct duplicates *d = &check->duplicates;
    const struct check_warning *warnings = check->warnings.data;
    json_t *report = json_object(), *list = json_array(), *duplicates = json_object();
    for (size_t i = 0; i < check->warnings.count; i++) {
        json_t *one = json_object();
        json_object_set_new(one, "code", json_string(warnings[i].code));
        json_object_set_new(one, "text", json_string(warnings[i].text));
        json_array_append_new(list, one);
    }
    json_object_set_new(report, "warnings", list);
    json_object_set_new(report, "leak_threshold", json_real(RULE_LEAK));
    json_object_set_new(report, "splits", splits_to_json(check->scan));
    json_object_set_new(report, "unreadable", count_of(check->scan->unreadable));
    json_object_set_new(report, "features", features_to_json(check));
    json_object_set_new(duplicates, "distance", json_integer(d->distance));
    json_object_set_new(duplicates, "not_compared", count_of(d->flat));
    json_object_set_new(duplicates, "equal", set_to_json(&d->equal));
    json_object_set_new(duplicates, "near", set_to_json(&d->near));
    json_object_set_new(report, "duplicates", duplicates);
    return report;
}

static json_t *picture_to_json(const struct scan *scan, const struct scan_picture *p)
{
    char text[SHA256_TEXT];
    json_t *object = json_object();
    set_name(object, "file", p->picture->name);
    json_object_set_new(object, "label", json_string(dataset_label_text(p->picture->label)));
    set_name(object, "source", p->source->name);
    json_object_set_new(object, "split", json_string(scan->splits[p->split].name));
    if (p->problem) {
        set_name(object, "error", p->problem);
        return object;
    }
    json_object_set_new(object, "format", json_string(picture_format_text(p->facts.format)));
    json_object_set_new(object, "width", json_integer(p->width));
    json_object_set_new(object, "height", json_integer(p->height));
    json_object_set_new(object, "bytes", json_integer((json_int_t)p->bytes));
    json_object_set_new(object, "metadata", json_string(picture_metadata_text(p->facts.metadata, text)));
    if (p->facts.format == PICTURE_JPEG) {
        json_object_set_new(object, "jpeg_quality", json_integer(p->facts.jpeg_quality));
        json_object_set_new(object, "jpeg_quality_exact", json_boolean(p->facts.jpeg_quality_exact));
        json_object_set_new(object, "subsampling", json_string(jpeg_subsampling_text(p->facts.subsampling)));
        json_object_set_new(object, "progressive", json_boolean(p->facts.jpeg_progressive));
    }
    sha256_text(p->digest, text);
    json_object_set_new(object, "sha256", json_string(text));
    snprintf(text, sizeof text, "%016llx", (unsigned long long)p->hash.bits);
    json_object_set_new(object, "phash", p->hash.flat ? json_null() : json_string(text));
    return object;
}

assay_status check_write_json(const struct check *check, FILE *stream, struct assay_error *error)
{
    const size_t flags = JSON_REAL_PRECISION(6);
    json_t *report = report_to_json(check);
    char *text = report ? json_dumps(report, JSON_INDENT(2) | flags) : NULL;
    json_decref(report);
    if (!text)
        return error_memory(error, "the report of a check");
    /* The pictures may be very many: they are written one by one, inside the report's last brace. */
    size_t length = strlen(text) - 1;
    while (length && text[length - 1] == '\n')
        length--;
    fwrite(text, 1, length, stream);
    free(text);
    fputs(",\n  \"pictures\": [", stream);
    for (size_t i = 0; i < check->scan->count; i++) {
        json_t *picture = picture_to_json(check->scan, &check->scan->pictures[i]);
        char *line = picture ? json_dumps(picture, JSON_COMPACT | flags) : NULL;
        json_decref(picture);
        if (!line)
            return error_memory(error, "the report of a check");
        fprintf(stream, "%s\n    %s", i ? "," : "", line);
        free(line);
    }
    fputs("\n  ]\n}\n", stream);
    return ASSAY_OK;
}
