/* test_finding.c - evidence weighed: a table of what outranks what, the sentences, disagreement with the verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "provenance/finding.h"
#include "support/failing_malloc.h"

#define G FINDING_DECLARED_GENERATED
#define E FINDING_DECLARED_EDITED
#define C FINDING_DECLARED_CAPTURE
#define M FINDING_CAMERA_METADATA

struct piece {
    enum finding_kind kind;
    enum finding_strength strength;
    enum finding_trust trust;
};

/* Pieces in the order of the file, and what they come to. */
static const struct row {
    const char *what;
    struct piece pieces[4];
    enum finding_kind kind;
    enum finding_strength strength;
    size_t rests_on;
    bool contradicted;
} rows[] = {
    {"nothing", {{0}}, FINDING_NONE, STRENGTH_NONE, 0, false},
    {"a camera's metadata", {{M, STRENGTH_UNSIGNED, 0}}, M, STRENGTH_UNSIGNED, 1, false},
    {"a generator's words", {{G, STRENGTH_UNSIGNED, 0}}, G, STRENGTH_UNSIGNED, 1, false},
    {"several of a kind", {{G, STRENGTH_UNSIGNED, 0}, {G, STRENGTH_UNSIGNED, 0}}, G, STRENGTH_UNSIGNED, 2, false},
    /* the order of kinds, whatever the order in the file */
    {"generated before camera", {{M, STRENGTH_UNSIGNED, 0}, {G, STRENGTH_UNSIGNED, 0}}, G, STRENGTH_UNSIGNED, 1, true},
    {"generated before edited", {{E, STRENGTH_UNSIGNED, 0}, {G, STRENGTH_UNSIGNED, 0}}, G, STRENGTH_UNSIGNED, 1, false},
    {"generated before capture", {{C, STRENGTH_UNSIGNED, 0}, {G, STRENGTH_UNSIGNED, 0}}, G, STRENGTH_UNSIGNED, 1, true},
    {"edited before capture", {{C, STRENGTH_UNSIGNED, 0}, {E, STRENGTH_UNSIGNED, 0}}, E, STRENGTH_UNSIGNED, 1, false},
    {"edited before camera", {{E, STRENGTH_UNSIGNED, 0}, {M, STRENGTH_UNSIGNED, 0}}, E, STRENGTH_UNSIGNED, 1, false},
    {"capture before camera", {{M, STRENGTH_UNSIGNED, 0}, {C, STRENGTH_UNSIGNED, 0}}, C, STRENGTH_UNSIGNED, 1, false},
    /* signed and intact before all else */
    {"signed capture before unsigned words",
     {{G, STRENGTH_UNSIGNED, 0}, {C, STRENGTH_INTACT, 0}},
     C,
     STRENGTH_INTACT,
     1,
     true},
    {"signed edit before unsigned words",
     {{G, STRENGTH_UNSIGNED, 0}, {E, STRENGTH_INTACT, 0}},
     E,
     STRENGTH_INTACT,
     1,
     false},
    {"signed edit before signed capture",
     {{C, STRENGTH_INTACT, 0}, {E, STRENGTH_INTACT, 0}},
     E,
     STRENGTH_INTACT,
     1,
     false},
    {"signed by a listed signer",
     {{M, STRENGTH_UNSIGNED, 0}, {C, STRENGTH_INTACT, TRUST_LISTED}},
     C,
     STRENGTH_INTACT,
     1,
     false},
    /* what is worth no more than unsigned */
    {"not on the list",
     {{G, STRENGTH_UNSIGNED, 0}, {C, STRENGTH_INTACT, TRUST_NOT_LISTED}},
     G,
     STRENGTH_UNSIGNED,
     1,
     true},
    {"broken", {{G, STRENGTH_UNSIGNED, 0}, {C, STRENGTH_BROKEN, 0}}, G, STRENGTH_UNSIGNED, 1, true},
    {"unchecked", {{G, STRENGTH_UNSIGNED, 0}, {C, STRENGTH_UNCHECKED, 0}}, G, STRENGTH_UNSIGNED, 1, true},
    {"broken, but of the greater kind",
     {{C, STRENGTH_UNSIGNED, 0}, {G, STRENGTH_BROKEN, 0}},
     G,
     STRENGTH_BROKEN,
     1,
     true},
    /* the strength is the best of its rank */
    {"broken beside unsigned", {{G, STRENGTH_UNSIGNED, 0}, {G, STRENGTH_BROKEN, 0}}, G, STRENGTH_BROKEN, 2, false},
    {"intact beside unsigned: the intact one alone carries it",
     {{G, STRENGTH_UNSIGNED, 0}, {G, STRENGTH_INTACT, 0}},
     G,
     STRENGTH_INTACT,
     1,
     false},
};

