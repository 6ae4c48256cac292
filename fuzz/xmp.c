/* xmp.c - fuzz target: any bytes as an XMP packet. The tree keeps to its limits and can be shown. */
#include <stdlib.h>
#include <string.h>

#include "provenance/xmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count(const struct xmp_node *node)
{
    size_t sum = 1;
    if (!node->name || !node->value || !node->language || !node->uri || strlen(node->value) > XMP_MAX_VALUE_BYTES)
        abort();
    for (const struct xmp_node *child = node->first; child; child = child->next)
        sum += count(child);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct xmp xmp = {0};
    struct fact_tree tree;
    if (xmp_read_packet(data, size, &arena, &xmp, NULL) == ASSAY_OK) {
        if (count(&xmp.root) > XMP_MAX_PROPERTIES + 1)
            abort();
        fact_tree_init(&tree, &arena);
        xmp_facts(&xmp, &tree, tree.root);
    }
    arena_free(&arena);
    return 0;
}
