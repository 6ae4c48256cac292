/* tokenizer_words.c - lower case, and the words of a text: by hand what the reference does with a regular
 * expression. */
#include <string.h>

#include "backbone/tokenizer_internal.h"
#include "backbone/unicode_table.h"

/* The character at `text` and how many bytes it has; 0: not UTF-8. */
static int decode(const char *text, uint32_t *out)
{
    const unsigned char *b = (const unsigned char *)text;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    int length = b[0] < 0x80                   ? 1
                 : b[0] >= 0xc2 && b[0] < 0xe0 ? 2
                 : b[0] >= 0xe0 && b[0] < 0xf0 ? 3
                 : b[0] < 0xf5                 ? 4
                                               : 0;
    if (b[0] >= 0x80 && b[0] < 0xc2)
        return 0;
    uint32_t c = length == 1 ? b[0] : length == 2 ? b[0] & 0x1f : length == 3 ? b[0] & 0x0f : b[0] & 0x07;
    for (int i = 1; i < length; i++) {
        if ((b[i] & 0xc0) != 0x80) /* the NUL at the end too */
            return 0;
        c = c << 6 | (b[i] & 0x3f);
    }
    if (c < least[length] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    *out = c;
    return length;
}

static int encode(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    int length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (int i = length - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((0xf00 >> length & 0xff) | c);
    return length;
}

static bool in_ranges(uint32_t c, const struct unicode_range *ranges, size_t count)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && c >= ranges[low].first;
}

enum character { LETTER, NUMBER, SPACE, OTHER };

static enum character classify(uint32_t c)
{
    if ((c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
        (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000)
        return SPACE;
    if (in_ranges(c, unicode_letters, sizeof unicode_letters / sizeof unicode_letters[0]))
        return LETTER;
    return in_ranges(c, unicode_numbers, sizeof unicode_numbers / sizeof unicode_numbers[0]) ? NUMBER : OTHER;
}

static uint32_t lower(uint32_t c)
{
    for (size_t i = 0; i < sizeof unicode_lower / sizeof unicode_lower[0] && unicode_lower[i].first <= c; i++)
        if (c <= unicode_lower[i].last && (c - unicode_lower[i].first) % (uint32_t)unicode_lower[i].step == 0)
            return (uint32_t)((int64_t)c + unicode_lower[i].difference);
    return c;
}

assay_status text_lower(const char *text, char *out, size_t size, struct assay_error *error)
{
    size_t used = 0;
    for (size_t at = 0; text[at];) {
        uint32_t c;
        int length = decode(text + at, &c);
        if (!length)
            return error_set(error, ASSAY_ERROR_ARGUMENT, "the text is not UTF-8 from byte %zu on", at);
        at += (size_t)length;
        char low[4];
        length = encode(lower(c), low);
        if (size - 1 - used < (size_t)length)
            return error_set(error, ASSAY_ERROR_LIMIT, "a text of more than %zu bytes", size - 1);
        memcpy(out + used, low, (size_t)length);
        used += (size_t)length;
    }
    out[used] = '\0';
    return ASSAY_OK;
}

bool text_next_word(const char **at, const char **word, size_t *length)
{
    static const char *const whole[] = {
        "<|startoftext|>", "<|endoftext|>", "'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    const char *text = *at;
    uint32_t c;
    int bytes;
    while ((bytes = *text ? decode(text, &c) : 0) > 0 && classify(c) == SPACE)
        text += bytes;
    *word = text;
    *at = text;
    if (!bytes)
        return false;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (strncmp(text, whole[i], strlen(whole[i])) == 0) {
            *length = strlen(whole[i]);
            *at = text + *length;
            return true;
        }
    enum character kind = classify(c);
    do {
        text += bytes;
        bytes = *text ? decode(text, &c) : 0;
    } while (kind != NUMBER && bytes && classify(c) == kind);
    *length = (size_t)(text - *word);
    *at = text;
    return true;
}
