/* threads.c - how many threads compute. */
#ifdef _OPENMP
#include <omp.h>
#endif

#include "base/parallel.h"
#include "cli/cli.h"

int cli_use_threads(int64_t threads)
{
#ifdef _OPENMP
    if (threads > 0)
        omp_set_num_threads((int)threads);
#else
    (void)threads;
#endif
    return parallel_threads();
}
