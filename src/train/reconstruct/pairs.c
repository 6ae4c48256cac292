/* pairs.c - blocks of pictures: decoded by all threads, reconstructed one after another (each by all threads),
 * encoded and written by all threads. */
#include "train/reconstruct/pairs.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/random.h"
#include "data/folders.h"
#include "image/facts.h"
#include "image/geometry.h"

enum { PAIRS_BLOCK = 32, GRID = 16 /* pixels of the largest JPEG cell */ };

enum first_pass pairs_first_pass(const struct pairs_options *o)
{
    if (o->first_pass != FIRST_PASS_AUTO)
        return (enum first_pass)o->first_pass;
    return o->copy_originals ? FIRST_PASS_SAME : FIRST_PASS_SHIFTED;
}

bool pairs_made_name(const struct reconstruct_result *result, uint32_t index, struct array *out)
{
    *out = array_of(1, LIMIT_PATH_BYTES);
    return array_printf(out, "ai/%s/%07" PRIu32 ".jpg", result->name, index);
}

bool pairs_copy_name(const struct dataset *dataset, uint32_t index, struct array *out)
{
    char source[128];
    folders_of_source(dataset->sources[dataset->pictures[index].source].name, source, sizeof source);
    *out = array_of(1, LIMIT_PATH_BYTES);
    return array_printf(out, "real/%s/%07" PRIu32 ".jpg", source, index);
}

/* ---- one picture ------------------------------------------------------------------------------------------------ */

/* A picture on its way. */
struct pair {
    uint32_t index;
    bool make, copy; /* which files are not there yet */
    bool unreadable;
    int quality; /* of its own JPEG; 0: it is none, or that is not known */
    enum image_subsampling subsampling;
    struct image picture, made;
    struct assay_error error;
};

struct work {
    const struct reconstruct_job *job;
    const struct reconstruct_result *result;
    struct pair pairs[PAIRS_BLOCK];
};

static uint64_t hash_of(const struct work *w, const struct pair *p)
{
    return hash_text(w->job->dataset->pictures[p->index].name);
}

/* The middle of a large picture, cut where a JPEG's cells begin. */
static assay_status cut(struct image *picture, int64_t window, struct assay_error *error)
{
    int width = picture->width < window ? picture->width : (int)window;
    int height = picture->height < window ? picture->height : (int)window;
    struct image part;
    if (width == picture->width && height == picture->height)
        return ASSAY_OK;
    assay_status status = image_crop(picture, (picture->width - width) / 2 / GRID * GRID,
                                     (picture->height - height) / 2 / GRID * GRID, width, height, &part, error);
    if (status)
        return status;
    image_free(picture);
    *picture = part;
    return ASSAY_OK;
}

static assay_status read_picture(const struct work *w, struct pair *p, struct assay_error *error)
{
    const struct dataset_picture *from = &w->job->dataset->pictures[p->index];
    struct picture_facts facts;
    uint8_t *bytes = NULL;
    size_t size = 0;
    assay_status status = file_read(from->path, LIMIT_PICTURE_BYTES, &bytes, &size, error);
    if (!status)
        status = image_decode_memory(bytes, size, from->path, NULL, &p->picture, error);
    if (!status) {
        picture_facts_read(bytes, size, &facts);
        p->quality = facts.jpeg_quality;
        p->subsampling = facts.subsampling == JPEG_444 ? IMAGE_444 : IMAGE_420;
        status = cut(&p->picture, w->job->pairs.window, error);
    }
    mem_free(bytes);
    return status;
}

static void read_pairs(void *context, int64_t begin, int64_t end, int thread)
{
    struct work *w = context;
    (void)thread;
    for (int64_t i = begin; i < end; i++)
        if (w->pairs[i].make || w->pairs[i].copy)
            read_picture(w, &w->pairs[i], &w->pairs[i].error);
}

