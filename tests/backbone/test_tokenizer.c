/* test_tokenizer.c - words, merges and ids against a tiny vocabulary whose ids were worked out by hand; the words that
 * are built in against CLIP's own (spec A.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <zlib.h>

#include "backbone/tokenizer.h"
#include "backbone/tokenizer_internal.h"

/* 512: "th", 513: "the</w>", 514: "an", 515: "na", 516: "'s</w>", 517: "anan", 518: e-acute (two bytes) at an end */
static const char merges[] = "#version: 0.2\nt h\nth e</w>\na n\nn a\n' s</w>\nan an\n\xc3\x83 \xc2\xa9</w>\n";

enum { SIZE = 512 + 7 + 2 };

static struct tokenizer *open_text(const char *text, size_t size)
{
    struct tokenizer *t;
    struct assay_error error = {0};
    if (tokenizer_open_memory(text, size, "tiny", &t, &error))
        fail_msg("%s", error.message);
    return t;
}

static int letter(char c) /* bytes 33 to 126 come first */
{
    return c - 33;
}

static void expect_ids(const struct tokenizer *t, const char *text, const int32_t *wanted, int count)
{
    int32_t ids[TOKENIZER_CONTEXT];
    struct assay_error error = {0};
    int end;
    if (tokenizer_encode(t, text, false, ids, TOKENIZER_CONTEXT, &end, &error))
        fail_msg("%s", error.message);
    assert_int_equal(ids[0], tokenizer_size(t) - 2);
    assert_int_equal(end, count + 1);
    for (int i = 0; i < count; i++)
        if (ids[i + 1] != wanted[i])
            fail_msg("\"%s\": id %d is %d, not %d", text, i, ids[i + 1], wanted[i]);
    assert_int_equal(ids[end], tokenizer_size(t) - 1);
    for (int i = end + 1; i < TOKENIZER_CONTEXT; i++)
        assert_int_equal(ids[i], 0);
}

#define EXPECT(t, text, ...)                                                                                           \
    expect_ids(t, text, (const int32_t[]){__VA_ARGS__}, (int)(sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t)))

static void test_merges(void **state)
{
    (void)state;
    struct tokenizer *t = open_text(merges, sizeof merges - 1);
    assert_int_equal(tokenizer_size(t), SIZE);
    EXPECT(t, "the", 513);
    EXPECT(t, " \t THE\n", 513);
    EXPECT(t, "th", letter('t'), 256 + letter('h')); /* the merge is of letters inside a word only */
    EXPECT(t, "then", 512, letter('e'), 256 + letter('n'));
    EXPECT(t, "b", 256 + letter('b'));
    EXPECT(t, "banan\x61n", letter('b'), 517, letter('a'), 256 + letter('n'));
    EXPECT(t, "ananan", 517, letter('a'), 256 + letter('n'));
    EXPECT(t, "the the's", 513, 513, 516);
    EXPECT(t, "\xc3\xa9", 518);
    EXPECT(t, "\xc3\x89", 518); /* capital */
    EXPECT(t, "12", 256 + letter('1'), 256 + letter('2'));
    EXPECT(t, "<|endoftext|>the", SIZE - 1, 513);
    EXPECT(t, "<|startoftext|>", SIZE - 2);
    EXPECT(t, "\x01", 256 + 188 + 1); /* bytes that stand for others come after the plain ones */
    EXPECT(t, "\x7f", 256 + 188 + 33);
    expect_ids(t, "", NULL, 0);
    expect_ids(t, "  \n", NULL, 0);
    tokenizer_free(t);
}

static void test_gzip(void **state)
{
    (void)state;
    char path[] = "/tmp/assay-vocabulary-XXXXXX";
    struct tokenizer *t;
    struct assay_error error = {0};
    close(mkstemp(path));
    gzFile file = gzopen(path, "wb");
    assert_int_equal(gzwrite(file, merges, sizeof merges - 1), (int)sizeof merges - 1);
    gzclose(file);
    if (tokenizer_open(path, &t, &error))
        fail_msg("%s", error.message);
    EXPECT(t, "the", 513);
    tokenizer_free(t);

    /* cut, and one that grows beyond measure */
    assert_int_equal(truncate(path, 40), 0);
    assert_int_equal(tokenizer_open(path, &t, &error), ASSAY_ERROR_FORMAT);
    assert_non_null(strstr(error.message, "damaged gzip"));
    char *zeros = calloc(1, 1 << 20);
    file = gzopen(path, "wb9");
    for (int i = 0; i < 17; i++)
        gzwrite(file, zeros, 1 << 20);
    gzclose(file);
    free(zeros);
    assert_int_equal(tokenizer_open(path, &t, &error), ASSAY_ERROR_LIMIT);
    assert_null(t);
    unlink(path);
    assert_int_equal(tokenizer_open(path, &t, &error), ASSAY_ERROR_IO);
}

