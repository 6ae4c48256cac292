/* test_option.c - config structs from text and JSON, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/option.h"

struct config {
    bool flip;
    int64_t epochs, seed;
    double rate;
    const char *out, *data;
    int schedule;
};

static const struct option table[] = {
    {"flip", OPTION_BOOL, offsetof(struct config, flip), "true", 0, 0, NULL, "flip pictures"},
    {"epochs", OPTION_INT, offsetof(struct config, epochs), "20", 1, 1000, NULL, "passes over the data"},
    {"seed", OPTION_INT, offsetof(struct config, seed), "-7", 0, 0, NULL, "of every random number"},
    {"learning-rate", OPTION_FLOAT, offsetof(struct config, rate), "0.001", 0, 10, NULL, "step size"},
    {"out", OPTION_TEXT, offsetof(struct config, out), "model.safetensors", 0, 0, NULL, "file to write"},
    {"data", OPTION_TEXT, offsetof(struct config, data), NULL, 0, 0, NULL, "folder of pictures"},
    {"schedule", OPTION_CHOICE, offsetof(struct config, schedule), "cosine", 0, 0, "constant|cosine|one-cycle",
     "of the learning rate"},
    {0},
};

static void test_defaults(void **state)
{
    (void)state;
    struct config c;
    memset(&c, 0xff, sizeof c);
    option_defaults(table, &c);
    assert_true(c.flip);
    assert_int_equal(c.epochs, 20);
    assert_int_equal(c.seed, -7);
    assert_true(c.rate == 0.001);
    assert_string_equal(c.out, "model.safetensors");
    assert_null(c.data);
    assert_int_equal(c.schedule, 1);
}

static void set(struct config *c, const char *name, const char *text, struct arena *arena)
{
    struct assay_error error = {0};
    if (option_set(table, c, name, text, arena, &error))
        fail_msg("%s", error.message);
}

static void refused(const char *name, const char *text, const char *message)
{
    struct config c, before;
    struct arena arena = {0};
    struct assay_error error = {0};
    memset(&c, 0, sizeof c);
    option_defaults(table, &c);
    before = c;
    assert_int_equal(option_set(table, &c, name, text, &arena, &error), ASSAY_ERROR_ARGUMENT);
    assert_string_equal(error.message, message);
    assert_memory_equal(&c, &before, sizeof c);
    arena_free(&arena);
}

static void test_set(void **state)
{
    (void)state;
    struct config c;
    struct arena arena = {0};
    option_defaults(table, &c);
    set(&c, "flip", "no", &arena);
    assert_false(c.flip);
    set(&c, "flip", "on", &arena);
    assert_true(c.flip);
    set(&c, "epochs", "1000", &arena);
    assert_int_equal(c.epochs, 1000);
    set(&c, "seed", "-9223372036854775808", &arena);
    assert_true(c.seed == INT64_MIN);
    set(&c, "learning-rate", "1e-5", &arena);
    assert_true(c.rate == 1e-5);
    char path[] = "a b";
    set(&c, "data", path, &arena);
    path[0] = 'x'; /* copied */
    assert_string_equal(c.data, "a b");
    set(&c, "schedule", "one-cycle", &arena);
    assert_int_equal(c.schedule, 2);
    arena_free(&arena);
}

