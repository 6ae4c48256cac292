/* cose_internal.h - what cose.c, cose_certificate.c and cose_stamp.c share: OpenSSL's certificates. */
#ifndef ASSAY_PROVENANCE_COSE_INTERNAL_H
#define ASSAY_PROVENANCE_COSE_INTERNAL_H

#include <openssl/x509.h>

#include "provenance/cose.h"

struct cose_trust {
    X509_STORE *store;
    int count;
};

/* 2025-03-04T05:06:07+00:00, or "" where the time is none. */
const char *cose_time_text(const ASN1_TIME *time, struct arena *arena);

/* Seconds since 1970; false where the time is none. */
bool cose_time_seconds(const ASN1_TIME *time, int64_t *out);

/* The (last) entry of that kind in a name as UTF-8, "" where there is none. */
const char *cose_name_entry(const X509_NAME *name, int nid, struct arena *arena);

void cose_certificate_read(X509 *certificate, struct arena *arena, struct cose_certificate *out);

/* May this certificate sign claims? C2PA's profile (section 14.5 of its specification): an end entity's certificate,
 * issued by another, for digital signatures, for a purpose on C2PA's list, with a key of enough strength. NULL, or why
 * not. */
const char *cose_certificate_unsuitable(X509 *certificate);

/* Does the chain of the certificate lead to the list, at that time? `purpose`: X509_PURPOSE_..., or 0. NULL, or why
 * not. */
const char *cose_chain_untrusted(const struct cose_trust *trust, X509 *certificate, STACK_OF(X509) * others,
                                 int purpose, int64_t when, struct arena *arena);

/* Reads a time stamp (a response or a token of RFC 3161) and checks it over `about`. */
void cose_stamp_check(const uint8_t *bytes, size_t size, const uint8_t *about, size_t about_size,
                      const struct cose_trust *trust, struct arena *arena, struct cose_stamp *out);

#endif
