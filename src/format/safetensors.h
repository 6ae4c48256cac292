/* safetensors.h - the safetensors format: read mapped and checked, written atomically. */
#ifndef ASSAY_FORMAT_SAFETENSORS_H
#define ASSAY_FORMAT_SAFETENSORS_H

#include <jansson.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"
#include "base/string_map.h"

enum tensor_file_dtype {
    TENSOR_FILE_F32,
    TENSOR_FILE_F16,
    TENSOR_FILE_BF16,
    TENSOR_FILE_F64,
    TENSOR_FILE_I8,
    TENSOR_FILE_U8,
    TENSOR_FILE_I16,
    TENSOR_FILE_I32,
    TENSOR_FILE_I64,
    TENSOR_FILE_BOOL
};

const char *tensor_file_dtype_name(enum tensor_file_dtype dtype); /* as in the file: "F32" */
size_t tensor_file_dtype_size(enum tensor_file_dtype dtype);      /* bytes of an element */

/* A tensor inside a file. */
struct file_tensor {
    const char *name;
    enum tensor_file_dtype dtype;
    int rank;
    int64_t dim[8];   /* LIMIT_TENSOR_RANK */
    uint64_t count;   /* elements */
    const void *data; /* inside the mapping; aligned to its element size or to nothing: copy with memcpy */
    size_t bytes;
    bool mapped; /* the data lies in a mapped file: see file_map_rest */
};

/* An open file: valid until safetensors_close. */
struct safetensors {
    struct file_map map;
    struct arena arena;
    struct string_map tensors;  /* name -> struct file_tensor, in the header's order */
    struct string_map metadata; /* name -> char * (the header's __metadata__) */
};

/* Maps and checks everything before returning: header size, JSON, duplicate keys, types, shapes against byte ranges,
 * ranges inside the file, without overlaps or gaps. Errors name the file, the tensor and the reason. */
assay_status safetensors_open(const char *path, struct safetensors *out, struct assay_error *error);
/* The same over bytes in memory, which must outlive it. */
assay_status safetensors_open_memory(const void *bytes, size_t size, const char *name, struct safetensors *out,
                                     struct assay_error *error);
void safetensors_close(struct safetensors *file); /* a zeroed one is fine */

bool file_tensor_is_float(const struct file_tensor *tensor); /* F32, F16, BF16 or F64 */

/* Elements as f32, whatever their floating type; false: not a floating type. */
bool file_tensor_read_f32(const struct file_tensor *tensor, float *out);

/* A tensor to write: f32. */
struct safetensors_item {
    const char *name;
    int rank;
    const int64_t *dim;
    const float *data;
};

/* Writes a file atomically. `metadata`: an object of strings, or NULL. */
assay_status safetensors_write(const char *path, const struct safetensors_item *items, size_t count,
                               const json_t *metadata, struct assay_error *error);

#endif
