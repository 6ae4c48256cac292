/* trust.c - reads the list of certificates that --trust names. */
#include "cli/trust.h"

#include "base/file.h"
#include "base/memory.h"

assay_status cli_trust(const char *path, struct cose_trust **out, struct assay_error *error)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    *out = NULL;
    if (!path)
        return ASSAY_OK;
    assay_status status = file_read(path, COSE_MAX_TRUST_BYTES, &bytes, &size, error);
    if (!status)
        status = cose_trust_load((const char *)bytes, size, path, out, error);
    mem_free(bytes);
    return status;
}
