/* finding.c - evidence weighed by the rules of finding.h, and the words for it. */
#include "provenance/finding.h"

#include <stdint.h>
#include <string.h>

#include "base/json_text.h"
#include "provenance/fact.h"

/* ---- Words ----------------------------------------------------------------------------------------------------- */

const char *finding_kind_text(enum finding_kind kind)
{
    switch (kind) {
    case FINDING_NONE: break;
    case FINDING_CAMERA_METADATA: return "camera-metadata";
    case FINDING_DECLARED_CAPTURE: return "declared-capture";
    case FINDING_DECLARED_EDITED: return "declared-edited";
    case FINDING_DECLARED_GENERATED: return "declared-generated";
    }
    return "none";
}

const char *finding_strength_text(enum finding_strength strength)
{
    switch (strength) {
    case STRENGTH_NONE: break;
    case STRENGTH_UNSIGNED: return "unsigned";
    case STRENGTH_BROKEN: return "signed-broken";
    case STRENGTH_UNCHECKED: return "signed-unchecked";
    case STRENGTH_INTACT: return "signed-intact";
    }
    return "none";
}

const char *finding_trust_text(enum finding_trust trust)
{
    return trust == TRUST_LISTED ? "listed" : trust == TRUST_NOT_LISTED ? "not-listed" : "not-asked";
}

static const struct source_type {
    const char *word;
    enum finding_kind kind;
} source_types[] = {
    {"trainedAlgorithmicMedia", FINDING_DECLARED_GENERATED},
    {"algorithmicMedia", FINDING_DECLARED_GENERATED},
    {"compositeWithTrainedAlgorithmicMedia", FINDING_DECLARED_EDITED},
    {"compositeSynthetic", FINDING_DECLARED_EDITED},
    {"compositeCapture", FINDING_DECLARED_EDITED},
    {"algorithmicallyEnhanced", FINDING_DECLARED_EDITED},
    {"humanEdits", FINDING_DECLARED_EDITED},
    {"minorHumanEdits", FINDING_DECLARED_EDITED}, /* the older word for humanEdits */
    {"digitalCapture", FINDING_DECLARED_CAPTURE},
    {"computationalCapture", FINDING_DECLARED_CAPTURE},
    {"negativeFilm", FINDING_DECLARED_CAPTURE},
    {"positiveFilm", FINDING_DECLARED_CAPTURE},
    {"print", FINDING_DECLARED_CAPTURE},
};

enum finding_kind finding_of_source_type(const char *type, const char **word)
{
    const char *slash = strrchr(type, '/'), *colon = strrchr(type, ':');
    *word = slash ? slash + 1 : colon ? colon + 1 : type;
    for (size_t i = 0; i < sizeof source_types / sizeof source_types[0]; i++)
        if (strcmp(*word, source_types[i].word) == 0)
            return source_types[i].kind;
    return FINDING_NONE;
}

const char *finding_disagreement(enum finding_kind kind, assay_verdict verdict)
{
    if (kind == FINDING_DECLARED_GENERATED && verdict == ASSAY_REAL)
        return "the file declares a generated picture; the detector judges it real";
    if (kind == FINDING_DECLARED_CAPTURE && verdict == ASSAY_GENERATED)
        return "the file declares a camera's capture; the detector judges it ai-generated";
    if (kind == FINDING_CAMERA_METADATA && verdict == ASSAY_GENERATED)
        return "the file carries a camera's metadata; the detector judges it ai-generated";
    return NULL;
}

/* ---- Weighing -------------------------------------------------------------------------------------------------- */

void finding_add(struct finding_list *list, const struct finding_evidence *evidence)
{
    if (evidence->kind != FINDING_NONE && list->count < FINDING_MAX_EVIDENCE)
        list->items[list->count++] = *evidence;
}

/* Rule 1. */
static bool outranks(const struct finding_evidence *e)
{
    return e->strength == STRENGTH_INTACT && e->trust != TRUST_NOT_LISTED;
}

/* Rule 2: a number that is greater for what comes first. */
static int rank(const struct finding_evidence *e)
{
    return (outranks(e) ? 100 : 0) + (int)e->kind;
}

/* Whether what speaks for `other` contradicts a finding. An edited picture may have been captured or generated
 * before. */
static bool excludes(enum finding_kind finding, enum finding_kind other)
{
    if (finding == FINDING_DECLARED_GENERATED)
        return other == FINDING_DECLARED_CAPTURE || other == FINDING_CAMERA_METADATA;
    return finding == FINDING_DECLARED_CAPTURE && other == FINDING_DECLARED_GENERATED;
}

