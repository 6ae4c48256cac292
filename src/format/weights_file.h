/* weights_file.h - one handle over any file of weights: safetensors, safetensors in several files with an index
 * ("model.safetensors.index.json"), and what PyTorch saves. What lies in a safetensors file stays mapped. */
#ifndef ASSAY_FORMAT_WEIGHTS_FILE_H
#define ASSAY_FORMAT_WEIGHTS_FILE_H

#include "format/safetensors.h"

struct weights_file_part;

/* An open file: valid until weights_file_close. Zero-initialise it. */
struct weights_file {
    struct string_map tensors; /* name -> struct file_tensor, in the order of the file or of the index's files */
    const char *kind;          /* "safetensors", "safetensors in 3 files", "PyTorch zip", "TorchScript", ... */
    const char *nested;        /* the key under which a PyTorch file had its tensors ("model"), or "" */
    uint64_t bytes;            /* of the tensors */
    struct arena arena;
    struct weights_file_part *parts; /* the files that the tensors lie in */
    size_t part_count;
};

/* Opens a file of any of these kinds, told apart by its first bytes, and checks it whole (safetensors.h, torch_file.h).
 * An index names files beside it: other folders, absolute and hidden names are refused, and so is an index that does
 * not agree with its files, each tensor being named. */
assay_status weights_file_open(const char *path, struct weights_file *out, struct assay_error *error);
void weights_file_close(struct weights_file *file); /* a zeroed one is fine */

/* A text of a safetensors file's own metadata, or NULL. */
const char *weights_file_metadata(const struct weights_file *file, const char *key);

/* How many elements are NaN or infinite, 0 for integers; *first (may be NULL): the index of the first. */
uint64_t file_tensor_nonfinite(const struct file_tensor *tensor, uint64_t *first);

#endif
