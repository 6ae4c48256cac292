/* torch_file.c - finds the tensors of a pickle, checks them against their storages, and makes them dense.
 *
 * Where the storages come from is the business of torch_zip.c and torch_legacy.c, behind `struct torch_storages`. */
#include "format/torch_file.h"

#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "format/torch_storages.h"

enum {
    MAX_DEPTH = 32, /* of modules in modules, dictionaries in dictionaries */
    /* bytes of values for every byte of a pickle, and as many more for small ones: what a well-meant file needs */
    ARENA_FACTOR = 128,
    ARENA_FLOOR = 1 << 20
};

bool torch_file_recognised(const uint8_t *bytes, size_t size)
{
    return torch_zip_recognised(bytes, size) || torch_legacy_recognised(bytes, size);
}

/* ---- One tensor ----------------------------------------------------------------------------------------------- */

struct collector {
    struct torch_file *out;
    struct torch_storages *storages;
    const char *path;
    struct assay_error *error;
};

static assay_status refuse(struct collector *c, const char *name, const char *reason)
{
    char shown[TEXT_NAME];
    return error_set(c->error, ASSAY_ERROR_FORMAT, "%s: tensor \"%s\" %s", c->path,
                     text_printable(name, shown, sizeof shown), reason);
}

/* Elements of the tensor, and the index of the last one it reaches in its storage. */
static bool extent(const struct pickle_tensor *t, uint64_t *count, uint64_t *last)
{
    uint64_t reach = (uint64_t)t->offset, n = 1;
    for (int i = 0; i < t->rank; i++) {
        uint64_t step;
        if (__builtin_mul_overflow(n, (uint64_t)t->dim[i], &n))
            return false;
        if (t->dim[i] > 0 && (__builtin_mul_overflow((uint64_t)t->dim[i] - 1, (uint64_t)t->stride[i], &step) ||
                              __builtin_add_overflow(reach, step, &reach)))
            return false;
    }
    *count = n;
    *last = reach;
    return true;
}

static bool is_dense(const struct pickle_tensor *t)
{
    int64_t expected = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        if (t->dim[i] != 1 && t->stride[i] != expected)
            return false;
        expected *= t->dim[i];
    }
    return true;
}

/* Copies the elements in row-major order. */
static void gather(const struct pickle_tensor *t, uint64_t count, size_t size, const uint8_t *storage, uint8_t *out)
{
    int64_t index[LIMIT_TENSOR_RANK] = {0};
    for (uint64_t n = 0; n < count; n++) {
        int64_t at = t->offset;
        for (int i = 0; i < t->rank; i++)
            at += index[i] * t->stride[i];
        memcpy(out + n * size, storage + (size_t)at * size, size);
        for (int i = t->rank - 1; i >= 0 && ++index[i] == t->dim[i]; i--)
            index[i] = 0;
    }
}

static assay_status add_tensor(struct collector *c, const char *name, const struct pickle_tensor *t)
{
    uint64_t count, last, bytes;
    const uint8_t *storage;
    size_t size = tensor_file_dtype_size(t->storage->dtype);
    if (!extent(t, &count, &last) || __builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX)
        return refuse(c, name, "is too large");
    if (count > 0 && last >= t->storage->count)
        return refuse(c, name, "reaches outside its storage");
    if (c->out->tensors.count >= LIMIT_MODEL_TENSORS)
        return error_set(c->error, ASSAY_ERROR_LIMIT, "%s: more than %d tensors", c->path, LIMIT_MODEL_TENSORS);
    assay_status status = torch_storages_get(c->storages, t->storage, &storage, c->error);
    if (status)
        return status;
    struct file_tensor *tensor = arena_alloc(&c->out->arena, 1, sizeof *tensor);
    char *copy = arena_strdup(&c->out->arena, name);
    if (!tensor || !copy)
        return error_memory(c->error, c->path);
    *tensor = (struct file_tensor){
        .name = copy, .dtype = t->storage->dtype, .rank = t->rank, .count = count, .bytes = (size_t)bytes};
    memcpy(tensor->dim, t->dim, sizeof tensor->dim);
    if (is_dense(t)) {
        tensor->data = storage + (size_t)t->offset * size;
    } else {
        /* a stride of 0 repeats a value: such a tensor may be larger than the whole file */
        if (count > t->storage->count)
            return refuse(c, name, "has more elements than its storage");
        uint8_t *dense = arena_alloc(&c->out->data, (size_t)bytes, 1);
        if (!dense)
            return error_memory(c->error, c->path);
        gather(t, count, size, storage, dense);
        tensor->data = dense;
    }
    if (!string_map_add(&c->out->tensors, copy, tensor))
        return string_map_get(&c->out->tensors, copy) ? refuse(c, name, "occurs twice")
                                                      : error_memory(c->error, c->path);
    return ASSAY_OK;
}

