/* test_explain.c - `assay explain` and `assay detect --explain`: what they write, under which names, and what they
 * refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "cli/explain.h"
#include "image/image.h"
#include "scratch.h"

#define MODEL "--model=model.safetensors"

static int setup(void **state)
{
    (void)state;
    scratch_begin();
    scratch_model("model.safetensors", true);
    scratch_picture("a.jpg", 300, 280, 1);
    scratch_picture("b.png", 40, 90, 2);
    scratch_picture("dot.png", 1, 1, 3);
    scratch_write("text.jpg", "this is not a picture\n", 22);
    mkdir("tree", 0700);
    mkdir("tree/a", 0700);
    scratch_picture("tree/1.jpg", 50, 50, 3);
    scratch_picture("tree/a/1.jpg", 50, 51, 4);
    return 0;
}

/* A PNG of that size, decoded by its content; the caller frees it. */
static struct image png_of(const char *path, int width, int height)
{
    struct assay_error error = {0};
    struct image image;
    size_t size;
    uint8_t *bytes = scratch_read(path, &size);
    assert_true(size > 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0);
    free(bytes);
    if (image_decode_file(path, NULL, &image, &error))
        fail_msg("%s", error.message);
    assert_int_equal(image.width, width);
    assert_int_equal(image.height, height);
    return image;
}

static int files_in(const char *folder)
{
    DIR *dir = opendir(folder);
    int count = 0;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return count;
}

static void test_explain(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "explain", MODEL, "a.jpg");
    assert_string_equal(o.err, "");
    assert_int_equal(o.status, 0);
    assert_non_null(strstr(o.out, "a.jpg: "));
    assert_non_null(strstr(o.out, " probability "));
    assert_non_null(strstr(o.out, "a.jpg.explain.png: "));
    assert_non_null(strstr(o.out, "by cam"));
    assert_non_null(strstr(o.out, "of the picture seen in"));
    outcome_free(&o);

    /* the picture as it is, and a coloured one beside it */
    struct image drawn = png_of("a.jpg.explain.png", 2 * 300 + 8 + 8 + 16, 280), picture;
    assert_int_equal(image_decode_file("a.jpg", NULL, &picture, NULL), ASSAY_OK);
    bool colour = false;
    for (int y = 0; y < 280; y++) {
        const uint8_t *row = drawn.pixels + (size_t)y * (size_t)drawn.width * 3;
        assert_memory_equal(row, picture.pixels + (size_t)y * 300 * 3, 300 * 3);
        for (int x = 308; x < 608; x++)
            colour = colour || row[3 * x] != row[3 * x + 1];
    }
    assert_true(colour);
    image_free(&drawn);
    image_free(&picture);
}

/* A file that is there is never lost without --force. */
static void test_overwriting(void **state)
{
    (void)state;
    struct outcome o;
    scratch_write("kept.png", "mine", 4);
    scratch_write("b.png.explain.png", "mine too", 8);
    RUN(&o, "explain", MODEL, "--out=kept.png", "b.png");
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "kept.png: is there already; --force"));
    outcome_free(&o);
    RUN(&o, "explain", MODEL, "b.png");
    assert_int_equal(o.status, 1);
    outcome_free(&o);
    struct assay_error error = {0};
    assert_int_equal(explain_write_new("kept.png", "x", 1, &error), ASSAY_ERROR_ARGUMENT);
    size_t size;
    uint8_t *bytes = scratch_read("kept.png", &size);
    assert_int_equal(size, 4);
    free(bytes);
    bytes = scratch_read("b.png.explain.png", &size);
    assert_int_equal(size, 8);
    free(bytes);

    RUN(&o, "explain", MODEL, "--force", "--out=kept.png", "b.png");
    assert_int_equal(o.status, 0);
    outcome_free(&o);
    struct image drawn = png_of("kept.png", 2 * 120 + 32, 270); /* 40 x 90, three times as large */
    image_free(&drawn);
}

