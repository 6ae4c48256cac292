/* protocol_summary.c - predictions to the table of a protocol. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "eval/protocol_internal.h"

struct summary {
    const struct prediction *predictions;
    size_t count;
    const struct protocol_options *options;
    struct division_picture *pictures;
    struct division_source *sources;
    size_t source_count;
    int *number; /* of each source, for the bootstrap, which draws by it: their rank by class and name, so that it does
                    not depend on the order of the predictions */
    struct division division;
    struct metrics_sample *samples; /* of one row */
    uint32_t *sample_source;        /* index into sources */
    size_t sample_count;
    size_t *per_source;      /* of one row: readable pictures */
    uint32_t *stamp;         /* the last row that a picture was counted in */
    double *replicates;      /* of one row: [replicate][figure] */
    double *group_sum, *sum; /* of the replicates of rows, likewise */
    double *column;
    struct protocol_table *table;
};

/* ---- the numbers of sources ----------------------------------------------------------------------------------- */

struct ranked_source {
    const struct division_source *source;
    size_t index;
};

static int by_name(const void *left, const void *right)
{
    const struct division_source *a = ((const struct ranked_source *)left)->source,
                                 *b = ((const struct ranked_source *)right)->source;
    return a->label != b->label ? a->label - b->label : strcmp(a->name, b->name);
}

static assay_status number_sources(struct summary *s, struct assay_error *error)
{
    struct ranked_source *ranked = mem_alloc(s->source_count + 1, sizeof *ranked);
    if (!ranked)
        return error_memory(error, "the table of a protocol");
    for (size_t i = 0; i < s->source_count; i++)
        ranked[i] = (struct ranked_source){&s->sources[i], i};
    qsort(ranked, s->source_count, sizeof *ranked, by_name);
    for (size_t i = 0; i < s->source_count; i++)
        s->number[ranked[i].index] = (int)i;
    mem_free(ranked);
    return ASSAY_OK;
}

/* ---- one row ----------------------------------------------------------------------------------------------------- */

static void add_sample(struct summary *s, struct protocol_row *row, uint32_t index)
{
    const struct prediction *p = &s->predictions[index];
    uint32_t source = s->pictures[index].source;
    if (!p->readable) {
        row->unreadable[p->label]++;
        return;
    }
    row->judged[p->label]++;
    s->per_source[source]++;
    s->sample_source[s->sample_count] = source;
    s->samples[s->sample_count++] = (struct metrics_sample){.logit = p->logit,
                                                            .weight = 1,
                                                            .generated = p->label == LABEL_GENERATED,
                                                            .source = s->number[source],
                                                            .probability = p->probability,
                                                            .verdict = p->verdict};
}

/* Both classes weigh one half, sources of a class the same. */
static void balance(struct summary *s)
{
    size_t class_sources[LABEL_COUNT] = {0, 0};
    for (size_t i = 0; i < s->source_count; i++)
        class_sources[s->sources[i].label] += s->per_source[i] > 0;
    for (size_t i = 0; i < s->sample_count; i++)
        s->samples[i].weight =
            0.5 / ((double)class_sources[s->samples[i].generated] * (double)s->per_source[s->sample_source[i]]);
}

static assay_status measure(struct summary *s, struct protocol_row *row, const uint32_t *const members[LABEL_COUNT],
                            const size_t count[LABEL_COUNT], bool balanced, struct assay_error *error)
{
    s->sample_count = 0;
    memset(s->per_source, 0, s->source_count * sizeof *s->per_source);
    for (int label = 0; label < LABEL_COUNT; label++)
        for (size_t i = 0; i < count[label]; i++)
            add_sample(s, row, members[label][i]);
    if (balanced)
        balance(s);
    assay_status status = metrics_figures(s->samples, s->sample_count, &row->figures, error);
    for (int f = 0; f < FIGURE_COUNT; f++)
        row->interval[f] = (struct metrics_interval){NAN, NAN};
    if (status || s->options->replicates == 0)
        return status;
    const struct metrics_bootstrap_options options = {s->options->bootstrap_seed, s->options->replicates, 0};
    return metrics_bootstrap(s->samples, s->sample_count, &options, metrics_measure_figures, NULL, FIGURE_COUNT,
                             row->interval, s->replicates, error);
}

