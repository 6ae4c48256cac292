/* c2pa_facts.c - the report as facts, under the names that c2patool's JSON has where it has them. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "provenance/c2pa_internal.h"

static void text(struct fact_tree *tree, struct fact *parent, const char *name, const char *value)
{
    if (value && *value)
        fact_text(tree, parent, name, value);
}

/* ---- JSON assertions --------------------------------------------------------------------------------------------- */

static void append_json(struct fact_tree *tree, struct fact *parent, const char *name, const json_t *value,
                        size_t *left)
{
    const char *key;
    const json_t *item;
    size_t index;
    if (*left == 0 || !parent)
        return;
    --*left;
    switch (json_typeof(value)) {
    case JSON_OBJECT: {
        struct fact *group = fact_group(tree, parent, name);
        json_object_foreach((json_t *)value, key, item) append_json(tree, group, key, item, left);
        break;
    }
    case JSON_ARRAY: {
        struct fact *list = fact_list(tree, parent, name);
        json_array_foreach(value, index, item) append_json(tree, list, NULL, item, left);
        break;
    }
    case JSON_STRING: fact_text_n(tree, parent, name, json_string_value(value), json_string_length(value)); break;
    case JSON_INTEGER: fact_integer(tree, parent, name, json_integer_value(value)); break;
    case JSON_REAL: fact_real(tree, parent, name, json_real_value(value)); break;
    case JSON_TRUE:
    case JSON_FALSE: fact_bool(tree, parent, name, json_is_true(value)); break;
    case JSON_NULL: fact_text(tree, parent, name, "null"); break;
    }
}

