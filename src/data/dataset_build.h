/* dataset_build.h - how a dataset is put together, picture by picture. For dataset.c and whoever finds pictures. */
#ifndef ASSAY_DATA_DATASET_BUILD_H
#define ASSAY_DATA_DATASET_BUILD_H

#include "base/array.h"
#include "base/string_map.h"
#include "data/dataset.h"

/* From dataset_build_begin; dataset_build_finish or dataset_build_discard ends it. */
struct dataset_builder {
    struct arena arena;
    struct array pictures;                    /* of struct dataset_picture; `source` counts in order of appearance */
    struct array sources;                     /* of struct dataset_source */
    struct string_map source_of[LABEL_COUNT]; /* name to 1 + index into sources */
    uint32_t last_source[LABEL_COUNT];        /* 1 + index, to skip the look-up */
    const char *prefix[LABEL_COUNT];          /* put before the names in the digest; static text */
};

struct dataset_builder dataset_build_begin(const char *real_prefix, const char *generated_prefix);

/* One picture. Strings are copied. */
struct dataset_entry {
    int label;
    const char *source;
    const char *path;
    size_t name_at; /* where the relative name begins in `path` */
    uint64_t bytes;
    enum dataset_mask mask_kind;
    const char *mask; /* of MASK_FILE */
    size_t mask_name_at;
};

assay_status dataset_build_put(struct dataset_builder *builder, const struct dataset_entry *entry,
                               struct assay_error *error);

/* The same for a picture without a mask. Copies the strings. `name_at` is where the relative name begins in `path`. */
assay_status dataset_build_add(struct dataset_builder *builder, int label, const char *source, const char *path,
                               size_t name_at, uint64_t bytes, struct assay_error *error);

/* Sorts, numbers and digests; *out takes everything over. On failure the builder is discarded. */
assay_status dataset_build_finish(struct dataset_builder *builder, struct dataset *out, struct assay_error *error);
void dataset_build_discard(struct dataset_builder *builder);

#endif
