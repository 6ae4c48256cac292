/* c2pa_parse.c - a manifest's box as a struct: claim, assertions, actions, ingredients. Nothing is checked here. */
#include <stdio.h>
#include <string.h>

#include "provenance/c2pa_internal.h"

static const uint32_t CBOR_BOX = JUMBF_TYPE('c', 'b', 'o', 'r'), JSON_BOX = JUMBF_TYPE('j', 's', 'o', 'n');

/* "" where the text is missing (or there is no memory, which the arena knows). */
static const char *text_of(struct c2pa_reader *in, const struct cbor_node *node)
{
    const char *text = cbor_text(node, in->arena);
    return text ? text : "";
}

static const char *first_text(struct c2pa_reader *in, const struct cbor_node *map, const char *one, const char *other)
{
    const struct cbor_node *node = cbor_get(map, one);
    return text_of(in, node ? node : cbor_get(map, other));
}

bool c2pa_label_is(const char *label, const char *base)
{
    size_t length = strlen(base);
    if (strncmp(label, base, length) != 0)
        return false;
    const char *rest = label + length;
    if (rest[0] == '.' && rest[1] == 'v') {
        rest += 2;
        rest += strspn(rest, "0123456789");
    }
    return *rest == '\0' || strncmp(rest, "__", 2) == 0;
}

bool c2pa_uri_read(const char *text, struct c2pa_uri *out)
{
    static const char start[] = "self#jumbf=", store[] = "/c2pa/";
    if (strncmp(text, start, sizeof start - 1) != 0)
        return false;
    text += sizeof start - 1;
    *out = (struct c2pa_uri){"", text, 0};
    if (strncmp(text, store, sizeof store - 1) == 0) {
        out->manifest = text + sizeof store - 1;
        out->manifest_length = strcspn(out->manifest, "/");
        out->rest = out->manifest + out->manifest_length;
        out->rest += *out->rest == '/';
    }
    return true;
}

/* ---- Actions ----------------------------------------------------------------------------------------------------- */

/* "NAME VERSION" of a generator, or the text that older claims have. */
static const char *agent_text(struct c2pa_reader *in, const struct cbor_node *agent)
{
    if (!agent || agent->kind == CBOR_TEXT)
        return text_of(in, agent);
    const char *name = text_of(in, cbor_get(agent, "name")), *version = text_of(in, cbor_get(agent, "version"));
    const char *both = *version ? arena_printf(in->arena, "%s %s", name, version) : name;
    return both ? both : "";
}

static void parse_actions(struct c2pa_reader *in, struct c2pa_manifest *manifest,
                          const struct c2pa_assertion *assertion)
{
    const struct cbor_node *list = cbor_get(assertion->data, "actions");
    const struct cbor_node *agents = cbor_get(assertion->data, "softwareAgents");
    struct c2pa_action **end = &manifest->actions;
    while (*end)
        end = &(*end)->next;
    int count = 0;
    const struct cbor_node *item = list && list->kind == CBOR_ARRAY ? list->first : NULL;
    for (; item && count < C2PA_MAX_ACTIONS; item = item->next, count++) {
        struct c2pa_action *action = item->kind == CBOR_MAP ? arena_alloc(in->arena, 1, sizeof *action) : NULL;
        if (!action)
            continue;
        const struct cbor_node *agent = cbor_get(item, "softwareAgent");
        uint64_t index;
        if (!agent && agents && agents->kind == CBOR_ARRAY &&
            cbor_unsigned(cbor_get(item, "softwareAgentIndex"), &index) && index < agents->size &&
            index < C2PA_MAX_ACTIONS)
            for (agent = agents->first; index > 0; index--)
                agent = agent->next;
        action->name = text_of(in, cbor_get(item, "action"));
        action->when = text_of(in, cbor_get(item, "when"));
        action->source_type = text_of(in, cbor_get(item, "digitalSourceType"));
        action->agent = agent_text(in, agent);
        action->description = text_of(in, cbor_get(item, "description"));
        *end = action;
        end = &action->next;
    }
}

/* ---- Ingredients ------------------------------------------------------------------------------------------------- */

static void parse_ingredient(struct c2pa_reader *in, struct c2pa_ingredient ***end, struct c2pa_assertion *assertion)
{
    struct c2pa_ingredient *ingredient = arena_alloc(in->arena, 1, sizeof *ingredient);
    const struct cbor_node *data = assertion->data;
    if (!ingredient)
        return;
    const struct cbor_node *link = cbor_get(data, "activeManifest");
    link = link ? link : cbor_get(data, "c2pa_manifest");
    *ingredient = (struct c2pa_ingredient){.label = assertion->label,
                                           .title = first_text(in, data, "dc:title", "title"),
                                           .format = first_text(in, data, "dc:format", "format"),
                                           .document_id = first_text(in, data, "documentID", "document_id"),
                                           .instance_id = first_text(in, data, "instanceID", "instance_id"),
                                           .relationship = text_of(in, cbor_get(data, "relationship")),
                                           .manifest_label = "",
                                           .assertion = assertion};
    struct c2pa_uri uri;
    if (c2pa_uri_read(text_of(in, cbor_get(link, "url")), &uri) && uri.manifest_length) {
        const char *label = arena_strndup(in->arena, uri.manifest, uri.manifest_length);
        ingredient->manifest_label = label ? label : "";
    }
    **end = ingredient;
    *end = &ingredient->next;
}

