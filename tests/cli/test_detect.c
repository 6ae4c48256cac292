/* test_detect.c - `assay detect`: what it prints in each format, in which order, and with which exit status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#include "detector/model.h"
#include "scratch.h"

#define MODEL "--model=model.safetensors"

static int setup(void **state)
{
    (void)state;
    scratch_begin();
    scratch_model("model.safetensors", true);
    scratch_model("uncalibrated.safetensors", false);
    scratch_picture("a.jpg", 64, 48, 1);
    scratch_picture("b.png", 40, 90, 2);
    scratch_write("text.jpg", "this is not a picture\n", 22);
    mkdir("tree", 0700);
    mkdir("tree/deep", 0700);
    mkdir("tree/deep/er", 0700);
    mkdir("empty", 0700);
    scratch_picture("tree/1.jpg", 50, 50, 3);
    scratch_picture("tree/deep/2.png", 50, 51, 4);
    scratch_picture("tree/deep/er/3.jpeg", 50, 52, 5);
    scratch_picture("tree/z.JPG", 50, 53, 6);
    scratch_write("tree/notes.txt", "no picture", 10);
    return 0;
}

/* The n-th line of JSON output, parsed; fails the test where it is not JSON. */
static json_t *json_line(const char *text, int n)
{
    while (n-- > 0)
        text = strchr(text, '\n') + 1;
    json_error_t error;
    json_t *object = json_loadb(text, strcspn(text, "\n"), JSON_REJECT_DUPLICATES, &error);
    if (!object)
        fail_msg("not JSON (%s): %.200s", error.text, text);
    return object;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static double number_of(const json_t *object, const char *key)
{
    assert_true(json_is_number(json_object_get(object, key)));
    return json_number_value(json_object_get(object, key));
}

static void test_table(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "detect", MODEL, "a.jpg", "b.png");
    assert_int_equal(o.status, 0);
    assert_string_equal(o.err, "");
    assert_int_equal(count_of(o.out, "\n"), 3);
    assert_int_equal(strncmp(o.out, "verdict       probability  file says              file\n", 55), 0);
    assert_null(strchr(o.out, '\033'));
    char verdict[32], file[32];
    double probability;
    assert_int_equal(sscanf(strchr(o.out, '\n') + 1, "%31s %lf - %31s", verdict, &probability, file), 3);
    assert_true(probability >= 0 && probability <= 1);
    assert_string_equal(file, "a.jpg");
    const char *words = probability >= 0.55 ? "ai-generated" : probability <= 0.45 ? "real" : "uncertain";
    assert_string_equal(verdict, words);
    outcome_free(&o);
}

static void test_json(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "detect", "--json", MODEL, "a.jpg", "text.jpg", "b.png");
    assert_int_equal(o.status, 1);
    assert_int_equal(count_of(o.out, "\n"), 3);
    json_t *line = json_line(o.out, 0);
    assert_string_equal(text_of(line, "file"), "a.jpg");
    assert_string_equal(text_of(line, "detector"), "residual");
    assert_true(strlen(text_of(line, "verdict")) > 0);
    double p = number_of(line, "probability");
    assert_true(p >= 0 && p <= 1);
    assert_string_equal(text_of(json_object_get(line, "provenance"), "kind"), "none");
    assert_int_equal(json_object_size(line), 6);
    const json_t *reasons = json_object_get(line, "reasons");
    assert_int_equal(json_object_size(reasons), 10);
    assert_true(number_of(reasons, "crops") >= 1 &&
                number_of(reasons, "crops") <= 2); /* half the distance of two, or 0 */
    assert_true(number_of(reasons, "crops_generated") <= number_of(reasons, "crops"));
    assert_true(number_of(reasons, "lowest") <= p && number_of(reasons, "highest") >= p);
    double half = (number_of(reasons, "highest") - number_of(reasons, "lowest")) / 2;
    assert_true(number_of(reasons, "deviation") >= half - 1e-5 && number_of(reasons, "deviation") <= half + 1e-5);
    assert_true(number_of(reasons, "width") == 64 && number_of(reasons, "height") == 48);
    assert_string_equal(text_of(reasons, "format"), "JPEG");
    assert_true(number_of(reasons, "jpeg_quality") == 90);
    assert_true(json_is_null(json_object_get(reasons, "limit")));
    json_decref(line);
    line = json_line(o.out, 2);
    reasons = json_object_get(line, "reasons");
    assert_string_equal(text_of(reasons, "format"), "PNG");
    assert_true(json_is_null(json_object_get(reasons, "jpeg_quality")));
    json_decref(line);
    line = json_line(o.out, 1);
    assert_string_equal(text_of(line, "file"), "text.jpg");
    assert_non_null(strstr(text_of(line, "error"), "text.jpg"));
    assert_int_equal(json_object_size(line), 2);
    json_decref(line);
    assert_int_equal(count_of(o.err, "\n"), 1);
    assert_int_equal(strncmp(o.err, "assay: text.jpg: ", 17), 0);
    outcome_free(&o);
}

