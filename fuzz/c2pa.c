/* c2pa.c - fuzz target: any bytes as a picture with a C2PA manifest, or as a manifest store alone; and the report as
 * facts. */
#include <stdlib.h>
#include <string.h>

#include "provenance/c2pa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct c2pa_report *report)
{
    struct arena arena = {0};
    struct fact_tree tree;
    struct array text = array_of(1, 64 << 20);
    if (report->manifest_count > C2PA_MAX_MANIFESTS || report->status_count > C2PA_MAX_STATUSES ||
        (report->valid && report->state != C2PA_INTACT) || (report->state == C2PA_INTACT && !report->active) ||
        ((report->state == C2PA_BROKEN || report->state == C2PA_DAMAGED) && !*report->problem))
        abort();
    fact_tree_init(&tree, &arena);
    c2pa_facts(&tree, tree.root, report);
    if (!fact_print(tree.root, 0, &text))
        abort();
    array_free(&text);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct c2pa_report report;
    struct container container;
    struct assay_error error;
    if (size >= 8 && memcmp(data + 4, "jumb", 4) == 0) {
        const struct container_range range = {0, size, 0, size};
        const struct c2pa_input input = {data, size, data, size, &range, 1};
        if (c2pa_read_store(&input, NULL, 1800000000, &report, &error))
            abort();
        check(&report);
        c2pa_free(&report);
    } else if (container_read(data, size, &container, &error) == ASSAY_OK) {
        if (c2pa_read(&container, NULL, 1800000000, &report, &error))
            abort();
        check(&report);
        c2pa_free(&report);
        container_free(&container);
    }
    return 0;
}