/* A copy of at most FINDING_MAX_WORDS bytes that ends at a whole character; NULL stays NULL. */
static const char *copied(struct arena *arena, const char *text, bool *fits)
{
    if (!text || !text[0])
        return NULL;
    size_t size = strnlen(text, FINDING_MAX_WORDS + 1);
    bool cut = size > FINDING_MAX_WORDS;
    if (cut) {
        size = FINDING_MAX_WORDS - 3;
        while (size && ((unsigned char)text[size] & 0xC0) == 0x80)
            size--;
    }
    const char *copy = cut ? arena_printf(arena, "%.*s...", (int)size, text) : arena_strdup(arena, text);
    *fits = *fits && copy;
    return copy;
}

static struct finding_evidence evidence_copy(struct arena *arena, const struct finding_evidence *e, bool *fits)
{
    struct finding_evidence copy = *e;
    copy.place = copied(arena, e->place, fits);
    copy.says = copied(arena, e->says, fits);
    copy.who = copied(arena, e->who, fits);
    copy.signer = copied(arena, e->signer, fits);
    copy.reason = copied(arena, e->reason, fits);
    return copy;
}

/* ---- The sentence ---------------------------------------------------------------------------------------------- */

/* `before`, the text made harmless, `behind`; nothing where the text is NULL. */
static bool say(struct array *out, const char *before, const char *text, const char *behind)
{
    return !text ||
           (array_printf(out, "%s", before) && fact_print_text(text, strlen(text), 2 * FINDING_MAX_WORDS, out) &&
            array_printf(out, "%s", behind));
}

static const char *kind_sentence(enum finding_kind kind)
{
    switch (kind) {
    case FINDING_NONE: break;
    case FINDING_CAMERA_METADATA: return "The file carries the metadata of a camera";
    case FINDING_DECLARED_CAPTURE: return "The file says that a camera took the picture";
    case FINDING_DECLARED_EDITED: return "The file says that the picture was edited";
    case FINDING_DECLARED_GENERATED: return "The file says that an image generator made the picture";
    }
    return "The file does not say how the picture was made";
}

static bool say_strength(struct array *out, const struct finding *f, const struct finding_evidence *e)
{
    switch (f->strength) {
    case STRENGTH_NONE: return true;
    case STRENGTH_UNSIGNED: return say(out, " This stands in the ", e->place, " and is not signed.");
    case STRENGTH_BROKEN:
    case STRENGTH_UNCHECKED:
        return say(out, " This stands in the ", e->place, ", signed") && say(out, " by ", e->signer, "") &&
               array_printf(out, f->strength == STRENGTH_BROKEN ? ", but that does not hold"
                                                                : ", which could not be checked in full") &&
               say(out, ": ", e->reason, "") && array_printf(out, ".");
    case STRENGTH_INTACT: break;
    }
    const char *trust = f->trust == TRUST_LISTED ? "; the signer is on the list that was named."
                        : f->trust == TRUST_NOT_LISTED
                            ? "; the signer is not on the list that was named: anybody can sign so."
                            : "; whether the signer can be trusted was not checked.";
    return say(out, " This stands in the ", e->place, ", signed") && say(out, " by ", e->signer, "") &&
           array_printf(out, " and intact%s", trust);
}

static bool write_sentence(const struct finding *f, struct array *out)
{
    const struct finding_evidence *e = f->evidence;
    bool fits =
        array_printf(out, "%s", kind_sentence(f->kind)) && say(out, " (", f->who, ")") && array_printf(out, ".");
    if (fits && f->kind == FINDING_CAMERA_METADATA)
        fits = array_printf(out, " Whether anything was changed since, they do not tell.");
    if (fits && e)
        fits = say_strength(out, f, e);
    if (fits && f->contradicted)
        fits = array_printf(out, " Other parts of the file say otherwise.");
    if (fits && f->strength != STRENGTH_BROKEN) /* which has its reason */
        fits = say(out, " Something in it is wrong: ", f->problem, ".");
    if (!fits)
        return false;
    return array_printf(out, f->kind == FINDING_NONE ? " That means little: metadata is often stripped, and can be "
                                                       "forged."
                                                     : " Metadata can be stripped or forged.");
}

/* ---- Deciding -------------------------------------------------------------------------------------------------- */

