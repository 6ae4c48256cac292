/* cose.c - COSE_Sign1: the signature under a claim, checked. */
#include "provenance/cose.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/memory.h"
#include "provenance/cbor.h"
#include "provenance/cose_internal.h"

enum { TAG_SIGN1 = 18, HEADER_ALGORITHM = 1, HEADER_CHAIN = 33 };

static const struct algorithm {
    int64_t id; /* of COSE's registry */
    const char *name, *key, *hash;
} algorithms[] = {
    {-7, "ES256", "EC", "SHA256"},   {-35, "ES384", "EC", "SHA384"},  {-36, "ES512", "EC", "SHA512"},
    {-37, "PS256", "RSA", "SHA256"}, {-38, "PS384", "RSA", "SHA384"}, {-39, "PS512", "RSA", "SHA512"},
    {-8, "EdDSA", "ED25519", NULL},
};

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

struct signature {
    const struct cbor_node *root, *protected_bytes, *protected, *unprotected, *bytes;
    const struct algorithm *algorithm;
    struct arena *arena;
};

/* NULL, or what is wrong. */
static const char *read_signature(const uint8_t *bytes, size_t size, struct signature *out)
{
    struct cbor_node *root, *header;
    enum cbor_outcome outcome = cbor_read(bytes, size, out->arena, &root);
    if (outcome)
        return outcome == CBOR_NO_MEMORY ? "no memory" : "the signature is not CBOR";
    if (root->kind != CBOR_ARRAY || root->size != 4 || (root->tagged && root->tag != TAG_SIGN1))
        return "the signature is no COSE_Sign1";
    out->protected_bytes = root->first;
    out->unprotected = root->first->next;
    const struct cbor_node *payload = out->unprotected->next;
    out->bytes = payload->next;
    if (out->protected_bytes->kind != CBOR_BYTES || out->unprotected->kind != CBOR_MAP ||
        out->bytes->kind != CBOR_BYTES)
        return "the signature is no COSE_Sign1";
    if (payload->kind != CBOR_SIMPLE || payload->number != CBOR_NULL)
        return "the signature carries a payload of its own";
    outcome = cbor_read(out->protected_bytes->bytes, out->protected_bytes->size, out->arena, &header);
    if (outcome || header->kind != CBOR_MAP || header->end != out->protected_bytes->size)
        return outcome == CBOR_NO_MEMORY ? "no memory" : "the signature's header is damaged";
    out->root = root;
    out->protected = header;
    return NULL;
}

static const struct cbor_node *find_chain(const struct cbor_node *header)
{
    const struct cbor_node *chain = cbor_get_integer(header, HEADER_CHAIN);
    return chain ? chain : cbor_get(header, "x5chain");
}

/* The chain's certificates, the signer's first. NULL: `problem` says why. */
static STACK_OF(X509) * read_chain(const struct signature *in, const char **problem)
{
    const struct cbor_node *chain = find_chain(in->protected), *other = find_chain(in->unprotected);
    *problem = chain && other ? "certificates in both headers of the signature" : "no certificate in the signature";
    if ((chain && other) || !(chain || other))
        return NULL;
    chain = chain ? chain : other;
    if (chain->kind != CBOR_BYTES && (chain->kind != CBOR_ARRAY || !chain->first))
        return NULL;
    STACK_OF(X509) *certificates = sk_X509_new_null();
    bool single = chain->kind == CBOR_BYTES;
    *problem = "a certificate in the signature cannot be read";
    for (const struct cbor_node *item = single ? chain : chain->first; item && certificates; item = item->next) {
        X509 *certificate = NULL;
        const unsigned char *at = item->bytes;
        if (item->kind == CBOR_BYTES && item->size > 0 && item->size <= COSE_MAX_CERTIFICATE &&
            sk_X509_num(certificates) < COSE_MAX_CERTIFICATES)
            certificate = d2i_X509(NULL, &at, (long)item->size);
        if (!certificate || !sk_X509_push(certificates, certificate)) {
            X509_free(certificate);
            sk_X509_pop_free(certificates, X509_free);
            return NULL;
        }
        if (single)
            break;
    }
    return certificates;
}

/* ---- The signed bytes -------------------------------------------------------------------------------------------- */

struct bytes {
    uint8_t *data;
    size_t size;
};

static uint8_t *put_head(uint8_t *to, int major, uint64_t count)
{
    int extra = count < 24 ? 0 : count <= UINT8_MAX ? 1 : count <= UINT16_MAX ? 2 : count <= UINT32_MAX ? 4 : 8;
    *to++ = (uint8_t)(major << 5 | (extra == 0   ? (int)count
                                    : extra == 1 ? 24
                                    : extra == 2 ? 25
                                    : extra == 4 ? 26
                                                 : 27));
    for (int i = extra - 1; i >= 0; i--)
        *to++ = (uint8_t)(count >> (8 * i));
    return to;
}

static uint8_t *put_string(uint8_t *to, int major, const void *bytes, size_t size)
{
    to = put_head(to, major, size);
    if (size)
        memcpy(to, bytes, size);
    return to + size;
}

