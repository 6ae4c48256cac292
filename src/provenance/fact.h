/* fact.h - what a file says of itself, as a tree of facts: whatever reads a part of a file appends what it found,
 * whoever shows it prints the tree as indented lines or as JSON. Everything in it was written by strangers: any bytes
 * are held, and made harmless when they are printed.
 *
 *     struct fact_tree tree;
 *     fact_tree_init(&tree, &arena);
 *     struct fact *exif = fact_group(&tree, tree.root, "exif");
 *     fact_text(&tree, exif, "make", "Canon");
 *     fact_integer(&tree, exif, "iso", 200);
 *     if (tree.no_memory) ...
 *
 * Adding never has to be checked: where there is no memory or the tree is full, nothing is added, the tree says so, and
 * what would be added below a fact that is missing (NULL) is left out too. */
#ifndef ASSAY_PROVENANCE_FACT_H
#define ASSAY_PROVENANCE_FACT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/array.h"

enum {
    FACT_MAX_COUNT = 20000,    /* facts in one tree */
    FACT_MAX_DEPTH = 48,       /* groups and lists within each other */
    FACT_MAX_NAME = 256,       /* bytes of a name; longer ones are cut */
    FACT_MAX_TEXT = 4 << 20,   /* bytes of a text; longer ones are cut, and a problem says so */
    FACT_MAX_TEXTS = 64 << 20, /* of all texts together */
    FACT_SHOWN_TEXT = 600,     /* bytes of a text in the printed tree; JSON has all of it */
    FACT_MAX_HEX = 64          /* bytes that fact_hex shows */
};

enum fact_kind {
    FACT_GROUP, /* an object: its children have names */
    FACT_LIST,  /* an array: its children's names do not matter */
    FACT_TEXT,  /* any bytes; meant as UTF-8 */
    FACT_INTEGER,
    FACT_REAL,
    FACT_BOOL
};

struct fact {
    const char *name; /* lower_case_with_underscores where it is our own word. Never NULL */
    enum fact_kind kind;
    const char *text; /* of a FACT_TEXT, `size` bytes and a NUL after them; NULs may be within. Else NULL */
    size_t size;
    int64_t integer;
    double real;
    bool truth;
    int depth;                                 /* 0: the root */
    struct fact *parent, *first, *last, *next; /* first and last child, next sibling */
};

/* Everything in it lives in the arena. */
struct fact_tree {
    struct arena *arena;
    struct fact *root; /* a group named "" */
    size_t count, text_bytes;
    bool no_memory; /* something is missing: there was no memory for it */
    bool full;      /* something is missing: a maximum above was reached, or it lay too deep */
};

/* An empty tree. Where there is no memory, root is NULL and no_memory is set; adding is then harmless. */
void fact_tree_init(struct fact_tree *tree, struct arena *arena);

/* ---- Adding: each returns the new fact, or NULL. Names and texts are copied. `parent` must be a group or a list (in a
 * list the name may be NULL). Several facts in a group may have one name: see fact_json. --------------------------- */

struct fact *fact_group(struct fact_tree *tree, struct fact *parent, const char *name);
struct fact *fact_list(struct fact_tree *tree, struct fact *parent, const char *name);
struct fact *fact_text(struct fact_tree *tree, struct fact *parent, const char *name, const char *text);
struct fact *fact_text_n(struct fact_tree *tree, struct fact *parent, const char *name, const void *text, size_t size);
struct fact *fact_printf(struct fact_tree *tree, struct fact *parent, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
struct fact *fact_integer(struct fact_tree *tree, struct fact *parent, const char *name, int64_t value);
struct fact *fact_real(struct fact_tree *tree, struct fact *parent, const char *name, double value);
struct fact *fact_bool(struct fact_tree *tree, struct fact *parent, const char *name, bool value);

/* Bytes as a text of lower-case hexadecimal digits; of more than FACT_MAX_HEX the first ones and "...". */
struct fact *fact_hex(struct fact_tree *tree, struct fact *parent, const char *name, const void *bytes, size_t size);

/* What is wrong with the part of the file that `parent` is about: a phrase such as "the box ends after the file". It is
 * put into the parent's list "problems", which is made where it is missing. */
void fact_problem(struct fact_tree *tree, struct fact *parent, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- Finding -------------------------------------------------------------------------------------------------- */

/* The first child of that name; "a/b/c" goes down (names with a slash are found by walking). NULL: none, or fact is
 * NULL. */
const struct fact *fact_find(const struct fact *fact, const char *path);

/* The text of such a child; NULL: none, or not a text. */
const char *fact_find_text(const struct fact *fact, const char *path);

/* ---- Showing -------------------------------------------------------------------------------------------------- */

/* Appends the children of `fact` to an array of char as lines " name: value\n", two more spaces a level, beginning with
 * `indent` spaces. Control characters, line breaks, bytes that are not UTF-8 and characters that turn the direction of
 * writing are shown as \n, \t, \xNN or \u{NNNN}. False: no memory, or the array's maximum is reached. */
bool fact_print(const struct fact *fact, int indent, struct array *out);

/* Appends one text made harmless in the same way, at most `max` bytes of it, then "..." and how long it was. */
bool fact_print_text(const char *text, size_t size, size_t max, struct array *out);

/* The fact as JSON: groups are objects, lists arrays; facts of one group that have the same name become an array in the
 * place of the first. Each byte that is not part of UTF-8 becomes U+FFFD. Real numbers that JSON does not have become
 * null. The caller's reference; NULL: no memory. */
json_t *fact_json(const struct fact *fact);

#endif
