/* cbor.h - CBOR (RFC 8949) as a tree: libcbor reads the heads of the items, one at a time and without allocating; the
 * tree is ours, so that depth and number of items are bounded and nothing is allocated by a length that a file
 * claims. */
#ifndef ASSAY_PROVENANCE_CBOR_H
#define ASSAY_PROVENANCE_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "provenance/fact.h"

enum {
    CBOR_MAX_DEPTH = 32,     /* arrays, maps and tags within each other */
    CBOR_MAX_ITEMS = 100000, /* items of one tree */
    CBOR_MAX_SHOWN = 2000    /* items of one tree that cbor_facts appends */
};

enum cbor_kind { CBOR_UINT, CBOR_NEGATIVE, CBOR_BYTES, CBOR_TEXT, CBOR_ARRAY, CBOR_MAP, CBOR_REAL, CBOR_SIMPLE };

enum { CBOR_FALSE = 20, CBOR_TRUE = 21, CBOR_NULL = 22, CBOR_UNDEFINED = 23 };

struct cbor_node {
    enum cbor_kind kind;
    uint64_t number; /* CBOR_UINT; CBOR_NEGATIVE: the value is -1 - number; CBOR_SIMPLE */
    double real;
    const uint8_t
        *bytes;   /* CBOR_BYTES, CBOR_TEXT: `size` of them, in the input or (put together from pieces) the arena */
    size_t size;  /* of bytes; or how many items an array, how many pairs a map has */
    uint64_t tag; /* the innermost tag, where tagged is set */
    bool tagged;
    size_t begin, end;                     /* where in the input the item lies, tags included */
    struct cbor_node *first, *last, *next; /* of an array its items, of a map key, value, key, value... */
};

enum cbor_outcome {
    CBOR_OK,
    CBOR_DAMAGED,  /* not CBOR, or cut short */
    CBOR_TOO_MUCH, /* too deep or too many items */
    CBOR_NO_MEMORY
};

/* Reads the one item that `bytes` begins with; what follows it is at bytes + (*out)->end. The tree keeps pointing into
 * `bytes`. */
enum cbor_outcome cbor_read(const uint8_t *bytes, size_t size, struct arena *arena, struct cbor_node **out);

/* What is wrong, as a phrase. */
const char *cbor_outcome_text(enum cbor_outcome outcome);

/* The value of a key in a map, or NULL: also where `map` is NULL or no map. Of several equal keys the first. */
const struct cbor_node *cbor_get(const struct cbor_node *map, const char *key);
const struct cbor_node *cbor_get_integer(const struct cbor_node *map, int64_t key);

/* A text copied into the arena up to its first NUL; NULL where the node is NULL or no text, or there is no memory. */
const char *cbor_text(const struct cbor_node *node, struct arena *arena);
bool cbor_text_is(const struct cbor_node *node, const char *text);

/* False, and *out untouched, where the node is NULL, no integer, or does not fit. */
bool cbor_unsigned(const struct cbor_node *node, uint64_t *out);
bool cbor_integer(const struct cbor_node *node, int64_t *out);

/* The node as a fact below `parent`: texts, numbers, lists, groups; bytes as hexadecimal, null and undefined as
 * "null". */
void cbor_facts(struct fact_tree *tree, struct fact *parent, const char *name, const struct cbor_node *node);

#endif