static void test_csv(void **state)
{
    (void)state;
    struct outcome o;
    scratch_picture("odd, \"name\".png", 40, 40, 9);
    RUN(&o, "detect", "--csv", MODEL, "a.jpg", "odd, \"name\".png", "missing.jpg");
    assert_int_equal(o.status, 1);
    static const char heading[] = "file,verdict,probability,detector,error,provenance,strength,basis,disagreement,"
                                  "crops,crops_generated,lowest,highest,"
                                  "deviation,width,height,format,jpeg_quality,limit\na.jpg,";
    assert_int_equal(strncmp(o.out, heading, sizeof heading - 1), 0);
    assert_non_null(strstr(o.out, ",64,48,JPEG,90,\n"));
    assert_non_null(strstr(o.out, ",40,40,PNG,,\n"));
    for (const char *line = o.out, *end; (end = strchr(line, '\n')); line = end + 1) {
        int commas = 0;
        bool quoted = false;
        for (const char *at = line; at < end; at++) {
            quoted ^= *at == '"';
            commas += *at == ',' && !quoted;
        }
        assert_int_equal(commas, 18);
    }
    assert_non_null(strstr(o.out, "\n\"odd, \"\"name\"\".png\","));
    assert_non_null(strstr(o.out, "\nmissing.jpg,,,,missing.jpg: "));
    assert_int_equal(count_of(o.out, "\n"), 4);
    assert_int_equal(count_of(o.out, ",none,none,,,"), 2);
    outcome_free(&o);
}

/* What the file says stands beside the verdict, and does not change it. */
static void test_provenance(void **state)
{
    (void)state;
    static const char generated[] = ASSAY_TEST_DIR "/provenance/fixtures/words/a1111.png";
    struct outcome o, without;
    RUN(&o, "detect", "--json", MODEL, generated);
    RUN(&without, "detect", "--json", "--no-provenance", MODEL, generated);
    assert_int_equal(o.status, 0);
    json_t *line = json_line(o.out, 0), *plain = json_line(without.out, 0);
    const json_t *said = json_object_get(line, "provenance");
    assert_string_equal(text_of(said, "kind"), "declared-generated");
    assert_string_equal(text_of(said, "strength"), "unsigned");
    assert_string_equal(text_of(said, "who"), "Stable Diffusion web UI");
    assert_string_equal(text_of(json_array_get(json_object_get(said, "rests_on"), 0), "place"),
                        "PNG text \"parameters\"");
    bool real = strcmp(text_of(line, "verdict"), "real") == 0;
    assert_int_equal(json_object_get(said, "disagreement") != NULL, real);
    assert_null(json_object_get(plain, "provenance"));
    assert_string_equal(text_of(line, "verdict"), text_of(plain, "verdict"));
    assert_true(number_of(line, "probability") == number_of(plain, "probability"));
    json_decref(line);
    json_decref(plain);
    outcome_free(&o);
    outcome_free(&without);

    RUN(&o, "detect", "--csv", MODEL, generated);
    assert_non_null(strstr(o.out, ",residual,,declared-generated,unsigned,\"PNG text \"\"parameters\"\"\","));
    assert_int_equal(count_of(o.out, "the detector judges it real") == 1, real);
    outcome_free(&o);
    RUN(&o, "detect", MODEL, generated);
    assert_non_null(strstr(o.out, "  generated (unsigned)   " ASSAY_TEST_DIR));
    assert_int_equal(count_of(o.out,
                              "they disagree: the file declares a generated picture; the detector judges it real"),
                     real);
    outcome_free(&o);
    RUN(&o, "detect", "--no-provenance", MODEL, generated);
    assert_int_equal(strncmp(o.out, "verdict       probability  file\n", 32), 0);
    outcome_free(&o);
    RUN(&o, "detect", "--trust", "a.jpg", MODEL, generated);
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "a.jpg"));
    outcome_free(&o);
}

