/* test_c2pa_hostile.c - CBOR, JUMBF and manifest stores that lie: lengths, depth, repetition, circles, nonsense.
 * Whatever it is, it ends soon, as a finding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "provenance/c2pa.h"

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

struct buffer {
    uint8_t *bytes;
    size_t size, room;
};

static void put(struct buffer *to, const void *bytes, size_t size)
{
    if (to->size + size > to->room) {
        to->room = 2 * (to->size + size) + 64;
        to->bytes = mem_resize(to->bytes, to->room, 1);
        assert_non_null(to->bytes);
    }
    if (size)
        memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

static void put32(struct buffer *to, uint32_t number)
{
    const uint8_t bytes[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
                              (uint8_t)number};
    put(to, bytes, 4);
}

static size_t begin_box(struct buffer *to, const char *type)
{
    size_t at = to->size;
    put32(to, 0);
    put(to, type, 4);
    return at;
}

static void end_box(struct buffer *to, size_t at)
{
    struct buffer size = {.bytes = NULL};
    put32(&size, (uint32_t)(to->size - at));
    memcpy(to->bytes + at, size.bytes, 4);
    mem_free(size.bytes);
}

/* A superbox's beginning: its description. */
static size_t begin_super(struct buffer *to, const char *kind, const char *label)
{
    static const uint8_t rest[12] = {0x00, 0x11, 0x00, 0x10, 0x80, 0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71};
    size_t super = begin_box(to, "jumb"), description = begin_box(to, "jumd");
    put(to, kind, 4);
    put(to, rest, sizeof rest);
    put(to, "\3", 1);
    put(to, label, strlen(label) + 1);
    end_box(to, description);
    return super;
}

static void put_head(struct buffer *to, int major, uint32_t count)
{
    const uint8_t head = (uint8_t)(major << 5 | 26);
    put(to, &head, 1);
    put32(to, count);
}

static void put_text(struct buffer *to, const char *text)
{
    put_head(to, 3, (uint32_t)strlen(text));
    put(to, text, strlen(text));
}

static void put_pair(struct buffer *to, const char *key, const char *value)
{
    put_text(to, key);
    put_text(to, value);
}

/* An ingredient that is the manifest of that label. */
static void put_ingredient(struct buffer *to, const char *name, const char *target)
{
    char url[300];
    snprintf(url, sizeof url, "self#jumbf=/c2pa/%s", target);
    size_t super = begin_super(to, "cbor", name), box = begin_box(to, "cbor");
    put_head(to, 5, 2);
    put_pair(to, "relationship", "parentOf");
    put_text(to, "c2pa_manifest");
    put_head(to, 5, 1);
    put_pair(to, "url", url);
    end_box(to, box);
    end_box(to, super);
}

