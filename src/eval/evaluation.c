/* evaluation.c - opens what an evaluation names. */
#include "eval/evaluation.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/option_rows.h"
#include "base/text.h"
#include "eval/selection.h"

#define AT(field) offsetof(struct evaluation_options, field)

const struct option evaluation_option_table[] = {
    {"model", OPTION_TEXTS, AT(models), NULL, 0, 0, NULL, "[NAME=]FILE: a model to judge with; may be given again"},
    {"data", OPTION_TEXTS, AT(data), NULL, 0, 0, NULL, "[NAME=]DIR: a set of pictures, or a list; may be given again"},
    OPTION_ROW_LAYOUT(AT(layout), "how the sets are laid out; without it: what fits"),
    {"split", OPTION_TEXT, AT(split), NULL, 0, 0, NULL, "train, val or test, where sets have such"},
    {"protocol", OPTION_TEXT, AT(protocol), NULL, 0, 0, NULL,
     "how the sets are evaluated; without it: as the benchmark's authors do, else assay"},
    {"perturb", OPTION_TEXTS, AT(perturb), NULL, 0, 0, NULL,
     "what is done to the pictures, such as resize:0.5+jpeg:70; may be given again"},
    {"robustness", OPTION_TEXTS, AT(robustness), NULL, 0, 0, NULL,
     "a sweep of perturbations by name, or all; may be given again"},
    {"untouched", OPTION_BOOL, AT(untouched), "true", 0, 0, NULL, "beside perturbed pictures, judge them as they are"},
    OPTION_ROW_SEED("seed", AT(seed), "0", "of what perturbations, protocols and intervals draw"),
    OPTION_ROW_BF16(AT(bf16)),
    {"intervals", OPTION_INT, AT(intervals), "1000", 0, 1000000, NULL,
     "bootstrap replicates behind the 95 % intervals; 0: no intervals"},
    {0}};

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* The last folder or file of a path, without `suffix`; of "." and the like what they stand for. */
static const char *own_name(const char *path, const char *suffix, struct arena *arena)
{
    char *whole = NULL;
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    if (strspn(path + begin, "./") >= end - begin && (whole = realpath(path, NULL))) {
        const char *slash = strrchr(whole, '/');
        const char *name = arena_strdup(arena, slash && slash[1] ? slash + 1 : "root");
        free(whole); /* the C library's */
        return name;
    }
    size_t tail = strlen(suffix);
    if (end - begin > tail && memcmp(path + end - tail, suffix, tail) == 0)
        end -= tail;
    return arena_strndup(arena, path + begin, end - begin);
}

/* "NAME=PATH", or a path whose own name will do. */
static assay_status split_name(const char *text, const char *suffix, struct arena *arena, const char **name,
                               const char **path, struct assay_error *error)
{
    const char *equals = strchr(text, '='), *slash = strchr(text, '/');
    bool named = equals && equals > text && (!slash || equals < slash);
    *path = named ? equals + 1 : text;
    if (!(*path)[0])
        return error_set(error, ASSAY_ERROR_ARGUMENT, "\"%s\": names no file or folder", text);
    *name = named ? arena_strndup(arena, text, (size_t)(equals - text)) : own_name(text, suffix, arena);
    return *name ? ASSAY_OK : error_memory(error, text);
}

static assay_status refuse_twice(const char *what, const char *option, const char *name, struct assay_error *error)
{
    char shown[TEXT_NAME];
    return error_set(error, ASSAY_ERROR_ARGUMENT, "two %s are called %s; give one of them another name: --%s NAME=PATH",
                     what, text_printable(name, shown, sizeof shown), option);
}

/* ---- models ------------------------------------------------------------------------------------------------------ */

static assay_status open_model(struct evaluation *e, struct evaluation_model *m, struct assay_error *error)
{
    assay_status status = model_load(m->path, &m->model, error);
    if (status)
        return status;
    struct sha256 hash;
    uint8_t digest[SHA256_BYTES];
    sha256_init(&hash);
    sha256_update(&hash, m->model.file.map.bytes, m->model.file.map.size);
    sha256_final(&hash, digest);
    sha256_text(digest, m->sha256);
    return model_scorer_create(&m->model, e->options.bf16, &m->scorer, error);
}

