/* fact.c - the tree of facts: adding within limits, finding, and showing what strangers wrote without doing what it
 * says. */
#include "provenance/fact.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* ---- Adding ---------------------------------------------------------------------------------------------------- */

static struct fact *take(struct fact_tree *tree)
{
    struct fact *fact = arena_alloc(tree->arena, 1, sizeof *fact);
    if (!fact)
        tree->no_memory = true;
    return fact;
}

void fact_tree_init(struct fact_tree *tree, struct arena *arena)
{
    *tree = (struct fact_tree){.arena = arena};
    tree->root = take(tree);
    if (tree->root)
        tree->root->name = "";
}

static struct fact *add(struct fact_tree *tree, struct fact *parent, const char *name, enum fact_kind kind)
{
    if (!parent || (parent->kind != FACT_GROUP && parent->kind != FACT_LIST))
        return NULL;
    if (tree->count >= FACT_MAX_COUNT || parent->depth >= FACT_MAX_DEPTH) {
        tree->full = true;
        return NULL;
    }
    size_t length = name ? strnlen(name, FACT_MAX_NAME) : 0;
    struct fact *fact = take(tree);
    const char *copy = fact && length ? arena_strndup(tree->arena, name, length) : "";
    if (!fact || !copy) {
        tree->no_memory = true;
        return NULL;
    }
    *fact = (struct fact){.name = copy, .kind = kind, .parent = parent, .depth = parent->depth + 1};
    if (parent->last)
        parent->last->next = fact;
    else
        parent->first = fact;
    parent->last = fact;
    tree->count++;
    return fact;
}

struct fact *fact_group(struct fact_tree *tree, struct fact *parent, const char *name)
{
    return add(tree, parent, name, FACT_GROUP);
}

struct fact *fact_list(struct fact_tree *tree, struct fact *parent, const char *name)
{
    return add(tree, parent, name, FACT_LIST);
}

struct fact *fact_text_n(struct fact_tree *tree, struct fact *parent, const char *name, const void *text, size_t size)
{
    if (!parent)
        return NULL;
    size_t kept = size < FACT_MAX_TEXT ? size : FACT_MAX_TEXT;
    if (kept > FACT_MAX_TEXTS - tree->text_bytes) {
        tree->full = true;
        return NULL;
    }
    char *copy = arena_alloc(tree->arena, kept + 1, 1);
    if (!copy) {
        tree->no_memory = true;
        return NULL;
    }
    if (kept)
        memcpy(copy, text, kept);
    struct fact *fact = add(tree, parent, name, FACT_TEXT);
    if (!fact)
        return NULL;
    fact->text = copy;
    fact->size = kept;
    tree->text_bytes += kept;
    if (kept < size && name && strcmp(parent->name, "problems") != 0)
        fact_problem(tree, parent, "%.64s has %zu bytes; it is cut after %zu", name, size, kept);
    return fact;
}

struct fact *fact_text(struct fact_tree *tree, struct fact *parent, const char *name, const char *text)
{
    return fact_text_n(tree, parent, name, text, strlen(text));
}

