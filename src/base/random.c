/* random.c - Philox4x32-10 and what is drawn from it. */
#include "base/random.h"

#include <math.h>

void random_at(uint64_t key, uint64_t counter_low, uint64_t counter_high, uint32_t out[4])
{
    random_block(key, counter_low, counter_high, out);
}

struct random random_open(uint64_t seed, uint64_t label_a, uint64_t label_b)
{
    uint32_t mixed[4];
    random_at(seed, label_a, label_b, mixed);
    return (struct random){.key = (uint64_t)mixed[1] << 32 | mixed[0], .label = (uint64_t)mixed[3] << 32 | mixed[2]};
}

uint32_t random_u32(struct random *r)
{
    if (r->left == 0) {
        random_at(r->key, r->counter++, r->label, r->words);
        r->left = 4;
    }
    return r->words[--r->left];
}

double random_uniform(struct random *r)
{
    uint64_t high = random_u32(r), low = random_u32(r);
    return (double)((high << 32 | low) >> 11) * 0x1p-53;
}

double random_range(struct random *r, double low, double high)
{
    return low + (high - low) * random_uniform(r);
}

double random_normal(struct random *r)
{
    double u = 1.0 - random_uniform(r), v = random_uniform(r);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

uint64_t random_below(struct random *r, uint64_t bound)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound, draw;
    do
        draw = (uint64_t)random_u32(r) << 32 | random_u32(r);
    while (draw >= limit);
    return draw % bound;
}

void random_shuffle(struct random *r, uint32_t *items, uint64_t count)
{
    for (uint64_t i = count; i > 1; i--) {
        uint64_t j = random_below(r, i);
        uint32_t swapped = items[i - 1];
        items[i - 1] = items[j];
        items[j] = swapped;
    }
}

float random_word_uniform(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}

void random_words_normal(uint32_t a, uint32_t b, float out[2])
{
    float radius = sqrtf(-2.0f * logf(1.0f - random_word_uniform(a)));
    float angle = 6.2831853f * random_word_uniform(b);
    out[0] = radius * cosf(angle);
    out[1] = radius * sinf(angle);
}
