/* test_command.c - `assay data check` and `assay data balance` on small sets of pictures: what they say, as text and as
 * JSON, their exit statuses; and that what leaked does not after balancing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/memory.h"
#include "base/random.h"
#include "image/image.h"
#include "scratch.h"

/* Bytes of a picture of soft shapes that the seed chooses, as JPEG or (quality 0) PNG. */
static uint8_t *draw(int width, int height, int quality, unsigned seed, size_t *size)
{
    struct assay_error error = {0};
    struct image image;
    struct random random = random_open(seed, 11, 0);
    uint8_t *bytes;
    int at[6][2], level[6];
    for (int i = 0; i < 6; i++) {
        at[i][0] = (int)random_below(&random, 100);
        at[i][1] = (int)random_below(&random, 100);
        level[i] = (int)random_below(&random, 220);
    }
    if (image_library_init(&error) || image_create(width, height, &image, &error))
        fail_msg("%s", error.message);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int best = 0, least = 1 << 30; /* the nearest of six points gives the colour */
            for (int i = 0; i < 6; i++) {
                int dx = 100 * x / width - at[i][0], dy = 100 * y / height - at[i][1];
                if (dx * dx + dy * dy < least) {
                    least = dx * dx + dy * dy;
                    best = level[i];
                }
            }
            uint8_t *p = image.pixels + 3 * ((size_t)y * (size_t)width + (size_t)x);
            for (int c = 0; c < 3; c++)
                p[c] = (uint8_t)(best + (int)random_below(&random, 30) + c);
        }
    assay_status status = quality ? image_encode_jpeg(&image, quality, IMAGE_420, &bytes, size, &error)
                                  : image_encode_png(&image, &bytes, size, &error);
    if (status)
        fail_msg("%s", error.message);
    image_free(&image);
    return bytes;
}

static void put(const char *path, int width, int height, int quality, unsigned seed)
{
    size_t size;
    uint8_t *bytes = draw(width, height, quality, seed, &size);
    scratch_write(path, bytes, size);
    mem_free(bytes);
}

static void make_folders(const char *root)
{
    static const char *const below[] = {"", "/real", "/real/a", "/real/b", "/ai", "/ai/c", "/ai/d"};
    char path[256];
    for (size_t i = 0; i < sizeof below / sizeof below[0]; i++) {
        snprintf(path, sizeof path, "%s%s", root, below[i]);
        mkdir(path, 0700);
    }
}

/* 15 pictures in each of four sources. Where it leaks, generated ones are PNGs of another size. */
static void make_set(const char *root, bool leaks)
{
    char path[256];
    make_folders(root);
    for (unsigned i = 0; i < 60; i++) {
        bool ai = i % 2;
        int quality = 80 + (int)(i / 2 % 7), width = 64 + 4 * (int)(i / 2 % 3);
        snprintf(path, sizeof path, "%s/%s/%c/%u.jpg", root, ai ? "ai" : "real", "abcd"[2 * ai + i / 2 % 2], i);
        put(path, leaks && ai ? 128 : width, 64, leaks && ai ? 0 : quality, i);
    }
}

static void test_clean(void **state)
{
    (void)state;
    struct outcome o;
    make_set("clean", false);
    RUN(&o, "data", "check", "clean");
    if (o.status != 0 || !strstr(o.out, "No warnings") || strstr(o.out, "LEAK"))
        fail_msg("status %d\n%s%s", o.status, o.out, o.err);
    outcome_free(&o);
}

static void test_leaks(void **state)
{
    (void)state;
    struct outcome o;
    make_set("leaky", true);
    RUN(&o, "data", "check", "leaky");
    if (o.status != 3 ||
        !strstr(o.out, "WARNING: the format alone tells real from generated with a balanced accuracy "
                       "of 1.000") ||
        !strstr(o.out, "the width alone"))
        fail_msg("status %d\n%s%s", o.status, o.out, o.err);
    outcome_free(&o);
    RUN(&o, "data", "check", "--real", "leaky/real", "--ai", "leaky/ai");
    assert_int_equal(o.status, 3);
    outcome_free(&o);
}

