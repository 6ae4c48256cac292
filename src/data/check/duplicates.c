/* duplicates.c - finds equal files by their digests, and near ones by their hashes.
 *
 * Pictures are sorted by hash and digest, so that those of one hash lie together and among them those of one file. A
 * "key" is one hash value. Two hashes that differ in at most d bits differ in at most d / 4 bits in one of their four
 * quarters; so each key looks up, quarter by quarter, the keys whose quarter is that near, and compares only those. */
#include "data/check/duplicates.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { PLACES = LABEL_COUNT * SCAN_SPLITS, QUARTERS = 4, QUARTER_BITS = 16, QUARTER_VALUES = 1 << QUARTER_BITS };

struct item {
    uint64_t hash;
    const uint8_t *digest;
    uint32_t picture, place;
};

/* The pictures of one hash. */
struct key {
    uint64_t hash;
    size_t first, count;    /* into items */
    uint32_t files[PLACES]; /* different files that a place (class and split) has */
    uint32_t all_files;
    uint32_t near;   /* bit per place: has a picture of another key that is near */
    uint32_t parent; /* of the tree that joins keys that hang together */
};

static int compare_items(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    int order = memcmp(x->digest, y->digest, SHA256_BYTES);
    return order ? order : x->picture < y->picture ? -1 : x->picture > y->picture;
}

static uint32_t place_of(const struct scan_picture *p)
{
    return (uint32_t)p->picture->label * SCAN_SPLITS + p->split;
}

/* The readable pictures, sorted; with `equal` by digest alone. */
static struct item *sort_items(const struct scan *scan, bool equal, size_t *count, size_t *flat)
{
    struct item *items = mem_alloc(scan->count, sizeof *items);
    *count = *flat = 0;
    if (!items)
        return NULL;
    for (size_t i = 0; i < scan->count; i++) {
        const struct scan_picture *p = &scan->pictures[i];
        if (p->problem)
            continue;
        if (!equal && p->hash.flat) {
            ++*flat;
            continue;
        }
        items[(*count)++] =
            (struct item){equal ? 0 : p->hash.bits, p->digest, (uint32_t)i, place_of(&scan->pictures[i])};
    }
    if (*count)
        qsort(items, *count, sizeof *items, compare_items);
    return items;
}

/* PARTNER_ bits of a picture at `place`, whose partners are at the places of `others`. */
static uint8_t partner_bits(uint32_t place, uint32_t others)
{
    uint8_t bits = 0;
    for (uint32_t other = 0; other < PLACES; other++) {
        if (!(others >> other & 1))
            continue;
        if (other == place)
            bits |= PARTNER_ALIKE;
        if (other / SCAN_SPLITS != place / SCAN_SPLITS)
            bits |= PARTNER_OTHER_CLASS;
        if (other % SCAN_SPLITS != place % SCAN_SPLITS)
            bits |= PARTNER_OTHER_SPLIT;
    }
    return bits;
}

static void count_partners(struct duplicate_set *set, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        set->pictures += set->partners[i] != 0;
        set->alike += (set->partners[i] & PARTNER_ALIKE) != 0;
        set->other_class += (set->partners[i] & PARTNER_OTHER_CLASS) != 0;
        set->other_split += (set->partners[i] & PARTNER_OTHER_SPLIT) != 0;
    }
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

struct member {
    uint32_t group, picture; /* the group's name is its first picture */
};

static int compare_members(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return x->picture < y->picture ? -1 : x->picture > y->picture;
}

/* From (group, picture) pairs, whose group is any number: groups of at least two, ordered by their first pictures. */
static assay_status make_groups(struct member *members, size_t count, struct duplicate_set *set,
                                struct assay_error *error)
{
    if (count)
        qsort(members, count, sizeof *members, compare_members);
    for (size_t i = 0; i < count;) { /* renamed by the first picture */
        size_t end = i;
        uint32_t group = members[i].group, first = members[i].picture;
        while (end < count && members[end].group == group)
            members[end++].group = first;
        i = end;
    }
    if (count)
        qsort(members, count, sizeof *members, compare_members);
    set->members = mem_alloc(count, sizeof *set->members);
    set->groups = mem_alloc(count, sizeof *set->groups);
    if (!set->members || !set->groups)
        return error_memory(error, "groups of duplicates");
    for (size_t i = 0; i < count; i++) {
        set->members[i] = members[i].picture;
        if (i == 0 || members[i].group != members[i - 1].group)
            set->groups[set->group_count++] = (struct duplicate_group){i, 0};
        set->groups[set->group_count - 1].count++;
    }
    return ASSAY_OK;
}

