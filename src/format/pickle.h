/* pickle.h - Python's pickle format as PyTorch writes it, read through an allow-list. Reading runs nothing: it builds
 * dictionaries, lists, tuples, numbers, strings, and descriptions of tensors; every opcode and every global that is not
 * on the list is refused by name. */
#ifndef ASSAY_FORMAT_PICKLE_H
#define ASSAY_FORMAT_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "format/safetensors.h"

enum pickle_kind {
    PICKLE_NONE,
    PICKLE_BOOL,    /* integer */
    PICKLE_INT,     /* integer */
    PICKLE_BIG,     /* an integer of more than 64 bits: text holds its little-endian bytes */
    PICKLE_FLOAT,   /* number */
    PICKLE_TEXT,    /* text, length: strings and bytes */
    PICKLE_TUPLE,   /* items */
    PICKLE_LIST,    /* items */
    PICKLE_DICT,    /* items: key, value, key, value ... */
    PICKLE_OBJECT,  /* a TorchScript module: items as of a dictionary, its attributes */
    PICKLE_GLOBAL,  /* text: "module.name" */
    PICKLE_STORAGE, /* storage */
    PICKLE_TENSOR   /* tensor */
};

/* Where a tensor's elements lie: a storage of the archive. */
struct pickle_storage {
    const char *key; /* NUL-terminated */
    enum tensor_file_dtype dtype;
    uint64_t count; /* elements, as the pickle says */
};

/* Element (i, j, ...) is storage[offset + i * stride[0] + j * stride[1] + ...]. Not checked against the storage yet. */
struct pickle_tensor {
    const struct pickle_storage *storage;
    int rank;
    int64_t offset, dim[8], stride[8];
};

struct pickle_value {
    enum pickle_kind kind;
    union {
        int64_t integer;
        double number;
        struct {
            const char *text; /* NUL-terminated behind `length` */
            size_t length;
        };
        struct {
            struct pickle_value **items;
            size_t count, capacity;
        };
        const struct pickle_storage *storage;
        const struct pickle_tensor *tensor;
    };
};

/* Reads one pickle from the start of `bytes`. *used: how many bytes it took. Values live in the arena, whose max_bytes
 * bounds what a hostile pickle can make of a few bytes. `name` stands for the file in messages. */
assay_status pickle_read(const uint8_t *bytes, size_t size, const char *name, struct arena *arena,
                         struct pickle_value **out, size_t *used, struct assay_error *error);

/* The value of a text key of a dictionary or object, or NULL. */
struct pickle_value *pickle_get(const struct pickle_value *dict, const char *key);

#endif