static struct fact *add_formatted(struct fact_tree *tree, struct fact *parent, const char *name, const char *format,
                                  va_list arguments)
{
    char text[1024];
    int length = vsnprintf(text, sizeof text, format, arguments);
    size_t size = length < 0 ? 0 : (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    return fact_text_n(tree, parent, name, text, size);
}

struct fact *fact_printf(struct fact_tree *tree, struct fact *parent, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct fact *fact = add_formatted(tree, parent, name, format, arguments);
    va_end(arguments);
    return fact;
}

struct fact *fact_integer(struct fact_tree *tree, struct fact *parent, const char *name, int64_t value)
{
    struct fact *fact = add(tree, parent, name, FACT_INTEGER);
    if (fact)
        fact->integer = value;
    return fact;
}

struct fact *fact_real(struct fact_tree *tree, struct fact *parent, const char *name, double value)
{
    struct fact *fact = add(tree, parent, name, FACT_REAL);
    if (fact)
        fact->real = value;
    return fact;
}

struct fact *fact_bool(struct fact_tree *tree, struct fact *parent, const char *name, bool value)
{
    struct fact *fact = add(tree, parent, name, FACT_BOOL);
    if (fact)
        fact->truth = value;
    return fact;
}

struct fact *fact_hex(struct fact_tree *tree, struct fact *parent, const char *name, const void *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * FACT_MAX_HEX + 4];
    size_t length = 0, shown = size < FACT_MAX_HEX ? size : FACT_MAX_HEX;
    for (size_t i = 0; i < shown; i++) {
        text[length++] = digits[((const uint8_t *)bytes)[i] >> 4];
        text[length++] = digits[((const uint8_t *)bytes)[i] & 15];
    }
    if (shown < size) {
        memcpy(text + length, "...", 3);
        length += 3;
    }
    return fact_text_n(tree, parent, name, text, length);
}

void fact_problem(struct fact_tree *tree, struct fact *parent, const char *format, ...)
{
    if (!parent)
        return;
    struct fact *list = parent->first;
    while (list && (list->kind != FACT_LIST || strcmp(list->name, "problems") != 0))
        list = list->next;
    if (!list)
        list = fact_list(tree, parent, "problems");
    va_list arguments;
    va_start(arguments, format);
    add_formatted(tree, list, NULL, format, arguments);
    va_end(arguments);
}

/* ---- Finding --------------------------------------------------------------------------------------------------- */

const struct fact *fact_find(const struct fact *fact, const char *path)
{
    while (fact && *path) {
        const char *slash = strchr(path, '/');
        size_t length = slash ? (size_t)(slash - path) : strlen(path);
        fact = fact->first;
        while (fact && (strlen(fact->name) != length || memcmp(fact->name, path, length) != 0))
            fact = fact->next;
        path += length + (slash ? 1 : 0);
    }
    return fact;
}

const char *fact_find_text(const struct fact *fact, const char *path)
{
    const struct fact *found = fact_find(fact, path);
    return found ? found->text : NULL;
}

/* ---- Lines ----------------------------------------------------------------------------------------------------- */

/* A character that is not shown as it is: controls (C0, DEL, C1), line and paragraph separators, marks that turn the
 * direction of writing, and the byte order mark. */