static json_t *at(json_t *object, const char *a, const char *b)
{
    json_t *value = json_object_get(json_object_get(object, a), b);
    if (!value)
        fail_msg("no %s.%s", a, b);
    return value;
}

/* Duplicates between splits and classes, and a damaged picture: all counted, named, and in the JSON. */
static void test_json(void **state)
{
    (void)state;
    struct outcome o;
    json_error_t why;
    size_t size;
    mkdir("splits", 0700);
    make_set("splits/train", false);
    make_folders("splits/val");
    for (unsigned i = 0; i < 24; i++) {
        char path[64];
        snprintf(path, sizeof path, "splits/val/%s/%u.jpg", i % 2 ? "ai/c" : "real/a", i);
        put(path, 64, 64, 85, 1000 + i);
    }
    uint8_t *bytes = draw(90, 70, 85, 500, &size);
    scratch_write("splits/train/real/a/same.jpg", bytes, size);
    scratch_write("splits/train/ai/c/same.jpg", bytes, size);
    scratch_write("splits/val/ai/c/cut \xFF.jpg", bytes, size / 2);
    mem_free(bytes);
    put("splits/train/real/b/near.jpg", 96, 72, 90, 501);
    put("splits/val/real/b/near.jpg", 96, 72, 60, 501);
    RUN(&o, "data", "check", "--json", "splits");
    assert_int_equal(o.status, 3);
    json_t *report = json_loads(o.out, 0, &why);
    if (!report)
        fail_msg("line %d: %s\n%s", why.line, why.text, o.out);
    assert_int_equal(json_integer_value(json_object_get(report, "unreadable")), 1);
    assert_int_equal(json_integer_value(json_object_get(at(report, "duplicates", "equal"), "other_class")), 2);
    assert_int_equal(json_integer_value(json_object_get(at(report, "duplicates", "near"), "other_split")), 2);
    assert_int_equal(json_array_size(json_object_get(at(report, "duplicates", "near"), "groups")), 1);
    json_t *pictures = json_object_get(report, "pictures"), *warnings = json_object_get(report, "warnings");
    assert_int_equal(json_array_size(warnings), 3);
    assert_int_equal(json_array_size(pictures), 60 + 24 + 5);
    size_t problems = 0, i;
    json_t *one;
    json_array_foreach(pictures, i, one)
    {
        bool readable = json_integer_value(json_object_get(one, "jpeg_quality")) >= 60 &&
                        strlen(json_string_value(json_object_get(one, "sha256"))) == 64;
        problems += json_object_get(one, "error") && json_object_get(one, "file_hex") && !readable;
        assert_true(readable || json_object_get(one, "error"));
    }
    assert_int_equal(problems, 1);
    json_decref(report);
    outcome_free(&o);
    /* the same at any number of threads, and as text */
    struct outcome again;
    RUN(&o, "data", "check", "--threads", "1", "splits");
    RUN(&again, "data", "check", "--threads", "2", "splits");
    assert_string_equal(o.out, again.out);
    if (!strstr(o.out, "cut \\xFF.jpg") || !strstr(o.out, "near.jpg") || !strstr(o.out, "Unreadable: 1"))
        fail_msg("%s", o.out);
    outcome_free(&o);
    outcome_free(&again);
}

static void test_unreadable(void **state)
{
    (void)state;
    struct outcome o;
    make_set("damaged", false);
    scratch_write("damaged/real/a/x.jpg", "no picture", 10);
    RUN(&o, "data", "check", "damaged");
    if (o.status != 1 || !strstr(o.out, "WARNING: pictures that cannot be read: 1."))
        fail_msg("status %d\n%s%s", o.status, o.out, o.err);
    outcome_free(&o);
}

