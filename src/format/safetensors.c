/* safetensors.c - reading: everything that the header says is checked before anything is used.
 *
 * A file is eight bytes with the length of the header (little-endian), the header, and the data. The header is a JSON
 * object: name -> {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, offsets counted from the end of the
 * header, and "__metadata__" -> an object of strings. The tensors cover the data without overlaps or gaps.
 * https://github.com/huggingface/safetensors#format */
#include "format/safetensors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

_Static_assert(LIMIT_TENSOR_RANK == sizeof((struct file_tensor){0}.dim) / sizeof(int64_t), "rank of file_tensor");
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors data are little-endian and used in place"
#endif

enum {
    SAFETENSORS_LENGTH = 8,
    SAFETENSORS_DEPTH = 3, /* header, tensor, shape */
    /* JSON values that the header may have before it is parsed: 16 a tensor, and as many strings of metadata. Bounds
     * what the JSON parser allocates. */
    SAFETENSORS_VALUES = 17 * LIMIT_MODEL_TENSORS
};

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    [TENSOR_FILE_F32] = {"F32", 4},   [TENSOR_FILE_F16] = {"F16", 2}, [TENSOR_FILE_BF16] = {"BF16", 2},
    [TENSOR_FILE_F64] = {"F64", 8},   [TENSOR_FILE_I8] = {"I8", 1},   [TENSOR_FILE_U8] = {"U8", 1},
    [TENSOR_FILE_I16] = {"I16", 2},   [TENSOR_FILE_I32] = {"I32", 4}, [TENSOR_FILE_I64] = {"I64", 8},
    [TENSOR_FILE_BOOL] = {"BOOL", 1},
};

const char *tensor_file_dtype_name(enum tensor_file_dtype dtype)
{
    return dtypes[dtype].name;
}

size_t tensor_file_dtype_size(enum tensor_file_dtype dtype)
{
    return dtypes[dtype].size;
}

/* What the checks below need to know. */
struct reader {
    const char *path;
    const uint8_t *data; /* behind the header */
    uint64_t data_size;
    struct safetensors *out;
    struct assay_error *error;
};

/* A fault of one tensor. */
static assay_status refuse(struct reader *r, const char *name, const char *reason)
{
    char shown[TEXT_NAME];
    return error_set(r->error, ASSAY_ERROR_FORMAT, "%s: tensor \"%s\": %s", r->path,
                     text_printable(name, shown, sizeof shown), reason);
}

/* Bounds nesting and the number of values, so that parsing a hostile header stays cheap. */
static assay_status scan_header(const char *header, size_t size, const char *path, struct assay_error *error)
{
    bool in_string = false;
    int depth = 0, deepest = 0;
    size_t values = 0;
    for (size_t i = 0; i < size; i++) {
        char c = header[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
            continue;
        }
        in_string = c == '"';
        if (c == '{' || c == '[') {
            depth++;
            values++;
        } else if (c == '}' || c == ']') {
            depth--;
        } else if (c == ',') {
            values++;
        }
        deepest = depth > deepest ? depth : deepest;
    }
    if (deepest > SAFETENSORS_DEPTH)
        return error_set(error, ASSAY_ERROR_FORMAT, "%s: damaged header: its JSON is nested too deeply", path);
    if (values > SAFETENSORS_VALUES)
        return error_set(error, ASSAY_ERROR_LIMIT, "%s: the header has more than %d tensors", path,
                         LIMIT_MODEL_TENSORS);
    return ASSAY_OK;
}

static assay_status parse_header(const char *header, size_t size, const char *path, json_t **out,
                                 struct assay_error *error)
{
    json_error_t json_error = {0};
    char shown[TEXT_NAME];
    *out = json_loadb(header, size, JSON_REJECT_DUPLICATES, &json_error);
    if (*out)
        return ASSAY_OK;
    if (!json_error.text[0] || json_error_code(&json_error) == json_error_out_of_memory)
        return error_memory(error, path);
    if (json_error_code(&json_error) == json_error_duplicate_key)
        return error_set(error, ASSAY_ERROR_FORMAT, "%s: damaged header: %s", path,
                         text_printable(json_error.text, shown, sizeof shown));
    return error_set(error, ASSAY_ERROR_FORMAT, "%s: damaged header: not valid JSON at byte %d: %s", path,
                     json_error.position, text_printable(json_error.text, shown, sizeof shown));
}

