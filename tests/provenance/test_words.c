/* test_words.c - generators' words in bare texts: what is understood, what is left alone, and bad input. Files as the
 * generators write them are in test_words_files.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "provenance/stealth.h"
#include "provenance/words.h"
#include "support/failing_malloc.h"

static struct arena arena;

static struct words_set read_one(enum words_origin origin, const char *key, const char *text)
{
    struct words_set set = words_set_of(&arena);
    words_add(&set, origin, key, text, strlen(text));
    words_read(&set);
    assert_false(set.no_memory);
    return set;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void expect(const char *what, const char *value, const char *expected)
{
    if (!value || !expected ? value != expected : strcmp(value, expected) != 0)
        fail_msg("%s is \"%s\", not \"%s\"", what, value ? value : "(null)", expected ? expected : "(null)");
}

/* ---- The text of Stable Diffusion web UI ----------------------------------------------------------------------- */

static void test_infotext(void **state)
{
    (void)state;
    struct words_set set =
        read_one(WORDS_PNG, "parameters",
                 "  a, b\nSteps: not here\nNegative prompt: c\nd\n"
                 "Steps: 20, Sampler: Euler a, Seed: 1, Odd: \"x: \\\"y\\\", \\u00e4\", Open: \"a, bb: c");
    assert_non_null(set.first);
    assert_null(set.first->next);
    expect("prompt", set.first->prompt, "a, b\nSteps: not here");
    expect("negative", set.first->negative_prompt, "c\nd");
    expect("steps", set.first->steps, "20");
    expect("sampler", set.first->sampler, "Euler a");
    expect("seed", set.first->seed, "1");
    expect("settings", set.first->settings->value, "x: \"y\", \xc3\xa4");
    expect("settings", set.first->settings->next->value,
           "\"a"); /* an open quote: up to the comma, as the web UI reads it */
    expect("settings", set.first->settings->next->next->name, "bb");

    /* settings alone; a second "Steps" does not replace the first */
    set = read_one(WORDS_COMMENT, "", "Steps: 20, Steps: 30, Sampler: x, Seed: 2\n\n");
    expect("prompt", set.first->prompt, NULL);
    expect("steps", set.first->steps, "20");
    expect("place", set.first->place, "comment");
}

static void test_not_infotext(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "\n",
        ":",
        "a photo of a fox",
        "Steps: 20",
        "Steps: 20, Sampler: x",
        "Stepss: 1, a: 2, b: 3, cc: 4",
        "Name: x, Date: y, Place: z, Time: 1",
        "Steps: 20, Sampler: x, Seed: 1\nand a last line",
        "\"\"\"",
        "a: \"",
        "{",
        "{}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct words_set set = read_one(WORDS_PNG, "parameters", texts[i]);
        if (set.first)
            fail_msg("\"%s\" is taken for %s", texts[i], set.first->generator);
    }
}

/* ---- ComfyUI's graphs -------------------------------------------------------------------------------------------- */

static void test_comfy_odd_graphs(void **state)
{
    (void)state;
    /* loops, links to nowhere, wrong types: whatever can be read */
    struct words_set set =
        read_one(WORDS_PNG, "prompt",
                 "{\"1\":{\"class_type\":\"SaveImage\",\"inputs\":{\"images\":[\"2\",0]}},"
                 "\"2\":{\"class_type\":\"KSampler\",\"inputs\":{\"seed\":[\"2\",0],\"steps\":20,\"sampler_name\":[],"
                 "\"positive\":[\"3\",0],\"negative\":[\"99\",0],\"model\":[\"2\",0],\"latent_image\":[\"2\",0]}},"
                 "\"3\":{\"class_type\":\"ConditioningCombine\",\"inputs\":{\"conditioning_1\":[\"3\",0],"
                 "\"conditioning\":[\"2\",0]}}}");
    assert_non_null(set.first);
    expect("generator", set.first->generator, "ComfyUI");
    expect("steps", set.first->steps, "20");
    expect("seed", set.first->seed, NULL);
    expect("prompt", set.first->prompt, NULL);
    assert_false(set.first->edited);

    /* damaged JSON still names the program */
    set = read_one(WORDS_PNG, "prompt", "{\"1\":{\"class_type\":\"KSampler\",\"inputs\":{");
    assert_non_null(set.first);
    assert_non_null(set.first->problem);

    assert_null(read_one(WORDS_PNG, "prompt", "{\"a\":1}").first);
    assert_null(read_one(WORDS_PNG, "workflow", "{\"nodes\":[]}").first);
    assert_null(read_one(WORDS_PNG, "workflow", "{\"nodes\":[1]}").first);
    assert_null(read_one(WORDS_PNG, "prompt", "a fox").first);
}

