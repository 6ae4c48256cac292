/* fill.c - values from nothing much: constants, random numbers, one-hot rows. */
#include <string.h>

#include "base/parallel.h"
#include "base/random.h"
#include "cpu/kernels.h"
#include "cpu/loops.h"
#include "ops/loss.h"
#include "ops/random.h"

static void constant_chunks(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct kernel_call *call = context;
    const struct constant_attrs *attrs = call->attrs;
    int64_t all = shape_count(&call->out.shape);
    float values[LOOP_CHUNK];
    for (int64_t i = 0; i < LOOP_CHUNK && !attrs->data; i++)
        values[i] = attrs->value;
    for (int64_t chunk = begin; chunk < end; chunk++) {
        int64_t first = chunk * LOOP_CHUNK;
        loop_write(&call->out, first, int64_min(LOOP_CHUNK, all - first), attrs->data ? attrs->data + first : values);
    }
}

static void constant_run(const struct kernel_call *call)
{
    parallel_for(int64_div_up(shape_count(&call->out.shape), LOOP_CHUNK), LOOP_GRAIN / LOOP_CHUNK, constant_chunks,
                 (void *)call);
}

/* `blocks` blocks of four words from block `first` on. */
HOT static void random_words(uint32_t *restrict words, uint64_t key, uint64_t first, uint64_t step, int64_t blocks)
{
    for (int64_t i = 0; i < blocks; i++) {
        uint32_t block[4];
        random_block(key, first + (uint64_t)i, step, block);
        for (int word = 0; word < 4; word++)
            words[4 * i + word] = block[word];
    }
}

HOT static void words_to_uniform(float *restrict y, const uint32_t *restrict words, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        y[i] = (float)(int32_t)(words[i] >> 8) * 0x1p-24f; /* random_word_uniform */
}

static void random_chunks(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct kernel_call *call = context;
    const struct random_attrs *attrs = call->attrs;
    int64_t all = shape_count(&call->out.shape);
    float buffer[LOOP_CHUNK];
    uint32_t words[LOOP_CHUNK];
    for (int64_t chunk = begin; chunk < end; chunk++) {
        int64_t first = chunk * LOOP_CHUNK, count = int64_min(LOOP_CHUNK, all - first), blocks = int64_div_up(count, 4);
        random_words(words, call->seed ^ call->random_key, (uint64_t)first / 4, call->step, blocks);
        if (attrs->kind == RANDOM_UNIFORM)
            words_to_uniform(buffer, words, count);
        for (int64_t i = 0; i < 4 * blocks && attrs->kind == RANDOM_NORMAL; i += 2)
            random_words_normal(words[i], words[i + 1], buffer + i);
        loop_write(&call->out, first, count, buffer);
    }
}

static void random_run(const struct kernel_call *call)
{
    parallel_for(int64_div_up(shape_count(&call->out.shape), LOOP_CHUNK), 1, random_chunks, (void *)call);
}

static void one_hot_run(const struct kernel_call *call)
{
    const struct one_hot_attrs *attrs = call->attrs;
    const int32_t *indices = call->in[0].data;
    int64_t rows = shape_count(&call->in[0].shape);
    const float one = 1.0f;
    loop_zero(&call->out, 0, rows * attrs->classes);
    for (int64_t row = 0; row < rows; row++) {
        if (indices[row] >= 0 && indices[row] < attrs->classes)
            loop_write(&call->out, row * attrs->classes + indices[row], 1, &one);
    }
}

const struct kernel cpu_constant = {.op = &op_constant, .bf16 = true, .run = constant_run};
const struct kernel cpu_random = {.op = &op_random_def, .bf16 = true, .run = random_run};
const struct kernel cpu_one_hot = {.op = &op_one_hot_def, .bf16 = true, .run = one_hot_run};
