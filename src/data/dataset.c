/* dataset.c - puts datasets together, divides and digests them. Finding them in folders is discover.c's. */
#include "data/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/random.h"
#include "data/dataset_build.h"

const char *dataset_label_text(int label)
{
    return label == LABEL_REAL ? "real" : "ai-generated";
}

void dataset_free(struct dataset *dataset)
{
    arena_free(&dataset->arena);
    *dataset = (struct dataset){0};
}

struct dataset_builder dataset_build_begin(const char *real_prefix, const char *generated_prefix)
{
    return (struct dataset_builder){
        .pictures = array_of(sizeof(struct dataset_picture), LIMIT_DATASET_FILES),
        .sources = array_of(sizeof(struct dataset_source), LIMIT_DATASET_FILES),
        .prefix = {real_prefix, generated_prefix},
    };
}

void dataset_build_discard(struct dataset_builder *builder)
{
    for (int label = 0; label < LABEL_COUNT; label++)
        string_map_free(&builder->source_of[label]);
    array_free(&builder->pictures);
    array_free(&builder->sources);
    arena_free(&builder->arena);
    *builder = (struct dataset_builder){0};
}

static bool is_art(int label, const char *name)
{
    return label == LABEL_REAL && (strncmp(name, "art-", 4) == 0 || strstr(name, "/art-"));
}

/* *number: 1 + index into sources. */
static assay_status source_number(struct dataset_builder *b, int label, const char *name, uint32_t *number,
                                  struct assay_error *error)
{
    const struct dataset_source *sources = b->sources.data;
    if (b->last_source[label] && strcmp(sources[b->last_source[label] - 1].name, name) == 0) {
        *number = b->last_source[label];
        return ASSAY_OK;
    }
    uintptr_t known = (uintptr_t)string_map_get(&b->source_of[label], name);
    if (!known) {
        struct dataset_source source = {.name = arena_strdup(&b->arena, name),
                                        .label = label,
                                        .art = is_art(label, name)};
        known = b->sources.count + 1;
        if (!source.name || !array_append(&b->sources, &source, 1) ||
            !string_map_add(&b->source_of[label], source.name, (void *)known))
            return error_memory(error, "the sources of a dataset");
    }
    *number = b->last_source[label] = (uint32_t)known;
    return ASSAY_OK;
}

assay_status dataset_build_put(struct dataset_builder *b, const struct dataset_entry *entry, struct assay_error *error)
{
    if (b->pictures.count == b->pictures.max_count)
        return error_set(error, ASSAY_ERROR_LIMIT, "%s: a dataset of more than %d pictures", entry->path,
                         LIMIT_DATASET_FILES);
    uint32_t number = 0;
    assay_status status = source_number(b, entry->label, entry->source, &number, error);
    if (status)
        return status;
    struct dataset_picture picture = {.path = arena_strdup(&b->arena, entry->path),
                                      .bytes = entry->bytes,
                                      .source = number - 1,
                                      .label = entry->label,
                                      .mask_kind = entry->mask_kind};
    if (!picture.path)
        return error_memory(error, "the paths of a dataset");
    picture.name = picture.path + entry->name_at;
    if (entry->mask_kind == MASK_FILE) {
        picture.mask = arena_strdup(&b->arena, entry->mask);
        if (!picture.mask)
            return error_memory(error, "the paths of a dataset");
        picture.mask_name = picture.mask + entry->mask_name_at;
    }
    if (!array_append(&b->pictures, &picture, 1))
        return error_memory(error, "the pictures of a dataset");
    ((struct dataset_source *)b->sources.data)[number - 1].count++;
    return ASSAY_OK;
}

assay_status dataset_build_add(struct dataset_builder *b, int label, const char *source, const char *path,
                               size_t name_at, uint64_t bytes, struct assay_error *error)
{
    struct dataset_entry entry = {.label = label, .source = source, .path = path, .name_at = name_at, .bytes = bytes};
    return dataset_build_put(b, &entry, error);
}

/* ---- order and digest ----------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct dataset_picture *)a)->name, ((const struct dataset_picture *)b)->name);
}

/* "ai/..." comes before "real/..." */
static int compare_prefixed(const void *a, const void *b)
{
    const struct dataset_picture *x = a, *y = b;
    return x->label != y->label ? y->label - x->label : strcmp(x->name, y->name);
}

static int compare_sources(const void *a, const void *b)
{
    const struct dataset_source *x = a, *y = b;
    return x->label != y->label ? x->label - y->label : strcmp(x->name, y->name);
}

static void compute_digest(struct dataset *dataset)
{
    struct sha256 hash;
    uint8_t digest[SHA256_BYTES];
    sha256_init(&hash);
    for (size_t i = 0; i < dataset->count; i++) {
        const struct dataset_picture *picture = &dataset->pictures[i];
        uint8_t head[9] = {(uint8_t)picture->label};
        for (int byte = 0; byte < 8; byte++)
            head[1 + byte] = (uint8_t)(picture->bytes >> 8 * byte);
        const char *prefix = dataset->prefix[picture->label];
        sha256_update(&hash, head, sizeof head);
        sha256_update(&hash, prefix, strlen(prefix));
        sha256_update(&hash, picture->name, strlen(picture->name) + 1);
        if (picture->mask_kind != MASK_NONE) {
            uint8_t mask[2] = {2, (uint8_t)picture->mask_kind}; /* a picture begins with 0 or 1 */
            sha256_update(&hash, mask, sizeof mask);
            if (picture->mask_kind == MASK_FILE)
                sha256_update(&hash, picture->mask_name, strlen(picture->mask_name) + 1);
        }
    }
    sha256_final(&hash, digest);
    sha256_text(digest, dataset->digest);
}

