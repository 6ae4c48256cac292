/* index.c - sorting predictions into groups, and groups into samples. */
#include "eval/report/index.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/dataset.h"

/* ---- Names ---------------------------------------------------------------------------------------------------- */

size_t report_names_count(const struct report_names *names)
{
    return names->map.count;
}

const char *report_name(const struct report_names *names, size_t number)
{
    return names->map.entries[number].key;
}

size_t report_name_find(const struct report_names *names, const char *name)
{
    void *value = string_map_get(&names->map, name);
    return value ? (size_t)((uintptr_t)value - 1) : SIZE_MAX;
}

static bool add_name(struct report_names *names, const char *name)
{
    return string_map_get(&names->map, name) ||
           string_map_add(&names->map, name, (void *)(uintptr_t)(names->map.count + 1));
}

/* ---- Groups --------------------------------------------------------------------------------------------------- */

struct keyed {
    const struct prediction *prediction;
    size_t key; /* of its group */
};

static int by_group_and_picture(const void *left, const void *right)
{
    const struct keyed *a = left, *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    int order = strcmp(a->prediction->picture, b->prediction->picture);
    if (order == 0) /* the same file named twice, as lists may: by place */
        order = a->prediction < b->prediction ? -1 : a->prediction > b->prediction;
    return order;
}

static size_t group_number(const struct report_index *index, size_t set, size_t model, size_t perturbation)
{
    return (set * report_names_count(&index->models) + model) * report_names_count(&index->perturbations) +
           perturbation;
}

struct report_group report_group_of(const struct report_index *index, size_t set, size_t model, size_t perturbation)
{
    size_t number = group_number(index, set, model, perturbation);
    return (struct report_group){index->order + index->begin[number], index->begin[number + 1] - index->begin[number]};
}

/* The perturbation that stands for each set: none, or else the first that occurs. */
static void find_plain(struct report_index *index)
{
    size_t models = report_names_count(&index->models), perturbations = report_names_count(&index->perturbations);
    size_t none = report_name_find(&index->perturbations, "");
    for (size_t set = 0; set < report_names_count(&index->sets); set++) {
        bool found = false;
        index->plain[set] = none < perturbations ? none : 0;
        for (size_t p = 0; p < perturbations; p++)
            for (size_t m = 0; m < models; m++)
                if (report_group_of(index, set, m, p).count && (!found || p == none)) {
                    index->plain[set] = p;
                    found = true;
                }
    }
}

/* All names of tables and predictions. */
static bool gather_names(const struct prediction *predictions, size_t count, const struct report_table *tables,
                         size_t table_count, struct report_index *out)
{
    bool fits = true;
    for (size_t i = 0; i < table_count && fits; i++)
        fits = add_name(&out->models, tables[i].model) && add_name(&out->sets, tables[i].set) &&
               add_name(&out->perturbations, tables[i].perturbation);
    for (size_t i = 0; i < count && fits; i++)
        fits = add_name(&out->models, predictions[i].model) && add_name(&out->sets, predictions[i].set) &&
               add_name(&out->perturbations, predictions[i].perturbation);
    return fits;
}

assay_status report_index_make(const struct prediction *predictions, size_t count, const struct report_table *tables,
                               size_t table_count, struct report_index *out, struct assay_error *error)
{
    *out = (struct report_index){0};
    struct keyed *keyed = mem_alloc(count + 1, sizeof *keyed);
    bool fits = keyed && gather_names(predictions, count, tables, table_count, out);
    size_t groups = 0, sets = report_names_count(&out->sets);
    fits = fits && size_mul(sets, report_names_count(&out->models), &groups) &&
           size_mul(groups, report_names_count(&out->perturbations), &groups);
    out->order = fits ? mem_alloc(count + 1, sizeof *out->order) : NULL;
    out->begin = fits ? mem_alloc(groups + 1, sizeof *out->begin) : NULL;
    out->plain = fits ? mem_alloc(sets + 1, sizeof *out->plain) : NULL;
    if (!out->order || !out->begin || !out->plain) {
        mem_free(keyed);
        report_index_free(out);
        return error_memory(error, "the report");
    }
    for (size_t i = 0; i < count; i++) {
        const struct prediction *p = &predictions[i];
        keyed[i].prediction = p;
        keyed[i].key = group_number(out, report_name_find(&out->sets, p->set), report_name_find(&out->models, p->model),
                                    report_name_find(&out->perturbations, p->perturbation));
        out->begin[keyed[i].key + 1]++;
    }
    qsort(keyed, count, sizeof *keyed, by_group_and_picture);
    for (size_t i = 0; i < count; i++)
        out->order[i] = keyed[i].prediction;
    for (size_t g = 0; g < groups; g++)
        out->begin[g + 1] += out->begin[g];
    mem_free(keyed);
    find_plain(out);
    return ASSAY_OK;
}

