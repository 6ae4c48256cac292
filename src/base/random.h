/* random.h - counter-based random numbers (Philox4x32-10; Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
 * 2011). A draw is a pure function of (key, counter), so that results do not depend on threads or order.
 *
 * Two uses: `random_at` fills tensors by index; `struct random` is a small sequential stream for augmentation and
 * shuffling, opened from a seed and up to two labels (an epoch and a picture's index, say). */
#ifndef ASSAY_BASE_RANDOM_H
#define ASSAY_BASE_RANDOM_H

#include <stdint.h>

/* The four 32-bit words of block `counter` (128 bits as two halves) under `key`. */
void random_at(uint64_t key, uint64_t counter_low, uint64_t counter_high, uint32_t out[4]);

/* The same, to be compiled into a loop that fills much. */
static inline void random_block(uint64_t key, uint64_t counter_low, uint64_t counter_high, uint32_t out[4])
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t c0 = (uint32_t)counter_low, c1 = (uint32_t)(counter_low >> 32);
    uint32_t c2 = (uint32_t)counter_high, c3 = (uint32_t)(counter_high >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = UINT64_C(0xD2511F53) * c0, p1 = UINT64_C(0xCD9E8D57) * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

struct random {
    uint64_t key, label, counter;
    uint32_t words[4];
    int left; /* words not used yet */
};

struct random random_open(uint64_t seed, uint64_t label_a, uint64_t label_b);
uint32_t random_u32(struct random *r);
double random_uniform(struct random *r);                                /* [0, 1), 53 bits */
double random_range(struct random *r, double low, double high);         /* [low, high) */
double random_normal(struct random *r);                                 /* mean 0, variance 1 (Box-Muller) */
uint64_t random_below(struct random *r, uint64_t bound);                /* 0 .. bound-1, unbiased; bound >= 1 */
void random_shuffle(struct random *r, uint32_t *items, uint64_t count); /* Fisher-Yates */

/* A float in [0, 1) with 24 bits, and a standard normal pair, from raw words: what tensors are filled with. */
float random_word_uniform(uint32_t word);
void random_words_normal(uint32_t a, uint32_t b, float out[2]);

#endif
