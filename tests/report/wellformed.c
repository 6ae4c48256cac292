/* wellformed.c - the reader: one pass, a stack of open elements, attributes and ids compared with those before. */
#include "wellformed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { DEPTH = 64, NAME = 64, IDS = 4096, ATTRIBUTES = 32 };

struct reader {
    const char *text, *at, *end;
    char open[DEPTH][NAME];
    int depth;
    const char *ids[IDS];
    size_t id_length[IDS];
    int id_count;
};

static void stop(const struct reader *r, const char *what)
{
    size_t left = (size_t)(r->end - r->at);
    fail_msg("byte %zu: %s before \"%.*s\"", (size_t)(r->at - r->text), what, (int)(left < 60 ? left : 60), r->at);
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == ':' ||
           c == '_';
}

static size_t read_name(struct reader *r, char name[NAME])
{
    size_t length = 0;
    while (r->at < r->end && is_name(*r->at) && length < NAME - 1)
        name[length++] = *r->at++;
    name[length] = '\0';
    if (length == 0)
        stop(r, "a name is missing");
    return length;
}

/* One character of content, which must be allowed. */
static void read_character(struct reader *r)
{
    unsigned char c = (unsigned char)*r->at;
    if (c == '&') {
        static const char *const known[] = {"&lt;", "&gt;", "&amp;", "&quot;", "&#39;"};
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (strncmp(r->at, known[i], strlen(known[i])) == 0) {
                r->at += strlen(known[i]);
                return;
            }
        stop(r, "an entity that is not known");
    }
    if (c == '<' || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
        stop(r, "a character that is not allowed");
    int more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : -1;
    if (more < 0 || r->end - r->at <= more)
        stop(r, "not UTF-8");
    for (int i = 1; i <= more; i++)
        if (((unsigned char)r->at[i] & 0xc0) != 0x80)
            stop(r, "not UTF-8");
    r->at += more + 1;
}

static void skip_space(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n'))
        r->at++;
}

static void keep_id(struct reader *r, const char *value, size_t length)
{
    for (int i = 0; i < r->id_count; i++)
        if (r->id_length[i] == length && memcmp(r->ids[i], value, length) == 0)
            stop(r, "an id for the second time");
    assert_true(r->id_count < IDS);
    r->ids[r->id_count] = value;
    r->id_length[r->id_count++] = length;
}

/* Whether text begins with one of the words; `whole`: is one of them. */
static bool is_one_of(const char *text, const char *const *words, size_t count, bool whole)
{
    for (size_t i = 0; i < count; i++)
        if (strncmp(text, words[i], strlen(words[i])) == 0 && (!whole || strlen(text) == strlen(words[i])))
            return true;
    return false;
}

/* What would run something or ask for something. */
static void check_attribute(const struct reader *r, const char *name, const char *value)
{
    static const char *const allowed[] = {"data:", "#"}, *const sources[] = {"src", "href", "xlink:href"};
    static const char *const forbidden[] = {"srcset", "action", "formaction", "data", "poster", "background", "ping"};
    if (strncmp(name, "on", 2) == 0 || is_one_of(name, forbidden, 7, true))
        stop(r, "an attribute that is not allowed");
    if (is_one_of(name, sources, 3, true) && !is_one_of(value, allowed, 2, false))
        stop(r, "an address outside the page");
}

static void check_element(const struct reader *r, const char *name)
{
    static const char *const forbidden[] = {"script", "iframe", "object", "embed", "base",
                                            "form",   "image",  "use",    "video", "audio"};
    if (is_one_of(name, forbidden, 10, true))
        stop(r, "an element that is not allowed");
}

/* True: the element has content. */
static bool read_attributes(struct reader *r)
{
    char names[ATTRIBUTES][NAME];
    for (int count = 0;; count++) {
        const char *before = r->at;
        skip_space(r);
        if (r->at < r->end && *r->at == '>') {
            r->at++;
            return true;
        }
        if (r->end - r->at >= 2 && r->at[0] == '/' && r->at[1] == '>') {
            r->at += 2;
            return false;
        }
        if (before == r->at || count == ATTRIBUTES)
            stop(r, "a tag that does not end");
        read_name(r, names[count]);
        for (int i = 0; i < count; i++)
            if (strcmp(names[i], names[count]) == 0)
                stop(r, "an attribute for the second time");
        if (r->end - r->at < 2 || r->at[0] != '=' || r->at[1] != '"')
            stop(r, "an attribute without a quoted value");
        r->at += 2;
        const char *value = r->at;
        check_attribute(r, names[count], value);
        while (r->at < r->end && *r->at != '"')
            read_character(r);
        if (strcmp(names[count], "id") == 0)
            keep_id(r, value, (size_t)(r->at - value));
        if (r->at == r->end)
            stop(r, "a value that does not end");
        r->at++;
    }
}

static void read_tag(struct reader *r)
{
    char name[NAME];
    r->at++;
    if (r->at < r->end && *r->at == '/') {
        r->at++;
        read_name(r, name);
        if (r->depth == 0 || strcmp(r->open[r->depth - 1], name) != 0)
            stop(r, "closes what is not open");
        r->depth--;
        if (r->at == r->end || *r->at != '>')
            stop(r, "a tag that does not end");
        r->at++;
        return;
    }
    read_name(r, name);
    check_element(r, name);
    if (!read_attributes(r))
        return;
    if (strcmp(name, "style") == 0) {
        const char *close = strstr(r->at, "</style>");
        if (!close)
            stop(r, "a style that does not end");
        for (; r->at < close; r->at++)
            if (strncmp(r->at, "url(", 4) == 0 || strncmp(r->at, "@import", 7) == 0)
                stop(r, "an address in a style");
        r->at = close + strlen("</style>");
        return;
    }
    if (r->depth == DEPTH)
        stop(r, "too deep");
    memcpy(r->open[r->depth++], name, NAME);
}

void assert_wellformed(const char *text, size_t length)
{
    static struct reader r;
    r = (struct reader){.text = text, .at = text, .end = text + length};
    assert_int_equal(strlen(text), length);
    if (strncmp(text, "<!DOCTYPE html>", 15) == 0)
        r.at += 15;
    while (r.at < r.end) {
        if (*r.at == '<')
            read_tag(&r);
        else
            read_character(&r);
    }
    if (r.depth)
        fail_msg("<%s> is never closed", r.open[r.depth - 1]);
}

size_t occurrences(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
        count++;
    return count;
}