static assay_status open_models(struct evaluation *e, struct assay_error *error)
{
    const struct option_texts *texts = &e->options.models;
    struct runner_model *runner_models = arena_alloc(&e->arena, texts->count, sizeof *runner_models);
    e->models = arena_alloc(&e->arena, texts->count, sizeof *e->models);
    if (!runner_models || !e->models)
        return error_memory(error, "models");
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < texts->count && !status; i++) {
        struct evaluation_model *m = &e->models[i];
        status = split_name(texts->items[i], ".safetensors", &e->arena, &m->name, &m->path, error);
        for (size_t other = 0; other < i && !status; other++)
            if (strcmp(e->models[other].name, m->name) == 0)
                status = refuse_twice("models", "model", m->name, error);
        if (status)
            return status;
        e->model_count = i + 1;
        status = open_model(e, m, error);
        runner_models[i] = (struct runner_model){m->name, m->scorer, &m->model.calibration, &m->model.limits};
    }
    e->job.models = runner_models;
    e->job.model_count = e->model_count;
    return status;
}

/* ---- perturbations ----------------------------------------------------------------------------------------------- */

static assay_status add_chain(struct array *chains, const char *text, struct assay_error *error)
{
    struct perturbation chain;
    assay_status status = perturbation_parse(text, &chain, error);
    if (status)
        return status;
    for (size_t i = 0; i < chains->count; i++)
        if (strcmp(((const struct perturbation *)chains->data)[i].text, chain.text) == 0)
            return ASSAY_OK;
    return array_append(chains, &chain, 1)
               ? ASSAY_OK
               : error_set(error, ASSAY_ERROR_LIMIT, "more than %d perturbations", ROBUSTNESS_MAX_CHAINS);
}

static assay_status add_sweep(struct evaluation *e, struct array *chains, const struct robustness_sweep *sweep,
                              struct assay_error *error)
{
    for (size_t i = 0; i < e->sweep_count; i++)
        if (e->sweeps[i] == sweep)
            return ASSAY_OK;
    e->sweeps[e->sweep_count++] = sweep;
    return robustness_collect(sweep, chains, error);
}

static assay_status collect_chains(struct evaluation *e, struct array *chains, struct assay_error *error)
{
    const struct evaluation_options *o = &e->options;
    size_t known = 0;
    assay_status status = ASSAY_OK;
    while (robustness_sweeps()[known].name)
        known++;
    e->sweeps = arena_alloc(&e->arena, known, sizeof *e->sweeps);
    if (!e->sweeps)
        return error_memory(error, "perturbations");
    if (o->untouched || (o->perturb.count == 0 && o->robustness.count == 0))
        status = add_chain(chains, "", error);
    for (size_t i = 0; i < o->perturb.count && !status; i++)
        status = add_chain(chains, o->perturb.items[i], error);
    for (size_t i = 0; i < o->robustness.count && !status; i++) {
        const struct robustness_sweep *sweep = NULL;
        bool all = strcmp(o->robustness.items[i], "all") == 0;
        for (size_t s = 0; s < known && all && !status; s++)
            status = add_sweep(e, chains, &robustness_sweeps()[s], error);
        if (!all && !(status = robustness_find(o->robustness.items[i], &sweep, error)))
            status = add_sweep(e, chains, sweep, error);
    }
    return status;
}

static assay_status name_chains(struct evaluation *e, const struct array *chains, struct assay_error *error)
{
    const char **names = arena_alloc(&e->arena, chains->count, sizeof *names);
    if (!names)
        return error_memory(error, "perturbations");
    for (size_t i = 0; i < chains->count; i++)
        if (!(names[i] = arena_strdup(&e->arena, ((const struct perturbation *)chains->data)[i].text)))
            return error_memory(error, "perturbations");
    e->job.perturbations = names;
    e->job.perturbation_count = chains->count;
    return ASSAY_OK;
}