assay_status dataset_build_finish(struct dataset_builder *b, struct dataset *out, struct assay_error *error)
{
    struct dataset made = {.count = b->pictures.count,
                           .source_count = b->sources.count,
                           .prefix = {b->prefix[LABEL_REAL], b->prefix[LABEL_GENERATED]}};
    uint32_t *renumbered = mem_alloc(made.source_count, sizeof *renumbered);
    made.pictures = arena_memdup(&b->arena, b->pictures.data, made.count * sizeof *made.pictures);
    made.sources = arena_memdup(&b->arena, b->sources.data, made.source_count * sizeof *made.sources);
    if (!renumbered || !made.pictures || !made.sources) {
        mem_free(renumbered);
        dataset_build_discard(b);
        return error_memory(error, "the pictures of a dataset");
    }
    if (made.source_count)
        qsort(made.sources, made.source_count, sizeof *made.sources, compare_sources);
    for (size_t i = 0; i < made.source_count; i++) {
        const struct dataset_source *source = &made.sources[i];
        uintptr_t number = (uintptr_t)string_map_get(&b->source_of[source->label], source->name);
        renumbered[number - 1] = (uint32_t)i;
        made.label_count[source->label] += source->count;
    }
    for (size_t i = 0; i < made.count; i++)
        made.pictures[i].source = renumbered[made.pictures[i].source];
    if (made.count)
        qsort(made.pictures, made.count, sizeof *made.pictures, *made.prefix[0] ? compare_prefixed : compare_names);
    mem_free(renumbered);
    made.arena = b->arena;
    b->arena = (struct arena){0};
    dataset_build_discard(b);
    compute_digest(&made);
    *out = made;
    return ASSAY_OK;
}

/* ---- holding out ---------------------------------------------------------------------------------------------- */

/* Marks round(share * count) pictures of each source. */
static assay_status draw_held(const struct dataset *from, double share, uint64_t seed, bool *held,
                              struct assay_error *error)
{
    assay_status status = ASSAY_OK;
    uint32_t *order = mem_alloc(from->count, sizeof *order);
    size_t *start = mem_alloc(from->source_count + 1, sizeof *start),
           *fill = mem_alloc(from->source_count, sizeof *fill);
    if (!order || !start || !fill) {
        status = error_memory(error, "dividing a dataset");
        goto done;
    }
    for (size_t s = 0; s < from->source_count; s++)
        start[s + 1] = start[s] + from->sources[s].count;
    for (size_t i = 0; i < from->count; i++) {
        uint32_t source = from->pictures[i].source;
        order[start[source] + fill[source]++] = (uint32_t)i;
    }
    for (size_t s = 0; s < from->source_count; s++) {
        /* keyed by name, so that a further source does not change what is drawn from the others */
        struct random random = random_open(seed, hash_text(from->sources[s].name), (uint64_t)from->sources[s].label);
        size_t count = from->sources[s].count, taken = (size_t)floor(share * (double)count + 0.5);
        random_shuffle(&random, order + start[s], count);
        for (size_t i = 0; i < taken && i < count; i++)
            held[order[start[s] + i]] = true;
    }
done:
    mem_free(order);
    mem_free(start);
    mem_free(fill);
    return status;
}

assay_status dataset_hold_out(const struct dataset *from, double share, uint64_t seed, struct dataset *kept,
                              struct dataset *held, struct assay_error *error)
{
    assay_status status = ASSAY_OK;
    struct dataset_builder builders[2] = {dataset_build_begin(from->prefix[0], from->prefix[1]),
                                          dataset_build_begin(from->prefix[0], from->prefix[1])};
    struct dataset made[2] = {0};
    bool *is_held = NULL;
    if (!(share > 0 && share < 1)) {
        status = error_set(error, ASSAY_ERROR_ARGUMENT, "the share to hold out lies between 0 and 1, not %g", share);
        goto done;
    }
    is_held = mem_alloc(from->count, sizeof *is_held);
    if (!is_held) {
        status = error_memory(error, "dividing a dataset");
        goto done;
    }
    if ((status = draw_held(from, share, seed, is_held, error)))
        goto done;
    for (size_t i = 0; i < from->count && !status; i++) {
        const struct dataset_picture *p = &from->pictures[i];
        const struct dataset_source *source = &from->sources[p->source];
        const struct dataset_entry entry = {.label = p->label,
                                            .source = source->name,
                                            .path = p->path,
                                            .name_at = (size_t)(p->name - p->path),
                                            .bytes = p->bytes,
                                            .mask_kind = p->mask_kind,
                                            .mask = p->mask,
                                            .mask_name_at = p->mask ? (size_t)(p->mask_name - p->mask) : 0};
        status = dataset_build_put(&builders[is_held[i]], &entry, error);
    }
    for (int side = 0; side < 2 && !status; side++)
        status = dataset_build_finish(&builders[side], &made[side], error);
    for (int label = 0; label < LABEL_COUNT && !status; label++)
        if (from->label_count[label] && (!made[0].label_count[label] || !made[1].label_count[label]))
            status = error_set(error, ASSAY_ERROR_ARGUMENT,
                               "too few %s pictures (%zu) to hold out a share of %g of each source",
                               dataset_label_text(label), from->label_count[label], share);
    if (!status) {
        made[0].layout = made[1].layout = from->layout; /* static text */
        *kept = made[0];
        *held = made[1];
        made[0] = made[1] = (struct dataset){0};
    }
done:
    for (int side = 0; side < 2; side++) {
        dataset_build_discard(&builders[side]);
        dataset_free(&made[side]);
    }
    mem_free(is_held);
    return status;
}