/* The picture as it is after a JPEG, whose cells begin `left` and `top` pixels before its own. */
static assay_status pass(struct image *picture, int quality, enum image_subsampling subsampling, int left, int top,
                         struct assay_error *error)
{
    struct image framed = {0}, back = {0}, part = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    int width = picture->width, height = picture->height;
    assay_status status = image_create(width + left, height + top, &framed, error);
    for (int y = 0; y < height + top && !status; y++) /* the border's pixels go on */
        for (int x = 0; x < width + left; x++)
            memcpy(framed.pixels + ((size_t)y * (size_t)framed.width + (size_t)x) * IMAGE_CHANNELS,
                   picture->pixels +
                       ((size_t)(y < top ? 0 : y - top) * (size_t)width + (size_t)(x < left ? 0 : x - left)) *
                           IMAGE_CHANNELS,
                   IMAGE_CHANNELS);
    if (!status)
        status = image_encode_jpeg(&framed, quality, subsampling, &bytes, &size, error);
    if (!status)
        status = image_decode_memory(bytes, size, "a reconstruction", NULL, &back, error);
    if (!status)
        status = image_crop(&back, left, top, width, height, &part, error);
    mem_free(bytes);
    image_free(&framed);
    image_free(&back);
    if (status)
        return status;
    image_free(picture);
    *picture = part;
    return ASSAY_OK;
}

static assay_status first_pass(const struct work *w, struct pair *p, struct assay_error *error)
{
    struct random random = random_open((uint64_t)w->job->pairs.draw_seed, hash_of(w, p), hash_text(w->result->name));
    switch (pairs_first_pass(&w->job->pairs)) {
    case FIRST_PASS_SAME: return p->quality ? pass(&p->made, p->quality, p->subsampling, 0, 0, error) : ASSAY_OK;
    case FIRST_PASS_SHIFTED:
        if (random_below(&random, 10) == 0)
            return ASSAY_OK;
        int quality = 75 + (int)random_below(&random, 21), left = (int)random_below(&random, GRID);
        int top = (int)random_below(&random, GRID);
        return pass(&p->made, quality, random_below(&random, 2) ? IMAGE_444 : IMAGE_420, left, top, error);
    case FIRST_PASS_NONE:
    case FIRST_PASS_AUTO: break;
    }
    return ASSAY_OK;
}

static assay_status write_file(const struct work *w, const struct image *picture, int quality,
                               enum image_subsampling subsampling, const struct array *name, struct assay_error *error)
{
    struct array path = array_of(1, LIMIT_PATH_BYTES);
    uint8_t *bytes = NULL;
    size_t size = 0;
    assay_status status = ASSAY_OK;
    if (!array_printf(&path, "%s/%s", w->job->folder, (const char *)name->data))
        status = error_set(error, ASSAY_ERROR_LIMIT, "%.200s...: a path that is too long", w->job->folder);
    if (!status)
        status = image_encode_jpeg(picture, quality, subsampling, &bytes, &size, error);
    if (!status)
        status = file_write(path.data, bytes, size, error);
    mem_free(bytes);
    array_free(&path);
    return status;
}

/* Both files of a pair, with one draw of quality and subsampling. */
static assay_status write_pair(const struct work *w, struct pair *p, struct assay_error *error)
{
    const struct pairs_options *o = &w->job->pairs;
    struct random random = random_open((uint64_t)o->draw_seed, hash_of(w, p), hash_text("pair"));
    int quality = (int)o->quality_low + (int)random_below(&random, (uint64_t)(o->quality_high - o->quality_low + 1));
    enum image_subsampling subsampling = random_below(&random, 2) ? IMAGE_444 : IMAGE_420;
    struct array name = {0};
    assay_status status = ASSAY_OK;
    if (p->copy) {
        status = pairs_copy_name(w->job->dataset, p->index, &name)
                     ? write_file(w, &p->picture, quality, subsampling, &name, error)
                     : error_memory(error, "the names of copies");
        array_free(&name);
    }
    if (!status && p->make)
        status = first_pass(w, p, error);
    if (!status && p->make) {
        status = pairs_made_name(w->result, p->index, &name)
                     ? write_file(w, &p->made, quality, subsampling, &name, error)
                     : error_memory(error, "the names of reconstructions");
        array_free(&name);
    }
    return status;
}

static void write_pairs(void *context, int64_t begin, int64_t end, int thread)
{
    struct work *w = context;
    (void)thread;
    for (int64_t i = begin; i < end; i++)
        if (w->pairs[i].picture.pixels)
            write_pair(w, &w->pairs[i], &w->pairs[i].error);
}

/* ---- all of them ------------------------------------------------------------------------------------------------ */

