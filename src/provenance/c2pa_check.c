/* c2pa_check.c - the checks of a manifest and its ingredients: signature, assertions by their digests, hard binding. */
#include <stdio.h>
#include <string.h>

#include "provenance/c2pa_internal.h"

enum { STORE_LABEL = sizeof "c2pa.assertions/" - 1 };

/* A failure that counts, and the phrase for it. */
static void fail(struct c2pa_reader *in, struct c2pa_manifest *manifest, const char *code, const char *url,
                 const char *problem)
{
    in->failed = true;
    c2pa_problem(in, problem);
    c2pa_status_add(in, manifest, C2PA_FAILURE, code, url, "%s", problem);
}

/* The digest of a box's payload, computed once. NULL: no memory. */
static const uint8_t *box_digest(struct c2pa_reader *in, struct jumbf_box *box, int hash)
{
    if (!box->digest[hash]) {
        uint8_t *digest = arena_alloc(in->arena, EVP_MAX_MD_SIZE, 1);
        unsigned size;
        if (!digest || !EVP_Digest(box->payload, box->size, digest, &size, c2pa_hash(hash), NULL))
            return NULL;
        box->digest[hash] = digest;
    }
    return box->digest[hash];
}

enum match { MATCH, MISMATCH, UNSUPPORTED };

/* Is the box the one whose digest a hashed URI has? */
static enum match box_matches(struct c2pa_reader *in, const struct cbor_node *uri, const char *algorithm,
                              struct jumbf_box *box)
{
    const struct cbor_node *own = cbor_get(uri, "alg");
    const char *name = own ? cbor_text(own, in->arena) : *algorithm ? algorithm : "sha256";
    int hash = name ? c2pa_hash_find(name) : -1;
    if (hash < 0)
        return UNSUPPORTED;
    const uint8_t *digest = box_digest(in, box, hash);
    return digest && c2pa_digest_is(cbor_get(uri, "hash"), digest, (size_t)EVP_MD_get_size(c2pa_hash(hash))) ? MATCH
                                                                                                             : MISMATCH;
}

/* ---- Assertions -------------------------------------------------------------------------------------------------- */

/* Does one of the claims that are being checked take this assertion of the manifest out? Label NULL: any of them. */
static bool is_redacted(struct c2pa_reader *in, const struct c2pa_manifest *manifest, const char *label)
{
    for (int i = 0; i < in->redaction_count; i++) {
        const struct c2pa_redaction *one = &in->redactions[i];
        if (one->by != manifest && one->by->checked && one->uri.manifest_length == strlen(manifest->label) &&
            memcmp(one->uri.manifest, manifest->label, one->uri.manifest_length) == 0 &&
            (!label || (strncmp(one->uri.rest, "c2pa.assertions/", STORE_LABEL) == 0 &&
                        strcmp(one->uri.rest + STORE_LABEL, label) == 0)))
            return true;
    }
    return false;
}

static struct c2pa_assertion *find_assertion(const struct c2pa_manifest *manifest, const char *label)
{
    struct c2pa_assertion *assertion = manifest->assertions;
    while (assertion && strcmp(assertion->label, label) != 0)
        assertion = assertion->next;
    return assertion;
}

static void check_assertion(struct c2pa_reader *in, struct c2pa_manifest *manifest, const struct cbor_node *item)
{
    const char *text = cbor_text(cbor_get(item, "url"), in->arena);
    struct c2pa_uri uri;
    if (!text || !c2pa_uri_read(text, &uri)) {
        fail(in, manifest, "assertion.missing", c2pa_url(in, manifest, ""),
             "a claim names an assertion that is not there");
        return;
    }
    if (uri.manifest_length && (uri.manifest_length != strlen(manifest->label) ||
                                memcmp(uri.manifest, manifest->label, uri.manifest_length) != 0)) {
        fail(in, manifest, "assertion.outsideManifest", text, "a claim names an assertion of another claim");
        return;
    }
    const char *url = c2pa_url(in, manifest, uri.rest);
    if (strncmp(uri.rest, "c2pa.assertions/", STORE_LABEL) != 0) {
        c2pa_status_add(in, manifest, C2PA_INFORMATIONAL, "general.error", url, "%s", "not an assertion: not checked");
        return;
    }
    const char *label = uri.rest + STORE_LABEL;
    struct c2pa_assertion *assertion = find_assertion(manifest, label);
    if (is_redacted(in, manifest, label)) {
        if (assertion)
            assertion->claimed = assertion->redacted = true;
        c2pa_status_add(in, manifest, C2PA_INFORMATIONAL, "assertion.redacted", url, "%s",
                        "a later claim took the assertion out");
        return;
    }
    if (!assertion) {
        fail(in, manifest, "assertion.missing", url, "a claim names an assertion that is not there");
        return;
    }
    assertion->claimed = true;
    switch (box_matches(in, item, manifest->algorithm, assertion->box)) {
    case MATCH:
        assertion->matches = true;
        c2pa_status_add(in, manifest, C2PA_SUCCESS, "assertion.hashedURI.match", url, "%s",
                        "the assertion is the claimed one");
        break;
    case MISMATCH:
        fail(in, manifest, "assertion.hashedURI.mismatch", url, "an assertion was changed after it was signed");
        break;
    case UNSUPPORTED: fail(in, manifest, "algorithm.unsupported", url, "a hash that C2PA does not allow"); break;
    }
}