static void json_facts(struct fact_tree *tree, struct fact *parent, const struct c2pa_assertion *assertion)
{
    json_error_t error;
    size_t left = CBOR_MAX_SHOWN;
    json_t *value = NULL;
    if (assertion->json_size <= C2PA_MAX_JSON)
        value =
            json_loadb((const char *)assertion->json, assertion->json_size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (value)
        append_json(tree, parent, "data", value, &left);
    else
        fact_problem(tree, parent, "%s",
                     assertion->json_size > C2PA_MAX_JSON ? "its JSON is too long to be shown"
                                                          : "its JSON cannot be read");
    if (left == 0)
        fact_problem(tree, parent, "more than %d items, of which the first are shown", CBOR_MAX_SHOWN);
    json_decref(value);
}

/* ---- A manifest -------------------------------------------------------------------------------------------------- */

static void signature_facts(struct fact_tree *tree, struct fact *parent, const struct c2pa_manifest *manifest)
{
    static const char *const credentials[] = {"good", "expired", "not valid yet", "unsuitable"};
    static const char *const trust[] = {"not checked: no list of trust was named", "trusted by the list that was named",
                                        "not trusted by the list that was named"};
    const struct cose_report *signature = &manifest->signature;
    const struct cose_stamp *stamp = &signature->stamp;
    struct fact *group = fact_group(tree, parent, "signature_info");
    fact_text(tree, group, "signature", signature->outcome == COSE_VALID ? "valid" : "not valid");
    text(tree, group, "problem", signature->problem);
    text(tree, group, "alg", signature->algorithm);
    text(tree, group, "common_name", signature->signer.common_name);
    text(tree, group, "issuer", signature->signer.organization); /* c2patool's word for the signer's organization */
    text(tree, group, "issued_by_common_name", signature->signer.issuer_common_name);
    text(tree, group, "issued_by_organization", signature->signer.issuer_organization);
    text(tree, group, "cert_serial_number", signature->signer.serial);
    text(tree, group, "not_before", signature->signer.not_before);
    text(tree, group, "not_after", signature->signer.not_after);
    if (signature->certificates) {
        fact_integer(tree, group, "certificates", signature->certificates);
        fact_text(tree, group, "certificate", credentials[signature->credential]);
        text(tree, group, "certificate_problem", signature->credential_problem);
        fact_text(tree, group, "trust", trust[signature->trusted]);
        text(tree, group, "trust_problem", signature->trust_problem);
    }
    if (stamp->present) {
        text(tree, group, "time", stamp->time);
        fact_bool(tree, group, "time_verified", stamp->verified);
        text(tree, group, "time_authority", stamp->authority);
        text(tree, group, "time_problem", stamp->problem);
        if (stamp->verified)
            fact_text(tree, group, "time_trust", trust[stamp->trusted]);
    }
    if (signature->padded)
        fact_problem(tree, group, "%s", "its padding, which nobody signed, is not empty");
}

static void assertion_facts(struct fact_tree *tree, struct fact *list, const struct c2pa_manifest *manifest,
                            const struct c2pa_assertion *assertion)
{
    struct fact *group = fact_group(tree, list, NULL);
    fact_text(tree, group, "label", assertion->label);
    if (manifest->checked)
        fact_text(tree, group, "state",
                  assertion->redacted  ? "taken out by a later claim"
                  : assertion->matches ? "as signed"
                  : assertion->claimed ? "not as signed"
                                       : "not named by the claim");
    if (assertion->data)
        cbor_facts(tree, group, "data", assertion->data);
    else if (assertion->json)
        json_facts(tree, group, assertion);
    else
        fact_integer(tree, group, "bytes", (int64_t)assertion->box->size);
}

static void ingredient_facts(struct fact_tree *tree, struct fact *list, const struct c2pa_ingredient *ingredient)
{
    struct fact *group = fact_group(tree, list, NULL);
    text(tree, group, "title", ingredient->title);
    text(tree, group, "format", ingredient->format);
    text(tree, group, "document_id", ingredient->document_id);
    text(tree, group, "instance_id", ingredient->instance_id);
    text(tree, group, "relationship", ingredient->relationship);
    text(tree, group, "active_manifest", ingredient->manifest_label);
    text(tree, group, "label", ingredient->label);
}

static void manifest_facts(struct fact_tree *tree, struct fact *list, const struct c2pa_manifest *manifest)
{
    struct fact *group = fact_group(tree, list, NULL);
    fact_text(tree, group, "label", manifest->label);
    if (manifest->compressed)
        fact_problem(tree, group, "%s", "it is compressed, which is not read");
    if (manifest->update)
        fact_bool(tree, group, "update", true);
    if (manifest->claim_version)
        fact_integer(tree, group, "claim_version", manifest->claim_version);
    text(tree, group, "claim_generator", manifest->claim_generator);
    if (manifest->generator_info && manifest->generator_info->kind == CBOR_MAP) { /* one of claims of version 2 */
        struct fact *infos = fact_list(tree, group, "claim_generator_info");
        cbor_facts(tree, infos, NULL, manifest->generator_info);
    } else {
        cbor_facts(tree, group, "claim_generator_info", manifest->generator_info);
    }
    text(tree, group, "title", manifest->title);
    text(tree, group, "format", manifest->format);
    text(tree, group, "instance_id", manifest->instance_id);
    if (manifest->checked)
        signature_facts(tree, group, manifest);
    struct fact *ingredients = manifest->ingredients ? fact_list(tree, group, "ingredients") : NULL;
    for (const struct c2pa_ingredient *one = manifest->ingredients; one; one = one->next)
        ingredient_facts(tree, ingredients, one);
    struct fact *assertions = manifest->assertions ? fact_list(tree, group, "assertions") : NULL;
    for (const struct c2pa_assertion *one = manifest->assertions; one; one = one->next)
        assertion_facts(tree, assertions, manifest, one);
}

/* ---- The store --------------------------------------------------------------------------------------------------- */

static void source_facts(struct fact_tree *tree, struct fact *parent, const struct c2pa_report *report)
{
    static const char *const roles[] = {"the picture", "what it was made from", "a part of it", "an input to it"};
    struct fact *list = report->sources ? fact_list(tree, parent, "digital_source_types") : NULL;
    for (const struct c2pa_source *source = report->sources; source; source = source->next) {
        struct fact *group = fact_group(tree, list, NULL);
        fact_text(tree, group, "digitalSourceType", source->action->source_type);
        fact_text(tree, group, "of", roles[source->role]);
        text(tree, group, "action", source->action->name);
        text(tree, group, "softwareAgent", source->action->agent);
        text(tree, group, "when", source->action->when);
        text(tree, group, "manifest", source->manifest->label);
    }
}

static void status_facts(struct fact_tree *tree, struct fact *parent, const struct c2pa_report *report)
{
    static const char *const kinds[] = {"success", "informational", "failure"};
    struct fact *group = report->statuses ? fact_group(tree, parent, "validation_results") : NULL;
    for (int kind = C2PA_FAILURE; kind >= 0; kind--) {
        struct fact *list = NULL;
        for (const struct c2pa_status *status = report->statuses; status; status = status->next) {
            if ((int)status->severity != kind)
                continue;
            list = list ? list : fact_list(tree, group, kinds[kind]);
            struct fact *one = fact_group(tree, list, NULL);
            fact_text(tree, one, "code", status->code);
            fact_text(tree, one, "url", status->url);
            fact_text(tree, one, "explanation", status->explanation);
            if (status->known)
                fact_bool(tree, one, "known_when_it_was_used", true);
        }
    }
}

void c2pa_facts(struct fact_tree *tree, struct fact *parent, const struct c2pa_report *report)
{
    static const char *const bindings[] = {"", "match", "mismatch", "not checked"};
    if (report->state == C2PA_NONE)
        return;
    struct fact *group = fact_group(tree, parent, "c2pa");
    fact_text(tree, group, "state", c2pa_state_text(report->state));
    if (*report->problem)
        fact_printf(tree, group, "problem", "%s%s", report->state == C2PA_DAMAGED ? "damaged C2PA manifest: " : "",
                    report->problem);
    fact_bool(tree, group, "valid", report->valid);
    if (report->binding != C2PA_BINDING_NONE) {
        struct fact *binding = fact_group(tree, group, "binding");
        fact_text(tree, binding, "kind", report->binding_label);
        fact_text(tree, binding, "state", bindings[report->binding]);
        fact_integer(tree, binding, "unbound_bytes", (int64_t)report->unbound);
    }
    if (report->active)
        fact_text(tree, group, "active_manifest", report->active->label);
    source_facts(tree, group, report);
    struct fact *list = report->manifests ? fact_list(tree, group, "manifests") : NULL;
    for (const struct c2pa_manifest *manifest = report->manifests; manifest; manifest = manifest->next)
        manifest_facts(tree, list, manifest);
    status_facts(tree, group, report);
}