/* What a file says is told too where its picture cannot be decoded, or is refused. */
static void test_provenance_without_verdict(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = scratch_read(ASSAY_TEST_DIR "/provenance/fixtures/words/a1111.jpg", &size);
    scratch_write("cut.jpg", bytes, size - 12);
    free(bytes);
    struct outcome o;
    RUN(&o, "detect", "--json", MODEL, "cut.jpg", "text.jpg");
    assert_int_equal(o.status, 1);
    json_t *line = json_line(o.out, 0), *text = json_line(o.out, 1);
    assert_non_null(strstr(text_of(line, "error"), "cut.jpg"));
    assert_null(json_object_get(line, "verdict"));
    assert_string_equal(text_of(json_object_get(line, "provenance"), "kind"), "declared-generated");
    assert_null(json_object_get(json_object_get(line, "provenance"), "disagreement"));
    assert_null(json_object_get(text, "provenance"));
    json_decref(line);
    json_decref(text);
    outcome_free(&o);

    RUN(&o, "detect", "--csv", MODEL, "cut.jpg");
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.out, ",declared-generated,unsigned,EXIF UserComment,,,,,,,,,,,\n"));
    outcome_free(&o);
    RUN(&o, "detect", MODEL, "cut.jpg", "text.jpg", "a.jpg");
    assert_int_equal(o.status, 1);
    assert_int_equal(count_of(o.out, "\n"), 3);
    assert_non_null(strstr(o.out, "\nnot judged                 generated (unsigned)   cut.jpg\n"));
    outcome_free(&o);
    RUN(&o, "detect", "--no-provenance", MODEL, "cut.jpg");
    assert_string_equal(o.out, "");
    outcome_free(&o);
    RUN(&o, "detect", "--json", "--max-pixels=10", MODEL, "a.jpg");
    assert_int_equal(o.status, 1);
    line = json_line(o.out, 0);
    assert_string_equal(text_of(json_object_get(line, "provenance"), "kind"), "none");
    json_decref(line);
    outcome_free(&o);
}

/* Verdicts do not depend on company, threads or where the bytes come from. */
static void test_same_everywhere(void **state)
{
    (void)state;
    struct outcome alone, many, piped;
    RUN(&alone, "detect", "--json", MODEL, "--threads=1", "b.png");
    RUN(&many, "detect", "--json", MODEL, "--threads", "3", "tree", "a.jpg", "b.png", "tree/1.jpg");
    run(&(struct launch){.args = (const char *const[]){"detect", "--json", MODEL, "-", NULL}, .input = "b.png"},
        &piped);
    json_t *a = json_line(alone.out, 0), *b = json_line(many.out, 5), *c = json_line(piped.out, 0);
    assert_string_equal(text_of(b, "file"), "b.png");
    assert_string_equal(text_of(c, "file"), "-");
    assert_float_equal((float)number_of(a, "probability"), (float)number_of(b, "probability"), 1e-5);
    assert_float_equal((float)number_of(a, "probability"), (float)number_of(c, "probability"), 1e-5);
    json_decref(a);
    json_decref(b);
    json_decref(c);
    outcome_free(&alone);
    outcome_free(&many);
    outcome_free(&piped);
}

