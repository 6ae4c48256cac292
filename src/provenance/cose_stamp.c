/* cose_stamp.c - time stamps of RFC 3161 beside a signature: read and checked by OpenSSL. */
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "provenance/cose_internal.h"

/* The token, which lies alone or in a response, as CMS; NULL: neither. */
static CMS_ContentInfo *read_token(const uint8_t *bytes, size_t size)
{
    const unsigned char *at = bytes;
    CMS_ContentInfo *token = NULL;
    TS_RESP *response = d2i_TS_RESP(NULL, &at, (long)size);
    if (response) {
        PKCS7 *inner = TS_RESP_get_token(response);
        unsigned char *encoded = NULL;
        int length = inner ? i2d_PKCS7(inner, &encoded) : 0;
        const unsigned char *from = encoded;
        if (length > 0)
            token = d2i_CMS_ContentInfo(NULL, &from, length);
        OPENSSL_free(encoded);
        TS_RESP_free(response);
        return token;
    }
    at = bytes;
    return d2i_CMS_ContentInfo(NULL, &at, (long)size);
}

/* What the token states: time and digest. */
static TS_TST_INFO *read_statement(CMS_ContentInfo *token)
{
    ASN1_OCTET_STRING **content = CMS_get0_content(token);
    if (OBJ_obj2nid(CMS_get0_eContentType(token)) != NID_id_smime_ct_TSTInfo || !content || !*content)
        return NULL;
    const unsigned char *at = ASN1_STRING_get0_data(*content);
    return d2i_TS_TST_INFO(NULL, &at, ASN1_STRING_length(*content));
}

/* Is the statement about these bytes? */
static bool is_about(TS_TST_INFO *statement, const uint8_t *about, size_t about_size)
{
    TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(statement);
    const ASN1_OBJECT *kind = NULL;
    X509_ALGOR_get0(&kind, NULL, NULL, TS_MSG_IMPRINT_get_algo(imprint));
    const ASN1_OCTET_STRING *wanted = TS_MSG_IMPRINT_get_msg(imprint);
    int nid = OBJ_obj2nid(kind);
    const EVP_MD *hash = nid == NID_sha256   ? EVP_sha256()
                         : nid == NID_sha384 ? EVP_sha384()
                         : nid == NID_sha512 ? EVP_sha512()
                                             : NULL;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    return hash && EVP_Digest(about, about_size, digest, &size, hash, NULL) &&
           ASN1_STRING_length(wanted) == (int)size && memcmp(ASN1_STRING_get0_data(wanted), digest, size) == 0;
}

/* The certificate that the token's signature holds with. */
static X509 *check_signature(CMS_ContentInfo *token)
{
    STACK_OF(X509) *signers = NULL;
    X509 *signer = NULL;
    /* the chain is looked at apart, and only where there is a list to lead to */
    if (CMS_verify(token, NULL, NULL, NULL, NULL, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY))
        signers = CMS_get0_signers(token);
    if (signers && sk_X509_num(signers) == 1)
        signer = sk_X509_value(signers, 0);
    sk_X509_free(signers);
    return signer;
}

static const char *check(CMS_ContentInfo *token, TS_TST_INFO *statement, const uint8_t *about, size_t about_size,
                         const struct cose_trust *trust, struct arena *arena, struct cose_stamp *out)
{
    const ASN1_GENERALIZEDTIME *time = TS_TST_INFO_get_time(statement);
    if (!cose_time_seconds(time, &out->seconds))
        return "its time cannot be read";
    out->time = cose_time_text(time, arena);
    X509 *signer = check_signature(token);
    if (!signer)
        return "its own signature does not hold";
    out->authority = cose_name_entry(X509_get_subject_name(signer), NID_commonName, arena);
    if (!is_about(statement, about, about_size))
        return "it was made for something else";
    if (!(X509_get_extended_key_usage(signer) & XKU_TIMESTAMP) || !(X509_get_extension_flags(signer) & EXFLAG_XKUSAGE))
        return "its certificate is not one for time stamps";
    if (ASN1_TIME_cmp_time_t(X509_get0_notBefore(signer), (time_t)out->seconds) > 0 ||
        ASN1_TIME_cmp_time_t(X509_get0_notAfter(signer), (time_t)out->seconds) < 0)
        return "its certificate was not valid at that time";
    if (trust) {
        STACK_OF(X509) *others = CMS_get1_certs(token);
        out->trusted = cose_chain_untrusted(trust, signer, others, X509_PURPOSE_TIMESTAMP_SIGN, out->seconds, arena)
                           ? COSE_UNTRUSTED
                           : COSE_TRUSTED;
        sk_X509_pop_free(others, X509_free);
    }
    return NULL;
}

void cose_stamp_check(const uint8_t *bytes, size_t size, const uint8_t *about, size_t about_size,
                      const struct cose_trust *trust, struct arena *arena, struct cose_stamp *out)
{
    *out = (struct cose_stamp){.present = true, .time = "", .authority = "", .problem = "it cannot be read"};
    if (size == 0 || size > COSE_MAX_STAMP)
        return;
    CMS_ContentInfo *token = read_token(bytes, size);
    TS_TST_INFO *statement = token ? read_statement(token) : NULL;
    if (statement) {
        out->problem = check(token, statement, about, about_size, trust, arena, out);
        out->verified = !out->problem;
        out->problem = out->problem ? out->problem : "";
    }
    TS_TST_INFO_free(statement);
    CMS_ContentInfo_free(token);
}