static void test_other_ways(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "explain", MODEL, "--side=real", "--method=grad-cam", "--out=real.png", "a.jpg");
    assert_int_equal(o.status, 0);
    assert_non_null(strstr(o.out, "\"real\" by grad-cam"));
    outcome_free(&o);
    RUN(&o, "explain", MODEL, "--out=dot.explain.png", "dot.png"); /* one pixel */
    assert_int_equal(o.status, 0);
    outcome_free(&o);
    struct image drawn = png_of("dot.explain.png", 2 * 256 + 32, 256);
    image_free(&drawn);

    run(&(struct launch){.args = (const char *const[]){"explain", MODEL, "--out=-", "-", NULL},
                         .input = "a.jpg",
                         .output = "piped.png"},
        &o);
    assert_int_equal(o.status, 0);
    assert_non_null(strstr(o.err, "probability"));
    outcome_free(&o);
    RUN(&o, "explain", MODEL, "--out=named.png", "a.jpg");
    outcome_free(&o);
    size_t a, b;
    uint8_t *piped = scratch_read("piped.png", &a), *named = scratch_read("named.png", &b);
    assert_int_equal(a, b);
    assert_memory_equal(piped, named, a);
    free(piped);
    free(named);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *args[6];
        int status;
        const char *says;
    } cases[] = {
        {{"explain", MODEL}, 2, "one picture, not 0"},
        {{"explain", MODEL, "a.jpg", "b.png"}, 2, "one picture, not 2"},
        {{"explain", MODEL, "-"}, 2, "--out says where to"},
        {{"explain", MODEL, "--method=guess", "a.jpg"}, 2, "guess"},
        {{"explain", MODEL, "--method=rollout", "--out=x.png", "a.jpg"}, 1, "residual has no map by method rollout"},
        {{"explain", MODEL, "text.jpg"}, 1, "text.jpg"},
        {{"explain", MODEL, "missing.jpg"}, 1, "missing.jpg"},
        {{"explain", "--model=text.jpg", "--out=x.png", "a.jpg"}, 1, "text.jpg"},
        {{"explain", MODEL, "--out=no/folder.png", "a.jpg"}, 1, "no/folder.png: cannot create"},
        {{"detect", MODEL, "--explain=a.jpg", "b.png"}, 1, "a.jpg: is no folder"},
        {{"detect", MODEL, "--explain=no/folder", "b.png"}, 1, "no/folder: cannot create the folder"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome o;
        run(&(struct launch){.args = cases[i].args}, &o);
        if (o.status != cases[i].status || !strstr(o.err, cases[i].says))
            fail_msg("case %zu: status %d, %s", i, o.status, o.err);
        assert_string_equal(o.out, "");
        outcome_free(&o);
    }
    assert_false(file_exists("x.png"));
    assert_false(file_exists("text.jpg.explain.png"));
}

static void test_detect(void **state)
{
    (void)state;
    struct outcome with, without;
    RUN(&without, "detect", MODEL, "--json", "tree", "b.png", "text.jpg");
    RUN(&with, "detect", MODEL, "--json", "--explain=maps", "tree", "b.png", "text.jpg");
    assert_int_equal(with.status, 1); /* the text */
    assert_string_equal(with.out, without.out);
    assert_string_equal(with.err, without.err);
    outcome_free(&with);
    outcome_free(&without);
    assert_int_equal(files_in("maps"), 3);
    struct image drawn = png_of("maps/tree%2F1.jpg.png", 2 * 300 + 32, 300);
    image_free(&drawn);
    drawn = png_of("maps/tree%2Fa%2F1.jpg.png", 2 * 300 + 32, 306);
    image_free(&drawn);
    drawn = png_of("maps/b.png.png", 2 * 120 + 32, 270);
    image_free(&drawn);

    /* a map that cannot be written is told, and the verdict stands */
    mkdir("blocked", 0700);
    mkdir("blocked/b.png.png", 0700);
    RUN(&with, "detect", MODEL, "--explain=blocked", "b.png", "a.jpg");
    assert_int_equal(with.status, 1);
    assert_non_null(strstr(with.err, "b.png: no activation map: "));
    assert_int_equal(count_of(with.out, "\n"), 3);
    assert_true(file_exists("blocked/a.jpg.png"));
    outcome_free(&with);
}

/* ---- Names ----------------------------------------------------------------------------------------------------- */

static void check_name(const char *picture, const char *expected)
{
    struct arena arena = {0};
    assert_string_equal(explain_path("dir", picture, &arena), expected);
    arena_free(&arena);
}

static void test_names(void **state)
{
    (void)state;
    check_name("a.jpg", "dir/a.jpg.png");
    check_name("a", "dir/a.png");
    check_name("/x/a b.jpg", "dir/%2Fx%2Fa b.jpg.png");
    check_name("../../a.jpg", "dir/%2E.%2F..%2Fa.jpg.png");
    check_name("..", "dir/%2E..png");
    check_name("-", "dir/-.png");
    check_name("x%2Fy~", "dir/x%252Fy%7E.png");
    check_name("\xc3\xa4\n\xff", "dir/\xc3\xa4%0A%FF.png");

    /* long ones: short enough for a file system, told apart by their beginning, no character cut */
    char one[600], two[600];
    struct arena arena = {0};
    memset(one, 'a', 599);
    one[599] = '\0';
    for (int i = 300; i < 598; i += 2)
        memcpy(one + i, i % 3 ? "\xc3\xa4" : "/b", 2);
    one[598] = 'e';
    memcpy(two, one, 600);
    two[0] = 'b';
    const char *a = explain_path("dir", one, &arena), *b = explain_path("dir", two, &arena);
    assert_string_not_equal(a, b);
    assert_true(strlen(a) < 4 + 210);
    assert_int_equal(a[4], '~');
    assert_string_equal(a + 4 + 33, b + 4 + 33);
    const unsigned char first = (unsigned char)a[4 + 33];
    assert_true((first & 0xc0) != 0x80);
    assert_null(strchr(a + 4, '/'));
    arena_free(&arena);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explain),  cmocka_unit_test(test_overwriting), cmocka_unit_test(test_other_ways),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_detect),      cmocka_unit_test(test_names),
    };
    if (!scratch_take_program(argc, argv))
        return 2;
    return cmocka_run_group_tests(tests, setup, scratch_end_group);
}
