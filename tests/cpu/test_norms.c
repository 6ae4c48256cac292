/* test_norms.c - statistics and normalisation over many rows and many channels, against plain double loops. */
#include "cpu/kernel.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"

enum { EPS_INVERSE = 1000 };
static const double eps = (double)(1.0f / EPS_INVERSE);

static double *doubles(int64_t count)
{
    double *data = mem_alloc((size_t)count, sizeof(*data));
    assert_non_null(data);
    return data;
}

/* Mean and biased variance of each column. */
static void column_stats(const float *x, int64_t rows, int64_t channels, double *stats)
{
    for (int64_t c = 0; c < channels; c++) {
        double mean = 0.0, squares = 0.0;
        for (int64_t r = 0; r < rows; r++)
            mean += x[r * channels + c];
        mean /= (double)rows;
        for (int64_t r = 0; r < rows; r++)
            squares += (x[r * channels + c] - mean) * (x[r * channels + c] - mean);
        stats[c] = mean;
        stats[channels + c] = squares / (double)rows;
    }
}

static const int64_t sizes[][2] = {{70001, 3}, {5000, 64}, {2000, 300}, {33, 1000}, {1, 5},
                                   {300, 31},  {9000, 1},  {127, 65},   {700, 336}, {33, 16}};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

/* Means a thousand times the deviation must not spoil the variance. */
static void test_channel_stats(void **context)
{
    (void)context;
    for (int k = 0; k < SIZES; k++) {
        int64_t rows = sizes[k][0], channels = sizes[k][1];
        for (int far = 0; far < 2; far++) {
            struct shape s = SHAPE(rows, channels);
            float *x = kernel_values(s, 1, far ? 999 : -1, far ? 1001 : 2, !far);
            double *expected = doubles(2 * channels);
            char what[64];
            column_stats(x, rows, channels, expected);
            snprintf(what, sizeof(what), "stats of %lld x %lld", (long long)rows, (long long)channels);
            struct kernel_case c = {
                &op_channel_stats_def, NULL, {s}, SHAPE(2, channels), 1, {x}, {false}, {false}, 0, 0, 0};
            float *actual = kernel_result(&c, false);
            for (int64_t i = 0; i < channels; i++) {
                double variance = expected[channels + i];
                if (fabs(actual[i] - expected[i]) > 1e-6 * fmax(1.0, fabs(expected[i])) ||
                    fabs(actual[channels + i] - variance) > 1e-5 * variance + 1e-12)
                    fail_msg("%s: channel %lld has %.9g, %.9g, expected %.9g, %.9g", what, (long long)i, actual[i],
                             actual[channels + i], expected[i], variance);
            }
            if (!far && rows > 1)
                kernel_check(what, &c, expected, 1e-5, 1e-5);
            mem_free(actual);
            mem_free(x);
            mem_free(expected);
        }
    }
}

static void test_batch_norm(void **context)
{
    (void)context;
    for (int k = 0; k < SIZES * 2; k++) {
        int64_t rows = sizes[k / 2][0], channels = sizes[k / 2][1], count = rows * channels;
        struct shape s = SHAPE(rows, channels), c1 = SHAPE(channels), c2 = SHAPE(2, channels);
        struct norm_attrs attrs = {1.0f / EPS_INVERSE};
        bool frozen = k % 2 == 1;
        float *x = kernel_values(s, 1, -1, 3, true), *dy = kernel_values(s, 2, -1, 1, true);
        float *scale = kernel_values(c1, 3, 0.5, 2, true), *shift = kernel_values(c1, 4, -1, 1, true);
        float *stats = kernel_values(c2, 5, 0.1, 1, true);
        double *real = doubles(2 * channels), *sums = doubles(2 * channels), *y = doubles(count), *dx = doubles(count);
        column_stats(x, rows, channels, real);
        for (int64_t i = 0; i < 2 * channels && !frozen; i++)
            stats[i] = (float)real[i];
        for (int64_t i = 0; i < count; i++) {
            int64_t c = i % channels;
            double normal = (x[i] - stats[c]) / sqrt(stats[channels + c] + eps);
            y[i] = normal * scale[c] + shift[c];
            sums[c] += dy[i];
            sums[channels + c] += dy[i] * normal;
        }
        float *given = kernel_values(c2, 6, 0, 0, false);
        for (int64_t i = 0; i < 2 * channels; i++)
            given[i] = (float)sums[i];
        for (int64_t i = 0; i < count; i++) {
            int64_t c = i % channels;
            double inverse = 1.0 / sqrt(stats[channels + c] + eps), normal = (x[i] - stats[c]) * inverse;
            double slope = dy[i] - (sums[c] + normal * sums[channels + c]) / (double)rows;
            dx[i] = slope * scale[c] * inverse;
        }
        struct kernel_case forward = {&op_batch_norm_def,
                                      &attrs,
                                      {s, c2, c1, c1},
                                      s,
                                      4,
                                      {x, stats, scale, shift},
                                      {false, true, true, true},
                                      {false},
                                      0,
                                      0,
                                      0};
        kernel_check("batch_norm", &forward, y, 1e-5, 1e-2);
        struct kernel_case given_stats = {&op_batch_norm_frozen_def,
                                          &attrs,
                                          {s, c1, c1, c1, c1},
                                          s,
                                          5,
                                          {x, stats, stats + channels, scale, shift},
                                          {false, true, true, true, true},
                                          {false},
                                          0,
                                          0,
                                          0};
        kernel_check("batch_norm_frozen", &given_stats, y, 1e-5, 1e-2);
        struct kernel_case both = {&op_batch_norm_sums_def, &attrs,  {s, c2, s}, c2, 3, {x, stats, dy},
                                   {false, true},           {false}, 0,          0,  0};
        kernel_check("batch_norm_sums", &both, sums, 2e-5, 2e-5);
        struct kernel_case backward = {&op_batch_norm_grad_def,
                                       &attrs,
                                       {s, c2, c1, s, c2},
                                       s,
                                       5,
                                       {x, stats, scale, dy, given},
                                       {false, true, true, false, true},
                                       {false},
                                       0,
                                       0,
                                       0};
        if (rows > 1)
            kernel_check("batch_norm_grad", &backward, dx, 1e-5, 1e-2);
        mem_free(x), mem_free(dy), mem_free(scale), mem_free(shift), mem_free(stats), mem_free(given);
        mem_free(real), mem_free(sums), mem_free(y), mem_free(dx);
    }
}