/* A manifest of the kind with ingredients, and a claim that says it has `claimed` assertions of one name. */
static void put_manifest(struct buffer *to, const char *kind, const char *label, const char *const *ingredients,
                         uint32_t claimed)
{
    char name[64];
    size_t manifest = begin_super(to, kind, label), store = begin_super(to, "c2as", "c2pa.assertions");
    for (int i = 0; ingredients[i]; i++) {
        snprintf(name, sizeof name, "c2pa.ingredient__%d", i);
        put_ingredient(to, name, ingredients[i]);
    }
    end_box(to, store);
    size_t claim = begin_super(to, "c2cl", "c2pa.claim"), box = begin_box(to, "cbor");
    put_head(to, 5, 2);
    put_pair(to, "signature", "self#jumbf=c2pa.signature");
    put_text(to, "assertions");
    put_head(to, 4, claimed);
    for (uint32_t i = 0; i < claimed; i++) {
        put_head(to, 5, 1);
        put_pair(to, "url", "self#jumbf=c2pa.assertions/c2pa.ingredient__0");
    }
    end_box(to, box);
    end_box(to, claim);
    size_t signature = begin_super(to, "c2cs", "c2pa.signature");
    box = begin_box(to, "cbor");
    put(to, "\x80", 1);
    end_box(to, box);
    end_box(to, signature);
    end_box(to, manifest);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Reads a store of its own file; the caller frees the report. */
static void read_store(const struct buffer *store, struct c2pa_report *report)
{
    const struct container_range range = {0, store->size, 0, store->size};
    const struct c2pa_input input = {store->bytes, store->size, store->bytes, store->size, &range, 1};
    struct assay_error error;
    struct arena arena = {0};
    struct fact_tree tree;
    double begin = seconds();
    assert_int_equal(c2pa_read_store(&input, NULL, 1800000000, report, &error), ASSAY_OK);
    fact_tree_init(&tree, &arena);
    c2pa_facts(&tree, tree.root, report);
    assert_string_equal(fact_find_text(tree.root, "c2pa/state"), c2pa_state_text(report->state));
    assert_true(seconds() - begin < 5);
    assert_false(report->valid);
    arena_free(&arena);
}

/* ---- CBOR -------------------------------------------------------------------------------------------------------- */

static enum cbor_outcome read_cbor(const void *bytes, size_t size, json_t **facts)
{
    struct arena arena = {0};
    struct cbor_node *root;
    enum cbor_outcome outcome = cbor_read(bytes, size, &arena, &root);
    assert_int_equal(outcome == CBOR_OK, root != NULL);
    if (root && facts) {
        struct fact_tree tree;
        fact_tree_init(&tree, &arena);
        cbor_facts(&tree, tree.root, "x", root);
        *facts = fact_json(tree.root);
    }
    arena_free(&arena);
    return outcome;
}

/* Examples of RFC 8949, appendix A. */
static void test_cbor(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *facts;
    } examples[] = {
        {"\x00", 1, "0"},
        {"\x17", 1, "23"},
        {"\x18\x64", 2, "100"},
        {"\x1b\x00\x00\x00\xe8\xd4\xa5\x10\x00", 9, "1000000000000"},
        {"\x38\x63", 2, "-100"},
        {"\x20", 1, "-1"},
        {"\xf9\x3e\x00", 3, "1.5"},
        {"\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a", 9, "1.1"},
        {"\xf4", 1, "false"},
        {"\xf5", 1, "true"},
        {"\xf6", 1, "\"null\""},
        {"\x62\xc3\xbc", 3, "\"\\u00fc\""},
        {"\x44\x01\x02\x03\x04", 5, "\"01020304\""},
        {"\xc0\x74"
         "2013-03-21T20:04:00Z",
         22, "\"2013-03-21T20:04:00Z\""},
        {"\xd8\x20\x61"
         "a",
         4, "\"a\""},
        {"\x83\x01\x82\x02\x03\x82\x04\x05", 8, "[1,[2,3],[4,5]]"},
        {"\xa2\x61\x61\x01\x61\x62\x82\x02\x03", 9, "{\"a\":1,\"b\":[2,3]}"},
        {"\x5f\x42\x01\x02\x43\x03\x04\x05\xff", 9, "\"0102030405\""},
        {"\x7f\x65strea\x64ming\xff", 13, "\"streaming\""},
        {"\x9f\x01\x82\x02\x03\x9f\x04\x05\xff\xff", 10, "[1,[2,3],[4,5]]"},
        {"\xbf\x61\x61\x01\x61\x62\x9f\x02\x03\xff\xff", 11, "{\"a\":1,\"b\":[2,3]}"},
        {"\x80", 1, "[]"},
        {"\xa0", 1, "{}"},
        {"\xd2\x80", 2, "[]"},
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        json_t *facts = NULL;
        if (read_cbor(examples[i].bytes, examples[i].size, &facts))
            fail_msg("example %d", (int)i);
        char *text = json_dumps(json_object_get(facts, "x"), JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
        char lower[64];
        assert_non_null(text);
        snprintf(lower, sizeof lower, "%s", text);
        for (char *at = strstr(lower, "\\u"); at && *at; at++)
            *at = *at >= 'A' && *at <= 'F' ? (char)(*at + 32) : *at;
        if (strcmp(lower, examples[i].facts) != 0 && strncmp(examples[i].facts, "1.", 2) != 0)
            fail_msg("%s for %s", text, examples[i].facts);
        free(text);
        json_decref(facts);
        for (size_t size = 0; size < examples[i].size; size++) /* cut */
            assert_int_equal(read_cbor(examples[i].bytes, size, NULL), CBOR_DAMAGED);
    }
}

static void test_cbor_lies(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } lies[] = {{"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x00", 10}, /* 2^64 - 1 items */
                {"\xbb\x80\x00\x00\x00\x00\x00\x00\x00\x00", 10}, /* 2^63 pairs */
                {"\x5b\xff\xff\xff\xff\xff\xff\xff\xff\x00", 10}, /* bytes */
                {"\x7b\x7f\xff\xff\xff\xff\xff\xff\xff\x00", 10}, /* text */
                {"\x5a\xff\xff\xff\xff", 5},
                {"\x1c", 1},
                {"\x1f", 1},
                {"\xdc\x00", 2},
                {"\xdf\x00", 2},                 /* reserved */
                {"\xff", 1},                     /* a break alone */
                {"\x82\x01\xff", 3},             /* one in a definite array */
                {"\xbf\x01\xff", 3},             /* a key without a value */
                {"\x5f\x61\x61\xff", 4},         /* a text within bytes */
                {"\x5f\x5f\x41\x00\xff\xff", 6}, /* indefinite within indefinite */
                {"\xc0", 1},
                {"\xc1\xff", 2}}; /* a tag of nothing */
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
        if (read_cbor(lies[i].bytes, lies[i].size, NULL) != CBOR_DAMAGED)
            fail_msg("lie %d", (int)i);
    static uint8_t deep[400000];
    static const uint8_t openers[] = {0x81, 0x9F, 0xC1, 0xD8, 0x5F};
    for (size_t i = 0; i < sizeof openers; i++) {
        memset(deep, openers[i], sizeof deep);
        assert_int_not_equal(read_cbor(deep, sizeof deep, NULL), CBOR_OK);
    }
    memset(deep, 0, sizeof deep); /* an array of very many numbers */
    memcpy(deep, "\x9a\x00\x06\x1a\x7b", 5);
    assert_int_equal(read_cbor(deep, sizeof deep, NULL), CBOR_TOO_MUCH);
}

