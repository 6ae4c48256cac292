/* test_inspect.c - `assay inspect`: the tree, JSON, several files, and what cannot be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "scratch.h"

#define WORDS ASSAY_TEST_DIR "/provenance/fixtures/words/"

static int setup(void **state)
{
    (void)state;
    scratch_begin();
    scratch_picture("plain.jpg", 64, 48, 1);
    scratch_write("text.png", "not a picture", 13);
    return 0;
}

static void expect_parts(const char *text, const char *const *parts)
{
    for (; *parts; parts++)
        if (!strstr(text, *parts))
            fail_msg("no \"%s\" in:\n%s", *parts, text);
}

static void test_tree(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "inspect", WORDS "comfyui.png", "plain.jpg");
    assert_int_equal(o.status, 0);
    assert_string_equal(o.err, "");
    expect_parts(o.out,
                 (const char *const[]){WORDS "comfyui.png\n  declared-generated, unsigned\n  The file says that an "
                                             "image generator made the picture (ComfyUI). This stands in the PNG text "
                                             "\"prompt\" and is not signed. Metadata can be stripped or forged.\n",
                                       "\n      seed: 18446744073709551615\n", "\n      prompt: a fox in the snow\n",
                                       "\n\nplain.jpg\n  none\n  The file does not say how the picture was made.",
                                       "\n    format: JPEG\n", NULL});
    outcome_free(&o);
}

static json_t *line_of(char **at)
{
    char *end = strchr(*at, '\n');
    assert_non_null(end);
    *end = '\0';
    json_t *json = json_loads(*at, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    *at = end + 1;
    return json;
}

static const char *text_at(const json_t *json, const char *a, const char *b)
{
    return json_string_value(json_object_get(json_object_get(json, a), b));
}

static void test_json(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "inspect", "--json", WORDS "a1111.jpg", "missing.jpg", "plain.jpg", "text.png");
    assert_int_equal(o.status, 1);
    assert_int_equal(count_of(o.out, "\n"), 4);
    assert_int_equal(count_of(o.err, "\n"), 2);
    char *at = o.out;
    json_t *json = line_of(&at);
    assert_string_equal(json_string_value(json_object_get(json, "file")), WORDS "a1111.jpg");
    assert_string_equal(text_at(json, "finding", "kind"), "declared-generated");
    assert_string_equal(text_at(json, "finding", "strength"), "unsigned");
    assert_string_equal(text_at(json, "picture", "format"), "JPEG");
    const json_t *words = json_array_get(json_object_get(json, "generators"), 0);
    assert_string_equal(json_string_value(json_object_get(words, "model")), "sd_xl_base_1.0");
    assert_non_null(json_object_get(json, "exif"));
    json_decref(json);
    json = line_of(&at);
    assert_string_equal(json_string_value(json_object_get(json, "file")), "missing.jpg");
    assert_non_null(strstr(json_string_value(json_object_get(json, "error")), "missing.jpg"));
    assert_null(json_object_get(json, "finding"));
    json_decref(json);
    json = line_of(&at);
    assert_string_equal(text_at(json, "finding", "kind"), "none");
    assert_int_equal(json_array_size(json_object_get(json_object_get(json, "finding"), "rests_on")), 0);
    json_decref(json);
    json = line_of(&at);
    assert_non_null(strstr(json_string_value(json_object_get(json, "error")), "not a picture"));
    json_decref(json);
    outcome_free(&o);
}

static void test_folder_and_input(void **state)
{
    (void)state;
    struct outcome o;
    assert_int_equal(mkdir("folder", 0777), 0);
    scratch_picture("folder/b.png", 20, 20, 2);
    scratch_picture("folder/a.jpg", 20, 20, 3);
    RUN(&o, "inspect", "folder");
    assert_int_equal(o.status, 0);
    assert_non_null(strstr(o.out, "folder/a.jpg\n"));
    assert_true(strstr(o.out, "folder/a.jpg\n") < strstr(o.out, "folder/b.png\n"));
    outcome_free(&o);
    run(&(struct launch){.args = (const char *const[]){"inspect", "-", NULL}, .input = "plain.jpg"}, &o);
    assert_int_equal(o.status, 0);
    assert_int_equal(strncmp(o.out, "-\n  none\n", 9), 0);
    outcome_free(&o);
}

/* Whatever the number of threads, the same bytes in the order of the names, and every failure told. */
static void test_threads(void **state)
{
    (void)state;
    struct outcome one, many;
    assert_int_equal(mkdir("many", 0777), 0);
    size_t size;
    uint8_t *bytes = scratch_read("plain.jpg", &size);
    for (int i = 0; i < 300; i++) {
        char path[64];
        snprintf(path, sizeof path, "many/%03d.jpg", i);
        scratch_write(path, bytes, i % 50 == 7 ? 0 : size - (size_t)(i % 40));
    }
    free(bytes);
    for (int json = 0; json < 2; json++) {
        const char *form = json ? "--json" : "--no-json";
        RUN(&one, "inspect", form, "--threads=1", "many");
        RUN(&many, "inspect", form, "--threads=5", "many");
        assert_int_equal(one.status, 1);
        assert_int_equal(many.status, 1);
        assert_string_equal(one.out, many.out);
        assert_string_equal(one.err, many.err);
        assert_int_equal(count_of(one.err, ": empty"), 6);
        assert_int_equal(count_of(one.out, json ? "\"finding\"" : "\n  none\n"), 294);
        outcome_free(&one);
        outcome_free(&many);
    }
}

