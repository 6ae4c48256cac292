/* test_c2pa.c - C2PA against c2pa-python's Reader (tools/reference/c2pa.py): the same facts, field by field; one
 * changed byte anywhere in what was signed, and the picture is no longer intact; stores that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/memory.h"
#include "failing_malloc.h"
#include "provenance/c2pa.h"

#define FIXTURES ASSAY_TEST_DIR "/provenance/fixtures/c2pa/"

static const char *const pictures[] = {"generated.jpg",  "generated.png", "generated.webp", "generated.avif",
                                       "generated.heic", "generated.tif", "capture.jpg",    "edited.jpg",
                                       "nested.png",     "redacted.jpg",  "boxes.jpg",      "boxes.png",
                                       "update.jpg",     "sha512.jpg",    "broken.jpg",     "expired.jpg"};
enum { PICTURES = sizeof pictures / sizeof *pictures };

static const int64_t NOW = 1830000000; /* 28 December 2027: after expired.jpg's certificate, within the others' */

struct file {
    uint8_t *bytes;
    size_t size;
    json_t *expected; /* what the Reader tells */
};

static uint8_t *load(const char *name, size_t *size)
{
    char path[512];
    struct assay_error error;
    uint8_t *bytes;
    snprintf(path, sizeof path, FIXTURES "%s", name);
    if (file_read(path, 1 << 24, &bytes, size, &error))
        fail_msg("%s", error.message);
    return bytes;
}

static struct file open_file(const char *name)
{
    struct file file = {.bytes = NULL};
    char path[512];
    json_error_t error;
    file.bytes = load(name, &file.size);
    snprintf(path, sizeof path, FIXTURES "%s.json", name);
    file.expected = json_load_file(path, 0, &error);
    if (!file.expected)
        fail_msg("%s: %s", path, error.text);
    return file;
}

static void close_file(struct file *file)
{
    mem_free(file->bytes);
    json_decref(file->expected);
}

static struct cose_trust *load_trust(const char *name)
{
    struct assay_error error;
    struct cose_trust *trust;
    size_t size;
    uint8_t *pem = load(name, &size);
    if (cose_trust_load((const char *)pem, size, name, &trust, &error))
        fail_msg("%s", error.message);
    mem_free(pem);
    return trust;
}

/* A container and what is read of it: the report points into it. */
struct reading {
    struct container container;
    struct c2pa_report report;
};

static struct reading *read_bytes(const uint8_t *bytes, size_t size, const struct cose_trust *trust)
{
    struct reading *reading = mem_alloc(1, sizeof *reading);
    assert_non_null(reading);
    assert_int_equal(container_read(bytes, size, &reading->container, NULL), ASSAY_OK);
    assert_int_equal(c2pa_read(&reading->container, trust, NOW, &reading->report, NULL), ASSAY_OK);
    return reading;
}

static void free_reading(struct reading *reading)
{
    c2pa_free(&reading->report);
    container_free(&reading->container);
    mem_free(reading);
}

/* ---- Field by field ---------------------------------------------------------------------------------------------- */

static const char *wanted_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* Base64 as hexadecimal, as far as our facts show bytes. */
static void hex_of_base64(const char *text, char *hex, size_t room)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bits = 0, held = 0;
    size_t used = 0;
    for (; *text && *text != '=' && used + 3 < room; text++) {
        const char *at = strchr(digits, *text);
        bits = bits << 6 | (unsigned)(at ? at - digits : 0);
        held += 6;
        if (held >= 8) {
            held -= 8;
            snprintf(hex + used, 3, "%02x", bits >> held & 255u);
            used += 2;
        }
    }
    hex[used] = '\0';
}

