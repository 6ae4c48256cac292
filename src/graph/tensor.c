/* tensor.c - shapes and element types. */
#include "graph/tensor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct shape shape_of(const int64_t *dims, int rank)
{
    struct shape s = {.rank = rank};
    for (int i = 0; i < rank && i < TENSOR_MAX_RANK; i++)
        s.dim[i] = dims[i];
    return s;
}

bool shape_equal(const struct shape *a, const struct shape *b)
{
    return a->rank == b->rank && memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]) == 0;
}

int64_t shape_count(const struct shape *s)
{
    int64_t count = 1;
    for (int i = 0; i < s->rank; i++)
        count *= s->dim[i];
    return count;
}

bool shape_checked_count(const struct shape *s, int64_t *out)
{
    int64_t count = 1;
    if (s->rank < 0 || s->rank > TENSOR_MAX_RANK)
        return false;
    for (int i = 0; i < s->rank; i++)
        if (s->dim[i] < 0 || __builtin_mul_overflow(count, s->dim[i], &count) || count > INT64_MAX / 8)
            return false;
    *out = count;
    return true;
}

const char *shape_text(const struct shape *s, char text[SHAPE_TEXT])
{
    size_t used = (size_t)snprintf(text, SHAPE_TEXT, "[");
    for (int i = 0; i < s->rank && used < SHAPE_TEXT; i++)
        used += (size_t)snprintf(text + used, SHAPE_TEXT - used, "%s%" PRId64, i ? ", " : "", s->dim[i]);
    if (used < SHAPE_TEXT)
        snprintf(text + used, SHAPE_TEXT - used, "]");
    return text;
}

bool shape_broadcast(const struct shape *a, const struct shape *b, struct shape *out)
{
    struct shape s = {.rank = a->rank > b->rank ? a->rank : b->rank};
    for (int i = 0; i < s.rank; i++) {
        int ia = i - (s.rank - a->rank), ib = i - (s.rank - b->rank);
        int64_t da = ia >= 0 ? a->dim[ia] : 1, db = ib >= 0 ? b->dim[ib] : 1;
        if (da != db && da != 1 && db != 1)
            return false;
        s.dim[i] = da == 1 ? db : da;
    }
    *out = s;
    return true;
}

size_t dtype_size(enum dtype dtype)
{
    return dtype == DTYPE_BF16 ? 2 : 4;
}

const char *dtype_name(enum dtype dtype)
{
    return dtype == DTYPE_F32 ? "f32" : dtype == DTYPE_BF16 ? "bf16" : "i32";
}

uint16_t bf16_from_float(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float bf16_to_float(uint16_t x)
{
    uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
