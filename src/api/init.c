/* init.c - what the process must set once. The OpenMP pool sets itself up at its first loop, from OMP_NUM_THREADS. */
#include "assay/assay.h"
#include "base/error.h"
#include "image/image.h"

assay_status assay_init_abi(int abi_version, struct assay_error *error)
{
    if (abi_version != ASSAY_ABI_VERSION)
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "libassay %s has ABI version %d, but the program was compiled for %d: compile it anew with "
                         "this library's header, or install the library that it was made for",
                         assay_version(), ASSAY_ABI_VERSION, abi_version);
    return image_library_init(error);
}
