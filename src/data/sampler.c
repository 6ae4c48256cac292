/* sampler.c - turns of sources in rounds, pictures of a source in passes. */
#include "data/sampler.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

const struct option sampler_option_table[] = {
    {"source-power", OPTION_FLOAT, offsetof(struct sampler_options, source_power), "0.5", 0, 1, NULL,
     "sources are drawn by (number of pictures)^power: 0 all alike, 1 by pictures"},
    {0},
};

/* A round is as long as the class has pictures, but not longer than this, so that it stays small to shuffle. */
enum { ROUND_MAX = 65536 };

/* Labels of the random streams, beside the source's or round's number. */
enum { STREAM_ROUND = 1, STREAM_PASS = 2 };

struct sampler_source {
    size_t first, count; /* its pictures lie in sampler.pictures from here */
    uint32_t turns;      /* in a round */
    uint64_t pass;       /* that its part of `order` is shuffled for */
};

struct sampler_class {
    size_t first, count;       /* its sources */
    uint32_t length;           /* of a round: the sum of turns */
    uint64_t round;            /* that the two arrays hold */
    uint32_t *source, *before; /* [length] whose turn it is; how many turns that source had before in this round */
};

struct sampler {
    const struct dataset *dataset;
    uint64_t seed;
    struct arena arena;
    struct sampler_class classes[LABEL_COUNT];
    struct sampler_source *sources; /* [source_count], as in the dataset: sorted by class */
    uint32_t *pictures;             /* [count] indices into the dataset, source by source, ascending */
    uint32_t *order;                /* [count] the same, shuffled for each source's present pass */
    uint32_t *turns_taken;          /* [source_count] scratch */
};

/* Turns of each source by largest remainder, at least one each; deterministic, for it depends on nothing but counts. */
static assay_status share_turns(struct sampler *s, struct sampler_class *class, double power, size_t pictures,
                                struct assay_error *error)
{
    struct sampler_source *sources = s->sources + class->first;
    double total = 0, *owed = mem_alloc(class->count, sizeof *owed);
    if (!owed)
        return error_memory(error, "the sampler");
    size_t length = pictures < ROUND_MAX ? pictures : ROUND_MAX, given = 0;
    if (length < class->count)
        length = class->count;
    for (size_t i = 0; i < class->count; i++)
        total += owed[i] = pow((double)sources[i].count, power);
    for (size_t i = 0; i < class->count; i++) {
        double exact = owed[i] / total * (double)length;
        sources[i].turns = exact < 1 ? 1 : (uint32_t)exact;
        owed[i] = exact - sources[i].turns;
        given += sources[i].turns;
    }
    /* At most one more each; where the minimum of one has given too many, the round is that much longer. */
    while (given < length) {
        size_t most = 0;
        for (size_t i = 1; i < class->count; i++)
            if (owed[i] > owed[most])
                most = i;
        sources[most].turns++;
        owed[most] -= 1;
        given++;
    }
    class->length = (uint32_t)given;
    mem_free(owed);
    return ASSAY_OK;
}

static void sort_pictures(struct sampler *s)
{
    const struct dataset *dataset = s->dataset;
    for (size_t i = 0; i < dataset->count; i++) {
        struct sampler_source *source = &s->sources[dataset->pictures[i].source];
        s->pictures[source->first + source->pass++] = (uint32_t)i; /* `pass` counts here, and is set below */
    }
    for (size_t i = 0; i < dataset->source_count; i++)
        s->sources[i].pass = UINT64_MAX;
}

