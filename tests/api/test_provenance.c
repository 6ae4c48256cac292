/* test_provenance.c - what a file says of itself, through the public header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "assay/assay.h"
#include "scratch.h"

#define WORDS ASSAY_TEST_DIR "/provenance/fixtures/words/"

static struct assay_error error;

static int setup(void **state)
{
    (void)state;
    scratch_begin();
    scratch_picture("a.jpg", 64, 48, 1);
    scratch_write("text.jpg", "no picture", 10);
    return 0;
}

static struct assay_provenance *read_file(const char *path)
{
    struct assay_provenance *provenance = NULL;
    if (assay_provenance_read_file(path, NULL, NULL, &provenance, &error))
        fail_msg("%s", error.message);
    return provenance;
}

static void test_generated(void **state)
{
    (void)state;
    struct assay_provenance *provenance = read_file(WORDS "a1111.png");
    assert_int_equal(assay_provenance_kind_of(provenance), ASSAY_PROVENANCE_DECLARED_GENERATED);
    assert_int_equal(assay_provenance_strength_of(provenance), ASSAY_STRENGTH_UNSIGNED);
    assert_string_equal(assay_provenance_who(provenance), "Stable Diffusion web UI");
    assert_null(assay_provenance_signer(provenance));
    assert_non_null(strstr(assay_provenance_sentence(provenance), "image generator"));
    char *text = NULL;
    assert_int_equal(assay_provenance_json(provenance, &text, &error), ASSAY_OK);
    assert_int_equal(strncmp(text, "{\"finding\":{\"kind\":\"declared-generated\",", 39), 0);
    assert_non_null(strstr(text, "\"seed\":\"3123456789\""));
    assay_text_free(text);
    assay_provenance_free(provenance);
}

/* A picture that is cut off still says what it says. */
static void test_undecodable(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = scratch_read(WORDS "a1111.jpg", &size);
    struct assay_picture *picture = NULL;
    struct assay_provenance *provenance = NULL;
    assert_int_equal(assay_picture_read_memory(bytes, size - 12, NULL, NULL, NULL, &picture, &error),
                     ASSAY_ERROR_FORMAT);
    assert_int_equal(assay_provenance_read_memory(bytes, size - 12, NULL, NULL, &provenance, &error), ASSAY_OK);
    assert_int_equal(assay_provenance_kind_of(provenance), ASSAY_PROVENANCE_DECLARED_GENERATED);
    assay_provenance_free(provenance);
    free(bytes);
}

static void test_none(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = scratch_read("a.jpg", &size);
    struct assay_provenance *provenance = NULL;
    assert_int_equal(assay_provenance_read_memory(bytes, size, NULL, NULL, &provenance, &error), ASSAY_OK);
    free(bytes); /* not kept */
    assert_int_equal(assay_provenance_kind_of(provenance), ASSAY_PROVENANCE_NONE);
    assert_int_equal(assay_provenance_strength_of(provenance), ASSAY_STRENGTH_NONE);
    assert_null(assay_provenance_who(provenance));
    assert_true(strlen(assay_provenance_sentence(provenance)) > 0);
    assay_provenance_free(provenance);
}

static void test_refusals(void **state)
{
    (void)state;
    struct assay_provenance *kept = (struct assay_provenance *)&error, *out = kept;
    const struct assay_limits small = {.max_bytes = 10};
    const struct assay_provenance_options missing = {"missing.pem"}, no_list = {"a.jpg"};
    char *text = NULL;
    assert_int_equal(assay_provenance_read_file(NULL, NULL, NULL, &out, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_provenance_read_file("a.jpg", NULL, NULL, NULL, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_provenance_read_file("missing.jpg", NULL, NULL, &out, &error), ASSAY_ERROR_IO);
    assert_int_equal(assay_provenance_read_file("a.jpg", &small, NULL, &out, &error), ASSAY_ERROR_LIMIT);
    assert_int_equal(assay_provenance_read_file("text.jpg", NULL, NULL, &out, &error), ASSAY_ERROR_FORMAT);
    assert_int_equal(strncmp(error.message, "text.jpg: ", 10), 0);
    assert_int_equal(assay_provenance_read_memory("", 0, NULL, NULL, &out, &error), ASSAY_ERROR_FORMAT);
    assert_int_equal(assay_provenance_read_memory(NULL, 1, NULL, NULL, &out, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_provenance_read_file("a.jpg", NULL, &missing, &out, &error), ASSAY_ERROR_IO);
    assert_int_equal(assay_provenance_read_file("a.jpg", NULL, &no_list, &out, NULL), ASSAY_ERROR_FORMAT);
    assert_ptr_equal(out, kept);
    assert_int_equal(assay_provenance_json(NULL, &text, &error), ASSAY_ERROR_ARGUMENT);
    assert_string_equal(assay_provenance_sentence(NULL), "");
    assert_null(assay_provenance_who(NULL));
    assert_null(assay_provenance_signer(NULL));
    assert_int_equal(assay_provenance_kind_of(NULL), ASSAY_PROVENANCE_NONE);
    assert_int_equal(assay_provenance_strength_of(NULL), ASSAY_STRENGTH_NONE);
    assay_provenance_free(NULL);
    assay_text_free(NULL);
}

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(assay_provenance_kind_text(ASSAY_PROVENANCE_DECLARED_EDITED), "declared-edited");
    assert_string_equal(assay_provenance_kind_text((assay_provenance_kind)99), "none");
    assert_string_equal(assay_provenance_strength_text(ASSAY_STRENGTH_SIGNED_INTACT), "signed-intact");
    assert_string_equal(assay_provenance_strength_text((assay_provenance_strength)99), "none");
    assert_non_null(assay_disagreement(ASSAY_PROVENANCE_DECLARED_GENERATED, ASSAY_REAL));
    assert_null(assay_disagreement(ASSAY_PROVENANCE_DECLARED_GENERATED, ASSAY_GENERATED));
    assert_null(assay_disagreement(ASSAY_PROVENANCE_DECLARED_GENERATED, ASSAY_UNCERTAIN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generated), cmocka_unit_test(test_undecodable), cmocka_unit_test(test_none),
        cmocka_unit_test(test_refusals),  cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests_name("api/provenance", tests, setup, scratch_end_group);
}
