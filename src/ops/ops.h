/* ops.h - every op at once. One family a file: its functions, its attributes (what kernels read) and its op tables. */
#ifndef ASSAY_OPS_OPS_H
#define ASSAY_OPS_OPS_H

#include "ops/attention.h"
#include "ops/conv.h"
#include "ops/cooccurrence.h"
#include "ops/elementwise.h"
#include "ops/gather.h"
#include "ops/loss.h"
#include "ops/matmul.h"
#include "ops/move.h"
#include "ops/norm.h"
#include "ops/pool.h"
#include "ops/random.h"
#include "ops/reduce.h"
#include "ops/softmax.h"
#include "ops/top_k.h"

#endif
