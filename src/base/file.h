/* file.h - whole files: read, mapped, and written so that nothing is lost (temporary name, sync, rename). */
#ifndef ASSAY_BASE_FILE_H
#define ASSAY_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/hash.h"

/* Reads a whole regular file (or pipe, for path "-": standard input) of at most max_bytes. *bytes is freed with
 * mem_free. */
assay_status file_read(const char *path, uint64_t max_bytes, uint8_t **bytes, size_t *size, struct assay_error *error);

/* A file mapped for reading. Zero-initialise it; file_unmap takes a zeroed one too. */
struct file_map {
    const uint8_t *bytes;
    size_t size;
};

assay_status file_map(const char *path, struct file_map *map, struct assay_error *error);
void file_unmap(struct file_map *map);

/* The process keeps no memory for these bytes of a mapped file until they are read again. Of any other memory the
 * contents would be lost. */
void file_map_rest(const void *bytes, size_t size);

/* A file that appears whole or not at all. Write to `stream`, then commit or discard; both close it.
 * A failed write is reported by file_commit, so the calls between need no checks. */
struct file_writer {
    FILE *stream;
    char *path, *temporary;
};

assay_status file_create(const char *path, struct file_writer *writer, struct assay_error *error);
assay_status file_commit(struct file_writer *writer, struct assay_error *error);
void file_discard(struct file_writer *writer); /* a zeroed or finished writer is fine */

/* Writes `size` bytes as a whole file, atomically. */
assay_status file_write(const char *path, const void *bytes, size_t size, struct assay_error *error);

/* The SHA-256 of what a file holds, in lower-case hexadecimal. */
assay_status file_sha256(const char *path, char text[SHA256_TEXT], struct assay_error *error);

bool file_exists(const char *path);

#endif
