/* iptc.c - fuzz target: any bytes as a block of IPTC. Nothing is read outside of them, and all can be shown. */
#include <stdlib.h>

#include "provenance/iptc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct iptc iptc;
    struct fact_tree tree;
    if (iptc_read_block(data, size, &arena, &iptc, NULL) == ASSAY_OK) {
        if (!iptc.present)
            abort();
        fact_tree_init(&tree, &arena);
        iptc_facts(&iptc, &tree, tree.root);
    }
    arena_free(&arena);
    return 0;
}