/* ---- JUMBF ------------------------------------------------------------------------------------------------------- */

static enum jumbf_outcome read_jumbf(const struct buffer *bytes)
{
    struct arena arena = {0};
    struct jumbf_box *root;
    enum jumbf_outcome outcome = jumbf_read(bytes->bytes, bytes->size, &arena, &root);
    arena_free(&arena);
    return outcome;
}

static void test_jumbf(void **state)
{
    (void)state;
    struct buffer to = {.bytes = NULL};
    size_t root = begin_super(&to, "c2pa", "c2pa"), box = begin_box(&to, "cbor");
    put(&to, "\xf6", 1);
    end_box(&to, box);
    end_box(&to, root);
    struct arena arena = {0};
    struct jumbf_box *read;
    assert_int_equal(jumbf_read(to.bytes, to.size, &arena, &read), JUMBF_OK);
    assert_true(jumbf_is(read, "c2pa"));
    assert_string_equal(read->label, "c2pa");
    assert_int_equal(jumbf_content(read, JUMBF_TYPE('c', 'b', 'o', 'r'))->size, 1);
    arena_free(&arena);
    for (size_t size = 0; size < to.size; size++) { /* cut */
        const struct buffer cut = {to.bytes, size, 0};
        assert_int_not_equal(read_jumbf(&cut), JUMBF_OK);
    }
    for (size_t i = 0; i < 4; i++) { /* a length that lies: of the superbox, its description, its content */
        static const size_t at[] = {0, 8, 0, 0};
        static const uint32_t lengths[] = {0xFFFFFFFF, 0x7FFFFFFF, 7, 2};
        struct buffer lie = {.bytes = NULL};
        put(&lie, to.bytes, to.size);
        struct buffer length = {.bytes = NULL};
        put32(&length, lengths[i]);
        memcpy(lie.bytes + at[i], length.bytes, 4);
        assert_int_equal(read_jumbf(&lie), JUMBF_DAMAGED);
        mem_free(length.bytes);
        mem_free(lie.bytes);
    }
    mem_free(to.bytes);
}

static void test_jumbf_deep_and_many(void **state)
{
    (void)state;
    struct buffer to = {.bytes = NULL};
    size_t at[1000];
    for (int i = 0; i < 1000; i++)
        at[i] = begin_super(&to, "c2pa", "c2pa");
    for (int i = 999; i >= 0; i--)
        end_box(&to, at[i]);
    assert_int_equal(read_jumbf(&to), JUMBF_TOO_MUCH);
    struct c2pa_report report;
    read_store(&to, &report);
    assert_int_equal(report.state, C2PA_DAMAGED);
    c2pa_free(&report);
    to.size = 0;
    size_t root = begin_super(&to, "c2pa", "c2pa");
    for (int i = 0; i < 30000; i++)
        end_box(&to, begin_box(&to, "free"));
    end_box(&to, root);
    assert_int_equal(read_jumbf(&to), JUMBF_TOO_MUCH);
    to.size = 0;
    root = begin_super(&to, "c2pa", "c2pa");
    to.bytes[to.size - 1] = 'a'; /* no end of the label */
    end_box(&to, root);
    assert_int_equal(read_jumbf(&to), JUMBF_DAMAGED);
    mem_free(to.bytes);
}

/* ---- Stores ------------------------------------------------------------------------------------------------------ */

static bool has_code(const struct c2pa_report *report, const char *code)
{
    for (const struct c2pa_status *status = report->statuses; status; status = status->next)
        if (strcmp(status->code, code) == 0)
            return true;
    return false;
}

