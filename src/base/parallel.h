/* parallel.h - the one parallel loop. Release builds (gcc, libgomp) share one OpenMP pool with oneDNN; with clang, for
 * fuzzing and thread sanitising, it is serial. The split is static: the same thread count gives the same ranges. */
#ifndef ASSAY_BASE_PARALLEL_H
#define ASSAY_BASE_PARALLEL_H

#include <stdint.h>

/* Work on items begin .. end-1. `thread` counts from 0 to parallel_threads() - 1, for per-thread scratch. */
typedef void parallel_body(void *context, int64_t begin, int64_t end, int thread);

/* Splits 0 .. count-1 into contiguous ranges of at least `grain` items, one a thread, and waits for all. */
void parallel_for(int64_t count, int64_t grain, parallel_body *body, void *context);

/* How many threads parallel_for uses at most, from the calling thread. */
int parallel_threads(void);

/* From now on parallel_for uses that many from the calling thread (0: as before). Returns how many it was. */
int parallel_use_threads(int threads);

/* From now on parallel_for is serial in the calling thread: for threads that are themselves many, such as those that
 * decode pictures. */
void parallel_serial_thread(void);

#endif
