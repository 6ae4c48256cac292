/* torch_file.c - fuzz target: whatever the bytes, a PyTorch file is refused with a message, or its tensors hold
 * together. */
#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"
#include "format/torch_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct torch_file file;
    struct assay_error error = {0};
    if (torch_file_open_memory(data, size, "fuzz", &file, &error)) {
        require(error.message[0] != '\0');
        return 0;
    }
    for (size_t i = 0; i < file.tensors.count; i++) {
        const struct file_tensor *tensor = file.tensors.entries[i].value;
        uint8_t *copy = mem_alloc(tensor->bytes, 1);
        require(copy != NULL);
        for (size_t k = 0; k < tensor->bytes; k++) /* reads every byte: the sanitizer sees any that is not ours */
            copy[k] = ((const uint8_t *)tensor->data)[k];
        require(tensor->bytes == tensor->count * tensor_file_dtype_size(tensor->dtype));
        mem_free(copy);
    }
    torch_file_close(&file);
    return 0;
}