/* ---- equal files ------------------------------------------------------------------------------------------------- */

static assay_status find_equal(const struct scan *scan, struct duplicate_set *set, struct assay_error *error)
{
    size_t count, flat, paired = 0;
    struct item *items = sort_items(scan, true, &count, &flat);
    struct member *members = mem_alloc(scan->count, sizeof *members);
    set->partners = mem_alloc(scan->count, sizeof *set->partners);
    assay_status status = ASSAY_OK;
    if (!items || !members || !set->partners) {
        status = error_memory(error, "finding duplicates");
        goto done;
    }
    for (size_t i = 0, end; i < count; i = end) {
        uint32_t at[PLACES] = {0};
        for (end = i; end < count && memcmp(items[end].digest, items[i].digest, SHA256_BYTES) == 0; end++)
            at[items[end].place]++;
        for (size_t j = i; j < end && end - i > 1; j++) {
            uint32_t others = 0;
            for (uint32_t place = 0; place < PLACES; place++)
                if (at[place] > (items[j].place == place))
                    others |= 1U << place;
            set->partners[items[j].picture] = partner_bits(items[j].place, others);
            members[paired++] = (struct member){(uint32_t)i, items[j].picture};
        }
    }
    count_partners(set, scan->count);
    status = make_groups(members, paired, set, error);
done:
    mem_free(items);
    mem_free(members);
    return status;
}

/* ---- near pictures ----------------------------------------------------------------------------------------------- */

struct search {
    struct item *items;
    struct key *keys;
    size_t item_count, key_count;
    uint32_t *order[QUARTERS]; /* keys sorted by the value of a quarter */
    uint32_t *start[QUARTERS]; /* [QUARTER_VALUES + 1] where each value begins in it */
};

static unsigned quarter(uint64_t hash, int which)
{
    return (unsigned)(hash >> (which * QUARTER_BITS)) & (QUARTER_VALUES - 1);
}

static size_t file_end(const struct search *s, const struct key *key, size_t i)
{
    size_t end = i + 1;
    while (end < key->first + key->count && memcmp(s->items[end].digest, s->items[i].digest, SHA256_BYTES) == 0)
        end++;
    return end;
}

static uint32_t places_of(const struct search *s, size_t first, size_t end)
{
    uint32_t places = 0;
    for (size_t i = first; i < end; i++)
        places |= 1U << s->items[i].place;
    return places;
}

static void make_keys(struct search *s)
{
    for (size_t i = 0; i < s->item_count; i++) {
        if (i == 0 || s->items[i].hash != s->items[i - 1].hash)
            s->keys[s->key_count++] =
                (struct key){.hash = s->items[i].hash, .first = i, .parent = (uint32_t)(s->key_count - 1)};
        s->keys[s->key_count - 1].count++;
    }
    for (size_t k = 0; k < s->key_count; k++) {
        struct key *key = &s->keys[k];
        key->parent = (uint32_t)k;
        for (size_t i = key->first, end; i < key->first + key->count; i = end) {
            end = file_end(s, key, i);
            uint32_t places = places_of(s, i, end);
            key->all_files++;
            for (uint32_t place = 0; place < PLACES; place++)
                key->files[place] += places >> place & 1;
        }
    }
}

static assay_status make_index(struct search *s, struct assay_error *error)
{
    for (int q = 0; q < QUARTERS; q++) {
        s->order[q] = mem_alloc(s->key_count, sizeof *s->order[q]);
        s->start[q] = mem_alloc(QUARTER_VALUES + 2, sizeof *s->start[q]);
        if (!s->order[q] || !s->start[q])
            return error_memory(error, "finding near duplicates");
        uint32_t *start = s->start[q] + 1; /* first counts, then where to put the next */
        for (size_t k = 0; k < s->key_count; k++)
            start[quarter(s->keys[k].hash, q) + 1]++;
        for (int value = 0; value < QUARTER_VALUES; value++)
            start[value + 1] += start[value];
        for (size_t k = 0; k < s->key_count; k++)
            s->order[q][start[quarter(s->keys[k].hash, q)]++] = (uint32_t)k;
    }
    return ASSAY_OK;
}

static uint32_t root_of(struct key *keys, uint32_t k)
{
    while (keys[k].parent != k)
        k = keys[k].parent = keys[keys[k].parent].parent;
    return k;
}

