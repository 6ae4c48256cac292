/* masks.c - benchmarks that say which pixels were altered, by a mask beside each picture: OpenSDID exported to folders,
 * and IMDLBenCo's Tp/ and Gt/. */
#include "data/layouts/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/string_map.h"
#include "image/image.h"

/* The pictures of a folder (not of those in it), in the order of their names. */
struct file_list {
    struct folder folder;
    size_t *picture; /* indices into folder.entries */
    size_t count;
    const char *path; /* relative to the root */
};

static void list_free(struct file_list *list)
{
    folder_free(&list->folder);
    mem_free(list->picture);
    *list = (struct file_list){0};
}

static assay_status list_pictures(struct layout_job *job, const char *path, struct file_list *out,
                                  struct assay_error *error)
{
    *out = (struct file_list){.path = path};
    if (!path)
        return error_memory(error, "finding a dataset");
    const char *full = layout_text(job, "%s/%s", job->root, path);
    assay_status status = full ? folder_read(full, &out->folder, error) : error_memory(error, "finding a dataset");
    if (status)
        return status;
    out->picture = mem_alloc(out->folder.count + 1, sizeof *out->picture);
    if (!out->picture)
        return error_memory(error, "finding a dataset");
    for (size_t i = 0; i < out->folder.count; i++) {
        const struct folder_entry *entry = &out->folder.entries[i];
        if (entry->is_folder)
            layout_skip(job, 1, entry->name, "a folder, where only pictures are looked for");
        else if (image_has_known_extension(entry->name))
            out->picture[out->count++] = i;
    }
    return ASSAY_OK;
}

static const struct folder_entry *entry_of(const struct file_list *list, size_t i)
{
    return &list->folder.entries[list->picture[i]];
}

/* The name without its extension: of a name with two dots, all but the last part. */
static size_t stem_length(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? (size_t)(dot - name) : strlen(name);
}

/* One generated picture with its mask; `mask` NULL: altered all over. */
static assay_status put_altered(struct layout_job *job, const char *source, const struct file_list *pictures,
                                size_t index, const struct file_list *masks, const char *mask,
                                struct assay_error *error)
{
    const struct folder_entry *picture = entry_of(pictures, index);
    size_t root = strlen(job->root) + 1;
    char path[LIMIT_PATH_BYTES], mask_path[LIMIT_PATH_BYTES];
    int length = snprintf(path, sizeof path, "%s/%s/%s", job->root, pictures->path, picture->name),
        mask_length = mask ? snprintf(mask_path, sizeof mask_path, "%s/%s/%s", job->root, masks->path, mask) : 0;
    if (length < 0 || (size_t)length >= sizeof path || mask_length < 0 || (size_t)mask_length >= sizeof mask_path)
        return error_set(error, ASSAY_ERROR_LIMIT, "%.200s...: a path of more than %d bytes", path,
                         LIMIT_PATH_BYTES - 1);
    return dataset_build_put(job->builder,
                             &(struct dataset_entry){.label = LABEL_GENERATED,
                                                     .source = source,
                                                     .path = path,
                                                     .name_at = root,
                                                     .bytes = picture->bytes,
                                                     .mask_kind = mask ? MASK_FILE : MASK_ONE,
                                                     .mask = mask ? mask_path : NULL,
                                                     .mask_name_at = mask ? root : 0},
                             error);
}

/* ---- OpenSDID: [SPLIT/]GENERATOR/{real,fake,masks}/ -------------------------------------------------------------- */

static const char *const opensdid_names[] = {"sd15", "sd2", "sd3", "sdxl", "flux", NULL};

assay_status opensdid_fits(struct layout_job *job, bool *fits, struct assay_error *error)
{
    struct layout_bases bases = layout_bases(job, "");
    (void)error;
    for (size_t b = 0; b < bases.count; b++)
        for (int i = 0; opensdid_names[i]; i++)
            *fits = *fits ||
                    layout_has(job, "%s%s%s/fake", bases.folder[b], bases.folder[b][0] ? "/" : "", opensdid_names[i]);
    return ASSAY_OK;
}

/* Each mask by its stem; the keys are in `stems`. */
static assay_status index_masks(const struct file_list *masks, struct string_map *by_stem, struct arena *stems,
                                struct assay_error *error)
{
    for (size_t i = 0; i < masks->count; i++) {
        const struct folder_entry *mask = entry_of(masks, i);
        char *stem = arena_strndup(stems, mask->name, stem_length(mask->name));
        if (!stem)
            return error_memory(error, "the masks of a dataset");
        const struct folder_entry *known = string_map_get(by_stem, stem);
        if (known)
            return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: two masks for one picture: %s and %s", masks->path,
                             known->name, mask->name);
        if (!string_map_add(by_stem, stem, (void *)mask))
            return error_memory(error, "the masks of a dataset");
    }
    return ASSAY_OK;
}

