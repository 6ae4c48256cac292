/* manifest.h - a choice of pictures written down as a list that datasets are read from (layout csv). */
#ifndef ASSAY_DATA_CHECK_MANIFEST_H
#define ASSAY_DATA_CHECK_MANIFEST_H

#include <stdio.h>

#include "data/check/scan.h"

/* Writes `path` with the columns path, label (real or ai), source, split and mask of the chosen pictures. Without
 * `copies` the paths are absolute; with it they are those names, relative to the list's folder, an empty mask, and a
 * sixth column `original` says what each was made of. */
assay_status manifest_write(const char *path, const struct scan *scan, const bool *chosen, char *const *copies,
                            struct assay_error *error);

/* One field of such a list, in quotation marks where it needs them. */
void manifest_write_field(FILE *stream, const char *text);

#endif
