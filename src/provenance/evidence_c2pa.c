/* evidence_c2pa.c - what a C2PA manifest declares, as evidence for the finding. */
#include <string.h>

#include "provenance/evidence.h"
#include "provenance/words.h"

enum { MAX_EDITS = 8 };

static const char *first_of(const char *a, const char *b)
{
    return a && a[0] ? a : b && b[0] ? b : NULL;
}

/* Actions after which a picture does not look as before. Others convert, resize, publish or wrap it. */
static bool is_edit(const char *action)
{
    static const char *const edits[] = {"c2pa.adjustedColor", "c2pa.color_adjustments",
                                        "c2pa.cropped",       "c2pa.deleted",
                                        "c2pa.drawing",       "c2pa.edited",
                                        "c2pa.enhanced",      "c2pa.filtered",
                                        "c2pa.orientation",   "c2pa.placed",
                                        "c2pa.removed"};
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++)
        if (strcmp(action, edits[i]) == 0)
            return true;
    return false;
}

/* What one action says of the picture, itself or as a part of it. */
static enum finding_kind kind_of_action(const struct c2pa_action *action, const struct c2pa_manifest *manifest,
                                        enum c2pa_role role, const char **says)
{
    bool edits = false;
    enum finding_kind kind = finding_of_source_type(action->source_type, says);
    if (kind == FINDING_NONE && !action->source_type[0]) {
        *says = action->name;
        if (is_edit(action->name))
            kind = FINDING_DECLARED_EDITED;
        else if (strcmp(action->name, "c2pa.created") == 0 &&
                 (words_generator_named(action->agent, &edits) ||
                  words_generator_named(manifest->claim_generator, &edits)))
            kind = edits ? FINDING_DECLARED_EDITED : FINDING_DECLARED_GENERATED;
    }
    if (role == C2PA_ROLE_COMPONENT) /* a part of it is a photograph: that says nothing of the whole */
        return kind >= FINDING_DECLARED_EDITED ? FINDING_DECLARED_EDITED : FINDING_NONE;
    return role == C2PA_ROLE_INPUT ? FINDING_NONE : kind;
}

void evidence_of_c2pa(const struct c2pa_report *report, struct finding_list *list, struct arena *arena)
{
    const struct c2pa_manifest *active = report->active;
    if (report->state == C2PA_DAMAGED) {
        list->problem =
            arena_printf(arena, "damaged C2PA manifest%s%s", report->problem[0] ? ": " : "", report->problem);
        return;
    }
    if (report->state == C2PA_NONE || !active)
        return;
    const struct cose_report *signature = &active->signature;
    struct finding_evidence e = {.place = "C2PA manifest", .reason = report->problem};
    e.strength = report->state == C2PA_INTACT      ? STRENGTH_INTACT
                 : report->state == C2PA_UNCHECKED ? STRENGTH_UNCHECKED
                                                   : STRENGTH_BROKEN;
    e.trust = signature->trusted == COSE_TRUSTED     ? TRUST_LISTED
              : signature->trusted == COSE_UNTRUSTED ? TRUST_NOT_LISTED
                                                     : TRUST_UNASKED;
    e.signer = first_of(signature->signer.organization, signature->signer.common_name);
    for (const struct c2pa_source *s = report->sources; s; s = s->next) {
        e.kind = kind_of_action(s->action, s->manifest, s->role, &e.says);
        e.who = first_of(s->action->agent, s->manifest->claim_generator);
        finding_add(list, &e);
    }
    int edits = 0;
    for (const struct c2pa_action *a = active->actions; a && edits < MAX_EDITS; a = a->next) {
        if (a->source_type[0])
            continue; /* it is among the sources */
        e.kind = kind_of_action(a, active, C2PA_ROLE_ACTIVE, &e.says);
        e.who = first_of(a->agent, active->claim_generator);
        edits += e.kind != FINDING_NONE;
        finding_add(list, &e);
    }
    if (report->state == C2PA_BROKEN)
        list->problem = arena_printf(arena, "the C2PA manifest does not hold: %s", report->problem);
}