/* Every mask must belong to a picture, and every picture whose key says that part of it was made must have one. */
static assay_status pair_by_stem(struct layout_job *job, const char *generator, const struct file_list *fakes,
                                 const struct file_list *masks, struct assay_error *error)
{
    struct string_map by_stem = {0}, used = {0};
    struct arena stems = {0};
    assay_status status = index_masks(masks, &by_stem, &stems, error);
    for (size_t i = 0; i < fakes->count && !status; i++) {
        const char *name = entry_of(fakes, i)->name, *stem = arena_strndup(&stems, name, stem_length(name));
        if (!stem) {
            status = error_memory(error, "the masks of a dataset");
            break;
        }
        const struct folder_entry *mask = string_map_get(&by_stem, stem);
        if (mask && string_map_get(&used, stem))
            status = error_set(error, ASSAY_ERROR_ARGUMENT, "%s/%s/%s: its mask is another picture's too: %s",
                               job->root, fakes->path, name, mask->name);
        else if (mask && !string_map_add(&used, stem, (void *)mask))
            status = error_memory(error, "the masks of a dataset");
        else if (!mask && strstr(stem, "partial"))
            status = error_set(error, ASSAY_ERROR_ARGUMENT,
                               "%s/%s/%s: partly generated by its name, and there is no mask for it in masks/",
                               job->root, fakes->path, name);
        else
            status = put_altered(job, generator, fakes, i, masks, mask ? mask->name : NULL, error);
    }
    for (size_t i = 0; i < by_stem.count && !status; i++)
        if (!string_map_get(&used, by_stem.entries[i].key))
            status = error_set(error, ASSAY_ERROR_ARGUMENT, "%s/%s/%s: a mask without a picture in fake/", job->root,
                               masks->path, ((const struct folder_entry *)by_stem.entries[i].value)->name);
    string_map_free(&by_stem);
    string_map_free(&used);
    arena_free(&stems);
    return status;
}

static assay_status opensdid_generator(struct layout_job *job, const char *path, const char *name,
                                       struct assay_error *error)
{
    struct file_list fakes = {0}, masks = {0};
    const char *fake = layout_text(job, "%s/fake", path), *mask = layout_text(job, "%s/masks", path);
    if (!fake || !mask)
        return error_memory(error, "finding a dataset");
    if (!layout_has(job, "%s/real", path))
        return layout_missing(job, error, "there is no %s/real/", path);
    if (!layout_has(job, "%s", fake))
        return layout_missing(job, error, "there is no %s/", fake);
    if (!job->builder)
        return ASSAY_OK;
    assay_status status = layout_taken(job, LABEL_GENERATED, fake, error);
    if (!status)
        status = list_pictures(job, fake, &fakes, error);
    if (!status && layout_has(job, "%s", mask))
        status = list_pictures(job, mask, &masks, error);
    if (!status && fakes.count == 0)
        status =
            error_set(error, ASSAY_ERROR_ARGUMENT, "%s/%s: no pictures for the class 'ai-generated'", job->root, fake);
    if (!status)
        status = pair_by_stem(job, name, &fakes, &masks, error);
    if (!status)
        status = layout_take(job,
                             &(struct layout_take){.folder = layout_text(job, "%s/real", path),
                                                   .label = LABEL_REAL,
                                                   .source = name,
                                                   .mask_kind = MASK_ZERO},
                             error);
    list_free(&fakes);
    list_free(&masks);
    return status;
}

assay_status opensdid_read(struct layout_job *job, struct assay_error *error)
{
    struct layout_bases bases = layout_bases(job, "");
    assay_status status = ASSAY_OK;
    size_t found = 0;
    for (size_t b = 0; b < bases.count && !status; b++) {
        struct folder folder;
        if (bases.split[b] && !layout_wants(job, bases.split[b]))
            continue;
        status = layout_list(job, bases.folder[b], &folder, error);
        for (size_t i = 0; i < folder.count && !status; i++) {
            const char *name = folder.entries[i].name, *base = bases.folder[b],
                       *path = layout_text(job, "%s%s%s", base, base[0] ? "/" : "", name);
            if (!path) {
                status = error_memory(error, "finding a dataset");
            } else if (folder.entries[i].is_folder &&
                       (layout_has(job, "%s/fake", path) || layout_known(opensdid_names, name))) {
                found++;
                status = opensdid_generator(job, path, name, error);
            }
        }
        folder_free(&folder);
    }
    if (!status && !found && !(job->wanted && !(job->splits & job->wanted)))
        status = layout_missing(job, error, "there is no folder of a generator (sd15/, ...) with real/ and fake/");
    return status;
}

