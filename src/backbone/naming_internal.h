/* naming_internal.h - the rules that take one naming to another. */
#ifndef ASSAY_BACKBONE_NAMING_INTERNAL_H
#define ASSAY_BACKBONE_NAMING_INTERNAL_H

#include "backbone/naming.h"

enum naming_how {
    NAMING_COPY,
    NAMING_RESHAPE,   /* dimensions of 1 come or go */
    NAMING_TRANSPOSE, /* a matrix */
    NAMING_STACK,     /* q, k and v, one above the other */
    NAMING_AFTER_ZERO /* [1, N, D] becomes [1, 1 + N, D], the first row 0 */
};

/* Patterns of the source may begin with '^': the name has no common prefix; and '%' in them is any number. '#' is a
 * number, '+' one that is greater by 1 in the canonical name, '@' stands for q, k and v (or, where the word is written
 * out, query, key and value: '&'), and '*' at the end for any rest. A list ends with a NULL. */
struct naming_rule {
    const char *canonical, *source;
    enum naming_how how;
};

extern const struct naming_rule naming_same[], naming_open_clip_text[], naming_clip_hf[], naming_clip_timm[],
    naming_clip_resnet_timm[], naming_dinov2_hf[], naming_dinov2_timm_registers[], naming_dinov2_chunks[],
    naming_resnet_hf[];

/* Where a canonical name comes from. */
struct naming_source {
    enum naming_how how;
    int count; /* 3 for NAMING_STACK, else 1; 0: no rule knows the name */
    char name[3][NAMING_NAME];
};

/* Of several rules the first whose source the file has. */
struct naming_source naming_find_source(const struct naming *naming, const struct weights_file *file,
                                        const char *canonical);

/* Where one rule takes a canonical name, `word` (0 to 2) standing for q, k or v; false: it does not know the name. */
bool naming_rule_source(const struct naming_rule *rule, const char *canonical, int word, char source[NAMING_NAME]);

/* The canonical name of a tensor of the checkpoint; false: no rule knows it. */
bool naming_canonical(const struct naming *naming, const char *source, char canonical[NAMING_NAME]);

#endif
