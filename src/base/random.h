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

struct random {
    uint64_t key, label, counter;
    uint32_t words[4];
    int left; /* words not used yet */
};

struct random random_open(uint64_t seed, uint64_t label_a, uint64_t label_b);
uint32_t random_u32(struct random *r);
double random_uniform(struct random *r);                              /* [0, 1), 53 bits */
double random_range(struct random *r, double low, double high);       /* [low, high) */
double random_normal(struct random *r);                               /* mean 0, variance 1 (Box-Muller) */
uint64_t random_below(struct random *r, uint64_t bound);              /* 0 .. bound-1, unbiased; bound >= 1 */
void random_shuffle(struct random *r, uint32_t *items, uint64_t count); /* Fisher-Yates */

/* A float in [0, 1) with 24 bits, and a standard normal pair, from raw words: what tensors are filled with. */
float random_word_uniform(uint32_t word);
void random_words_normal(uint32_t a, uint32_t b, float out[2]);

#endif
