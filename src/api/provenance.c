/* provenance.c - what a file says of itself, behind a handle. */
#include <stdlib.h>

#include "api/api.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "provenance/cose.h"
#include "provenance/provenance.h"

struct assay_provenance {
    struct provenance said;
};

/* The enumerations of the header and those inside are the same. */
_Static_assert((int)FINDING_DECLARED_GENERATED == (int)ASSAY_PROVENANCE_DECLARED_GENERATED &&
                   (int)FINDING_CAMERA_METADATA == (int)ASSAY_PROVENANCE_CAMERA_METADATA &&
                   (int)STRENGTH_INTACT == (int)ASSAY_STRENGTH_SIGNED_INTACT &&
                   (int)STRENGTH_UNSIGNED == (int)ASSAY_STRENGTH_UNSIGNED,
               "kinds and strengths");

assay_status assay_provenance_read_memory(const void *bytes, size_t size, const char *name,
                                          const struct assay_provenance_options *options, struct assay_provenance **out,
                                          struct assay_error *error)
{
    if ((!bytes && size > 0) || !out)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "assay_provenance_read_memory: bytes and out must not be NULL");
    const char *other = NULL;
    struct cose_trust *trust = NULL;
    struct assay_provenance *provenance = NULL;
    if (!name)
        name = "picture in memory";
    if (size == 0 || picture_sniff(bytes, size, &other) == PICTURE_OTHER)
        return error_set(error, ASSAY_ERROR_FORMAT, "%s: %s, not a picture that Assay reads", name,
                         size == 0 ? "empty"
                         : other   ? other
                                   : "an unknown format");
    assay_status status = cose_trust_read(options ? options->trust : NULL, &trust, error);
    if (!status) {
        const struct provenance_options inner = {.trust = trust};
        provenance = mem_alloc(1, sizeof *provenance);
        status = provenance ? provenance_read(bytes, size, &inner, &provenance->said, error)
                            : error_memory(error, "what a file says of itself");
    }
    cose_trust_free(trust);
    if (status) {
        mem_free(provenance);
        return status;
    }
    *out = provenance;
    return ASSAY_OK;
}

assay_status assay_provenance_read_file(const char *path, const struct assay_limits *limits,
                                        const struct assay_provenance_options *options, struct assay_provenance **out,
                                        struct assay_error *error)
{
    if (!path || !out)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "assay_provenance_read_file: path and out must not be NULL");
    uint8_t *bytes = NULL;
    size_t size = 0;
    uint64_t most = limits && limits->max_bytes ? limits->max_bytes : LIMIT_PICTURE_BYTES;
    assay_status status = file_read(path, most, &bytes, &size, error);
    if (!status)
        status = assay_provenance_read_memory(bytes, size, path, options, out, error);
    mem_free(bytes);
    return status;
}

assay_provenance_kind assay_provenance_kind_of(const struct assay_provenance *provenance)
{
    return provenance ? (assay_provenance_kind)provenance->said.finding.kind : ASSAY_PROVENANCE_NONE;
}

assay_provenance_strength assay_provenance_strength_of(const struct assay_provenance *provenance)
{
    return provenance ? (assay_provenance_strength)provenance->said.finding.strength : ASSAY_STRENGTH_NONE;
}

const char *assay_provenance_sentence(const struct assay_provenance *provenance)
{
    return provenance ? provenance->said.finding.sentence : "";
}

const char *assay_provenance_who(const struct assay_provenance *provenance)
{
    return provenance ? provenance->said.finding.who : NULL;
}

const char *assay_provenance_signer(const struct assay_provenance *provenance)
{
    return provenance ? provenance->said.finding.signer : NULL;
}

assay_status assay_provenance_json(const struct assay_provenance *provenance, char **text, struct assay_error *error)
{
    if (!provenance || !text)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "assay_provenance_json: provenance and text must not be NULL");
    json_t *json = provenance_json(&provenance->said);
    char *dumped = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(json);
    if (!dumped)
        return error_memory(error, "what a file says of itself");
    *text = dumped;
    return ASSAY_OK;
}

const char *assay_provenance_kind_text(assay_provenance_kind kind)
{
    return finding_kind_text((enum finding_kind)kind);
}

const char *assay_provenance_strength_text(assay_provenance_strength strength)
{
    return finding_strength_text((enum finding_strength)strength);
}

const char *assay_disagreement(assay_provenance_kind kind, assay_verdict verdict)
{
    return finding_disagreement((enum finding_kind)kind, verdict);
}

void assay_text_free(char *text)
{
    free(text); /* jansson's, which allocates with malloc */
}

void assay_provenance_free(struct assay_provenance *provenance)
{
    if (provenance)
        provenance_free(&provenance->said);
    mem_free(provenance);
}
