/* c2pa.c - the manifest store of a file: which manifests, which one is active, and what the checks add up to. */
#include "provenance/c2pa.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "provenance/c2pa_internal.h"

const char *c2pa_state_text(enum c2pa_state state)
{
    static const char *const words[] = {"none", "intact", "unchecked", "broken", "damaged"};
    return words[state];
}

/* ---- Statuses ---------------------------------------------------------------------------------------------------- */

void c2pa_status_add(struct c2pa_reader *in, struct c2pa_manifest *manifest, enum c2pa_severity severity,
                     const char *code, const char *url, const char *format, ...)
{
    char text[256];
    va_list arguments;
    if (severity == C2PA_FAILURE && manifest)
        manifest->failed = true;
    if (in->report->status_count >= C2PA_MAX_STATUSES) {
        in->unchecked = true;
        c2pa_problem(in, "it holds more than is checked");
        return;
    }
    struct c2pa_status *status = arena_alloc(in->arena, 1, sizeof *status);
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const char *explanation = arena_strdup(in->arena, text);
    if (!status || !explanation)
        return;
    *status = (struct c2pa_status){
        .severity = severity, .code = code, .url = url, .explanation = explanation, .manifest = manifest};
    if (in->last_status)
        in->last_status->next = status;
    else
        in->report->statuses = status;
    in->last_status = status;
    in->report->status_count++;
}

void c2pa_problem(struct c2pa_reader *in, const char *problem)
{
    if (!*in->report->problem)
        in->report->problem = problem;
}

const char *c2pa_url(struct c2pa_reader *in, const struct c2pa_manifest *manifest, const char *rest)
{
    const char *url = arena_printf(in->arena, "self#jumbf=/c2pa/%s%s%s", manifest->label, *rest ? "/" : "", rest);
    return url ? url : "";
}

/* ---- Digests ----------------------------------------------------------------------------------------------------- */

