/* settings.c - settings to JSON, and the comparison of two. */
#include "train/settings.h"

#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"

/* The instruction set that oneDNN dispatches to, as its documentation names it. */
static const char *instruction_set(void)
{
    static const struct {
        dnnl_cpu_isa_t isa;
        const char *name;
    } names[] = {
        {dnnl_cpu_isa_sse41, "SSE4.1"},
        {dnnl_cpu_isa_avx, "AVX"},
        {dnnl_cpu_isa_avx2, "AVX2"},
        {dnnl_cpu_isa_avx2_vnni, "AVX2-VNNI"},
        {dnnl_cpu_isa_avx512_core, "AVX512-CORE"},
        {dnnl_cpu_isa_avx512_core_vnni, "AVX512-CORE-VNNI"},
        {dnnl_cpu_isa_avx512_core_bf16, "AVX512-CORE-BF16"},
        {dnnl_cpu_isa_avx512_core_amx, "AVX512-CORE-AMX"},
    };
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].isa == isa)
            return names[i].name;
    return "other";
}

json_t *settings_environment(void)
{
    const dnnl_version_t *dnnl = dnnl_version();
    return json_pack("{s:s, s:o, s:s, s:i}", "assay", assay_version(), "onednn",
                     json_sprintf("%d.%d.%d", dnnl->major, dnnl->minor, dnnl->patch), "instruction_set",
                     instruction_set(), "threads", parallel_threads());
}

static json_t *dataset_json(const struct dataset *dataset)
{
    if (!dataset)
        return json_null();
    return json_pack("{s:s, s:I, s:I, s:I}", "digest", dataset->digest, "real",
                     (json_int_t)dataset->label_count[LABEL_REAL], "generated",
                     (json_int_t)dataset->label_count[LABEL_GENERATED], "sources", (json_int_t)dataset->source_count);
}

json_t *settings_of(const struct train_job *job)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:{s:o, s:o, s:o, s:b, s:f}, s:o, s:n}", "detector",
                     job->detector->name, "config", option_to_json(job->detector->fields, job->config), "options",
                     option_to_json(train_option_table, job->options), "augmentation",
                     option_to_json(augment_option_table, job->augment), "sampler",
                     option_to_json(sampler_option_table, job->sampler), "data", "train", dataset_json(job->train),
                     "validation", dataset_json(job->validation), "report", dataset_json(job->report), "held_out",
                     job->hold_out > 0, "hold_out", job->hold_out, "environment", settings_environment(), "began_with");
}

assay_status settings_defaults(const struct detector *detector, struct train_options *options, struct augment *augment,
                               struct assay_error *error)
{
    assay_status status = ASSAY_OK;
    option_defaults(train_option_table, options);
    option_defaults(augment_option_table, augment);
    for (const struct detector_default *d = detector->training; d && d->option && !status; d++) {
        bool varies = option_find(augment_option_table, d->option) != NULL;
        const struct option *table = varies ? augment_option_table : train_option_table;
        const struct option *option = option_find(table, d->option);
        if (option && option->type == OPTION_TEXT) /* the table's own text needs no arena */
            *(const char **)((char *)(varies ? (void *)augment : options) + option->offset) = d->value;
        else
            status = option_set(table, varies ? (void *)augment : options, d->option, d->value, NULL, error);
    }
    return status;
}

/* A value as it is typed, into `text`. */
static const char *value_text(const json_t *value, char *text, size_t size)
{
    if (json_is_string(value))
        return json_string_value(value);
    char *dumped = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(10)) : NULL;
    snprintf(text, size, "%s", dumped ? dumped : "not set");
    free(dumped);
    return text;
}

/* The first member in which two objects differ, or NULL. */
static const char *first_difference(const json_t *then, const json_t *now)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)now, key, value) if (!json_equal(value, json_object_get(then, key))) return key;
    json_object_foreach((json_t *)then, key, value) if (!json_object_get(now, key)) return key;
    return NULL;
}

static assay_status compare_data(const json_t *then, const json_t *now, const char *name, const char *path,
                                 struct assay_error *error)
{
    const json_t *a = json_object_get(then, name), *b = json_object_get(now, name);
    if (json_equal(a, b))
        return ASSAY_OK;
    return error_set(error, ASSAY_ERROR_ARGUMENT,
                     "%s: cannot resume: the %s pictures are not those that the run began with (%lld real and %lld "
                     "generated then, %lld and %lld now; names or sizes differ); name the same folders, or start again "
                     "with --overwrite",
                     path, name, (long long)json_integer_value(json_object_get(a, "real")),
                     (long long)json_integer_value(json_object_get(a, "generated")),
                     (long long)json_integer_value(json_object_get(b, "real")),
                     (long long)json_integer_value(json_object_get(b, "generated")));
}

assay_status settings_compare(const json_t *then, const json_t *now, const char *path, FILE *stream,
                              struct assay_error *error)
{
    static const char *const parts[] = {"config", "options", "augmentation", "sampler"};
    char a[128], b[128];
    const json_t *detector = json_object_get(then, "detector");
    if (!json_equal(detector, json_object_get(now, "detector")))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: cannot resume: the run trains detector %s, not %s", path,
                         value_text(detector, a, sizeof a), value_text(json_object_get(now, "detector"), b, sizeof b));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const json_t *old = json_object_get(then, parts[i]), *new = json_object_get(now, parts[i]);
        const char *key = first_difference(old, new);
        if (key)
            return error_set(error, ASSAY_ERROR_ARGUMENT,
                             "%s: cannot resume: option %s was %s when the run began and is %s now; leave it out, or "
                             "start again with --overwrite",
                             path, key, value_text(json_object_get(old, key), a, sizeof a),
                             value_text(json_object_get(new, key), b, sizeof b));
    }
    const json_t *old = json_object_get(then, "data"), *new = json_object_get(now, "data");
    assay_status status = compare_data(old, new, "train", path, error);
    if (!status)
        status = compare_data(old, new, "validation", path, error);
    if (!status)
        status = compare_data(old, new, "report", path, error);
    if (status)
        return status;
    old = json_object_get(then, "environment");
    new = json_object_get(now, "environment");
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)new, key, value) if (stream && !json_equal(value, json_object_get(old, key)))
        fprintf(stream,
                "warning: %s was %s when the run began and is %s now: results will not be the same bit for bit\n", key,
                value_text(json_object_get(old, key), a, sizeof a), value_text(value, b, sizeof b));
    return ASSAY_OK;
}
