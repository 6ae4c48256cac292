/* top_k.c - the places of the greatest values of each row: the k-th greatest is found by halving the range of its bits,
 * which is a count over the row each time; then those above it are collected and put in order. */
#include <string.h>

#include "cpu/kernels.h"
#include "cpu/rows.h"
#include "ops/top_k.h"

/* Integers in the order of the floats they stand for. */
HOT static void make_keys(int32_t *restrict keys, const float *restrict x, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        int32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        keys[i] = bits ^ (bits >> 31 & INT32_MAX);
    }
}

HOT static int32_t count_from(const int32_t *keys, int32_t least, int64_t count)
{
    int32_t sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += keys[i] >= least;
    return sum;
}

/* The greatest key that k keys reach. */
static int32_t threshold(const int32_t *keys, int64_t count, int64_t k)
{
    uint32_t found = 0; /* counted from INT32_MIN */
    for (int bit = 31; bit >= 0; bit--) {
        uint32_t next = found | UINT32_C(1) << bit;
        if (count_from(keys, (int32_t)(next ^ UINT32_C(0x80000000)), count) >= k)
            found = next;
    }
    return (int32_t)(found ^ UINT32_C(0x80000000));
}

/* A row's place below its key turned round, so that ascending order is what is wanted. */
static uint64_t item_of(int32_t key, int64_t place)
{
    return (uint64_t)(~((uint32_t)key ^ UINT32_C(0x80000000))) << 32 | (uint64_t)place;
}

/* Shell's sort: short, and nothing is allocated. */
static void sort(uint64_t *items, int64_t count)
{
    static const int64_t gaps[] = {1750, 701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof gaps[0]; g++)
        for (int64_t i = gaps[g]; i < count; i++) {
            uint64_t item = items[i];
            int64_t j = i;
            for (; j >= gaps[g] && items[j - gaps[g]] > item; j -= gaps[g])
                items[j] = items[j - gaps[g]];
            items[j] = item;
        }
}

struct top_k_job {
    const struct kernel_call *call;
    struct rows rows;
    int64_t k;
};

/* A row's scratch memory: items, then keys. */
static size_t row_bytes(int64_t length, int64_t k)
{
    return (size_t)int64_div_up(k * 8 + length * 4, 64) * 64;
}

static void top_rows(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct top_k_job *job = context;
    int64_t length = job->rows.length, k = job->k;
    int32_t *out = job->call->out.data;
    float buffer[LOOP_CHUNK];
    for (int64_t row = begin; row < end; row++) {
        uint64_t *items = (uint64_t *)((char *)job->call->scratch + (size_t)row * row_bytes(length, k));
        int32_t *keys = (int32_t *)(items + k);
        ROW_PIECES(from, count, length)
        make_keys(keys + from, loop_read(&job->call->in[0], row * length + from, count, buffer), count);
        int32_t least = threshold(keys, length, k);
        int64_t equal = k, taken = 0; /* how many that equal the least are wanted: all but those above it */
        for (int64_t i = 0; i < length; i++)
            equal -= keys[i] > least;
        for (int64_t i = 0; i < length && taken < k; i++)
            if (keys[i] > least || (keys[i] == least && equal-- > 0))
                items[taken++] = item_of(keys[i], i);
        sort(items, k);
        for (int64_t i = 0; i < k; i++)
            out[row * k + i] = (int32_t)(row * length + (int64_t)(items[i] & UINT32_MAX));
    }
}

static assay_status top_k_prepare(const struct kernel_node *n, struct kernel_prepared *out, struct assay_error *error)
{
    const struct top_k_attrs *attrs = n->attrs;
    struct rows rows = rows_of(&n->in[0].shape);
    (void)error;
    out->scratch_bytes = (size_t)rows.count * row_bytes(rows.length, attrs->k);
    return ASSAY_OK;
}

static void top_k_run(const struct kernel_call *call)
{
    const struct top_k_attrs *attrs = call->attrs;
    struct top_k_job job = {call, rows_of(&call->in[0].shape), attrs->k};
    parallel_for(job.rows.count, rows_grain(&job.rows), top_rows, &job);
}

const struct kernel cpu_top_k = {.op = &op_top_k_def, .bf16 = true, .prepare = top_k_prepare, .run = top_k_run};