/* ---- IMDLBenCo: Tp/ and Gt/, or such a pair in each folder ------------------------------------------------------- */

/* Whether the two are there; one alone counts, so that what is missing can be said. */
static bool has_pair(struct layout_job *job, const char *folder)
{
    const char *slash = folder[0] ? "/" : "";
    return layout_has(job, "%s%sTp", folder, slash) || layout_has(job, "%s%sGt", folder, slash);
}

assay_status imdlbenco_fits(struct layout_job *job, bool *fits, struct assay_error *error)
{
    if (job->is_file) {
        *fits = lists_has_pairs(job);
        return ASSAY_OK;
    }
    *fits = layout_has(job, "Tp") && layout_has(job, "Gt");
    if (*fits)
        return ASSAY_OK;
    struct folder folder;
    assay_status status = layout_list(job, "", &folder, error);
    for (size_t i = 0; i < folder.count && !status && !*fits; i++)
        *fits = folder.entries[i].is_folder && layout_has(job, "%s/Tp", folder.entries[i].name) &&
                layout_has(job, "%s/Gt", folder.entries[i].name);
    folder_free(&folder);
    return status;
}

/* Paired as IMDLBenCo does: the first with the first in the order of their names, and so on. */
static assay_status pair_by_order(struct layout_job *job, const char *folder, const char *source,
                                  struct assay_error *error)
{
    const char *slash = folder[0] ? "/" : "";
    struct file_list pictures = {0}, masks = {0};
    if (!layout_has(job, "%s%sTp", folder, slash))
        return layout_missing(job, error, "there is %s%sGt/ and no Tp/ beside it", folder, slash);
    if (!layout_has(job, "%s%sGt", folder, slash))
        return layout_missing(job, error, "there is %s%sTp/ and no Gt/ beside it", folder, slash);
    if (!job->builder)
        return ASSAY_OK;
    assay_status status = list_pictures(job, layout_text(job, "%s%sTp", folder, slash), &pictures, error);
    if (!status)
        status = list_pictures(job, layout_text(job, "%s%sGt", folder, slash), &masks, error);
    if (!status && pictures.count == 0)
        status = error_set(error, ASSAY_ERROR_ARGUMENT, "%s/%s: no pictures", job->root, pictures.path);
    else if (!status && pictures.count != masks.count)
        status = error_set(error, ASSAY_ERROR_ARGUMENT,
                           "%s/%s: %zu pictures, and %zu masks in %s/; they are paired in the order of their names, "
                           "so there must be as many",
                           job->root, pictures.path, pictures.count, masks.count, masks.path);
    for (size_t i = 0; i < pictures.count && !status; i++)
        status = put_altered(job, source, &pictures, i, &masks, entry_of(&masks, i)->name, error);
    list_free(&pictures);
    list_free(&masks);
    return status;
}

assay_status imdlbenco_read(struct layout_job *job, struct assay_error *error)
{
    job->any_class = true; /* its folders hold altered pictures alone */
    if (job->is_file)
        return list_pairs_read(job, error);
    if (has_pair(job, "")) {
        char *path = mem_alloc(LIMIT_PATH_BYTES, 1);
        if (!path)
            return error_memory(error, "finding a dataset");
        const char *name = realpath(job->root[0] ? job->root : "/", path) ? strrchr(path, '/') + 1 : "imdlbenco";
        assay_status status = pair_by_order(job, "", name[0] ? name : "imdlbenco", error);
        mem_free(path);
        return status;
    }
    struct folder folder;
    size_t found = 0;
    assay_status status = layout_list(job, "", &folder, error);
    for (size_t i = 0; i < folder.count && !status; i++)
        if (folder.entries[i].is_folder && has_pair(job, folder.entries[i].name)) {
            found++;
            status = pair_by_order(job, folder.entries[i].name, folder.entries[i].name, error);
        }
    folder_free(&folder);
    if (!status && !found)
        status = layout_missing(job, error, "there are no Tp/ and Gt/");
    return status;
}