static assay_status prepare(struct sampler *s, const struct sampler_options *options, struct assay_error *error)
{
    const struct dataset *dataset = s->dataset;
    size_t sources = dataset->source_count, first = 0;
    s->sources = arena_alloc(&s->arena, sources, sizeof *s->sources);
    s->turns_taken = arena_alloc(&s->arena, sources, sizeof *s->turns_taken);
    s->pictures = arena_alloc(&s->arena, dataset->count, sizeof *s->pictures);
    s->order = arena_alloc(&s->arena, dataset->count, sizeof *s->order);
    if (!s->sources || !s->turns_taken || !s->pictures || !s->order)
        return error_memory(error, "the sampler");
    for (size_t i = 0; i < sources; i++) {
        struct sampler_class *class = &s->classes[dataset->sources[i].label];
        if (class->count++ == 0)
            class->first = i;
        s->sources[i].first = first;
        s->sources[i].count = dataset->sources[i].count;
        first += s->sources[i].count;
    }
    sort_pictures(s);
    for (int label = 0; label < LABEL_COUNT; label++) {
        struct sampler_class *class = &s->classes[label];
        assay_status status = share_turns(s, class, options->source_power, dataset->label_count[label], error);
        if (status)
            return status;
        class->source = arena_alloc(&s->arena, class->length, sizeof *class->source);
        class->before = arena_alloc(&s->arena, class->length, sizeof *class->before);
        class->round = UINT64_MAX;
        if (!class->source || !class->before)
            return error_memory(error, "the sampler");
    }
    return ASSAY_OK;
}

assay_status sampler_create(const struct dataset *dataset, const struct sampler_options *options, uint64_t seed,
                            struct sampler **out, struct assay_error *error)
{
    struct sampler_options defaults;
    option_defaults(sampler_option_table, &defaults);
    if (!options)
        options = &defaults;
    if (!(options->source_power >= 0 && options->source_power <= 1))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "source-power: %g lies outside 0 to 1", options->source_power);
    for (int label = 0; label < LABEL_COUNT; label++)
        if (!dataset->label_count[label])
            return error_set(error, ASSAY_ERROR_ARGUMENT,
                             "training needs pictures of both classes, and there are no %s ones",
                             dataset_label_text(label));
    struct sampler *s = mem_alloc(1, sizeof *s);
    if (!s)
        return error_memory(error, "the sampler");
    s->dataset = dataset;
    s->seed = seed;
    assay_status status = prepare(s, options, error);
    if (status) {
        sampler_free(s);
        return status;
    }
    *out = s;
    return ASSAY_OK;
}

void sampler_free(struct sampler *sampler)
{
    if (!sampler)
        return;
    arena_free(&sampler->arena);
    mem_free(sampler);
}

static void open_round(struct sampler *s, int label, uint64_t round)
{
    struct sampler_class *class = &s->classes[label];
    struct random random = random_open(s->seed, round, (uint64_t)STREAM_ROUND << 32 | (uint64_t)label);
    uint32_t at = 0;
    for (size_t i = class->first; i < class->first + class->count; i++) {
        s->turns_taken[i] = 0;
        for (uint32_t turn = 0; turn < s->sources[i].turns; turn++)
            class->source[at++] = (uint32_t)i;
    }
    random_shuffle(&random, class->source, class->length);
    for (at = 0; at < class->length; at++)
        class->before[at] = s->turns_taken[class->source[at]]++;
    class->round = round;
}

static void open_pass(struct sampler *s, uint32_t index, uint64_t pass)
{
    struct sampler_source *source = &s->sources[index];
    struct random random = random_open(s->seed, pass, (uint64_t)STREAM_PASS << 32 | index);
    memcpy(s->order + source->first, s->pictures + source->first, source->count * sizeof *s->order);
    random_shuffle(&random, s->order + source->first, source->count);
    source->pass = pass;
}

uint32_t sampler_at(struct sampler *s, uint64_t position)
{
    int label = position & 1 ? LABEL_GENERATED : LABEL_REAL;
    struct sampler_class *class = &s->classes[label];
    uint64_t round = position / 2 / class->length;
    size_t slot = (size_t)(position / 2 % class->length);
    if (class->round != round)
        open_round(s, label, round);
    uint32_t index = class->source[slot];
    struct sampler_source *source = &s->sources[index];
    uint64_t turn = round * source->turns + class->before[slot];
    if (source->pass != turn / source->count)
        open_pass(s, index, turn / source->count);
    return s->order[source->first + (size_t)(turn % source->count)];
}

double sampler_share(const struct sampler *s, size_t index)
{
    const struct sampler_class *class = &s->classes[s->dataset->sources[index].label];
    return (double)s->sources[index].turns / class->length;
}
