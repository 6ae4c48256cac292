/* loops.c - stretches of tensors as floats. */
#include "cpu/loops.h"

#include <string.h>

HOT void loop_bf16_to_float(float *restrict to, const uint16_t *restrict from, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)from[i] << 16;
        memcpy(&to[i], &bits, sizeof(bits));
    }
}

/* To nearest, ties to even; a NaN stays one. */
HOT void loop_float_to_bf16(uint16_t *restrict to, const float *restrict from, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &from[i], sizeof(bits));
        uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
        uint32_t nan = bits >> 16 | 0x40;
        to[i] = (uint16_t)((bits & 0x7FFFFFFF) > 0x7F800000 ? nan : rounded);
    }
}

const float *loop_read(const struct tensor *t, int64_t offset, int64_t count, float *buffer)
{
    if (t->dtype != DTYPE_BF16)
        return (const float *)t->data + offset;
    loop_bf16_to_float(buffer, (const uint16_t *)t->data + offset, count);
    return buffer;
}

float *loop_target(const struct tensor *t, int64_t offset, float *buffer)
{
    return t->dtype == DTYPE_F32 ? (float *)t->data + offset : buffer;
}

void loop_write(const struct tensor *t, int64_t offset, int64_t count, const float *values)
{
    if (t->dtype == DTYPE_BF16)
        loop_float_to_bf16((uint16_t *)t->data + offset, values, count);
    else if (values != (const float *)t->data + offset)
        memcpy((float *)t->data + offset, values, (size_t)count * sizeof(float));
}

void loop_copy(const struct tensor *to, int64_t to_offset, const struct tensor *from, int64_t from_offset,
               int64_t count)
{
    if (to->dtype == from->dtype) {
        size_t size = dtype_size(to->dtype);
        char *target = (char *)to->data + (size_t)to_offset * size;
        const char *source = (const char *)from->data + (size_t)from_offset * size;
        memmove(target, source, (size_t)count * size);
        return;
    }
    float buffer[LOOP_CHUNK];
    for (int64_t i = 0; i < count; i += LOOP_CHUNK) {
        int64_t n = int64_min(LOOP_CHUNK, count - i);
        loop_write(to, to_offset + i, n, loop_read(from, from_offset + i, n, buffer));
    }
}

void loop_zero(const struct tensor *to, int64_t offset, int64_t count)
{
    size_t size = dtype_size(to->dtype);
    memset((char *)to->data + (size_t)offset * size, 0, (size_t)count * size);
}
