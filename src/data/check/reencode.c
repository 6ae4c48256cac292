/* reencode.c - makes copies of pictures, in blocks that all threads share. */
#include "data/check/reencode.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/random.h"
#include "data/folders.h"
#include "image/geometry.h"
#include "image/resample.h"

enum { BLOCK = 128 };

static int compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static int shorter_side(const struct scan_picture *p)
{
    return p->width < p->height ? p->width : p->height;
}

assay_status reencode_common_size(const struct scan *scan, const bool *eligible, int64_t *size,
                                  struct assay_error *error)
{
    int *sides = mem_alloc(scan->count, sizeof *sides);
    if (!sides)
        return error_memory(error, "a common size");
    *size = LIMIT_PICTURE_SIDE;
    for (int label = 0; label < LABEL_COUNT; label++) {
        size_t count = 0;
        for (size_t i = 0; i < scan->count; i++)
            if (eligible[i] && scan->pictures[i].picture->label == label)
                sides[count++] = shorter_side(&scan->pictures[i]);
        if (!count)
            continue;
        qsort(sides, count, sizeof *sides, compare_ints);
        if (sides[count / 20] < *size)
            *size = sides[count / 20];
    }
    *size = *size < 16 ? 8 : *size / 8 * 8;
    mem_free(sides);
    return ASSAY_OK;
}

/* ---- one picture ------------------------------------------------------------------------------------------------- */

struct work {
    const struct scan *scan;
    const bool *eligible;
    const struct reencode_options *options;
    const char *folder;
    struct scan *made;
    char **copies;
    size_t first;
    struct assay_error errors[BLOCK];
};

static assay_status fit(const struct image *from, const struct reencode_options *o, struct image *out,
                        struct assay_error *error)
{
    int size = (int)o->size;
    struct image scaled = {0};
    if (o->fit == REENCODE_CROP)
        return image_crop_center(from, size, size, out, error);
    assay_status status = image_resize_shorter(from, size, IMAGE_BICUBIC, &scaled, error);
    if (!status)
        status = image_crop_center(&scaled, size, size, out, error);
    image_free(&scaled);
    return status;
}

static assay_status make_copy(const struct work *w, size_t i, struct assay_error *error)
{
    const struct scan_picture *from = &w->scan->pictures[i];
    const struct reencode_options *o = w->options;
    struct scan_picture *to = &w->made->pictures[i];
    struct image image = {0}, fitted = {0};
    struct array path = array_of(1, LIMIT_PATH_BYTES);
    uint8_t *bytes = NULL;
    size_t size = 0;
    struct random random = random_open(o->seed, hash_text(from->picture->name), hash_text("reencode"));
    int quality = (int)o->quality_low + (int)random_below(&random, (uint64_t)(o->quality_high - o->quality_low + 1));
    enum image_subsampling subsampling = random_below(&random, 2) ? IMAGE_444 : IMAGE_420;
    assay_status status = image_decode_file(from->picture->path, NULL, &image, error);
    if (!status)
        status = fit(&image, o, &fitted, error);
    if (!status)
        status = image_encode_jpeg(&fitted, quality, subsampling, &bytes, &size, error);
    if (!status && !array_printf(&path, "%s/%s", w->folder, w->copies[i]))
        status = error_set(error, ASSAY_ERROR_LIMIT, "%.200s...: a path that is too long", w->folder);
    if (!status)
        status = file_write(path.data, bytes, size, error);
    if (!status)
        status = scan_picture_read(to, bytes, size, w->copies[i], error);
    mem_free(bytes);
    array_free(&path);
    image_free(&image);
    image_free(&fitted);
    return status;
}

static void make_block(void *context, int64_t begin, int64_t end, int thread)
{
    struct work *w = context;
    (void)thread;
    for (int64_t i = begin; i < end; i++)
        if (w->copies[w->first + (size_t)i])
            make_copy(w, w->first + (size_t)i, &w->errors[i]);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* copies[i] is [SPLIT/]CLASS/SOURCE/NUMBER.jpg; its folders are made on the way. */
static assay_status name_copy(const struct work *w, size_t i, struct assay_error *error)
{
    const struct scan_picture *p = &w->scan->pictures[i];
    const char *split = w->scan->splits[p->split].name;
    char source[128], name[256];
    folders_of_source(p->source->name, source, sizeof source);
    snprintf(name, sizeof name, "%s%s%s/%s/%07zu.jpg", split, split[0] ? "/" : "",
             p->picture->label == LABEL_REAL ? "real" : "ai", source, i);
    assay_status status = folders_make_above(w->folder, name, error);
    if (status)
        return status;
    w->copies[i] = mem_strdup(name);
    return w->copies[i] ? ASSAY_OK : error_memory(error, "the names of copies");
}

/* What becomes of each picture: a name for its copy, or why there is none. */
static assay_status plan(const struct work *w, struct assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < w->scan->count && !status; i++) {
        const struct scan_picture *from = &w->scan->pictures[i];
        struct scan_picture *to = &w->made->pictures[i];
        bool small = !from->problem && shorter_side(from) < w->options->size;
        *to = (struct scan_picture){.picture = from->picture,
                                    .source = from->source,
                                    .split = from->split,
                                    .group = from->group};
        if (w->eligible[i] && !small) {
            status = name_copy(w, i, error);
            continue;
        }
        to->problem = mem_strdup(small ? "smaller than the common size" : "left out");
        if (!to->problem)
            status = error_memory(error, "the pictures of a data set");
    }
    return status;
}

assay_status reencode_pictures(const struct scan *scan, const bool *eligible, const struct reencode_options *options,
                               const char *folder, FILE *stream, struct scan *made, char ***copies,
                               struct assay_error *error)
{
    struct progress progress;
    struct work *w = mem_alloc(1, sizeof *w);
    *made = *scan;
    made->unreadable = 0;
    made->pictures = mem_alloc(scan->count, sizeof *made->pictures);
    *copies = mem_alloc(scan->count, sizeof **copies);
    assay_status status = w && made->pictures && *copies ? ASSAY_OK : error_memory(error, "re-encoding pictures");
    if (!status) {
        *w = (struct work){scan, eligible, options, folder, made, *copies, 0, {{0}}};
        status = plan(w, error);
    }
    progress_begin(&progress, stream, "writing copies", 0, scan->count);
    for (size_t at = 0; at < scan->count && !status; at += BLOCK) {
        size_t count = scan->count - at < BLOCK ? scan->count - at : BLOCK;
        w->first = at;
        parallel_for((int64_t)count, 1, make_block, w);
        for (size_t i = 0; i < count && !status; i++)
            if (w->errors[i].status)
                status = error_set(error, w->errors[i].status, "%s", w->errors[i].message);
        progress_update(&progress, at + count, NULL);
    }
    progress_end(&progress, NULL);
    mem_free(w);
    if (status) {
        reencode_free(made, *copies);
        *copies = NULL;
    }
    return status;
}

void reencode_free(struct scan *made, char **copies)
{
    for (size_t i = 0; made->pictures && i < made->count; i++) {
        mem_free(made->pictures[i].problem);
        if (copies)
            mem_free(copies[i]);
    }
    mem_free(copies);
    mem_free(made->pictures);
    *made = (struct scan){0};
}
