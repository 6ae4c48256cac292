/* protocol_division.c - which pictures stand in which row, and which of them are drawn: a function of the protocol, the
 * seed, and the pictures' sources and names alone. Drawing again from what was drawn gives the same. */
#include "eval/protocol_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"

/* ---- names ----------------------------------------------------------------------------------------------------- */

/* The generator is what comes before the first '/' of a source's name, the detail what comes behind it. */
static size_t generator_length(const char *name)
{
    return strcspn(name, "/");
}

static const char *detail_of(const char *name)
{
    size_t length = generator_length(name);
    return name[length] ? name + length + 1 : "";
}

static bool same_generator(const char *a, const char *b)
{
    size_t length = generator_length(a);
    return length == generator_length(b) && memcmp(a, b, length) == 0;
}

/* `name` is `whole`, or begins with it and a '/'. */
static bool is_or_below(const char *name, const char *whole)
{
    size_t length = strlen(whole);
    return strncmp(name, whole, length) == 0 && (name[length] == '\0' || name[length] == '/');
}

static bool is_word_of(const char *text, size_t length, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) == length && memcmp(*words, text, length) == 0)
            return true;
    return false;
}

static bool name_passes(enum protocol_names rule, const char *path, int label)
{
    static const char *const univfd[] = {"png", "jpg", "JPEG", "jpeg", "bmp", NULL};
    const char *file = strrchr(path, '/');
    file = file ? file + 1 : path;
    size_t length = strlen(file);
    switch (rule) {
    case PROTOCOL_NAMES_ANY: return true;
    case PROTOCOL_NAMES_COSPY: return label == LABEL_REAL || (length >= 4 && strcmp(file + length - 4, ".png") == 0);
    case PROTOCOL_NAMES_UNIVFD: break;
    }
    const char *dot = strchr(file, '.');
    return dot && is_word_of(dot + 1, strcspn(dot + 1, "."), univfd);
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

/* Where a generator stands in the authors' list; behind all of it if it does not. */
static size_t place_of(const char *order, const char *name)
{
    size_t place = 0;
    for (const char *word = order; *word; place++) {
        size_t length = strcspn(word, " ");
        if (length == generator_length(name) && memcmp(word, name, length) == 0)
            return place;
        word += length + (word[length] == ' ');
    }
    return place;
}

struct row_key {
    const char *name;
    size_t place;
};

static int by_place(const void *left, const void *right)
{
    const struct row_key *a = left, *b = right;
    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    size_t shorter = generator_length(a->name), other = generator_length(b->name);
    int order = memcmp(a->name, b->name, shorter < other ? shorter : other);
    if (order == 0 && shorter != other)
        order = shorter < other ? -1 : 1; /* so that the sources of one generator stay together */
    return order ? order : strcmp(a->name, b->name);
}

/* Whether a generated source belongs to the row. */
static bool in_row(const struct protocol *p, const char *row, const char *source)
{
    return p->rows == PROTOCOL_ROWS_ONE || strcmp(row, source) == 0 ||
           (p->rows == PROTOCOL_ROWS_GENERATOR && same_generator(row, source));
}

static const char *paired_with(const struct protocol *p, const char *row)
{
    for (const struct protocol_pair *pair = p->pairs; pair && pair->generated; pair++)
        if (same_generator(pair->generated, row))
            return pair->real;
    return NULL;
}

/* Whether a real source stands against the row. */
static bool against_row(const struct protocol *p, const char *row, const char *source)
{
    switch (p->reals) {
    case PROTOCOL_REALS_SHARED: return true;
    case PROTOCOL_REALS_DETAIL: return is_or_below(source, *detail_of(row) ? detail_of(row) : row);
    case PROTOCOL_REALS_PAIRED:
        if (paired_with(p, row))
            return same_generator(source, paired_with(p, row));
        break;
    case PROTOCOL_REALS_OWN: break;
    }
    return p->rows == PROTOCOL_ROWS_SOURCE ? strcmp(row, source) == 0 : same_generator(row, source);
}

static const char *name_reals(const struct protocol *p, const char *row)
{
    switch (p->reals) {
    case PROTOCOL_REALS_SHARED: return "all real";
    case PROTOCOL_REALS_DETAIL: return *detail_of(row) ? detail_of(row) : row;
    case PROTOCOL_REALS_PAIRED: return paired_with(p, row) ? paired_with(p, row) : row;
    case PROTOCOL_REALS_OWN: break;
    }
    return row;
}

static assay_status name_rows(struct division *d, struct assay_error *error)
{
    const struct protocol *p = d->protocol;
    assay_status status = ASSAY_OK;
    struct row_key *keys = mem_alloc(d->source_count + 1, sizeof *keys);
    size_t count = 0;
    if (!keys)
        return error_memory(error, "the rows of a protocol");
    if (p->rows == PROTOCOL_ROWS_ONE)
        keys[count++] = (struct row_key){"all", 0};
    for (size_t s = 0; s < d->source_count && p->rows != PROTOCOL_ROWS_ONE; s++) {
        const char *name = d->sources[s].name;
        if (d->sources[s].label != LABEL_GENERATED || d->sources[s].found == 0)
            continue;
        if (p->rows == PROTOCOL_ROWS_GENERATOR)
            name = arena_strndup(&d->arena, name, generator_length(name));
        if (!name) {
            status = error_memory(error, "the rows of a protocol");
            goto done;
        }
        keys[count++] = (struct row_key){name, place_of(p->order, name)};
    }
    qsort(keys, count, sizeof *keys, by_place);
    d->rows = arena_alloc(&d->arena, count ? count : 1, sizeof *d->rows);
    if (!d->rows) {
        status = error_memory(error, "the rows of a protocol");
        goto done;
    }
    for (size_t k = 0; k < count; k++) {
        if (k > 0 && strcmp(keys[k - 1].name, keys[k].name) == 0)
            continue;
        struct division_row *row = &d->rows[d->row_count++];
        const char *name = keys[k].name;
        row->name = name;
        row->reals = name_reals(p, name);
        row->group = p->rows == PROTOCOL_ROWS_SOURCE ? arena_strndup(&d->arena, name, generator_length(name)) : "";
        if (!row->group) {
            status = error_memory(error, "the rows of a protocol");
            goto done;
        }
    }
done:
    mem_free(keys);
    return status;
}

/* ---- members --------------------------------------------------------------------------------------------------- */

struct candidate {
    const char *name;
    uint64_t key; /* drawn: the smallest are taken */
    uint32_t index;
};

static int by_key(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    int order = strcmp(a->name, b->name);
    return order ? order : a->index < b->index ? -1 : a->index > b->index;
}

/* Sorts the pictures by source, then by name. */
static assay_status order_pictures(struct division *d, struct assay_error *error)
{
    size_t count = 0;
    struct candidate *sorted = mem_alloc(d->picture_count ? d->picture_count : 1, sizeof *sorted);
    d->order = arena_alloc(&d->arena, d->picture_count ? d->picture_count : 1, sizeof *d->order);
    d->choice = arena_alloc(&d->arena, d->picture_count ? d->picture_count : 1, 1);
    if (!sorted || !d->order || !d->choice) {
        mem_free(sorted);
        return error_memory(error, "the pictures of a protocol");
    }
    for (size_t s = 0; s < d->source_count; s++)
        d->sources[s].found = d->sources[s].count = 0;
    for (size_t i = 0; i < d->picture_count; i++) {
        const struct division_picture *picture = &d->pictures[i];
        struct division_source *source = &d->sources[picture->source];
        bool passes = name_passes(d->protocol->names, picture->name, source->label);
        source->found++;
        d->choice[i] = passes ? PROTOCOL_LEFT_WITHOUT_ROW : PROTOCOL_LEFT_BY_NAME;
        if (!passes)
            continue;
        sorted[count++] = (struct candidate){picture->name, picture->source, (uint32_t)i};
        source->count++;
    }
    qsort(sorted, count, sizeof *sorted, by_key);
    for (size_t i = 0; i < count; i++)
        d->order[i] = sorted[i].index;
    for (size_t s = 0, begin = 0; s < d->source_count; s++) {
        d->sources[s].begin = begin;
        begin += d->sources[s].count;
    }
    mem_free(sorted);
    return ASSAY_OK;
}

static bool stands_in(const struct division *d, const struct division_row *row, const struct division_source *source,
                      int label)
{
    if (source->label != label || (label == LABEL_REAL && d->art_apart && source->art))
        return false;
    return label == LABEL_GENERATED ? in_row(d->protocol, row->name, source->name)
                                    : against_row(d->protocol, row->name, source->name);
}

/* All that may stand in a row, before sampling. */
static assay_status gather(struct division *d, struct division_row *row, int label, struct assay_error *error)
{
    size_t count = 0;
    for (size_t s = 0; s < d->source_count; s++)
        if (stands_in(d, row, &d->sources[s], label))
            count += d->sources[s].count;
    row->count[label] = 0;
    row->members[label] = arena_alloc(&d->arena, count ? count : 1, sizeof *row->members[label]);
    if (!row->members[label])
        return error_memory(error, "the pictures of a protocol");
    for (size_t s = 0; s < d->source_count; s++) {
        const struct division_source *source = &d->sources[s];
        if (!stands_in(d, row, source, label))
            continue;
        memcpy(row->members[label] + row->count[label], d->order + source->begin, source->count * sizeof *d->order);
        row->count[label] += source->count;
    }
    return ASSAY_OK;
}

/* Keeps `most` of a class: the first by name, or drawn by the seed whatever else is in the row, so that rows which
 * share their real pictures draw the same. */
static assay_status keep(struct division *d, struct division_row *row, int label, size_t most, bool draw,
                         struct assay_error *error)
{
    size_t count = row->count[label];
    if (most >= count)
        return ASSAY_OK;
    struct candidate *candidates = mem_alloc(count, sizeof *candidates);
    if (!candidates)
        return error_memory(error, "drawing pictures");
    for (size_t i = 0; i < count; i++) {
        uint32_t index = row->members[label][i], words[4] = {0};
        const char *name = d->pictures[index].name;
        if (draw)
            random_at(d->seed, hash_text(name), (uint64_t)label, words);
        candidates[i] = (struct candidate){name, (uint64_t)words[1] << 32 | words[0], index};
    }
    qsort(candidates, count, sizeof *candidates, by_key);
    for (size_t i = 0; i < most; i++)
        row->members[label][i] = candidates[i].index;
    row->count[label] = most;
    mem_free(candidates);
    return ASSAY_OK;
}

static assay_status refuse(const struct division *d, const struct division_row *row, int label,
                           struct assay_error *error)
{
    char name[TEXT_NAME], reals[TEXT_NAME];
    text_printable(row->name, name, sizeof name);
    text_printable(row->reals, reals, sizeof reals);
    if (label == LABEL_GENERATED)
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "protocol %s: there are no generated pictures of '%s' that count (--protocol assay takes what "
                         "there is)",
                         d->protocol->name, name);
    return error_set(error, ASSAY_ERROR_ARGUMENT,
                     "protocol %s: there are no real pictures to compare '%s' with; it takes those of '%s' (--protocol "
                     "assay takes all there are)",
                     d->protocol->name, name, reals);
}

