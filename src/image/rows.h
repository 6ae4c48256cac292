/* rows.h - how finely work on pictures is split. Waking threads costs more than a small picture does, and the loader
 * has threads of its own, so that only large pictures are shared out. */
#ifndef ASSAY_IMAGE_ROWS_H
#define ASSAY_IMAGE_ROWS_H

#include <stdint.h>

/* Rows a thread should at least get, where one row takes about `operations` (multiplications, or bytes moved). */
static inline int64_t rows_a_thread(int64_t operations)
{
    const int64_t worth_a_thread = INT64_C(1) << 20;
    return 1 + worth_a_thread / (operations > 0 ? operations : 1);
}

#endif