/* Copies the evidence, what the finding rests on first. */
static bool order(const struct finding_list *list, const struct finding_evidence *best, struct finding *f)
{
    struct finding_evidence *copies = arena_alloc(&f->arena, list->count, sizeof *copies);
    bool fits = copies != NULL;
    for (int pass = 0; pass < 2 && fits; pass++) {
        for (size_t i = 0; i < list->count && fits; i++) {
            const struct finding_evidence *e = &list->items[i];
            if ((rank(e) == rank(best)) != (pass == 0))
                continue;
            copies[f->count++] = evidence_copy(&f->arena, e, &fits);
            f->rests_on += pass == 0;
        }
    }
    /* the strongest first: it gives the sentence its place and signer */
    for (size_t i = 1; i < f->rests_on && fits; i++) {
        if (copies[i].strength > copies[0].strength) {
            struct finding_evidence strongest = copies[i];
            memmove(copies + 1, copies, i * sizeof *copies);
            copies[0] = strongest;
        }
    }
    f->evidence = copies;
    return fits;
}

assay_status finding_decide(const struct finding_list *list, struct finding *out, struct assay_error *error)
{
    struct finding f = {0};
    struct array sentence = array_of(1, 8192);
    const struct finding_evidence *best = list->count ? &list->items[0] : NULL;
    for (size_t i = 1; i < list->count; i++)
        if (rank(&list->items[i]) > rank(best))
            best = &list->items[i];
    bool fits = true;
    f.problem = copied(&f.arena, list->problem, &fits);
    if (best && fits) {
        f.kind = best->kind;
        fits = order(list, best, &f);
    }
    if (best && fits) {
        f.strength = f.evidence[0].strength;
        f.trust = f.evidence[0].trust;
        f.signer = f.evidence[0].signer;
        for (size_t i = 0; i < f.rests_on && !f.who; i++)
            f.who = f.evidence[i].who;
        for (size_t i = f.rests_on; i < f.count; i++)
            f.contradicted = f.contradicted || excludes(f.kind, f.evidence[i].kind);
    }
    fits = fits && write_sentence(&f, &sentence);
    f.sentence = fits ? arena_strndup(&f.arena, sentence.data, sentence.count) : NULL;
    array_free(&sentence);
    if (!f.sentence) {
        finding_free(&f);
        return error_memory(error, "what a file says of itself");
    }
    *out = f;
    return ASSAY_OK;
}

void finding_free(struct finding *finding)
{
    arena_free(&finding->arena);
    *finding = (struct finding){0};
}

/* ---- As JSON, and as one text ---------------------------------------------------------------------------------- */

static bool set_text(json_t *object, const char *key, const char *text)
{
    return !text || json_object_set_new(object, key, json_lossy_text(text)) == 0;
}

static json_t *evidence_json(const struct finding_evidence *e)
{
    json_t *object = json_object();
    if (object && set_text(object, "kind", finding_kind_text(e->kind)) &&
        set_text(object, "strength", finding_strength_text(e->strength)) && set_text(object, "place", e->place) &&
        set_text(object, "says", e->says) && set_text(object, "who", e->who) && set_text(object, "signer", e->signer) &&
        set_text(object, "reason", e->reason))
        return object;
    json_decref(object);
    return NULL;
}

json_t *finding_json(const struct finding *f)
{
    json_t *object = json_object(), *rests_on = json_array(), *also = json_array();
    bool fits = object && rests_on && also && set_text(object, "kind", finding_kind_text(f->kind)) &&
                set_text(object, "strength", finding_strength_text(f->strength)) && set_text(object, "who", f->who) &&
                set_text(object, "signer", f->signer);
    if (fits && f->strength > STRENGTH_UNSIGNED)
        fits = set_text(object, "trust", finding_trust_text(f->trust));
    for (size_t i = 0; i < f->count && fits; i++)
        fits = json_array_append_new(i < f->rests_on ? rests_on : also, evidence_json(&f->evidence[i])) == 0;
    fits = fits && json_object_set(object, "rests_on", rests_on) == 0 && json_object_set(object, "also", also) == 0 &&
           json_object_set_new(object, "contradicted", json_boolean(f->contradicted)) == 0 &&
           set_text(object, "problem", f->problem) && set_text(object, "sentence", f->sentence);
    json_decref(rests_on);
    json_decref(also);
    if (fits)
        return object;
    json_decref(object);
    return NULL;
}

bool finding_basis(const struct finding *f, struct array *out)
{
    bool fits = true;
    for (size_t i = 0; i < f->rests_on && fits; i++) {
        bool said = false; /* one place may hold several pieces */
        for (size_t j = 0; j < i && !said; j++)
            said = strcmp(f->evidence[j].place, f->evidence[i].place) == 0;
        if (!said)
            fits = array_printf(out, "%s%s", i ? "; " : "", f->evidence[i].place);
    }
    return fits;
}
