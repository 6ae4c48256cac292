/* reconstruct.c - a set of reconstructed pairs from start to end: what is there, the choice, training, writing, the
 * list. */
#include "train/reconstruct/reconstruct.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/random.h"
#include "data/check/manifest.h"
#include "data/folders.h"
#include "data/walk.h"
#include "train/reconstruct/pairs.h"

/* ---- the choice ------------------------------------------------------------------------------------------------- */

static bool is_candidate(const struct dataset *d, size_t i, bool art)
{
    return d->pictures[i].label == LABEL_REAL && (art || !d->sources[d->pictures[i].source].art);
}

/* All that may be taken, in the order of the set. */
static assay_status candidates(const struct dataset *d, bool art, uint32_t **out, size_t *count,
                               struct assay_error *error)
{
    *count = 0;
    *out = mem_alloc(d->count + 1, sizeof **out);
    if (!*out)
        return error_memory(error, "a choice of pictures");
    for (size_t i = 0; i < d->count; i++)
        if (is_candidate(d, i, art))
            (*out)[(*count)++] = (uint32_t)i;
    if (*count)
        return ASSAY_OK;
    mem_free(*out);
    *out = NULL;
    return error_set(error, ASSAY_ERROR_ARGUMENT, "there are no real pictures to reconstruct%s",
                     art ? "" : " without those of art-* sources");
}

static int compare_indices(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

assay_status reconstruct_choose(const struct dataset *dataset, const struct pairs_options *pairs, uint32_t **chosen,
                                size_t *count, struct assay_error *error)
{
    size_t all = 0, kept = 0;
    struct random random = random_open((uint64_t)pairs->draw_seed, hash_text("parts"), 0);
    assay_status status = candidates(dataset, pairs->art, chosen, &all, error);
    if (status)
        return status;
    random_shuffle(&random, *chosen, all);
    for (size_t i = (size_t)pairs->part - 1; i < all; i += (size_t)pairs->parts)
        if (!pairs->count || kept < (size_t)pairs->count)
            (*chosen)[kept++] = (*chosen)[i];
    qsort(*chosen, kept, sizeof **chosen, compare_indices);
    *count = kept;
    if (kept)
        return ASSAY_OK;
    mem_free(*chosen);
    *chosen = NULL;
    return error_set(error, ASSAY_ERROR_ARGUMENT, "%zu pictures in %" PRId64 " parts: part %" PRId64 " is empty", all,
                     pairs->parts, pairs->part);
}

/* ---- what is there ---------------------------------------------------------------------------------------------- */

static assay_status path_of(const struct reconstruct_job *job, const char *name, const char *end, struct array *out,
                            struct assay_error *error)
{
    *out = array_of(1, LIMIT_PATH_BYTES);
    if (array_printf(out, "%s/%s%s", job->folder, name, end))
        return ASSAY_OK;
    return error_set(error, ASSAY_ERROR_LIMIT, "%.200s...: a path that is too long", job->folder);
}

static assay_status choose_name(const struct reconstruct_job *job, struct reconstruct_result *result,
                                struct assay_error *error)
{
    static const char *const kinds[DECODER_COUNT] = {"nearest", "bilinear", "transposed", "shuffle"};
    char plain[sizeof result->name];
    if (!job->name) {
        snprintf(result->name, sizeof result->name, "rec-%s-%" PRId64, kinds[job->network.decoder],
                 autoencoder_factor(&job->network));
        return ASSAY_OK;
    }
    folders_of_source(job->name, plain, sizeof plain);
    if (!job->name[0] || strcmp(plain, job->name) != 0 || strcmp(plain, "pairs") == 0)
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "option name: '%.80s' is no name for a source: up to 50 letters, digits, '-', '_', '.'",
                         job->name);
    memcpy(result->name, plain, sizeof plain);
    return ASSAY_OK;
}

/* What every set in the folder has in common, or originals would not be saved as their reconstructions are. */
static json_t *common_settings(const struct reconstruct_job *job)
{
    static const char *const passes[] = {"auto", "none", "same", "shifted"};
    const struct pairs_options *o = &job->pairs;
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:s, s:b, s:b}", "data", job->dataset->digest, "draw-seed",
                     (json_int_t)o->draw_seed, "window", (json_int_t)o->window, "quality-low",
                     (json_int_t)o->quality_low, "quality-high", (json_int_t)o->quality_high, "first-pass",
                     passes[pairs_first_pass(o)], "copy-originals", o->copy_originals, "art", o->art);
}

