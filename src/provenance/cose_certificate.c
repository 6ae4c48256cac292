/* cose_certificate.c - certificates by OpenSSL: what they say, whether they may sign claims, whether a list vouches for
 * them. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "provenance/cose_internal.h"

/* ---- What it says ------------------------------------------------------------------------------------------------ */

const char *cose_time_text(const ASN1_TIME *time, struct arena *arena)
{
    struct tm tm;
    if (!time || !ASN1_TIME_to_tm(time, &tm))
        return "";
    const char *text = arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02d+00:00", tm.tm_year + 1900, tm.tm_mon + 1,
                                    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    return text ? text : "";
}

bool cose_time_seconds(const ASN1_TIME *time, int64_t *out)
{
    ASN1_TIME *start = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;
    bool known = start && time && ASN1_TIME_diff(&days, &seconds, start, time);
    ASN1_TIME_free(start);
    if (known)
        *out = (int64_t)days * 86400 + seconds;
    return known;
}

const char *cose_name_entry(const X509_NAME *name, int nid, struct arena *arena)
{
    int found = -1;
    for (int at = -1; name && (at = X509_NAME_get_index_by_NID((X509_NAME *)name, nid, at)) >= 0;)
        found = at;
    if (found < 0)
        return "";
    unsigned char *text = NULL;
    int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, found)));
    const char *copy = length > 0 ? arena_strndup(arena, (const char *)text, (size_t)length) : "";
    OPENSSL_free(text);
    return copy ? copy : "";
}

static const char *serial_text(const ASN1_INTEGER *serial, struct arena *arena)
{
    const char *copy = NULL;
    if (!serial || ASN1_STRING_length(serial) > 64)
        return "";
    BIGNUM *big = ASN1_INTEGER_to_BN(serial, NULL);
    char *text = big ? BN_bn2dec(big) : NULL;
    if (text)
        copy = arena_strdup(arena, text);
    OPENSSL_free(text);
    BN_free(big);
    return copy ? copy : "";
}

void cose_certificate_read(X509 *certificate, struct arena *arena, struct cose_certificate *out)
{
    const X509_NAME *subject = X509_get_subject_name(certificate), *issuer = X509_get_issuer_name(certificate);
    out->common_name = cose_name_entry(subject, NID_commonName, arena);
    out->organization = cose_name_entry(subject, NID_organizationName, arena);
    out->issuer_common_name = cose_name_entry(issuer, NID_commonName, arena);
    out->issuer_organization = cose_name_entry(issuer, NID_organizationName, arena);
    out->serial = serial_text(X509_get0_serialNumber(certificate), arena);
    out->not_before = cose_time_text(X509_get0_notBefore(certificate), arena);
    out->not_after = cose_time_text(X509_get0_notAfter(certificate), arena);
}

/* ---- May it sign claims? ----------------------------------------------------------------------------------------- */

/* Purposes that C2PA and the makers' certificates so far have: e-mail protection, document signing, C2PA's own claim
 * signing, and Microsoft's and Adobe's for C2PA. */
static const char *const purposes[] = {"1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.62558.2.1",
                                       "1.3.6.1.4.1.311.76.59.1.9", "1.2.840.113583.1.1.5"};

static bool purpose_allowed(X509 *certificate)
{
    bool allowed = false;
    EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
    for (int i = 0; usage && !allowed && i < sk_ASN1_OBJECT_num(usage); i++) {
        char name[80];
        if (OBJ_obj2txt(name, sizeof name, sk_ASN1_OBJECT_value(usage, i), 1) <= 0)
            continue;
        for (size_t k = 0; k < sizeof purposes / sizeof *purposes; k++)
            allowed |= strcmp(name, purposes[k]) == 0;
    }
    EXTENDED_KEY_USAGE_free(usage);
    return allowed;
}