static assay_status sample(struct division *d, struct division_row *row, struct assay_error *error)
{
    const struct protocol *p = d->protocol;
    const size_t *count = row->count;
    for (int label = 0; label < LABEL_COUNT; label++)
        if (count[label] == 0 && !p->any_class)
            return refuse(d, row, label, error);
    bool draw = p->sampling == PROTOCOL_TAKE_UNIVFD;
    size_t smaller = count[0] < count[1] ? count[0] : count[1], most = p->max_per_class;
    if (p->sampling == PROTOCOL_TAKE_ALL)
        return ASSAY_OK;
    if (draw && smaller < most)
        most = p->fallback;
    if (!draw && smaller < most)
        most = smaller;
    assay_status status = keep(d, row, LABEL_REAL, most, draw, error);
    if (!status)
        status = keep(d, row, LABEL_GENERATED, most, draw, error);
    if (!status && count[0] != count[1]) {
        char name[TEXT_NAME];
        status =
            error_set(error, ASSAY_ERROR_ARGUMENT,
                      "protocol %s: '%s' has %zu real and %zu generated pictures, but it needs as many of one as of "
                      "the other, or at least %zu of each (--protocol assay takes all)",
                      p->name, text_printable(row->name, name, sizeof name), count[0], count[1], most);
    }
    return status;
}