/* ---- Assertions -------------------------------------------------------------------------------------------------- */

static bool all_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

static void parse_assertion(struct c2pa_reader *in, struct c2pa_manifest *manifest, struct c2pa_assertion *assertion)
{
    const struct jumbf_box *cbor = jumbf_content(assertion->box, CBOR_BOX);
    const struct jumbf_box *json = jumbf_content(assertion->box, JSON_BOX);
    if (cbor && !all_zero(cbor->payload, cbor->size)) { /* zeros: taken out by a later claim */
        struct cbor_node *data;
        enum cbor_outcome outcome = cbor_read(cbor->payload, cbor->size, in->arena, &data);
        assertion->data = data;
        if (outcome && outcome != CBOR_NO_MEMORY) {
            const char *rest = arena_printf(in->arena, "c2pa.assertions/%s", assertion->label);
            c2pa_status_add(in, manifest, C2PA_FAILURE, "assertion.cbor.invalid",
                            c2pa_url(in, manifest, rest ? rest : ""), "the assertion %s", cbor_outcome_text(outcome));
        }
    }
    if (json) {
        assertion->json = json->payload;
        assertion->json_size = json->size;
    }
}

static void parse_assertions(struct c2pa_reader *in, struct c2pa_manifest *manifest)
{
    struct c2pa_assertion **end = &manifest->assertions;
    struct c2pa_ingredient **ingredients = &manifest->ingredients;
    int count = 0;
    for (struct jumbf_box *box = manifest->assertion_store->first; box; box = box->next) {
        if (box->type != JUMBF_TYPE('j', 'u', 'm', 'b'))
            continue;
        struct c2pa_assertion *assertion = NULL;
        if (++count > C2PA_MAX_ASSERTIONS || !(assertion = arena_alloc(in->arena, 1, sizeof *assertion))) {
            c2pa_status_add(in, manifest, C2PA_FAILURE, "general.error", c2pa_url(in, manifest, "c2pa.assertions"),
                            "more than %d assertions", C2PA_MAX_ASSERTIONS);
            return;
        }
        assertion->box = box;
        assertion->label = box->label;
        parse_assertion(in, manifest, assertion);
        *end = assertion;
        end = &assertion->next;
        if (assertion->data && c2pa_label_is(box->label, "c2pa.actions"))
            parse_actions(in, manifest, assertion);
        else if (assertion->data && c2pa_label_is(box->label, "c2pa.ingredient"))
            parse_ingredient(in, &ingredients, assertion);
    }
}

/* ---- The manifest ------------------------------------------------------------------------------------------------ */

static void parse_claim(struct c2pa_reader *in, struct c2pa_manifest *manifest, struct jumbf_box *box)
{
    const struct jumbf_box *cbor = jumbf_content(box, CBOR_BOX);
    struct cbor_node *claim = NULL;
    enum cbor_outcome outcome = cbor ? cbor_read(cbor->payload, cbor->size, in->arena, &claim) : CBOR_DAMAGED;
    if (outcome || claim->kind != CBOR_MAP) {
        c2pa_status_add(in, manifest, C2PA_FAILURE, "claim.cbor.invalid", c2pa_url(in, manifest, box->label),
                        "the claim %s", outcome ? cbor_outcome_text(outcome) : "is no CBOR map");
        return;
    }
    manifest->claim = claim;
    manifest->claim_bytes = cbor->payload;
    manifest->claim_size = cbor->size;
    manifest->claim_version = strcmp(box->label, "c2pa.claim.v2") == 0 ? 2 : 1;
    manifest->title = first_text(in, claim, "dc:title", "title");
    manifest->format = first_text(in, claim, "dc:format", "format");
    manifest->instance_id = first_text(in, claim, "instanceID", "instance_id");
    manifest->claim_generator = text_of(in, cbor_get(claim, "claim_generator"));
    manifest->algorithm = text_of(in, cbor_get(claim, "alg"));
    manifest->generator_info = cbor_get(claim, "claim_generator_info");
}

void c2pa_parse(struct c2pa_reader *in, struct c2pa_manifest *manifest)
{
    int claims = 0, stores = 0, signatures = 0;
    struct jumbf_box *claim = NULL;
    for (struct jumbf_box *box = manifest->box->first; box; box = box->next) {
        if (jumbf_is(box, "c2cl")) {
            claim = box;
            claims++;
        } else if (jumbf_is(box, "c2as")) {
            manifest->assertion_store = box;
            stores++;
        } else if (jumbf_is(box, "c2cs")) {
            manifest->signature_box = box;
            signatures++;
        }
    }
    const char *url = c2pa_url(in, manifest, "");
    if (claims == 1)
        parse_claim(in, manifest, claim);
    else
        c2pa_status_add(in, manifest, C2PA_FAILURE, claims ? "claim.multiple" : "claim.missing", url,
                        claims ? "more than one claim" : "no claim");
    if (stores == 1)
        parse_assertions(in, manifest);
    else
        c2pa_status_add(in, manifest, C2PA_FAILURE, "general.error", url,
                        stores ? "more than one box of assertions" : "no box of assertions");
    if (signatures != 1)
        c2pa_status_add(in, manifest, C2PA_FAILURE, signatures ? "general.error" : "claimSignature.missing", url,
                        signatures ? "more than one signature" : "no signature");
}