/* ---- Others ------------------------------------------------------------------------------------------------------ */

static void test_dream(void **state)
{
    (void)state;
    struct words_set set = read_one(WORDS_PNG, "Dream", "\"a \"red\" fox [blurry\" -s50 -S 42 -W512 --seamless -");
    expect("prompt", set.first->prompt, "a \"red\" fox");
    expect("negative", set.first->negative_prompt, "blurry");
    expect("steps", set.first->steps, "50");
    expect("seed", set.first->seed, "42");
    expect("size", set.first->size, NULL);
    assert_null(read_one(WORDS_PNG, "Dream", "\"").first);
    assert_null(read_one(WORDS_PNG, "Dream", "\"never closed -s 50").first);
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *generator;
        bool edited;
    } names[] = {
        {"Adobe Firefly 1.0", "Adobe Firefly", false},
        {"adobe_firefly", "Adobe Firefly", false},
        {"Made with Google AI", "Google AI", false},
        {"Edited with Google AI.", "Google AI", true},
        {"DALL\xc2\xb7"
         "E 3",
         "DALL-E", false},
        {"OpenAI-API", "OpenAI", false},
        {"Adobe Photoshop 25.0", NULL, false},
        {"Canon", NULL, false},
        {"Imagen", NULL, false},
        {"Gemini", NULL, false},
        {"Recrafted", NULL, false},
        {"Meta AIR", NULL, false},
        {"", NULL, false},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bool edited = false;
        expect(names[i].name, words_generator_named(names[i].name, &edited), names[i].generator);
        assert_int_equal(edited, names[i].edited);
    }
    /* only in fields that name the maker */
    assert_non_null(read_one(WORDS_EXIF, "Software", "Midjourney").first);
    assert_null(read_one(WORDS_EXIF, "ImageDescription", "Midjourney").first);
    assert_null(read_one(WORDS_EXIF, "Artist", "Midjourney").first);
    assert_null(read_one(WORDS_XMP, "description", "made with Stable Diffusion").first);
}

/* ---- Bad input --------------------------------------------------------------------------------------------------- */

static char *repeated(const char *begin, const char *middle, size_t count, const char *end)
{
    size_t first = strlen(begin), each = strlen(middle), last = strlen(end);
    char *text = malloc(first + each * count + last + 1);
    assert_non_null(text);
    memcpy(text, begin, first);
    for (size_t i = 0; i < count; i++)
        memcpy(text + first + i * each, middle, each);
    memcpy(text + first + count * each, end, last + 1);
    return text;
}

/* Depth, number and size of JSON are bounded before it is parsed, and no text makes the readers slow. */
static void test_limits(void **state)
{
    (void)state;
    const struct {
        const char *begin, *middle;
        size_t count;
        const char *end;
    } texts[] = {
        {"{\"class_type\":", "[", 1000000, ""},
        {"{\"class_type\":", "{\"a\":", 1000000, ""},
        {"{\"class_type\":[", "0,", 3000000, "0]}"},
        {"{\"class_type\":\"", "a", 7000000, "\"}"},
        {"{\"class_type\":", "9", 7000000, "}"},
        {"{\"class_type\":\"", "\\", 3000000, ""},
        {"Steps: 1, Seed: 2, Size: 3, ", "a", 7000000, ""},
        {"Steps: 1, Seed: 2, Size: 3, ", "aa:\"", 1500000, ""},
        {"Steps: 1, Seed: 2, Size: 3, ", "aa:,", 1500000, ""},
        {"", "Negative prompt:\n", 400000, "Steps: 1, Seed: 2, Size: 3"},
        {"\"", "\" ", 3000000, "-s"},
        {"Job ID: ", "Job ID: ", 800000, ""},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char *text = repeated(texts[i].begin, texts[i].middle, texts[i].count, texts[i].end);
        struct words_set set = words_set_of(&arena);
        words_add(&set, WORDS_PNG, "prompt", text, strlen(text));
        words_add(&set, WORDS_PNG, "Dream", text, strlen(text));
        words_read(&set);
        assert_false(set.no_memory);
        for (const struct words *w = set.first; w; w = w->next)
            assert_true(w->setting_count <= WORDS_MAX_SETTINGS);
        free(text);
        arena_free(&arena);
    }

    /* one text too long, and more texts than are kept */
    struct words_set set = words_set_of(&arena);
    char *huge = repeated("", "x", WORDS_MAX_TEXT + 1, "");
    words_add(&set, WORDS_PNG, "a", huge, strlen(huge));
    assert_true(set.left_out);
    assert_int_equal(set.count, 0);
    free(huge);
    for (int i = 0; i < WORDS_MAX_TEXTS + 5; i++)
        words_add(&set, WORDS_PNG, "a", "b", 1);
    assert_int_equal(set.count, WORDS_MAX_TEXTS);
}