static void decide(const struct piece *pieces, size_t count, struct finding *out)
{
    struct finding_list list = {0};
    for (size_t i = 0; i < count; i++)
        finding_add(&list, &(struct finding_evidence){.kind = pieces[i].kind,
                                                      .strength = pieces[i].strength,
                                                      .trust = pieces[i].trust,
                                                      .place = "somewhere"});
    struct assay_error error = {0};
    assert_int_equal(finding_decide(&list, out, &error), ASSAY_OK);
}

static void test_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct finding finding;
        decide(rows[i].pieces, 4, &finding);
        if (finding.kind != rows[i].kind || finding.strength != rows[i].strength ||
            finding.rests_on != rows[i].rests_on || finding.contradicted != rows[i].contradicted)
            fail_msg("%s: %s, %s, rests on %zu, contradicted %d", rows[i].what, finding_kind_text(finding.kind),
                     finding_strength_text(finding.strength), finding.rests_on, finding.contradicted);
        finding_free(&finding);
    }
}

static void expect_sentence(const struct finding_list *list, const char *expected)
{
    struct finding finding;
    struct assay_error error = {0};
    assert_int_equal(finding_decide(list, &finding, &error), ASSAY_OK);
    assert_string_equal(finding.sentence, expected);
    finding_free(&finding);
}

static void test_sentences(void **state)
{
    (void)state;
    struct finding_list list = {0};
    expect_sentence(&list,
                    "The file does not say how the picture was made. That means little: metadata is often stripped, "
                    "and can be forged.");
    list.problem = "damaged C2PA manifest: the box ends after the file";
    expect_sentence(&list,
                    "The file does not say how the picture was made. Something in it is wrong: damaged C2PA manifest: "
                    "the box ends after the file. That means little: metadata is often stripped, and can be forged.");
    list.problem = NULL;

    struct finding_evidence e = {.kind = M, .strength = STRENGTH_UNSIGNED, .place = "EXIF", .who = "Canon EOS R5"};
    list.items[0] = e;
    list.count = 1;
    expect_sentence(
        &list, "The file carries the metadata of a camera (Canon EOS R5). Whether anything was changed since, they "
               "do not tell. This stands in the EXIF and is not signed. Metadata can be stripped or forged.");
    e = (struct finding_evidence){
        .kind = G, .strength = STRENGTH_INTACT, .place = "C2PA manifest", .who = "Firefly", .signer = "Adobe Inc."};
    finding_add(&list, &e);
    expect_sentence(&list,
                    "The file says that an image generator made the picture (Firefly). This stands in the C2PA "
                    "manifest, signed by Adobe Inc. and intact; whether the signer can be trusted was not checked. "
                    "Other parts of the file say otherwise. Metadata can be stripped or forged.");
    list.items[1].trust = TRUST_LISTED;
    list.items[1].kind = E;
    expect_sentence(&list,
                    "The file says that the picture was edited (Firefly). This stands in the C2PA manifest, signed by "
                    "Adobe Inc. and intact; the signer is on the list that was named. Metadata can be stripped or "
                    "forged.");
    list.items[1].kind = C;
    list.items[1].strength = STRENGTH_BROKEN;
    list.items[1].reason = "the picture was changed after it was signed";
    expect_sentence(
        &list, "The file says that a camera took the picture (Firefly). This stands in the C2PA manifest, signed by "
               "Adobe Inc., but that does not hold: the picture was changed after it was signed. Metadata can be "
               "stripped or forged.");
}

/* What strangers wrote is cut and made harmless. */
static void test_strangers(void **state)
{
    (void)state;
    char who[1000];
    memset(who, 'x', sizeof who - 1);
    who[sizeof who - 1] = '\0';
    memcpy(who, "a\n\x1b[31m\xff", 8);
    who[8] = 'x';
    struct finding_list list = {.count = 1};
    list.items[0] = (struct finding_evidence){.kind = G, .strength = STRENGTH_UNSIGNED, .place = who, .who = who};
    struct finding finding;
    struct assay_error error = {0};
    assert_int_equal(finding_decide(&list, &finding, &error), ASSAY_OK);
    assert_true(strlen(finding.who) <= FINDING_MAX_WORDS);
    assert_null(strpbrk(finding.sentence, "\n\x1b\xff"));
    assert_non_null(strstr(finding.sentence, "(a\\n\\x1B[31m\\xFFx"));
    json_t *json = finding_json(&finding);
    char *text = json_dumps(json, 0);
    assert_non_null(text);
    free(text);
    json_decref(json);
    finding_free(&finding);

    struct finding_list many = {0};
    for (int i = 0; i < 1000; i++)
        finding_add(&many, &list.items[0]);
    assert_int_equal(many.count, FINDING_MAX_EVIDENCE);
    assert_int_equal(finding_decide(&many, &finding, &error), ASSAY_OK);
    struct array basis = array_of(1, 1 << 20);
    assert_true(finding_basis(&finding, &basis));
    assert_null(memchr(basis.data, ';', basis.count)); /* one place, said once */
    array_free(&basis);
    finding_free(&finding);
}

