/* c2pa.h - C2PA: who says, signed, how a picture came to be. Reads the manifest store of a file (JUMBF, CBOR), claims
 * of version 1 and 2, their assertions, actions and ingredients, and checks what can be checked without a network: that
 * the picture's bytes are those that were signed for (hard binding), that the assertions are those of the claim, that
 * the claim was signed by the key of its certificate, and, only against a list that the user named, whom that
 * certificate leads to. What is found wrong is a finding, never an error: everything here may have been written by a
 * stranger with bad intent.
 *
 * Specification: https://spec.c2pa.org/specifications/specifications/2.2/specs/C2PA_Specification.html */
#ifndef ASSAY_PROVENANCE_C2PA_H
#define ASSAY_PROVENANCE_C2PA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "provenance/cbor.h"
#include "provenance/container.h"
#include "provenance/cose.h"
#include "provenance/fact.h"
#include "provenance/jumbf.h"

enum {
    C2PA_MAX_MEMORY = 10 << 20, /* bytes taken while one is read */
    C2PA_MAX_MANIFESTS = 200,
    C2PA_MAX_ASSERTIONS = 1000, /* of one manifest */
    C2PA_MAX_ACTIONS = 1000,    /* of one assertion */
    C2PA_MAX_STATUSES = 5000,
    C2PA_MAX_SOURCES = 500,
    C2PA_MAX_CHAIN = 64,    /* ingredients of ingredients */
    C2PA_MAX_JSON = 1 << 20 /* bytes of a JSON assertion that is shown as more than a text */
};

enum c2pa_state {
    C2PA_NONE,      /* the file has no manifest */
    C2PA_INTACT,    /* signed, and everything that was checked holds */
    C2PA_UNCHECKED, /* nothing is wrong, but something cannot be checked here: `problem` */
    C2PA_BROKEN,    /* something does not hold: `problem` */
    C2PA_DAMAGED    /* there is a manifest, but it cannot be read: `problem` */
};

/* "none", "intact", "unchecked", "broken", "damaged". */
const char *c2pa_state_text(enum c2pa_state state);

struct c2pa_manifest;

/* One thing that was checked. `code` is a code of the specification (section 15.2), such as
 * "assertion.dataHash.match". */
enum c2pa_severity { C2PA_SUCCESS, C2PA_INFORMATIONAL, C2PA_FAILURE };

struct c2pa_status {
    enum c2pa_severity severity;
    const char *code, *url, *explanation;
    const struct c2pa_manifest *manifest; /* that it is about; NULL: the store */
    bool known; /* a failure of an ingredient that whoever used it knew, and signed: not one of this file */
    struct c2pa_status *next;
};

struct c2pa_assertion {
    const char *label; /* "c2pa.actions.v2", "c2pa.ingredient.v3__1" */
    struct jumbf_box *box;
    const struct cbor_node *data; /* of a CBOR assertion that can be read, else NULL */
    const uint8_t *json;          /* of a JSON assertion, else NULL */
    size_t json_size;
    bool claimed;  /* the claim names it */
    bool matches;  /* and it is the one that the claim means */
    bool redacted; /* a later claim took it out */
    struct c2pa_assertion *next;
};

struct c2pa_action {
    const char *name;        /* "c2pa.created" */
    const char *when;        /* "" not told. All texts here are as the claim has them */
    const char *source_type; /* digitalSourceType, an URI; "" */
    const char *agent;       /* softwareAgent with version; "" */
    const char *description;
    struct c2pa_action *next;
};

struct c2pa_ingredient {
    const char *label;                                                     /* of its assertion */
    const char *title, *format, *document_id, *instance_id, *relationship; /* "" where not told */
    const char *manifest_label;                                            /* "" without a manifest of its own */
    struct c2pa_manifest *manifest;                                        /* NULL: it has none, or it is missing */
    struct c2pa_assertion *assertion;
    struct c2pa_ingredient *next;
};

struct c2pa_manifest {
    const char *label; /* "urn:c2pa:..." */
    struct jumbf_box *box;
    bool update;       /* an update manifest: it binds nothing, its parent does */
    bool compressed;   /* not read */
    int claim_version; /* 1, 2; 0: no claim that can be read */
    const char *title, *format, *instance_id, *claim_generator, *algorithm; /* "" where not told */
    const struct cbor_node *claim;                                          /* NULL: none that can be read */
    const struct cbor_node *generator_info;
    const uint8_t *claim_bytes;
    size_t claim_size;
    struct jumbf_box *assertion_store, *signature_box;
    struct c2pa_assertion *assertions;
    struct c2pa_action *actions;
    struct c2pa_ingredient *ingredients;
    bool checked; /* it is the active one, or an ingredient of it; the signature is then in `signature` */
    bool failed;  /* a check of this manifest failed */
    struct cose_report signature;
    struct c2pa_manifest *next;
};

/* Where a source type was declared: in the active manifest or its line of parents, or in a part of the picture. */
enum c2pa_role { C2PA_ROLE_ACTIVE, C2PA_ROLE_PARENT, C2PA_ROLE_COMPONENT, C2PA_ROLE_INPUT };

struct c2pa_source {
    const struct c2pa_manifest *manifest;
    const struct c2pa_action *action; /* with a source type */
    enum c2pa_role role;
    struct c2pa_source *next;
};

enum c2pa_binding {
    C2PA_BINDING_NONE, /* the claim binds no bytes */
    C2PA_BINDING_MATCH,
    C2PA_BINDING_MISMATCH,
    C2PA_BINDING_UNCHECKED /* a kind that is not checked here */
};

struct c2pa_report {
    enum c2pa_state state;
    const char *problem; /* a phrase such as "the picture was changed after it was signed"; "" where there is none */
    enum c2pa_binding binding;
    const char *binding_label;                /* "c2pa.hash.data"; "" */
    uint64_t unbound;                         /* bytes of the file outside the manifest that the binding leaves out */
    struct c2pa_manifest *manifests, *active; /* in the order of the file; active: the last, NULL in a damaged store */
    int manifest_count;
    struct c2pa_status *statuses;
    int status_count;
    struct c2pa_source *sources; /* the active manifest's first, then by ingredients */
    bool valid; /* no failure at all: with a certificate that may sign (see cose_credential), as c2patool counts */
    struct arena arena; /* of all the above */
};

/* A manifest store, and the file that it speaks of. */
struct c2pa_input {
    const uint8_t *file;
    size_t file_size;
    const uint8_t *store; /* its JUMBF bytes, put together */
    size_t store_size;
    const struct container_range *ranges; /* where they lie in the file */
    size_t range_count;
};

/* Reads and checks the store of a file whose blocks are listed. `trust` may be NULL; `now`: seconds since 1970. The
 * report points into the container, which must outlive it, and is freed with c2pa_free whatever the outcome. Fails only
 * for want of memory. */
assay_status c2pa_read(const struct container *container, const struct cose_trust *trust, int64_t now,
                       struct c2pa_report *out, struct assay_error *error);

/* The same of a store that somebody else found. */
assay_status c2pa_read_store(const struct c2pa_input *input, const struct cose_trust *trust, int64_t now,
                             struct c2pa_report *out, struct assay_error *error);
void c2pa_free(struct c2pa_report *report);

/* Appends everything in the report as a group "c2pa" with names as in the JSON of c2patool where it has them. */
void c2pa_facts(struct fact_tree *tree, struct fact *parent, const struct c2pa_report *report);

#endif
