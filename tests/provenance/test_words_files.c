/* test_words_files.c - pictures as image generators write them (tools/reference/provenance_words.py): every field that
 * the script put in is read from the file, and nothing is read where it put nothing. */
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

#define FOLDER ASSAY_TEST_DIR "/provenance/fixtures/words/"

static int mistakes;

static void mistake(const char *file, const char *field, const char *got, const char *expected)
{
    print_error("%s: %s is \"%s\", not \"%s\"\n", file, field, got ? got : "(none)", expected);
    mistakes++;
}

static void compare(const char *file, const struct fact *generator, const json_t *expected)
{
    const char *field;
    json_t *value;
    json_object_foreach((json_t *)expected, field, value)
    {
        if (strcmp(field, "edited") == 0) {
            const char *says = fact_find_text(generator, "says");
            if (!says || strcmp(says, json_is_true(value) ? "edited" : "generated") != 0)
                mistake(file, field, says, json_is_true(value) ? "edited" : "generated");
            continue;
        }
        const char *got = fact_find_text(generator, strcmp(field, "place") == 0 ? "found_in" : field);
        if (!got || strcmp(got, json_string_value(value)) != 0)
            mistake(file, field, got, json_string_value(value));
    }
}

static void read_file(const char *name, struct provenance *out)
{
    char path[512];
    struct assay_error error = {0};
    uint8_t *bytes;
    size_t size;
    snprintf(path, sizeof path, FOLDER "%s", name);
    if (file_read(path, 1 << 20, &bytes, &size, &error) || provenance_read(bytes, size, NULL, out, &error))
        fail_msg("%s", error.message);
    mem_free(bytes);
}

static void test_files(void **state)
{
    (void)state;
    json_error_t error;
    json_t *files = json_load_file(FOLDER "words.json", 0, &error), *expected;
    assert_non_null(files);
    const char *name;
    json_object_foreach(files, name, expected)
    {
        struct provenance p;
        read_file(name, &p);
        const struct fact *list = fact_find(p.facts.root, "generators"), *generator = list ? list->first : NULL;
        size_t count = 0;
        json_t *one;
        json_array_foreach(expected, count, one)
        {
            if (generator)
                compare(name, generator, one);
            else
                mistake(name, "generator", NULL, json_string_value(json_object_get(one, "generator")));
            generator = generator ? generator->next : NULL;
        }
        if (generator)
            mistake(name, "one more generator", fact_find_text(generator, "generator"), "(none)");
        enum finding_kind kind = !json_array_size(expected)                               ? FINDING_NONE
                                 : json_object_get(json_array_get(expected, 0), "edited") ? FINDING_DECLARED_EDITED
                                                                                          : FINDING_DECLARED_GENERATED;
        if (p.finding.kind != kind)
            mistake(name, "finding", finding_kind_text(p.finding.kind), finding_kind_text(kind));
        if (p.finding.problem)
            mistake(name, "problem", p.finding.problem, "(none)");
        provenance_free(&p);
    }
    assert_true(json_object_size(files) > 30);
    json_decref(files);
    assert_int_equal(mistakes, 0);
}

/* The finding alone is the same. */
static void test_finding_alone(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct file_map map;
    struct provenance all, alone;
    assert_int_equal(file_map(FOLDER "google.jpg", &map, &error), ASSAY_OK);
    assert_int_equal(provenance_read(map.bytes, map.size, NULL, &all, &error), ASSAY_OK);
    const struct provenance_options options = {.finding_alone = true};
    assert_int_equal(provenance_read(map.bytes, map.size, &options, &alone, &error), ASSAY_OK);
    assert_string_equal(all.finding.sentence, alone.finding.sentence);
    assert_int_equal(all.finding.count, alone.finding.count);
    assert_int_equal(alone.finding.rests_on, 2); /* the source type, and the credit */
    assert_null(alone.facts.root->first);
    provenance_free(&all);
    provenance_free(&alone);
    file_unmap(&map);
}

/* Cut anywhere, and with any byte changed, a file is read without an error; what is left is told. */
static void test_damaged(void **state)
{
    (void)state;
    static const char *const names[] = {"comfyui.webp", "a1111.jpg", "novelai_stealth.png", "tc260.jpg"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[512];
        struct assay_error error = {0};
        uint8_t *bytes;
        size_t size;
        snprintf(path, sizeof path, FOLDER "%s", names[i]);
        assert_int_equal(file_read(path, 1 << 20, &bytes, &size, &error), ASSAY_OK);
        for (size_t cut = 0; cut < size; cut += 3) {
            struct provenance p;
            assert_int_equal(provenance_read(bytes, cut, NULL, &p, &error), ASSAY_OK);
            provenance_free(&p);
            uint8_t *copy = mem_alloc(size, 1);
            memcpy(copy, bytes, size);
            copy[cut] ^= 0x55;
            assert_int_equal(provenance_read(copy, size, NULL, &p, &error), ASSAY_OK);
            provenance_free(&p);
            mem_free(copy);
        }
        mem_free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_finding_alone),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