/* Two trees that may differ in how they tell bytes (base64, hexadecimal) and null ("null"). */
static void assert_same(const json_t *ours, const json_t *theirs, const char *where)
{
    const char *key;
    const json_t *item;
    size_t index;
    char path[1024];
    if (json_is_object(theirs)) {
        if (!json_is_object(ours) || json_object_size(ours) != json_object_size(theirs))
            fail_msg("%s: another group", where);
        json_object_foreach((json_t *)theirs, key, item)
        {
            snprintf(path, sizeof path, "%s/%s", where, key);
            if (!json_object_get(ours, key))
                fail_msg("%s: missing", path);
            assert_same(json_object_get(ours, key), item, path);
        }
    } else if (json_is_array(theirs)) {
        if (!json_is_array(ours) || json_array_size(ours) != json_array_size(theirs))
            fail_msg("%s: another list", where);
        json_array_foreach(theirs, index, item)
        {
            snprintf(path, sizeof path, "%s/%d", where, (int)index);
            assert_same(json_array_get(ours, index), item, path);
        }
    } else if (json_is_null(theirs)) {
        assert_string_equal(json_string_value(ours), "null");
    } else if (json_is_string(theirs) && json_is_string(ours) && !json_equal(ours, theirs)) {
        char hex[160];
        hex_of_base64(json_string_value(theirs), hex, sizeof hex);
        if (strcmp(hex, json_string_value(ours)) != 0)
            fail_msg("%s: '%s' for '%s'", where, json_string_value(ours), json_string_value(theirs));
    } else if (!json_equal(ours, theirs)) {
        fail_msg("%s differs", where);
    }
}

static const struct c2pa_manifest *find_manifest(const struct c2pa_report *report, const char *label)
{
    const struct c2pa_manifest *manifest = report->manifests;
    while (manifest && strcmp(manifest->label, label) != 0)
        manifest = manifest->next;
    return manifest;
}

/* The item of a list of facts whose "label" is that. */
static const json_t *labelled(const json_t *list, const char *label)
{
    size_t index;
    const json_t *item;
    json_array_foreach(list, index, item) if (strcmp(wanted_text(item, "label"), label) == 0) return item;
    return NULL;
}

static void check_signature(const struct cose_report *ours, const json_t *theirs, const char *where)
{
    char algorithm[16];
    snprintf(algorithm, sizeof algorithm, "%s", wanted_text(theirs, "alg")); /* "Es256", "Ed25519" */
    if (strcmp(algorithm, "Ed25519") == 0)
        snprintf(algorithm, sizeof algorithm, "EdDSA");
    algorithm[1] = algorithm[1] == 's' ? 'S' : algorithm[1];
    assert_string_equal(ours->algorithm, algorithm);
    assert_string_equal(ours->signer.common_name, wanted_text(theirs, "common_name"));
    assert_string_equal(ours->signer.organization, wanted_text(theirs, "issuer"));
    assert_string_equal(ours->signer.serial, wanted_text(theirs, "cert_serial_number"));
    assert_string_equal(ours->stamp.time, wanted_text(theirs, "time"));
    assert_int_equal(ours->stamp.verified, *wanted_text(theirs, "time") != '\0');
    if (ours->outcome != COSE_VALID)
        fail_msg("%s: %s", where, ours->problem);
}

static void check_ingredients(const struct c2pa_manifest *manifest, const json_t *list)
{
    size_t count = 0;
    for (const struct c2pa_ingredient *ours = manifest->ingredients; ours; ours = ours->next, count++) {
        const json_t *theirs = labelled(list, ours->label);
        assert_non_null(theirs);
        assert_string_equal(ours->title, wanted_text(theirs, "title"));
        assert_string_equal(ours->format, wanted_text(theirs, "format"));
        assert_string_equal(ours->document_id, wanted_text(theirs, "document_id"));
        assert_string_equal(ours->instance_id, wanted_text(theirs, "instance_id"));
        assert_string_equal(ours->relationship, wanted_text(theirs, "relationship"));
        assert_string_equal(ours->manifest_label, wanted_text(theirs, "active_manifest"));
    }
    assert_int_equal(count, json_array_size(list));
}

