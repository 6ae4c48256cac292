/* scan.c - reads the pictures of a data set, in blocks that all threads share. */
#include "data/check/scan.h"

#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/string_map.h"
#include "image/image.h"

enum { BLOCK = 256 }; /* pictures between two looks at the progress */

/* Joins the splits' pictures into one list, and numbers the sources by their names. */
static assay_status join(struct scan *scan, struct assay_error *error)
{
    assay_status status = ASSAY_OK;
    struct string_map groups = {0};
    size_t count[LABEL_COUNT] = {0};
    for (size_t s = 0; s < scan->split_count; s++) {
        scan->count += scan->splits[s].dataset.count;
        for (int label = 0; label < LABEL_COUNT; label++)
            count[label] += scan->splits[s].dataset.label_count[label];
    }
    if (!count[LABEL_REAL] || !count[LABEL_GENERATED])
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "there are %zu real and %zu generated pictures: nothing to compare without both classes",
                         count[LABEL_REAL], count[LABEL_GENERATED]);
    scan->pictures = mem_alloc(scan->count, sizeof *scan->pictures);
    if (!scan->pictures)
        return error_memory(error, "the pictures of a data set");
    struct scan_picture *next = scan->pictures;
    for (size_t s = 0; s < scan->split_count; s++) {
        const struct dataset *dataset = &scan->splits[s].dataset;
        for (size_t i = 0; i < dataset->count; i++, next++) {
            const struct dataset_source *source = &dataset->sources[dataset->pictures[i].source];
            uintptr_t group = (uintptr_t)string_map_get(&groups, source->name);
            if (!group) {
                group = groups.count + 1;
                if (!string_map_add(&groups, source->name, (void *)group)) {
                    status = error_memory(error, "the sources of a data set");
                    goto done;
                }
            }
            *next = (struct scan_picture){.picture = &dataset->pictures[i],
                                          .source = source,
                                          .split = (uint8_t)s,
                                          .group = (uint32_t)(group - 1)};
        }
    }
    scan->group_count = groups.count;
done:
    string_map_free(&groups);
    return status;
}

assay_status scan_open(const char *root, const char *layout, struct scan *out, struct assay_error *error)
{
    static const struct {
        unsigned bit;
        const char *name;
    } known[SCAN_SPLITS] = {{SPLIT_TRAIN, "train"}, {SPLIT_VAL, "val"}, {SPLIT_TEST, "test"}};
    unsigned splits = 0;
    *out = (struct scan){0};
    assay_status status = dataset_open_splits(root, layout, &splits, error);
    for (size_t i = 0; i < SCAN_SPLITS && !status; i++)
        if (splits & known[i].bit) {
            out->splits[out->split_count].name = known[i].name;
            status = dataset_open(root, layout, known[i].name, &out->splits[out->split_count].dataset, error);
            out->split_count++;
        }
    if (!status && !splits) {
        out->splits[0].name = "";
        out->split_count = 1;
        status = dataset_open(root, layout, NULL, &out->splits[0].dataset, error);
    }
    if (!status)
        status = join(out, error);
    if (status)
        scan_free(out);
    return status;
}

assay_status scan_open_folders(const char *real, const char *generated, struct scan *out, struct assay_error *error)
{
    *out = (struct scan){.split_count = 1, .splits = {{.name = ""}}};
    assay_status status = dataset_from_folders(real, generated, &out->splits[0].dataset, error);
    if (!status)
        status = join(out, error);
    if (status)
        scan_free(out);
    return status;
}

/* What is no fault of the picture must not pass for one. */
static assay_status note_problem(struct scan_picture *p, const struct assay_error *why, struct assay_error *error)
{
    if (why->status == ASSAY_ERROR_MEMORY || why->status == ASSAY_ERROR_INTERNAL)
        return error_set(error, why->status, "%s", why->message);
    p->problem = mem_strdup(why->message);
    return p->problem ? ASSAY_OK : error_memory(error, "the list of unreadable pictures");
}

assay_status scan_picture_read(struct scan_picture *p, const uint8_t *bytes, size_t size, const char *name,
                               struct assay_error *error)
{
    struct image image = {0};
    struct assay_error why = {0};
    struct sha256 hash;
    assay_status status = image_decode_memory(bytes, size, name, NULL, &image, &why);
    if (status)
        return note_problem(p, &why, error);
    p->width = image.width;
    p->height = image.height;
    p->bytes = size;
    picture_facts_read(bytes, size, &p->facts);
    sha256_init(&hash);
    sha256_update(&hash, bytes, size);
    sha256_final(&hash, p->digest);
    status = image_phash(&image, &p->hash, error);
    image_free(&image);
    return status;
}

static assay_status read_one(struct scan_picture *p, struct assay_error *error)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    struct assay_error why = {0};
    if (file_read(p->picture->path, LIMIT_PICTURE_BYTES, &bytes, &size, &why))
        return note_problem(p, &why, error);
    assay_status status = scan_picture_read(p, bytes, size, p->picture->path, error);
    mem_free(bytes);
    return status;
}

struct block {
    struct scan_picture *pictures;
    struct assay_error errors[BLOCK];
};

static void read_block(void *context, int64_t begin, int64_t end, int thread)
{
    struct block *block = context;
    (void)thread;
    for (int64_t i = begin; i < end; i++)
        read_one(&block->pictures[i], &block->errors[i]);
}

assay_status scan_read(struct scan *scan, FILE *stream, struct assay_error *error)
{
    struct progress progress;
    assay_status status = image_library_init(error);
    if (status)
        return status;
    struct block *block = mem_alloc(1, sizeof *block);
    if (!block)
        return error_memory(error, "reading the pictures");
    progress_begin(&progress, stream, "reading the pictures", 0, scan->count);
    for (size_t at = 0; at < scan->count && !status; at += BLOCK) {
        size_t count = scan->count - at < BLOCK ? scan->count - at : BLOCK;
        *block = (struct block){.pictures = scan->pictures + at};
        parallel_for((int64_t)count, 1, read_block, block);
        for (size_t i = 0; i < count && !status; i++) {
            if (block->errors[i].status)
                status = error_set(error, block->errors[i].status, "%s", block->errors[i].message);
            scan->unreadable += block->pictures[i].problem != NULL;
        }
        progress_update(&progress, at + count, NULL);
    }
    progress_end(&progress, NULL);
    mem_free(block);
    return status;
}

void scan_free(struct scan *scan)
{
    for (size_t i = 0; scan->pictures && i < scan->count; i++)
        mem_free(scan->pictures[i].problem);
    mem_free(scan->pictures);
    for (size_t s = 0; s < scan->split_count; s++)
        dataset_free(&scan->splits[s].dataset);
    *scan = (struct scan){0};
}
