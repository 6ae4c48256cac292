/* words_json.c - JSON that strangers wrote, most of them in Python: bounded before it is parsed. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "provenance/words_internal.h"

enum { LONGEST_INTEGER = 18 }; /* digits that fit into jansson's integers for certain */

/* How far the reading of a text is that becomes JSON which jansson accepts. */
struct cleaner {
    const char *text;
    size_t size, at;
    struct array out;
    size_t depth, values;
    bool no_memory;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A string with its quotes; line breaks and other controls, which JSON forbids within, become spaces. */
static bool clean_string(struct cleaner *c)
{
    size_t begin = c->at++;
    while (c->at < c->size && c->text[c->at] != '"')
        c->at += c->text[c->at] == '\\' && c->at + 1 < c->size ? 2 : 1;
    if (c->at >= c->size)
        return false;
    c->at++;
    size_t first = c->out.count;
    if (!array_append(&c->out, c->text + begin, c->at - begin)) {
        c->no_memory = true;
        return false;
    }
    char *copy = (char *)c->out.data + first;
    for (size_t i = 0; i < c->at - begin; i++)
        if ((unsigned char)copy[i] < 0x20)
            copy[i] = ' ';
    return true;
}

static bool clean_number(struct cleaner *c)
{
    size_t begin = c->at;
    bool integer = true;
    if (c->text[c->at] == '-')
        c->at++;
    if (c->at < c->size && c->text[c->at] == 'I') { /* -Infinity */
        while (c->at < c->size && is_letter(c->text[c->at]))
            c->at++;
        return array_append(&c->out, "null", 4);
    }
    for (; c->at < c->size && (is_digit(c->text[c->at]) || strchr("+-.eE", c->text[c->at])); c->at++)
        integer = integer && is_digit(c->text[c->at]);
    size_t length = c->at - begin;
    if (!integer || length <= LONGEST_INTEGER)
        return array_append(&c->out, c->text + begin, length);
    return array_append(&c->out, "\"", 1) && array_append(&c->out, c->text + begin, length) &&
           array_append(&c->out, "\"", 1);
}

/* true, false, null; NaN and Infinity become null. */
static bool clean_word(struct cleaner *c)
{
    size_t begin = c->at;
    while (c->at < c->size && is_letter(c->text[c->at]))
        c->at++;
    size_t length = c->at - begin;
    const char *word = c->text + begin;
    if ((length == 3 && memcmp(word, "NaN", 3) == 0) || (length == 8 && memcmp(word, "Infinity", 8) == 0))
        return array_append(&c->out, "null", 4);
    return array_append(&c->out, word, length);
}

/* Copies the text, cleaned; NULL, or what is wrong with it. */
static const char *clean(struct cleaner *c)
{
    while (c->at < c->size) {
        char next = c->text[c->at];
        bool fits = true;
        if (next == '"') {
            fits = clean_string(c);
            if (!fits && !c->no_memory)
                return "the JSON ends within a string";
            c->values++;
        } else if (is_digit(next) || next == '-') {
            fits = clean_number(c);
            c->values++;
        } else if (is_letter(next)) {
            fits = clean_word(c);
            c->values++;
        } else {
            if (next == '{' || next == '[') {
                c->values++;
                if (++c->depth > WORDS_MAX_JSON_DEPTH)
                    return "the JSON nests too deep";
            } else if ((next == '}' || next == ']') && c->depth > 0) {
                c->depth--;
            }
            fits = array_append(&c->out, &next, 1);
            c->at++;
        }
        if (!fits) { /* the array's maximum is beyond what a text can become */
            c->no_memory = true;
            return "out of memory";
        }
        if (c->values > WORDS_MAX_JSON_VALUES)
            return "the JSON has too many values";
    }
    return NULL;
}

void words_json_parse(struct words_set *set, struct words_text *text)
{
    const char *begin = text->text, *end = begin + text->size;
    if (words_begins(begin, "prompt:") || words_begins(begin, "workflow:"))
        begin = strchr(begin, ':') + 1;
    while (begin < end && (*begin == ' ' || (*begin >= '\t' && *begin <= '\r')))
        begin++;
    if (begin == end || *begin != '{')
        return;
    struct cleaner c = {.text = begin, .size = (size_t)(end - begin), .values = set->json_values};
    c.out = array_of(1, 3 * (size_t)WORDS_MAX_TEXT);
    text->problem = clean(&c);
    set->json_values = c.values;
    set->no_memory = set->no_memory || c.no_memory;
    if (!text->problem) {
        json_error_t error;
        text->json = json_loadb(c.out.data, c.out.count, JSON_ALLOW_NUL, &error);
        if (!text->json) {
            text->problem = arena_printf(set->arena, "the JSON is damaged: %.160s", error.text);
            if (!text->problem)
                set->no_memory = true;
        }
    }
    array_free(&c.out);
}

const char *words_json_text(struct words_set *set, const json_t *value)
{
    char number[40];
    if (json_is_string(value)) {
        size_t size = json_string_length(value);
        const char *copy = words_copy(set, json_string_value(value), size);
        return copy;
    }
    if (json_is_integer(value))
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        snprintf(number, sizeof number, "%.12g", json_real_value(value));
    else if (json_is_boolean(value))
        return json_is_true(value) ? "true" : "false";
    else
        return NULL;
    return words_copy(set, number, strlen(number));
}

const char *words_json_get(struct words_set *set, const json_t *object, const char *key)
{
    return words_json_text(set, json_object_get(object, key));
}

void words_json_settings(struct words_set *set, struct words *words, const json_t *object, const char *const *known)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        bool skip = false;
        for (const char *const *k = known; *k && !skip; k++)
            skip = strcmp(*k, key) == 0;
        if (!skip)
            words_setting(set, words, key, words_json_text(set, value));
    }
}