/* What a set's protocol does to all pictures, and then each perturbation. */
static assay_status chains_of_set(struct evaluation *e, const struct protocol *protocol,
                                  const struct perturbation **out, struct assay_error *error)
{
    struct perturbation *chains = arena_alloc(&e->arena, e->job.perturbation_count, sizeof *chains);
    if (!chains)
        return error_memory(error, "perturbations");
    for (size_t i = 0; i < e->job.perturbation_count; i++) {
        char text[2 * PERTURBATION_TEXT + 2];
        const char *first = protocol->perturbation, *then = e->job.perturbations[i];
        snprintf(text, sizeof text, "%s%s%s", first, first[0] && then[0] ? "+" : "", then);
        assay_status status = perturbation_parse(text, &chains[i], error);
        if (status)
            return status;
    }
    *out = chains;
    return ASSAY_OK;
}

/* ---- sets -------------------------------------------------------------------------------------------------------- */

static assay_status open_set(struct evaluation *e, struct evaluation_set *s, struct assay_error *error)
{
    const struct evaluation_options *o = &e->options;
    struct protocol_selection selection = {0};
    struct assay_error why = {0};
    assay_status status = dataset_open(s->path, o->layout, o->split, &s->all, error);
    if (status)
        return status;
    s->protocol = protocol_for_layout(s->all.layout ? s->all.layout : "");
    if (o->protocol)
        status = protocol_named(o->protocol, &s->protocol, error);
    if (status)
        return status;
    status = protocol_select(s->protocol, &s->all, (uint64_t)o->seed, &selection, &why);
    if (status)
        return error_set(error, status, "%s: %s", s->path, why.message);
    memcpy(s->left, selection.left, sizeof s->left);
    status = selection_make(&s->all, selection.pictures, selection.count, &s->taken, error);
    protocol_selection_free(&selection);
    return status;
}

static assay_status open_sets(struct evaluation *e, struct assay_error *error)
{
    const struct option_texts *texts = &e->options.data;
    struct runner_set *runner_sets = arena_alloc(&e->arena, texts->count, sizeof *runner_sets);
    e->sets = arena_alloc(&e->arena, texts->count, sizeof *e->sets);
    if (!runner_sets || !e->sets)
        return error_memory(error, "sets");
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < texts->count && !status; i++) {
        struct evaluation_set *s = &e->sets[i];
        status = split_name(texts->items[i], "", &e->arena, &s->name, &s->path, error);
        for (size_t other = 0; other < i && !status; other++)
            if (strcmp(e->sets[other].name, s->name) == 0)
                status = refuse_twice("sets", "data", s->name, error);
        if (status)
            return status;
        e->set_count = i + 1;
        status = open_set(e, s, error);
        if (status)
            return status;
        runner_sets[i] = (struct runner_set){.name = s->name, .dataset = &s->taken};
        status = chains_of_set(e, s->protocol, &runner_sets[i].chains, error);
    }
    e->job.sets = runner_sets;
    e->job.set_count = e->set_count;
    return status;
}

assay_status evaluation_open(const struct evaluation_options *options, struct evaluation *out,
                             struct assay_error *error)
{
    struct array chains = array_of(sizeof(struct perturbation), ROBUSTNESS_MAX_CHAINS);
    *out = (struct evaluation){.options = *options};
    struct evaluation *e = out;
    assay_status status = ASSAY_OK;
    if (options->models.count == 0 || options->data.count == 0)
        status = error_set(error, ASSAY_ERROR_ARGUMENT, "name a model and a set of pictures");
    e->job.seed = (uint64_t)options->seed;
    if (!status)
        status = collect_chains(e, &chains, error);
    if (!status)
        status = name_chains(e, &chains, error);
    if (!status)
        status = open_models(e, error);
    if (!status)
        status = open_sets(e, error);
    array_free(&chains);
    if (status)
        evaluation_free(e);
    return status;
}

void evaluation_free(struct evaluation *e)
{
    for (size_t i = 0; i < e->model_count; i++) {
        model_scorer_free(e->models[i].scorer);
        model_free(&e->models[i].model);
    }
    for (size_t i = 0; i < e->set_count; i++) {
        dataset_free(&e->sets[i].taken);
        dataset_free(&e->sets[i].all);
    }
    arena_free(&e->arena);
    *e = (struct evaluation){0};
}
