/* pull.h - published checkpoints by name: where they lie, and fetching one into the user's cache. */
#ifndef ASSAY_CLI_PULL_H
#define ASSAY_CLI_PULL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"

struct pull_entry {
    const char *name;    /* "clip-vit-l-14" */
    const char *address; /* https://... */
    const char *file;    /* its name in the cache */
    uint64_t bytes;      /* 0: not known */
    const char *sha256;  /* the digest, or its first digits where only they are published; NULL: not known */
    const char *licence;
    bool reported; /* the digest is not the authors', but what others who fetched the file report */
};

extern const struct pull_entry pull_table[]; /* ends with a NULL name */

const struct pull_entry *pull_find(const char *name); /* or NULL */

/* $XDG_CACHE_HOME/assay, or ~/.cache/assay. */
assay_status pull_folder(struct arena *arena, const char **folder, struct assay_error *error);

struct pull_result {
    const char *path; /* in the arena */
    bool fetched;     /* it was not there before */
    char sha256[SHA256_TEXT];
};

/* The file in the folder (made where it is not there), verified; fetched first where it is not there. A transfer that
 * was cut goes on where it was, from FILE.part. `base`: stands for the scheme and the host of the address, or NULL.
 * Only HTTPS is spoken, except to a base on this machine. `progress` may be NULL. A file whose digest is another than
 * the table says is an error, and is deleted if it was fetched just now. */
assay_status pull_fetch(const struct pull_entry *entry, const char *base, const char *folder, FILE *progress,
                        struct arena *arena, struct pull_result *out, struct assay_error *error);

#endif
