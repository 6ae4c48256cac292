/* markup.c - escaping, UTF-8 that is checked, numbers without a locale. */
#include "eval/report/markup.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

struct markup markup_new(void)
{
    return (struct markup){.bytes = array_of(1, MARKUP_MAX_BYTES)};
}

void markup_free(struct markup *m)
{
    array_free(&m->bytes);
}

static void append(struct markup *m, const char *text, size_t length)
{
    if (!m->failed && !array_append(&m->bytes, text, length))
        m->failed = true;
}

void markup_raw(struct markup *m, const char *text)
{
    append(m, text, strlen(text));
}

void markup_printf(struct markup *m, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length < 0)
        m->failed = true;
    else if ((size_t)length < sizeof text)
        append(m, text, (size_t)length);
    else {
        char *longer = mem_alloc((size_t)length + 1, 1);
        if (longer) {
            va_start(args, format);
            vsnprintf(longer, (size_t)length + 1, format, args);
            va_end(args);
            append(m, longer, (size_t)length);
        } else
            m->failed = true;
        mem_free(longer);
    }
}

/* The bytes of the UTF-8 character at `text` (`left` bytes remain) and its number; 0: none begins here. */
static size_t decode(const unsigned char *text, size_t left, uint32_t *character)
{
    unsigned char c = text[0];
    size_t length = c < 0x80                 ? 1
                    : c >= 0xc2 && c <= 0xdf ? 2
                    : c >= 0xe0 && c <= 0xef ? 3
                    : c >= 0xf0 && c <= 0xf4 ? 4
                                             : 0;
    if (length == 0 || length > left)
        return 0;
    uint32_t value = length == 1 ? c : c & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (text[i] & 0x3fu);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *character = value;
    return length;
}

/* Characters that XML forbids, that show nothing, or that turn what follows around. */
static bool is_shown(uint32_t c)
{
    if (c < 0x20)
        return c == '\n' || c == '\t';
    return !((c >= 0x7f && c <= 0x9f) || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
             (c >= 0x2066 && c <= 0x2069) || c == 0x061c || c == 0xfeff || (c & 0xfffe) == 0xfffe);
}

/* The next character of a text as it is written; its bytes, at least 1. */
static size_t next(const char *text, size_t left, const char **written, size_t *length)
{
    uint32_t c = 0;
    size_t bytes = decode((const unsigned char *)text, left, &c);
    *written = text;
    *length = bytes;
    if (bytes == 0 || !is_shown(c)) {
        *written = REPLACEMENT;
        *length = sizeof REPLACEMENT - 1;
        return bytes ? bytes : 1;
    }
    const char *entity = c == '<'    ? "&lt;"
                         : c == '>'  ? "&gt;"
                         : c == '&'  ? "&amp;"
                         : c == '"'  ? "&quot;"
                         : c == '\'' ? "&#39;"
                                     : NULL;
    if (entity) {
        *written = entity;
        *length = strlen(entity);
    }
    return bytes;
}

void markup_text_n(struct markup *m, const char *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        const char *written;
        size_t bytes;
        at += next(text + at, length - at, &written, &bytes);
        append(m, written, bytes);
    }
}

void markup_text(struct markup *m, const char *text)
{
    markup_text_n(m, text, strlen(text));
}

size_t markup_characters(const char *text)
{
    size_t count = 0, length = strlen(text);
    for (size_t at = 0; at < length; count++) {
        const char *written;
        size_t bytes;
        at += next(text + at, length - at, &written, &bytes);
    }
    return count;
}

void markup_short(struct markup *m, const char *text, size_t characters)
{
    size_t total = markup_characters(text), length = strlen(text);
    if (total <= characters || characters < 3) {
        markup_text_n(m, text, length);
        return;
    }
    size_t head = (characters - 1) / 3, tail = characters - 1 - head, count = 0;
    for (size_t at = 0; at < length; count++) {
        const char *written;
        size_t bytes;
        at += next(text + at, length - at, &written, &bytes);
        if (count < head || count >= total - tail)
            append(m, written, bytes);
        else if (count == head)
            append(m, "\xe2\x80\xa6", 3); /* an ellipsis */
    }
}

const char *markup_number_text(double value, int decimals, char text[MARKUP_NUMBER])
{
    static const double power[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    static const int64_t whole[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};
    decimals = decimals < 0 ? 0 : decimals > 9 ? 9 : decimals;
    if (!isfinite(value) || fabs(value) * power[decimals] > 9e17) {
        snprintf(text, MARKUP_NUMBER, "-");
        return text;
    }
    int64_t scaled = (int64_t)llround(fabs(value) * power[decimals]);
    const char *sign = value < 0 && scaled != 0 ? "-" : "";
    if (decimals == 0)
        snprintf(text, MARKUP_NUMBER, "%s%lld", sign, (long long)scaled);
    else
        snprintf(text, MARKUP_NUMBER, "%s%lld.%0*lld", sign, (long long)(scaled / whole[decimals]), decimals,
                 (long long)(scaled % whole[decimals]));
    return text;
}

void markup_number(struct markup *m, double value, int decimals)
{
    char text[MARKUP_NUMBER];
    markup_raw(m, markup_number_text(value, decimals, text));
}

const char *markup_brief(double value, int decimals, char text[MARKUP_NUMBER])
{
    markup_number_text(value, decimals, text);
    if (strchr(text, '.')) {
        size_t length = strlen(text);
        while (text[length - 1] == '0')
            length--;
        if (text[length - 1] == '.')
            length--;
        text[length] = '\0';
    }
    return text;
}

void markup_count(struct markup *m, size_t count)
{
    char text[MARKUP_NUMBER];
    int length = snprintf(text, sizeof text, "%zu", count);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            markup_raw(m, "\xe2\x80\xaf"); /* U+202F, a narrow space that does not break */
        append(m, text + i, 1);
    }
}