static void test_bad_files(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"", "no merges"},
        {"#version: 0.2\n", "no merges"},
        {"t h\n", "no merges"}, /* the first line is passed over */
        {"#\nt\n", "line 2 is not a merge"},
        {"#\nt h e\n", "line 2 is not a merge"},
        {"#\nt h\n\nt a", "line 3 is not a merge"},
        {"#\nt h\nth e\nab c\n", "line 4 merges a symbol that no line before it made"},
        {"#\nt h\nt h\n", "line 3 repeats a merge"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tokenizer *t;
        struct assay_error error = {0};
        assert_int_equal(tokenizer_open_memory(cases[i].text, strlen(cases[i].text), "f", &t, &error),
                         ASSAY_ERROR_FORMAT);
        assert_null(t);
        if (!strstr(error.message, cases[i].part))
            fail_msg("no \"%s\" in: %s", cases[i].part, error.message);
    }
}

static void expect_words(const char *text, const char *wanted)
{
    char lowered[256], got[512] = "";
    const char *at = lowered, *word;
    size_t length;
    assert_int_equal(text_lower(text, lowered, sizeof lowered, NULL), ASSAY_OK);
    while (text_next_word(&at, &word, &length)) {
        size_t used = strlen(got);
        snprintf(got + used, sizeof got - used, "%s%.*s", used ? "|" : "", (int)length, word);
    }
    assert_string_equal(got, wanted);
}

static void test_words(void **state)
{
    (void)state;
    expect_words("Hello,  world!!", "hello|,|world|!!");
    expect_words("don't I'LL we've you're I'm he'd it's", "don|'t|i|'ll|we|'ve|you|'re|i|'m|he|'d|it|'s");
    expect_words("'tis 'x \"'s", "'t|is|'|x|\"'|s");
    expect_words("a1b23", "a|1|b|2|3");
    expect_words("\xc3\x84rger \xce\x94\xd0\x96\xc2\xbd",
                 "\xc3\xa4rger|\xce\xb4\xd0\xb6|\xc2\xbd"); /* letters; one half */
    expect_words("a\xc2\xa0"
                 "b\xe3\x80\x80"
                 "c",
                 "a|b|c"); /* no-break and ideographic space */
    expect_words("\xe7\x8c\xab\xf0\x9f\x90\xb1", "\xe7\x8c\xab|\xf0\x9f\x90\xb1");
    expect_words("<|endoftext|>x<|>", "<|endoftext|>|x|<|>");
}

static void test_texts(void **state)
{
    (void)state;
    struct tokenizer *t = open_text(merges, sizeof merges - 1);
    struct assay_error error = {0};
    int32_t ids[8];
    int end;
    static const char *const not_utf8[] = {"a\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80"};
    for (size_t i = 0; i < sizeof not_utf8 / sizeof not_utf8[0]; i++)
        assert_int_equal(tokenizer_encode(t, not_utf8[i], false, ids, 8, &end, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(tokenizer_encode(t, "1 2 3 4 5 6", false, ids, 8, &end, &error), ASSAY_OK);
    assert_int_equal(end, 7);
    assert_int_equal(tokenizer_encode(t, "1 2 3 4 5 6 7", false, ids, 8, &end, &error), ASSAY_ERROR_LIMIT);
    assert_int_equal(tokenizer_encode(t, "1 2 3 4 5 6 7", true, ids, 8, &end, &error), ASSAY_OK);
    assert_int_equal(end, 7);
    assert_int_equal(ids[6], 256 + letter('6'));
    assert_int_equal(ids[7], SIZE - 1);
    assert_int_equal(tokenizer_encode(t, "a", true, ids, 1, &end, &error), ASSAY_ERROR_ARGUMENT);
    char *long_text = malloc(TOKENIZER_TEXT + 2);
    memset(long_text, 'a', TOKENIZER_TEXT + 1);
    long_text[TOKENIZER_TEXT + 1] = '\0';
    assert_int_equal(tokenizer_encode(t, long_text, true, ids, 8, &end, &error), ASSAY_ERROR_LIMIT);
    long_text[TOKENIZER_TEXT] = '\0';
    assert_int_equal(tokenizer_encode(t, long_text, true, ids, 8, &end, &error), ASSAY_OK);
    free(long_text);
    tokenizer_free(t);
}

static void test_built_in(void **state)
{
    (void)state;
    EXPECT(NULL, "X X X X X X X X X X an image.", 343, 343, 343, 343, 343, 343, 343, 343, 343, 343, 550, 2867, 269);
    EXPECT(NULL, "a photo of a real", 320, 1125, 539, 320, 1532);
    EXPECT(NULL, "a photo of a fake .", 320, 1125, 539, 320, 5777, 269);
    assert_int_equal(tokenizer_size(NULL), 49408);
    int32_t ids[TOKENIZER_CONTEXT];
    struct assay_error error = {0};
    assert_int_equal(tokenizer_encode(NULL, "a photo of a cat", false, ids, TOKENIZER_CONTEXT, NULL, &error),
                     ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "\"cat\": not one of the words that are built in"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merges), cmocka_unit_test(test_gzip),  cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_words),  cmocka_unit_test(test_texts), cmocka_unit_test(test_built_in),
    };
    return cmocka_run_group_tests_name("backbone/tokenizer", tests, NULL, NULL);
}