static void test_usage(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "data", "check");
    assert_int_equal(o.status, 2);
    outcome_free(&o);
    RUN(&o, "data", "check", "--real", "x");
    assert_int_equal(o.status, 2);
    outcome_free(&o);
    RUN(&o, "data", "check", "missing");
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "missing"));
    outcome_free(&o);
    mkdir("one", 0700);
    mkdir("one/real", 0700);
    put("one/real/a.jpg", 40, 40, 80, 1);
    RUN(&o, "data", "check", "one");
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "partner"));
    outcome_free(&o);
}

/* ---- balance ----------------------------------------------------------------------------------------------------- */

/* 240 pictures of four sources. Generated ones are mostly PNG, real ones mostly JPEG of lower quality; some of each are
 * like the other class. One real picture is there twice. */
static void make_mixed(const char *root)
{
    char path[256];
    make_folders(root);
    for (unsigned i = 0; i < 240; i++) {
        bool ai = i % 2, odd = i / 4 % 4 == 0;
        int quality = ai == odd ? 80 + (int)(i / 16 % 3) * 3 : ai ? 0 : 92;
        snprintf(path, sizeof path, "%s/%s/%c/%u,\"x\".jpg", root, ai ? "ai" : "real", "abcd"[2 * ai + i / 2 % 2], i);
        put(path, 64 + (int)(i / 2 % 5), 64, ai && odd ? 80 + (int)(i / 16 % 3) * 3 : quality, 3000 + i);
    }
    size_t size;
    snprintf(path, sizeof path, "%s/real/a/0,\"x\".jpg", root);
    uint8_t *bytes = scratch_read(path, &size);
    snprintf(path, sizeof path, "%s/real/b/copy.jpg", root);
    scratch_write(path, bytes, size);
    free(bytes);
}

/* One field of a line of CSV; returns what follows its comma. */
static const char *read_field(const char *at, char *out)
{
    bool quoted = *at == '"';
    for (at += quoted; *at && *at != '\n' && (quoted || *at != ','); at++) {
        if (quoted && *at == '"' && *++at != '"')
            break;
        *out++ = *at;
    }
    *out = '\0';
    return *at ? at + 1 : at;
}

/* Links to the pictures of a list, as folders. Returns how many of each class there are. */
static void link_list(const char *list, const char *root, unsigned count[2])
{
    char *text = (char *)scratch_read(list, NULL), path[4096], label[16], source[64], split[16], mask[16], link[4200];
    assert_memory_equal(text, "path,label,source,split,mask\n", 29);
    make_folders(root);
    count[0] = count[1] = 0;
    for (const char *at = text + 29; *at;) {
        at = read_field(read_field(read_field(read_field(read_field(at, path), label), source), split), mask);
        assert_true(path[0] == '/' && !split[0] && !mask[0]);
        snprintf(link, sizeof link, "%s/%s/%s/%u.jpg", root, label, source, count[0] + count[1]);
        assert_int_equal(symlink(path, link), 0);
        count[strcmp(label, "ai") == 0]++;
    }
    free(text);
}

static void expect_status(int status, const char *folder)
{
    struct outcome o;
    RUN(&o, "data", "check", folder);
    if (o.status != status)
        fail_msg("%s: status %d\n%s%s", folder, o.status, o.out, o.err);
    outcome_free(&o);
}

