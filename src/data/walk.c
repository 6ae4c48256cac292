/* walk.c - reads folders, and walks trees of them. */
#include "data/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/memory.h"
#include "image/image.h"

/* ---- one folder ----------------------------------------------------------------------------------------------- */

static int compare_entries(const void *a, const void *b)
{
    /* strcmp compares as unsigned bytes, whatever the locale */
    return strcmp(((const struct folder_entry *)a)->name, ((const struct folder_entry *)b)->name);
}

/* Fills in what `name` is; *wanted is false for what a folder_entry never is. */
static assay_status inspect(int fd, const char *folder, const char *name, struct folder_entry *entry, bool *wanted,
                            struct assay_error *error)
{
    struct stat info;
    *wanted = false;
    if (fstatat(fd, name, &info, 0) != 0) {
        int code = errno;
        if (code == ENOENT || code == ELOOP || code == ENOTDIR)
            return ASSAY_OK; /* leads nowhere, or has just been deleted */
        if (fstatat(fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISLNK(info.st_mode)) {
            errno = code;
            return error_errno(error, folder, "look into");
        }
        /* A link to where we may not look. As an empty file: if its name is a picture's, opening it will tell. */
        *wanted = true;
        return ASSAY_OK;
    }
    entry->is_folder = S_ISDIR(info.st_mode);
    entry->bytes = entry->is_folder ? 0 : (uint64_t)info.st_size;
    entry->device = (uint64_t)info.st_dev;
    entry->inode = (uint64_t)info.st_ino;
    *wanted = entry->is_folder || S_ISREG(info.st_mode);
    return ASSAY_OK;
}

assay_status folder_read(const char *path, struct folder *out, struct assay_error *error)
{
    *out = (struct folder){0};
    struct array entries = array_of(sizeof(struct folder_entry), LIMIT_DATASET_FILES);
    assay_status status = ASSAY_OK;
    DIR *stream = opendir(path);
    if (!stream)
        return error_errno(error, path, "open the folder");
    for (;;) {
        errno = 0;
        const struct dirent *item = readdir(stream);
        if (!item) {
            if (errno)
                status = error_errno(error, path, "read the folder");
            break;
        }
        if (item->d_name[0] == '.')
            continue;
        struct folder_entry entry = {0};
        bool wanted;
        if ((status = inspect(dirfd(stream), path, item->d_name, &entry, &wanted, error)))
            break;
        if (!wanted)
            continue;
        entry.name = arena_strdup(&out->arena, item->d_name);
        if (!entry.name || !array_append(&entries, &entry, 1)) {
            status = entries.count == entries.max_count
                         ? error_set(error, ASSAY_ERROR_LIMIT, "%s: more than %d files in one folder", path,
                                     LIMIT_DATASET_FILES)
                         : error_memory(error, path);
            break;
        }
    }
    closedir(stream);
    if (status) {
        array_free(&entries);
        folder_free(out);
        return status;
    }
    if (entries.count)
        qsort(entries.data, entries.count, sizeof(struct folder_entry), compare_entries);
    out->entries = entries.data; /* taken over */
    out->count = entries.count;
    return ASSAY_OK;
}

void folder_free(struct folder *folder)
{
    mem_free(folder->entries);
    arena_free(&folder->arena);
    *folder = (struct folder){0};
}

/* ---- folders seen so far -------------------------------------------------------------------------------------- */

/* Open addressing; a free slot is all zeros, which no folder is. */
static uint64_t *find_slot(uint64_t (*slots)[2], size_t capacity, uint64_t device, uint64_t inode)
{
    uint64_t key[2] = {device, inode};
    size_t at = (size_t)hash_bytes(key, sizeof key, HASH_START) & (capacity - 1);
    while ((slots[at][0] || slots[at][1]) && (slots[at][0] != device || slots[at][1] != inode))
        at = (at + 1) & (capacity - 1);
    return slots[at];
}

assay_status folder_set_add(struct folder_set *set, uint64_t device, uint64_t inode, bool *added,
                            struct assay_error *error)
{
    if (set->count >= set->capacity / 2) {
        size_t capacity = set->capacity ? set->capacity * 2 : 64;
        uint64_t(*slots)[2] = mem_alloc(capacity, sizeof *slots);
        if (!slots)
            return error_memory(error, "the folders seen so far");
        for (size_t i = 0; i < set->capacity; i++)
            if (set->slots[i][0] || set->slots[i][1])
                memcpy(find_slot(slots, capacity, set->slots[i][0], set->slots[i][1]), set->slots[i], sizeof *slots);
        mem_free(set->slots);
        set->slots = slots;
        set->capacity = capacity;
    }
    uint64_t *slot = find_slot(set->slots, set->capacity, device, inode);
    *added = !slot[0] && !slot[1];
    if (*added) {
        slot[0] = device;
        slot[1] = inode;
        set->count++;
    }
    return ASSAY_OK;
}

void folder_set_free(struct folder_set *set)
{
    mem_free(set->slots);
    *set = (struct folder_set){0};
}

/* ---- a whole tree --------------------------------------------------------------------------------------------- */

struct walker {
    const struct walk *walk;
    struct folder_set seen;
    size_t root_length; /* of path, before the first '/' that walking added */
    char path[LIMIT_PATH_BYTES];
};

/* Tells the caller and goes on, or ends the walk where nobody listens. */
static assay_status tell(const struct walker *w, const struct assay_error *why, struct assay_error *error)
{
    if (!w->walk->problem || why->status == ASSAY_ERROR_MEMORY)
        return error_set(error, why->status, "%s", why->message);
    w->walk->problem(w->walk->context, w->path, why);
    return ASSAY_OK;
}

static assay_status walk_folder(struct walker *w, size_t length, int depth, struct assay_error *error);

static assay_status walk_entry(struct walker *w, size_t length, int depth, const struct folder_entry *entry,
                               struct assay_error *error)
{
    struct assay_error why = {0};
    size_t name_length = strlen(entry->name);
    if (!entry->is_folder && !image_has_known_extension(entry->name))
        return ASSAY_OK;
    if (length + 1 + name_length >= sizeof w->path) {
        error_set(&why, ASSAY_ERROR_LIMIT, "%.200s...: a path of more than %d bytes", w->path, LIMIT_PATH_BYTES - 1);
        return tell(w, &why, error);
    }
    w->path[length] = '/';
    memcpy(w->path + length + 1, entry->name, name_length + 1);
    if (!entry->is_folder) {
        struct walk_file file = {w->path, w->path + w->root_length + 1, entry->bytes};
        return w->walk->visit(w->walk->context, &file, error);
    }
    bool added;
    assay_status status = folder_set_add(&w->seen, entry->device, entry->inode, &added, error);
    if (status || !added)
        return status;
    if (depth + 1 > LIMIT_DIRECTORY_DEPTH) {
        error_set(&why, ASSAY_ERROR_LIMIT, "%s: more than %d folders deep", w->path, LIMIT_DIRECTORY_DEPTH);
        return tell(w, &why, error);
    }
    return walk_folder(w, length + 1 + name_length, depth + 1, error);
}

/* w->path holds the folder, `length` bytes long; it is left as it was found. */
static assay_status walk_folder(struct walker *w, size_t length, int depth, struct assay_error *error)
{
    struct folder folder;
    struct assay_error why = {0};
    assay_status status = folder_read(length ? w->path : "/", &folder, &why);
    if (status)
        return depth == 0 ? error_set(error, status, "%s", why.message) : tell(w, &why, error);
    for (size_t i = 0; i < folder.count && !status; i++) {
        status = walk_entry(w, length, depth, &folder.entries[i], error);
        w->path[length] = '\0';
    }
    folder_free(&folder);
    return status;
}

assay_status walk_pictures(const char *root, const struct walk *walk, struct assay_error *error)
{
    struct stat info;
    if (stat(root, &info) != 0)
        return error_errno(error, root, "open the folder");
    size_t length = strlen(root);
    while (length && root[length - 1] == '/')
        length--;
    if (length >= LIMIT_PATH_BYTES)
        return error_set(error, ASSAY_ERROR_LIMIT, "%.200s...: a path of more than %d bytes", root,
                         LIMIT_PATH_BYTES - 1);
    struct walker *w = mem_alloc(1, sizeof *w);
    if (!w)
        return error_memory(error, "walking a folder");
    w->walk = walk;
    w->root_length = length;
    memcpy(w->path, root, length);
    bool added;
    assay_status status = folder_set_add(&w->seen, (uint64_t)info.st_dev, (uint64_t)info.st_ino, &added, error);
    if (!status)
        status = walk_folder(w, length, 0, error);
    folder_set_free(&w->seen);
    mem_free(w);
    return status;
}
