/* cbor.c - fuzz target: any bytes as CBOR, and the tree as facts. */
#include <stdlib.h>

#include "provenance/cbor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The tree keeps to its bounds, and its strings to memory that can be read. */
static size_t walk(const struct cbor_node *node, int depth, unsigned *sum)
{
    size_t count = 1, children = 0;
    if (depth > CBOR_MAX_DEPTH || node->begin > node->end)
        abort();
    if (node->kind == CBOR_BYTES || node->kind == CBOR_TEXT)
        for (size_t i = 0; i < node->size; i++)
            *sum += node->bytes[i];
    for (const struct cbor_node *child = node->first; child; child = child->next, children++)
        count += walk(child, depth + 1, sum);
    if ((node->kind == CBOR_ARRAY && children != node->size) || (node->kind == CBOR_MAP && children != 2 * node->size))
        abort();
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {.max_bytes = 64 << 20};
    struct cbor_node *root;
    unsigned sum = 0;
    if (cbor_read(data, size, &arena, &root) == CBOR_OK) {
        struct fact_tree tree;
        if (root->end > size || walk(root, 0, &sum) > CBOR_MAX_ITEMS)
            abort();
        cbor_get(root, "alg");
        cbor_get_integer(root, 33);
        fact_tree_init(&tree, &arena);
        cbor_facts(&tree, tree.root, "data", root);
    }
    arena_free(&arena);
    return 0;
}
