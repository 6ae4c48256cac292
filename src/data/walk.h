/* walk.h - folders on disk, read in an order that is the same everywhere: names sorted by their bytes, hidden ones
 * skipped, links followed, no folder entered twice. Used to find datasets, and by `assay detect DIR`. */
#ifndef ASSAY_DATA_WALK_H
#define ASSAY_DATA_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

/* ---- one folder ----------------------------------------------------------------------------------------------- */

struct folder_entry {
    const char *name; /* any bytes but '/' and NUL */
    bool is_folder;   /* links are followed: what they lead to counts */
    uint64_t bytes;   /* of a file */
    uint64_t device, inode;
};

struct folder {
    struct arena arena; /* holds the names */
    struct folder_entry *entries;
    size_t count;
};

/* Regular files and folders in `path`, sorted by the bytes of their names. Left out: names that begin with a dot, links
 * that lead nowhere, devices, sockets and pipes. Free it with folder_free (a zeroed one is fine). */
assay_status folder_read(const char *path, struct folder *out, struct assay_error *error);
void folder_free(struct folder *folder);

/* ---- folders seen so far -------------------------------------------------------------------------------------- */

/* A set of (device, inode). Zero-initialise it. */
struct folder_set {
    uint64_t (*slots)[2];
    size_t count, capacity;
};

/* *added is false where it was in the set already. */
assay_status folder_set_add(struct folder_set *set, uint64_t device, uint64_t inode, bool *added,
                            struct assay_error *error);
void folder_set_free(struct folder_set *set);

/* ---- a whole tree --------------------------------------------------------------------------------------------- */

struct walk_file {
    const char *path; /* root, '/', name */
    const char *name; /* relative to the root; points into path */
    uint64_t bytes;
};

/* Both strings live only during the call. A status other than ASSAY_OK ends the walk and is what walk_pictures
 * gives. */
typedef assay_status walk_visit(void *context, const struct walk_file *file, struct assay_error *error);

/* Something that could not be read: the walk goes on without it. The message names it. */
typedef void walk_problem(void *context, const char *path, const struct assay_error *why);

struct walk {
    walk_visit *visit;     /* every file with a picture's extension (image_has_known_extension) */
    walk_problem *problem; /* unreadable folders, folders deeper than LIMIT_DIRECTORY_DEPTH, paths longer than
                              LIMIT_PATH_BYTES; NULL: each of these is an error that ends the walk */
    void *context;         /* for both */
};

/* Visits the pictures of `root` and of the folders in it. In each folder files and folders come in one sequence,
 * sorted by their bytes. A folder that is reached twice (by links, a loop for instance) is entered the first time
 * only. That `root` itself cannot be read is always an error. */
assay_status walk_pictures(const char *root, const struct walk *walk, struct assay_error *error);

#endif
