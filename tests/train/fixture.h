/* fixture.h - tensors of a fixture file, and how far apart two tensors are. */
#ifndef ASSAY_TESTS_TRAIN_FIXTURE_H
#define ASSAY_TESTS_TRAIN_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "format/safetensors.h"
#include "graph/tensor.h"

static inline void fixture_open(struct safetensors *file, const char *name)
{
    char path[1024];
    struct assay_error error = {0};
    snprintf(path, sizeof path, "%s/train/fixtures/%s", ASSAY_TEST_DIR, name);
    if (safetensors_open(path, file, &error))
        fail_msg("%s", error.message);
}

/* The tensor named by a format. Its data is aligned: safetensors of f32 alone. */
static inline const struct file_tensor *fixture_find(const struct safetensors *file, const char *format, ...)
{
    char name[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    const struct file_tensor *tensor = string_map_get(&file->tensors, name);
    if (!tensor)
        fail_msg("the fixture has no %s", name);
    return tensor;
}

static inline struct shape fixture_shape(const struct file_tensor *tensor)
{
    return shape_of(tensor->dim, tensor->rank);
}

/* |a - b| and |b| in the 2-norm. */
static inline double distance(const float *a, const float *b, uint64_t count, double *norm)
{
    double apart = 0, size = 0;
    for (uint64_t i = 0; i < count; i++) {
        apart += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        size += (double)b[i] * b[i];
    }
    *norm = sqrt(size);
    return sqrt(apart);
}

#endif
