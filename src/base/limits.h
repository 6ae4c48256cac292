/* limits.h - every bound on sizes that come from files or callers, in one place. Each is checked before it is used. */
#ifndef ASSAY_BASE_LIMITS_H
#define ASSAY_BASE_LIMITS_H

#include <stdint.h>

#define LIMIT_PICTURE_PIXELS UINT64_C(100000000)      /* default of assay_limits.max_pixels */
#define LIMIT_PICTURE_BYTES (UINT64_C(1) << 30)       /* default of assay_limits.max_bytes */
#define LIMIT_PICTURE_SIDE 65535                      /* pixels on one side, what JPEG can say */
#define LIMIT_MODEL_HEADER_BYTES (UINT64_C(32) << 20) /* JSON header of a safetensors file */
#define LIMIT_MODEL_TENSORS 65536                     /* tensors in one model file */
#define LIMIT_TENSOR_RANK 8                           /* dimensions of a tensor in a file */
#define LIMIT_GRAPH_NODES 1000000                     /* nodes of one graph */
#define LIMIT_DATASET_FILES 50000000                  /* pictures in one dataset */
#define LIMIT_LIST_BYTES (UINT64_C(256) << 20)        /* a list of pictures */
#define LIMIT_PATH_BYTES 4096                         /* one path, its NUL included */
#define LIMIT_DIRECTORY_DEPTH 64                      /* folders below the one that was named */

#endif
