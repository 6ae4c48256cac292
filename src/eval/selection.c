/* selection.c - a dataset made of some of another's pictures. */
#include "eval/selection.h"

assay_status selection_make(const struct dataset *from, const uint32_t *indices, size_t count, struct dataset *out,
                            struct assay_error *error)
{
    struct dataset made = *from;
    made.arena = (struct arena){0};
    made.count = count;
    made.label_count[LABEL_REAL] = made.label_count[LABEL_GENERATED] = 0;
    made.pictures = arena_alloc(&made.arena, count, sizeof *made.pictures);
    made.sources = arena_memdup(&made.arena, from->sources, from->source_count * sizeof *from->sources);
    if ((count && !made.pictures) || (from->source_count && !made.sources)) {
        arena_free(&made.arena);
        return error_memory(error, "the pictures of a dataset");
    }
    for (size_t s = 0; s < from->source_count; s++)
        made.sources[s].count = 0;
    for (size_t i = 0; i < count; i++) {
        made.pictures[i] = from->pictures[indices[i]];
        made.sources[made.pictures[i].source].count++;
        made.label_count[made.pictures[i].label]++;
    }
    *out = made;
    return ASSAY_OK;
}
