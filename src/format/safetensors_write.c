/* safetensors_write.c - writing: a header that the data behind it agree with, in a file that appears whole or not. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "format/safetensors.h"

enum { SAFETENSORS_ALIGNMENT = 8 }; /* the data begin at a multiple of it: mapped, they can be used in place */

static assay_status refuse(const char *path, const char *name, const char *reason, struct assay_error *error)
{
    char shown[TEXT_NAME];
    return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: cannot write tensor \"%s\": %s", path,
                     text_printable(name, shown, sizeof shown), reason);
}

/* Bytes of an item; false: a negative dimension, too many, or more than fits. */
static bool item_bytes(const struct safetensors_item *item, size_t *out)
{
    size_t bytes = sizeof(float);
    if (item->rank < 0 || item->rank > LIMIT_TENSOR_RANK)
        return false;
    for (int i = 0; i < item->rank; i++)
        if (item->dim[i] < 0 || !size_mul(bytes, (size_t)item->dim[i], &bytes) || bytes > INT64_MAX)
            return false;
    *out = bytes;
    return true;
}

/* Takes `value` over, also on failure; NULL, and the array gone, where there is no memory. */
static json_t *append(json_t *array, json_t *value)
{
    if (array && value && json_array_append_new(array, value) == 0)
        return array;
    if (!array)
        json_decref(value);
    json_decref(array);
    return NULL;
}

static json_t *describe_item(const struct safetensors_item *item, uint64_t begin, uint64_t end)
{
    json_t *object = json_object(), *shape = json_array();
    json_t *offsets = append(append(json_array(), json_integer((json_int_t)begin)), json_integer((json_int_t)end));
    for (int i = 0; shape && i < item->rank; i++)
        shape = append(shape, json_integer(item->dim[i]));
    int failed = json_object_set_new(object, "dtype", json_string("F32"));
    failed |= json_object_set_new(object, "shape", shape); /* takes over, also where object or value is NULL */
    failed |= json_object_set_new(object, "data_offsets", offsets);
    if (failed) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static assay_status add_metadata(const char *path, json_t *header, const json_t *metadata, struct assay_error *error)
{
    const char *key;
    json_t *value;
    if (!metadata)
        return ASSAY_OK;
    if (!json_is_object(metadata))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: metadata must be an object", path);
    json_object_foreach((json_t *)metadata, key,
                        value) if (!json_is_string(value)) return error_set(error, ASSAY_ERROR_ARGUMENT,
                                                                            "%s: metadata \"%s\" must be a string",
                                                                            path, key);
    if (json_object_set(header, "__metadata__", (json_t *)metadata) != 0)
        return error_memory(error, path);
    return ASSAY_OK;
}

static assay_status add_items(const char *path, json_t *header, const struct safetensors_item *items, size_t count,
                              struct assay_error *error)
{
    size_t end = 0;
    if (count > LIMIT_MODEL_TENSORS)
        return error_set(error, ASSAY_ERROR_LIMIT, "%s: %zu tensors, the limit is %d", path, count,
                         LIMIT_MODEL_TENSORS);
    for (size_t i = 0; i < count; i++) {
        const char *name = items[i].name;
        size_t begin = end, bytes;
        if (!item_bytes(&items[i], &bytes) || !size_add(begin, bytes, &end) || end > INT64_MAX)
            return refuse(path, name, "its shape is out of range", error);
        if (strcmp(name, "__metadata__") == 0)
            return refuse(path, name, "the name is reserved", error);
        if (json_object_get(header, name))
            return refuse(path, name, "the name is there twice", error);
        json_t *text = json_string(name), *description = describe_item(&items[i], begin, end);
        bool utf8 = text != NULL;
        json_decref(text);
        if (!description)
            return error_memory(error, path);
        if (json_object_set_new(header, name, description) != 0)
            return utf8 ? error_memory(error, path) : refuse(path, name, "the name is not UTF-8", error);
    }
    return ASSAY_OK;
}

/* The header as text, padded with spaces so that the data behind it are aligned. Freed with mem_free. */
static assay_status dump_header(const char *path, const json_t *header, char **out, size_t *size,
                                struct assay_error *error)
{
    char *text = json_dumps(header, JSON_COMPACT);
    if (!text)
        return error_memory(error, path);
    size_t length = strlen(text),
           padded = (length + SAFETENSORS_ALIGNMENT - 1) / SAFETENSORS_ALIGNMENT * SAFETENSORS_ALIGNMENT;
    assay_status status = ASSAY_OK;
    if (padded > LIMIT_MODEL_HEADER_BYTES) {
        status = error_set(error, ASSAY_ERROR_LIMIT, "%s: a header of %zu bytes, the limit is %" PRIu64, path, padded,
                           LIMIT_MODEL_HEADER_BYTES);
    } else if (!(*out = mem_alloc(padded, 1))) {
        status = error_memory(error, path);
    } else {
        memcpy(*out, text, length);
        memset(*out + length, ' ', padded - length);
        *size = padded;
    }
    free(text);
    return status;
}

static bool write_all(FILE *stream, const char *header, uint64_t header_size, const struct safetensors_item *items,
                      size_t count)
{
    if (fwrite(&header_size, sizeof header_size, 1, stream) != 1 ||
        fwrite(header, 1, header_size, stream) != header_size)
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t bytes = 0;
        if (!item_bytes(&items[i], &bytes) || (bytes && fwrite(items[i].data, 1, bytes, stream) != bytes))
            return false;
    }
    return true;
}

assay_status safetensors_write(const char *path, const struct safetensors_item *items, size_t count,
                               const json_t *metadata, struct assay_error *error)
{
    struct file_writer writer = {0};
    char *text = NULL;
    size_t size = 0;
    assay_status status = ASSAY_OK;
    json_t *header = json_object();
    if (!header)
        return error_memory(error, path);
    status = add_metadata(path, header, metadata, error);
    if (!status)
        status = add_items(path, header, items, count, error);
    if (!status)
        status = dump_header(path, header, &text, &size, error);
    if (!status)
        status = file_create(path, &writer, error);
    if (status)
        goto done;
    if (write_all(writer.stream, text, size, items, count))
        status = file_commit(&writer, error);
    else
        status = error_errno(error, path, "write");
done:
    file_discard(&writer);
    mem_free(text);
    json_decref(header);
    return status;
}