static const char *copy(struct summary *s, const char *text)
{
    return arena_strdup(&s->table->arena, text);
}

static struct protocol_row *new_row(struct summary *s, enum protocol_row_kind kind, const char *name, const char *group,
                                    const char *reals, struct assay_error *error)
{
    struct protocol_row *row = &s->table->rows[s->table->count++];
    *row = (struct protocol_row){.kind = kind, .name = copy(s, name), .group = copy(s, group), .reals = copy(s, reals)};
    if (row->name && row->group && row->reals)
        return row;
    error_memory(error, "the table of a protocol");
    return NULL;
}

/* ---- means ------------------------------------------------------------------------------------------------------- */

/* Sums of rows, of which a mean is made. */
struct mean {
    double value[FIGURE_COUNT];
    double *replicates; /* NULL: no intervals */
    size_t count;
};

static void mean_begin(struct mean *mean, double *replicates, size_t values)
{
    *mean = (struct mean){.replicates = replicates};
    for (size_t i = 0; i < values; i++)
        replicates[i] = 0;
}

static void mean_add(struct mean *mean, const double *value, const double *replicates, size_t values)
{
    for (int f = 0; f < FIGURE_COUNT; f++)
        mean->value[f] += value[f];
    for (size_t i = 0; i < values; i++)
        mean->replicates[i] += replicates[i];
    mean->count++;
}

/* The mean becomes the row's figures, and its replicates their own means. */
static void mean_end(struct summary *s, struct mean *mean, struct protocol_row *row)
{
    double count = (double)mean->count;
    size_t replicates = s->options->replicates;
    for (int f = 0; f < FIGURE_COUNT; f++) {
        row->figures.value[f] = mean->count ? mean->value[f] / count : NAN;
        row->interval[f] = (struct metrics_interval){NAN, NAN};
        mean->value[f] = row->figures.value[f];
        for (size_t r = 0; r < replicates; r++) {
            mean->replicates[r * FIGURE_COUNT + (size_t)f] /= count;
            s->column[r] = mean->replicates[r * FIGURE_COUNT + (size_t)f];
        }
        if (replicates > 0 && mean->count > 0)
            row->interval[f] = metrics_interval_of(s->column, replicates, 0.95);
    }
}

