/* test_failing.c - each allocation fails in turn while a file is read for what it says of itself: an error that says
 * so, or the same finding; no crash, no leak. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "provenance/provenance.h"
#include "support/failing_malloc.h"

struct file {
    uint8_t *bytes;
    size_t size;
    enum finding_kind kind;
};

static bool read_once(void *context)
{
    const struct file *file = context;
    struct provenance p;
    struct assay_error error = {0};
    assay_status status = provenance_read(file->bytes, file->size, NULL, &p, &error);
    if (status) {
        assert_int_equal(status, ASSAY_ERROR_MEMORY);
        assert_true(error.message[0] != '\0');
        return false;
    }
    assert_int_equal(p.finding.kind, file->kind);
    provenance_free(&p);
    return true;
}

static void fail_each(const char *path, enum finding_kind kind)
{
    struct file file = {.kind = kind};
    struct assay_error error = {0};
    if (file_read(path, 1 << 24, &file.bytes, &file.size, &error))
        fail_msg("%s", error.message);
    read_once(&file); /* what OpenSSL keeps for the process is there before */
    assert_true(failing_malloc_each(read_once, &file, NULL) > 10);
    mem_free(file.bytes);
}

static void test_words(void **state)
{
    (void)state;
    fail_each(ASSAY_TEST_DIR "/provenance/fixtures/words/a1111.jpg", FINDING_DECLARED_GENERATED);
    fail_each(ASSAY_TEST_DIR "/provenance/fixtures/words/novelai_stealth.png", FINDING_DECLARED_GENERATED);
    fail_each(ASSAY_TEST_DIR "/provenance/fixtures/words/google_edited.jpg", FINDING_DECLARED_EDITED);
}

static void test_signed(void **state)
{
    (void)state;
    fail_each(ASSAY_TEST_DIR "/provenance/fixtures/c2pa/capture.jpg", FINDING_DECLARED_CAPTURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words), cmocka_unit_test(test_signed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
