/* jumbf.c - fuzz target: any bytes as JUMBF's boxes. */
#include <stdlib.h>
#include <string.h>

#include "provenance/jumbf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every box lies in the one around it, and all of it can be read. */
static size_t walk(const struct jumbf_box *box, const uint8_t *begin, const uint8_t *end, int depth, unsigned *sum)
{
    size_t count = 1;
    if (depth > JUMBF_MAX_DEPTH || box->payload < begin || box->size > (size_t)(end - box->payload))
        abort();
    if (strlen(box->label) >= JUMBF_MAX_LABEL)
        abort();
    for (size_t i = 0; depth == 0 && i < box->size; i++)
        *sum += box->payload[i];
    for (const struct jumbf_box *child = box->first; child; child = child->next) {
        if (child->parent != box)
            abort();
        count += walk(child, box->payload, box->payload + box->size, depth + 1, sum);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {.max_bytes = 64 << 20};
    struct jumbf_box *root;
    unsigned sum = 0;
    jumbf_read(data, size, &arena, &root);
    if (root) {
        if (walk(root, data, data + size, 0, &sum) > JUMBF_MAX_BOXES)
            abort();
        jumbf_is(root, "c2pa");
        jumbf_child(root, "c2pa.assertions", 15);
        jumbf_content(root, JUMBF_TYPE('c', 'b', 'o', 'r'));
    }
    arena_free(&arena);
    return 0;
}
