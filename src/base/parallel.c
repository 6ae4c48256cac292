/* parallel.c - a static split over OpenMP's pool. */
#include "base/parallel.h"

#ifdef _OPENMP
#include <omp.h>
#endif

int parallel_threads(void)
{
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

int parallel_use_threads(int threads)
{
    int before = parallel_threads();
#ifdef _OPENMP
    if (threads > 0)
        omp_set_num_threads(threads); /* holds for the calling thread alone */
#else
    (void)threads;
#endif
    return before;
}

void parallel_serial_thread(void)
{
    parallel_use_threads(1);
}

void parallel_for(int64_t count, int64_t grain, parallel_body *body, void *context)
{
    if (count <= 0)
        return;
    int64_t threads = parallel_threads();
    int64_t most = grain > 1 ? (count + grain - 1) / grain : count;
    if (threads > most)
        threads = most;
    if (threads <= 1) {
        body(context, 0, count, 0);
        return;
    }
#ifdef _OPENMP
#pragma omp parallel for num_threads((int)threads) schedule(static, 1)
    for (int64_t t = 0; t < threads; t++)
        body(context, count * t / threads, count * (t + 1) / threads, (int)t);
#endif
}