/* Counts the pictures of some rows, each once; `stamp` is new to each call. */
static void count_pictures(struct summary *s, struct protocol_row *row, size_t from, size_t to, uint32_t stamp)
{
    row->judged[0] = row->judged[1] = row->unreadable[0] = row->unreadable[1] = 0;
    for (size_t r = from; r < to; r++)
        for (int label = 0; label < LABEL_COUNT; label++)
            for (size_t i = 0; i < s->division.rows[r].count[label]; i++) {
                uint32_t index = s->division.rows[r].members[label][i];
                if (s->stamp[index] == stamp)
                    continue;
                s->stamp[index] = stamp;
                (s->predictions[index].readable ? row->judged : row->unreadable)[label]++;
            }
    row->figures.count[0] = row->judged[0];
    row->figures.count[1] = row->judged[1];
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

/* The rows of generated pictures, and of their generators where these are averaged. `groups` is room for the latter,
 * which come behind the rows of real sources. */
static assay_status generated_rows(struct summary *s, struct mean *all, struct protocol_row *groups,
                                   size_t *group_count, struct assay_error *error)
{
    const struct division *d = &s->division;
    bool grouped = d->protocol->mean == PROTOCOL_MEAN_GROUPS;
    size_t values = s->options->replicates * (size_t)FIGURE_COUNT, group_begin = 0;
    struct mean group;
    mean_begin(all, s->sum, values);
    mean_begin(&group, s->group_sum, values);
    for (size_t r = 0; r < d->row_count; r++) {
        const struct division_row *from = &d->rows[r];
        struct protocol_row *row = new_row(s, PROTOCOL_ROW_GENERATED, from->name, from->group, from->reals, error);
        if (!row)
            return ASSAY_ERROR_MEMORY;
        const uint32_t *const members[LABEL_COUNT] = {from->members[0], from->members[1]};
        assay_status status = measure(s, row, members, from->count, d->protocol->balanced, error);
        if (status)
            return status;
        mean_add(grouped ? &group : all, row->figures.value, s->replicates, values);
        if (!grouped || (r + 1 < d->row_count && strcmp(d->rows[r + 1].group, from->group) == 0))
            continue;
        struct protocol_row *mean = &groups[(*group_count)++];
        *mean = (struct protocol_row){.kind = PROTOCOL_ROW_GROUP, .name = row->group, .group = row->group, .reals = ""};
        mean_end(s, &group, mean);
        count_pictures(s, mean, group_begin, r + 1, (uint32_t)r + 1);
        mean_add(all, mean->figures.value, group.replicates, values);
        mean_begin(&group, s->group_sum, values);
        group_begin = r + 1;
    }
    return ASSAY_OK;
}

/* Real sources by themselves: photographs, then art. */
static assay_status real_rows(struct summary *s, bool art, struct assay_error *error)
{
    /* In the order of their names, which is the order of nothing else here. */
    const char *last = NULL;
    for (;;) {
        const struct division_source *next = NULL;
        for (size_t i = 0; i < s->source_count; i++) {
            const struct division_source *source = &s->sources[i];
            if (source->label == LABEL_REAL && source->art == art && source->count > 0 &&
                (!last || strcmp(source->name, last) > 0) && (!next || strcmp(source->name, next->name) < 0))
                next = source;
        }
        if (!next)
            return ASSAY_OK;
        last = next->name;
        struct protocol_row *row =
            new_row(s, art ? PROTOCOL_ROW_ART : PROTOCOL_ROW_REAL, next->name, "", next->name, error);
        if (!row)
            return ASSAY_ERROR_MEMORY;
        const uint32_t *const members[LABEL_COUNT] = {s->division.order + next->begin, NULL};
        const size_t count[LABEL_COUNT] = {next->count, 0};
        assay_status status = measure(s, row, members, count, false, error);
        if (status)
            return status;
    }
}

/* The last row: the mean of the others, or one pool of all of them. */
static assay_status last_row(struct summary *s, struct mean *all, struct assay_error *error)
{
    const struct division *d = &s->division;
    if (d->protocol->mean == PROTOCOL_MEAN_NONE)
        return ASSAY_OK;
    struct protocol_row *row = new_row(s, PROTOCOL_ROW_MEAN, "mean", "", "", error);
    if (!row)
        return ASSAY_ERROR_MEMORY;
    if (d->protocol->mean != PROTOCOL_MEAN_SOURCES) {
        mean_end(s, all, row);
        count_pictures(s, row, 0, d->row_count, UINT32_MAX);
        return ASSAY_OK;
    }
    uint32_t *pool = mem_alloc(s->count ? s->count : 1, sizeof *pool);
    if (!pool)
        return error_memory(error, "the table of a protocol");
    size_t count[LABEL_COUNT] = {0, 0};
    for (int label = 0; label < LABEL_COUNT; label++)
        for (size_t i = 0; i < s->source_count; i++) {
            const struct division_source *source = &s->sources[i];
            if (source->label != label || (d->art_apart && source->art))
                continue;
            memcpy(pool + count[0] + count[1], d->order + source->begin, source->count * sizeof *pool);
            count[label] += source->count;
        }
    const uint32_t *const members[LABEL_COUNT] = {pool, pool + count[0]};
    assay_status status = measure(s, row, members, count, true, error);
    mem_free(pool);
    return status;
}

static assay_status fill_table(struct summary *s, struct assay_error *error)
{
    struct protocol_table *table = s->table;
    size_t group_count = 0, most = 2 * s->division.row_count + s->source_count + 1;
    struct protocol_row *groups = mem_alloc(s->division.row_count ? s->division.row_count : 1, sizeof *groups);
    table->rows = arena_alloc(&table->arena, most, sizeof *table->rows);
    if (!table->rows || !groups) {
        mem_free(groups);
        return error_memory(error, "the table of a protocol");
    }
    struct mean all;
    assay_status status = generated_rows(s, &all, groups, &group_count, error);
    if (!status && s->division.protocol->real_rows)
        status = real_rows(s, false, error);
    if (!status && s->division.protocol->real_rows)
        status = real_rows(s, true, error);
    if (!status) {
        memcpy(table->rows + table->count, groups, group_count * sizeof *groups);
        table->count += group_count;
        status = last_row(s, &all, error);
    }
    mem_free(groups);
    for (size_t i = 0; i < s->count; i++) {
        bool taken = s->division.choice[i] == PROTOCOL_TAKEN;
        table->unreadable += taken && !s->predictions[i].readable;
        table->passed_over += !taken;
    }
    return status;
}

assay_status protocol_summarise(const struct protocol *protocol, const struct prediction *predictions, size_t count,
                                const struct protocol_options *options, struct protocol_table *out,
                                struct assay_error *error)
{
    static const struct protocol_options none = {0};
    struct summary s = {.predictions = predictions, .count = count, .options = options ? options : &none, .table = out};
    size_t some = count ? count : 1, values = 1, replicates = s.options->replicates;
    assay_status status = ASSAY_OK;
    *out = (struct protocol_table){.protocol = protocol};
    if (!size_mul(replicates ? replicates : 1, FIGURE_COUNT, &values))
        return error_memory(error, "the table of a protocol");
    s.pictures = mem_alloc(some, sizeof *s.pictures);
    s.sources = mem_alloc(some, sizeof *s.sources);
    s.samples = mem_alloc(some, sizeof *s.samples);
    s.number = mem_alloc(some, sizeof *s.number);
    s.sample_source = mem_alloc(some, sizeof *s.sample_source);
    s.per_source = mem_alloc(some, sizeof *s.per_source);
    s.stamp = mem_alloc(some, sizeof *s.stamp);
    s.replicates = mem_alloc(values, sizeof *s.replicates);
    s.group_sum = mem_alloc(values, sizeof *s.group_sum);
    s.sum = mem_alloc(values, sizeof *s.sum);
    s.column = mem_alloc(values, sizeof *s.column);
    if (!s.pictures || !s.sources || !s.samples || !s.number || !s.sample_source || !s.per_source || !s.stamp ||
        !s.replicates || !s.group_sum || !s.sum || !s.column) {
        status = error_memory(error, "the table of a protocol");
        goto done;
    }
    status = division_of_predictions(predictions, count, s.pictures, s.sources, &s.source_count, error);
    if (!status)
        status = number_sources(&s, error);
    if (!status)
        status =
            division_make(protocol, s.options->seed, s.pictures, count, s.sources, s.source_count, &s.division, error);
    if (!status)
        status = fill_table(&s, error);
done:
    division_free(&s.division);
    mem_free(s.column);
    mem_free(s.sum);
    mem_free(s.group_sum);
    mem_free(s.replicates);
    mem_free(s.stamp);
    mem_free(s.per_source);
    mem_free(s.sample_source);
    mem_free(s.number);
    mem_free(s.samples);
    mem_free(s.sources);
    mem_free(s.pictures);
    if (status)
        protocol_table_free(out);
    return status;
}

void protocol_table_free(struct protocol_table *table)
{
    arena_free(&table->arena);
    *table = (struct protocol_table){0};
}
