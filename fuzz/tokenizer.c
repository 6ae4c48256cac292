/* tokenizer.c - fuzz target: up to the first NUL a vocabulary (or a gzip file), behind it a text. Ids are in range and
 * lie between their marks, whatever the bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backbone/tokenizer.h"
#include "base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

static void check_text(const struct tokenizer *tokenizer, const char *text)
{
    int32_t ids[TOKENIZER_CONTEXT];
    int end = -1;
    struct assay_error error = {0};
    if (tokenizer_encode(tokenizer, text, true, ids, TOKENIZER_CONTEXT, &end, &error)) {
        require(error.message[0] != '\0');
        return;
    }
    int32_t count = tokenizer_size(tokenizer);
    require(end > 0 && end < TOKENIZER_CONTEXT && ids[0] == count - 2 && ids[end] == count - 1);
    for (int i = 0; i < TOKENIZER_CONTEXT; i++)
        require(i <= end ? ids[i] >= 0 && ids[i] < count : ids[i] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *zero = size && data[0] != 0x1f ? memchr(data, 0, size) : NULL;
    size_t vocabulary = zero ? (size_t)(zero - data) : size;
    char *text = mem_alloc(size - vocabulary + 1, 1); /* NUL-terminated */
    struct tokenizer *tokenizer;
    struct assay_error error = {0};
    require(text != NULL);
    if (zero)
        memcpy(text, zero + 1, size - vocabulary - 1);
    check_text(NULL, text);
    if (tokenizer_open_memory(data, vocabulary, "fuzz", &tokenizer, &error))
        require(error.message[0] != '\0' && !tokenizer);
    else
        check_text(tokenizer, text);
    tokenizer_free(tokenizer);
    mem_free(text);
    return 0;
}