static void check_manifest(const struct c2pa_manifest *ours, const json_t *theirs, const json_t *facts)
{
    size_t index;
    const json_t *assertion;
    assert_non_null(ours);
    assert_int_equal(ours->claim_version, json_integer_value(json_object_get(theirs, "claim_version")));
    assert_string_equal(ours->title, wanted_text(theirs, "title"));
    assert_string_equal(ours->format, wanted_text(theirs, "format"));
    assert_string_equal(ours->instance_id, wanted_text(theirs, "instance_id"));
    assert_string_equal(ours->claim_generator, wanted_text(theirs, "claim_generator"));
    assert_same(json_object_get(facts, "claim_generator_info"), json_object_get(theirs, "claim_generator_info"),
                "claim_generator_info");
    check_signature(&ours->signature, json_object_get(theirs, "signature_info"), ours->label);
    check_ingredients(ours, json_object_get(theirs, "ingredients"));
    json_array_foreach(json_object_get(theirs, "assertions"), index, assertion)
    {
        const json_t *own = labelled(json_object_get(facts, "assertions"), wanted_text(assertion, "label"));
        assert_non_null(own);
        assert_string_equal(wanted_text(own, "state"), "as signed");
        assert_same(json_object_get(own, "data"), json_object_get(assertion, "data"), wanted_text(assertion, "label"));
    }
}

static void test_facts(void **state)
{
    (void)state;
    for (int i = 0; i < PICTURES; i++) {
        struct file file = open_file(pictures[i]);
        struct reading *reading = read_bytes(file.bytes, file.size, NULL);
        const struct c2pa_report *report = &reading->report;
        struct arena arena = {0};
        struct fact_tree tree;
        fact_tree_init(&tree, &arena);
        c2pa_facts(&tree, tree.root, report);
        json_t *facts = fact_json(fact_find(tree.root, "c2pa"));
        assert_string_equal(wanted_text(facts, "active_manifest"), wanted_text(file.expected, "active_manifest"));
        const char *label;
        const json_t *theirs;
        json_object_foreach(json_object_get(file.expected, "manifests"), label, theirs)
            check_manifest(find_manifest(report, label), theirs, labelled(json_object_get(facts, "manifests"), label));
        assert_int_equal(report->manifest_count, json_object_size(json_object_get(file.expected, "manifests")));
        json_decref(facts);
        arena_free(&arena);
        free_reading(reading);
        close_file(&file);
    }
}

/* ---- What holds -------------------------------------------------------------------------------------------------- */

static bool has_status(const struct c2pa_report *report, enum c2pa_severity severity, const char *code, const char *url)
{
    for (const struct c2pa_status *status = report->statuses; status; status = status->next)
        if (status->severity == severity && strcmp(status->code, code) == 0 && strcmp(status->url, url) == 0)
            return true;
    return false;
}

static bool in_results(const json_t *results, const struct c2pa_status *status)
{
    static const char *const kinds[] = {"success", "informational", "failure"};
    size_t index;
    const json_t *item;
    json_array_foreach(json_object_get(results, kinds[status->severity]), index,
                       item) if (strcmp(wanted_text(item, "code"), status->code) == 0 &&
                                 strcmp(wanted_text(item, "url"), status->url) == 0) return true;
    return false;
}

/* Each success and failure of one side is one of the other: of the active manifest, whose results the Reader lists in
 * full. */
static void test_results(void **state)
{
    (void)state;
    for (int i = 0; i < PICTURES; i++) {
        struct file file = open_file(pictures[i]);
        struct reading *reading = read_bytes(file.bytes, file.size, NULL);
        const json_t *results = json_object_get(json_object_get(file.expected, "validation_results"), "activeManifest");
        for (int kind = 0; kind < 2; kind++) {
            size_t index;
            const json_t *item;
            json_array_foreach(json_object_get(results, kind ? "failure" : "success"), index, item)
            {
                const char *code = wanted_text(item, "code"), *url = wanted_text(item, "url");
                if (strcmp(code, "timeStamp.trusted") == 0) /* c2patool believes every authority of old claims */
                    continue;
                if (strcmp(pictures[i], "expired.jpg") == 0 && strcmp(code, "claimSignature.insideValidity") == 0)
                    continue; /* and says this of certificates that it calls expired */
                if (!has_status(&reading->report, kind ? C2PA_FAILURE : C2PA_SUCCESS, code, url))
                    fail_msg("%s: no %s of %s", pictures[i], code, url);
            }
        }
        for (const struct c2pa_status *status = reading->report.statuses; status; status = status->next)
            if (status->manifest == reading->report.active && status->severity != C2PA_INFORMATIONAL &&
                strncmp(status->code, "ingredient.", 11) != 0 && !in_results(results, status))
                fail_msg("%s: %s of %s is ours alone", pictures[i], status->code, status->url);
        bool valid = strcmp(wanted_text(file.expected, "validation_state"), "Valid") == 0;
        assert_int_equal(reading->report.valid, valid);
        /* a certificate that has expired since is no change of the picture */
        bool expired = strcmp(pictures[i], "expired.jpg") == 0;
        assert_int_equal(reading->report.state, valid || expired ? C2PA_INTACT : C2PA_BROKEN);
        assert_int_equal(reading->report.active->signature.credential,
                         expired ? COSE_CREDENTIAL_EXPIRED : COSE_CREDENTIAL_GOOD);
        assert_int_equal(reading->report.active->signature.trusted, COSE_TRUST_UNASKED);
        free_reading(reading);
        close_file(&file);
    }
}