static uint32_t key_places(const struct key *key)
{
    uint32_t places = 0;
    for (uint32_t place = 0; place < PLACES; place++)
        places |= (uint32_t)(key->files[place] > 0) << place;
    return places;
}

static void join_keys(struct key *keys, uint32_t a, uint32_t b)
{
    keys[a].near |= key_places(&keys[b]);
    keys[b].near |= key_places(&keys[a]);
    uint32_t x = root_of(keys, a), y = root_of(keys, b);
    if (x < y)
        keys[y].parent = x;
    else
        keys[x].parent = y;
}

/* The keys behind `k` whose quarter is `value`. */
static void visit(struct search *s, uint32_t k, int q, unsigned value, int distance)
{
    for (uint32_t i = s->start[q][value]; i < s->start[q][value + 1]; i++) {
        uint32_t other = s->order[q][i];
        if (other > k && phash_distance(s->keys[k].hash, s->keys[other].hash) <= distance)
            join_keys(s->keys, k, other);
    }
}

/* All values that differ from `value` in at most `bits` of the bits from `from` on. */
static void visit_around(struct search *s, uint32_t k, int q, unsigned value, int from, int bits, int distance)
{
    visit(s, k, q, value, distance);
    for (int bit = from; bits > 0 && bit < QUARTER_BITS; bit++)
        visit_around(s, k, q, value ^ 1U << bit, bit + 1, bits - 1, distance);
}

/* What each picture's partners are: of other keys, and other files of its own. */
static size_t note_near(struct search *s, struct duplicate_set *set, struct member *members)
{
    size_t paired = 0;
    for (size_t k = 0; k < s->key_count; k++) {
        const struct key *key = &s->keys[k];
        if (!key->near && key->all_files < 2)
            continue;
        uint32_t group = root_of(s->keys, (uint32_t)k);
        for (size_t i = key->first, end; i < key->first + key->count; i = end) {
            end = file_end(s, key, i);
            uint32_t own = places_of(s, i, end), others = key->near;
            for (uint32_t place = 0; place < PLACES; place++)
                if (key->files[place] > (own >> place & 1))
                    others |= 1U << place;
            for (size_t j = i; j < end; j++) {
                set->partners[s->items[j].picture] = partner_bits(s->items[j].place, others);
                members[paired++] = (struct member){group, s->items[j].picture};
            }
        }
    }
    return paired;
}

static assay_status find_near(const struct scan *scan, int distance, struct duplicate_set *set, size_t *flat,
                              struct assay_error *error)
{
    struct search s = {0};
    s.items = sort_items(scan, false, &s.item_count, flat);
    s.keys = mem_alloc(s.item_count, sizeof *s.keys);
    struct member *members = mem_alloc(scan->count, sizeof *members);
    set->partners = mem_alloc(scan->count, sizeof *set->partners);
    assay_status status = ASSAY_OK;
    if (!s.items || !s.keys || !members || !set->partners) {
        status = error_memory(error, "finding near duplicates");
        goto done;
    }
    make_keys(&s);
    if ((status = make_index(&s, error)))
        goto done;
    for (uint32_t k = 0; k < s.key_count; k++)
        for (int q = 0; q < QUARTERS; q++)
            visit_around(&s, k, q, quarter(s.keys[k].hash, q), 0, distance / QUARTERS, distance);
    size_t paired = note_near(&s, set, members);
    count_partners(set, scan->count);
    status = make_groups(members, paired, set, error);
done:
    for (int q = 0; q < QUARTERS; q++) {
        mem_free(s.order[q]);
        mem_free(s.start[q]);
    }
    mem_free(s.items);
    mem_free(s.keys);
    mem_free(members);
    return status;
}

static void set_free(struct duplicate_set *set)
{
    mem_free(set->partners);
    mem_free(set->groups);
    mem_free(set->members);
}

void duplicates_free(struct duplicates *duplicates)
{
    set_free(&duplicates->equal);
    set_free(&duplicates->near);
    *duplicates = (struct duplicates){0};
}

assay_status duplicates_find(const struct scan *scan, int distance, struct duplicates *out, struct assay_error *error)
{
    *out = (struct duplicates){.distance = distance};
    if (distance < 0 || distance > DUPLICATES_MAX_DISTANCE)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "a distance of %d bits: must be from 0 to %d", distance,
                         DUPLICATES_MAX_DISTANCE);
    assay_status status = find_equal(scan, &out->equal, error);
    if (!status)
        status = find_near(scan, distance, &out->near, &out->flat, error);
    if (status)
        duplicates_free(out);
    return status;
}
