/* init.c - what the process must set once. The OpenMP pool sets itself up at its first loop, from OMP_NUM_THREADS. */
#include "assay/assay.h"
#include "image/image.h"

assay_status assay_init(struct assay_error *error)
{
    return image_library_init(error);
}