static void test_trust(void **state)
{
    (void)state;
    struct cose_trust *root = load_trust("root.pem"), *other = load_trust("other.pem");
    assert_int_equal(cose_trust_count(root), 1);
    for (int i = 0; i < PICTURES; i++) {
        struct file file = open_file(pictures[i]);
        struct reading *ours = read_bytes(file.bytes, file.size, root),
                       *theirs = read_bytes(file.bytes, file.size, other);
        const struct cose_report *signature = &ours->report.active->signature;
        bool trusted = ours->report.valid && signature->trusted == COSE_TRUSTED;
        assert_int_equal(trusted, strcmp(wanted_text(file.expected, "trusted_state"), "Trusted") == 0);
        assert_int_equal(theirs->report.active->signature.trusted, COSE_UNTRUSTED);
        assert_int_equal(theirs->report.valid, ours->report.valid);
        if (signature->stamp.present) {
            assert_int_equal(signature->stamp.trusted, COSE_TRUSTED);
            assert_string_equal(signature->stamp.authority, "Assay Test Clock");
            assert_int_equal(theirs->report.active->signature.stamp.trusted, COSE_UNTRUSTED);
        }
        free_reading(ours);
        free_reading(theirs);
        close_file(&file);
    }
    cose_trust_free(root);
    cose_trust_free(other);
}

static void test_bad_trust(void **state)
{
    (void)state;
    struct assay_error error;
    struct cose_trust *trust;
    static const char cut[] = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    assert_int_equal(cose_trust_load("", 0, "list.pem", &trust, &error), ASSAY_ERROR_FORMAT);
    assert_non_null(strstr(error.message, "list.pem"));
    assert_int_equal(cose_trust_load("no certificates", 15, "list.pem", &trust, &error), ASSAY_ERROR_FORMAT);
    assert_int_equal(cose_trust_load(cut, sizeof cut - 1, "list.pem", &trust, &error), ASSAY_ERROR_FORMAT);
    assert_non_null(strstr(error.message, "certificate 1"));
    assert_null(trust);
    cose_trust_free(NULL);
}

/* ---- Changes ----------------------------------------------------------------------------------------------------- */

/* One bit changed at places that the Reader was asked about: we agree with it on each, but are stricter in two places:
 * a chunk of a PNG whose checksum is wrong is damaged, be it where nobody signed; and where an ingredient's manifest
 * was redacted, its signature must be, byte for byte, the one whose digest was signed. */
static void test_flips_as_reference(void **state)
{
    (void)state;
    for (int i = 0; i < PICTURES; i++) {
        struct file file = open_file(pictures[i]);
        size_t index;
        const json_t *flip;
        json_array_foreach(json_object_get(file.expected, "flips"), index, flip)
        {
            size_t offset = (size_t)json_integer_value(json_array_get(flip, 0));
            const char *theirs = json_string_value(json_array_get(flip, 1));
            file.bytes[offset] ^= 0x10;
            struct reading *reading = read_bytes(file.bytes, file.size, NULL);
            bool stricter = (strstr(pictures[i], ".png") && reading->report.state == C2PA_DAMAGED) ||
                            strcmp(reading->report.problem, "the signature of an ingredient was changed") == 0;
            if (reading->report.valid != (strcmp(theirs, "Valid") == 0) && !stricter)
                fail_msg("%s: byte %d: %s for %s (%s)", pictures[i], (int)offset,
                         c2pa_state_text(reading->report.state), theirs, reading->report.problem);
            free_reading(reading);
            file.bytes[offset] ^= 0x10;
        }
        close_file(&file);
    }
}