/* Sig_structure of RFC 9052, section 4.4: [context, protected header, b"", payload]. Data NULL: no memory. */
static struct bytes signed_structure(const char *context, const struct cbor_node *header, const uint8_t *payload,
                                     size_t size, struct arena *arena)
{
    enum { HEADS = 40, BYTES = 2, TEXT = 3, ARRAY = 4 };
    struct bytes out = {NULL, 0};
    size_t room;
    if (!size_add(size, header->size, &room) || !size_add(room, HEADS + strlen(context), &room))
        return out;
    out.data = arena_alloc(arena, room, 1);
    if (!out.data)
        return out;
    uint8_t *to = put_head(out.data, ARRAY, 4);
    to = put_string(to, TEXT, context, strlen(context));
    to = put_string(to, BYTES, header->bytes, header->size);
    to = put_string(to, BYTES, NULL, 0);
    to = put_string(to, BYTES, payload, size);
    out.size = (size_t)(to - out.data);
    return out;
}

/* ---- The check --------------------------------------------------------------------------------------------------- */

/* COSE's r and s, one behind the other, as the DER that OpenSSL wants; to be freed with OPENSSL_free. 0: not of the
 * key's size. */
static int ecdsa_der(const uint8_t *bytes, size_t size, size_t half, unsigned char **der)
{
    int length = 0;
    *der = NULL;
    if (size != 2 * half)
        return 0;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(bytes, (int)half, NULL), *s = BN_bin2bn(bytes + half, (int)half, NULL);
    if (pair && r && s && ECDSA_SIG_set0(pair, r, s)) {
        r = s = NULL; /* the pair owns them */
        length = i2d_ECDSA_SIG(pair, der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return length > 0 ? length : 0;
}

/* Bytes of r, or 0 where the key is on no curve that C2PA allows. */
static size_t curve_bytes(EVP_PKEY *key)
{
    static const struct {
        const char *name;
        size_t bytes;
    } curves[] = {{"prime256v1", 32}, {"secp384r1", 48}, {"secp521r1", 66}};
    char name[80];
    size_t length;
    if (!EVP_PKEY_get_group_name(key, name, sizeof name, &length))
        return 0;
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        if (strcmp(name, curves[i].name) == 0)
            return curves[i].bytes;
    return 0;
}

static enum cose_outcome verify(const struct signature *in, EVP_PKEY *key, const struct bytes *over)
{
    const struct algorithm *algorithm = in->algorithm;
    bool ecdsa = strcmp(algorithm->key, "EC") == 0, rsa = strcmp(algorithm->key, "RSA") == 0;
    if (!EVP_PKEY_is_a(key, algorithm->key) && !(rsa && EVP_PKEY_is_a(key, "RSA-PSS")))
        return COSE_UNSUPPORTED;
    const uint8_t *signature = in->bytes->bytes;
    size_t size = in->bytes->size;
    unsigned char *der = NULL;
    if (ecdsa) {
        size_t half = curve_bytes(key);
        if (half == 0)
            return COSE_UNSUPPORTED;
        size = (size_t)ecdsa_der(signature, size, half, &der);
        if (size == 0)
            return COSE_MISMATCH;
        signature = der;
    }
    enum cose_outcome outcome = COSE_NO_MEMORY;
    EVP_PKEY_CTX *padding = NULL; /* belongs to the context */
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context && EVP_DigestVerifyInit_ex(context, &padding, algorithm->hash, NULL, NULL, key, NULL) == 1 &&
        (!rsa || (EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1 &&
                  EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST) == 1)))
        outcome = EVP_DigestVerify(context, signature, size, over->data, over->size) == 1 ? COSE_VALID : COSE_MISMATCH;
    else if (context)
        outcome = COSE_UNSUPPORTED;
    EVP_MD_CTX_free(context);
    OPENSSL_free(der);
    return outcome;
}

/* The time stamp: over the claim (sigTst, C2PA 1) or over the signature itself (sigTst2). */
static void check_stamp(const struct signature *in, const uint8_t *payload, size_t payload_size,
                        const struct cose_trust *trust, struct cose_stamp *out)
{
    const struct cbor_node *second = cbor_get(in->unprotected, "sigTst2");
    const struct cbor_node *box = second ? second : cbor_get(in->unprotected, "sigTst");
    const struct cbor_node *tokens = cbor_get(box, "tstTokens");
    if (!box)
        return;
    *out = (struct cose_stamp){.present = true, .time = "", .authority = "", .problem = "it cannot be read"};
    if (!tokens || tokens->kind != CBOR_ARRAY || tokens->size != 1) {
        if (tokens && tokens->kind == CBOR_ARRAY && tokens->size > 1)
            out->problem = "there are several, and C2PA allows one";
        return;
    }
    const struct cbor_node *token = cbor_get(tokens->first, "val");
    struct bytes over = {(uint8_t *)payload, payload_size}, about;
    if (!token || token->kind != CBOR_BYTES)
        return;
    if (second) { /* the signature with the head that it has in shortest CBOR */
        over.data = arena_alloc(in->arena, in->bytes->size + 9, 1);
        over.size = over.data ? (size_t)(put_string(over.data, 2, in->bytes->bytes, in->bytes->size) - over.data) : 0;
    }
    about = over.data ? signed_structure("CounterSignature", in->protected_bytes, over.data, over.size, in->arena)
                      : (struct bytes){NULL, 0};
    if (!about.data) {
        out->problem = "no memory";
        return;
    }
    cose_stamp_check(token->bytes, token->size, about.data, about.size, trust, in->arena, out);
}