static void test_folders(void **state)
{
    (void)state;
    static const char *const expected[] = {"tree/1.jpg", "tree/deep/2.png", "tree/deep/er/3.jpeg", "tree/z.JPG"};
    struct outcome o;
    RUN(&o, "detect", "--json", MODEL, "tree");
    assert_int_equal(o.status, 0);
    assert_int_equal(count_of(o.out, "\n"), 4);
    for (int i = 0; i < 4; i++) {
        json_t *line = json_line(o.out, i);
        assert_string_equal(text_of(line, "file"), expected[i]);
        json_decref(line);
    }
    outcome_free(&o);

    RUN(&o, "detect", "--json", MODEL, "empty", "a.jpg");
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "empty: no pictures in this folder"));
    json_t *line = json_line(o.out, 1);
    assert_true(number_of(line, "probability") >= 0);
    json_decref(line);
    outcome_free(&o);
}

/* Links back to a folder above, and to itself. */
static void test_loops(void **state)
{
    (void)state;
    mkdir("loop", 0700);
    mkdir("loop/in", 0700);
    scratch_picture("loop/in/x.jpg", 40, 40, 1);
    assert_int_equal(symlink("../../loop", "loop/in/back"), 0);
    assert_int_equal(symlink("self", "loop/self"), 0);
    assert_int_equal(symlink("nowhere", "loop/dead.jpg"), 0);
    struct outcome o;
    RUN(&o, "detect", "--json", MODEL, "loop");
    assert_int_equal(o.status, 0);
    assert_int_equal(count_of(o.out, "\n"), 1);
    assert_non_null(strstr(o.out, "\"loop/in/x.jpg\""));
    outcome_free(&o);
    RUN(&o, "detect", MODEL, "loop/self");
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "loop/self"));
    outcome_free(&o);
}

static void test_odd_names(void **state)
{
    (void)state;
    static const char *const names[] = {"with space.jpg",
                                        "new\nline.jpg",
                                        "b\xffyte\xc3.jpg",
                                        "-dash.jpg",
                                        "\xc3\xbcml\xc3\xa4ut \xf0\x9f\x90\x88.jpg",
                                        "esc\033[31m.jpg",
                                        "back\\slash\"q.jpg"};
    enum { NAMES = sizeof names / sizeof names[0] };
    mkdir("odd", 0700);
    for (int i = 0; i < NAMES; i++) {
        char path[64];
        snprintf(path, sizeof path, "odd/%s", names[i]);
        scratch_picture(path, 40, 40, (unsigned)i);
        scratch_picture(names[i], 40, 40, (unsigned)i);
    }
    struct outcome o;
    RUN(&o, "detect", "--json", MODEL, "--", names[0], names[1], names[2], names[3], names[4], names[5], names[6],
        "odd");
    assert_int_equal(o.status, 0);
    assert_int_equal(count_of(o.out, "\n"), 2 * NAMES);
    for (int i = 0; i < NAMES; i++) {
        json_t *line = json_line(o.out, i);
        if (i == 2) {
            assert_string_equal(text_of(line, "file"), "b\xef\xbf\xbdyte\xef\xbf\xbd.jpg");
            assert_string_equal(text_of(line, "file_hex"), "62ff797465c32e6a7067");
        } else {
            assert_string_equal(text_of(line, "file"), names[i]);
            assert_null(json_object_get(line, "file_hex"));
        }
        json_decref(line);
    }
    outcome_free(&o);

    /* the table has one line a file, and nothing in it that a terminal would obey */
    RUN(&o, "detect", MODEL, names[1], names[2], names[5]);
    assert_int_equal(o.status, 0);
    assert_int_equal(count_of(o.out, "\n"), 4);
    assert_non_null(strstr(o.out, "new\\x0Aline.jpg\n"));
    assert_non_null(strstr(o.out, "b\\xFFyte\\xC3.jpg\n"));
    assert_non_null(strstr(o.out, "esc\\x1B[31m.jpg\n"));
    outcome_free(&o);

    /* neither do messages */
    RUN(&o, "detect", "--json", MODEL, "gone\n\xfe\033[2J.jpg");
    assert_int_equal(o.status, 1);
    assert_int_equal(count_of(o.err, "\n"), 1);
    assert_null(strchr(o.err, '\033'));
    json_decref(json_line(o.out, 0));
    outcome_free(&o);
}

