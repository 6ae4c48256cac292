/* inputs.h - the files that a command line means: those it names, and the pictures in the folders it names. */
#ifndef ASSAY_CLI_INPUTS_H
#define ASSAY_CLI_INPUTS_H

#include "base/arena.h"
#include "base/array.h"
#include "base/error.h"

struct input {
    const char *path;    /* "-" is standard input */
    const char *problem; /* why it cannot be read, where that is known already; or NULL */
};

/* In the order of the command line, a folder's files sorted by name. Names are kept for all of them, pictures are not
 * opened. Zero-initialise it. */
struct inputs {
    struct arena arena;
    struct array list; /* struct input */
};

/* Only lack of memory and too many files are errors; a missing or unreadable file or folder becomes an input that
 * cannot be read. */
assay_status inputs_collect(struct inputs *inputs, const char *const *words, size_t count, struct assay_error *error);
void inputs_free(struct inputs *inputs);

#endif