static assay_status compare_settings(const char *path, const json_t *then, json_t *now, struct assay_error *error)
{
    const char *key;
    json_t *value;
    json_object_foreach(now, key, value)
    {
        if (json_equal(json_object_get(then, key), value))
            continue;
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "%s: the pictures in this folder were written with %s%s; name another folder", path,
                         strcmp(key, "data") == 0 ? "other data" : "another ", strcmp(key, "data") == 0 ? "" : key);
    }
    return ASSAY_OK;
}

/* pairs.json is compared, or written. */
static assay_status agree(const struct reconstruct_job *job, struct assay_error *error)
{
    struct array path = {0};
    json_t *now = common_settings(job), *then = NULL;
    char *text = now ? json_dumps(now, JSON_INDENT(2)) : NULL;
    uint8_t *bytes = NULL;
    size_t size = 0;
    assay_status status = text ? path_of(job, "pairs", ".json", &path, error) : error_memory(error, job->folder);
    if (status)
        goto done;
    if (!file_exists(path.data)) {
        status = file_write(path.data, text, strlen(text), error);
        goto done;
    }
    status = file_read(path.data, 1 << 20, &bytes, &size, error);
    if (!status && !(then = json_loadb((const char *)bytes, size, 0, NULL)))
        status = error_set(error, ASSAY_ERROR_FORMAT, "%s: is no JSON", (const char *)path.data);
    if (!status)
        status = compare_settings(path.data, then, now, error);
done:
    mem_free(bytes);
    free(text);
    json_decref(then);
    json_decref(now);
    array_free(&path);
    return status;
}

/* Reconstructions by an autoencoder that is not there any more. */
static assay_status remove_stale(const struct reconstruct_job *job, const char *name, struct assay_error *error)
{
    struct folder folder = {0};
    struct array path = {0}, file = {0}, list = {0};
    assay_status status = path_of(job, "ai/", name, &path, error);
    if (!status)
        status = path_of(job, name, ".csv", &list, error);
    if (!status)
        unlink(list.data);
    if (!status && file_exists(path.data))
        status = folder_read(path.data, &folder, error);
    for (size_t i = 0; i < folder.count && !status; i++) {
        file = array_of(1, LIMIT_PATH_BYTES);
        if (!array_printf(&file, "%s/%s", (const char *)path.data, folder.entries[i].name))
            status = error_set(error, ASSAY_ERROR_LIMIT, "%.200s...: a path that is too long", job->folder);
        else if (!folder.entries[i].is_folder && image_has_known_extension(file.data) && unlink(file.data))
            status = error_errno(error, file.data, "remove");
        array_free(&file);
    }
    folder_free(&folder);
    array_free(&path);
    array_free(&list);
    return status;
}

/* ---- training --------------------------------------------------------------------------------------------------- */

static void tell_unreadable(void *context, const struct dataset_picture *picture, const struct assay_error *why)
{
    const struct reconstruct_job *job = context;
    (void)picture;
    if (job->complain)
        job->complain(why->message);
}

static assay_status train(const struct reconstruct_job *job, const char *path, struct autoencoder_model *model,
                          struct reconstruct_result *result, struct assay_error *error)
{
    struct autoencoder_model begin = {0};
    struct pictures *pictures = NULL;
    uint32_t *indices = NULL;
    size_t count = 0;
    assay_status status = candidates(job->dataset, job->pairs.art, &indices, &count, error);
    if (!status && job->begin)
        status = autoencoder_load(job->begin, &begin, error);
    if (!status)
        status = pictures_create(job->dataset, (uint64_t)job->cache_mb << 20, NULL, tell_unreadable, (void *)job,
                                 &pictures, error);
    if (!status)
        status = autoencoder_train(pictures, indices, count, &job->network, job->begin ? &begin : NULL, job->stream,
                                   model, &result->crops_per_second, error);
    if (!status)
        status = remove_stale(job, result->name, error);
    if (!status)
        status = autoencoder_save(model, path, error);
    result->trained = !status;
    autoencoder_free(&begin);
    pictures_free(pictures);
    mem_free(indices);
    return status;
}