/* What strangers wrote does nothing to the terminal. */
static void test_control_characters(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = scratch_picture_bytes(false, 20, 20, 1, &size);
    static const char comment[] = "\xff\xfe\0\x1bHello\x1b[31m\x07\r\n\xc2\x9b\xe2\x80\xae\xff.";
    uint8_t *file = mem_alloc(size + sizeof comment, 1);
    size_t length = sizeof comment - 1; /* the marker, and the length of what follows it */
    memcpy(file, bytes, 2);
    memcpy(file + 2, comment, length);
    file[5] = (uint8_t)(length - 2);
    memcpy(file + 2 + length, bytes + 2, size - 2);
    scratch_write("control.jpg", file, size + length);
    mem_free(file);
    mem_free(bytes);
    struct outcome o;
    RUN(&o, "inspect", "control.jpg");
    assert_int_equal(o.status, 0);
    expect_parts(o.out, (const char *const[]){"Hello\\x1B[31m\\x07\\x0D\\n", NULL});
    for (const char *p = o.out; *p; p++)
        assert_true((unsigned char)*p >= 0x20 || *p == '\n');
    outcome_free(&o);
    RUN(&o, "inspect", "--json", "control.jpg");
    char *at = o.out;
    json_decref(line_of(&at));
    outcome_free(&o);
}

/* Signed statements, and whom to trust with them. */
static void test_signed(void **state)
{
    (void)state;
    static const struct {
        const char *trust, *file, *kind, *strength, *trusted;
    } cases[] = {
        {NULL, "generated.png", "declared-generated", "signed-intact", "not-asked"},
        {"root.pem", "generated.png", "declared-generated", "signed-intact", "listed"},
        {"other.pem", "generated.png", "declared-generated", "signed-intact", "not-listed"},
        {NULL, "capture.jpg", "declared-capture", "signed-intact", "not-asked"},
        {NULL, "edited.jpg", "declared-edited", "signed-intact", "not-asked"},
        {NULL, "broken.jpg", "declared-generated", "signed-broken", "not-asked"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char file[512], trust[512];
        struct outcome o;
        snprintf(file, sizeof file, ASSAY_TEST_DIR "/provenance/fixtures/c2pa/%s", cases[i].file);
        snprintf(trust, sizeof trust, "--trust=" ASSAY_TEST_DIR "/provenance/fixtures/c2pa/%s",
                 cases[i].trust ? cases[i].trust : "");
        RUN(&o, "inspect", "--json", file, cases[i].trust ? trust : NULL);
        assert_int_equal(o.status, 0);
        char *at = o.out;
        json_t *json = line_of(&at);
        assert_string_equal(text_at(json, "finding", "kind"), cases[i].kind);
        assert_string_equal(text_at(json, "finding", "strength"), cases[i].strength);
        assert_string_equal(text_at(json, "finding", "trust"), cases[i].trusted);
        assert_string_equal(text_at(json, "finding", "signer"), "Assay Tests");
        assert_non_null(json_object_get(json, "c2pa"));
        json_decref(json);
        outcome_free(&o);
    }
    struct outcome o;
    RUN(&o, "inspect", "--trust", "plain.jpg", "plain.jpg");
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "plain.jpg"));
    outcome_free(&o);
    RUN(&o, "inspect", "--trust", "missing.pem", "plain.jpg");
    assert_int_equal(o.status, 1);
    outcome_free(&o);
}

static void test_refusals(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "inspect");
    assert_int_equal(o.status, 2);
    outcome_free(&o);
    RUN(&o, "inspect", "--max-bytes", "100", "plain.jpg");
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "plain.jpg"));
    outcome_free(&o);
    scratch_write("empty.jpg", "", 0);
    RUN(&o, "inspect", "empty.jpg");
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "empty"));
    outcome_free(&o);
    run(&(struct launch){.args = (const char *const[]){"inspect", "plain.jpg", NULL}, .output = "/dev/full"}, &o);
    assert_int_equal(o.status, 1);
    outcome_free(&o);
}

int main(int argc, char **argv)
{
    if (!scratch_take_program(argc, argv))
        return 2;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_folder_and_input),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_control_characters),
        cmocka_unit_test(test_signed),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("cli/inspect", tests, setup, scratch_end_group);
}
