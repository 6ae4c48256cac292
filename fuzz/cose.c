/* cose.c - fuzz target: any bytes as a COSE_Sign1 with certificates and time stamp, and as a list of trust. */
#include <stdlib.h>

#include "provenance/cose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t claim[] = "a claim";
    struct arena arena = {.max_bytes = 64 << 20};
    struct cose_report report;
    struct cose_trust *trust = NULL;
    struct assay_error error;
    if (size && data[0] == '-')
        cose_trust_load((const char *)data, size, "list.pem", &trust, &error);
    cose_check(data, size, claim, sizeof claim - 1, trust, 1800000000, &arena, &report);
    if (report.outcome == COSE_VALID) /* over this claim, which nobody signed */
        abort();
    cose_trust_free(trust);
    arena_free(&arena);
    return 0;
}