static void check_assertions(struct c2pa_reader *in, struct c2pa_manifest *manifest)
{
    static const char *const lists[] = {"assertions", "created_assertions", "gathered_assertions"};
    int count = 0;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const struct cbor_node *list = cbor_get(manifest->claim, lists[i]);
        const struct cbor_node *item = list && list->kind == CBOR_ARRAY ? list->first : NULL;
        for (; item; item = item->next) {
            if (++count > C2PA_MAX_ASSERTIONS) {
                fail(in, manifest, "general.error", c2pa_url(in, manifest, ""),
                     "a claim names more assertions than are read");
                return;
            }
            check_assertion(in, manifest, item);
        }
    }
    for (struct c2pa_assertion *assertion = manifest->assertions; assertion; assertion = assertion->next) {
        const char *rest = assertion->claimed ? NULL : arena_printf(in->arena, "c2pa.assertions/%s", assertion->label);
        if (rest)
            fail(in, manifest, "assertion.undeclared", c2pa_url(in, manifest, rest),
                 "it holds an assertion that its claim does not name");
    }
}

/* ---- Signature --------------------------------------------------------------------------------------------------- */

static void check_stamp(struct c2pa_reader *in, struct c2pa_manifest *manifest, const char *url)
{
    const struct cose_stamp *stamp = &manifest->signature.stamp;
    if (!stamp->present)
        return;
    if (stamp->verified)
        c2pa_status_add(in, manifest, C2PA_SUCCESS, "timeStamp.validated", url, "the time stamp holds: %s",
                        stamp->authority);
    else
        c2pa_status_add(in, manifest, C2PA_INFORMATIONAL, *stamp->time ? "timeStamp.mismatch" : "timeStamp.malformed",
                        url, "the time stamp is not verified: %s", stamp->problem);
    if (stamp->verified && stamp->trusted != COSE_TRUST_UNASKED)
        c2pa_status_add(in, manifest, stamp->trusted == COSE_TRUSTED ? C2PA_SUCCESS : C2PA_INFORMATIONAL,
                        stamp->trusted == COSE_TRUSTED ? "timeStamp.trusted" : "timeStamp.untrusted", url, "%s",
                        stamp->authority);
}

static void check_credential(struct c2pa_reader *in, struct c2pa_manifest *manifest, const char *url)
{
    const struct cose_report *signature = &manifest->signature;
    if (signature->credential == COSE_CREDENTIAL_GOOD)
        c2pa_status_add(in, manifest, C2PA_SUCCESS, "claimSignature.insideValidity", url, "%s",
                        "the certificate is one that may sign claims");
    else /* not a change to the picture: `valid`, not `state`, tells it */
        c2pa_status_add(in, manifest, C2PA_FAILURE,
                        signature->credential == COSE_CREDENTIAL_UNSUITABLE ? "signingCredential.invalid"
                        : signature->credential == COSE_CREDENTIAL_EXPIRED  ? "signingCredential.expired"
                                                                            : "claimSignature.outsideValidity",
                        url, "%s", signature->credential_problem);
    if (signature->trusted == COSE_TRUSTED)
        c2pa_status_add(in, manifest, C2PA_SUCCESS, "signingCredential.trusted", url, "%s",
                        "the chain leads to the list");
    else if (signature->trusted == COSE_UNTRUSTED)
        c2pa_status_add(in, manifest, C2PA_INFORMATIONAL, "signingCredential.untrusted", url, "%s",
                        signature->trust_problem);
}

