/* cpu.h - the CPU backend: oneDNN for convolutions, matrix products and pooling, short parallel_for loops for the
 * rest. */
#ifndef ASSAY_CPU_CPU_H
#define ASSAY_CPU_CPU_H

#include "graph/backend.h"

/* The backend, with a kernel for every op in ops/. Lives as long as the process. */
const struct backend *cpu_backend(void);

#endif