/* ---- All tensors ---------------------------------------------------------------------------------------------- */

static bool is_dict(const struct pickle_value *v)
{
    return v->kind == PICKLE_DICT || v->kind == PICKLE_OBJECT;
}

/* Tensors of a dictionary, and of the modules in it, named by the path to them. */
static assay_status collect(struct collector *c, const struct pickle_value *dict, const char *prefix, int depth)
{
    assay_status status = ASSAY_OK;
    if (depth > MAX_DEPTH)
        return error_set(c->error, ASSAY_ERROR_FORMAT, "%s: its modules are nested more than %d deep", c->path,
                         MAX_DEPTH);
    for (size_t i = 0; i + 1 < dict->count && !status; i += 2) {
        const struct pickle_value *key = dict->items[i], *value = dict->items[i + 1];
        if (key->kind != PICKLE_TEXT || (value->kind != PICKLE_TENSOR && !is_dict(value)))
            continue; /* epochs, arguments, settings */
        if (strlen(prefix) + key->length + 2 > LIMIT_PATH_BYTES || strlen(key->text) != key->length)
            return error_set(c->error, ASSAY_ERROR_FORMAT, "%s: the name of a tensor is too long, or has a NUL in it",
                             c->path);
        const char *name = arena_printf(&c->out->arena, "%s%s%s", prefix, prefix[0] ? "." : "", key->text);
        if (!name)
            return error_memory(c->error, c->path);
        status = value->kind == PICKLE_TENSOR ? add_tensor(c, name, value->tensor) : collect(c, value, name, depth + 1);
    }
    return status;
}

static bool holds_tensors(const struct pickle_value *dict)
{
    for (size_t i = 0; is_dict(dict) && i + 1 < dict->count; i += 2)
        if (dict->items[i + 1]->kind == PICKLE_TENSOR || dict->items[i + 1]->kind == PICKLE_OBJECT)
            return true;
    return false;
}

/* The dictionary with the weights: the value itself, or what it has under one of the usual keys. */
static const struct pickle_value *find_weights(const struct pickle_value *root, const char **nested)
{
    static const char *const keys[] = {"model", "state_dict", "model_state_dict", "module", "teacher", "params"};
    *nested = "";
    if (!is_dict(root) || holds_tensors(root))
        return root;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct pickle_value *inner = pickle_get(root, keys[i]);
        if (inner && holds_tensors(inner)) {
            *nested = keys[i];
            return inner;
        }
    }
    return root;
}

static assay_status read_all(struct torch_storages *storages, const char *name, struct torch_file *out,
                             struct assay_error *error)
{
    struct pickle_value *root;
    const uint8_t *pickle;
    size_t size, used;
    assay_status status = torch_storages_pickle(storages, &pickle, &size, error);
    if (status)
        return status;
    if (__builtin_mul_overflow(size, (size_t)ARENA_FACTOR, &out->arena.max_bytes) ||
        __builtin_add_overflow(out->arena.max_bytes, (size_t)ARENA_FLOOR, &out->arena.max_bytes))
        return error_set(error, ASSAY_ERROR_LIMIT, "%s: the pickle is too large", name);
    status = pickle_read(pickle, size, name, &out->arena, &root, &used, error);
    if (!status)
        status = torch_storages_begin(storages, &out->arena, used, error);
    if (status)
        return status;
    const struct pickle_value *weights = find_weights(root, &out->nested);
    struct collector c = {.out = out, .storages = storages, .path = name, .error = error};
    out->kind = torch_storages_kind(storages, root->kind == PICKLE_OBJECT);
    status = is_dict(weights) ? collect(&c, weights, "", 0) : ASSAY_OK;
    if (!status && out->tensors.count == 0)
        status = error_set(error, ASSAY_ERROR_FORMAT, "%s: this PyTorch file holds no named tensors", name);
    return status;
}

assay_status torch_file_open_memory(const void *bytes, size_t size, const char *name, struct torch_file *out,
                                    struct assay_error *error)
{
    struct torch_storages storages = {0};
    *out = (struct torch_file){.kind = "", .nested = ""};
    assay_status status = torch_storages_open(&storages, bytes, size, name, &out->data, error);
    if (!status)
        status = read_all(&storages, name, out, error);
    torch_storages_close(&storages);
    if (status)
        torch_file_close(out);
    return status;
}

assay_status torch_file_open(const char *path, struct torch_file *out, struct assay_error *error)
{
    struct file_map map = {0};
    assay_status status = file_map(path, &map, error);
    if (status)
        return status;
    status = torch_file_open_memory(map.bytes ? (const void *)map.bytes : "", map.size, path, out, error);
    file_unmap(&map);
    return status;
}

void torch_file_close(struct torch_file *file)
{
    string_map_free(&file->tensors);
    arena_free(&file->arena);
    arena_free(&file->data);
    *file = (struct torch_file){.kind = "", .nested = ""};
}