static void test_layer_norm(void **context)
{
    static const int64_t lengths[][2] = {{300, 1500}, {400, 768}, {5000, 7}, {3, 5000}, {64, 32}};
    (void)context;
    for (size_t k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++) {
        int64_t rows = lengths[k][0], n = lengths[k][1], count = rows * n;
        struct shape s = SHAPE(rows, n), c1 = SHAPE(n), c2 = SHAPE(2, n);
        struct norm_attrs attrs = {1.0f / EPS_INVERSE};
        float *x = kernel_values(s, 1, -1, 3, true), *dy = kernel_values(s, 2, -1, 1, true);
        float *scale = kernel_values(c1, 3, 0.5, 2, true), *shift = kernel_values(c1, 4, -1, 1, true);
        double *sums = doubles(2 * n), *y = doubles(count), *dx = doubles(count);
        for (int64_t r = 0; r < rows; r++) {
            double mean = 0.0, variance = 0.0, plain = 0.0, product = 0.0;
            const float *row = x + r * n, *slope = dy + r * n;
            for (int64_t i = 0; i < n; i++)
                mean += row[i] / (double)n;
            for (int64_t i = 0; i < n; i++)
                variance += (row[i] - mean) * (row[i] - mean) / (double)n;
            double inverse = 1.0 / sqrt(variance + eps);
            for (int64_t i = 0; i < n; i++) {
                double normal = (row[i] - mean) * inverse;
                y[r * n + i] = normal * scale[i] + shift[i];
                sums[i] += slope[i];
                sums[n + i] += slope[i] * normal;
                plain += slope[i] * scale[i] / (double)n;
                product += slope[i] * scale[i] * normal / (double)n;
            }
            for (int64_t i = 0; i < n; i++)
                dx[r * n + i] = (slope[i] * scale[i] - plain - (row[i] - mean) * inverse * product) * inverse;
        }
        struct kernel_case forward = {&op_layer_norm_def,  &attrs,  {s, c1, c1}, s, 3, {x, scale, shift},
                                      {false, true, true}, {false}, 0,           0, 0};
        kernel_check("layer_norm", &forward, y, 1e-5, 1e-2);
        struct kernel_case backward = {&op_layer_norm_grad_def, &attrs,  {s, c1, s}, s, 3, {x, scale, dy},
                                       {false, true},           {false}, 0,          0, 0};
        kernel_check("layer_norm_grad", &backward, dx, 2e-5, 1e-2);
        struct kernel_case both = {&op_layer_norm_sums_def, &attrs, {s, s}, c2, 2, {x, dy}, {false}, {false}, 0, 0, 0};
        kernel_check("layer_norm_sums", &both, sums, 2e-5, 2e-5);
        mem_free(x), mem_free(dy), mem_free(scale), mem_free(shift);
        mem_free(sums), mem_free(y), mem_free(dx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_channel_stats), cmocka_unit_test(test_batch_norm),
                                       cmocka_unit_test(test_layer_norm)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