const char *cose_certificate_unsuitable(X509 *certificate)
{
    uint32_t flags = X509_get_extension_flags(certificate);
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    if (flags & EXFLAG_INVALID)
        return "the signer's certificate has extensions that cannot be read";
    if (X509_get_version(certificate) != X509_VERSION_3)
        return "the signer's certificate is not of X.509 version 3";
    if (flags & EXFLAG_CA)
        return "the signer's certificate is an authority's, not a signer's";
    if (X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0)
        return "the signer's certificate was issued by the signer itself";
    if (!(flags & EXFLAG_KUSAGE) || !(X509_get_key_usage(certificate) & KU_DIGITAL_SIGNATURE))
        return "the signer's certificate is not for digital signatures";
    if (!purpose_allowed(certificate))
        return "the signer's certificate is for none of the purposes that C2PA allows";
    if (!key || ((EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS")) && EVP_PKEY_get_bits(key) < 2048))
        return "the key in the signer's certificate is too short";
    return NULL;
}

/* ---- Trust ------------------------------------------------------------------------------------------------------- */

assay_status cose_trust_load(const char *pem, size_t size, const char *name, struct cose_trust **out,
                             struct assay_error *error)
{
    char shown[TEXT_NAME];
    assay_status status = ASSAY_OK;
    BIO *in = NULL;
    struct cose_trust *trust = mem_alloc(1, sizeof *trust);
    *out = NULL;
    if (!trust)
        return error_memory(error, "a list of trust");
    ERR_set_mark();
    text_printable(name, shown, sizeof shown);
    if (size > COSE_MAX_TRUST_BYTES) {
        status = error_set(error, ASSAY_ERROR_LIMIT, "%s: a list of trust of more than %d MB", shown,
                           COSE_MAX_TRUST_BYTES >> 20);
        goto fail;
    }
    trust->store = X509_STORE_new();
    in = BIO_new_mem_buf(pem, (int)size);
    if (!trust->store || !in) {
        status = error_memory(error, "a list of trust");
        goto fail;
    }
    /* whoever is on the list is trusted, root or not */
    X509_STORE_set_flags(trust->store, X509_V_FLAG_PARTIAL_CHAIN);
    for (;;) {
        X509 *certificate = PEM_read_bio_X509(in, NULL, NULL, NULL);
        if (!certificate) {
            unsigned long why = ERR_peek_last_error();
            if (ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE)
                break;
            status = error_set(error, ASSAY_ERROR_FORMAT, "%s: certificate %d is damaged; wanted: certificates in PEM",
                               shown, trust->count + 1);
            goto fail;
        }
        bool added = X509_STORE_add_cert(trust->store, certificate);
        X509_free(certificate);
        if (!added || ++trust->count > COSE_MAX_TRUSTED) {
            status = added
                         ? error_set(error, ASSAY_ERROR_LIMIT, "%s: more than %d certificates", shown, COSE_MAX_TRUSTED)
                         : error_memory(error, "a list of trust");
            goto fail;
        }
    }
    if (trust->count == 0) {
        status = error_set(error, ASSAY_ERROR_FORMAT, "%s: no certificate in it; wanted: certificates in PEM", shown);
        goto fail;
    }
    *out = trust;
    trust = NULL;
fail:
    BIO_free(in);
    cose_trust_free(trust);
    ERR_pop_to_mark();
    return status;
}

assay_status cose_trust_read(const char *path, struct cose_trust **out, struct assay_error *error)
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

void cose_trust_free(struct cose_trust *trust)
{
    if (!trust)
        return;
    X509_STORE_free(trust->store);
    mem_free(trust);
}

int cose_trust_count(const struct cose_trust *trust)
{
    return trust ? trust->count : 0;
}

const char *cose_chain_untrusted(const struct cose_trust *trust, X509 *certificate, STACK_OF(X509) * others,
                                 int purpose, int64_t when, struct arena *arena)
{
    const char *problem = "no memory";
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    if (context && X509_STORE_CTX_init(context, trust->store, certificate, others)) {
        X509_VERIFY_PARAM *wanted = X509_STORE_CTX_get0_param(context);
        X509_VERIFY_PARAM_set_time(wanted, (time_t)when);
        X509_VERIFY_PARAM_set_depth(wanted, COSE_MAX_CERTIFICATES);
        if (purpose)
            X509_VERIFY_PARAM_set_purpose(wanted, purpose);
        problem = NULL;
        if (X509_verify_cert(context) != 1) {
            problem = arena_strdup(arena, X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
            problem = problem ? problem : "no memory";
        }
    }
    X509_STORE_CTX_free(context);
    return problem;
}
