/* tsne_start.h - where t-SNE begins: the first two principal components, small. */
#ifndef ASSAY_EVAL_REPORT_TSNE_START_H
#define ASSAY_EVAL_REPORT_TSNE_START_H

#include <stddef.h>

#include "base/error.h"

/* place [points, 2]: the first component has deviation 1e-4, its largest loading is positive, and so is that of the
 * second. A component that the data lack is replaced by small noise, the same at every call. */
assay_status tsne_start(const float *data, size_t points, size_t dimensions, double *place, struct assay_error *error);

#endif