static void check_signature(struct c2pa_reader *in, struct c2pa_manifest *manifest)
{
    const struct jumbf_box *cbor = jumbf_content(manifest->signature_box, JUMBF_TYPE('c', 'b', 'o', 'r'));
    const char *label = manifest->signature_box ? manifest->signature_box->label : "";
    const char *url = c2pa_url(in, manifest, label);
    const char *named = cbor_text(cbor_get(manifest->claim, "signature"), in->arena);
    struct c2pa_uri uri;
    manifest->signature = (struct cose_report){.outcome = COSE_DAMAGED,
                                               .problem = "there is no signature",
                                               .algorithm = "",
                                               .signer = {"", "", "", "", "", "", ""},
                                               .credential_problem = "",
                                               .trust_problem = "",
                                               .stamp = {.time = "", .authority = "", .problem = ""}};
    bool own = named && c2pa_uri_read(named, &uri) && strcmp(uri.rest, label) == 0 &&
               (uri.manifest_length == 0 || (uri.manifest_length == strlen(manifest->label) &&
                                             memcmp(uri.manifest, manifest->label, uri.manifest_length) == 0));
    if (!cbor || !own) {
        fail(in, manifest, "claimSignature.missing", url, "the signature that a claim names is not there");
        return;
    }
    cose_check(cbor->payload, cbor->size, manifest->claim_bytes, manifest->claim_size, in->trust, in->now, in->arena,
               &manifest->signature);
    check_stamp(in, manifest, url);
    switch (manifest->signature.outcome) {
    case COSE_VALID:
        check_credential(in, manifest, url);
        c2pa_status_add(in, manifest, C2PA_SUCCESS, "claimSignature.validated", url, "%s", "the signature holds");
        break;
    case COSE_MISMATCH:
    case COSE_DAMAGED: fail(in, manifest, "claimSignature.mismatch", url, manifest->signature.problem); break;
    case COSE_NO_CERTIFICATE: fail(in, manifest, "signingCredential.invalid", url, manifest->signature.problem); break;
    case COSE_UNSUPPORTED: fail(in, manifest, "algorithm.unsupported", url, manifest->signature.problem); break;
    case COSE_NO_MEMORY: break; /* the arena knows */
    }
}

/* ---- Hard binding ------------------------------------------------------------------------------------------------ */

/* The manifest that binds the picture's bytes: of an update manifest its parent, and so on. */
static struct c2pa_manifest *binding_manifest(struct c2pa_manifest *manifest)
{
    for (int depth = 0; manifest && manifest->update && depth < C2PA_MAX_CHAIN; depth++) {
        struct c2pa_ingredient *ingredient = manifest->ingredients;
        while (ingredient && strcmp(ingredient->relationship, "parentOf") != 0)
            ingredient = ingredient->next;
        manifest = ingredient ? ingredient->manifest : NULL;
    }
    return manifest && !manifest->update ? manifest : NULL;
}

static void bind(struct c2pa_reader *in, struct c2pa_manifest *manifest, const struct c2pa_assertion *assertion)
{
    struct c2pa_bound bound = {.outcome = C2PA_BINDING_UNCHECKED,
                               .problem = "a kind of binding that is not checked here"};
    const char *kind = "", *label = assertion->label;
    bool update = manifest != in->report->active;
    if (c2pa_label_is(label, "c2pa.hash.data")) {
        kind = "dataHash";
        c2pa_bind_data(in->input, assertion->data, manifest->algorithm, update, in->arena, &bound);
    } else if (c2pa_label_is(label, "c2pa.hash.bmff")) {
        kind = "bmffHash";
        c2pa_bind_bmff(in->input, assertion->data, manifest->algorithm,
                       strncmp(label, "c2pa.hash.bmff.v", 16) == 0 ? 2 : 1, in->arena, &bound);
    } else if (c2pa_label_is(label, "c2pa.hash.boxes")) {
        kind = "boxesHash";
        c2pa_bind_boxes(in->input, assertion->data, manifest->algorithm, in->arena, &bound);
    }
    in->report->binding = bound.outcome;
    in->report->binding_label = label;
    in->report->unbound = bound.unbound;
    const char *rest = arena_printf(in->arena, "c2pa.assertions/%s", label);
    const char *code =
        arena_printf(in->arena, "assertion.%s.%s", kind, bound.outcome == C2PA_BINDING_MATCH ? "match" : "mismatch");
    const char *url = c2pa_url(in, manifest, rest ? rest : "");
    if (bound.additional)
        c2pa_status_add(in, manifest, C2PA_INFORMATIONAL, "assertion.dataHash.additionalExclusionsPresent", url, "%s",
                        "the signature leaves out more than the manifest");
    if (bound.outcome == C2PA_BINDING_MATCH) {
        c2pa_status_add(in, manifest, C2PA_SUCCESS, code ? code : "", url, "%s",
                        "the file's bytes are those that were signed for");
    } else if (bound.outcome == C2PA_BINDING_MISMATCH) {
        fail(in, manifest, code ? code : "", url, bound.problem);
    } else {
        in->unchecked = true;
        c2pa_problem(in, bound.problem);
        c2pa_status_add(in, manifest, C2PA_INFORMATIONAL, "general.error", url, "%s", bound.problem);
    }
}