static assay_status read_metadata(struct reader *r, const json_t *object)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return error_set(r->error, ASSAY_ERROR_FORMAT, "%s: damaged header: __metadata__ is not an object", r->path);
    json_object_foreach((json_t *)object, key, value)
    {
        char shown[TEXT_NAME];
        if (!json_is_string(value))
            return error_set(r->error, ASSAY_ERROR_FORMAT, "%s: damaged header: metadata \"%s\" is not a string",
                             r->path, text_printable(key, shown, sizeof shown));
        char *name = arena_strdup(&r->out->arena, key);
        char *text = arena_strdup(&r->out->arena, json_string_value(value));
        if (!name || !text || !string_map_add(&r->out->metadata, name, text))
            return error_memory(r->error, r->path);
    }
    return ASSAY_OK;
}

static assay_status read_dtype(struct reader *r, struct file_tensor *tensor, const json_t *value)
{
    char reason[TEXT_NAME], shown[32];
    if (!json_is_string(value))
        return refuse(r, tensor->name, "has no dtype");
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++)
        if (strcmp(dtypes[i].name, json_string_value(value)) == 0) {
            tensor->dtype = (enum tensor_file_dtype)i;
            return ASSAY_OK;
        }
    snprintf(reason, sizeof reason, "its dtype \"%s\" is not supported",
             text_printable(json_string_value(value), shown, sizeof shown));
    return refuse(r, tensor->name, reason);
}