static void mark(struct division *d, const struct division_row *row, uint8_t choice)
{
    for (int label = 0; label < LABEL_COUNT; label++)
        for (size_t i = 0; i < row->count[label]; i++) {
            uint8_t *now = &d->choice[row->members[label][i]];
            *now = *now == PROTOCOL_TAKEN ? *now : choice;
        }
}

static assay_status fill_row(struct division *d, struct division_row *row, struct assay_error *error)
{
    /* Rows that share all real pictures share the list too: there may be many. */
    bool shared = d->protocol->reals == PROTOCOL_REALS_SHARED && d->protocol->sampling == PROTOCOL_TAKE_ALL;
    assay_status status = ASSAY_OK;
    if (shared && row != d->rows) {
        row->members[LABEL_REAL] = d->rows[0].members[LABEL_REAL];
        row->count[LABEL_REAL] = d->rows[0].count[LABEL_REAL];
    } else {
        status = gather(d, row, LABEL_REAL, error);
    }
    if (!status)
        status = gather(d, row, LABEL_GENERATED, error);
    if (status)
        return status;
    if (d->protocol->sampling != PROTOCOL_TAKE_ALL)
        mark(d, row, PROTOCOL_LEFT_BY_SAMPLING);
    status = sample(d, row, error);
    if (!status)
        mark(d, row, PROTOCOL_TAKEN);
    return status;
}