/* An option that may be given again. */
static void test_texts(void **state)
{
    (void)state;
    struct many {
        bool first;
        struct option_texts data;
    } c, back = {0};
    static const struct option many_table[] = {{"data", OPTION_TEXTS, offsetof(struct many, data), NULL, 0, 0, NULL,
                                                "folders"},
                                               {0}};
    static const struct option wrong[] = {{"data", OPTION_TEXTS, offsetof(struct many, data), "x", 0, 0, NULL,
                                           "folders"},
                                          {0}};
    struct arena arena = {0};
    struct assay_error error = {0};
    char text[8], name[] = "a b";
    assert_int_equal(option_check(many_table, sizeof c, &error), ASSAY_OK);
    assert_int_equal(option_check(wrong, sizeof c, &error), ASSAY_ERROR_INTERNAL);
    memset(&c, 0xff, sizeof c);
    option_defaults(many_table, &c);
    assert_int_equal(c.data.count, 0);
    assert_int_equal(option_set(many_table, &c, "data", name, &arena, &error), ASSAY_OK);
    name[0] = 'x'; /* copied */
    assert_int_equal(option_set(many_table, &c, "data", "", &arena, &error), ASSAY_OK);
    assert_int_equal(option_set(many_table, &c, "data", "a b", &arena, &error), ASSAY_OK);
    assert_int_equal(c.data.count, 3);
    assert_string_equal(c.data.items[0], "a b");
    assert_string_equal(c.data.items[1], "");
    option_format(many_table, &c, text, sizeof text);
    assert_string_equal(text, "a b, , ");

    json_t *object = option_to_json(many_table, &c);
    assert_int_equal(option_from_json(many_table, &back, object, "here", &arena, &error), ASSAY_OK);
    assert_int_equal(option_from_json(many_table, &back, object, "here", &arena, &error), ASSAY_OK);
    assert_int_equal(back.data.count, 3); /* not added to what was there */
    assert_string_equal(back.data.items[2], "a b");
    json_array_append_new(json_object_get(object, "data"), json_true());
    assert_int_equal(option_from_json(many_table, &back, object, "here", &arena, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "a list of texts"));
    json_decref(object);
    arena_free(&arena);
}

static void test_refused(void **state)
{
    (void)state;
    refused("flip", "maybe", "option flip: \"maybe\" is not true or false");
    refused("epochs", "0", "option epochs: \"0\" is not a whole number from 1 to 1000");
    refused("epochs", "1001", "option epochs: \"1001\" is not a whole number from 1 to 1000");
    refused("epochs", "", "option epochs: \"\" is not a whole number from 1 to 1000");
    refused("epochs", "12x", "option epochs: \"12x\" is not a whole number from 1 to 1000");
    refused("epochs", "1.5", "option epochs: \"1.5\" is not a whole number from 1 to 1000");
    refused("epochs", " 5", "option epochs: \" 5\" is not a whole number from 1 to 1000");
    refused("seed", "9223372036854775808", "option seed: \"9223372036854775808\" is not a whole number");
    refused("learning-rate", "10.1", "option learning-rate: \"10.1\" is not a number from 0 to 10");
    refused("learning-rate", "nan", "option learning-rate: \"nan\" is not a number from 0 to 10");
    refused("learning-rate", "inf", "option learning-rate: \"inf\" is not a number from 0 to 10");
    refused("learning-rate", "1e999", "option learning-rate: \"1e999\" is not a number from 0 to 10");
    refused("learning-rate", "0x1p3", "option learning-rate: \"0x1p3\" is not a number from 0 to 10");
    refused("schedule", "cosin",
            "option schedule: \"cosin\" is not one of constant|cosine|one-cycle; did you mean \"cosine\"?");
    refused("schedule", "cos",
            "option schedule: \"cos\" is not one of constant|cosine|one-cycle; did you mean \"cosine\"?");
    refused("lerning-rate", "1", "unknown option \"lerning-rate\"; did you mean \"learning-rate\"?");
    refused("xyzzy\n", "1", "unknown option \"xyzzy?\"");
}

static void test_json(void **state)
{
    (void)state;
    struct config c, back;
    struct arena arena = {0};
    struct assay_error error = {0};
    memset(&c, 0, sizeof c);
    memset(&back, 0, sizeof back);
    option_defaults(table, &c);
    set(&c, "learning-rate", "0.1", &arena);
    set(&c, "seed", "9007199254740993", &arena);
    json_t *object = option_to_json(table, &c);
    assert_non_null(object);
    char *text = json_dumps(object, JSON_COMPACT);
    assert_string_equal(text,
                        "{\"flip\":true,\"epochs\":20,\"seed\":9007199254740993,\"learning-rate\":0.10000000000000001,"
                        "\"out\":\"model.safetensors\",\"data\":null,\"schedule\":\"cosine\"}");
    free(text);
    assert_int_equal(option_from_json(table, &back, object, "x.json", &arena, &error), ASSAY_OK);
    json_decref(object);
    assert_true(back.flip == c.flip && back.epochs == c.epochs && back.seed == c.seed && back.rate == c.rate &&
                back.schedule == c.schedule && !back.data);
    assert_string_equal(back.out, c.out);

    c.data = "caf\xe9"; /* Latin 1 */
    object = option_to_json(table, &c);
    assert_string_equal(json_string_value(json_object_get(object, "data")), "caf?");
    json_decref(object);
    arena_free(&arena);
}