/* Whether a file has yet to be written; its folders are made if so. */
static assay_status missing(const struct work *w, const struct array *name, bool *out, struct assay_error *error)
{
    struct array path = array_of(1, LIMIT_PATH_BYTES);
    assay_status status = ASSAY_OK;
    if (!array_printf(&path, "%s/%s", w->job->folder, (const char *)name->data))
        status = error_set(error, ASSAY_ERROR_LIMIT, "%.200s...: a path that is too long", w->job->folder);
    else if ((*out = !file_exists(path.data)))
        status = folders_make_above(w->job->folder, name->data, error);
    array_free(&path);
    return status;
}

static assay_status begin_pair(const struct work *w, uint32_t index, struct pair *p, struct assay_error *error)
{
    struct array name = {0};
    *p = (struct pair){.index = index};
    assay_status status = pairs_made_name(w->result, index, &name)
                              ? missing(w, &name, &p->make, error)
                              : error_memory(error, "the names of reconstructions");
    array_free(&name);
    if (status || !w->job->pairs.copy_originals)
        return status;
    status = pairs_copy_name(w->job->dataset, index, &name) ? missing(w, &name, &p->copy, error)
                                                            : error_memory(error, "the names of copies");
    array_free(&name);
    return status;
}

/* The first error that is not about one picture alone; those are told and left out. */
static assay_status settle(const struct work *w, size_t count, struct assay_error *error)
{
    for (size_t i = 0; i < count; i++) {
        assay_status status = w->pairs[i].error.status;
        if (status && !w->pairs[i].unreadable)
            return error_set(error, status, "%s", w->pairs[i].error.message);
    }
    return ASSAY_OK;
}

static void tell_unreadable(struct work *w, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct pair *p = &w->pairs[i];
        if (!p->error.status || p->error.status == ASSAY_ERROR_MEMORY || p->error.status == ASSAY_ERROR_INTERNAL)
            continue;
        p->unreadable = true;
        if (w->job->complain)
            w->job->complain(p->error.message);
    }
}

static assay_status do_block(struct work *w, struct autoencoder_model *model, size_t count,
                             struct reconstruct_result *result, double *psnr_sum, struct assay_error *error)
{
    assay_status status;
    parallel_for((int64_t)count, 1, read_pairs, w);
    tell_unreadable(w, count);
    if ((status = settle(w, count, error)))
        return status;
    for (size_t i = 0; i < count; i++) {
        struct pair *p = &w->pairs[i];
        double psnr = 0;
        if (!p->make || p->unreadable)
            continue;
        if ((status = autoencoder_apply(model, &p->picture, p->index, &p->made, &psnr, error)))
            return status;
        *psnr_sum += psnr;
    }
    parallel_for((int64_t)count, 1, write_pairs, w);
    if ((status = settle(w, count, error)))
        return status;
    for (size_t i = 0; i < count; i++) {
        result->written += w->pairs[i].make && !w->pairs[i].unreadable;
        result->present += !w->pairs[i].make && !w->pairs[i].unreadable;
        result->unreadable += w->pairs[i].unreadable;
    }
    return ASSAY_OK;
}

assay_status pairs_write(const struct reconstruct_job *job, struct autoencoder_model *model, const uint32_t *chosen,
                         size_t count, bool *unreadable, struct reconstruct_result *result, struct assay_error *error)
{
    struct progress progress;
    double psnr_sum = 0;
    struct work *w = mem_alloc(1, sizeof *w);
    if (!w)
        return error_memory(error, "reconstructions");
    w->job = job;
    w->result = result;
    assay_status status = ASSAY_OK;
    progress_begin(&progress, job->stream, "writing pairs", 0, count);
    for (size_t at = 0; at < count && !status; at += PAIRS_BLOCK) {
        size_t here = count - at < PAIRS_BLOCK ? count - at : PAIRS_BLOCK;
        for (size_t i = 0; i < here && !status; i++)
            status = begin_pair(w, chosen[at + i], &w->pairs[i], error);
        if (!status)
            status = do_block(w, model, here, result, &psnr_sum, error);
        for (size_t i = 0; i < here; i++) {
            unreadable[at + i] = w->pairs[i].unreadable;
            image_free(&w->pairs[i].picture);
            image_free(&w->pairs[i].made);
        }
        progress_update(&progress, at + here, NULL);
    }
    result->pictures_per_second = progress_rate(&progress);
    progress_end(&progress, NULL);
    result->psnr = result->written ? psnr_sum / (double)result->written : 0;
    mem_free(w);
    return status;
}
