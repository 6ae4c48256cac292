/* exif.c - fuzz target: any bytes as a block of EXIF. Nothing is read outside of them, and all can be shown. */
#include <stdlib.h>

#include "provenance/exif.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct exif exif;
    struct fact_tree tree;
    if (exif_read_block(data, size, &arena, &exif, NULL) == ASSAY_OK) {
        if (!exif.present)
            abort();
        fact_tree_init(&tree, &arena);
        exif_facts(&exif, &tree, tree.root);
    }
    arena_free(&arena);
    return 0;
}