static assay_status get_model(const struct reconstruct_job *job, struct autoencoder_model *model,
                              struct reconstruct_result *result, struct assay_error *error)
{
    struct array path = {0};
    assay_status status = path_of(job, result->name, ".safetensors", &path, error);
    if (!status && (job->overwrite || !file_exists(path.data)))
        status = train(job, path.data, model, result, error);
    else if (!status) {
        status = autoencoder_load(path.data, model, error);
        if (!status)
            status = autoencoder_compare(model, &job->network, job->dataset->digest, path.data, error);
    }
    result->training_psnr = model->psnr;
    array_free(&path);
    return status;
}

/* ---- the list --------------------------------------------------------------------------------------------------- */

/* A row for the picture, or the place of its copy. */
static assay_status write_original(const struct reconstruct_job *job, uint32_t index, FILE *stream,
                                   struct assay_error *error)
{
    const struct dataset *d = job->dataset;
    const struct dataset_picture *p = &d->pictures[index];
    struct array name = {0};
    if (job->pairs.copy_originals) {
        if (!pairs_copy_name(d, index, &name))
            return error_memory(error, "a list of pairs");
        manifest_write_field(stream, name.data);
        array_free(&name);
    } else {
        char *absolute = realpath(p->path, NULL);
        if (!absolute)
            return error_errno(error, p->path, "find");
        manifest_write_field(stream, absolute);
        free(absolute);
    }
    fputs(",real,", stream);
    manifest_write_field(stream, d->sources[p->source].name);
    fputc(',', stream);
    manifest_write_field(stream, p->name);
    fputc('\n', stream);
    return ASSAY_OK;
}

static assay_status write_list(const struct reconstruct_job *job, const struct reconstruct_result *result,
                               const uint32_t *chosen, size_t count, const bool *unreadable, struct assay_error *error)
{
    struct file_writer writer = {0};
    struct array path = {0}, name = {0};
    assay_status status = path_of(job, result->name, ".csv", &path, error);
    if (!status)
        status = file_create(path.data, &writer, error);
    if (!status)
        fputs("path,label,source,original\n", writer.stream);
    for (size_t i = 0; i < count && !status; i++) {
        if (unreadable[i])
            continue;
        status = write_original(job, chosen[i], writer.stream, error);
        if (!status && !pairs_made_name(result, chosen[i], &name))
            status = error_memory(error, "a list of pairs");
        if (!status) {
            manifest_write_field(writer.stream, name.data);
            fprintf(writer.stream, ",ai,%s,", result->name);
            manifest_write_field(writer.stream, job->dataset->pictures[chosen[i]].name);
            fputc('\n', writer.stream);
        }
        array_free(&name);
    }
    if (status)
        file_discard(&writer);
    else
        status = file_commit(&writer, error);
    array_free(&path);
    return status;
}

assay_status reconstruct_run(const struct reconstruct_job *job, struct reconstruct_result *result,
                             struct assay_error *error)
{
    struct autoencoder_model model = {0};
    uint32_t *chosen = NULL;
    bool *unreadable = NULL;
    size_t count = 0;
    *result = (struct reconstruct_result){0};
    assay_status status = reconstruct_options_check(&job->network, &job->pairs, error);
    if (!status)
        status = choose_name(job, result, error);
    if (!status)
        status = reconstruct_choose(job->dataset, &job->pairs, &chosen, &count, error);
    if (!status && !(unreadable = mem_alloc(count, sizeof *unreadable)))
        status = error_memory(error, "a choice of pictures");
    if (!status)
        status = agree(job, error);
    if (!status)
        status = get_model(job, &model, result, error);
    result->chosen = count;
    if (!status)
        status = pairs_write(job, &model, chosen, count, unreadable, result, error);
    if (!status)
        status = write_list(job, result, chosen, count, unreadable, error);
    autoencoder_free(&model);
    mem_free(chosen);
    mem_free(unreadable);
    return status;
}
