/* option.h - one table describes the fields of a config struct; command-line flags, JSON, help and the manual all come
 * from it. Detectors, optimisers, the trainer and the command's own subcommands each have such a table. */
#ifndef ASSAY_BASE_OPTION_H
#define ASSAY_BASE_OPTION_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/error.h"

enum option_type {
    OPTION_BOOL,   /* bool; as a flag: --name, --no-name */
    OPTION_INT,    /* int64_t */
    OPTION_FLOAT,  /* double */
    OPTION_TEXT,   /* const char *, NULL where the default text is NULL */
    OPTION_CHOICE, /* int: index into choices */
    OPTION_TEXTS   /* struct option_texts; each time that it is set a further text */
};

struct option_texts {
    const char **items; /* in the order in which they were set */
    size_t count;
};

/* One field. A table ends with an entry whose name is NULL. */
struct option {
    const char *name; /* as typed and as in JSON: "learning-rate" */
    enum option_type type;
    size_t offset;            /* in the config struct */
    const char *default_text; /* as typed: "0.001", "true", "cosine"; of texts NULL: there are none */
    double min, max;          /* of numbers, inclusive; both 0: any */
    const char *choices;      /* "constant|cosine|one-cycle" */
    const char *help;         /* one line, with the unit */
};

/* Every field gets its default. */
void option_defaults(const struct option *table, void *config);

/* Sets one field from text, or adds to its texts (which takes an arena). Errors name the option, the text and what is
 * allowed; an unknown name gives the nearest known ones. Text values are copied into the arena. */
assay_status option_set(const struct option *table, void *config, const char *name, const char *text,
                        struct arena *arena, struct assay_error *error);

/* The entry, or NULL. */
const struct option *option_find(const struct option *table, const char *name);

/* A JSON object with every field; NULL: no memory. The caller's reference. */
json_t *option_to_json(const struct option *table, const void *config);

/* Sets the fields that the object has; an unknown key or a value out of range is an error that names `where`. */
assay_status option_from_json(const struct option *table, void *config, const json_t *object, const char *where,
                              struct arena *arena, struct assay_error *error);

/* The current value of a field as text, into `text`. */
void option_format(const struct option *option, const void *config, char *text, size_t size);

/* Whether a table is sound: names unique, fields inside a struct of that size, defaults within their own bounds. What
 * tests call on every table that there is. */
assay_status option_check(const struct option *table, size_t config_size, struct assay_error *error);

enum { OPTION_BOUNDS = 512 };

/* " (default D; A to B)", as much of it as the option has, or "". */
void option_format_bounds(const struct option *option, char *text, size_t size);

/* Aligned lines "  --name VALUE   help (default ...; range ...)". */
void option_print_help(const struct option *table, FILE *stream);

#endif
