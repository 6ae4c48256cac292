/* array.h - a growable array with a stated maximum. The items lie contiguous and may move when it grows.
 *
 *     struct array names = array_of(sizeof(char *), 1000);
 *     char **slot = array_push(&names);      (NULL: the maximum is reached, or there is no memory)
 *     ((char **)names.data)[i]               i < names.count
 *     array_free(&names);                                                                                          */
#ifndef ASSAY_BASE_ARRAY_H
#define ASSAY_BASE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

struct array {
    void *data;
    size_t count, capacity, max_count, item_size;
};

/* An empty array; allocates nothing. */
struct array array_of(size_t item_size, size_t max_count);

/* One more zeroed item at the end. */
void *array_push(struct array *array);

/* `count` items copied to the end; false where they do not fit. */
bool array_append(struct array *array, const void *items, size_t count);

/* Text appended to an array of char, which it keeps NUL-terminated (the NUL is not counted). */
bool array_printf(struct array *array, const char *format, ...) __attribute__((format(printf, 2, 3)));

void array_free(struct array *array);

#endif