assay_status division_make(const struct protocol *protocol, uint64_t seed, const struct division_picture *pictures,
                           size_t picture_count, struct division_source *sources, size_t source_count,
                           struct division *out, struct assay_error *error)
{
    *out = (struct division){.protocol = protocol,
                             .seed = seed,
                             .pictures = pictures,
                             .picture_count = picture_count,
                             .sources = sources,
                             .source_count = source_count};
    if (picture_count >= UINT32_MAX)
        return error_set(error, ASSAY_ERROR_LIMIT, "protocol: more than 2^32 - 2 pictures");
    assay_status status = order_pictures(out, error);
    if (status)
        goto done;
    for (size_t s = 0; s < source_count && protocol->art_apart; s++)
        out->art_apart |= sources[s].label == LABEL_REAL && !sources[s].art && sources[s].count > 0;
    status = name_rows(out, error);
    for (size_t r = 0; r < out->row_count && !status; r++)
        status = fill_row(out, &out->rows[r], error);
    if (!status && out->row_count == 0 && !protocol->any_class)
        status = error_set(error, ASSAY_ERROR_ARGUMENT, "protocol %s: there are no generated pictures", protocol->name);
    for (size_t s = 0; s < source_count && !status && protocol->real_rows; s++)
        for (size_t i = 0; i < sources[s].count && sources[s].label == LABEL_REAL; i++)
            out->choice[out->order[sources[s].begin + i]] = PROTOCOL_TAKEN;
done:
    if (status)
        division_free(out);
    return status;
}

void division_free(struct division *division)
{
    arena_free(&division->arena);
    *division = (struct division){0};
}

/* ---- before a run ---------------------------------------------------------------------------------------------- */

assay_status protocol_select(const struct protocol *protocol, const struct dataset *dataset, uint64_t seed,
                             struct protocol_selection *out, struct assay_error *error)
{
    *out = (struct protocol_selection){0};
    struct division division = {0};
    struct division_picture *pictures = mem_alloc(dataset->count ? dataset->count : 1, sizeof *pictures);
    struct division_source *sources = mem_alloc(dataset->source_count ? dataset->source_count : 1, sizeof *sources);
    out->pictures = mem_alloc(dataset->count ? dataset->count : 1, sizeof *out->pictures);
    out->choice = mem_alloc(dataset->count ? dataset->count : 1, 1);
    assay_status status = ASSAY_OK;
    if (!pictures || !sources || !out->pictures || !out->choice) {
        status = error_memory(error, "choosing pictures");
        goto done;
    }
    for (size_t i = 0; i < dataset->count; i++)
        pictures[i] = (struct division_picture){dataset->pictures[i].name, dataset->pictures[i].source};
    for (size_t s = 0; s < dataset->source_count; s++)
        sources[s] = (struct division_source){.name = dataset->sources[s].name,
                                              .label = dataset->sources[s].label,
                                              .art = dataset->sources[s].art};
    status = division_make(protocol, seed, pictures, dataset->count, sources, dataset->source_count, &division, error);
    if (status)
        goto done;
    for (size_t i = 0; i < dataset->count; i++) {
        out->choice[i] = division.choice[i];
        out->left[division.choice[i]]++;
        if (division.choice[i] == PROTOCOL_TAKEN)
            out->pictures[out->count++] = (uint32_t)i;
    }
done:
    division_free(&division);
    mem_free(sources);
    mem_free(pictures);
    if (status)
        protocol_selection_free(out);
    return status;
}

void protocol_selection_free(struct protocol_selection *selection)
{
    mem_free(selection->pictures);
    mem_free(selection->choice);
    *selection = (struct protocol_selection){0};
}