/* Is the place within the blocks of the manifest? */
static bool in_manifest(const struct reading *reading, size_t offset)
{
    const struct container_block *block = container_next(&reading->container, NULL, BLOCK_C2PA);
    for (size_t i = 0; block && i < block->range_count; i++)
        if (offset >= block->ranges[i].offset && offset - block->ranges[i].offset < block->ranges[i].size)
            return true;
    return false;
}

/* Bytes outside the manifest that no binding covers: the first box of HEIC and AVIF, the entry of a TIFF's
 * directory. */
static size_t allowed(const char *name)
{
    return strstr(name, ".avif") ? 32 : strstr(name, ".heic") ? 28 : strstr(name, ".tif") ? 16 : 0;
}

static void test_every_byte_of_the_picture(void **state)
{
    (void)state;
    static const char *const names[] = {"generated.jpg",  "generated.png", "generated.webp", "generated.avif",
                                        "generated.heic", "generated.tif", "boxes.jpg",      "boxes.png"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct file file = open_file(names[i]);
        struct reading *whole = read_bytes(file.bytes, file.size, NULL);
        size_t step = file.size > 8000 ? 29 : 7, survived = 0, tried = 0;
        assert_int_equal(whole->report.state, C2PA_INTACT);
        assert_true(whole->report.unbound <= allowed(names[i]));
        for (size_t offset = 0; offset < file.size; offset += in_manifest(whole, offset) ? 1 : step) {
            if (in_manifest(whole, offset))
                continue;
            file.bytes[offset] ^= 0x01;
            struct reading *reading = read_bytes(file.bytes, file.size, NULL);
            survived += reading->report.state == C2PA_INTACT;
            tried++;
            free_reading(reading);
            file.bytes[offset] ^= 0x01;
        }
        assert_true(tried > 30);
        if (survived > allowed(names[i]) / step + 1 || (survived && !allowed(names[i])))
            fail_msg("%s: %d of %d changes left it intact", names[i], (int)survived, (int)tried);
        free_reading(whole);
        close_file(&file);
    }
}

static void test_cut_and_longer(void **state)
{
    (void)state;
    for (int i = 0; i < PICTURES; i++) {
        struct file file = open_file(pictures[i]);
        uint8_t *more = mem_alloc(file.size + 8, 1);
        assert_non_null(more);
        for (size_t size = 1; size < file.size; size += 1 + file.size / 40) {
            struct reading *reading = read_bytes(file.bytes, size, NULL);
            assert_int_not_equal(reading->report.state, C2PA_INTACT);
            free_reading(reading);
        }
        memcpy(more, file.bytes, file.size);
        memcpy(more + file.size, "trailer!", 8);
        struct reading *reading = read_bytes(more, file.size + 8, NULL);
        if (strncmp(pictures[i], "boxes", 5) == 0) /* a list of parts says nothing of what follows the last */
            assert_int_equal(reading->report.unbound, 8);
        else if (strcmp(pictures[i], "broken.jpg") != 0)
            assert_true(reading->report.state == C2PA_BROKEN);
        free_reading(reading);
        mem_free(more);
        close_file(&file);
    }
}

/* ---- Sources ----------------------------------------------------------------------------------------------------- */

static void test_sources(void **state)
{
    (void)state;
    struct file file = open_file("nested.png");
    struct reading *reading = read_bytes(file.bytes, file.size, NULL);
    static const struct {
        const char *ending;
        enum c2pa_role role;
        const char *agent;
    } wanted[] = {{"/compositeWithTrainedAlgorithmicMedia", C2PA_ROLE_PARENT, "Assay Test Editor"},
                  {"/digitalCapture", C2PA_ROLE_PARENT, "Assay Test Camera 1.0"},
                  {"/trainedAlgorithmicMedia", C2PA_ROLE_COMPONENT, "Assay Test Generator 1.0"}};
    const struct c2pa_source *source = reading->report.sources;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++, source = source->next) {
        assert_non_null(source);
        const char *type = source->action->source_type;
        assert_string_equal(type + strlen(type) - strlen(wanted[i].ending), wanted[i].ending);
        assert_int_equal(source->role, wanted[i].role);
        assert_string_equal(source->action->agent, wanted[i].agent);
    }
    assert_null(source);
    free_reading(reading);
    close_file(&file);
}