int c2pa_hash_find(const char *name)
{
    static const char *const names[JUMBF_DIGESTS] = {"sha256", "sha384", "sha512"};
    for (int i = 0; i < JUMBF_DIGESTS; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return -1;
}

const EVP_MD *c2pa_hash(int which)
{
    return which == 0 ? EVP_sha256() : which == 1 ? EVP_sha384() : EVP_sha512();
}

bool c2pa_digest_is(const struct cbor_node *wanted, const uint8_t *digest, size_t size)
{
    return wanted && wanted->kind == CBOR_BYTES && wanted->size == size && memcmp(wanted->bytes, digest, size) == 0;
}

/* ---- The store --------------------------------------------------------------------------------------------------- */

static void read_manifests(struct c2pa_reader *in, const struct jumbf_box *store)
{
    struct c2pa_report *report = in->report;
    struct c2pa_manifest **end = &report->manifests;
    for (struct jumbf_box *box = store->first; box; box = box->next) {
        bool standard = jumbf_is(box, "c2ma"), update = jumbf_is(box, "c2um"), compressed = jumbf_is(box, "c2cm");
        if (!standard && !update && !compressed)
            continue;
        if (report->manifest_count >= C2PA_MAX_MANIFESTS) {
            in->unchecked = true;
            c2pa_problem(in, "it holds more manifests than are read");
            return;
        }
        struct c2pa_manifest *manifest = arena_alloc(in->arena, 1, sizeof *manifest);
        if (!manifest)
            return;
        *manifest = (struct c2pa_manifest){.label = box->label,
                                           .box = box,
                                           .update = update,
                                           .compressed = compressed,
                                           .title = "",
                                           .format = "",
                                           .instance_id = "",
                                           .claim_generator = "",
                                           .algorithm = ""};
        for (const struct c2pa_manifest *other = report->manifests; other; other = other->next)
            if (strcmp(other->label, manifest->label) == 0) {
                in->damaged = true;
                c2pa_problem(in, "two of its manifests have the same name");
            }
        *end = manifest;
        end = &manifest->next;
        report->active = manifest;
        report->manifest_count++;
    }
}

static void link_ingredients(struct c2pa_report *report)
{
    for (struct c2pa_manifest *manifest = report->manifests; manifest; manifest = manifest->next)
        for (struct c2pa_ingredient *ingredient = manifest->ingredients; ingredient; ingredient = ingredient->next) {
            struct c2pa_manifest *other = *ingredient->manifest_label ? report->manifests : NULL;
            while (other && strcmp(other->label, ingredient->manifest_label) != 0)
                other = other->next;
            ingredient->manifest = other;
        }
}

/* ---- Where source types are declared ----------------------------------------------------------------------------- */

static enum c2pa_role ingredient_role(enum c2pa_role role, const struct c2pa_ingredient *ingredient)
{
    if (role == C2PA_ROLE_COMPONENT || role == C2PA_ROLE_INPUT)
        return role;
    return strcmp(ingredient->relationship, "parentOf") == 0  ? C2PA_ROLE_PARENT
           : strcmp(ingredient->relationship, "inputTo") == 0 ? C2PA_ROLE_INPUT
                                                              : C2PA_ROLE_COMPONENT;
}

/* Once through every manifest, the way that comes first: parents before components. */
static void collect_sources(struct c2pa_reader *in, struct c2pa_manifest *manifest, enum c2pa_role role, int depth,
                            struct c2pa_manifest **seen, int *seen_count)
{
    for (int i = 0; i < *seen_count; i++)
        if (seen[i] == manifest)
            return;
    if (depth > C2PA_MAX_CHAIN || *seen_count >= C2PA_MAX_MANIFESTS)
        return;
    seen[(*seen_count)++] = manifest;
    for (const struct c2pa_action *action = manifest->actions; action; action = action->next) {
        struct c2pa_source *source;
        if (!*action->source_type || in->source_count >= C2PA_MAX_SOURCES)
            continue;
        source = arena_alloc(in->arena, 1, sizeof *source);
        if (!source)
            return;
        *source = (struct c2pa_source){.manifest = manifest, .action = action, .role = role};
        if (in->last_source)
            in->last_source->next = source;
        else
            in->report->sources = source;
        in->last_source = source;
        in->source_count++;
    }
    for (int parents = 1; parents >= 0; parents--)
        for (struct c2pa_ingredient *ingredient = manifest->ingredients; ingredient; ingredient = ingredient->next)
            if (ingredient->manifest && (strcmp(ingredient->relationship, "parentOf") == 0) == (bool)parents)
                collect_sources(in, ingredient->manifest, ingredient_role(role, ingredient), depth + 1, seen,
                                seen_count);
}

/* ---- All together ------------------------------------------------------------------------------------------------ */

static void read_store(struct c2pa_reader *in)
{
    struct c2pa_report *report = in->report;
    struct jumbf_box *store;
    enum jumbf_outcome outcome = jumbf_read(in->input->store, in->input->store_size, in->arena, &store);
    if (outcome) {
        in->damaged = true;
        c2pa_problem(in, jumbf_outcome_text(outcome));
    }
    if (!store || !jumbf_is(store, "c2pa")) {
        in->damaged = true;
        c2pa_problem(in, "its box is not one of C2PA");
        return;
    }
    read_manifests(in, store);
    if (!report->active) {
        in->damaged = true;
        c2pa_problem(in, "it holds no manifest");
        return;
    }
    for (struct c2pa_manifest *manifest = report->manifests; manifest; manifest = manifest->next)
        if (!manifest->compressed)
            c2pa_parse(in, manifest);
    link_ingredients(report);
    if (!outcome)
        c2pa_check(in, report->active);
    struct c2pa_manifest *seen[C2PA_MAX_MANIFESTS];
    int seen_count = 0;
    collect_sources(in, report->active, C2PA_ROLE_ACTIVE, 0, seen, &seen_count);
}

static void conclude(struct c2pa_reader *in)
{
    struct c2pa_report *report = in->report;
    bool failures = false;
    if (!report->active || !report->active->claim) {
        in->damaged |= !(report->active && report->active->compressed);
        c2pa_problem(in, "its claim cannot be read");
    }
    for (const struct c2pa_status *status = report->statuses; status; status = status->next)
        failures |= status->severity == C2PA_FAILURE && !status->known;
    report->state = in->damaged     ? C2PA_DAMAGED
                    : in->failed    ? C2PA_BROKEN
                    : in->unchecked ? C2PA_UNCHECKED
                                    : C2PA_INTACT;
    report->valid = report->state == C2PA_INTACT && !failures;
}

assay_status c2pa_read_store(const struct c2pa_input *input, const struct cose_trust *trust, int64_t now,
                             struct c2pa_report *out, struct assay_error *error)
{
    *out = (struct c2pa_report){.problem = "", .binding_label = ""};
    out->arena.max_bytes = C2PA_MAX_MEMORY;
    struct c2pa_reader in = {.report = out, .input = input, .trust = trust, .now = now, .arena = &out->arena};
    ERR_set_mark();
    read_store(&in);
    ERR_pop_to_mark();
    if (out->arena.refused) {
        if (out->arena.total < C2PA_MAX_MEMORY / 2) {
            c2pa_free(out);
            return error_memory(error, "a C2PA manifest");
        }
        in.damaged = true;
        out->problem = "it holds more than is read";
    }
    conclude(&in);
    return ASSAY_OK;
}

/* Does the block hold a store of C2PA, or something else in JUMBF's boxes? */
static bool is_store(const struct container_block *block)
{
    static const uint8_t type[16] = {0x63, 0x32, 0x70, 0x61, 0x00, 0x11, 0x00, 0x10,
                                     0x80, 0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71};
    return block->size < 16 + sizeof type || memcmp(block->bytes + 16, type, sizeof type) == 0;
}

assay_status c2pa_read(const struct container *container, const struct cose_trust *trust, int64_t now,
                       struct c2pa_report *out, struct assay_error *error)
{
    const struct container_block *store = NULL, *block = NULL;
    int stores = 0;
    *out = (struct c2pa_report){.problem = "", .binding_label = ""};
    while ((block = container_next(container, block, BLOCK_C2PA)))
        if (is_store(block)) {
            store = store ? store : block;
            stores++;
        }
    if (!store)
        return ASSAY_OK;
    struct c2pa_input input = {.file = container->bytes,
                               .file_size = container->size,
                               .store = store->bytes,
                               .store_size = store->size,
                               .ranges = store->ranges,
                               .range_count = store->range_count};
    assay_status status = c2pa_read_store(&input, trust, now, out, error);
    if (status)
        return status;
    if (!store->whole || stores > 1) {
        out->problem = stores > 1 ? "the file holds more than one of them"
                                  : "it is cut, pieces of it are missing, or its checksum is wrong";
        out->state = C2PA_DAMAGED;
        out->valid = false;
    }
    return ASSAY_OK;
}

void c2pa_free(struct c2pa_report *report)
{
    arena_free(&report->arena);
    *report = (struct c2pa_report){.problem = "", .binding_label = ""};
}
