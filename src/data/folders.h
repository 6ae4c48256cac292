/* folders.h - folders that copies of pictures are written into: [SPLIT/]CLASS/SOURCE/NUMBER.jpg. */
#ifndef ASSAY_DATA_FOLDERS_H
#define ASSAY_DATA_FOLDERS_H

#include <stddef.h>

#include "base/error.h"

/* A source's name as one folder's name: what is no letter, digit, '_', '-' or '.' becomes '-'; what would be taken
 * for a class or a split gets "-pictures" behind it. Cut to fit `size`, which is 16 at least. */
void folders_of_source(const char *source, char *out, size_t size);

/* Makes the folders that `name` (relative, '/' between) lies in below `root`, where they are not there yet. */
assay_status folders_make_above(const char *root, const char *name, struct assay_error *error);

#endif