/* Bytes that are not UTF-8 are Latin-1, zero bytes become spaces, and all that is said is UTF-8. */
static void test_foreign_bytes(void **state)
{
    (void)state;
    static const char text[] = "f\xfc"
                               "chse\0n\x1b[31m\nSteps: 20, Seed: 1, Size: 2\0\0";
    struct words_set set = words_set_of(&arena);
    words_add(&set, WORDS_PNG, "parameters", text, sizeof text - 1);
    words_read(&set);
    expect("prompt", set.first->prompt,
           "f\xc3\xbc"
           "chse n\x1b[31m");
    expect("size", set.first->size, "2");

    /* numbers that Python writes and JSON does not have, or that are too great for 64 bits */
    set = read_one(
        WORDS_PNG, "parameters",
        "{\"sui_image_params\":{\"prompt\":\"a\\u0000b\",\"seed\":-123456789012345678901234567890,\"steps\":NaN,"
        "\"cfgscale\":1e999,\"model\":true,\"x\":-Infinity}}");
    assert_null(set.first); /* 1e999 is no number: damaged, and nothing is claimed */
    set = read_one(
        WORDS_PNG, "parameters",
        "{\"sui_image_params\":{\"prompt\":\"a\\u0000b\",\"seed\":-123456789012345678901234567890,\"steps\":NaN,"
        "\"cfgscale\":7.25,\"model\":true,\"x\":-Infinity}}");
    expect("seed", set.first->seed, "-123456789012345678901234567890");
    expect("steps", set.first->steps, NULL);
    expect("guidance", set.first->guidance, "7.25");
}

static void test_stealth_on_nonsense(void **state)
{
    (void)state;
    struct words_set set = words_set_of(&arena);
    const char *problem;
    uint8_t bytes[64] = {0x89, 'P', 'N', 'G',  '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I',
                         'H',  'D', 'R', 0xff, 0xff, 0xff, 0xff, 0,    0, 0, 1, 8,  6};
    for (size_t size = 0; size <= sizeof bytes; size++) {
        stealth_read(bytes, size, &set, &problem);
        assert_null(problem);
    }
    bytes[16] = bytes[17] = 0; /* 65535 wide: no pixels follow */
    stealth_read(bytes, sizeof bytes, &set, &problem);
    assert_null(problem);
    assert_int_equal(set.count, 0);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

static bool read_with_little_memory(void *context)
{
    (void)context;
    struct arena own = {0};
    struct words_set set = words_set_of(&own);
    struct fact_tree tree;
    static const char *const texts[][2] = {
        {"parameters", "a f\xfc hs\nNegative prompt: b\nSteps: 1, Seed: 2, Size: 3x4, Model: \"x: y\", Other: z"},
        {"prompt", "{\"1\":{\"class_type\":\"KSampler\",\"inputs\":{\"seed\":1,\"steps\":2,\"positive\":[\"2\",0]}},"
                   "\"2\":{\"class_type\":\"CLIPTextEncode\",\"inputs\":{\"text\":\"a fox\"}}}"},
        {"invokeai_metadata", "{\"positive_prompt\":\"a\",\"seed\":1,\"width\":1,\"height\":2,\"x\":\"y\"}"},
        {"Software", "NovelAI"},
        {"Source", "NovelAI Diffusion V4.5 4BDE2A90"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        words_add(&set, WORDS_PNG, texts[i][0], texts[i][1], strlen(texts[i][1]));
    words_read(&set);
    fact_tree_init(&tree, &own);
    words_facts(&set, &tree, tree.root);
    bool well = !set.no_memory && !tree.no_memory;
    arena_free(&own);
    return well;
}

static void test_failing_allocations(void **state)
{
    (void)state;
    assert_true(failing_malloc_each(read_with_little_memory, NULL, NULL) > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_infotext, tear_down),
        cmocka_unit_test_teardown(test_not_infotext, tear_down),
        cmocka_unit_test_teardown(test_comfy_odd_graphs, tear_down),
        cmocka_unit_test_teardown(test_dream, tear_down),
        cmocka_unit_test_teardown(test_names, tear_down),
        cmocka_unit_test_teardown(test_limits, tear_down),
        cmocka_unit_test_teardown(test_foreign_bytes, tear_down),
        cmocka_unit_test_teardown(test_stealth_on_nonsense, tear_down),
        cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
