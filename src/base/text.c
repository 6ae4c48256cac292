/* text.c - printable names and the nearest known one (optimal string alignment distance). */
#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_COMPARED = 255 };

const char *text_printable(const char *text, char *out, size_t size)
{
    size_t length = 0;
    while (text[length] && length + 1 < size) {
        unsigned char c = (unsigned char)text[length];
        out[length++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
    }
    if (text[length] && length >= 4) {
        length -= 3;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) /* not within a UTF-8 character */
            length--;
        memcpy(out + length, "...", 3);
        length += 3;
    }
    if (size)
        out[length] = '\0';
    return out;
}

int text_utf8_length(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;
    int length = s[0] >= 0xC2 && s[0] <= 0xDF ? 2 : (s[0] & 0xF0) == 0xE0 ? 3 : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4 : 0;
    for (int i = 1; i < length; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    /* overlong forms, surrogates, and what lies beyond U+10FFFF */
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF0 && s[1] < 0x90) ||
        (s[0] == 0xF4 && s[1] > 0x8F))
        return 0;
    return length;
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t text_distance(const char *a, const char *b)
{
    while (*a && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    size_t n = strlen(a), m = strlen(b);
    while (n && m && lower(a[n - 1]) == lower(b[m - 1])) {
        n--;
        m--;
    }
    if (n > TEXT_COMPARED || m > TEXT_COMPARED)
        return n > m ? n : m;
    /* rows i - 2, i - 1 and i of the usual table */
    uint16_t rows[3][TEXT_COMPARED + 1];
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = (uint16_t)j;
    for (size_t i = 1; i <= n; i++) {
        uint16_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = (uint16_t)i;
        for (size_t j = 1; j <= m; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);
            size_t best = least(least(above[j], row[j - 1]) + 1u, above[j - 1] + (same ? 0u : 1u));
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
                best = least(best, above2[j - 2] + 1u);
            row[j] = (uint16_t)best;
        }
    }
    return rows[n % 3][m];
}

struct nearest nearest_to(const char *wanted)
{
    return (struct nearest){.wanted = wanted};
}

void nearest_offer(struct nearest *n, const char *known)
{
    /* near: a third of the letters may differ; or the one begins with the whole of the other ("epoch", "epochs-max") */
    size_t length = strlen(n->wanted), known_length = strlen(known), distance = text_distance(n->wanted, known);
    bool begins = length >= 3 && known_length >= 3 && strncmp(n->wanted, known, least(length, known_length)) == 0;
    size_t allowed = length / 3 > 1 ? length / 3 : 1;
    if (distance > allowed && !begins)
        return;
    int at = n->count;
    while (at > 0 && distance < n->distance[at - 1])
        at--;
    int most = (int)(sizeof n->name / sizeof n->name[0]);
    if (at >= most)
        return;
    if (n->count < most)
        n->count++;
    for (int i = n->count - 1; i > at; i--) {
        n->name[i] = n->name[i - 1];
        n->distance[i] = n->distance[i - 1];
    }
    n->name[at] = known;
    n->distance[at] = distance;
}

const char *nearest_text(const struct nearest *n, char text[TEXT_NEAREST])
{
    char name[TEXT_NAME];
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < n->count; i++) {
        const char *before = i == 0 ? "; did you mean " : i == n->count - 1 ? " or " : ", ";
        int length = snprintf(text + used, TEXT_NEAREST - used, "%s\"%s\"%s", before,
                              text_printable(n->name[i], name, sizeof name - 8), i == n->count - 1 ? "?" : "");
        if (length < 0 || (size_t)length >= TEXT_NEAREST - used)
            break;
        used += (size_t)length;
    }
    return text;
}
