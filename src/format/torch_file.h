/* torch_file.h - checkpoints as PyTorch saves them: the zip format (since 1.6), state dictionaries and TorchScript
 * archives alike, and the older stream of pickles. Read-only; nothing in a file is ever run (see pickle.h). */
#ifndef ASSAY_FORMAT_TORCH_FILE_H
#define ASSAY_FORMAT_TORCH_FILE_H

#include "format/safetensors.h"

/* An open file: valid until torch_file_close. Tensors are dense and row-major, copied out of the archive. */
struct torch_file {
    struct arena arena;        /* names, descriptions */
    struct arena data;         /* elements */
    struct string_map tensors; /* name -> struct file_tensor, in the file's order */
    const char *kind;          /* "PyTorch zip", "TorchScript", "PyTorch legacy" */
    const char *nested;        /* the key under which the tensors lay ("model", "state_dict", ...), or "" */
};

/* Whether the first bytes of a file are those of either format. */
bool torch_file_recognised(const uint8_t *bytes, size_t size);

/* Reads everything. Refused by name and reason: a damaged or cut archive, compressed or encrypted entries, storages
 * that are missing or shorter than the pickle says, tensors that reach outside their storage, other byte orders,
 * opcodes and globals that are not allowed, a file without tensors. */
assay_status torch_file_open(const char *path, struct torch_file *out, struct assay_error *error);
assay_status torch_file_open_memory(const void *bytes, size_t size, const char *name, struct torch_file *out,
                                    struct assay_error *error);
void torch_file_close(struct torch_file *file); /* a zeroed one is fine */

#endif
