/* Predictions as lines: what is written is read again to the bit, and nothing else is read. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/dataset.h"
#include "eval/prediction.h"

static const struct prediction judged = {.model = "residual",
                                         .set = "val",
                                         .perturbation = "resize:0.5+jpeg:70",
                                         .picture = "ai/Midjourney/a \"b\".png",
                                         .source = "Midjourney",
                                         .label = LABEL_GENERATED,
                                         .readable = true,
                                         .width = 640,
                                         .height = 480,
                                         .bytes = UINT64_C(1) << 40,
                                         .logit = 0.1,
                                         .probability = 0.52497918747894,
                                         .verdict = ASSAY_UNCERTAIN};

static void same_text(const char *a, const char *b)
{
    if (!a || !b)
        assert_ptr_equal(a, b);
    else
        assert_string_equal(a, b);
}

static void same(const struct prediction *a, const struct prediction *b)
{
    same_text(a->model, b->model);
    same_text(a->set, b->set);
    same_text(a->perturbation, b->perturbation);
    same_text(a->picture, b->picture);
    same_text(a->source, b->source);
    same_text(a->problem, b->problem);
    assert_int_equal(a->label, b->label);
    assert_int_equal(a->art, b->art);
    assert_int_equal(a->readable, b->readable);
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    assert_true(a->bytes == b->bytes);
    assert_memory_equal(&a->logit, &b->logit, sizeof a->logit);
    assert_memory_equal(&a->probability, &b->probability, sizeof a->probability);
    assert_int_equal(a->verdict, b->verdict);
}

/* To a line and back. */
static void round_trip(const struct prediction *p)
{
    struct array text = array_of(1, 1 << 20);
    struct arena arena = {0};
    struct assay_error error = {0};
    struct prediction read;
    assert_int_equal(prediction_write(p, &text, &error), ASSAY_OK);
    assert_int_equal(((char *)text.data)[text.count - 1], '\n');
    assert_null(memchr(text.data, '\n', text.count - 1));
    if (prediction_read(text.data, text.count - 1, "here", &arena, &read, &error))
        fail_msg("%s", error.message);
    same(p, &read);
    arena_free(&arena);
    array_free(&text);
}

static void test_round_trip(void **state)
{
    (void)state;
    round_trip(&judged);
    static const double logits[] = {-0.0,      1.0 / 3,
                                    5e-324,    -1.7976931348623157e308,
                                    123456789, -2.2250738585072011e-308};
    for (size_t i = 0; i < sizeof logits / sizeof logits[0]; i++) {
        struct prediction p = judged;
        p.logit = logits[i];
        p.probability = i % 2;
        p.verdict = (assay_verdict)(i % 4);
        round_trip(&p);
    }
    struct prediction bad = {.model = "m",
                             .set = "",
                             .perturbation = "",
                             .picture = "x.jpg",
                             .source = "kodak",
                             .art = true,
                             .problem = "x.jpg: empty\n"};
    round_trip(&bad);
}

/* Every byte that a name may have, alone and beside others; what looks like our own escapes. */
static void test_names(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        char name[16];
        struct prediction p = judged;
        snprintf(name, sizeof name, "a%cb\xC3\xA9%c", c, c);
        p.picture = p.source = p.set = p.model = p.perturbation = name;
        round_trip(&p);
    }
    struct prediction p = judged;
    p.picture = "\xEF\xBF\xBD.png"; /* U+FFFD itself */
    round_trip(&p);
    p.picture = "\xEF\xBF\xBD\xFF.png";
    round_trip(&p);
    p.picture = "\xED\xA0\x80\xC0\x80.png"; /* a surrogate, an overlong zero */
    round_trip(&p);
}

#define LINE(figures)                                                                                                  \
    "{\"model\":\"m\",\"set\":\"s\",\"perturbation\":\"\",\"picture\":\"p\",\"source\":\"k\",\"label\":\"real\","      \
    "\"art\":false," figures "}"