static void test_unreadable(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "detect", MODEL, "a.jpg", "missing.jpg", "text.jpg", "b.png");
    assert_int_equal(o.status, 1);
    assert_int_equal(count_of(o.out, "\n"), 3); /* heading and two verdicts */
    assert_int_equal(count_of(o.err, "\n"), 2);
    assert_non_null(strstr(o.err, "missing.jpg: "));
    assert_non_null(strstr(o.err, "No such file or directory"));
    assert_true(strstr(o.err, "missing.jpg") < strstr(o.err, "text.jpg"));
    outcome_free(&o);

    if (geteuid() == 0)
        return; /* the rest needs files that we may not read */
    mkdir("locked", 0700);
    scratch_picture("locked/x.jpg", 40, 40, 1);
    scratch_picture("secret.jpg", 40, 40, 1);
    chmod("locked", 0);
    chmod("secret.jpg", 0);
    RUN(&o, "detect", MODEL, "locked", "secret.jpg", "a.jpg");
    chmod("locked", 0700);
    assert_int_equal(o.status, 1);
    assert_int_equal(count_of(o.err, "Permission denied"), 2);
    assert_int_equal(count_of(o.out, "\n"), 2);
    outcome_free(&o);
}

/* More files than the window holds, one in ten unreadable: every one is told of, in order. */
static void test_many(void **state)
{
    (void)state;
    enum { MANY = 300 };
    size_t size;
    uint8_t *bytes = scratch_read("a.jpg", &size);
    mkdir("many", 0700);
    for (int i = 0; i < MANY; i++) {
        char path[64];
        snprintf(path, sizeof path, "many/%04d.jpg", i);
        scratch_write(path, bytes, i % 10 == 3 ? size / 2 : size);
    }
    free(bytes);
    struct outcome o;
    RUN(&o, "detect", "--json", MODEL, "many");
    assert_int_equal(o.status, 1);
    assert_int_equal(count_of(o.out, "\n"), MANY);
    const char *at = o.out;
    for (int i = 0; i < MANY; i++, at = strchr(at, '\n') + 1) {
        char path[64];
        snprintf(path, sizeof path, "many/%04d.jpg", i);
        json_t *line = json_line(at, 0);
        assert_string_equal(text_of(line, "file"), path);
        assert_true((json_object_get(line, "error") != NULL) == (i % 10 == 3));
        json_decref(line);
    }
    assert_int_equal(count_of(o.err, "\n"), MANY / 10);
    outcome_free(&o);
}

static void test_limits(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "detect", MODEL, "--max-pixels=3071", "a.jpg");
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "a.jpg"));
    outcome_free(&o);
    RUN(&o, "detect", MODEL, "--max-pixels=3072", "a.jpg");
    assert_int_equal(o.status, 0);
    outcome_free(&o);
    RUN(&o, "detect", MODEL, "--max-bytes=100", "a.jpg");
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "limit"));
    outcome_free(&o);
}

static void test_options(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "detect", "--bf16", "--no-progress", MODEL, "a.jpg");
    assert_int_equal(o.status, 0);
    outcome_free(&o);
    /* a model without calibration gives no verdict, and says so */
    RUN(&o, "detect", "--model", "uncalibrated.safetensors", "a.jpg");
    assert_int_equal(o.status, 0);
    assert_non_null(strstr(o.out, "\nuncalibrated "));
    assert_non_null(strstr(o.err, "not calibrated"));
    outcome_free(&o);
    /* the environment names a model where the command line does not */
    run(&(struct launch){.args = (const char *const[]){"detect", "a.jpg", NULL},
                         .env = (const char *const[]){"ASSAY_MODEL=model.safetensors", NULL}},
        &o);
    assert_int_equal(o.status, 0);
    outcome_free(&o);
    run(&(struct launch){.args = (const char *const[]){"detect", "a.jpg", NULL},
                         .env = (const char *const[]){"ASSAY_MODEL=gone.safetensors", NULL}},
        &o);
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "gone.safetensors"));
    outcome_free(&o);
}