static void check_binding(struct c2pa_reader *in, struct c2pa_manifest *active)
{
    struct c2pa_manifest *manifest = binding_manifest(active);
    const struct c2pa_assertion *found = NULL;
    int count = 0;
    for (const struct c2pa_assertion *assertion = manifest ? manifest->assertions : NULL; assertion;
         assertion = assertion->next)
        if (strncmp(assertion->label, "c2pa.hash.", 10) == 0 && assertion->claimed) {
            found = assertion;
            count++;
        }
    if (manifest && manifest->compressed) {
        in->unchecked = true;
        c2pa_problem(in, "its manifest is compressed, which is not read");
    } else if (count == 1) {
        bind(in, manifest, found);
    } else {
        fail(in, manifest ? manifest : active, count ? "assertion.multipleHardBindings" : "claim.hardBindings.missing",
             c2pa_url(in, manifest ? manifest : active, ""),
             count ? "it binds the file's bytes more than once" : "it does not bind the file's bytes");
    }
}

/* ---- Ingredients ------------------------------------------------------------------------------------------------- */

/* Claims before C2PA 1.3 have the digest of the ingredient's claim, not of its box. */
static bool claim_matches(struct c2pa_reader *in, const struct cbor_node *uri, const struct c2pa_manifest *manifest)
{
    const struct cbor_node *own = cbor_get(uri, "alg");
    const char *name = own ? cbor_text(own, in->arena) : *manifest->algorithm ? manifest->algorithm : "sha256";
    int hash = name ? c2pa_hash_find(name) : -1;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    return hash >= 0 && manifest->claim &&
           EVP_Digest(manifest->claim_bytes, manifest->claim_size, digest, &size, c2pa_hash(hash), NULL) &&
           c2pa_digest_is(cbor_get(uri, "hash"), digest, size);
}

static void check_link(struct c2pa_reader *in, struct c2pa_manifest *manifest, const struct c2pa_ingredient *ingredient)
{
    const struct cbor_node *data = ingredient->assertion->data, *uri = cbor_get(data, "activeManifest");
    uri = uri ? uri : cbor_get(data, "c2pa_manifest");
    struct c2pa_manifest *other = ingredient->manifest;
    const char *url = c2pa_url(in, other, "");
    if (box_matches(in, uri, other->algorithm, other->box) == MATCH) {
        c2pa_status_add(in, manifest, C2PA_SUCCESS, "ingredient.manifest.validated", url, "%s",
                        "the ingredient's manifest is the one that was used");
    } else if (is_redacted(in, other, NULL)) { /* its digest is another than it was; its signature's must be the same */
        const struct cbor_node *signature = cbor_get(data, "claimSignature");
        if (signature &&
            (!other->signature_box || box_matches(in, signature, other->algorithm, other->signature_box) != MATCH))
            fail(in, manifest, "ingredient.claimSignature.mismatch", url, "the signature of an ingredient was changed");
    } else if (!claim_matches(in, uri, other)) {
        fail(in, manifest, "ingredient.manifest.mismatch", url, "the manifest of an ingredient was changed");
    }
}

