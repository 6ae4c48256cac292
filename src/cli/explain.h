/* explain.h - a picture's activation map as a file beside the picture: what `assay explain` and `assay detect
 * --explain` share. */
#ifndef ASSAY_CLI_EXPLAIN_H
#define ASSAY_CLI_EXPLAIN_H

#include "base/arena.h"
#include "detector/activation.h"

/* The picture with its map beside it as PNG. *bytes is freed with mem_free. */
assay_status explain_png(const struct image *picture, const struct activation *activation, uint8_t **bytes,
                         size_t *size, struct assay_error *error);

/* Writes a file that is not there yet; where it is, ASSAY_ERROR_ARGUMENT, and the file stays as it is. */
assay_status explain_write_new(const char *path, const void *bytes, size_t size, struct assay_error *error);

/* The folder for many maps: made where it is missing (not those above it). Fails where nothing can be written there. */
assay_status explain_folder(const char *folder, struct assay_error *error);

/* FOLDER/NAME.png, NAME being the picture's whole path in one word: "/", "%", "~", a dot at its beginning, control
 * characters and what is not UTF-8 are written as %XX. Paths that would be too long for a file system keep their end,
 * with a "~" and 32 digits of their SHA-256 before it. So two paths never get one name, and none leaves the folder.
 * NULL: no memory. */
const char *explain_path(const char *folder, const char *picture, struct arena *arena);

#endif