/* What a verdict stands on: for a single picture, or where it is asked for. */
static void test_reasons(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "detect", MODEL, "a.jpg");
    assert_int_equal(count_of(o.out, "\n"), 3);
    assert_non_null(strstr(o.out, "  a.jpg\n                           "));
    assert_non_null(strstr(o.out, "lean"));
    assert_non_null(strstr(o.out, "; 64 x 48 pixels, JPEG quality 90\n"));
    outcome_free(&o);
    RUN(&o, "detect", "--reasons", MODEL, "a.jpg", "b.png");
    assert_int_equal(count_of(o.out, "\n"), 5);
    assert_non_null(strstr(o.out, "; 40 x 90 pixels, PNG\n"));
    outcome_free(&o);
}

/* Beyond the limits of a model there is no verdict, whatever the probability. */
static void test_model_limits(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct model model;
    struct outcome o;
    if (model_load("model.safetensors", &model, &error))
        fail_msg("%s", error.message);
    model.limits = (struct verdict_limits){50, 95};
    model.calibration.real_below = 0.4999999; /* all others have one */
    model.calibration.generated_above = 0.5;
    if (model_save(&model, "limited.safetensors", &error))
        fail_msg("%s", error.message);
    model_free(&model);
    scratch_picture("large.png", 64, 50, 3);
    scratch_picture("large.jpg", 64, 50, 3);
    RUN(&o, "detect", "--json", "--model", "limited.safetensors", "a.jpg", "large.jpg", "large.png");
    assert_int_equal(o.status, 0);
    static const char *const limits[] = {"too small", "too compressed", ""};
    for (int i = 0; i < 3; i++) {
        json_t *line = json_line(o.out, i);
        assert_string_equal(text_of(json_object_get(line, "reasons"), "limit"), limits[i]);
        assert_int_equal(strcmp(text_of(line, "verdict"), "uncertain") == 0, i < 2);
        json_decref(line);
    }
    outcome_free(&o);
    RUN(&o, "detect", "--csv", "--model", "limited.safetensors", "a.jpg");
    assert_non_null(strstr(o.out, ",90,too small\n"));
    outcome_free(&o);
    RUN(&o, "detect", "--model", "limited.safetensors", "large.jpg");
    assert_non_null(strstr(o.out, "uncertain"));
    assert_non_null(strstr(o.out, "too compressed to tell: below JPEG quality 95 "));
    outcome_free(&o);
    RUN(&o, "explain", "--model", "limited.safetensors", "--force", "a.jpg");
    assert_non_null(strstr(o.out, "a.jpg: uncertain, probability "));
    assert_non_null(strstr(o.out, " that it was generated: too small\n"));
    outcome_free(&o);
    RUN(&o, "model", "info", "limited.safetensors");
    assert_non_null(strstr(o.out, "smallest_side         50\n"));
    assert_non_null(strstr(o.out, "lowest_jpeg_quality   95\n"));
    outcome_free(&o);
}

static void test_terminal(void **state)
{
    (void)state;
    if (!scratch_has_terminal())
        skip();
    struct outcome o;
    const char *const args[] = {"detect", MODEL, "a.jpg", "missing.jpg", "tree", NULL};
    run(&(struct launch){.args = args, .terminal = true, .env = (const char *const[]){"TERM=xterm", "NO_COLOR", NULL}},
        &o);
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.out, "\033[3"));
    assert_int_equal(count_of(o.out, "\033[0m"), 5);
    assert_non_null(strstr(o.out, "assay: missing.jpg: "));
    outcome_free(&o);
    run(&(struct launch){.args = args,
                         .terminal = true,
                         .env = (const char *const[]){"TERM=xterm", "NO_COLOR=1", NULL}},
        &o);
    assert_int_equal(o.status, 1);
    assert_null(strchr(o.out, '\033'));
    outcome_free(&o);
}

int main(int argc, char **argv)
{
    if (!scratch_take_program(argc, argv))
        return 2;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_provenance),
        cmocka_unit_test(test_provenance_without_verdict),
        cmocka_unit_test(test_same_everywhere),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_loops),
        cmocka_unit_test(test_odd_names),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_terminal),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_model_limits),
    };
    return cmocka_run_group_tests_name("cli/detect", tests, setup, scratch_end_group);
}