static void test_source_types(void **state)
{
    (void)state;
    const char *word;
    const char base[] = "http://cv.iptc.org/newscodes/digitalsourcetype/";
    const struct {
        const char *word;
        enum finding_kind kind;
    } types[] = {{"trainedAlgorithmicMedia", G},
                 {"compositeWithTrainedAlgorithmicMedia", E},
                 {"digitalCapture", C},
                 {"computationalCapture", C},
                 {"digitalCreation", FINDING_NONE},
                 {"screenCapture", FINDING_NONE},
                 {"TrainedAlgorithmicMedia", FINDING_NONE}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        char address[200];
        snprintf(address, sizeof address, "%s%s", base, types[i].word);
        assert_int_equal(finding_of_source_type(address, &word), types[i].kind);
        assert_string_equal(word, types[i].word);
        assert_int_equal(finding_of_source_type(types[i].word, &word), types[i].kind);
    }
    assert_int_equal(finding_of_source_type("digsrctype:trainedAlgorithmicMedia", &word), G);
    assert_int_equal(finding_of_source_type("", &word), FINDING_NONE);
}

static void test_disagreement(void **state)
{
    (void)state;
    for (int kind = FINDING_NONE; kind <= FINDING_DECLARED_GENERATED; kind++) {
        assert_null(finding_disagreement((enum finding_kind)kind, ASSAY_UNCERTAIN));
        assert_null(finding_disagreement((enum finding_kind)kind, ASSAY_UNCALIBRATED));
        bool real = finding_disagreement((enum finding_kind)kind, ASSAY_REAL) != NULL;
        bool generated = finding_disagreement((enum finding_kind)kind, ASSAY_GENERATED) != NULL;
        assert_int_equal(real, kind == FINDING_DECLARED_GENERATED);
        assert_int_equal(generated, kind == FINDING_DECLARED_CAPTURE || kind == FINDING_CAMERA_METADATA);
    }
}

static void test_json(void **state)
{
    (void)state;
    struct finding_list list = {0};
    finding_add(&list,
                &(struct finding_evidence){.kind = M, .strength = STRENGTH_UNSIGNED, .place = "EXIF", .who = "Canon"});
    finding_add(&list, &(struct finding_evidence){.kind = G,
                                                  .strength = STRENGTH_INTACT,
                                                  .place = "C2PA manifest",
                                                  .says = "trainedAlgorithmicMedia",
                                                  .signer = "S"});
    struct finding finding;
    struct assay_error error = {0};
    assert_int_equal(finding_decide(&list, &finding, &error), ASSAY_OK);
    json_t *json = finding_json(&finding);
    json_object_del(json, "sentence");
    char *text = json_dumps(json, JSON_COMPACT);
    assert_string_equal(
        text, "{\"kind\":\"declared-generated\",\"strength\":\"signed-intact\",\"signer\":\"S\","
              "\"trust\":\"not-asked\",\"rests_on\":[{\"kind\":\"declared-generated\","
              "\"strength\":\"signed-intact\",\"place\":\"C2PA manifest\",\"says\":\"trainedAlgorithmicMedia\","
              "\"signer\":\"S\"}],\"also\":[{\"kind\":\"camera-metadata\",\"strength\":\"unsigned\","
              "\"place\":\"EXIF\",\"who\":\"Canon\"}],\"contradicted\":true}");
    free(text);
    json_decref(json);
    finding_free(&finding);
}

static bool decide_once(void *context)
{
    (void)context;
    struct finding_list list = {.problem = "damaged"};
    for (int i = 0; i < 40; i++)
        finding_add(&list,
                    &(struct finding_evidence){.kind = G,
                                               .strength = STRENGTH_UNSIGNED,
                                               .place = "PNG text",
                                               .who = "somebody with a name that takes some space in the arena"});
    struct finding finding;
    struct assay_error error = {0};
    assay_status status = finding_decide(&list, &finding, &error);
    if (status) {
        assert_int_equal(status, ASSAY_ERROR_MEMORY);
        return false;
    }
    finding_free(&finding);
    return true;
}

static void test_failing_allocations(void **state)
{
    (void)state;
    assert_true(failing_malloc_each(decide_once, NULL, NULL) > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_source_types),
        cmocka_unit_test(test_disagreement),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