static void test_balance_list(void **state)
{
    (void)state;
    struct outcome o;
    unsigned count[2];
    make_mixed("mixed");
    expect_status(3, "mixed");
    RUN(&o, "data", "balance", "--out", "list.csv", "mixed");
    if (o.status != 0 || !strstr(o.out, "matched by ") || !strstr(o.out, "1 duplicates"))
        fail_msg("status %d\n%s%s", o.status, o.out, o.err);
    outcome_free(&o);
    link_list("list.csv", "chosen", count);
    assert_int_equal(count[0], count[1]);
    assert_true(count[0] >= 20);
    expect_status(0, "chosen");
    expect_status(0, "list.csv");
    /* the same again, but only where asked for; another seed draws others */
    RUN(&o, "data", "balance", "--out", "list.csv", "mixed");
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "--overwrite"));
    outcome_free(&o);
    RUN(&o, "data", "balance", "--out", "again.csv", "--threads", "2", "mixed");
    assert_int_equal(o.status, 0);
    outcome_free(&o);
    RUN(&o, "data", "balance", "--out", "other.csv", "--seed", "1", "mixed");
    assert_int_equal(o.status, 0);
    outcome_free(&o);
    char *list = (char *)scratch_read("list.csv", NULL), *again = (char *)scratch_read("again.csv", NULL),
         *other = (char *)scratch_read("other.csv", NULL);
    assert_string_equal(list, again);
    assert_string_not_equal(list, other);
    free(list);
    free(again);
    free(other);
}

static void test_balance_impossible(void **state)
{
    (void)state;
    struct outcome o;
    make_set("apart", true);
    RUN(&o, "data", "balance", "--out", "apart.csv", "apart");
    if (o.status != 1 || !strstr(o.err, "format") || !strstr(o.err, "--reencode") || access("apart.csv", F_OK) == 0)
        fail_msg("status %d\n%s%s", o.status, o.out, o.err);
    outcome_free(&o);
}

/* Copies: of one size and format, nothing leaks, the list and the folders say the same, and so does a second run. */
static void test_balance_copies(void **state)
{
    (void)state;
    struct outcome o;
    for (int time = 0; time < 2; time++) {
        RUN(&o, "data", "balance", "--reencode", "--threads", time ? "2" : "1", "--out", time ? "copies2" : "copies",
            "leaky");
        if (o.status != 0 || !strstr(o.out, "64 x 64 pixels"))
            fail_msg("status %d\n%s%s", o.status, o.out, o.err);
        outcome_free(&o);
    }
    expect_status(0, "copies");
    expect_status(0, "copies/manifest.csv");
    uint8_t *list = scratch_read("copies/manifest.csv", NULL), *again = scratch_read("copies2/manifest.csv", NULL);
    assert_string_equal((char *)list, (char *)again);
    assert_memory_equal(list, "path,label,source,split,mask,original\n", 38);
    char path[256], full[512];
    unsigned count = 0;
    for (const char *at = (char *)list + 38; *at; count++) {
        read_field(at, path);
        at = strchr(at, '\n') + 1;
        for (int time = 0; time < 2; time++) {
            snprintf(full, sizeof full, "%s/%s", time ? "copies2" : "copies", path);
            assert_int_equal(access(full, F_OK), 0);
        }
    }
    assert_true(count >= 40);
    free(list);
    free(again);
    /* what is there is not written over */
    RUN(&o, "data", "balance", "--reencode", "--out", "copies", "leaky");
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "not empty"));
    outcome_free(&o);
}

static void test_balance_usage(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "data", "balance", "leaky");
    assert_int_equal(o.status, 2);
    outcome_free(&o);
    RUN(&o, "data", "balance", "--out", "folder", "leaky");
    assert_int_equal(o.status, 2);
    assert_non_null(strstr(o.err, ".csv"));
    outcome_free(&o);
    RUN(&o, "data", "balance", "--reencode", "--out", "x", "--quality-low", "90", "--quality-high", "80", "leaky");
    assert_int_equal(o.status, 2);
    outcome_free(&o);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_leaks),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_balance_list),
        cmocka_unit_test(test_balance_impossible),
        cmocka_unit_test(test_balance_copies),
        cmocka_unit_test(test_balance_usage),
    };
    if (argc < 2)
        return 1;
    scratch_program = scratch_find_program(argv[1]);
    return cmocka_run_group_tests(tests, scratch_begin_group, scratch_end_group);
}