void report_index_free(struct report_index *index)
{
    string_map_free(&index->models.map);
    string_map_free(&index->sets.map);
    string_map_free(&index->perturbations.map);
    mem_free(index->order);
    mem_free(index->begin);
    mem_free(index->plain);
    *index = (struct report_index){0};
}

bool report_is_right(const struct prediction *prediction)
{
    return (prediction->logit > 0) == (prediction->label == LABEL_GENERATED);
}

/* ---- Samples -------------------------------------------------------------------------------------------------- */

static int by_class_and_name(const void *left, const void *right)
{
    const struct report_source *a = left, *b = right;
    return a->label != b->label ? (a->label < b->label ? -1 : 1) : strcmp(a->name, b->name);
}

/* Every class and name once; `sources` has room for all predictions of the group. */
static size_t gather_sources(struct report_group group, struct report_source *sources)
{
    size_t count = 0;
    for (size_t i = 0; i < group.count; i++) {
        const struct prediction *p = group.items[i];
        if (p->readable)
            sources[count++] = (struct report_source){p->source, p->label, p->art, 1, report_is_right(p)};
    }
    qsort(sources, count, sizeof *sources, by_class_and_name);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept && by_class_and_name(&sources[kept - 1], &sources[i]) == 0) {
            sources[kept - 1].count++;
            sources[kept - 1].right += sources[i].right;
        } else
            sources[kept++] = sources[i];
    }
    return kept;
}

assay_status report_samples_make(struct report_group group, bool weigh, bool art_apart, struct report_samples *out,
                                 struct assay_error *error)
{
    *out = (struct report_samples){.items = mem_alloc(group.count + 1, sizeof *out->items),
                                   .sources = mem_alloc(group.count + 1, sizeof *out->sources)};
    if (!out->items || !out->sources) {
        report_samples_free(out);
        return error_memory(error, "the report");
    }
    out->source_count = gather_sources(group, out->sources);
    size_t in_class[LABEL_COUNT] = {0};
    for (size_t s = 0; s < out->source_count; s++)
        in_class[out->sources[s].label] += !(art_apart && out->sources[s].art);
    out->both_classes = in_class[LABEL_REAL] && in_class[LABEL_GENERATED];
    for (size_t i = 0; i < group.count; i++) {
        const struct prediction *p = group.items[i];
        if (!p->readable)
            continue;
        const struct report_source key = {.name = p->source, .label = p->label};
        const struct report_source *source =
            bsearch(&key, out->sources, out->source_count, sizeof key, by_class_and_name);
        double weight = weigh ? 0.5 / ((double)in_class[p->label] * (double)source->count) : 1;
        if (art_apart && source->art)
            weight = 0;
        out->items[out->count++] = (struct metrics_sample){.logit = p->logit,
                                                           .weight = weight,
                                                           .generated = p->label == LABEL_GENERATED,
                                                           .source = (int)(source - out->sources),
                                                           .probability = p->probability,
                                                           .verdict = (int)p->verdict};
    }
    return ASSAY_OK;
}

void report_samples_free(struct report_samples *samples)
{
    mem_free(samples->items);
    mem_free(samples->sources);
    *samples = (struct report_samples){0};
}
