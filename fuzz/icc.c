/* icc.c - fuzz target: any bytes as a block of ICC. Nothing is read outside of them, and all can be shown. */
#include <stdlib.h>

#include "provenance/icc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct icc icc;
    struct fact_tree tree;
    if (icc_read_block(data, size, &arena, &icc, NULL) == ASSAY_OK) {
        if (!icc.present)
            abort();
        fact_tree_init(&tree, &arena);
        icc_facts(&icc, &tree, tree.root);
    }
    arena_free(&arena);
    return 0;
}
