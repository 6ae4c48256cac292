/* c2pa_internal.h - what the files of c2pa share: digests, statuses, and where a hashed URI leads. */
#ifndef ASSAY_PROVENANCE_C2PA_INTERNAL_H
#define ASSAY_PROVENANCE_C2PA_INTERNAL_H

#include <openssl/evp.h>

#include "provenance/c2pa.h"

/* A JUMBF URI: the manifest's label ("" the manifest that the URI stands in) and what follows it. */
struct c2pa_uri {
    const char *manifest, *rest; /* `manifest` is not NUL-terminated */
    size_t manifest_length;
};

enum { C2PA_MAX_REDACTIONS = 500 }; /* in all claims */

/* An assertion that a claim takes out of a manifest before it. */
struct c2pa_redaction {
    const struct c2pa_manifest *by;
    struct c2pa_uri uri;
};

struct c2pa_reader {
    struct c2pa_report *report;
    const struct c2pa_input *input;
    const struct cose_trust *trust;
    int64_t now;
    struct arena *arena; /* the report's */
    struct c2pa_status *last_status;
    struct c2pa_source *last_source;
    int source_count;
    struct c2pa_redaction redactions[C2PA_MAX_REDACTIONS];
    int redaction_count;
    bool damaged;   /* something of the store cannot be read */
    bool failed;    /* something that counts does not hold */
    bool unchecked; /* something cannot be checked here */
};

/* ---- c2pa.c ------------------------------------------------------------------------------------------------------ */

void c2pa_status_add(struct c2pa_reader *in, struct c2pa_manifest *manifest, enum c2pa_severity severity,
                     const char *code, const char *url, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Names what is wrong, in a phrase; the report keeps the first. */
void c2pa_problem(struct c2pa_reader *in, const char *problem);

/* "self#jumbf=/c2pa/LABEL/REST", for statuses. "" where there is no memory. */
const char *c2pa_url(struct c2pa_reader *in, const struct c2pa_manifest *manifest, const char *rest);

/* ---- c2pa_parse.c: a manifest's box into the struct -------------------------------------------------------------- */

void c2pa_parse(struct c2pa_reader *in, struct c2pa_manifest *manifest);

/* Does the label mean this assertion, whatever its version and number ("c2pa.actions.v2", "c2pa.actions__1")? */
bool c2pa_label_is(const char *label, const char *base);

/* False: no such URI. */
bool c2pa_uri_read(const char *text, struct c2pa_uri *out);

/* ---- c2pa_check.c: signature, assertions, ingredients of a manifest ---------------------------------------------- */

/* Checks the manifest and those that it leads to. */
void c2pa_check(struct c2pa_reader *in, struct c2pa_manifest *manifest);

/* ---- Digests ----------------------------------------------------------------------------------------------------- */

/* By C2PA's name of a hash ("sha256", "sha384", "sha512"): 0 to JUMBF_DIGESTS - 1, or -1. */
int c2pa_hash_find(const char *name);
const EVP_MD *c2pa_hash(int which);

/* Is `wanted` the digest of these bytes? */
bool c2pa_digest_is(const struct cbor_node *wanted, const uint8_t *digest, size_t size);

/* ---- c2pa_binding.c, c2pa_bmff.c, c2pa_boxes.c: the hard binding ------------------------------------------------- */

/* What became of one hard binding; `problem` a phrase. */
struct c2pa_bound {
    enum c2pa_binding outcome;
    const char *problem;
    uint64_t unbound;
    bool additional; /* more is left out than the manifest */
};

/* `update`: an update manifest lies after it in the store, which therefore is larger than when this was signed. */
void c2pa_bind_data(const struct c2pa_input *input, const struct cbor_node *hash, const char *algorithm, bool update,
                    struct arena *arena, struct c2pa_bound *out);
void c2pa_bind_bmff(const struct c2pa_input *input, const struct cbor_node *hash, const char *algorithm, int version,
                    struct arena *arena, struct c2pa_bound *out);
void c2pa_bind_boxes(const struct c2pa_input *input, const struct cbor_node *hash, const char *algorithm,
                     struct arena *arena, struct c2pa_bound *out);

/* A range of the file. */
struct c2pa_range {
    uint64_t begin, end;
};

/* Sorts by begin and merges what overlaps; how many are left. */
size_t c2pa_ranges_merge(struct c2pa_range *ranges, size_t count);

/* How many bytes of the merged ranges lie outside the blocks of the manifest. */
uint64_t c2pa_ranges_outside(const struct c2pa_input *input, const struct c2pa_range *ranges, size_t count,
                             struct arena *arena);

#endif
