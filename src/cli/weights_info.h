/* weights_info.h - what `assay model info` prints of weights that are no model of Assay's own. */
#ifndef ASSAY_CLI_WEIGHTS_INFO_H
#define ASSAY_CLI_WEIGHTS_INFO_H

#include "format/weights_file.h"

/* "F32", ...: the shape, the type and the name of one tensor. */
void tensor_print(FILE *stream, const struct file_tensor *tensor);

/* {"dtype": "F32", "shape": [64, 3, 7, 7]}; with "nonfinite" where values are NaN or infinite. NULL: no memory. */
json_t *tensor_to_json(const struct file_tensor *tensor, uint64_t nonfinite);

/* The file, its kind and its tensors, on standard output; as one JSON object or as text. */
assay_status weights_info_print(const struct weights_file *file, const char *path, bool json,
                                struct assay_error *error);

#endif
