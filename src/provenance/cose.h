/* cose.h - COSE_Sign1 (RFC 9052), the signature under a claim of C2PA: read with cbor.h, checked with OpenSSL; who
 * signed by the certificate in its header; the time stamp beside it (RFC 3161); and whether the certificates lead to a
 * list that the user named. No network: no revocation is asked for, no certificate is fetched. */
#ifndef ASSAY_PROVENANCE_COSE_H
#define ASSAY_PROVENANCE_COSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum {
    COSE_MAX_CERTIFICATES = 16,      /* of one chain */
    COSE_MAX_CERTIFICATE = 64 << 10, /* bytes of one */
    COSE_MAX_STAMP = 256 << 10,      /* bytes of a time stamp */
    COSE_MAX_TRUSTED = 10000,        /* certificates of a list of trust */
    COSE_MAX_TRUST_BYTES = 32 << 20  /* of a list of trust */
};

/* ---- Trust: certificates that the user named --------------------------------------------------------------------- */

struct cose_trust;

/* Reads certificates in PEM (text between them is passed over). Several threads may use one list. */
assay_status cose_trust_load(const char *pem, size_t size, const char *name, struct cose_trust **out,
                             struct assay_error *error);
void cose_trust_free(struct cose_trust *trust);

/* The same from a file; path NULL: there is no list, and *out is NULL. */
assay_status cose_trust_read(const char *path, struct cose_trust **out, struct assay_error *error);

/* How many certificates are in it. */
int cose_trust_count(const struct cose_trust *trust);

enum cose_trusted {
    COSE_TRUST_UNASKED, /* no list was named, or there is no signature that could be trusted */
    COSE_TRUSTED,       /* the chain leads to a certificate of the list */
    COSE_UNTRUSTED
};

/* ---- Signatures -------------------------------------------------------------------------------------------------- */

enum cose_outcome {
    COSE_VALID,
    COSE_MISMATCH,       /* made by another key, or for another claim */
    COSE_DAMAGED,        /* not COSE_Sign1 */
    COSE_NO_CERTIFICATE, /* none, one that cannot be read, or chains in both headers */
    COSE_UNSUPPORTED,    /* an algorithm or kind of key that C2PA does not allow */
    COSE_NO_MEMORY
};

/* Is the signer's certificate one that may sign claims, at the time of the time stamp (if that is verified) or else
 * now? */
enum cose_credential {
    COSE_CREDENTIAL_GOOD,
    COSE_CREDENTIAL_EXPIRED,
    COSE_CREDENTIAL_EARLY,
    COSE_CREDENTIAL_UNSUITABLE
};

/* What a certificate says. Texts are "" where it does not say it. */
struct cose_certificate {
    const char *common_name, *organization;               /* whom it names */
    const char *issuer_common_name, *issuer_organization; /* who issued it */
    const char *serial;                                   /* decimal */
    const char *not_before, *not_after;                   /* 2025-03-04T05:06:07+00:00 */
};

struct cose_stamp {
    bool present;
    bool verified;         /* its own signature holds, and it is about this signature */
    const char *time;      /* as above; "" where it cannot be read. Anybody's word unless verified */
    const char *authority; /* common name in its certificate */
    const char *problem;   /* where it is not verified: why */
    enum cose_trusted trusted;
    int64_t seconds; /* `time` since 1970 */
};

struct cose_report {
    enum cose_outcome outcome;
    const char *problem;   /* a phrase; "" where it is valid */
    const char *algorithm; /* "ES256"; "" unknown */
    struct cose_certificate signer;
    int certificates; /* in the chain */
    enum cose_credential credential;
    const char *credential_problem;
    enum cose_trusted trusted;
    const char *trust_problem; /* where it is not trusted: why */
    struct cose_stamp stamp;
    bool padded; /* unsigned padding in the header holds something else than zeros */
};

/* Checks the signature (the bytes of its CBOR) under the payload. `now`: seconds since 1970. Texts in the report are
 * constants or in the arena. */
void cose_check(const uint8_t *signature, size_t signature_size, const uint8_t *payload, size_t payload_size,
                const struct cose_trust *trust, int64_t now, struct arena *arena, struct cose_report *out);

#endif