static void test_circle(void **state)
{
    (void)state;
    static const char *const of_a[] = {"b", "a", NULL}, *const of_b[] = {"c", "b", "nobody", NULL},
                             *const of_c[] = {"a", NULL};
    static const char *const kinds[] = {"c2ma", "c2um"}; /* update manifests look for their parent's binding */
    for (int i = 0; i < 2; i++) {
        struct buffer to = {.bytes = NULL};
        size_t root = begin_super(&to, "c2pa", "c2pa");
        put_manifest(&to, kinds[i], "c", of_c, 1);
        put_manifest(&to, kinds[i], "b", of_b, 1);
        put_manifest(&to, kinds[i], "a", of_a, 1);
        end_box(&to, root);
        struct c2pa_report report;
        read_store(&to, &report);
        assert_int_equal(report.state, C2PA_BROKEN);
        assert_string_equal(report.active->label, "a");
        assert_int_equal(report.manifest_count, 3);
        assert_true(has_code(&report, "ingredient.manifest.missing"));
        assert_true(has_code(&report, "ingredient.manifest.mismatch"));
        assert_true(has_code(&report, "claimSignature.mismatch"));
        assert_true(has_code(&report, "claim.hardBindings.missing"));
        assert_true(report.manifests->checked);
        c2pa_free(&report);
        mem_free(to.bytes);
    }
}

static void test_long_chain(void **state)
{
    (void)state;
    struct buffer to = {.bytes = NULL};
    size_t root = begin_super(&to, "c2pa", "c2pa");
    for (int i = 0; i < 300; i++) {
        char label[16], next[16];
        const char *ingredients[] = {next, NULL};
        snprintf(label, sizeof label, "m%d", i);
        snprintf(next, sizeof next, "m%d", i - 1);
        put_manifest(&to, "c2ma", label, ingredients, 3);
    }
    end_box(&to, root);
    struct c2pa_report report;
    read_store(&to, &report);
    assert_int_equal(report.state, C2PA_BROKEN);
    assert_int_equal(report.manifest_count, C2PA_MAX_MANIFESTS);
    c2pa_free(&report);
    mem_free(to.bytes);
}

static void test_repeated(void **state)
{
    (void)state;
    static const char *const one[] = {"a", NULL};
    struct buffer to = {.bytes = NULL};
    struct c2pa_report report;
    size_t root = begin_super(&to, "c2pa", "c2pa");
    put_manifest(&to, "c2ma", "a", one, 20000); /* one assertion, named again and again */
    end_box(&to, root);
    read_store(&to, &report);
    assert_int_equal(report.state, C2PA_BROKEN);
    assert_true(report.status_count <= C2PA_MAX_ASSERTIONS + 20);
    c2pa_free(&report);
    to.size = 0;
    root = begin_super(&to, "c2pa", "c2pa");
    put_manifest(&to, "c2ma", "a", one, 1); /* two of one name */
    put_manifest(&to, "c2ma", "a", one, 1);
    end_box(&to, root);
    read_store(&to, &report);
    assert_int_equal(report.state, C2PA_DAMAGED);
    c2pa_free(&report);
    mem_free(to.bytes);
}

static void test_nearly_nothing(void **state)
{
    (void)state;
    static const char *const kinds[] = {"c2pa", "c2ma", "json"};
    struct c2pa_report report;
    struct buffer to = {.bytes = NULL};
    for (int i = 0; i < 3; i++) { /* a store without manifests, and other boxes in its place */
        to.size = 0;
        end_box(&to, begin_super(&to, kinds[i], "c2pa"));
        read_store(&to, &report);
        assert_int_equal(report.state, C2PA_DAMAGED);
        c2pa_free(&report);
    }
    to.size = 0;
    size_t root = begin_super(&to, "c2pa", "c2pa");
    end_box(&to, begin_super(&to, "c2ma", "empty"));
    end_box(&to, root);
    read_store(&to, &report);
    assert_int_equal(report.state, C2PA_DAMAGED);
    assert_true(has_code(&report, "claim.missing"));
    c2pa_free(&report);
    to.size = 0;
    root = begin_super(&to, "c2pa", "c2pa");
    end_box(&to, begin_super(&to, "c2cm", "packed"));
    end_box(&to, root);
    read_store(&to, &report);
    assert_int_equal(report.state, C2PA_UNCHECKED);
    assert_non_null(strstr(report.problem, "compressed"));
    c2pa_free(&report);
    mem_free(to.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cbor),     cmocka_unit_test(test_cbor_lies),
        cmocka_unit_test(test_jumbf),    cmocka_unit_test(test_jumbf_deep_and_many),
        cmocka_unit_test(test_circle),   cmocka_unit_test(test_long_chain),
        cmocka_unit_test(test_repeated), cmocka_unit_test(test_nearly_nothing),
    };
    return cmocka_run_group_tests_name("c2pa_hostile", tests, NULL, NULL);
}
