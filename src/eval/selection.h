/* selection.h - some pictures of a dataset as a dataset of its own, as a protocol that draws or leaves out needs it. */
#ifndef ASSAY_EVAL_SELECTION_H
#define ASSAY_EVAL_SELECTION_H

#include "data/dataset.h"

/* The pictures of these (rising) indices, with the sources and the digest of the whole, from which all strings are
 * shared: `from` must outlive it. Sources count what was taken, which may be nothing. */
assay_status selection_make(const struct dataset *from, const uint32_t *indices, size_t count, struct dataset *out,
                            struct assay_error *error);

#endif