static bool is_unsafe(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200e && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static uint32_t code_point(const unsigned char *s, int length)
{
    static const unsigned char mask[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = s[0] & mask[length];
    for (int i = 1; i < length; i++)
        c = c << 6 | (s[i] & 0x3fu);
    return c;
}

bool fact_print_text(const char *text, size_t size, size_t max, struct array *out)
{
    size_t at = 0;
    bool fits = true;
    while (fits && at < size && at < max) {
        int length = text_utf8_length(text + at); /* stops at the NUL after the text */
        uint32_t c = length ? code_point((const unsigned char *)text + at, length) : 0;
        if (length && (size_t)length > size - at)
            length = 0;
        if (!length)
            fits = array_printf(out, "\\x%02X", (unsigned char)text[at]);
        else if (c == '\n')
            fits = array_append(out, "\\n", 2);
        else if (c == '\t')
            fits = array_append(out, "\\t", 2);
        else if (is_unsafe(c))
            fits = c < 0x80 ? array_printf(out, "\\x%02X", (unsigned)c) : array_printf(out, "\\u{%04X}", (unsigned)c);
        else
            fits = array_append(out, text + at, (size_t)length);
        at += length ? (size_t)length : 1;
    }
    return fits && (at >= size || array_printf(out, "... (%zu bytes)", size));
}

static bool print_value(const struct fact *fact, struct array *out)
{
    switch (fact->kind) {
    case FACT_TEXT: return fact_print_text(fact->text, fact->size, FACT_SHOWN_TEXT, out);
    case FACT_INTEGER: return array_printf(out, "%lld", (long long)fact->integer);
    case FACT_REAL: return array_printf(out, "%.9g", fact->real);
    case FACT_BOOL: return array_printf(out, "%s", fact->truth ? "yes" : "no");
    case FACT_GROUP:
    case FACT_LIST: return true;
    }
    return true;
}

bool fact_print(const struct fact *fact, int indent, struct array *out)
{
    bool fits = true;
    for (const struct fact *child = fact ? fact->first : NULL; child && fits; child = child->next) {
        bool holds = child->kind == FACT_GROUP || child->kind == FACT_LIST;
        bool item = fact->kind == FACT_LIST;
        fits = array_printf(out, "%*s", indent, "");
        if (fits && item)
            fits = array_append(out, holds ? "-" : "- ", holds ? 1 : 2);
        if (fits && !item)
            fits = fact_print_text(child->name, strlen(child->name), FACT_MAX_NAME, out) &&
                   array_append(out, ": ", holds ? 1 : 2);
        if (fits && holds && !child->first)
            fits = array_append(out, " (empty)", 8);
        fits = fits && print_value(child, out) && array_append(out, "\n", 1);
        if (fits && holds)
            fits = fact_print(child, indent + 2, out);
    }
    return fits;
}

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

static json_t *text_json(const char *text, size_t size)
{
    struct array copy = array_of(1, SIZE_MAX / 2);
    bool fits = true;
    size_t plain = 0; /* where the run of valid characters begins that was not copied yet */
    size_t at = 0;
    while (fits && at < size) {
        int length = text[at] ? text_utf8_length(text + at) : 1;
        if (length) {
            at += (size_t)length;
            continue;
        }
        fits = array_append(&copy, text + plain, at - plain) && array_append(&copy, "\xEF\xBF\xBD", 3);
        plain = ++at;
    }
    json_t *result = NULL;
    if (fits && plain == 0)
        result = json_stringn(text, size);
    else if (fits && array_append(&copy, text + plain, size - plain))
        result = json_stringn(copy.data, copy.count);
    array_free(&copy);
    return result;
}

/* Takes the reference of `value`. A second value under one key makes an array of both, a third goes on with it. */
static bool put(json_t *object, json_t *repeated, const char *key, json_t *value)
{
    json_t *there = json_object_get(object, key);
    if (!there)
        return json_object_set_new(object, key, value) == 0;
    if (json_object_get(repeated, key))
        return json_array_append_new(there, value) == 0;
    json_t *both = json_array();
    if (!both || json_array_append(both, there) || json_array_append_new(both, value)) {
        json_decref(both);
        return false;
    }
    return json_object_set_new(object, key, both) == 0 && json_object_set_new(repeated, key, json_true()) == 0;
}

static json_t *group_json(const struct fact *fact)
{
    json_t *object = json_object(), *repeated = json_object();
    bool fits = object && repeated;
    for (const struct fact *child = fact->first; child && fits; child = child->next) {
        json_t *key = text_json(child->name, strlen(child->name)), *value = fact_json(child);
        fits = key && value && put(object, repeated, json_string_value(key), json_incref(value));
        json_decref(key);
        json_decref(value);
    }
    json_decref(repeated);
    if (fits)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *list_json(const struct fact *fact)
{
    json_t *list = json_array();
    for (const struct fact *child = fact->first; child && list; child = child->next) {
        if (json_array_append_new(list, fact_json(child))) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

json_t *fact_json(const struct fact *fact)
{
    if (!fact)
        return NULL;
    switch (fact->kind) {
    case FACT_GROUP: return group_json(fact);
    case FACT_LIST: return list_json(fact);
    case FACT_TEXT: return text_json(fact->text, fact->size);
    case FACT_INTEGER: return json_integer(fact->integer);
    case FACT_REAL: return isfinite(fact->real) ? json_real(fact->real) : json_null();
    case FACT_BOOL: return json_boolean(fact->truth);
    }
    return NULL;
}
