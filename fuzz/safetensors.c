/* safetensors.c - fuzz target: whatever the bytes, a file is refused with a message, or its promises hold. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

/* A tensor lies inside the bytes, is what its shape says, and can be read. */
static void check_tensor(const struct file_tensor *tensor, const uint8_t *data, size_t size)
{
    const uint8_t *begin = tensor->data;
    uint64_t count = 1;
    require(begin >= data && tensor->bytes <= size && (size_t)(begin - data) <= size - tensor->bytes);
    require(tensor->rank >= 0 && tensor->rank <= 8);
    for (int i = 0; i < tensor->rank; i++) {
        require(tensor->dim[i] >= 0);
        count *= (uint64_t)tensor->dim[i];
    }
    require(count == tensor->count && tensor->count <= tensor->bytes);
    require(tensor_file_dtype_name(tensor->dtype)[0] != '\0');
    float *values = mem_alloc(tensor->count, sizeof *values);
    require(values != NULL);
    require(file_tensor_read_f32(tensor, values) == file_tensor_is_float(tensor));
    mem_free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct safetensors file;
    struct assay_error error = {0};
    assay_status status = safetensors_open_memory(data, size, "fuzz", &file, &error);
    require((status == ASSAY_OK) == (error.message[0] == '\0') && status == error.status);
    if (status)
        return 0;
    size_t total = 0;
    for (size_t i = 0; i < file.tensors.count; i++) {
        const struct file_tensor *tensor = file.tensors.entries[i].value;
        require(strcmp(tensor->name, file.tensors.entries[i].key) == 0);
        require(string_map_get(&file.tensors, tensor->name) == tensor);
        check_tensor(tensor, data, size);
        total += tensor->bytes;
    }
    require(total < size); /* they do not overlap, and a header lies before them */
    safetensors_close(&file);
    return 0;
}