#define FIGURES(size, logit, probability)                                                                              \
    "\"width\":" size ",\"height\":1,\"bytes\":2,\"logit\":" logit ",\"probability\":" probability                     \
    ",\"verdict\":\"real\""

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"", "not a JSON object"},
        {"[1]", "not a JSON object"},
        {"{\"model\":\"m\"", "not a JSON object"},
        {LINE("\"width\":1"), "\"height\" is missing"},
        {LINE("\"problem\":\"x\",\"width\":1"), "\"width\" does not belong"},
        {LINE(FIGURES("1", "0.5", "0.5") ",\"more\":1"), "\"more\" does not belong"},
        {LINE(FIGURES("1", "0.5", "0.5") ",\"label_hex\":\"ff\""), "\"label_hex\" does not belong"},
        {LINE(FIGURES("1", "0.5", "0.5") ",\"width\":1"), "duplicate"},
        {LINE(FIGURES("0", "0.5", "0.5")), "\"width\" is not"},
        {LINE(FIGURES("65536", "0.5", "0.5")), "\"width\" is not"},
        {LINE(FIGURES("1.5", "0.5", "0.5")), "\"width\" is not"},
        {LINE(FIGURES("1", "\"0.5\"", "0.5")), "\"logit\" is not"},
        {LINE(FIGURES("1", "0.5", "1.01")), "\"probability\" is not"},
        {LINE(FIGURES("1", "0.5", "-0.01")), "\"probability\" is not"},
        {LINE(FIGURES("1", "1e999", "0.5")), "not a JSON object"},
        {LINE(FIGURES("1", "0.5", "0.5") ",\"set_hex\":\"73\""), "\"set_hex\" is not the bytes"},
        {LINE(FIGURES("1", "0.5", "0.5") ",\"set_hex\":\"FF\""), "\"set_hex\" is not the bytes"},
        {LINE(FIGURES("1", "0.5", "0.5") ",\"set_hex\":\"f\""), "\"set_hex\" is not the bytes"},
        {LINE(FIGURES("1", "0.5", "0.5") ",\"set_hex\":\"ff00\""), "\"set_hex\" is not the bytes"},
        {LINE(FIGURES("1", "0.5", "0.5") ",\"set_hex\":1"), "\"set_hex\" is not the bytes"},
    };
    struct prediction p;
    struct arena arena = {0};
    const char *good = LINE(FIGURES("1", "0.5", "0.5"));
    assert_int_equal(prediction_read(good, strlen(good), "f, line 3", &arena, &p, NULL), ASSAY_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct assay_error error = {0};
        assert_int_equal(prediction_read(cases[i].line, strlen(cases[i].line), "f, line 3", &arena, &p, &error),
                         ASSAY_ERROR_FORMAT);
        if (strncmp(error.message, "f, line 3: ", 11) != 0 || !strstr(error.message, cases[i].message))
            fail_msg("%zu: %s", i, error.message);
    }
    arena_free(&arena);

    struct prediction unsound = judged;
    struct array text = array_of(1, 1 << 20);
    unsound.logit = NAN;
    assert_int_equal(prediction_write(&unsound, &text, NULL), ASSAY_ERROR_ARGUMENT);
    unsound = judged;
    unsound.problem = "both";
    assert_int_equal(prediction_write(&unsound, &text, NULL), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(text.count, 0);
    array_free(&text);
}

/* A file cut anywhere gives its whole lines and says where they end; damage within is an error with its line. */
static void test_file(void **state)
{
    (void)state;
    enum { LINES = 3 };
    char path[] = "/tmp/assay-predictions-XXXXXX";
    struct array text = array_of(1, 1 << 20);
    struct assay_error error = {0};
    size_t ends[LINES + 1] = {0};
    for (int i = 0; i < LINES; i++) {
        struct prediction p = judged;
        p.logit = i;
        p.picture = i == 1 ? "\xFF.png" : "again.png";
        assert_int_equal(prediction_write(&p, &text, &error), ASSAY_OK);
        ends[i + 1] = text.count;
    }
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.data, text.count), text.count);
    for (size_t size = text.count, whole = LINES;; size--) {
        struct predictions all;
        assert_int_equal(ftruncate(fd, (off_t)size), 0);
        if (size < ends[whole])
            whole--;
        if (predictions_load(path, &all, &error))
            fail_msg("%zu: %s", size, error.message);
        assert_int_equal(all.count, whole);
        assert_int_equal(all.extent.count, whole);
        assert_int_equal(all.extent.bytes, ends[whole]);
        assert_int_equal(all.extent.torn, size != ends[whole]);
        if (whole == LINES) {
            assert_ptr_equal(all.items[0].picture, all.items[2].picture);
            assert_string_equal(all.items[1].picture, "\xFF.png");
            assert_true(all.items[2].logit == 2);
        }
        predictions_free(&all);
        if (size == 0)
            break;
    }
    struct predictions all;
    assert_int_equal(pwrite(fd, text.data, text.count, 0), text.count);
    assert_int_equal(pwrite(fd, "#", 1, (off_t)ends[1]), 1);
    assert_int_equal(predictions_load(path, &all, &error), ASSAY_ERROR_FORMAT);
    assert_non_null(strstr(error.message, path));
    assert_non_null(strstr(error.message, ", line 2: "));
    close(fd);
    unlink(path);
    assert_int_equal(predictions_load(path, &all, &error), ASSAY_ERROR_IO);
    array_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_names),
                                       cmocka_unit_test(test_refused), cmocka_unit_test(test_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
