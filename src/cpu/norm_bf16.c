/* norm_bf16.c - the loops of norm_bf16.h. Columns are walked in tiles whose sums stay in registers. */
#include "cpu/norm_bf16.h"

#include <stddef.h>

#include "cpu/lanes.h"

enum { TILE = 8 }; /* vectors side by side: enough sums under way to hide how long an addition takes */

INLINE void sums_tile(const uint16_t *x, int64_t step, int64_t rows, int width, float *sum)
{
    lanes s[TILE] = {0};
    for (int64_t r = 0; r < rows; r++)
        for (int i = 0; i < width; i++)
            s[i] += lanes_read_bf16(x + r * step + i * LANES);
    for (int i = 0; i < width; i++)
        lanes_write(sum + i * LANES, s[i]);
}

HOT void norm_bf16_sums(const uint16_t *x, int64_t step, int64_t rows, int64_t count, float *sum)
{
    int64_t at = 0;
    for (; at + TILE * LANES <= count; at += TILE * LANES)
        sums_tile(x + at, step, rows, TILE, sum + at);
    for (; at < count; at += LANES)
        sums_tile(x + at, step, rows, 1, sum + at);
}

INLINE void squares_tile(const uint16_t *x, int64_t step, int64_t rows, int width, const float *mean, float *sum,
                         float *squares)
{
    lanes m[TILE], s[TILE] = {0}, q[TILE] = {0};
    for (int i = 0; i < width; i++)
        m[i] = lanes_read(mean + i * LANES);
    for (int64_t r = 0; r < rows; r++) {
        for (int i = 0; i < width; i++) {
            lanes away = lanes_read_bf16(x + r * step + i * LANES) - m[i];
            s[i] += away;
            q[i] += away * away;
        }
    }
    for (int i = 0; i < width; i++) {
        lanes_write(sum + i * LANES, s[i]);
        lanes_write(squares + i * LANES, q[i]);
    }
}

HOT void norm_bf16_squares(const uint16_t *x, int64_t step, int64_t rows, int64_t count, const float *mean, float *sum,
                           float *squares)
{
    int64_t at = 0;
    for (; at + TILE * LANES <= count; at += TILE * LANES)
        squares_tile(x + at, step, rows, TILE, mean + at, sum + at, squares + at);
    for (; at < count; at += LANES)
        squares_tile(x + at, step, rows, 1, mean + at, sum + at, squares + at);
}

INLINE void products_tile(const uint16_t *x, const uint16_t *dy, int64_t step, int64_t rows, int width,
                          const float *mean, float *sum, float *products)
{
    lanes m[TILE], s[TILE] = {0}, p[TILE] = {0};
    for (int i = 0; i < width; i++)
        m[i] = lanes_read(mean + i * LANES);
    for (int64_t r = 0; r < rows; r++) {
        for (int i = 0; i < width; i++) {
            lanes d = lanes_read_bf16(dy + r * step + i * LANES);
            s[i] += d;
            p[i] += d * (lanes_read_bf16(x + r * step + i * LANES) - m[i]);
        }
    }
    for (int i = 0; i < width; i++) {
        lanes_write(sum + i * LANES, s[i]);
        lanes_write(products + i * LANES, p[i]);
    }
}

HOT void norm_bf16_products(const uint16_t *x, const uint16_t *dy, int64_t step, int64_t rows, int64_t count,
                            const float *mean, float *sum, float *products)
{
    int64_t at = 0;
    for (; at + TILE * LANES <= count; at += TILE * LANES)
        products_tile(x + at, dy + at, step, rows, TILE, mean + at, sum + at, products + at);
    for (; at < count; at += LANES)
        products_tile(x + at, dy + at, step, rows, 1, mean + at, sum + at, products + at);
}

INLINE void apply(uint16_t *y, const uint16_t *x, const uint16_t *other, bool add, bool relu, const float *const *table,
                  int64_t count)
{
    const float *mean = table[0], *factor = table[1], *shift = table[2];
    for (int64_t i = 0; i < count; i += LANES) {
        lanes v = (lanes_read_bf16(x + i) - lanes_read(mean + i)) * lanes_read(factor + i) + lanes_read(shift + i);
        if (add)
            v += lanes_read_bf16(other + i);
        lanes_write_bf16(y + i, relu ? lanes_not_negative(v) : v);
    }
}

HOT void norm_bf16_apply(uint16_t *y, const uint16_t *x, const uint16_t *other, bool relu, const float *const *table,
                         int64_t count)
{
    if (other && relu)
        apply(y, x, other, true, true, table, count);
    else if (other)
        apply(y, x, other, true, false, table, count);
    else if (relu)
        apply(y, x, NULL, false, true, table, count);
    else
        apply(y, x, NULL, false, false, table, count);
}

HOT void norm_bf16_grad(uint16_t *y, const uint16_t *x, const uint16_t *dy, const float *const *table, int64_t count)
{
    const float *mean = table[0], *factor = table[1], *plain = table[2], *slope = table[3];
    for (int64_t i = 0; i < count; i += LANES) {
        lanes away = lanes_read_bf16(x + i) - lanes_read(mean + i);
        lanes rest = lanes_read_bf16(dy + i) - lanes_read(plain + i) - lanes_read(slope + i) * away;
        lanes_write_bf16(y + i, lanes_read(factor + i) * rest);
    }
}
