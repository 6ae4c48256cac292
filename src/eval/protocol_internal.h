/* protocol_internal.h - how a protocol divides pictures into rows. For protocol_*.c alone. */
#ifndef ASSAY_EVAL_PROTOCOL_INTERNAL_H
#define ASSAY_EVAL_PROTOCOL_INTERNAL_H

#include "eval/protocol.h"

extern const struct protocol protocol_table[];
extern const size_t protocol_table_count;

/* A source, and its pictures: `count` of division.order from `begin` on, sorted by name. */
struct division_source {
    const char *name;
    int label;
    bool art;
    size_t found;        /* its pictures, whatever their names */
    size_t begin, count; /* of those whose names pass */
};

/* A row of generated pictures and those that stand against them. */
struct division_row {
    const char *name, *group, *reals;
    uint32_t *members[LABEL_COUNT]; /* pictures that count, sampled; in the arena */
    size_t count[LABEL_COUNT];
};

struct division_picture {
    const char *name;
    uint32_t source; /* index into sources */
};

struct division {
    struct arena arena;
    const struct protocol *protocol;
    uint64_t seed;
    const struct division_picture *pictures;
    size_t picture_count;
    struct division_source *sources;
    size_t source_count;
    uint32_t *order; /* pictures whose names pass, source by source */
    struct division_row *rows;
    size_t row_count;
    bool art_apart;  /* the protocol's, and there are other real pictures */
    uint8_t *choice; /* of each picture, an enum protocol_choice */
};

/* `pictures` and `sources` (name, label, art are set) stay the caller's and must outlive it. */
assay_status division_make(const struct protocol *protocol, uint64_t seed, const struct division_picture *pictures,
                           size_t picture_count, struct division_source *sources, size_t source_count,
                           struct division *out, struct assay_error *error);
void division_free(struct division *division);

/* The pictures and sources of predictions. pictures: [count]; sources: room for as many. */
assay_status division_of_predictions(const struct prediction *predictions, size_t count,
                                     struct division_picture *pictures, struct division_source *sources,
                                     size_t *source_count, struct assay_error *error);

#endif