static assay_status read_shape(struct reader *r, struct file_tensor *tensor, const json_t *value)
{
    if (!json_is_array(value))
        return refuse(r, tensor->name, "has no shape");
    if (json_array_size(value) > LIMIT_TENSOR_RANK)
        return refuse(r, tensor->name, "has more than 8 dimensions");
    tensor->rank = (int)json_array_size(value);
    size_t bytes = dtypes[tensor->dtype].size;
    tensor->count = 1;
    for (int i = 0; i < tensor->rank; i++) {
        const json_t *dim = json_array_get(value, (size_t)i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return refuse(r, tensor->name, "its shape holds something else than whole numbers from 0 on");
        tensor->dim[i] = json_integer_value(dim);
        /* bounded by bytes, too */
        if (!size_mul(bytes, (size_t)tensor->dim[i], &bytes) || bytes > INT64_MAX)
            return refuse(r, tensor->name, "its shape is larger than memory can be");
        tensor->count *= (uint64_t)tensor->dim[i];
    }
    tensor->bytes = bytes;
    return ASSAY_OK;
}

static assay_status read_offsets(struct reader *r, struct file_tensor *tensor, const json_t *value)
{
    const json_t *first = json_array_get(value, 0), *last = json_array_get(value, 1);
    char reason[TEXT_NAME];
    if (json_array_size(value) != 2 || !json_is_integer(first) || !json_is_integer(last) ||
        json_integer_value(first) < 0 || json_integer_value(last) < json_integer_value(first))
        return refuse(r, tensor->name, "its data_offsets are not two whole numbers, the first not above the second");
    uint64_t begin = (uint64_t)json_integer_value(first), end = (uint64_t)json_integer_value(last);
    if (end > r->data_size) {
        snprintf(reason, sizeof reason,
                 "its data end at byte %" PRIu64 " of %" PRIu64 ": truncated file, or offsets out of range", end,
                 r->data_size);
        return refuse(r, tensor->name, reason);
    }
    if (end - begin != tensor->bytes) {
        snprintf(reason, sizeof reason, "its shape and dtype need %zu bytes, its data_offsets span %" PRIu64,
                 tensor->bytes, end - begin);
        return refuse(r, tensor->name, reason);
    }
    tensor->data = r->data + begin;
    return ASSAY_OK;
}

static assay_status read_tensor(struct reader *r, const char *name, const json_t *object)
{
    static const char *const fields[] = {"dtype", "shape", "data_offsets"};
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return refuse(r, name, "is not described by an object");
    json_object_foreach((json_t *)object, key,
                        value) if (strcmp(key, fields[0]) != 0 && strcmp(key, fields[1]) != 0 &&
                                   strcmp(key, fields[2]) !=
                                       0) return refuse(r, name, "has fields other than dtype, shape and data_offsets");
    if (r->out->tensors.count >= LIMIT_MODEL_TENSORS)
        return error_set(r->error, ASSAY_ERROR_LIMIT, "%s: more than %d tensors", r->path, LIMIT_MODEL_TENSORS);
    struct file_tensor *tensor = arena_alloc(&r->out->arena, 1, sizeof *tensor);
    if (!tensor || !(tensor->name = arena_strdup(&r->out->arena, name)) ||
        !string_map_add(&r->out->tensors, tensor->name, tensor))
        return error_memory(r->error, r->path);
    assay_status status = read_dtype(r, tensor, json_object_get(object, fields[0]));
    if (!status)
        status = read_shape(r, tensor, json_object_get(object, fields[1]));
    if (!status)
        status = read_offsets(r, tensor, json_object_get(object, fields[2]));
    return status;
}

static int by_position(const void *a, const void *b)
{
    const struct file_tensor *first = *(const struct file_tensor *const *)a,
                             *second = *(const struct file_tensor *const *)b;
    uintptr_t p = (uintptr_t)first->data, q = (uintptr_t)second->data;
    if (p != q)
        return p < q ? -1 : 1;
    return (first->bytes > second->bytes) - (first->bytes < second->bytes); /* empty ones first */
}

/* The tensors cover the data exactly. */
static assay_status check_coverage(struct reader *r)
{
    size_t count = r->out->tensors.count;
    const struct file_tensor **sorted = mem_alloc(count, sizeof *sorted);
    if (!sorted)
        return error_memory(r->error, r->path);
    for (size_t i = 0; i < count; i++)
        sorted[i] = r->out->tensors.entries[i].value;
    qsort(sorted, count, sizeof *sorted, by_position);

    assay_status status = ASSAY_OK;
    uint64_t end = 0;
    char reason[TEXT_NAME + 64], other[TEXT_NAME];
    for (size_t i = 0; !status && i < count; i++) {
        uint64_t begin = (uint64_t)((const uint8_t *)sorted[i]->data - r->data);
        if (begin < end) {
            snprintf(reason, sizeof reason, "its data overlap those of \"%s\"",
                     text_printable(sorted[i - 1]->name, other, sizeof other));
            status = refuse(r, sorted[i]->name, reason);
        } else if (begin > end) {
            snprintf(reason, sizeof reason, "a gap of %" PRIu64 " bytes lies before its data", begin - end);
            status = refuse(r, sorted[i]->name, reason);
        }
        end = begin + sorted[i]->bytes;
    }
    if (!status && end < r->data_size)
        status = error_set(r->error, ASSAY_ERROR_FORMAT, "%s: %" PRIu64 " bytes follow the last tensor", r->path,
                           r->data_size - end);
    mem_free(sorted);
    return status;
}

/* Where the header and the data are. */
static assay_status find_header(const uint8_t *bytes, size_t size, const char *path, uint64_t *header_size,
                                struct assay_error *error)
{
    if (size < SAFETENSORS_LENGTH)
        return error_set(error, ASSAY_ERROR_FORMAT, "%s: not a safetensors file: %s", path,
                         size ? "shorter than 8 bytes" : "empty");
    memcpy(header_size, bytes, sizeof *header_size);
    if (*header_size > LIMIT_MODEL_HEADER_BYTES)
        return error_set(error, ASSAY_ERROR_LIMIT,
                         "%s: not a safetensors file: a header of %" PRIu64 " bytes, the limit is %" PRIu64, path,
                         *header_size, LIMIT_MODEL_HEADER_BYTES);
    if (*header_size > size - SAFETENSORS_LENGTH)
        return error_set(error, ASSAY_ERROR_FORMAT, "%s: truncated: the header has %" PRIu64 " bytes, %zu are there",
                         path, *header_size, size - SAFETENSORS_LENGTH);
    if (*header_size < 2 || bytes[SAFETENSORS_LENGTH] != '{')
        return error_set(error, ASSAY_ERROR_FORMAT, "%s: not a safetensors file: the header is not a JSON object",
                         path);
    return ASSAY_OK;
}

assay_status safetensors_open_memory(const void *bytes, size_t size, const char *name, struct safetensors *out,
                                     struct assay_error *error)
{
    *out = (struct safetensors){0};
    json_t *header = NULL, *value;
    uint64_t header_size = 0;
    const char *key, *text = NULL;
    struct reader reader = {.path = name, .out = out, .error = error};
    assay_status status = find_header(bytes, size, name, &header_size, error);
    if (!status) {
        text = (const char *)bytes + SAFETENSORS_LENGTH;
        status = scan_header(text, header_size, name, error);
    }
    if (!status)
        status = parse_header(text, header_size, name, &header, error);
    if (status)
        goto done;
    reader.data = (const uint8_t *)text + header_size;
    reader.data_size = size - SAFETENSORS_LENGTH - header_size;
    json_object_foreach(header, key, value)
    {
        status = strcmp(key, "__metadata__") == 0 ? read_metadata(&reader, value) : read_tensor(&reader, key, value);
        if (status)
            goto done;
    }
    status = check_coverage(&reader);
done:
    json_decref(header);
    if (status)
        safetensors_close(out);
    return status;
}

assay_status safetensors_open(const char *path, struct safetensors *out, struct assay_error *error)
{
    struct file_map map = {0};
    *out = (struct safetensors){0};
    assay_status status = file_map(path, &map, error);
    if (status)
        return status;
    status = safetensors_open_memory(map.bytes, map.size, path, out, error);
    if (status)
        file_unmap(&map);
    else
        out->map = map;
    for (size_t i = 0; i < out->tensors.count; i++)
        ((struct file_tensor *)out->tensors.entries[i].value)->mapped = true;
    return status;
}

void safetensors_close(struct safetensors *file)
{
    string_map_free(&file->tensors);
    string_map_free(&file->metadata);
    arena_free(&file->arena);
    file_unmap(&file->map);
}

/* IEEE 754 half precision: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
static float half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 0x1f, fraction = half & 0x3ff, bits;
    if (exponent == 0x1f) {
        bits = sign | 0x7f800000 | fraction << 13;
    } else if (exponent) {
        bits = sign | (exponent + 112) << 23 | fraction << 13;
    } else { /* zero or subnormal: fraction * 2^-24, exact in a float */
        float value = (float)fraction * 0x1p-24f;
        memcpy(&bits, &value, sizeof bits);
        bits |= sign;
    }
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void read_halves(const uint8_t *from, uint64_t count, bool bf16, float *out)
{
    for (uint64_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, from + 2 * i, sizeof half);
        if (bf16) {
            uint32_t bits = (uint32_t)half << 16;
            memcpy(&out[i], &bits, sizeof bits);
        } else {
            out[i] = half_to_float(half);
        }
    }
}

bool file_tensor_is_float(const struct file_tensor *tensor)
{
    return tensor->dtype == TENSOR_FILE_F32 || tensor->dtype == TENSOR_FILE_F16 || tensor->dtype == TENSOR_FILE_BF16 ||
           tensor->dtype == TENSOR_FILE_F64;
}

bool file_tensor_read_f32(const struct file_tensor *tensor, float *out)
{
    const uint8_t *from = tensor->data;
    switch (tensor->dtype) {
    case TENSOR_FILE_F32:
        if (tensor->bytes)
            memcpy(out, from, tensor->bytes);
        return true;
    case TENSOR_FILE_F16:
    case TENSOR_FILE_BF16: read_halves(from, tensor->count, tensor->dtype == TENSOR_FILE_BF16, out); return true;
    case TENSOR_FILE_F64:
        for (uint64_t i = 0; i < tensor->count; i++) {
            double value;
            memcpy(&value, from + 8 * i, sizeof value);
            out[i] = (float)value; /* too large ones become infinite, which IEEE conversion defines */
        }
        return true;
    default: return false;
    }
}
