/* array.c - growth by half again, up to the stated maximum. */
#include "base/array.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

struct array array_of(size_t item_size, size_t max_count)
{
    return (struct array){.item_size = item_size, .max_count = max_count};
}

static bool array_reserve(struct array *array, size_t more)
{
    if (more > array->max_count - array->count)
        return false;
    size_t needed = array->count + more;
    if (needed <= array->capacity)
        return true;
    size_t capacity = array->capacity + array->capacity / 2 + 16;
    if (capacity > array->max_count)
        capacity = array->max_count;
    if (capacity < needed)
        capacity = needed;
    void *data = mem_resize(array->data, capacity, array->item_size);
    if (!data)
        return false;
    array->data = data;
    array->capacity = capacity;
    return true;
}

void *array_push(struct array *array)
{
    if (!array_reserve(array, 1))
        return NULL;
    char *item = (char *)array->data + array->count * array->item_size;
    memset(item, 0, array->item_size);
    array->count++;
    return item;
}

bool array_append(struct array *array, const void *items, size_t count)
{
    if (!array_reserve(array, count))
        return false;
    if (count)
        memcpy((char *)array->data + array->count * array->item_size, items, count * array->item_size);
    array->count += count;
    return true;
}

bool array_printf(struct array *array, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0 || !array_reserve(array, (size_t)length + 1))
        return false;
    va_start(args, format);
    vsnprintf((char *)array->data + array->count, (size_t)length + 1, format, args);
    va_end(args);
    array->count += (size_t)length;
    return true;
}

void array_free(struct array *array)
{
    mem_free(array->data);
    array->data = NULL;
    array->count = array->capacity = 0;
}