static void json_refused(const char *text, const char *message)
{
    struct config c;
    struct arena arena = {0};
    struct assay_error error = {0};
    option_defaults(table, &c);
    json_t *object = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(object);
    assert_int_equal(option_from_json(table, &c, object, "x.json", &arena, &error), ASSAY_ERROR_ARGUMENT);
    assert_string_equal(error.message, message);
    json_decref(object);
    arena_free(&arena);
}

static void test_json_refused(void **state)
{
    (void)state;
    json_refused("[]", "x.json: options must be a JSON object");
    json_refused("{\"epoch\":1}", "x.json: unknown option \"epoch\"; did you mean \"epochs\"?");
    json_refused("{\"epochs\":0}", "x.json: option epochs: \"0\" is not a whole number from 1 to 1000");
    json_refused("{\"epochs\":2.5}", "x.json: option epochs: \"2.5\" is not a whole number from 1 to 1000");
    json_refused("{\"epochs\":\"2\"}", "x.json: option epochs: \"2\" is not a whole number from 1 to 1000");
    json_refused("{\"learning-rate\":[]}", "x.json: option learning-rate: \"an array\" is not a number from 0 to 10");
    json_refused("{\"flip\":1}", "x.json: option flip: \"1\" is not true or false");
    json_refused("{\"out\":null}", "x.json: option out: \"null\" is not a text");
    json_refused("{\"schedule\":\"step\"}",
                 "x.json: option schedule: \"step\" is not one of constant|cosine|one-cycle");
}

static void test_format(void **state)
{
    (void)state;
    static const char *const expected[] = {"true", "20", "-7", "0.001", "model.safetensors", "", "cosine"};
    struct config c;
    char text[64];
    option_defaults(table, &c);
    for (int i = 0; table[i].name; i++) {
        option_format(&table[i], &c, text, sizeof text);
        assert_string_equal(text, expected[i]);
    }
    c.rate = 1.0 / 3;
    option_format(&table[3], &c, text, sizeof text);
    assert_true(strtod(text, NULL) == c.rate);
}

static void test_help(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    option_print_help(table, stream);
    fclose(stream);
    assert_string_equal(text, "  --[no-]flip         flip pictures (default true)\n"
                              "  --epochs N          passes over the data (default 20; 1 to 1000)\n"
                              "  --seed N            of every random number (default -7)\n"
                              "  --learning-rate X   step size (default 0.001; 0 to 10)\n"
                              "  --out TEXT          file to write (default model.safetensors)\n"
                              "  --data TEXT         folder of pictures\n"
                              "  --schedule constant|cosine|one-cycle\n"
                              "                      of the learning rate (default cosine)\n");
    free(text);
}

static void test_check(void **state)
{
    (void)state;
    struct assay_error error = {0};
    assert_int_equal(option_check(table, sizeof(struct config), &error), ASSAY_OK);
    struct option broken[2] = {table[1], {0}};
    broken[0].default_text = "0";
    assert_int_equal(option_check(broken, sizeof(struct config), &error), ASSAY_ERROR_ARGUMENT);
    broken[0] = table[1];
    assert_int_equal(option_check(broken, 12, &error), ASSAY_ERROR_INTERNAL); /* beyond the struct */
    struct option twice[3] = {table[1], table[1], {0}};
    assert_int_equal(option_check(twice, sizeof(struct config), &error), ASSAY_ERROR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_set),  cmocka_unit_test(test_texts),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_json), cmocka_unit_test(test_json_refused),
        cmocka_unit_test(test_format),   cmocka_unit_test(test_help), cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
