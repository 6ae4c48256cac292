/* text.h - small things done with names that come from outside: showing them safely, and guessing what a misspelt one
 * may have meant. Nothing here allocates. */
#ifndef ASSAY_BASE_TEXT_H
#define ASSAY_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum { TEXT_NAME = 128, TEXT_NEAREST = 3 * TEXT_NAME + 32 };

/* A name as it may be shown on a terminal: control bytes become '?', what does not fit into `size` bytes ends in "...".
 * Returns `out`. */
const char *text_printable(const char *text, char *out, size_t size);

/* The length of the valid UTF-8 sequence at `text` (1 to 4), or 0 where there is none. */
int text_utf8_length(const char *text);

/* How many characters must be inserted, removed, replaced or swapped with their neighbour to get from a to b, case
 * ignored. Texts that differ over more than 255 bytes are as far apart as the longer one is long. */
size_t text_distance(const char *a, const char *b);

/* The up to three known names that are nearest to a wanted one, found by offering each known name in turn. */
struct nearest {
    const char *wanted;
    const char *name[3]; /* nearest first; kept by reference */
    size_t distance[3];
    int count;
};

struct nearest nearest_to(const char *wanted);
void nearest_offer(struct nearest *n, const char *known);

/* "; did you mean \"a\" or \"b\"?", or "" where nothing is near. Returns `text`. */
const char *nearest_text(const struct nearest *n, char text[TEXT_NEAREST]);

#endif
