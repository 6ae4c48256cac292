/* list.h - lists of pictures, as text that nobody vouches for: CSV, lines of "path label", JSON. Here the bytes become
 * rows; lists.c looks for the files. */
#ifndef ASSAY_DATA_LAYOUTS_LIST_H
#define ASSAY_DATA_LAYOUTS_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "data/dataset.h"

enum list_kind {
    LIST_CSV,  /* RFC 4180 with a heading; columns in any order, names in any case, others ignored:
                  path (or filename, file, image); label (or class), or typ (or type: "real", or the generator);
                  source (or generator), mask, split */
    LIST_TEXT, /* "path label" a line; the label is what follows the last blank */
    LIST_JSON  /* an array of objects with keys named as the columns, or of [path, mask] pairs (IMDLBenCo) */
};

/* One picture. The strings live only during the call. */
struct list_row {
    uint64_t number;    /* of the line, or of the item in JSON; from 1 */
    const char *where;  /* "LIST, line 7" */
    const char *path;   /* as it is written; never empty */
    const char *source; /* or NULL */
    int label;
    unsigned split; /* SPLIT_ bit, or 0 */
    enum dataset_mask mask_kind;
    const char *mask; /* of MASK_FILE */
};

typedef assay_status list_visit(void *context, const struct list_row *row, struct assay_error *error);

/* Labels: 0, real, nature, 0_real; 1, fake, ai, generated, ai-generated, synthetic, 1_fake; in JSON true and false too.
 * Masks: a file's name; "Negative" (nothing was altered), "Positive" (everything was); empty: not known.
 * `name` stands in messages. A status of `visit` other than ASSAY_OK ends the reading and is given back. */
assay_status list_parse(enum list_kind kind, const void *bytes, size_t size, const char *name, list_visit *visit,
                        void *context, struct assay_error *error);

/* ---- between list.c and list_json.c ----------------------------------------------------------------------------- */

/* What a column or key says. */
enum list_field { FIELD_PATH, FIELD_LABEL, FIELD_TYPE, FIELD_SOURCE, FIELD_MASK, FIELD_SPLIT, FIELD_COUNT };

struct list_parser {
    const char *name;
    list_visit *visit;
    void *context;
    struct assay_error *error;
};

/* The field that a heading or key names, or FIELD_COUNT. */
enum list_field list_field_of(const char *name);

/* Makes a row of what each field says (NULL or "": nothing) and hands it over. `unit`: "line" or "item". */
assay_status list_emit(const struct list_parser *parser, const char *unit, uint64_t number,
                       const char *const field[FIELD_COUNT]);

assay_status list_parse_json(const struct list_parser *parser, const char *bytes, size_t size);

#endif
