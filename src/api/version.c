/* version.c - the library's versions. */
#include "assay/assay.h"

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

const char *assay_version(void)
{
    return TEXT(ASSAY_VERSION_MAJOR) "." TEXT(ASSAY_VERSION_MINOR) "." TEXT(ASSAY_VERSION_PATCH);
}

int assay_abi_version(void)
{
    return ASSAY_ABI_VERSION;
}