/* A time stamp speaks of one signature: of the claim under it (version 1), or of the signature's own bytes (version
 * 2). */
static void test_stamps(void **state)
{
    (void)state;
    static const char *const names[] = {"capture.jpg", "edited.jpg"};
    for (int i = 0; i < 2; i++) {
        struct file file = open_file(names[i]);
        struct reading *reading = read_bytes(file.bytes, file.size, NULL);
        const struct c2pa_manifest *manifest = reading->report.active;
        const struct jumbf_box *box = jumbf_content(manifest->signature_box, JUMBF_TYPE('c', 'b', 'o', 'r'));
        struct arena arena = {0};
        struct cose_report report;
        uint8_t *claim = mem_alloc(manifest->claim_size, 1), *signature = mem_alloc(box->size, 1);
        assert_true(claim && signature);
        memcpy(claim, manifest->claim_bytes, manifest->claim_size);
        memcpy(signature, box->payload, box->size);
        cose_check(signature, box->size, claim, manifest->claim_size, NULL, NOW, &arena, &report);
        assert_int_equal(report.outcome, COSE_VALID);
        assert_true(report.stamp.verified);
        claim[manifest->claim_size - 1] ^= 1;
        cose_check(signature, box->size, claim, manifest->claim_size, NULL, NOW, &arena, &report);
        assert_int_equal(report.outcome, COSE_MISMATCH);
        assert_int_equal(report.stamp.verified, manifest->claim_version == 2);
        claim[manifest->claim_size - 1] ^= 1;
        signature[box->size - 1] ^= 1; /* the end of the signature's bytes */
        cose_check(signature, box->size, claim, manifest->claim_size, NULL, NOW, &arena, &report);
        assert_int_equal(report.outcome, COSE_MISMATCH);
        assert_int_equal(report.stamp.verified, manifest->claim_version == 1);
        if (!report.stamp.verified)
            assert_string_equal(report.stamp.problem, "it was made for something else");
        arena_free(&arena);
        mem_free(claim);
        mem_free(signature);
        free_reading(reading);
        close_file(&file);
    }
}

static void test_without(void **state)
{
    (void)state;
    static const uint8_t jpeg[] = {0xFF, 0xD8, 0xFF, 0xD9};
    struct reading *reading = read_bytes(jpeg, sizeof jpeg, NULL);
    struct arena arena = {0};
    struct fact_tree tree;
    assert_int_equal(reading->report.state, C2PA_NONE);
    fact_tree_init(&tree, &arena);
    c2pa_facts(&tree, tree.root, &reading->report);
    assert_null(fact_find(tree.root, "c2pa"));
    arena_free(&arena);
    free_reading(reading);
}

/* ---- Memory and speed -------------------------------------------------------------------------------------------- */

static bool attempt(void *context)
{
    struct file *file = context;
    struct container container;
    struct c2pa_report report;
    struct assay_error error;
    if (container_read(file->bytes, file->size, &container, &error))
        return false;
    bool fine = c2pa_read(&container, NULL, NOW, &report, &error) == ASSAY_OK;
    if (fine) {
        assert_int_equal(report.state, C2PA_INTACT);
        c2pa_free(&report);
    }
    container_free(&container);
    return fine;
}

static void test_memory(void **state)
{
    (void)state;
    struct file file = open_file("nested.png");
    attempt(&file); /* what OpenSSL keeps for the process */
    assert_true(failing_malloc_each(attempt, &file, NULL) > 3);
    close_file(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_trust),
        cmocka_unit_test(test_bad_trust),
        cmocka_unit_test(test_flips_as_reference),
        cmocka_unit_test(test_every_byte_of_the_picture),
        cmocka_unit_test(test_cut_and_longer),
        cmocka_unit_test(test_sources),
        cmocka_unit_test(test_stamps),
        cmocka_unit_test(test_without),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests_name("c2pa", tests, NULL, NULL);
}