static bool is_padded(const struct cbor_node *header)
{
    static const char *const names[] = {"pad", "pad2"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct cbor_node *pad = cbor_get(header, names[i]);
        for (size_t k = 0; pad && pad->kind == CBOR_BYTES && k < pad->size; k++)
            if (pad->bytes[k])
                return true;
    }
    return false;
}

static void check_credential(X509 *signer, STACK_OF(X509) * chain, const struct cose_trust *trust, int64_t now,
                             struct arena *arena, struct cose_report *out)
{
    int64_t when = out->stamp.verified ? out->stamp.seconds : now;
    const char *unsuitable = cose_certificate_unsuitable(signer);
    if (unsuitable) {
        out->credential = COSE_CREDENTIAL_UNSUITABLE;
        out->credential_problem = unsuitable;
    } else if (ASN1_TIME_cmp_time_t(X509_get0_notBefore(signer), (time_t)when) > 0) {
        out->credential = COSE_CREDENTIAL_EARLY;
        out->credential_problem = "the signer's certificate was not valid yet";
    } else if (ASN1_TIME_cmp_time_t(X509_get0_notAfter(signer), (time_t)when) < 0) {
        out->credential = COSE_CREDENTIAL_EXPIRED;
        out->credential_problem = out->stamp.verified
                                      ? "the signer's certificate had expired at the time of the time stamp"
                                      : "the signer's certificate has expired, and no time stamp tells when it signed";
    }
    if (trust) {
        const char *problem = cose_chain_untrusted(trust, signer, chain, 0, when, arena);
        problem = problem ? problem : unsuitable;
        out->trusted = problem ? COSE_UNTRUSTED : COSE_TRUSTED;
        out->trust_problem = problem ? problem : "";
    }
}

static const struct algorithm *find_algorithm(const struct cbor_node *header)
{
    int64_t id;
    if (cbor_integer(cbor_get_integer(header, HEADER_ALGORITHM), &id))
        for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
            if (algorithms[i].id == id)
                return &algorithms[i];
    return NULL;
}

static void check(struct signature *in, const uint8_t *payload, size_t payload_size, const struct cose_trust *trust,
                  int64_t now, struct cose_report *out)
{
    STACK_OF(X509) *chain = read_chain(in, &out->problem);
    if (!chain) {
        out->outcome = COSE_NO_CERTIFICATE;
        return;
    }
    X509 *signer = sk_X509_value(chain, 0);
    out->certificates = sk_X509_num(chain);
    cose_certificate_read(signer, in->arena, &out->signer);
    out->padded = is_padded(in->unprotected);
    check_stamp(in, payload, payload_size, trust, &out->stamp);
    check_credential(signer, chain, trust, now, in->arena, out);

    struct bytes over = signed_structure("Signature1", in->protected_bytes, payload, payload_size, in->arena);
    EVP_PKEY *key = X509_get0_pubkey(signer);
    in->algorithm = find_algorithm(in->protected);
    if (in->algorithm)
        out->algorithm = in->algorithm->name;
    if (!over.data)
        out->outcome = COSE_NO_MEMORY;
    else if (!in->algorithm || !key)
        out->outcome = COSE_UNSUPPORTED;
    else
        out->outcome = verify(in, key, &over);
    out->problem = out->outcome == COSE_VALID ? ""
                   : out->outcome == COSE_MISMATCH
                       ? "the signature was not made over this claim by the key of its certificate"
                   : out->outcome == COSE_NO_MEMORY ? "no memory"
                                                    : "an algorithm or a key that C2PA does not allow";
    if (out->outcome != COSE_VALID && out->trusted == COSE_TRUSTED) { /* somebody else's certificates */
        out->trusted = COSE_UNTRUSTED;
        out->trust_problem = "the signature does not hold";
    }
    sk_X509_pop_free(chain, X509_free);
}

void cose_check(const uint8_t *signature, size_t signature_size, const uint8_t *payload, size_t payload_size,
                const struct cose_trust *trust, int64_t now, struct arena *arena, struct cose_report *out)
{
    struct signature in = {.arena = arena};
    *out = (struct cose_report){.problem = "", .algorithm = "", .credential_problem = "", .trust_problem = ""};
    out->signer = (struct cose_certificate){"", "", "", "", "", "", ""};
    out->stamp = (struct cose_stamp){.time = "", .authority = "", .problem = ""};
    ERR_set_mark();
    const char *problem = read_signature(signature, signature_size, &in);
    if (problem) {
        out->outcome = strcmp(problem, "no memory") == 0 ? COSE_NO_MEMORY : COSE_DAMAGED;
        out->problem = problem;
    } else {
        check(&in, payload, payload_size, trust, now, out);
    }
    ERR_pop_to_mark();
}