/* Did whoever used the ingredient know of this failure, and sign that he did? */
static bool is_known(const struct cbor_node *data, const char *code)
{
    const struct cbor_node *results =
        cbor_get(cbor_get(cbor_get(data, "validationResults"), "activeManifest"), "failure");
    const struct cbor_node *lists[] = {results, cbor_get(data, "validationStatus")};
    for (size_t i = 0; i < 2; i++)
        for (const struct cbor_node *item = lists[i] && lists[i]->kind == CBOR_ARRAY ? lists[i]->first : NULL; item;
             item = item->next)
            if (cbor_text_is(cbor_get(item, "code"), code))
                return true;
    return false;
}

static void check_manifest(struct c2pa_reader *in, struct c2pa_manifest *manifest, int depth);

static void check_ingredient(struct c2pa_reader *in, struct c2pa_manifest *manifest,
                             const struct c2pa_ingredient *ingredient, int depth)
{
    const char *rest = arena_printf(in->arena, "c2pa.assertions/%s", ingredient->label);
    const char *url = c2pa_url(in, manifest, rest ? rest : "");
    if (!*ingredient->manifest_label) {
        if (strcmp(ingredient->relationship, "inputTo") != 0)
            c2pa_status_add(in, manifest, C2PA_INFORMATIONAL, "ingredient.unknownProvenance", url, "%s",
                            "the ingredient has no manifest");
        return;
    }
    struct c2pa_manifest *other = ingredient->manifest;
    if (!other) {
        fail(in, manifest, "ingredient.manifest.missing", url, "the manifest of an ingredient is missing");
        return;
    }
    if (other->compressed) {
        in->unchecked = true;
        c2pa_problem(in, "the manifest of an ingredient is compressed, which is not read");
        return;
    }
    check_link(in, manifest, ingredient);
    if (other->checked) /* by another way already; a circle ends here too */
        return;
    if (depth >= C2PA_MAX_CHAIN) {
        fail(in, manifest, "general.error", url, "its ingredients go on for more generations than are read");
        return;
    }
    /* what is wrong with the ingredient itself counts unless it was known when it was used */
    struct c2pa_status *before = in->last_status;
    bool failed = in->failed;
    const char *problem = in->report->problem;
    check_manifest(in, other, depth + 1);
    bool news = false;
    for (struct c2pa_status *status = before ? before->next : in->report->statuses; status; status = status->next)
        if (status->severity == C2PA_FAILURE && !status->known) {
            status->known = is_known(ingredient->assertion->data, status->code);
            news |= !status->known;
        }
    if (in->failed && !failed && !news) {
        in->failed = false;
        in->report->problem = problem;
    }
}

static void check_manifest(struct c2pa_reader *in, struct c2pa_manifest *manifest, int depth)
{
    manifest->checked = true;
    if (manifest->failed || !manifest->claim) { /* what parsing found: it is damaged, or has too much of something */
        in->failed = true;
        c2pa_problem(in, manifest->claim ? "parts of a manifest are damaged" : "a claim cannot be read");
    }
    if (!manifest->claim)
        return;
    check_signature(in, manifest);
    check_assertions(in, manifest);
    for (const struct c2pa_ingredient *ingredient = manifest->ingredients; ingredient; ingredient = ingredient->next)
        check_ingredient(in, manifest, ingredient, depth);
}

static void collect_redactions(struct c2pa_reader *in)
{
    for (const struct c2pa_manifest *other = in->report->manifests; other; other = other->next) {
        const struct cbor_node *list = cbor_get(other->claim, "redacted_assertions");
        const struct cbor_node *item = list && list->kind == CBOR_ARRAY ? list->first : NULL;
        for (; item; item = item->next) {
            const char *text = cbor_text(item, in->arena);
            struct c2pa_uri uri;
            if (!text || !c2pa_uri_read(text, &uri) || uri.manifest_length == 0)
                continue;
            if (in->redaction_count >= C2PA_MAX_REDACTIONS) {
                in->unchecked = true;
                c2pa_problem(in, "its claims take out more assertions than are read");
                return;
            }
            in->redactions[in->redaction_count++] = (struct c2pa_redaction){other, uri};
        }
    }
}

void c2pa_check(struct c2pa_reader *in, struct c2pa_manifest *manifest)
{
    collect_redactions(in);
    if (manifest->compressed) {
        in->unchecked = true;
        c2pa_problem(in, "its manifest is compressed, which is not read");
        return;
    }
    check_manifest(in, manifest, 0);
    check_binding(in, manifest);
}
