/* finding.h - what all that a file says of itself comes to: a kind, what it rests on, how strong that is, and a
 * sentence in plain words. It stands beside the verdict of the network and never changes it.
 *
 * How a finding is made of pieces of evidence, each of which has a kind and a strength:
 *
 * 1. A statement that is signed and intact outranks all that is not. (A signature by somebody who is not on the list
 * that the user named, or that could not be checked, or that does not hold, ranks with what is unsigned: anybody can
 * make one.)
 * 2. Of equal rank, the kinds in the order of enum finding_kind, the last first: that a generator made the picture
 * is the most particular statement and the one that nobody makes by accident; then that it was edited; then that a
 * camera took it; then that a camera's metadata is there, which copies of the picture keep whatever was done to it.
 * 3. The strength is the best among the pieces of that kind and rank; who and where are those of the first such
 * piece.
 * 4. What speaks for another kind stays in the list behind. Where it and the finding cannot both be true,
 * `contradicted`. */
#ifndef ASSAY_PROVENANCE_FINDING_H
#define ASSAY_PROVENANCE_FINDING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "assay/assay.h"
#include "base/arena.h"
#include "base/array.h"
#include "base/error.h"

enum { FINDING_MAX_EVIDENCE = 64, FINDING_MAX_WORDS = 120 };

enum finding_kind {
    FINDING_NONE,
    FINDING_CAMERA_METADATA,   /* EXIF names a camera */
    FINDING_DECLARED_CAPTURE,  /* the file says that a camera took it */
    FINDING_DECLARED_EDITED,   /* that it was altered, by a generator or by hand */
    FINDING_DECLARED_GENERATED /* that a generator made it */
};

enum finding_strength {
    STRENGTH_NONE, /* of FINDING_NONE */
    STRENGTH_UNSIGNED,
    STRENGTH_BROKEN,    /* signed, but the signature or the picture's hash does not hold */
    STRENGTH_UNCHECKED, /* signed; nothing is wrong, but something could not be checked */
    STRENGTH_INTACT     /* signed, and everything holds */
};

enum finding_trust {
    TRUST_UNASKED,   /* no list was named, or nothing is signed */
    TRUST_LISTED,    /* the signer's certificate leads to the list that the user named */
    TRUST_NOT_LISTED /* it does not */
};

/* One thing that the file says. Texts may be NULL. */
struct finding_evidence {
    enum finding_kind kind;
    enum finding_strength strength;
    enum finding_trust trust;
    const char *place;  /* "PNG text \"parameters\"", "C2PA manifest"; never NULL */
    const char *says;   /* "trainedAlgorithmicMedia" */
    const char *who;    /* the generator, editor or camera that it names */
    const char *signer; /* of signed ones */
    const char *reason; /* of broken and unchecked ones: why */
};

/* Texts live in `arena`. */
struct finding {
    struct arena arena;
    enum finding_kind kind;
    enum finding_strength strength;
    enum finding_trust trust;
    const char *who, *signer;                /* NULL: not told */
    const char *sentence;                    /* several sentences, without a line break */
    const struct finding_evidence *evidence; /* what it rests on first, then the rest in the order of the file */
    size_t count, rests_on;
    bool contradicted;
    const char *problem; /* a phrase, such as "damaged C2PA manifest: ..."; NULL */
};

/* The pieces as they are found. */
struct finding_list {
    struct finding_evidence items[FINDING_MAX_EVIDENCE];
    size_t count;
    const char *problem; /* the first that is worth telling */
};

/* Adds a piece; beyond the maximum, and of FINDING_NONE, nothing. Texts are kept by reference. */
void finding_add(struct finding_list *list, const struct finding_evidence *evidence);

/* Makes the finding; texts are copied and cut to FINDING_MAX_WORDS bytes. MEMORY is the only error. */
assay_status finding_decide(const struct finding_list *list, struct finding *out, struct assay_error *error);

void finding_free(struct finding *finding); /* a zeroed one is fine */

/* What a digital source type of IPTC declares (https://cv.iptc.org/newscodes/digitalsourcetype/): the address, or
 * its last word alone. FINDING_NONE: neither generated, edited nor captured, or unknown. *word: the last word. */
enum finding_kind finding_of_source_type(const char *type, const char **word);

/* "none", "camera-metadata", "declared-capture", "declared-edited", "declared-generated". */
const char *finding_kind_text(enum finding_kind kind);
/* "none", "unsigned", "signed-broken", "signed-unchecked", "signed-intact". */
const char *finding_strength_text(enum finding_strength strength);
/* "not-asked", "listed", "not-listed". */
const char *finding_trust_text(enum finding_trust trust);

/* Where what the file declares and what the network judges cannot both be true: a sentence's worth that names both.
 * NULL: they can. A picture that is declared edited may be judged either way. */
const char *finding_disagreement(enum finding_kind kind, assay_verdict verdict);

/* {"kind", "strength", "trust", "who", "signer", "rests_on": [...], "also": [...], "contradicted", "problem",
 * "sentence"}; what is not known is left out. The caller's reference; NULL: no memory. */
json_t *finding_json(const struct finding *finding);

/* What it rests on as one text: "PNG text \"prompt\"; XMP Credit". False: no memory. */
bool finding_basis(const struct finding *finding, struct array *out);

#endif
