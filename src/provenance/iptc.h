/* iptc.h - what IPTC-IIM says (IPTC Information Interchange Model 4.2): records of numbered texts, as press agencies
 * and older programs write them. */
#ifndef ASSAY_PROVENANCE_IPTC_H
#define ASSAY_PROVENANCE_IPTC_H

#include "base/arena.h"
#include "base/error.h"
#include "provenance/container.h"
#include "provenance/fact.h"

enum { IPTC_MAX_DATASETS = 2048, IPTC_MAX_TEXT = 65536, IPTC_MAX_TEXTS = 2 << 20 };

struct iptc_dataset {
    uint8_t record, number;
    const char *text; /* UTF-8; of binary ones NULL */
    const uint8_t *bytes;
    size_t size;
};

struct iptc {
    bool present;
    const char *problem; /* NULL, or what is wrong */
    struct iptc_dataset *datasets;
    size_t count;
    /* The first of each; NULL where it is missing. */
    const char *program, *program_version;                                 /* 2:65, 2:70 */
    const char *byline, *credit, *source, *copyright, *headline, *caption; /* 2:80, 110, 115, 116, 105, 120 */
    const char *date_created;                                              /* 2:55 */
};

/* Reads the records of one block into *out, which is overwritten. ASSAY_ERROR_MEMORY is the only error. */
assay_status iptc_read_block(const uint8_t *bytes, size_t size, struct arena *arena, struct iptc *out,
                             struct assay_error *error);

/* The file's first block that holds something. */
assay_status iptc_read(const struct container *container, struct arena *arena, struct iptc *out,
                       struct assay_error *error);

const char *iptc_find(const struct iptc *iptc, unsigned record, unsigned number);

/* All texts of known name, below `parent`. */
void iptc_facts(const struct iptc *iptc, struct fact_tree *tree, struct fact *parent);

#endif
